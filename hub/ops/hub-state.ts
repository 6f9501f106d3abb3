/** What a running hub says of itself: whether its parts are well, and its figures. */
import type { Clock } from '../../protocols/base/clock.ts';
import { bounded, type HealthCheck } from '../api/routes/ops.ts';
import type { Broker } from '../broker/broker.ts';
import type { Role } from '../config.ts';
import type { Door } from '../door/door.ts';
import type { Ingest } from '../ingest/ingest.ts';
import type { Ports } from '../ports.ts';
import type { Processor } from '../process/processor.ts';
import { type Consumer, consumersHealthy } from '../start-up.ts';
import type { Listener } from '../store/postgres-listener.ts';
import type { SeriesGuard } from '../timeseries/series-guard.ts';
import type { Gateways } from './gateways.ts';
import type { Meters } from './meters.ts';
import type { HubReport } from './report.ts';

/** What its roles have opened; undefined what they do not need. */
export interface HubParts extends Pick<Ports, 'store' | 'timeSeries' | 'cache' | 'eventLog'> {
  broker: Broker | undefined;
  listener: Listener | undefined;
  /** All that reads the event log. */
  consumers: readonly Consumer[];
}

export function healthOf(parts: HubParts): Record<string, HealthCheck> {
  const { broker, eventLog, timeSeries, store, listener, cache, consumers } = parts;
  return {
    ...(broker && { broker: async () => broker.healthy() }),
    eventLog: () => eventLog.healthy(),
    ...(timeSeries && { timeSeries: () => timeSeries.healthy() }),
    ...(store && { store: () => store.healthy() }),
    ...(listener && { live: async () => listener.healthy() }),
    ...(cache && { cache: () => cache.healthy() }),
    ...(consumers.length > 0 && { process: async () => consumersHealthy(consumers) }),
  };
}

export interface Reported {
  roles: readonly Role[];
  ingest: Ingest | undefined;
  door: Door | undefined;
  broker: Broker | undefined;
  processors: readonly Processor[];
  /** Of each processor the consumer that runs it. */
  processing: readonly Consumer[];
  projections: readonly Consumer[];
  gateways: Gateways;
  guard: SeriesGuard;
  meters: Meters;
}

export async function reportOf(
  of: Reported,
  health: Readonly<Record<string, HealthCheck>>,
  clock: Clock,
): Promise<HubReport> {
  const { roles, ingest, door, processing } = of;
  const ports = Object.entries(health).map(async ([name, check]) => ({ name, ok: (await bounded(check, clock)).ok }));
  return {
    roles,
    ingest: ingest?.counters,
    ...(door && { door: door.counters }),
    ...(ingest && { sparkplug: ingest.sparkplug.counters }),
    processors: of.processors.map((processor, index) => ({
      group: processor.group,
      lanes: processor.lanes,
      counters: processor.counters,
      ledger: processor.ledger(),
      lag: processing[index]?.runner?.lag(),
    })),
    projections: of.projections.map(({ name, runner }) => ({ name, lag: runner?.lag() })),
    ports: await Promise.all(ports),
    gateways: roles.includes('process') || roles.includes('api') ? of.gateways.list() : undefined,
    queue: of.broker?.queue(),
    series: roles.includes('process') ? of.guard.size : undefined,
    distributions: of.meters.metrics(),
  };
}
