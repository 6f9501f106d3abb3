import { expect, it } from 'vitest';
import { silentLog } from '../../../protocols/base/log.ts';
import { httpText } from '../../../test/servers/exchange.ts';
import { influxQuery } from '../../../test/servers/influx.ts';
import { describeWith } from '../../../test/servers/needs.ts';
import { timeSeriesContract } from '../time-series.contract.ts';
import { createInfluxTimeSeries, type QueryLanguage } from './influx.ts';

const open = (url: string, query: QueryLanguage, bucket: string) =>
  createInfluxTimeSeries({ url, org: 'milepost', bucket, query, log: silentLog });

const DAY_MS = 86_400_000;
const point = (measurement: string, value: number | string, atMs = 1_700_000_000_000) => ({
  measurement,
  tags: { device: 'climate-1' },
  fields: { value },
  atMs,
  subMsNs: 0,
});

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

  it('finds the points that the server refuses (text in a number field) and stores the others', async () => {
    const series = await open(influx.url, 'influxql', 'refusals');
    await series.setup();
    await series.write([point('mixed', 1)]);
    const batch = Array.from({ length: 100 }, (_, index) => point('mixed', index, 1_700_000_001_000 + index));
    batch[17] = point('mixed', 'warm', 1_700_000_001_017);
    batch[80] = point('mixed', 'cold', 1_700_000_001_080);
    const rejected = await series.write(batch);
    expect(rejected.map(({ index }) => index)).toEqual([17, 80]);
    expect(rejected[0]?.reason).toContain('type conflict');
    const [stored] = await influxQuery(influx.url, 'select count(value) from mixed', 'refusals');
    expect(stored?.values[0]?.[1]).toBe(99);
    await series.close();
  });

  it.each(['influxql', 'flux'] as const)('lets the server thin what is too long to fetch (%s)', async (language) => {
    const series = await open(influx.url, language, 'long');
    await (await open(influx.url, 'influxql', 'long')).setup();
    const startMs = Date.UTC(2026, 0, 5);
    const wave = Array.from({ length: 25_000 }, (_, index) =>
      point(language, Math.sin(index / 500), startMs + index * 1000),
    );
    wave[12_345] = point(language, 99, startMs + 12_345_000);
    await series.write(wave);
    const query = { measurement: language, tags: {}, fromMs: startMs, toMs: startMs + 25_000_000, maxPoints: 200 };
    const [curve] = await series.curves({ ...query, fields: ['value'] });
    expect(curve?.points.length).toBeGreaterThan(150);
    expect(curve?.points.length).toBeLessThanOrEqual(200);
    const peak = curve?.points.find(({ values: [value] }) => value === 99);
    // In InfluxQL a slice's maximum stands at its middle; a slice here is 250 s long.
    expect(Math.abs((peak?.atMs ?? 0) - (startMs + 12_345_000))).toBeLessThanOrEqual(250_000);
    expect(curve?.points.map(({ atMs }) => atMs)).toEqual(curve?.points.map(({ atMs }) => atMs).sort((a, b) => a - b));
    await series.close();
  });

  it('keeps retention as planned and brings numbers together by the hour', async () => {
    const series = await open(influx.url, 'influxql', 'planned');
    const plan = { rawMs: 30 * DAY_MS, hourlyMs: 730 * DAY_MS };
    const outcomes = async (rawMs = plan.rawMs) =>
      (await series.arrange({ ...plan, rawMs })).map(({ did }) => did).join(' ');
    expect(await outcomes()).toBe('changed created created created');
    expect(await outcomes()).toBe('nothing nothing nothing nothing');
    expect(await outcomes(7 * DAY_MS)).toBe('changed nothing nothing nothing');
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
    const startMs = Date.UTC(2026, 0, 5);
    const wave = Array.from({ length: 210_000 }, (_, index) =>
      point('long', Math.sin(index / 500), startMs + index * 100),
    );
    wave[123_456] = point('long', 99, startMs + 12_345_600);
    await series.write(wave);
    await settle();
    const query = { measurement: 'long', tags: {}, fromMs: startMs, toMs: startMs + 21_000_000, maxPoints: 200 };
    const [curve] = await series.curves({ ...query, fields: ['value'] });
    expect(curve?.points.length).toBeGreaterThan(150);
    expect(curve?.points.length).toBeLessThanOrEqual(200);
    const peak = curve?.points.find(({ values: [value] }) => value === 99);
    expect(Math.abs((peak?.atMs ?? 0) - (startMs + 12_345_600))).toBeLessThanOrEqual(211_000);
    await series.close();
  });
});
