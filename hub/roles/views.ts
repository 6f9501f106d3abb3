/** What follows from a change of packages and alerts, in its transaction: of what is new (role `project`) and of what is replayed (role `api`). */
import type { TrackingEvent } from '../../protocols/uplink/tracking-event.ts';
import { withIncidents } from '../alerts/incident-projection.ts';
import type { HubOptions } from '../hub-options.ts';
import { withLimits } from '../limits/stays.ts';
import { alertProjection } from '../tracking/alert-projection.ts';
import type { Projection } from '../tracking/projector.ts';
import { withStateOutbox } from '../tracking/state-outbox.ts';

export function viewsOf({ config, clock }: HubOptions) {
  return {
    packages(projection: Projection<TrackingEvent>) {
      const limited = withLimits(projection, { clock });
      return config.kafka ? withStateOutbox(limited) : limited;
    },
    alerts: withIncidents(alertProjection, { clock, retryForMs: config.alerts.retryFor }),
  };
}
