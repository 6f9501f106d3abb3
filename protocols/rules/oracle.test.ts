/**
 * The evaluators against an oracle that looks at the whole curve at once (oracle.test-support.ts), on curves as sensors give them: noise at the limit,
 * spikes, drift, gaps, restarts in mid-excursion (onto another boot's clock), looks at the clock at any time, and readings that come late.
 * Every excursion is raised once and cleared once, at the right time; and without late readings nothing is ever taken back.
 */
import { expect, it } from 'vitest';
import { seededRandom } from '../base/seeded-random.ts';
import type { TelemetryPayload } from '../uplink/model.ts';
import { createRule, type Outcome } from './engine.ts';
import {
  type Curve,
  doorOracle,
  type Excursion,
  excursionTimeOracle,
  limitOracle,
  meanKineticTemperatureOracle,
  missingOracle,
  rateOracle,
  shockOracle,
} from './oracle.test-support.ts';
import type { Rule } from './rule.ts';
import { moveSnapshot } from './running-rule.ts';

type Random = () => number;

interface Kind {
  rule(random: Random): Rule;
  payload(point: Curve[number]): TelemetryPayload;
  /** The curve's values. */
  value(random: Random, before: number): [value: number, durationMs?: number];
  oracle(curve: Curve, rule: Rule, endUs: number): Excursion[];
}

const SECOND_US = 1_000_000;
const HOUR_MS = 3_600_000;
const target = { device: 'probe', quantity: 'temperatureCelsius' };
const about = { deviceId: 'probe', place: {} };
const celsius = ([, value]: Curve[number]): TelemetryPayload => ({
  ...about,
  kind: 'temperature',
  temperatureCelsius: value,
});
const base = { id: 'rule', severity: 'warning' } as const;

/** Drifts about the limits at 2 and 8, with noise and now and then a spike. In eighths, so that sums and differences are exact. */
function temperature(random: Random, before: number): [number] {
  const drift = before + (random() - 0.5) * 1.5 + (5 - before) * 0.02;
  const spike = random() < 0.03 ? (random() - 0.5) * 40 : 0;
  return [Math.round((drift + spike) * 8) / 8];
}

/** Lets the two work with the kind's own type of rule. */
function kind<R extends Rule>(
  of: Omit<Kind, 'rule' | 'oracle'> & {
    rule(random: Random): R;
    oracle(curve: Curve, rule: R, endUs: number): Excursion[];
  },
): Kind {
  return { ...of, oracle: (curve, rule, endUs) => of.oracle(curve, rule as R, endUs) };
}

const KINDS: Record<string, Kind> = {
  limit: kind({
    rule: (random) => ({
      ...base,
      kind: 'limit',
      target,
      ...(random() < 0.8 ? { high: 8, low: 2 } : { high: 8 }),
      hysteresis: pick(random, [0, 0.5, 2]),
      dwellMs: pick(random, [0, 20_000, 120_000]),
    }),
    payload: celsius,
    value: temperature,
    oracle: (curve, rule) => limitOracle(curve, rule),
  }),
  rate: kind({
    rule: (random) => ({
      ...base,
      kind: 'rate',
      target,
      maxPerMinute: pick(random, [0.5, 1, 2]),
      windowMs: pick(random, [60_000, 200_000]),
      hysteresis: pick(random, [0, 0.25]),
    }),
    payload: celsius,
    value: temperature,
    oracle: rateOracle,
  }),
  missing: kind({
    rule: (random) => ({ ...base, kind: 'missing', target, afterMs: pick(random, [25_000, 60_000, 500_000]) }),
    payload: celsius,
    value: temperature,
    oracle: missingOracle,
  }),
  shock: kind({
    rule: (random) => ({
      ...base,
      kind: 'shock',
      device: 'probe',
      peakG: 2,
      minDurationMs: pick(random, [0, 5]),
      clearAfterMs: pick(random, [15_000, 100_000]),
    }),
    payload: ([, peakG, durationMs = 0]) => ({
      ...about,
      kind: 'shock',
      ...{ peakG, peakXG: peakG, peakYG: 0, peakZG: 0, durationMs },
      ...{ velocityChangeMetersPerSecond: 1, sampleRateHz: 1000, clipped: false },
    }),
    value: (random) => [Math.round(random() * 24) / 8, Math.round(random() * 10)],
    oracle: shockOracle,
  }),
  door: kind({
    rule: (random) => ({ ...base, kind: 'door', device: 'probe', openLongerThanMs: pick(random, [30_000, 120_000]) }),
    payload: ([, value]) => ({ ...about, kind: 'contact', open: value === 1 }),
    value: (random, before) => [random() < 0.4 ? 1 - before : before],
    oracle: doorOracle,
  }),
  'excursion-time': kind({
    rule: (random) => ({
      ...base,
      kind: 'excursion-time',
      target,
      high: 8,
      low: 2,
      maxTotalMs: pick(random, [60_000, 240_000]),
      perMs: pick(random, [300_000, 1_200_000, 3 * HOUR_MS]),
    }),
    payload: celsius,
    value: temperature,
    oracle: excursionTimeOracle,
  }),
  'mean-kinetic-temperature': kind({
    rule: (random) => ({
      ...base,
      kind: 'mean-kinetic-temperature',
      target,
      maxCelsius: pick(random, [5, 6, 7]),
      windowMs: pick(random, [200_000, 500_000]),
      activationEnergyKilojoulesPerMole: 83.144,
    }),
    payload: celsius,
    value: (random, before) => temperature(random, Math.max(-10, Math.min(20, before))),
    oracle: meanKineticTemperatureOracle,
  }),
};

