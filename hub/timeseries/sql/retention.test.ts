import { afterAll, beforeAll, expect, it } from 'vitest';
import { openPglite } from '../../store/pglite.ts';
import type { Store } from '../../store/store.ts';
import { timeSeriesMigrations } from './migrations.ts';
import { SqlTimeSeries } from './sql-time-series.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const START_MS = Date.UTC(2026, 2, 1);
const plan = { rawMs: 30 * DAY_MS, hourlyMs: 365 * DAY_MS };
const { signal } = new AbortController();

let store: Store;
let series: SqlTimeSeries;
beforeAll(async () => {
  store = await openPglite({ migrations: timeSeriesMigrations });
  series = new SqlTimeSeries(store);
  await series.setup();
});
afterAll(() => store.close());

const point = (offsetMs: number, fields: Record<string, number | boolean>, device = 'd1') => ({
  measurement: 'm',
  tags: { device },
  fields,
  atMs: START_MS + offsetMs,
  subMsNs: 0,
});
const curve = async (fields: [string, ...string[]]) => {
  const query = { measurement: 'm', fields, tags: {}, fromMs: START_MS, toMs: START_MS + 60 * DAY_MS, maxPoints: 1000 };
  const [first] = await series.curves(query);
  return first?.points.map(({ atMs, values }) => [(atMs - START_MS) / HOUR_MS, ...values]);
};

it('brings old points together by the hour, late ones too, each once; the young ones and the curve stay', async () => {
  await series.write([
    point(0, { x: 1, y: 10, open: true }),
    point(HOUR_MS / 2, { x: 4, y: 20 }),
    point(HOUR_MS, { x: 7, y: 30 }),
    point(20 * DAY_MS, { x: 9, y: 90 }),
  ]);
  const at = { nowMs: START_MS + 31 * DAY_MS, signal };
  expect(await series.keepWithin(plan, at)).toEqual({ points: 3, hours: 0 });
  expect(await series.keepWithin(plan, at)).toEqual({ points: 0, hours: 0 });
  expect(await curve(['x'])).toEqual([
    [0, 1],
    [0.5, 4],
    [1, 7],
    [1.5, 7],
    [480, 9],
  ]);
  // A gateway that was away for a month.
  await series.write([point(HOUR_MS / 4, { x: -2, y: 60 })]);
  expect(await series.keepWithin(plan, at)).toEqual({ points: 1, hours: 0 });
  expect(await curve(['x', 'y'])).toEqual([
    [0, 1, 30],
    [1, 7, 30],
    [480, 9, 90],
  ]);
  const rows = await store.query('select count, total, low, high from points_hourly where field = $1 order by at_ns', [
    'x',
  ]);
  expect(rows).toEqual([
    { count: 3, total: 3, low: -2, high: 4 },
    { count: 1, total: 7, low: 7, high: 7 },
  ]);
});

it('goes through more points than one statement takes, and ends the hours in time', async () => {
  await series.write(Array.from({ length: 12_000 }, (_, n) => point(n * 1000, { x: n }, 'd2')));
  expect(await series.keepWithin(plan, { nowMs: START_MS + 40 * DAY_MS, signal })).toEqual({
    points: 12_000,
    hours: 0,
  });
  const [sum] = await store.query(
    'select sum(count)::int8 as n from points_hourly join series using (series_id) where tags @> $1',
    [JSON.stringify({ device: 'd2' })],
  );
  expect(sum).toEqual({ n: 12_000 });
  const later = { nowMs: START_MS + 380 * DAY_MS, signal };
  expect(await series.keepWithin(plan, later)).toMatchObject({ points: 1 });
  expect(await store.query('select count(*) as n from points_hourly')).toEqual([{ n: 2 }]);
});
