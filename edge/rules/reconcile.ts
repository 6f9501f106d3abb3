/**
 * Brings rules that have seen the stored readings again in line with the phases that were stated before the stop. Gives the phases that are to be
 * stated now. The stored phases are right; see rule-state.ts for the whole. Pure but for the rules.
 */
import type { OpenAlert, Outcome, RunningRule } from '../../protocols/rules/engine.ts';
import type { RuleSet } from '../../protocols/rules/rule-set.ts';
import type { StoredAlert } from './rule-state.ts';

interface Scope {
  ruleId: string;
  deviceId: string;
  found: Outcome[];
  told: StoredAlert[];
}

/**
 * @param at.before What was open when the snapshot was taken.
 * @param at.found What the readings after the snapshot bring about, not stated yet.
 * @param at.told What was stated after the snapshot, in order.
 */
export function reconcile(at: {
  set: RuleSet;
  before: readonly OpenAlert[];
  found: readonly Outcome[];
  told: readonly StoredAlert[];
}): Outcome[] {
  const { set, before, found, told } = at;
  const ids = new Set(set.rules.map(({ id }) => id));
  const scopes = new Map<string, Scope>();
  const scopeOf = ({ ruleId, deviceId }: { ruleId: string; deviceId: string }) => {
    const key = `${ruleId} ${deviceId}`;
    const scope = scopes.get(key) ?? { ruleId, deviceId, found: [], told: [] };
    scopes.set(key, scope);
    return scope;
  };
  for (const outcome of found) scopeOf(outcome).found.push(outcome);
  // Alerts of the daemon itself are in the lane as well, and those of rules that were gone before the snapshot.
  for (const each of told) if (ids.has(each.payload.ruleId)) scopeOf(each.payload).told.push(each);
  return [...scopes.values()].flatMap((scope) => {
    const running = set.find(scope.ruleId, scope.deviceId);
    if (!running) return [];
    const open = before.find(({ ruleId, deviceId }) => ruleId === scope.ruleId && deviceId === scope.deviceId);
    return bringInLine(running, scope, open);
  });
}

function bringInLine(running: RunningRule, { found, told }: Scope, before: OpenAlert | undefined): Outcome[] {
  const last = told.at(-1);
  // What time alone had brought about by then.
  const all = last === undefined ? found : [...found, ...running.tick(last.atUs)];
  const isSame = told.every(({ payload }, index) => all[index]?.phase === payload.phase);
  if (!isSame) {
    running.adopt(openAfter(told, before));
    return [];
  }
  const names = new Map<string, string>();
  for (const [index, { payload }] of told.entries()) {
    const { alertId } = all[index] as Outcome;
    names.set(alertId, payload.alertId);
    running.rename(alertId, payload.alertId);
  }
  return all.slice(told.length).map((outcome) => {
    return { ...outcome, alertId: names.get(outcome.alertId) ?? outcome.alertId };
  });
}

/** The excursion that the stored phases leave open. */
function openAfter(told: readonly StoredAlert[], before: OpenAlert | undefined): Parameters<RunningRule['adopt']>[0] {
  let open: Parameters<RunningRule['adopt']>[0] = before && { ...before, atUs: before.raisedAtUs };
  for (const { payload, atUs } of told) {
    const { alertId, value, limit, message, phase } = payload;
    if (phase === 'raised') open = { alertId, atUs, value, limit, message };
    else if (open?.alertId === alertId) open = undefined;
  }
  return open;
}
