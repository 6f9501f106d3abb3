/**
 * What changed between two versions of a profile, as people write settings (`8 °C`, `30s`), key by key. Pure.
 *
 * A rule is named by its id, wherever it stands: `rules/too-warm/high`; then come `readPoints/<id>/…`, `rates/<id>/…`, `selector/<label>`, `name`.
 */
import { canonicalJson } from '../../protocols/base/canonical-json.ts';
import { formatSettings } from '../../protocols/fleet/check-settings.ts';
import type { Settings } from '../../protocols/fleet/settings.ts';
import type { Selector } from './labels.ts';

export interface DiffEntry {
  key: string;
  change: 'added' | 'removed' | 'changed';
  from?: unknown;
  to?: unknown;
}

export interface Comparable {
  name: string;
  selector: Selector;
  settings: Settings;
}

export function diffVersions(from: Comparable, to: Comparable): DiffEntry[] {
  const [before, after] = [parts(from), parts(to)];
  return [...new Set([...before.keys(), ...after.keys()])].flatMap((key) => {
    const [one, two] = [before.get(key), after.get(key)];
    if (one === undefined) return [{ key, change: 'added' as const, to: two }];
    if (two === undefined) return [{ key, change: 'removed' as const, from: one }];
    return isMap(one) && isMap(two) ? changesWithin(key, one, two) : changed(key, one, two);
  });
}

type Fields = Readonly<Record<string, unknown>>;

function parts({ name, selector, settings }: Comparable): Map<string, unknown> {
  const { rules, readPoints, rates } = formatSettings(settings) as {
    rules: Fields[];
    readPoints: Fields;
    rates: Fields;
  };
  return new Map<string, unknown>([
    ['name', name],
    ...Object.entries(selector).map(([label, value]): [string, unknown] => [`selector/${label}`, value]),
    ...rules.map((rule): [string, unknown] => [`rules/${String(rule.id)}`, rule]),
    ...Object.entries(readPoints).map(([id, value]): [string, unknown] => [`readPoints/${id}`, value]),
    ...Object.entries(rates).map(([id, value]): [string, unknown] => [`rates/${id}`, value]),
  ]);
}

/** Down to what is no map: lists are one value. */
function changesWithin(key: string, before: Fields, after: Fields): DiffEntry[] {
  return [...new Set([...Object.keys(before), ...Object.keys(after)])].flatMap((name): DiffEntry[] => {
    const [one, two] = [before[name], after[name]];
    const path = `${key}/${name}`;
    if (one === undefined) return [{ key: path, change: 'added', to: two }];
    if (two === undefined) return [{ key: path, change: 'removed', from: one }];
    return isMap(one) && isMap(two) ? changesWithin(path, one, two) : changed(path, one, two);
  });
}

function changed(key: string, from: unknown, to: unknown): DiffEntry[] {
  return canonicalJson(from) === canonicalJson(to) ? [] : [{ key, change: 'changed', from, to }];
}

function isMap(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
