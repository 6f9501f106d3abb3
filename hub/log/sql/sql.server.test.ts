import { describeWith } from '../../../test/servers/needs.ts';
import { freshDatabase } from '../../../test/servers/postgres.ts';
import { openPostgres } from '../../store/postgres.ts';
import type { Store } from '../../store/store.ts';
import { eventLogContract } from '../event-log.contract.ts';
import { logMigrations } from './migrations.ts';
import { openSqlLog } from './sql-log.ts';

describeWith(['postgres'], 'EventLog over PostgreSQL', ({ postgres }) => {
  eventLogContract(async () => {
    const url = await freshDatabase(postgres.url);
    const stores: Store[] = [];
    return {
      address: { kind: 'postgres', url },
      // A pool of its own for each: as separate processes have.
      open: async (topics) => {
        const store = await openPostgres({ url, migrations: logMigrations, maxConnections: 4 });
        stores.push(store);
        await store.migrate();
        return openSqlLog({ store, topics, pollMs: 20 });
      },
      dispose: async () => {
        for (const store of stores) await store.close();
      },
    };
  });
});
