/** The role `api`: what people and partners ask of a hub, over HTTP, with live streams. */
import type { FastifyInstance } from 'fastify';
import { openAlerting } from '../alerts/alerting.ts';
import { createApi, type OpsOptions } from '../api/app.ts';
import { openOperators } from '../api/operators.ts';
import type { Cache } from '../cache/cache.ts';
import { cachedCurves } from '../cache/cached-curves.ts';
import type { Door } from '../door/door.ts';
import { Fleet } from '../fleet/fleet.ts';
import type { HubOptions } from '../hub-options.ts';
import { LimitDesk } from '../limits/limit-desk.ts';
import type { EventLog } from '../log/event-log.ts';
import type { ReplayJobs } from '../replay/jobs.ts';
import { type Listener, listenPostgres } from '../store/postgres-listener.ts';
import type { Store } from '../store/store.ts';
import type { TimeSeries } from '../timeseries/time-series.ts';
import type { Announcer, Changes } from '../tracking/changes.ts';
import { CHANNEL, changesOf } from '../tracking/notified-changes.ts';
import { packageRebuild } from '../tracking/package-projection.ts';
import { viewsOf } from './views.ts';

export interface ApiParts {
  eventLog: EventLog;
  store: Store;
  timeSeries: TimeSeries;
  cache: Cache;
  /** What live streams listen to. */
  changes: Changes;
  /** Where what this process changes is told. */
  announcer: Announcer;
  door: Door;
}

/** Hears what projections of other processes change; undefined where all are in this one. */
export function openListener(
  { config, log }: HubOptions,
  { changes }: Pick<ApiParts, 'changes'>,
): Listener | undefined {
  if (!config.postgres) return undefined;
  return listenPostgres({
    url: config.postgres.url,
    channel: CHANNEL,
    onPayload: (payload) => changes.publish(changesOf(payload)),
    onGap: () => changes.publish([{ kind: 'many' }]),
    log: log.child({ part: 'live' }),
  });
}

export async function openApi(
  options: HubOptions,
  { store, timeSeries, cache, changes, announcer, ...parts }: ApiParts,
  ops: OpsOptions,
): Promise<{ http: FastifyInstance; replays: ReplayJobs }> {
  const { config, clock, log } = options;
  const views = viewsOf(options);
  const operators = openOperators({
    ...options,
    ...parts,
    store,
    timeSeries,
    projections: { packages: views.packages(packageRebuild), alerts: views.alerts },
    changes: announcer,
    log: log.child({ part: 'replay' }),
  });
  const http = await createApi({
    ...ops,
    store,
    timeSeries: cachedCurves(timeSeries, cache),
    changes,
    operators,
    fleet: new Fleet({ store, clock, changes: announcer }),
    limits: new LimitDesk({ store, clock }),
    alerting: openAlerting({ config: config.alerts, store, clock, changes: announcer }),
  });
  return { http, replays: operators.replays };
}
