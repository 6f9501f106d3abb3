/**
 * The tracking API and the web page: a Fastify application over what the projections have written. Reads only.
 *
 * Everything that it answers comes out of the Store and the TimeSeries; nothing is kept here but open streams.
 */
import Fastify, { type FastifyInstance } from 'fastify';
import type { Clock } from '../../protocols/base/clock.ts';
import type { Log } from '../../protocols/base/log.ts';
import type { Alerting } from '../alerts/alerting.ts';
import type { DeadLetterDesk } from '../dead-letters/desk.ts';
import type { Fleet } from '../fleet/fleet.ts';
import type { LimitDesk } from '../limits/limit-desk.ts';
import type { ReplayJobs } from '../replay/jobs.ts';
import type { Store } from '../store/store.ts';
import type { TimeSeries } from '../timeseries/time-series.ts';
import type { Changes } from '../tracking/changes.ts';
import { TrackingReader } from '../tracking/reader.ts';
import type { DoorContext } from './door-context.ts';
import { installErrorAnswers } from './errors.ts';
import { lazyValidators } from './lazy-validators.ts';
import { LiveFeed } from './live-feed.ts';
import { openapi } from './openapi.ts';
import { withAlerting } from './openapi-alerts.ts';
import { withFleet } from './openapi-fleet.ts';
import { withLimitRoutes } from './openapi-limits.ts';
import { withOperators } from './openapi-operators.ts';
import { withPreview } from './openapi-preview.ts';
import { alertRoutes } from './routes/alerts.ts';
import { deadLetterRoutes } from './routes/dead-letters.ts';
import { epcisRoutes } from './routes/epcis.ts';
import { eventRoutes } from './routes/events.ts';
import { fleetRoutes } from './routes/fleet.ts';
import { fleetPreviewRoutes } from './routes/fleet-preview.ts';
import { incidentRoutes } from './routes/incidents.ts';
import { limitRoutes } from './routes/limits.ts';
import { type HealthCheck, opsRoutes } from './routes/ops.ts';
import { packageRoutes } from './routes/packages.ts';
import { pageRoutes } from './routes/pages.ts';
import { replayRoutes } from './routes/replays.ts';
import { silenceRoutes } from './routes/silences.ts';
import { streamRoutes } from './routes/streams.ts';
import { subscriptionRoutes } from './routes/subscriptions.ts';

/** What a process shows of itself, whatever its roles. */
export interface OpsOptions {
  clock: Clock;
  log: Log;
  /** What this process does (hub/config.ts). */
  roles: readonly string[];
  /** What /healthz asks, by name: the store, the event log, the broker, … */
  health: Readonly<Record<string, HealthCheck>>;
  /** Text for /metrics, in the Prometheus exposition format. */
  metrics: () => Promise<string>;
}

export interface ApiOptions extends OpsOptions {
  store: Store;
  timeSeries: TimeSeries;
  /** What the projections of this process commit. */
  changes: Changes;
  /** What a hub gives besides reading: the open door, dead letters and replays. */
  operators?: Operators;
  fleet?: Fleet;
  /** Incidents, silences, subscriptions. */
  alerting?: Alerting;
  /** Packages' own limits. */
  limits?: LimitDesk;
}

export interface Operators extends DoorContext {
  deadLetters: DeadLetterDesk;
  replays: ReplayJobs;
}

/** What every group of routes works with. */
export interface RouteContext extends ApiOptions {
  reader: TrackingReader;
  live: LiveFeed;
}

/** The caller listens and closes; closing ends open streams. */
export async function createApi(options: ApiOptions): Promise<FastifyInstance> {
  const { store, log, clock, changes } = options;
  const app = Fastify({
    // Package ids stand in paths, percent-encoded.
    routerOptions: { maxParamLength: 2000, ignoreTrailingSlash: true },
    ajv: { customOptions: { removeAdditional: false, coerceTypes: true } },
    schemaController: lazyValidators(),
    bodyLimit: 1024,
    requestTimeout: 30_000,
  });
  const reader = new TrackingReader(store);
  const { operators, fleet, alerting, limits } = options;
  const live = new LiveFeed({
    reader,
    changes,
    clock,
    log,
    sources: [...(fleet?.live ?? []), ...(alerting ? [alerting.live] : [])],
  });
  const context: RouteContext = { ...options, reader, live };

  installErrorAnswers(app, log);
  app.addHook('onRequest', async (_request, reply) => {
    for (const [name, value] of Object.entries(SECURITY_HEADERS)) void reply.header(name, value);
  });
  app.addHook('preClose', async () => live.close());
  const limited = limits ? withLimitRoutes(openapi) : openapi;
  const tracking = alerting ? withAlerting(limited) : limited;
  const documented = fleet ? withPreview(withFleet(tracking)) : tracking;
  app.get('/openapi.json', async () => (operators ? withOperators(documented) : documented));
  if (operators) {
    eventRoutes(app, operators);
    epcisRoutes(app, { ...operators, store, clock });
    deadLetterRoutes(app, operators);
    replayRoutes(app, operators);
  }
  if (fleet) {
    fleetRoutes(app, { fleet });
    fleetPreviewRoutes(app, { ...context, fleet });
  }
  if (alerting) {
    incidentRoutes(app, alerting);
    silenceRoutes(app, alerting);
    subscriptionRoutes(app, alerting);
  }
  if (limits) limitRoutes(app, { limits, reader });
  packageRoutes(app, context);
  alertRoutes(app, context);
  streamRoutes(app, context);
  opsRoutes(app, context);
  await pageRoutes(app);
  return app;
}

/** The pages load nothing from elsewhere, and what a bar code holds is never a script. */
const SECURITY_HEADERS = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cache-control': 'no-store',
};
