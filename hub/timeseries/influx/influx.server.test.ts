import { expect, it, vi } from 'vitest';
import { silentLog } from '../../../protocols/base/log.ts';
import { httpText } from '../../../test/servers/exchange.ts';
import { influxQuery } from '../../../test/servers/influx.ts';
import { INFLUX2, influx2Api } from '../../../test/servers/influx2.ts';
import { describeWith } from '../../../test/servers/needs.ts';
import { timeSeriesContract } from '../time-series.contract.ts';
import type { CurveQuery, ManagedTimeSeries } from '../time-series.ts';
import { createInfluxTimeSeries, type QueryLanguage } from './influx.ts';

const open = (url: string, query: QueryLanguage, bucket: string, token?: string) =>
  createInfluxTimeSeries({ url, org: INFLUX2.org, bucket, query, log: silentLog, ...(token && { token }) });

const DAY_MS = 86_400_000;
const START_MS = Date.UTC(2026, 0, 5);
const WHOLE_DAY: Omit<CurveQuery, 'measurement'> = {
  fields: ['value'],
  tags: {},
  fromMs: START_MS,
  toMs: START_MS + DAY_MS,
  maxPoints: 1000,
};
const point = (measurement: string, value: number | string, atMs = START_MS) => ({
  measurement,
  tags: { device: 'climate-1' },
  fields: { value },
  atMs,
  subMsNs: 0,
});

/** Text in a field of numbers: only the server knows. */
async function findsWhatIsRefused(series: ManagedTimeSeries, measurement: string): Promise<void> {
  await series.setup();
  await series.write([point(measurement, 1)]);
  const batch = Array.from({ length: 100 }, (_, index) => point(measurement, index, START_MS + 1000 + index));
  batch[17] = point(measurement, 'warm', START_MS + 1017);
  batch[80] = point(measurement, 'cold', START_MS + 1080);
  const rejected = await series.write(batch);
  expect(rejected.map(({ index }) => index)).toEqual([17, 80]);
  expect(rejected[0]?.reason).toContain('type conflict');
  const [stored] = await series.curves({ ...WHOLE_DAY, measurement });
  expect(stored?.points).toHaveLength(99);
}

async function thinsOnTheServer(series: ManagedTimeSeries, measurement: string): Promise<void> {
  await series.setup();
  const wave = Array.from({ length: 25_000 }, (_, index) =>
    point(measurement, Math.sin(index / 500), START_MS + index * 1000),
  );
  wave[12_345] = point(measurement, 99, START_MS + 12_345_000);
  await series.write(wave);
  const [curve] = await series.curves({ ...WHOLE_DAY, measurement, toMs: START_MS + 25_000_000, maxPoints: 200 });
  expect(curve?.points.length).toBeGreaterThan(150);
  expect(curve?.points.length).toBeLessThanOrEqual(200);
  const peak = curve?.points.find(({ values: [value] }) => value === 99);
  // In InfluxQL a slice's maximum stands at its middle; a slice here is 250 s long.
  expect(Math.abs((peak?.atMs ?? 0) - (START_MS + 12_345_000))).toBeLessThanOrEqual(250_000);
  expect(curve?.points.map(({ atMs }) => atMs)).toEqual(curve?.points.map(({ atMs }) => atMs).sort((a, b) => a - b));
}

/** What setting up the retention did, in the order of its steps. */
const outcomes = async (series: ManagedTimeSeries, rawMs = 30 * DAY_MS) =>
  (await series.arrange({ rawMs, hourlyMs: 730 * DAY_MS })).map(({ did }) => did).join(' ');

