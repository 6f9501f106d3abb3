import { describe } from 'vitest';
import { openPglite } from '../store/pglite.ts';
import { trackingMigrations } from '../tracking/migrations.ts';
import { fleetContract } from './fleet.contract.ts';
import { fleetMigrations } from './migrations.ts';

describe('the fleet over PGlite', () => {
  fleetContract(() => openPglite({ migrations: [...trackingMigrations, ...fleetMigrations] }));
});
