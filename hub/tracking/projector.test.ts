import { describe } from 'vitest';
import { openPglite } from '../store/pglite.ts';
import { trackingMigrations } from './migrations.ts';
import { projectionsContract } from './projections.contract.ts';

describe('projections over PGlite', () => {
  projectionsContract(() => openPglite({ migrations: trackingMigrations }));
});
