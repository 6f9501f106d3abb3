/**
 * What a rollout does next: a function of what is known of it and of the time. Pure.
 *
 *   canary ──held──► rolling ──all answered──► done
 *     │ ▲              │ ▲                      │ (watched for WATCH_MS)
 *     ▼ │ by hand      ▼ │                      ▼
 *    stopped          stopped               rolled-back  ◄── from each of them: too many rejections, a jump in the rate of alerts, by hand
 *
 * Offline gateways hold nothing up: they are moved as all others, and take their version when they return. One that is online and does not answer
 * does: somebody should look at it.
 */
import type { RolloutState } from './model.ts';

/** Gateways of one kind (canaries, or all), by how they stand. */
export interface Standing {
  waiting: number;
  inForce: number;
  pending: number;
  rejected: number;
  rolledBack: number;
  offline: number;
  /** The hub has nothing to send: by their labels two profiles contradict each other. No fault of the version. */
  contradicted: number;
}

/** Alerts that were raised on gateways which have been moved, and over how much time of theirs: after the move, and before. */
export interface AlertRates {
  after: number;
  afterMs: number;
  before: number;
  beforeMs: number;
}

export interface RolloutFacts {
  state: RolloutState;
  stateAtMs: number;
  canaryMs: number;
  maxRejectedPercent: number;
  maxAlertRateFactor: number;
  canaries: Standing;
  all: Standing;
  alerts: AlertRates;
}

export type RolloutStep =
  | { kind: 'wait' }
  | { kind: 'move'; which: 'canaries' | 'all' }
  | { kind: 'to'; state: RolloutState; why: string };

/** A rollout that is done is still taken back for what shows itself within this time: a gateway needs 120 s to be sure of a version. */
export const WATCH_MS = 180_000;

const WAIT: RolloutStep = { kind: 'wait' };

export function nextStep(facts: RolloutFacts, nowMs: number): RolloutStep {
  const { state, canaries, all } = facts;
  const inStateMs = nowMs - facts.stateAtMs;
  if (state === 'stopped' || state === 'rolled-back') return WAIT;
  if (state === 'done' && inStateMs > WATCH_MS) return WAIT;
  const fault = faultOf(facts);
  if (fault !== undefined) return { kind: 'to', state: 'rolled-back', why: fault };
  if (state === 'done') return WAIT;
  if (state === 'canary') {
    if (canaries.waiting > 0) return { kind: 'move', which: 'canaries' };
    if (canaries.pending > 0 || inStateMs < facts.canaryMs) return WAIT;
    return { kind: 'to', state: 'rolling', why: `the canaries hold: ${described(canaries)}` };
  }
  if (all.waiting > 0) return { kind: 'move', which: 'all' };
  if (all.pending > 0) return WAIT;
  return { kind: 'to', state: 'done', why: described(all) };
}

/** Why a rollout must be taken back. */
function faultOf({ all, maxRejectedPercent, maxAlertRateFactor, alerts }: RolloutFacts): string | undefined {
  const refused = all.rejected + all.rolledBack;
  const asked = refused + all.inForce + all.pending;
  const percent = asked === 0 ? 0 : (refused / asked) * 100;
  if (percent > maxRejectedPercent) {
    return `${refused} of ${asked} gateways rejected it or went back (${round(percent)} %), at most ${round(maxRejectedPercent)} % are allowed`;
  }
  if (!isJump(alerts, maxAlertRateFactor)) return undefined;
  const [after, before] = [perDay(alerts.after, alerts.afterMs), perDay(alerts.before, alerts.beforeMs)];
  return `${alerts.after} alerts since the change, ${round(after)} a day and gateway, after ${round(before)} before: more than ${round(maxAlertRateFactor)} times as many`;
}

/** A gateway that never alarmed may alarm this often without being a reason. */
const FLOOR_PER_DAY = 1;
const LEAST_ALERTS = 3;
const DAY_MS = 86_400_000;

/**
 * More alerts than `factor` times the rate before lets expect, by more than chance explains: three standard deviations of a Poisson count, and
 * LEAST_ALERTS, since a count of next to nothing is no rate.
 */
export function isJump({ after, afterMs, before, beforeMs }: AlertRates, factor: number): boolean {
  const ratePerMs = Math.max(perDay(before, beforeMs), FLOOR_PER_DAY) / DAY_MS;
  const allowed = factor * ratePerMs * afterMs;
  return after > LEAST_ALERTS - 1 + allowed + 3 * Math.sqrt(allowed);
}

function perDay(count: number, ms: number): number {
  return ms <= 0 ? 0 : (count / ms) * DAY_MS;
}

function described({ inForce, rejected, rolledBack, offline, contradicted }: Standing): string {
  const parts = [
    [inForce, 'in force'],
    [rejected, 'rejected'],
    [rolledBack, 'went back'],
    [offline, 'offline'],
    [contradicted, 'with contradicting profiles'],
  ] as const;
  return parts.flatMap(([count, what]) => (count > 0 ? [`${count} ${what}`] : [])).join(', ') || 'no gateways';
}

function round(value: number): number {
  return Number(value.toPrecision(3));
}
