import { describeWith } from '../../test/servers/needs.ts';
import { freshDatabase } from '../../test/servers/postgres.ts';
import { openPostgres } from '../store/postgres.ts';
import { trackingMigrations } from '../tracking/migrations.ts';
import { fleetContract } from './fleet.contract.ts';
import { fleetMigrations } from './migrations.ts';

describeWith(['postgres'], 'the fleet over PostgreSQL', ({ postgres }) => {
  fleetContract(async () =>
    openPostgres({
      url: await freshDatabase(postgres.url),
      migrations: [...trackingMigrations, ...fleetMigrations],
    }),
  );
});
