/**
 * The hub: puts broker, event log, time series, store, processors, projections and API together and runs them until the signal. The
 * hub's composition root.
 */
import type { FastifyInstance } from 'fastify';
import { aborted, type Clock } from '../protocols/base/clock.ts';
import type { Log } from '../protocols/base/log.ts';
import type { ReportedConfig } from '../protocols/fleet/reported-config.ts';
import { renderMetrics } from '../protocols/metrics/exposition.ts';
import { openAlerting } from './alerts/alerting.ts';
import { runDeliverer } from './alerts/deliverer.ts';
import { withIncidents } from './alerts/incident-projection.ts';
import { openSenders } from './alerts/senders.ts';
import { createApi, createOps } from './api/app.ts';
import { openOperators } from './api/operators.ts';
import { bounded } from './api/routes/ops.ts';
import type { Cache } from './cache/cache.ts';
import { cachedCurves } from './cache/cached-curves.ts';
import type { HubConfig, Role } from './config.ts';
import { deadLetterProjection } from './dead-letters/projection.ts';
import { Door } from './door/door.ts';
import { publishConfigs } from './fleet/config-log.ts';
import { Fleet } from './fleet/fleet.ts';
import { runFleet } from './fleet/fleet-engine.ts';
import { reportProjection, statusProjection } from './fleet/gateway-projections.ts';
import { Ingest } from './ingest/ingest.ts';
import { followReadings, LIMITS_GROUP } from './limits/consumer.ts';
import { runJudge } from './limits/judge.ts';
import { LimitDesk } from './limits/limit-desk.ts';
import { withLimits } from './limits/stays.ts';
import { type EventLog, type Runner, TOPICS } from './log/event-log.ts';
import { Gateways } from './ops/gateways.ts';
import { Meters } from './ops/meters.ts';
import { type HubReport, hubMetrics } from './ops/report.ts';
import { followStatuses, StatusLog } from './ops/status-log.ts';
import { openTracing } from './ops/tracing.ts';
import { hostPort, openBroker, openPorts, type Ports } from './ports.ts';
import { LedgerAudit } from './process/ledger-audit.ts';
import { Processor } from './process/processor.ts';
import { listenPostgres } from './store/postgres-listener.ts';
import type { Store } from './store/store.ts';
import { guarded, SeriesGuard } from './timeseries/series-guard.ts';
import { keepRetention } from './timeseries/sql/retention-job.ts';
import { SqlTimeSeries } from './timeseries/sql/sql-time-series.ts';
import type { TimeSeries } from './timeseries/time-series.ts';
import { alertProjection } from './tracking/alert-projection.ts';
import { type Announcer, Changes } from './tracking/changes.ts';
import { CHANNEL, changesOf, notifyChanges } from './tracking/notified-changes.ts';
import { packageProjection } from './tracking/package-projection.ts';
import { runProjection } from './tracking/projector.ts';
import { publishStates, withStateOutbox } from './tracking/state-outbox.ts';

export interface HubOptions {
  config: HubConfig;
  clock: Clock;
  log: Log;
  /** Ends the hub. */
  signal: AbortSignal;
}

export interface RunningHub {
  /** Where the API and the pages answer (without the role `api`: /healthz and /metrics). */
  httpUrl: string;
  /** Where gateways connect; undefined with an external broker, or without the role `ingest`. */
  mqttUrl: string | undefined;
  report(): Promise<HubReport>;
  /** Resolves after the signal, when everything is closed. */
  done: Promise<void>;
}

const RETRY_MS = 1_000;

/** A consumer of the event log: started when what it needs is there, and asked how far it is. */
interface Consumer {
  name: string;
  start(): Promise<Runner>;
  runner?: Runner;
}

