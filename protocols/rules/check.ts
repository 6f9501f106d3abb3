/**
 * Rules as people or programs write them → Rule[], or every problem with where, what and why, and what would be right.
 *
 * A number may carry its unit (`high: 46.4 °F`); a bare one is in the quantity's own. A duration carries its unit (`dwell: 30s`) or is a number
 * of milliseconds under the name that says so (`dwellMs: 30000`). Names of Rule are valid wherever people write a shorter one. Never throws.
 */
import { suggest } from '../config/checked-yaml.ts';
import { durationMs, formatDuration } from '../config/units.ts';
import { ALERT_SEVERITIES } from '../uplink/model.ts';
import { contradictionsOf } from './contradictions.ts';
import { measure, QUANTITIES, withUnit } from './quantities.ts';
import { type Fields, isFields, type Report, reportUnknown, show } from './report.ts';
import type { Problem, Rule, RuleKind } from './rule.ts';
import { type Field, KIND_FIELDS, numberIn, RULE_KINDS } from './rule-fields.ts';
import { checkShape, formatShape } from './shape.ts';

export { QUANTITIES } from './quantities.ts';

type Path = Problem['path'];

const MOST_RULES = 500;
const LONGEST_MS = 366 * 86_400_000;
const ID = /^[a-z0-9]+(-[a-z0-9]+)*$/;
const LONGEST_ID = 63;
const PATTERN = /^(zone:)?[A-Za-z0-9*][A-Za-z0-9*._:/-]*$/;
const LONGEST_PATTERN = 127;

/** Rules with problems are not among `rules`. */
export function checkRules(input: unknown, path: Path = []): { rules: Rule[]; problems: Problem[] } {
  const problems: Problem[] = [];
  const report: Report = (at, problem) => problems.push({ path: [...path, ...at], ...problem });
  if (!Array.isArray(input)) {
    const proposal = 'a list with an entry for each rule';
    report([], { code: 'rule-list', message: 'rules are a list', proposal });
    return { rules: [], problems };
  }
  if (input.length > MOST_RULES) {
    const message = `${input.length} rules: at most ${MOST_RULES} are possible`;
    report([], { code: 'rule-too-many', message, proposal: 'a pattern (cooler-*) watches many devices with one rule' });
    return { rules: [], problems };
  }
  const rules: Rule[] = [];
  const seen = new Map<string, number>();
  for (const [index, each] of input.entries()) {
    const before = problems.length;
    const rule = checkRule(each, (at, problem) => report([index, ...at], problem));
    const id = (each as { id?: unknown } | null)?.id;
    const earlier = typeof id === 'string' ? seen.get(id) : undefined;
    if (earlier !== undefined) {
      const message = `'${String(id)}' is the id of rule ${earlier + 1} already`;
      report([index, 'id'], { code: 'rule-id-taken', message, proposal: `another id, for example '${String(id)}-2'` });
    } else if (typeof id === 'string') seen.set(id, index);
    if (rule && problems.length === before) rules.push(rule);
  }
  return { rules, problems };
}

/** As people write it; checkRules gives the same rule back. */
export function formatRule(rule: Rule): Record<string, unknown> {
  const written: Record<string, unknown> = { id: rule.id, kind: rule.kind };
  if ('target' in rule) written.target = { ...rule.target };
  else if ('device' in rule) written.device = rule.device;
  else {
    written.shape = formatShape(rule.shape);
    written.alertWhen = rule.alertWhen;
  }
  for (const field of KIND_FIELDS[rule.kind].fields) {
    const value = numberIn(rule, field);
    if (value === undefined) continue;
    const unit = field.unit ?? ('target' in rule ? (QUANTITIES[rule.target.quantity]?.unit ?? '') : '');
    if (field.is === 'duration') written[field.written] = formatDuration(value);
    else written[field.written] = field.is === 'perMinute' ? `${value} ${unit}/min` : withUnit(value, unit);
  }
  written.severity = rule.severity;
  return written;
}