describeWith(['influx'], 'TimeSeries in InfluxDB 1.8', ({ influx }) => {
  timeSeriesContract('over InfluxQL', {
    open: () => open(influx.url, 'influxql', 'contract_ql'),
    keepsNanoseconds: true,
  });

  timeSeriesContract('over Flux', {
    open: async () => {
      await influxQuery(influx.url, 'create database contract_flux');
      return open(influx.url, 'flux', 'contract_flux');
    },
    keepsNanoseconds: true,
  });

  it('finds the points that the server refuses and stores the others', async () => {
    const series = await open(influx.url, 'influxql', 'refusals');
    await findsWhatIsRefused(series, 'mixed');
    await series.close();
  });

  it.each(['influxql', 'flux'] as const)('lets the server thin what is too long to fetch (%s)', async (language) => {
    await influxQuery(influx.url, 'create database long');
    const series = await open(influx.url, language, 'long');
    await thinsOnTheServer(series, language);
    await series.close();
  });

  it('keeps retention as planned and brings numbers together by the hour', async () => {
    const series = await open(influx.url, 'influxql', 'planned');
    expect(await outcomes(series)).toBe('changed created created created');
    expect(await outcomes(series)).toBe('nothing nothing nothing nothing');
    expect(await outcomes(series, 7 * DAY_MS)).toBe('changed nothing nothing nothing');
    const [policies] = await influxQuery(influx.url, 'show retention policies on planned');
    expect(policies?.values.map(([name, duration]) => [name, duration])).toEqual([
      ['autogen', '168h0m0s'],
      ['milepost_hourly', '17520h0m0s'],
    ]);
    // What the continuous query selects: run by hand, since it waits for the next full hour.
    const hourMs = Math.floor(Date.now() / 3_600_000) * 3_600_000 - 3_600_000;
    await series.write([1, 5, 3].map((value, index) => point('warmth', value, hourMs + index * 1000)));
    const [queries] = (await influxQuery(influx.url, 'show continuous queries')).filter(
      ({ name }) => name === 'planned',
    );
    const select = /BEGIN (.*) END/.exec(String(queries?.values[0]?.[1]))?.[1] ?? '';
    await influxQuery(influx.url, select.replace('GROUP BY', `WHERE time >= ${hourMs}ms GROUP BY`), 'planned');
    const [rolled] = await influxQuery(
      influx.url,
      'select mean_value, min_value, max_value from milepost_hourly.warmth',
      'planned',
    );
    expect(rolled?.values.map(([, ...values]) => values)).toEqual([[3, 1, 5]]);
    await series.close();
  });

  it('says that a database does not exist', async () => {
    const series = await open(influx.url, 'influxql', 'nowhere');
    await expect(series.write([point('m', 1)])).rejects.toMatchObject({
      code: 'timeseries-denied',
      message: expect.stringContaining('nowhere'),
    });
  });
});

