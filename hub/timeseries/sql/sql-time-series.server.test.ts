import { afterAll } from 'vitest';
import { describeWith } from '../../../test/servers/needs.ts';
import { freshDatabase } from '../../../test/servers/postgres.ts';
import { openPostgres } from '../../store/postgres.ts';
import type { Store } from '../../store/store.ts';
import { timeSeriesContract } from '../time-series.contract.ts';
import { timeSeriesMigrations } from './migrations.ts';
import { SqlTimeSeries } from './sql-time-series.ts';

describeWith(['postgres'], 'TimeSeries in PostgreSQL', ({ postgres }) => {
  let store: Store | undefined;
  afterAll(() => store?.close());

  timeSeriesContract('as a table', {
    open: async () => {
      store = await openPostgres({ url: await freshDatabase(postgres.url), migrations: timeSeriesMigrations });
      return new SqlTimeSeries(store);
    },
    keepsNanoseconds: true,
  });
});
