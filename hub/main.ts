/**
 * The hub: puts broker, event log, time series, store, processors, projections and API together and runs them until the signal. The
 * hub's composition root.
 *
 * What takes over from a hub that died comes first: the transactions it left open are ended while modules load, and the role `process` begins before
 * the code of the other roles is read.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { FastifyInstance } from 'fastify';
import { aborted } from '../protocols/base/clock.ts';
import type { ReportedConfig } from '../protocols/fleet/reported-config.ts';
import { renderMetrics } from '../protocols/metrics/exposition.ts';
import type { Role } from './config.ts';
import type { HubOptions } from './hub-options.ts';
import { TOPICS } from './log/event-log.ts';
import { Gateways } from './ops/gateways.ts';
import { healthOf, reportOf } from './ops/hub-state.ts';
import { Meters } from './ops/meters.ts';
import { type HubReport, hubMetrics } from './ops/report.ts';
import { followStatuses, StatusLog } from './ops/status-log.ts';
import { hostPort, openBroker, openPorts } from './ports.ts';
import { LedgerAudit } from './process/ledger-audit.ts';
import { type Consumer, startUp } from './start-up.ts';
import { SeriesGuard } from './timeseries/series-guard.ts';
import { SqlTimeSeries } from './timeseries/sql/sql-time-series.ts';
import { Changes } from './tracking/changes.ts';

export interface RunningHub {
  /** Where the API and the pages answer (without the role `api`: /healthz and /metrics). */
  httpUrl: string;
  /** Where gateways connect; undefined with an external broker, or without the role `ingest`. */
  mqttUrl: string | undefined;
  report(): Promise<HubReport>;
  /** Resolves after the signal, when everything is closed. */
  done: Promise<void>;
}

const FIRST_MS = 1_500;
const FIRST_LOOK_MS = 5;
/** Long enough for a group of batches to be fetched, made and committed. */
const BREATH_MS = 60;

