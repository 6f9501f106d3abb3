import { describeWith } from '../../test/servers/needs.ts';
import { freshDatabase } from '../../test/servers/postgres.ts';
import { openPostgres } from '../store/postgres.ts';
import { trackingMigrations } from './migrations.ts';
import { projectionsContract } from './projections.contract.ts';

describeWith(['postgres'], 'projections over PostgreSQL', ({ postgres }) => {
  projectionsContract(async () =>
    openPostgres({ url: await freshDatabase(postgres.url), migrations: trackingMigrations }),
  );
});
