/**
 * What broke a package's limits: a pure function of its limits, the stays at which it was, and the readings there. Whatever came late, twice
 * or in another order, the same readings give the same violations.
 *
 * Each sensor's curve within a stay is judged by a rule of protocols/rules. What several sensors of one stay tell at the same time is one
 * violation, named by the first record that broke the limit. A violation ends when the values are back, or the package leaves.
 */
import { createRule, type RunningRule } from '../../protocols/rules/engine.ts';
import type { TelemetryPayload } from '../../protocols/uplink/model.ts';
import type { ExceptionKind } from '../../protocols/uplink/tracking-event.ts';
import type { Stay } from '../tracking/state.ts';
import { type PackageLimits, shockRuleOf, temperatureRuleOf } from './limits.ts';
import type { LimitQuantity, Reading } from './reading.ts';

export interface LimitStay {
  place: Stay['place'];
  fromUs: number;
  /** Absent while it lasts. */
  toUs?: number;
  /** Of its places, in the order of their time. */
  readings: readonly Reading[];
}

export interface Violation {
  kind: ExceptionKind;
  place: Stay['place'];
  /** The record that broke the limit. */
  first: Reading;
  beganUs: number;
  /** Absent while it lasts. */
  endedUs?: number;
  /** The value furthest beyond the limit. */
  worst: number;
  limit: number;
  message: string;
}

export function violationsOf(limits: PackageLimits, stays: readonly LimitStay[], nowUs: number): Violation[] {
  const found = stays.flatMap((stay) =>
    QUANTITY_KINDS.flatMap(({ quantity, kind }) =>
      merged(curvesOf(stay, quantity).flatMap((curve) => ofCurve({ limits, stay, curve, kind, quantity, nowUs }))),
    ),
  );
  return found.sort((a, b) => a.beganUs - b.beganUs);
}

const QUANTITY_KINDS = [
  { quantity: 'temperatureCelsius', kind: 'TEMPERATURE_EXCEPTION' },
  { quantity: 'peakG', kind: 'EXCESSIVE_SHOCK' },
] as const satisfies readonly { quantity: LimitQuantity; kind: ExceptionKind }[];

/** The readings of each sensor. */
function curvesOf({ readings }: LimitStay, quantity: LimitQuantity): Reading[][] {
  const curves = new Map<string, Reading[]>();
  for (const reading of readings) {
    if (reading.quantity !== quantity) continue;
    const name = JSON.stringify([reading.gatewayId, reading.deviceId]);
    const curve = curves.get(name);
    if (curve) curve.push(reading);
    else curves.set(name, [reading]);
  }
  return [...curves.values()];
}

interface Work {
  limits: PackageLimits;
  stay: LimitStay;
  curve: readonly Reading[];
  kind: ExceptionKind;
  quantity: LimitQuantity;
  nowUs: number;
}

function ofCurve({ limits, stay, curve, kind, quantity, nowUs }: Work): Violation[] {
  const deviceId = curve[0]?.deviceId ?? '';
  const rule = quantity === 'peakG' ? shockRuleOf(limits, deviceId) : temperatureRuleOf(limits, deviceId);
  if (!rule) return [];
  const running = createRule(rule, { deviceId, newId: () => '' });
  const violations: Violation[] = [];
  for (const reading of curve) {
    for (const { phase, atUs, value, limit, message } of observe(running, reading)) {
      const last = violations.at(-1);
      if (phase === 'raised')
        violations.push({ kind, place: stay.place, first: reading, beganUs: atUs, worst: value, limit, message });
      else if (phase === 'cleared' && last) last.endedUs = atUs;
    }
    const open = violations.at(-1);
    if (open && open.endedUs === undefined && isWorse(reading.value, open)) open.worst = reading.value;
  }
  const last = violations.at(-1);
  const untilUs = Math.min(stay.toUs ?? Number.POSITIVE_INFINITY, nowUs);
  for (const { phase, atUs } of running.tick(Math.max(untilUs, curve.at(-1)?.atUs ?? untilUs)))
    if (phase === 'cleared' && last) last.endedUs ??= atUs;
  if (last && stay.toUs !== undefined) last.endedUs = Math.min(last.endedUs ?? stay.toUs, stay.toUs);
  return violations;
}

function observe(running: RunningRule, reading: Reading) {
  const { deviceId, atUs, quantity, value } = reading;
  return running.observe({ deviceId, atUs, payload: payloadOf(deviceId, quantity, value) });
}

function payloadOf(deviceId: string, quantity: LimitQuantity, value: number): TelemetryPayload {
  const base = { deviceId, place: {} };
  if (quantity === 'temperatureCelsius') return { kind: 'temperature', ...base, temperatureCelsius: value };
  const nothing = { peakXG: 0, peakYG: 0, peakZG: 0, durationMs: 0, velocityChangeMetersPerSecond: 0, sampleRateHz: 0 };
  return { kind: 'shock', ...base, peakG: value, ...nothing, clipped: false };
}

/** Further beyond the limit, on the side on which it was broken. */
function isWorse(value: number, { worst, limit, first }: Pick<Violation, 'worst' | 'limit' | 'first'>): boolean {
  return first.value >= limit ? value > worst : value < worst;
}

/** What overlaps in time is one: of the first, with the worst value of all. */
function merged(violations: readonly Violation[]): Violation[] {
  const merges: Violation[] = [];
  for (const next of [...violations].sort(compare)) {
    const last = merges.at(-1);
    if (!last || next.beganUs > (last.endedUs ?? Number.POSITIVE_INFINITY)) {
      merges.push({ ...next });
      continue;
    }
    if (next.limit === last.limit && isWorse(next.worst, last)) last.worst = next.worst;
    if (last.endedUs === undefined) continue;
    if (next.endedUs === undefined) delete last.endedUs;
    else last.endedUs = Math.max(last.endedUs, next.endedUs);
  }
  return merges;
}

function compare(a: Violation, b: Violation): number {
  return (
    a.beganUs - b.beganUs ||
    compareText(a.first.gatewayId, b.first.gatewayId) ||
    compareText(a.first.epoch, b.first.epoch) ||
    a.first.sequence - b.first.sequence
  );
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