/** Resolves when the hub listens. Rejects when a port is taken, a module is missing or the embedded data folder is in use. */
export async function runHub(options: HubOptions): Promise<RunningHub> {
  const { config, clock, log } = options;
  const has = (role: Role) => config.roles.includes(role);
  const opened: { close(): Promise<unknown> }[] = [];
  const keep = <T extends { close(): Promise<unknown> }>(port: T): T => {
    opened.push(port);
    return port;
  };
  const failed = new AbortController();
  const signal = AbortSignal.any([options.signal, failed.signal]);
  try {
    const ports = await openPorts(options, keep);
    const { store, timeSeries, cache } = ports;
    const { otel } = config;
    const tracing =
      otel &&
      keep(
        await (await import('./ops/tracing.ts')).openTracing({
          ...otel,
          random: Math.random,
          attributes: { 'milepost.roles': config.roles.join(',') },
        }),
      );
    const meters = new Meters(clock);
    const eventLog = meters.log(tracing ? tracing.log(ports.eventLog) : ports.eventLog);
    const audit = new LedgerAudit();
    const guard = new SeriesGuard(config.series);
    const processors =
      has('process') && timeSeries
        ? (await import('./roles/process.ts')).openProcessors(options, { eventLog, timeSeries, audit, meters, guard })
        : [];
    const processing: Consumer[] = processors.map((processor) => ({
      name: processor.group,
      start: () => processor.start(),
    }));
    const starting = startUp({ store, eventLog, timeSeries }, { ...options, signal });
    starting.begin(processing, config.kafka && config.influx ? 'log' : 'store');
    // Reading the other roles' code keeps the JavaScript thread busy for as long as partitions of a comer-back take otherwise.
    if (has('process') && config.kafka?.instance !== undefined) {
      await untilReading(processing, signal);
      await inParts(config.roles);
    }

    const broker = has('ingest') ? keep(await openBroker(options)) : undefined;
    const gateways = new Gateways();
    const changes = new Changes();
    // On a server the projections may run in another process than the live streams.
    const announcer = meters.announcer(
      config.postgres ? (await import('./tracking/notified-changes.ts')).notifyChanges : changes,
    );
    const api = has('api') ? await import('./roles/api.ts') : undefined;
    const listener = api?.openListener(options, { changes });
    if (listener) keep(listener);
    const statusLog = new StatusLog({ eventLog, clock, log: log.child({ part: 'status' }), signal });
    const reportLog = new StatusLog<ReportedConfig>({
      eventLog,
      clock,
      log: log.child({ part: 'status' }),
      signal,
      topic: TOPICS.gatewayReports,
    });
    const ingest =
      broker &&
      new (await import('./ingest/ingest.ts')).Ingest({
        eventLog,
        broker,
        clock,
        log: log.child({ part: 'ingest' }),
        onStatus: (status) => statusLog.write(status),
        onConfigReport: (report) => reportLog.write(report),
      });
    const door = ingest?.door ?? (api && new (await import('./door/door.ts')).Door({ eventLog, clock }));
    const projections =
      has('project') && store
        ? (await import('./roles/project.ts')).projectionsOf(options, {
            eventLog,
            store,
            changes: announcer,
            heard: changes,
          })
        : [];
    if (broker) {
      const { publishConfigs } = await import('./fleet/config-log.ts');
      projections.push({
        name: TOPICS.gatewayConfig,
        // What an embedded broker kept is gone with its process; at an external one several processes share the work.
        start: () =>
          publishConfigs({ eventLog, broker, ...(broker.url === undefined && { group: 'milepost-config' }) }),
      });
    }
    const hearing: Consumer[] =
      has('process') || has('api')
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
        : [];
    const consumers = [...processing, ...projections, ...hearing];
    const health = healthOf({ ...ports, broker, listener, consumers });
    const { roles } = config;
    const reported = { roles, ingest, door, broker, processors, processing, projections, gateways, guard, meters };
    const report = () => reportOf(reported, health, clock);
    const ops = {
      clock,
      roles,
      log: log.child({ part: 'api' }),
      health,
      metrics: async () => renderMetrics(hubMetrics(await report())),
    };
    const { http, replays } =
      api && door && store && timeSeries && cache
        ? await api.openApi(options, { eventLog, store, timeSeries, cache, changes, announcer, door }, ops)
        : { http: await (await import('./api/ops-app.ts')).createOps(ops) };
    opened.push({ close: () => http.close() });
    const httpUrl = await listen(http, config.http.listen);
    log.info({ url: httpUrl, roles }, has('api') ? 'API and pages listen' : 'health and metrics listen');

    starting.begin([...projections, ...hearing], 'store');
    const upkeep =
      has('process') && timeSeries instanceof SqlTimeSeries
        ? (await import('./timeseries/sql/retention-job.ts')).keepRetention({
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
      await starting.done();
      await http.close();
      // The broker first: what is in hands is finished, nothing new is taken.
      await broker?.close();
      await statusLog.settled();
      await reportLog.settled();
      await upkeep;
      await listener?.close();
      await replays?.close();
      await Promise.all(consumers.map(({ runner }) => runner?.stop()));
      for (const port of [cache, timeSeries, eventLog, store, tracing]) await port?.close();
      log.info({}, 'hub stopped');
    };
    return { httpUrl, mqttUrl: broker?.url, report, done: stop() };
  } catch (error) {
    failed.abort();
    for (const port of opened.reverse()) await port.close().catch(() => {});
    throw error;
  }
}

/** Bounded: partitions may be with others, or Kafka away. */
async function untilReading(consumers: readonly Consumer[], signal: AbortSignal): Promise<void> {
  const isReading = () => consumers.every(({ runner }) => runner?.lag() !== undefined);
  for (const endMs = performance.now() + FIRST_MS; !isReading() && performance.now() < endMs && !signal.aborted; )
    await delay(FIRST_LOOK_MS);
}

/** Code of the other roles, read a part at a time: one takes a tenth of a second and more, and between two of them batches are worked on. */
async function inParts(roles: readonly Role[]): Promise<void> {
  const parts: Partial<Record<Role, (() => Promise<unknown>)[]>> = {
    ingest: [() => import('mqtt'), () => import('./ingest/ingest.ts')],
    project: [
      () => import('./fleet/fleet.ts'),
      () => import('./alerts/senders.ts'),
      () => import('./roles/project.ts'),
    ],
    api: [() => import('fastify'), () => import('./api/app.ts'), () => import('./roles/api.ts')],
  };
  for (const part of roles.flatMap((role) => parts[role] ?? [])) {
    await part();
    await delay(BREATH_MS);
  }
}

async function listen(api: FastifyInstance, address: string): Promise<string> {
  const { host, port } = hostPort(address);
  return api.listen({ host, port });
}
