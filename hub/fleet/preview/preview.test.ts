import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ManualClock } from '../../../protocols/base/manual-clock.ts';
import type { Rule } from '../../../protocols/rules/rule.ts';
import { openPglite } from '../../store/pglite.ts';
import type { Store } from '../../store/store.ts';
import { timeSeriesMigrations } from '../../timeseries/sql/migrations.ts';
import { SqlTimeSeries } from '../../timeseries/sql/sql-time-series.ts';
import type { Point } from '../../timeseries/time-series.ts';
import { alertProjection } from '../../tracking/alert-projection.ts';
import { trackingMigrations } from '../../tracking/migrations.ts';
import { sampleAlert } from '../../tracking/sample-event.ts';
import { fleetMigrations } from '../migrations.ts';
import { type PreviewOptions, preview } from './preview.ts';

const DAY_MS = 86_400_000;
const NOW_MS = Date.UTC(2026, 10, 23, 12);
const FROM_MS = NOW_MS - 2 * DAY_MS;
const MINUTE_MS = 60_000;
/** Of each sensor, every five minutes. */
const READINGS = 2 * 24 * 12;
const limit = (id: string, high: number, rest: Partial<Extract<Rule, { kind: 'limit' }>> = {}): Rule => ({
  id,
  kind: 'limit',
  severity: 'warning',
  target: { device: 'cooler-*', quantity: 'temperatureCelsius' },
  high,
  hysteresis: 0.5,
  dwellMs: 0,
  ...rest,
});

let store: Store;
let timeSeries: SqlTimeSeries;

beforeAll(async () => {
  store = await openPglite({ migrations: [...trackingMigrations, ...timeSeriesMigrations, ...fleetMigrations] });
  await store.migrate();
  timeSeries = new SqlTimeSeries(store);
  for (const [id, labels] of [
    ['van-1', { fleet: 'cold' }],
    ['van-2', { fleet: 'cold' }],
    ['van-3', { fleet: 'dry' }],
  ] as const) {
    const devices = [{ id: 'cooler-1', quantities: ['temperatureCelsius'], zone: 'cold-store' }];
    await store.query('insert into fleet_gateways (gateway_id, labels, reported) values ($1, $2::jsonb, $3::json)', [
      id,
      JSON.stringify(labels),
      JSON.stringify({ devices }),
    ]);
  }
  // van-1: warm for ten minutes on each of two days; van-2: never; van-3: always, and of no concern.
  const curve = (gateway: string, device: string, celsius: (minute: number) => number): Point[] =>
    Array.from({ length: READINGS }, (_, index) =>
      point(gateway, device, FROM_MS + index * 5 * MINUTE_MS, { temperatureCelsius: celsius(index * 5) }),
    );
  await timeSeries.write([
    ...curve('van-1', 'cooler-1', (minute) => (minute % 1440 >= 600 && minute % 1440 < 610 ? 9 : 5)),
    ...curve('van-1', 'outside', () => 30),
    ...curve('van-2', 'cooler-1', () => 5),
    ...curve('van-3', 'cooler-1', () => 30),
  ]);
  await store.transaction((sql) =>
    alertProjection.apply(sql, [
      sampleAlert({
        sequence: 1,
        alertId: 'a',
        ruleId: 'warm',
        occurredAt: iso(FROM_MS + MINUTE_MS),
        gatewayId: 'van-1',
      }),
      sampleAlert({
        sequence: 2,
        alertId: 'b',
        ruleId: 'old',
        occurredAt: iso(FROM_MS + MINUTE_MS),
        gatewayId: 'van-1',
      }),
      sampleAlert({
        sequence: 3,
        alertId: 'c',
        ruleId: 'warm',
        occurredAt: iso(FROM_MS - MINUTE_MS),
        gatewayId: 'van-1',
      }),
      sampleAlert({
        sequence: 4,
        alertId: 'd',
        ruleId: 'warm',
        occurredAt: iso(FROM_MS + MINUTE_MS),
        gatewayId: 'van-3',
      }),
    ]),
  );
}, 60_000);

afterAll(() => store.close());

const iso = (ms: number) => new Date(ms).toISOString();
function point(
  gateway: string,
  device: string,
  atMs: number,
  fields: Point['fields'],
  measurement = 'temperature',
): Point {
  return { measurement, tags: { gateway, device }, fields, atMs, subMsNs: 0 };
}
const run = (rest: Partial<PreviewOptions> = {}) =>
  preview({
    sql: store,
    timeSeries,
    clock: new ManualClock(NOW_MS),
    selector: { fleet: 'cold' },
    rules: [limit('warm', 8)],
    currentRuleIds: [],
    fromMs: FROM_MS,
    toMs: NOW_MS,
    signal: new AbortController().signal,
    ...rest,
  });