const CURVES = 25;
const CASES = Object.keys(KINDS).flatMap((name) => [
  { name, late: false },
  { name, late: true },
]);

it.each(CASES)('$name, late readings: $late', ({ name, late }) => {
  const of = KINDS[name] as Kind;
  let excursions = 0;
  for (let seed = 1; seed <= CURVES; seed++) {
    const random = seededRandom(seed * 7919 + name.length);
    const rule = of.rule(random);
    const { curve, endUs } = curveOf(of, random);
    const outcomes = play({ of, rule, curve, endUs, random, late });
    const expected = of.oracle(curve, rule, endUs);
    excursions += expected.length;
    const seen = excursionsOf(outcomes, late);
    expect({ seed, rule, seen }).toEqual({ seed, rule, seen: expected.map(rounded) });
  }
  expect(excursions).toBeGreaterThan(CURVES / 2);
});

function curveOf(of: Kind, random: Random): { curve: Curve; endUs: number } {
  const curve: (readonly [number, number, number?])[] = [];
  let atUs = 5 * SECOND_US;
  let before = startOf(of);
  const count = 60 + Math.floor(random() * 120);
  for (let index = 0; index < count; index++) {
    const [value, durationMs] = of.value(random, before);
    before = value;
    curve.push(durationMs === undefined ? [atUs, value] : [atUs, value, durationMs]);
    // Some seconds, now and then a gap of minutes, seldom one of hours.
    const gap = random();
    atUs += Math.round((2 + random() * 20) * SECOND_US) * (gap < 0.05 ? 30 : gap < 0.06 ? 1000 : 1);
  }
  return { curve, endUs: atUs };
}

/** A door is closed at first, a probe warm enough. */
function startOf(of: Kind): number {
  return of === KINDS.door ? 0 : 5;
}

/** Plays a curve with looks at the clock, restarts, and late readings; times of outcomes are those of the curve. */
function play(at: { of: Kind; rule: Rule; curve: Curve; endUs: number; random: Random; late: boolean }): Outcome[] {
  const { of, rule, curve, endUs, random, late } = at;
  let ids = 0;
  const options = { deviceId: 'probe', newId: () => `alert-${++ids}` };
  let running = createRule(rule, options);
  let shiftUs = 0;
  const outcomes: Outcome[] = [];
  const take = (more: Outcome[]) => {
    for (const each of more) outcomes.push({ ...each, atUs: each.atUs - shiftUs });
  };
  const observe = (point: Curve[number]) =>
    take(running.observe({ deviceId: 'probe', atUs: point[0] + shiftUs, payload: of.payload(point) }));
  let waiting: Curve[number][] = [];
  for (const [index, point] of curve.entries()) {
    if (late && random() < 0.15) {
      waiting.push(point);
      continue;
    }
    observe(point);
    const nextUs = curve[index + 1]?.[0] ?? endUs;
    if (waiting.length > 0 && random() < 0.2) {
      // Oldest first or newest first, as the logger has it; and again what was told already.
      for (const each of random() < 0.5 ? waiting : waiting.reverse()) observe(each);
      observe(point);
      waiting = [];
    }
    if (random() < 0.5) take(running.tick(point[0] + shiftUs + Math.floor(random() * (nextUs - point[0]))));
    if (random() < 0.05) {
      // Another boot: its clock begins anywhere.
      const jumpUs = Math.floor((random() - 0.5) * 1e12);
      const saved = JSON.parse(JSON.stringify(running.snapshot())) as unknown;
      running = createRule(rule, options);
      running.restore(moveSnapshot(saved, (atUs) => atUs + jumpUs));
      shiftUs += jumpUs;
    }
  }
  for (const each of waiting) observe(each);
  take(running.tick(endUs + shiftUs));
  expect(running.tooLate).toBe(0);
  return outcomes;
}

/** What stands after all phases, in the order of time; each alert has one raise first, and at most one of each other phase. */
function excursionsOf(outcomes: readonly Outcome[], late: boolean): Excursion[] {
  const alerts = new Map<string, Outcome[]>();
  for (const outcome of outcomes) alerts.set(outcome.alertId, [...(alerts.get(outcome.alertId) ?? []), outcome]);
  const standing: Excursion[] = [];
  for (const phases of alerts.values()) {
    const names = phases.map(({ phase }) => phase).join();
    const possible = ['raised', 'raised,cleared', ...(late ? ['raised,retracted', 'raised,cleared,retracted'] : [])];
    expect(possible).toContain(names);
    const [raised, cleared] = phases as [Outcome, Outcome | undefined];
    expect(raised.context.length).toBeLessThanOrEqual(20);
    if (names.includes('retracted')) continue;
    standing.push(rounded({ raisedUs: raised.atUs, ...(cleared ? { clearedUs: cleared.atUs } : {}) }));
  }
  return standing.sort((a, b) => a.raisedUs - b.raisedUs || (a.clearedUs ?? 0) - (b.clearedUs ?? 0));
}

/** Of the crossing of two straight lines the last digits differ. */
function rounded({ raisedUs, clearedUs }: Excursion): Excursion {
  return {
    raisedUs: Math.round(raisedUs),
    ...(clearedUs === undefined ? {} : { clearedUs: Math.round(clearedUs) }),
  };
}

function pick<T>(random: Random, from: readonly [T, ...T[]]): T {
  return from[Math.floor(random() * from.length)] ?? from[0];
}