describeWith(['influx2'], 'TimeSeries in InfluxDB 2', ({ influx2 }) => {
  const { token } = INFLUX2;
  const opened = (bucket: string) => open(influx2.url, 'flux', bucket, token);

  timeSeriesContract('over Flux', { open: () => opened('contract'), keepsNanoseconds: true });

  it('finds the points that the server refuses and stores the others', async () => {
    const series = await opened('refusals');
    await findsWhatIsRefused(series, 'mixed');
    await series.close();
  });

  it('lets the server thin what is too long to fetch', async () => {
    const series = await opened('long');
    await thinsOnTheServer(series, 'wave');
    await series.close();
  });

  it('keeps retention as planned, and its tasks bring numbers together by the hour', async () => {
    const series = await opened('planned');
    expect(await outcomes(series)).toBe('changed created created created');
    expect(await outcomes(series)).toBe('nothing nothing nothing nothing');
    // Less than a shard of a bucket that had no end, and then less than one of that.
    for (const days of [3, 0.5, 3]) {
      expect(await outcomes(series, days * DAY_MS)).toBe('changed nothing nothing nothing');
      expect(await outcomes(series, days * DAY_MS)).toBe('nothing nothing nothing nothing');
    }
    const { buckets } = JSON.parse(await influx2Api(influx2.url, 'buckets?limit=100'));
    const kept = (buckets as { name: string; retentionRules: { everySeconds: number }[] }[])
      .filter(({ name }) => name.startsWith('planned'))
      .map(({ name, retentionRules }) => [name, retentionRules[0]?.everySeconds]);
    expect(kept.sort()).toEqual([
      ['planned', (3 * DAY_MS) / 1000],
      ['planned-hourly', (730 * DAY_MS) / 1000],
    ]);

    const hourMs = Math.floor(Date.now() / 3_600_000) * 3_600_000 - 3_600_000;
    const dayAgoMs = hourMs - DAY_MS;
    for (const fromMs of [hourMs, dayAgoMs])
      await series.write([1, 5, 3].map((value, index) => point('warmth', value, fromMs + index * 1000)));
    await series.write([{ ...point('warmth', 0, hourMs), fields: { note: 'no number', open: true } }]);
    expect(await broughtTogether('milepost-hourly planned')).toEqual([[hourMs, 3, 1, 5]]);
    const both = [
      [dayAgoMs, 3, 1, 5],
      [hourMs, 3, 1, 5],
    ];
    expect(await broughtTogether('milepost-hourly-late planned')).toEqual(both);
    // Again: the same points.
    expect(await broughtTogether('milepost-hourly planned')).toEqual(both);
    await series.close();
  });

  it('writes and reads with a token for its bucket alone, and says what a lesser one lacks', async () => {
    const { buckets } = JSON.parse(await influx2Api(influx2.url, 'buckets?name=milepost'));
    const [{ id, orgID }] = buckets;
    const tokenFor = async (...actions: string[]): Promise<string> => {
      const permissions = actions.map((action) => ({ action, resource: { type: 'buckets', id, orgID } }));
      const authorization = { method: 'POST', json: { orgID, permissions } };
      return JSON.parse(await influx2Api(influx2.url, 'authorizations', authorization)).token;
    };
    const series = await open(influx2.url, 'flux', INFLUX2.bucket, await tokenFor('read', 'write'));
    await series.setup();
    expect(await series.write([point('scoped', 7)])).toEqual([]);
    expect(await series.curves({ ...WHOLE_DAY, measurement: 'scoped' })).toMatchObject([{ points: [{ values: [7] }] }]);
    await series.close();
    const lesser = await open(influx2.url, 'flux', INFLUX2.bucket, await tokenFor('write'));
    await expect(lesser.setup()).rejects.toMatchObject({
      code: 'timeseries-denied',
      message: expect.stringContaining('needs read and write for the bucket'),
    });
    await lesser.close();
  });

  it.each([
    { what: 'a token', of: { token: 'not-the-token' }, told: 'unauthorized' },
    { what: 'an organisation', of: { org: 'nobody' }, told: '"nobody" not found' },
  ])('says that $what is unknown', async ({ of, told }) => {
    const right = { url: influx2.url, org: INFLUX2.org, bucket: 'contract', token };
    const series = await createInfluxTimeSeries({ ...right, query: 'flux', log: silentLog, ...of });
    const expected = { code: 'timeseries-denied', message: expect.stringContaining(told) };
    await expect(series.setup()).rejects.toMatchObject(expected);
    await expect(series.write([point('m', 1)])).rejects.toMatchObject(expected);
    await series.close();
  });

  /** Runs a task as its schedule would, and reads the hours from the other bucket: time, mean, lowest, highest. */
  async function broughtTogether(name: string): Promise<number[][]> {
    const { tasks } = JSON.parse(await influx2Api(influx2.url, `tasks?${new URLSearchParams({ name })}`));
    const run = JSON.parse(await influx2Api(influx2.url, `tasks/${tasks[0].id}/runs`, { method: 'POST', json: {} }));
    await vi.waitFor(
      async () => {
        const path = `tasks/${tasks[0].id}/runs/${run.id}`;
        const { status } = JSON.parse(await influx2Api(influx2.url, path));
        const logs = await influx2Api(influx2.url, `${path}/logs`);
        expect(status, logs).toBe('success');
      },
      { timeout: 20_000, interval: 50 },
    );
    const series = await opened('planned-hourly');
    const fields = ['mean_value', 'min_value', 'max_value'] as const;
    const of = { measurement: 'warmth', fields, tags: {}, fromMs: Date.now() - 9 * DAY_MS, toMs: Date.now() };
    const curves = await series.curves({ ...of, maxPoints: 1000 });
    await series.close();
    return curves.flatMap(({ points }) => points.map(({ atMs, values }) => [atMs, ...values]));
  }
});

describeWith(['victoriaMetrics'], 'TimeSeries in VictoriaMetrics', ({ victoriaMetrics }) => {
  // What arrived within the last second is not searchable yet.
  const settle = async () => void (await httpText(`${victoriaMetrics.url}/internal/force_flush`));

  timeSeriesContract('over its own API', {
    open: () => open(victoriaMetrics.url, 'victoriametrics', 'contract'),
    settle,
    keepsNanoseconds: false,
  });

  it('lets the server thin what is too long to fetch', async () => {
    const series = await open(victoriaMetrics.url, 'victoriametrics', 'contract');
    const wave = Array.from({ length: 210_000 }, (_, index) =>
      point('long', Math.sin(index / 500), START_MS + index * 100),
    );
    wave[123_456] = point('long', 99, START_MS + 12_345_600);
    await series.write(wave);
    await settle();
    const query = { measurement: 'long', tags: {}, fromMs: START_MS, toMs: START_MS + 21_000_000, maxPoints: 200 };
    const [curve] = await series.curves({ ...query, fields: ['value'] });
    expect(curve?.points.length).toBeGreaterThan(150);
    expect(curve?.points.length).toBeLessThanOrEqual(200);
    const peak = curve?.points.find(({ values: [value] }) => value === 99);
    expect(Math.abs((peak?.atMs ?? 0) - (START_MS + 12_345_600))).toBeLessThanOrEqual(211_000);
    await series.close();
  });
});
