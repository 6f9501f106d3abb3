/**
 * Settings as people or programs write them → Settings, or every problem with where, what and why, and what would be right.
 *
 * A duration is text with its unit (`scanWindow: 3s`) or a number of milliseconds under the name that says so (`scanWindowMs: 3000`). Unknown
 * keys are problems: a gateway that would pass over one would run half of what was meant.
 */
import { IDENTITY_SCHEMES } from '../barcode/package-id.ts';
import { suggest } from '../config/checked-yaml.ts';
import { durationMs, formatDuration } from '../config/units.ts';
import { checkRules, formatRule } from '../rules/check.ts';
import { QUANTITIES } from '../rules/quantities.ts';
import { isFields, show } from '../rules/report.ts';
import type { Problem } from '../rules/rule.ts';
import type { RateSettings, ReadPointSettings, Settings } from './settings.ts';

type Path = Problem['path'];
type Fields = Readonly<Record<string, unknown>>;

/** Read points, devices: more than a box has. */
const MOST_NAMES = 1000;
const MOST_CHANGES = 64;
const LONGEST_MS = 366 * 86_400_000;

export const NO_SETTINGS: Settings = { rules: [], readPoints: {}, rates: {} };

/** Never throws. `settings` is there if and only if there are no problems. */
export function checkSettings(input: unknown): { settings: Settings | undefined; problems: Problem[] } {
  const check = new Check();
  const fields = check.fields(input, [], ['rules', 'readPoints', 'rates']);
  const { rules, problems } =
    fields?.rules === undefined ? { rules: [], problems: [] } : checkRules(fields.rules, ['rules']);
  const readPoints = check.byName(fields?.readPoints, ['readPoints'], (each, path) => readPoint(check, each, path));
  const rates = check.byName(fields?.rates, ['rates'], (each, path) => rate(check, each, path));
  const all = [...problems, ...check.problems];
  return { settings: all.length > 0 ? undefined : { rules, readPoints, rates }, problems: all };
}

/** As people write them; checkSettings gives the same settings back. */
export function formatSettings({ rules, readPoints, rates }: Settings): Record<string, unknown> {
  const each = <T>(named: Readonly<Record<string, T>>, format: (value: T) => Record<string, unknown>) =>
    Object.fromEntries(Object.entries(named).map(([name, value]) => [name, format(value)]));
  return {
    rules: rules.map(formatRule),
    readPoints: each(readPoints, ({ scanWindowMs, tagDepartedAfterMs: departed, ...rest }) => ({
      ...(scanWindowMs === undefined ? {} : { scanWindow: formatDuration(scanWindowMs) }),
      ...(departed === undefined
        ? {}
        : { tagDepartedAfter: departed === 'adaptive' ? departed : formatDuration(departed) }),
      ...rest,
    })),
    rates: each(rates, ({ changes, ...rest }) => ({
      ...(changes && {
        changes: changes.map(({ maxIntervalMs, ...change }) => ({
          ...change,
          maxInterval: formatDuration(maxIntervalMs),
        })),
      }),
      ...rest,
    })),
  };
}

function readPoint(check: Check, input: unknown, path: Path): ReadPointSettings {
  const keys = ['scanWindow', 'scanWindowMs', 'tagDepartedAfter', 'tagDepartedAfterMs', 'identities'];
  const fields = check.fields(input, path, keys);
  if (!fields) return {};
  const scanWindowMs = check.duration(fields, 'scanWindow', path);
  const { tagDepartedAfter: departed, tagDepartedAfterMs: departedMs } = fields;
  const isAdaptive = (departed === undefined) !== (departedMs === undefined) && (departed ?? departedMs) === 'adaptive';
  const tagDepartedAfterMs = isAdaptive ? 'adaptive' : check.duration(fields, 'tagDepartedAfter', path);
  const identities = check.identities(fields.identities, [...path, 'identities']);
  return {
    ...(scanWindowMs === undefined ? {} : { scanWindowMs }),
    ...(tagDepartedAfterMs === undefined ? {} : { tagDepartedAfterMs }),
    ...(identities && { identities }),
  };
}

function rate(check: Check, input: unknown, path: Path): RateSettings {
  const fields = check.fields(input, path, ['changes', 'options']);
  if (!fields) return {};
  const changes = fields.changes === undefined ? undefined : changesOf(check, fields.changes, [...path, 'changes']);
  const options = fields.options === undefined ? undefined : check.fields(fields.options, [...path, 'options']);
  return { ...(changes && { changes }), ...(options && { options }) };
}

