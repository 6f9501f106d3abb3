/** Read points and rates of a profile: rows by the name of what they are for. */
import { element } from '../dom.js';
import { checkField, choiceField, durationField, numberField, textField } from '../fields.js';
import { IDENTITY_SCHEMES, QUANTITIES } from '../model.js';

const quantities = Object.entries(QUANTITIES).map(([name, { label, unit }]) => [
  name,
  unit ? `${label} (${unit})` : label,
]);

/** A list of named parts; `read` gives them by name. */
class NamedParts {
  #rows = element('div', { class: 'parts' });
  #parts = new Set();

  constructor({ title, hint, add, values, make, changed }) {
    for (const [name, value] of Object.entries(values)) this.#add(make(name, value), changed);
    const button = element('button', { type: 'button', class: 'button small' }, add);
    button.addEventListener('click', () => {
      this.#add(make('', {}), changed).name.input.focus();
      changed();
    });
    this.node = element('div', {}, element('h3', {}, title), element('p', { class: 'hint' }, hint), this.#rows, button);
    this.#rows.addEventListener('input', changed);
  }

  get size() {
    return this.#parts.size;
  }

  read() {
    const named = [...this.#parts].map((part) => [part.name.read(), part.read()]);
    return Object.fromEntries(named.filter(([name]) => name !== ''));
  }

  clearProblems() {
    for (const { problem } of this.#parts) problem.textContent = '';
  }

  /** @returns what can be focused, when there is such a part */
  complain(name, text) {
    const part = [...this.#parts].find((one) => one.name.read() === name);
    if (!part) return undefined;
    part.problem.textContent = [part.problem.textContent, text].filter(Boolean).join(' · ');
    return part.name.input;
  }

  #add(part, changed) {
    part.problem = element('p', { class: 'problem' });
    const remove = element('button', { type: 'button', class: 'button small danger' }, 'Remove');
    const row = element(
      'fieldset',
      { class: 'part' },
      element('legend', { class: 'unseen' }, part.title),
      part.content,
      part.problem,
      remove,
    );
    remove.addEventListener('click', () => {
      this.#parts.delete(part);
      row.remove();
      changed();
      this.node.querySelector(':scope > button').focus();
    });
    this.#parts.add(part);
    this.#rows.append(row);
    return part;
  }
}

export function readPointParts(values, changed) {
  return new NamedParts({
    title: 'Read points',
    hint: 'What is left empty stays as it is in the gateway’s own file.',
    add: 'Add read point',
    values,
    changed,
    make(id, { scanWindowMs, tagDepartedAfterMs, identities = [] }) {
      const adaptive = tagDepartedAfterMs === 'adaptive';
      const name = textField({ label: 'Read point', value: id, required: true });
      const scan = durationField({ label: 'One scan counts once within', value: scanWindowMs, smallest: 'ms' });
      const gone = durationField({
        label: 'A tag is gone after',
        value: adaptive ? undefined : tagDepartedAfterMs,
        smallest: 'ms',
      });
      const adapts = checkField({ label: 'after a time that adapts', value: adaptive });
      const schemes = IDENTITY_SCHEMES.map((scheme) => ({
        scheme,
        field: checkField({ label: scheme, value: identities.includes(scheme) }),
      }));
      const read = () => {
        const chosen = schemes.filter(({ field }) => field.read()).map(({ scheme }) => scheme);
        const departed = adapts.read() ? 'adaptive' : gone.read();
        return {
          ...(scan.read() !== undefined && { scanWindowMs: scan.read() }),
          ...(departed !== undefined && { tagDepartedAfterMs: departed }),
          ...(chosen.length > 0 && { identities: chosen }),
        };
      };
      const identityBox = element(
        'details',
        {},
        element('summary', {}, 'Identities that a label may have'),
        element(
          'div',
          { class: 'checks' },
          schemes.map(({ field }) => field.node),
        ),
      );
      return {
        title: 'Read point',
        name,
        read,
        content: [element('div', { class: 'fields' }, name.node, scan.node, gone.node, adapts.node), identityBox],
      };
    },
  });
}

export function rateParts(values, changed) {
  return new NamedParts({
    title: 'Rates',
    hint: 'How often a device tells of its values, and options of its driver, as in the gateway’s file.',
    add: 'Add device',
    values,
    changed,
    make(id, { changes = [], options = {} }) {
      const name = textField({ label: 'Device', value: id, required: true });
      const rows = element('div', { class: 'parts' });
      const told = new Set();
      const addChange = ({ quantity = 'temperatureCelsius', deadband = 0.1, maxIntervalMs = 60_000 } = {}) => {
        const what = choiceField({ label: 'Quantity', value: quantity, options: quantities });
        const band = numberField({
          label: 'When it changes by',
          value: deadband,
          unit: QUANTITIES[quantity]?.unit,
          min: 0,
        });
        const every = durationField({ label: 'At least every', value: maxIntervalMs });
        what.node.addEventListener('input', () => {
          band.node.querySelector('.unit').textContent = QUANTITIES[what.read()]?.unit ?? '';
        });
        const change = () => ({
          quantity: what.read(),
          deadband: band.read() ?? 0,
          maxIntervalMs: every.read() ?? 60_000,
        });
        const remove = element('button', { type: 'button', class: 'button small' }, 'Remove value');
        const row = element(
          'div',
          { class: 'fields' },
          what.node,
          band.node,
          every.node,
          element('div', { class: 'end' }, remove),
        );
        remove.addEventListener('click', () => {
          told.delete(change);
          row.remove();
          changed();
          name.input.focus();
        });
        told.add(change);
        rows.append(row);
      };
      for (const change of changes) addChange(change);
      const more = element('button', { type: 'button', class: 'button small' }, 'Add value');
      more.addEventListener('click', () => {
        addChange();
        changed();
      });
      const interval = textField({
        label: 'Interval of the driver',
        value: options.interval ?? '',
        hint: 'For example 5s',
      });
      const read = () => {
        const { interval: _before, ...others } = options;
        const driver = { ...others, ...(interval.read() !== '' && { interval: interval.read() }) };
        return {
          ...(told.size > 0 && { changes: [...told].map((change) => change()) }),
          ...(Object.keys(driver).length > 0 && { options: driver }),
        };
      };
      return {
        title: 'Device',
        name,
        read,
        content: [element('div', { class: 'fields' }, name.node, interval.node), rows, more],
      };
    },
  });
}