describe('a preview', () => {
  it('counts what would have alarmed, by day, with examples, beside what really did', async () => {
    const answer = await run({ currentRuleIds: ['warm', 'old'] });
    expect(answer).toMatchObject({
      samples: 3 * READINGS,
      from: iso(FROM_MS),
      to: iso(NOW_MS),
      complete: true,
      gateways: { matching: 2, replayed: 2 },
    });
    expect(answer.rules).toEqual([
      {
        ruleId: 'warm',
        gateways: 2,
        alarms: 2,
        gatewaysWithAlarms: 1,
        current: 1,
        perDay: [
          { day: '2026-11-21', alarms: 1 },
          { day: '2026-11-22', alarms: 1 },
          { day: '2026-11-23', alarms: 0 },
        ],
        examples: [{ gatewayId: 'van-1', deviceId: 'cooler-1', at: iso(FROM_MS + 600 * MINUTE_MS), value: 9 }],
      },
    ]);
    expect(answer.removed).toEqual([{ ruleId: 'old', current: 1 }]);
  });

  it('is that of the gateway’s own evaluators: dwell and devices count', async () => {
    const alarms = async (rule: Rule) => (await run({ rules: [rule] })).rules[0]?.alarms;
    expect(await alarms(limit('short', 8, { dwellMs: 5 * MINUTE_MS }))).toBe(2);
    expect(await alarms(limit('long', 8, { dwellMs: 6 * MINUTE_MS }))).toBe(0);
    const target = { device: 'zone:cold-store', quantity: 'temperatureCelsius' };
    expect(await alarms(limit('zone', 8, { target }))).toBe(2);
    expect(await alarms(limit('all', 8, { target: { ...target, device: '*' } }))).toBe(3);
    expect(await alarms(limit('none', 8, { target: { ...target, device: 'freezer' } }))).toBe(0);
  });

  it('brings readings of several sensors together in the order of time', async () => {
    const openMs = FROM_MS + 100 * MINUTE_MS;
    await timeSeries.write([
      point('van-2', 'rear-door', openMs, { open: true }, 'contact'),
      point('van-2', 'gps', openMs + 5_000, { latitude: 52, longitude: 13, speedMetersPerSecond: 1 }, 'position'),
      point('van-2', 'gps', openMs + 30_000, { latitude: 52, longitude: 13, speedMetersPerSecond: 9 }, 'position'),
      point('van-2', 'rear-door', openMs + 60_000, { open: false }, 'contact'),
      point('van-2', 'gps', openMs + 90_000, { latitude: 52, longitude: 13, speedMetersPerSecond: 9 }, 'position'),
    ]);
    const door: Rule = {
      id: 'door',
      kind: 'door',
      severity: 'critical',
      device: '*-door',
      whileMovingAboveMetersPerSecond: 3,
    };
    const silent: Rule = {
      id: 'silent',
      kind: 'missing',
      severity: 'info',
      target: { device: 'rear-door', quantity: 'open' },
      afterMs: 3_600_000,
    };
    const { rules } = await run({ rules: [door, silent] });
    expect(rules[0]?.examples).toEqual([
      { gatewayId: 'van-2', deviceId: 'rear-door', at: iso(openMs + 30_000), value: 9 },
    ]);
    expect(rules[0]).toMatchObject({ alarms: 1, gateways: 1 });
    // Nothing came after the door was closed: time alone brings this about.
    expect(rules[1]?.examples[0]?.at).toBe(iso(openMs + 60_000 + 3_600_000));
  });

  it('says how much it looked at when a bound is reached, the same gateways each time', async () => {
    const first = await run({ maxGateways: 1 });
    expect(first).toMatchObject({ complete: false, gateways: { matching: 2, replayed: 1 } });
    expect(await run({ maxGateways: 1 })).toEqual(first);
    expect(await run({ maxSamples: 100 })).toMatchObject({ complete: false, gateways: { replayed: 0 }, samples: 0 });
    expect(await run({ maxMs: -1 })).toMatchObject({ complete: false, gateways: { replayed: 0 } });
  });

  it('is empty where no gateway fits or nothing is stored, and ends when nobody waits', async () => {
    expect(await run({ selector: { fleet: 'none' } })).toMatchObject({
      samples: 0,
      complete: true,
      gateways: { matching: 0 },
    });
    const before = { fromMs: FROM_MS - 9 * DAY_MS, toMs: FROM_MS - 8 * DAY_MS };
    expect((await run(before)).rules[0]).toMatchObject({ alarms: 0, gateways: 0, current: 0 });
    expect(await run({ signal: AbortSignal.abort() })).toMatchObject({ complete: false, gateways: { replayed: 0 } });
  });
});
