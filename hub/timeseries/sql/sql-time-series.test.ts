import { afterAll, describe, expect, it } from 'vitest';
import { openPglite } from '../../store/pglite.ts';
import type { Store } from '../../store/store.ts';
import { timeSeriesContract } from '../time-series.contract.ts';
import { timeSeriesMigrations } from './migrations.ts';
import { SqlTimeSeries } from './sql-time-series.ts';

let opened: Promise<Store> | undefined;
const store = () => {
  opened ??= openPglite({ migrations: timeSeriesMigrations });
  return opened;
};

timeSeriesContract('TimeSeries in PGlite', {
  open: async () => new SqlTimeSeries(await store()),
  keepsNanoseconds: true,
});

describe('TimeSeries in the Store', () => {
  afterAll(async () => (await store()).close());

  const point = (device: string, celsius: number) => ({
    measurement: 'm',
    tags: { device },
    fields: { celsius },
    atMs: 1_700_000_000_000,
    subMsNs: 0,
  });

  it('finds a series that another process has made since', async () => {
    const [one, two] = [new SqlTimeSeries(await store()), new SqlTimeSeries(await store())];
    await one.write([point('shared', 1)]);
    await two.write([point('shared', 2), point('own', 3)]);
    const rows = await (await store()).query(
      "select tags ->> 'device' as device from series where measurement = 'm' order by 1",
    );
    expect(rows).toEqual([{ device: 'own' }, { device: 'shared' }]);
  });

  it('says when the store is away', async () => {
    const gone = await openPglite();
    const series = new SqlTimeSeries(gone);
    await gone.close();
    await expect(series.write([point('a', 1)])).rejects.toMatchObject({ code: 'timeseries-unavailable' });
    await expect(
      series.curves({ measurement: 'm', fields: ['celsius'], tags: {}, fromMs: 0, toMs: 1, maxPoints: 1 }),
    ).rejects.toMatchObject({
      code: 'timeseries-unavailable',
    });
    expect((await series.healthy()).ok).toBe(false);
  });
});
