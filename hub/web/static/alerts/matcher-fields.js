/** Which incidents: fields that silences and subscriptions share. Text may hold `*`. */
import { element } from '../dom.js';
import { textField } from '../fields.js';
import { LabelRows } from '../fleet/label-rows.js';

const FIELDS = [
  ['gateway', 'Gateway'],
  ['vehicle', 'Vehicle'],
  ['facility', 'Facility'],
  ['readPoint', 'Read point'],
  ['rule', 'Rule'],
];

export class MatcherFields {
  #fields;
  #labels;

  constructor(matcher = {}) {
    this.#fields = FIELDS.map(([name, label]) => [
      name,
      textField({ label, value: [matcher[name] ?? ''].flat().join(', '), placeholder: 'any' }),
    ]);
    this.#labels = new LabelRows(matcher.labels ?? {}, { several: true });
    this.node = element(
      'div',
      { class: 'matcher' },
      element(
        'div',
        { class: 'fields' },
        this.#fields.map(([, { node }]) => node),
      ),
      element('h3', {}, 'Labels of the gateway'),
      this.#labels.node,
    );
  }

  read() {
    const entries = this.#fields.flatMap(([name, field]) => {
      const values = field
        .read()
        .split(',')
        .map((one) => one.trim())
        .filter(Boolean);
      return values.length === 0 ? [] : [[name, values.length === 1 ? values[0] : values]];
    });
    const labels = this.#labels.read();
    return { ...Object.fromEntries(entries), ...(Object.keys(labels).length > 0 && { labels }) };
  }
}

/** `vehicle VAN-7, zone north`; nothing given: everything. */
export function sayMatcher({ labels = {}, ...rest } = {}) {
  const names = { readPoint: 'read point' };
  const said = [...Object.entries(rest), ...Object.entries(labels)]
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${names[name] ?? name} ${[value].flat().join(' or ')}`);
  return said.join(', ') || 'everything';
}