function changesOf(check: Check, input: unknown, path: Path): NonNullable<RateSettings['changes']> {
  const list = check.list(input, path, MOST_CHANGES);
  const seen = new Set<string>();
  return list.flatMap((each, index) => {
    const at = [...path, index];
    const fields = check.fields(each, at, ['quantity', 'deadband', 'maxInterval', 'maxIntervalMs']);
    if (!fields) return [];
    const { quantity, deadband = 0 } = fields;
    const known = Object.keys(QUANTITIES);
    if (typeof quantity !== 'string' || !known.includes(quantity)) {
      check.value([...at, 'quantity'], `${show(quantity)} is no quantity`, suggest(String(quantity), known));
      return [];
    }
    if (seen.has(quantity)) check.value([...at, 'quantity'], `${quantity} stands here twice`, 'keep one of the two');
    seen.add(quantity);
    if (typeof deadband !== 'number' || !(deadband >= 0) || !Number.isFinite(deadband)) {
      check.value([...at, 'deadband'], `${show(deadband)} is no dead band`, 'a number of at least 0');
      return [];
    }
    const maxIntervalMs = check.duration(fields, 'maxInterval', at) ?? 60_000;
    return [{ quantity, deadband, maxIntervalMs }];
  });
}

class Check {
  readonly problems: Problem[] = [];

  value(path: Path, message: string, proposal: string): void {
    this.problems.push({ path, code: 'settings-value', message, proposal });
  }

  /** An object with these keys and no others; with any where none are named. */
  fields(input: unknown, path: Path, keys?: readonly string[]): Fields | undefined {
    if (!isFields(input)) {
      this.#type(path, input, keys ? `an object with ${keys.join(', ')}` : 'an object');
      return undefined;
    }
    for (const key of keys ? Object.keys(input) : []) {
      if (keys?.includes(key)) continue;
      const message = `there is no '${key}' here`;
      this.problems.push({
        path: [...path, key],
        code: 'settings-unknown-key',
        message,
        proposal: suggest(key, keys ?? []),
      });
    }
    return input;
  }

  byName<T>(input: unknown, path: Path, check: (each: unknown, path: Path) => T): Record<string, T> {
    if (input === undefined) return {};
    const entries = Object.entries(this.fields(input, path) ?? {});
    if (entries.length > MOST_NAMES) this.#tooMany(path, entries.length, MOST_NAMES);
    return Object.fromEntries(entries.slice(0, MOST_NAMES).map(([name, each]) => [name, check(each, [...path, name])]));
  }

  list(input: unknown, path: Path, most: number): unknown[] {
    if (!Array.isArray(input)) {
      this.#type(path, input, 'a list');
      return [];
    }
    if (input.length > most) this.#tooMany(path, input.length, most);
    return input.slice(0, most);
  }

  /** `name: 3s` or `nameMs: 3000`. */
  duration(fields: Fields, name: string, path: Path): number | undefined {
    const inMs = `${name}Ms`;
    const { [name]: text, [inMs]: number } = fields;
    if (text !== undefined && number !== undefined) {
      this.value([...path, inMs], `'${name}' and '${inMs}' say the same thing twice`, 'keep one of the two');
      return undefined;
    }
    if (number !== undefined) {
      if (isMs(number)) return number;
      this.value([...path, inMs], `${show(number)} is no number of milliseconds`, `0 to ${LONGEST_MS}`);
      return undefined;
    }
    if (text === undefined) return undefined;
    const parsed = durationMs.safeParse(text);
    if (parsed.success && parsed.data <= LONGEST_MS) return parsed.data;
    this.value(
      [...path, name],
      `${show(text)} is no duration`,
      "a number with its unit, at most a year: '500ms', '3s', '5min'",
    );
    return undefined;
  }

  identities(input: unknown, path: Path): string[] | undefined {
    if (input === undefined) return undefined;
    const known: readonly string[] = IDENTITY_SCHEMES;
    return this.list(input, path, known.length).flatMap((name, index) => {
      if (typeof name === 'string' && known.includes(name)) return [name];
      this.value([...path, index], `${show(name)} is no identity scheme`, suggest(String(name), known));
      return [];
    });
  }

  #type(path: Path, input: unknown, wanted: string): void {
    const message = `${show(input)} stands here`;
    this.problems.push({ path, code: 'settings-type', message, proposal: `${wanted} is expected` });
  }

  #tooMany(path: Path, count: number, most: number): void {
    this.problems.push({ path, code: 'settings-too-many', message: `${count} entries`, proposal: `at most ${most}` });
  }
}

function isMs(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 && value <= LONGEST_MS;
}
