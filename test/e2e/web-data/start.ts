/** The API and the web pages over a seeded store in memory. */
import type { FastifyInstance } from 'fastify';
import { systemClock } from '../../../cli/system-clock.ts';
import { createApi } from '../../../hub/api/app.ts';
import { openPglite } from '../../../hub/store/pglite.ts';
import type { Store } from '../../../hub/store/store.ts';
import { timeSeriesMigrations } from '../../../hub/timeseries/sql/migrations.ts';
import { SqlTimeSeries } from '../../../hub/timeseries/sql/sql-time-series.ts';
import { Changes } from '../../../hub/tracking/changes.ts';
import { trackingMigrations } from '../../../hub/tracking/migrations.ts';
import { silentLog } from '../../../protocols/base/log.ts';
import { SampleNetwork } from './seed.ts';

export interface SampleHub {
  url: string;
  app: FastifyInstance;
  store: Store;
  timeSeries: SqlTimeSeries;
  network: SampleNetwork;
  changes: Changes;
  close(): Promise<void>;
}

export async function startSampleHub({ port = 0, seed = true } = {}): Promise<SampleHub> {
  const store = await openPglite({ migrations: [...trackingMigrations, ...timeSeriesMigrations] });
  await store.migrate();
  const timeSeries = new SqlTimeSeries(store);
  const network = new SampleNetwork(store, timeSeries);
  if (seed) await network.seed(Date.now());
  const changes = new Changes();
  const app = await createApi({
    store,
    timeSeries,
    changes,
    clock: systemClock(),
    log: silentLog,
    roles: ['api'],
    health: { store: () => store.healthy(), timeSeries: () => timeSeries.healthy() },
    metrics: async () => '# no metrics\n',
  });
  const url = await app.listen({ host: '127.0.0.1', port });
  const close = async () => {
    await app.close();
    await store.close();
  };
  return { url, app, store, timeSeries, network, changes, close };
}
