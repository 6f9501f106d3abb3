/** Puts together what answers people about incidents (routes incidents, silences, subscriptions). */
import type { Clock } from '../../protocols/base/clock.ts';
import type { LiveSource } from '../api/live-feed.ts';
import type { HubConfig } from '../config.ts';
import type { Store } from '../store/store.ts';
import type { Announcer } from '../tracking/changes.ts';
import { AddressGuard } from './address-guard.ts';
import { DeliveryDesk } from './delivery-desk.ts';
import { IncidentDesk } from './incident-desk.ts';
import { Silences } from './silences.ts';
import { Subscriptions } from './subscriptions.ts';

export interface Alerting {
  incidents: IncidentDesk;
  silences: Silences;
  subscriptions: Subscriptions;
  deliveries: DeliveryDesk;
  /** Changes of incidents, for live streams. */
  live: LiveSource;
}

export function openAlerting(parts: {
  config: HubConfig['alerts'];
  store: Store;
  clock: Clock;
  changes: Announcer;
}): Alerting {
  const { config, store, clock, changes } = parts;
  const shared = { store, clock, retryForMs: config.retryFor };
  const incidents = new IncidentDesk({ ...shared, changes });
  return {
    incidents,
    live: {
      event: 'incident',
      idOf: (change) => (change.kind === 'incident' ? change.incidentId : undefined),
      lookUp: (ids) => incidents.byIds(ids),
    },
    silences: new Silences({ sql: store, clock }),
    subscriptions: new Subscriptions({
      sql: store,
      clock,
      guard: new AddressGuard(config.webhooks.allow),
      hasMail: config.smtp !== undefined,
    }),
    deliveries: new DeliveryDesk(shared),
  };
}
