/** The role `project`: package events, alerts and what gateways say become what the store holds, and what follows from it. */
import { runDeliverer } from '../alerts/deliverer.ts';
import { openSenders } from '../alerts/senders.ts';
import { deadLetterProjection } from '../dead-letters/projection.ts';
import { runFleet } from '../fleet/fleet-engine.ts';
import { reportProjection, statusProjection } from '../fleet/gateway-projections.ts';
import type { HubOptions } from '../hub-options.ts';
import { followReadings, LIMITS_GROUP } from '../limits/consumer.ts';
import { runJudge } from '../limits/judge.ts';
import { type EventLog, TOPICS } from '../log/event-log.ts';
import type { Consumer } from '../start-up.ts';
import type { Store } from '../store/store.ts';
import { alertProjection } from '../tracking/alert-projection.ts';
import type { Announcer, Changes } from '../tracking/changes.ts';
import { packageProjection } from '../tracking/package-projection.ts';
import { runProjection } from '../tracking/projector.ts';
import { publishStates } from '../tracking/state-outbox.ts';
import { viewsOf } from './views.ts';

export function projectionsOf(
  options: HubOptions,
  parts: { eventLog: EventLog; store: Store; changes: Announcer; heard: Changes },
): Consumer[] {
  const { config, clock, log } = options;
  const { eventLog, store, changes, heard } = parts;
  const views = viewsOf(options);
  return [
    {
      name: packageProjection.name,
      start: () =>
        runProjection(views.packages(packageProjection), {
          log: eventLog,
          store,
          logger: log.child({ part: 'tracking' }),
          changes,
        }),
    },
    {
      name: alertProjection.name,
      start: () =>
        runProjection(views.alerts, {
          log: eventLog,
          store,
          logger: log.child({ part: 'alerts' }),
          changes,
        }),
    },
    {
      name: LIMITS_GROUP,
      start: () => followReadings({ eventLog, store, clock, changes, log: log.child({ part: 'limits' }) }),
    },
    {
      name: 'limits',
      start: async () =>
        runJudge({
          store,
          eventLog,
          clock,
          log: log.child({ part: 'limits' }),
          format: config.kafka?.format ?? 'json',
        }),
    },
    {
      name: 'deliveries',
      start: async () =>
        runDeliverer({
          ...openSenders(config.alerts, clock),
          store,
          clock,
          changes,
          log: log.child({ part: 'deliveries' }),
          random: Math.random,
          retryForMs: config.alerts.retryFor,
        }),
    },
    // Nobody but this process reads an embedded log.
    ...(config.kafka
      ? [
          {
            name: TOPICS.packageStates,
            start: async () => publishStates({ store, eventLog, clock, log: log.child({ part: 'states' }) }),
          },
        ]
      : []),
    {
      name: deadLetterProjection.name,
      start: () =>
        runProjection(deadLetterProjection, { log: eventLog, store, logger: log.child({ part: 'letters' }), changes }),
    },
    {
      name: statusProjection.name,
      start: () =>
        runProjection(statusProjection, { log: eventLog, store, logger: log.child({ part: 'fleet' }), changes }),
    },
    {
      name: reportProjection.name,
      start: () =>
        runProjection(reportProjection, { log: eventLog, store, logger: log.child({ part: 'fleet' }), changes }),
    },
    {
      name: 'fleet',
      start: async () => runFleet({ store, eventLog, clock, log: log.child({ part: 'fleet' }), changes, heard }),
    },
  ];
}