/** Resolves when the hub listens. Rejects when a port is taken, a module is missing or the embedded data folder is in use. */
export async function runHub(options: HubOptions): Promise<RunningHub> {
  const { config, clock, log, signal } = options;
  const has = (role: Role) => config.roles.includes(role);
  const opened: { close(): Promise<unknown> }[] = [];
  const keep = <T extends { close(): Promise<unknown> }>(port: T): T => {
    opened.push(port);
    return port;
  };
  try {
    const ports = await openPorts(options, keep);
    const { store, timeSeries } = ports;
    const { otel } = config;
    const tracing =
      otel &&
      keep(
        await openTracing({ ...otel, random: Math.random, attributes: { 'milepost.roles': config.roles.join(',') } }),
      );
    const meters = new Meters(clock);
    const eventLog = meters.log(tracing ? tracing.log(ports.eventLog) : ports.eventLog);
    const broker = has('ingest') ? keep(await openBroker(options)) : undefined;
    const gateways = new Gateways();
    const changes = new Changes();
    const { url: postgresUrl } = config.postgres ?? {};
    // On a server the projections may run in another process than the live streams.
    const announcer = meters.announcer(postgresUrl === undefined ? changes : notifyChanges);
    const listener =
      has('api') && postgresUrl !== undefined
        ? keep(
            listenPostgres({
              url: postgresUrl,
              channel: CHANNEL,
              onPayload: (payload) => changes.publish(changesOf(payload)),
              onGap: () => changes.publish([{ kind: 'many' }]),
              log: log.child({ part: 'live' }),
            }),
          )
        : undefined;
    const audit = new LedgerAudit();
    const guard = new SeriesGuard(config.series);
    const statusLog = new StatusLog({ eventLog, clock, log: log.child({ part: 'status' }), signal });
    const reportLog = new StatusLog<ReportedConfig>({
      eventLog,
      clock,
      log: log.child({ part: 'status' }),
      signal,
      topic: TOPICS.gatewayReports,
    });
    const processors =
      has('process') && timeSeries ? openProcessors(options, { eventLog, timeSeries, audit, meters, guard }) : [];
    const ingest =
      broker &&
      new Ingest({
        eventLog,
        broker,
        clock,
        log: log.child({ part: 'ingest' }),
        onStatus: (status) => statusLog.write(status),
        onConfigReport: (report) => reportLog.write(report),
      });
    const door = ingest?.door ?? (has('api') ? new Door({ eventLog, clock }) : undefined);
    const projections =
      has('project') && store ? projectionsOf(options, { eventLog, store, changes: announcer, heard: changes }) : [];
    const consumers: Consumer[] = [
      ...processors.map((processor) => ({ name: processor.group, start: () => processor.start() })),
      ...projections,
      ...(broker
        ? [
            {
              name: TOPICS.gatewayConfig,
              // What an embedded broker kept is gone with its process; at an external one several processes share the work.
              start: () =>
                publishConfigs({ eventLog, broker, ...(broker.url === undefined && { group: 'milepost-config' }) }),
            },
          ]
        : []),
      ...(has('process') || has('api')
        ? [
            {
              name: TOPICS.gatewayStatus,
              start: () =>
                followStatuses(eventLog, (status, heardMs) => {
                  gateways.heard(status, heardMs);
                  audit.heard(status, clock.monotonicUs() / 1000);
                }),
            },
          ]
        : []),
    ];
    const health = {
      ...(broker && { broker: async () => broker.healthy() }),
      eventLog: () => eventLog.healthy(),
      ...(timeSeries && { timeSeries: () => timeSeries.healthy() }),
      ...(store && { store: () => store.healthy() }),
      ...(listener && { live: async () => listener.healthy() }),
      ...(ports.cache && { cache: () => (ports.cache as Cache).healthy() }),
      ...(consumers.length > 0 && { process: async () => consumersHealthy(consumers) }),
    };
    const report = async (): Promise<HubReport> => ({
      ingest: ingest?.counters,
      ...(door && { door: door.counters }),
      ...(ingest && { sparkplug: ingest.sparkplug.counters }),
      processors: processors.map((processor, index) => ({
        group: processor.group,
        lanes: processor.lanes,
        counters: processor.counters,
        ledger: processor.ledger(),
        lag: consumers[index]?.runner?.lag(),
      })),
      projections: consumers
        .slice(processors.length)
        .filter(({ name }) => name !== TOPICS.gatewayStatus)
        .map(({ name, runner }) => ({ name, lag: runner?.lag() })),
      ports: await Promise.all(
        Object.entries(health).map(async ([name, check]) => ({ name, ok: (await bounded(check, clock)).ok })),
      ),
      gateways: has('process') || has('api') ? gateways.list() : undefined,
      roles: config.roles,
      queue: broker?.queue(),
      series: has('process') ? guard.size : undefined,
      distributions: meters.metrics(),
    });
    const ops = {
      clock,
      roles: config.roles,
      log: log.child({ part: 'api' }),
      health,
      metrics: async () => renderMetrics(hubMetrics(await report())),
    };
    const operators =
      has('api') && store && timeSeries
        ? openOperators({
            ...options,
            store,
            eventLog,
            timeSeries,
            door,
            log: log.child({ part: 'replay' }),
          })
        : undefined;
    const http =
      operators && store && timeSeries && ports.cache
        ? await createApi({
            ...ops,
            store,
            timeSeries: cachedCurves(timeSeries, ports.cache),
            changes,
            operators,
            fleet: new Fleet({ store, clock, changes: announcer }),
            limits: new LimitDesk({ store, clock }),
            alerting: openAlerting({ config: config.alerts, store, clock, changes: announcer }),
          })
        : await createOps(ops);
    opened.push({ close: () => http.close() });
    const httpUrl = await listen(http, config.http.listen);
    log.info({ url: httpUrl, roles: config.roles }, has('api') ? 'API and pages listen' : 'health and metrics listen');

    // A store or a log that is away at the start is waited for: the hub comes up, says so in /healthz, and goes on by itself.
    const started = startAll({ ports: { ...ports, eventLog }, consumers, options });
    const upkeep =
      has('process') && timeSeries instanceof SqlTimeSeries
        ? keepRetention({
            timeSeries,
            plan: { rawMs: config.retention.telemetry.raw, hourlyMs: config.retention.telemetry.hourly },
            clock,
            log: log.child({ part: 'timeseries' }),
            signal,
          })
        : undefined;
    if (broker && ingest) await broker.start((topic, payload) => ingest.handle(topic, payload));

    const stop = async () => {
      await aborted(signal);
      await started;
      await http.close();
      // The broker first: what is in hands is finished, nothing new is taken.
      await broker?.close();
      await statusLog.settled();
      await reportLog.settled();
      await upkeep;
      await listener?.close();
      await operators?.replays.close();
      await Promise.all(consumers.map(({ runner }) => runner?.stop()));
      for (const port of [ports.cache, timeSeries, eventLog, store, tracing]) await port?.close();
      log.info({}, 'hub stopped');
    };
    return { httpUrl, mqttUrl: broker?.url, report, done: stop() };
  } catch (error) {
    for (const port of opened.reverse()) await port.close().catch(() => {});
    throw error;
  }
}

