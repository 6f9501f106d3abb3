/**
 * From where something is wrong to the key that a gateway answers for: `rules/<ruleId>`, `readPoints/<id>`, `rates/<deviceId>`, or the whole
 * document (empty).
 */
import type { Problem } from '../rules/rule.ts';
import type { KeyReason } from './reported-config.ts';

/** @param settings what was checked, as it came: a rule is named by its id, by its place where it has none. */
export function reasonOf(problem: Problem, settings: unknown): KeyReason {
  const { path, code, message, proposal } = problem;
  return { key: keyOf(path, settings), code, reason: proposal === undefined ? message : `${message}: ${proposal}` };
}

function keyOf([part, name]: Problem['path'], settings: unknown): string {
  if (part === 'readPoints' || part === 'rates') return name === undefined ? part : `${part}/${name}`;
  if (part !== 'rules') return '';
  if (name === undefined) return part;
  const rules = (settings as { rules?: unknown } | null | undefined)?.rules;
  const rule: unknown = Array.isArray(rules) && typeof name === 'number' ? rules[name] : undefined;
  const id = (rule as { id?: unknown } | null | undefined)?.id;
  return `rules/${typeof id === 'string' && id !== '' ? id : name}`;
}
