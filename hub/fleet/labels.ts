/**
 * Labels of gateways, and selectors over them: `{ label: value or [values] }`, all of which must fit; `{}` fits every gateway.
 *
 * A gateway's labels are those of its own file, then those set at the hub, then the built-in ones, which nobody sets here: `gateway`, `facility`,
 * `vehicle`.
 */
import { nearest } from '../../protocols/config/checked-yaml.ts';
import { BUILT_IN_LABELS, LABEL_NAME, LABEL_VALUE, MAX_LABELS } from '../../protocols/fleet/labels.ts';
import type { SqlValue } from '../store/store.ts';

export type Labels = Readonly<Record<string, string>>;
export type Selector = Readonly<Record<string, string | readonly string[]>>;

export function isLabelValue(value: unknown): value is string {
  return typeof value === 'string' && LABEL_VALUE.test(value);
}

/** Those of a status that can be kept. */
export function cleanLabels(labels: unknown): Labels {
  if (typeof labels !== 'object' || labels === null) return {};
  const entries = Object.entries(labels).filter(([name, value]) => LABEL_NAME.test(name) && isLabelValue(value));
  return Object.fromEntries(entries.slice(0, MAX_LABELS + BUILT_IN_LABELS.length));
}

export function matches(selector: Selector, labels: Labels): boolean {
  return Object.entries(selector).every(([name, wanted]) => valuesOf(wanted).includes(labels[name] ?? ''));
}

export function valuesOf(wanted: string | readonly string[]): readonly string[] {
  return typeof wanted === 'string' ? [wanted] : wanted;
}

/** The same as `matches`, as a condition on `labels` of fleet_gateways; `place` notes a parameter and gives its name. */
export function selectorSql(selector: Selector, place: (value: SqlValue) => string): string {
  const clauses = Object.entries(selector).map(([name, wanted]) => {
    const any = valuesOf(wanted).map((value) => `labels @> ${place(JSON.stringify({ [name]: value }))}::jsonb`);
    return any.length === 0 ? 'false' : `(${any.join(' or ')})`;
  });
  return clauses.length === 0 ? 'true' : clauses.join(' and ');
}

/** What was probably meant by a selector that fits nothing, from the labels that gateways have: name → values. */
export function proposeSelector(selector: Selector, known: ReadonlyMap<string, readonly string[]>): string {
  if (known.size === 0) return 'no gateway has been heard yet; with "allowEmpty": true the profile waits for them';
  const wrong = Object.entries(selector).flatMap(([name, wanted]) => {
    const values = known.get(name);
    if (!values) {
      const near = nearest(name, known.keys());
      const names = [...known.keys()].slice(0, SHOWN).join(', ');
      return [
        `no gateway has a label '${name}': ${near === undefined ? `there are ${names}` : `did you mean '${near}'?`}`,
      ];
    }
    const strange = valuesOf(wanted).filter((value) => !values.includes(value));
    return strange.map((value) => {
      const near = nearest(value, values);
      const shown = values.slice(0, SHOWN).join(', ');
      return `no gateway has ${name}=${value}: ${near === undefined ? `there are ${shown}` : `did you mean '${near}'?`}`;
    });
  });
  const said = wrong.length > 0 ? wrong : ['each label exists, but no gateway has all of them: leave one out'];
  return `${said.join('; ')}; with "allowEmpty": true the profile waits for gateways to come`;
}

const SHOWN = 8;
