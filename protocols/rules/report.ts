/** Small helps of the checks: what was written, and how a problem is told. */
import { suggest } from '../config/checked-yaml.ts';
import type { Problem } from './rule.ts';

export type Report = (path: Problem['path'], problem: Omit<Problem, 'path'>) => void;

export type Fields = Readonly<Record<string, unknown>>;

export function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function reportUnknown(
  input: Fields,
  keys: readonly string[],
  to: { at: Problem['path']; report: Report },
): void {
  for (const key of Object.keys(input)) {
    if (keys.includes(key)) continue;
    to.report([...to.at, key], { code: 'rule-key', message: `unknown key '${key}'`, proposal: suggest(key, keys) });
  }
}

export function show(value: unknown): string {
  const text = JSON.stringify(value) ?? 'nothing';
  return text.length > 80 ? `${text.slice(0, 80)}…` : text;
}