/** Two consumer groups, so that a time series database that is away holds up telemetry and nothing else. */
function openProcessors(
  { config, clock, log }: HubOptions,
  parts: { eventLog: EventLog; timeSeries: TimeSeries; audit: LedgerAudit; meters: Meters; guard: SeriesGuard },
): Processor[] {
  const { eventLog, audit, meters, guard } = parts;
  const shared = {
    eventLog,
    audit,
    timeSeries: guarded(meters.series(parts.timeSeries), guard, () => clock.monotonicUs() / 1000),
    onReached: meters.reached.bind(meters),
    clock,
    log: log.child({ part: 'process' }),
    gapAfterMs: config.process.gapAfter,
    format: config.kafka?.format ?? 'json',
    maxDoorIds: config.door.maxIds,
  };
  return [
    new Processor({ ...shared, group: 'milepost-process', lanes: ['alert', 'tracking'] }),
    new Processor({ ...shared, group: 'milepost-timeseries', lanes: ['telemetry'] }),
  ];
}

function projectionsOf(
  { config, clock, log }: HubOptions,
  parts: { eventLog: EventLog; store: Store; changes: Announcer; heard: Changes },
): Consumer[] {
  const { eventLog, store, changes, heard } = parts;
  const packages = withLimits(packageProjection, { clock });
  return [
    {
      name: packageProjection.name,
      start: () =>
        runProjection(config.kafka ? withStateOutbox(packages) : packages, {
          log: eventLog,
          store,
          logger: log.child({ part: 'tracking' }),
          changes,
        }),
    },
    {
      name: alertProjection.name,
      start: () =>
        runProjection(withIncidents(alertProjection, { clock, retryForMs: config.alerts.retryFor }), {
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

async function startAll(at: { ports: Ports; consumers: Consumer[]; options: HubOptions }): Promise<void> {
  const { ports, consumers, options } = at;
  const { store, eventLog, timeSeries } = ports;
  const patiently = (what: string, work: () => Promise<unknown>) => untilDone(what, work, options);
  const time = timeSeries && patiently('time series', () => timeSeries.setup());
  const migrated = store ? patiently('store', () => store.migrate()) : undefined;
  // An embedded log stands in the store's tables.
  if (!options.config.kafka) await migrated;
  await Promise.all([migrated, patiently('event log', () => eventLog.setup())]);
  await Promise.all([
    time,
    ...consumers.map((consumer) =>
      patiently(consumer.name, async () => {
        consumer.runner = await consumer.start();
      }),
    ),
  ]);
}

async function untilDone(
  what: string,
  work: () => Promise<unknown>,
  { clock, log, signal }: HubOptions,
): Promise<void> {
  for (let attempt = 1; !signal.aborted; attempt++) {
    try {
      await work();
      return;
    } catch (error) {
      if (attempt === 1 || attempt % 30 === 0)
        log.warn({ err: error, what, attempt }, 'not available yet: trying again');
      await new Promise<void>((resolve) => clock.after(RETRY_MS, resolve));
    }
  }
}

function consumersHealthy(consumers: readonly Consumer[]): { ok: boolean; detail: string } {
  const missing = consumers.filter(({ runner }) => runner === undefined).map(({ name }) => name);
  if (missing.length > 0) return { ok: false, detail: `not started yet: ${missing.join(', ')}` };
  const faults = consumers.flatMap(({ name, runner }) => {
    const fault = runner?.fault();
    return fault ? [`${name}: ${fault.message}`] : [];
  });
  return faults.length > 0
    ? { ok: false, detail: faults.join('; ') }
    : { ok: true, detail: `${consumers.length} consumers` };
}

async function listen(api: FastifyInstance, address: string): Promise<string> {
  const { host, port } = hostPort(address);
  return api.listen({ host, port });
}
