/** A store for tests of alert handling, with what it stands on. */
import { fleetMigrations } from '../fleet/migrations.ts';
import { openPglite } from '../store/pglite.ts';
import type { Store } from '../store/store.ts';
import { trackingMigrations } from '../tracking/migrations.ts';
import { alertMigrations } from './migrations.ts';

export async function openAlertStore(): Promise<Store> {
  const store = await openPglite({ migrations: [...trackingMigrations, ...fleetMigrations, ...alertMigrations] });
  await store.migrate();
  return store;
}

export async function emptyAlertStore(store: Store): Promise<void> {
  await store.query(
    `truncate alerts, alert_messages, alert_spells, incidents, incident_ids, incident_notes, silences, subscriptions,
     deliveries, fleet_gateways`,
  );
}