function checkRule(input: unknown, report: Report): Rule | undefined {
  if (!isFields(input)) {
    const proposal =
      "for example { id: too-warm, kind: limit, target: { device: 'cooler-*', quantity: temperatureCelsius }, high: 8 }";
    report([], { code: 'rule-shape', message: 'a rule is a map of names to values', proposal });
    return undefined;
  }
  const { id, kind, severity = 'warning' } = input;
  if (typeof id !== 'string' || !ID.test(id) || id.length > LONGEST_ID) {
    const message = `${show(id)} is no id: lower-case letters, digits and single dashes between them, at most ${LONGEST_ID}`;
    report(['id'], { code: 'rule-id', message, proposal: `'${kebab(id)}'` });
  }
  if (!ALERT_SEVERITIES.some((each) => each === severity)) {
    const message = `${show(severity)} is no severity`;
    report(['severity'], { code: 'rule-choice', message, proposal: suggest(String(severity), ALERT_SEVERITIES) });
  }
  if (!RULE_KINDS.some((each) => each === kind)) {
    const message = `${show(kind)} is no kind of rule`;
    report(['kind'], { code: 'rule-kind', message, proposal: suggest(String(kind), RULE_KINDS) });
    return undefined;
  }
  return checkKind(input, kind as RuleKind, report);
}

function checkKind(input: Fields, kind: RuleKind, tell: Report): Rule | undefined {
  let isGood = true;
  const report: Report = (path, problem) => {
    isGood = false;
    tell(path, problem);
  };
  const { of, fields } = KIND_FIELDS[kind];
  reportUnknown(input, keysOf(kind), { at: [], report });
  const rule: Record<string, unknown> = { id: input.id, kind, severity: input.severity ?? 'warning' };
  let unit: string | undefined = '';
  if (of === 'target') {
    const target = checkTarget(input.target, kind, report);
    rule.target = target;
    // Of a quantity that is not known, the unit is not either: one problem is enough.
    unit = target ? QUANTITIES[target.quantity]?.unit : undefined;
  } else if (of === 'device') rule.device = checkPattern(input.device, ['device'], report);
  else {
    rule.shape = checkShape(input.shape, report);
    rule.alertWhen = checkSide(input.alertWhen, report);
  }
  for (const field of fields) {
    const value = checkField(input, field, { unit: field.unit ?? unit, report });
    if (value !== undefined) rule[field.name] = value;
  }
  const isComplete = [...fields.filter(({ optional }) => !optional).map(({ name }) => name), of].every(
    (name) => rule[name] !== undefined,
  );
  if (!isComplete) return undefined;
  // All that its kind needs is there, of the right type.
  const checked = rule as unknown as Rule;
  // One fault is enough: a limit that cannot be read is not missing.
  if (isGood) contradictionsOf(checked, report);
  return checked;
}

function keysOf(kind: RuleKind): string[] {
  const { of, fields } = KIND_FIELDS[kind];
  const named = fields.flatMap(({ name, written }) => (name === written ? [name] : [written, name]));
  return ['id', 'kind', 'severity', of, ...(of === 'shape' ? ['alertWhen'] : []), ...named];
}

function checkTarget(input: unknown, kind: RuleKind, report: Report): { device: string; quantity: string } | undefined {
  if (!isFields(input)) {
    const proposal = "target: { device: 'cooler-*', quantity: temperatureCelsius }";
    report(['target'], { code: 'rule-missing', message: "a target with 'device' and 'quantity' is needed", proposal });
    return undefined;
  }
  reportUnknown(input, ['device', 'quantity'], { at: ['target'], report });
  const device = checkPattern(input.device, ['target', 'device'], report);
  const only = kind === 'mean-kinetic-temperature' ? 'temperatureCelsius' : undefined;
  const { quantity = only } = input;
  const names = only === undefined ? Object.keys(QUANTITIES) : [only];
  if (typeof quantity !== 'string' || !names.includes(quantity)) {
    const message = `${show(quantity)} is no quantity that such a rule can watch`;
    report(['target', 'quantity'], { code: 'rule-quantity', message, proposal: suggest(String(quantity), names) });
    return undefined;
  }
  return device === undefined ? undefined : { device, quantity };
}

