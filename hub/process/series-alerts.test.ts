import { expect, it } from 'vitest';
import { isSeriesAlert, SeriesAlerts } from './series-alerts.ts';

const HOUR_MS = 3_600_000;
const exploding = (gatewayId: string) => ({ gatewayId, measurement: 'temperature', reason: 'limit' });

/** What a transform keeps. */
function kept(alerts: SeriesAlerts, state = new Map<string, Buffer>()): Map<string, Buffer> {
  for (const { name, value } of alerts.touched()) {
    if (value) state.set(name, value);
    else state.delete(name);
  }
  return state;
}

function takenOver(state: ReadonlyMap<string, Buffer>, nowMs: number): SeriesAlerts {
  const alerts = new SeriesAlerts('telemetry');
  for (const [name, value] of state) alerts.restore(name, value, nowMs);
  return alerts;
}

it('says it once for each gateway, and once that it is over', () => {
  const alerts = new SeriesAlerts('telemetry');
  expect(['a', 'a', 'b'].map((gateway) => alerts.refused(exploding(gateway), 0))).toEqual([true, false, true]);
  expect(alerts.refused(exploding('a'), HOUR_MS - 1)).toBe(false);
  expect(alerts.calm(HOUR_MS)).toEqual([exploding('b')]);
  expect(alerts.calm(2 * HOUR_MS)).toEqual([exploding('a')]);
  expect(alerts.calm(9 * HOUR_MS)).toEqual([]);
  expect(alerts.refused(exploding('a'), 9 * HOUR_MS)).toBe(true);
});

it('says it no second time after a takeover, and says its end an hour later', () => {
  const first = new SeriesAlerts('telemetry');
  first.refused(exploding('a'), 0);
  const state = kept(first);
  expect([...state.keys()].map(isSeriesAlert)).toEqual([true]);
  expect([...state.keys()][0]).toMatch(/\/telemetry$/);
  const second = takenOver(state, 5 * HOUR_MS);
  expect(second.refused(exploding('a'), 5 * HOUR_MS + 1)).toBe(false);
  expect(kept(second, state).size).toBe(1);
  const third = takenOver(state, 7 * HOUR_MS);
  expect(third.calm(8 * HOUR_MS - 1)).toEqual([]);
  expect(third.calm(8 * HOUR_MS)).toEqual([exploding('a')]);
  expect(kept(third, state).size).toBe(0);
});

it('says again what was not committed', () => {
  const aborted = new SeriesAlerts('telemetry');
  aborted.refused(exploding('a'), 0);
  expect(takenOver(new Map(), 1).refused(exploding('a'), 1)).toBe(true);
});

it('is bounded: of a thousand gateways it tells, of the others only their dead letters', () => {
  const alerts = new SeriesAlerts('telemetry');
  const said = Array.from({ length: 1_500 }, (_, n) => alerts.refused(exploding(`gw-${n}`), 0)).filter(Boolean);
  expect(said).toHaveLength(1_000);
  expect(kept(alerts).size).toBe(1_000);
});