function checkPattern(input: unknown, path: Path, report: Report): string | undefined {
  if (typeof input === 'string' && PATTERN.test(input) && input.length <= LONGEST_PATTERN && !input.includes('**')) {
    return input;
  }
  const message =
    input === undefined
      ? 'which device is watched is missing'
      : `${show(input)} is no device and no pattern: a device's id, in which '*' may stand for any characters`;
  report(path, {
    code: input === undefined ? 'rule-missing' : 'rule-device',
    message,
    proposal: "a device's id, 'cooler-*' for all that begin so, 'zone:cold-store' for a zone, '*' for all",
  });
  return undefined;
}

function checkSide(input: unknown, report: Report): 'inside' | 'outside' | undefined {
  if (input === 'inside' || input === 'outside') return input;
  const message = input === undefined ? "'alertWhen' is missing" : `${show(input)} is neither 'inside' nor 'outside'`;
  report(['alertWhen'], {
    code: input === undefined ? 'rule-missing' : 'rule-choice',
    message,
    proposal: "'outside' to be told when the area is left, 'inside' when it is entered",
  });
  return undefined;
}

function checkField(input: Fields, field: Field, at: { unit: string | undefined; report: Report }): number | undefined {
  const { name, written, is, range, fallback, optional } = field;
  const key = input[name] !== undefined && input[written] === undefined ? name : written;
  const value = input[key];
  if (key !== name && input[name] !== undefined) {
    at.report([name], { code: 'rule-twice', message: `'${written}' says the same`, proposal: `'${written}' alone` });
  }
  if (value === undefined || value === null) {
    if (fallback !== undefined || optional) return fallback;
    const example = is === 'duration' ? '10min' : 'a number with its unit';
    at.report([], { code: 'rule-missing', message: `'${written}' is missing`, proposal: `${written}: ${example}` });
    return undefined;
  }
  const number =
    is === 'duration'
      ? readDuration(value, { key, field, report: at.report })
      : readNumber(value, { key, field, ...at });
  if (number === undefined) return undefined;
  const isTooSmall = (range === 'above-zero' && number <= 0) || (range === 'zero-or-more' && number < 0);
  const isTooLong = is === 'duration' && number > LONGEST_MS;
  if (!isTooSmall && !isTooLong) return number;
  const message = `'${written}' is ${show(value)}, but has to be ${isTooLong ? 'at most 366 days' : range === 'above-zero' ? 'above zero' : 'zero or more'}`;
  const proposal = isTooLong ? `${written}: 366d` : 'a greater number';
  at.report([key], { code: 'rule-range', message, proposal });
  return undefined;
}

function readDuration(value: unknown, at: { key: string; field: Field; report: Report }): number | undefined {
  const { key, field, report } = at;
  if (typeof value === 'number' && key === field.name && Number.isFinite(value)) return value;
  const read = durationMs.safeParse(value);
  if (typeof value === 'string' && read.success) return read.data;
  const isBare = typeof value === 'number' && Number.isFinite(value);
  report([key], {
    code: 'rule-unit',
    message: isBare ? `${value} of what? A duration carries its unit` : `${show(value)} is no duration`,
    proposal: isBare ? `'${value}s', '${value}min' or '${value}h'` : '500ms, 30s, 5min, 2h or 1d',
  });
  return undefined;
}

function readNumber(
  value: unknown,
  at: { key: string; field: Field; unit: string | undefined; report: Report },
): number | undefined {
  const { key, field, unit, report } = at;
  if (unit === undefined) return undefined;
  const of = field.is === 'duration' ? 'value' : field.is;
  const read = measure(value, unit, of);
  if ('value' in read) return read.value;
  const possible = read.units.length > 0 ? `a number in ${read.units.join(', ')}` : 'a number without unit';
  report([key], {
    code: read.fault === 'unit' ? 'rule-unit' : 'rule-number',
    message:
      read.fault === 'unit'
        ? `${show(value)}: the unit '${read.unit ?? ''}' does not fit '${field.written}'`
        : `${show(value)} is no number`,
    proposal: possible,
  });
  return undefined;
}

function kebab(value: unknown): string {
  const text = typeof value === 'string' ? value : '';
  const words = text.toLowerCase().match(/[a-z0-9]+/g) ?? ['too-warm'];
  return words.join('-').slice(0, LONGEST_ID);
}
