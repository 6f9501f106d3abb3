/**
 * The hub: puts broker, event log, time series, store, processors, projections and API together and runs them until the signal. The
 * hub's composition root.
 */
import type { FastifyInstance } from 'fastify';
import { aborted, type Clock } from '../protocols/base/clock.ts';
import type { Log } from '../protocols/base/log.ts';
import { renderMetrics } from '../protocols/metrics/exposition.ts';
import { createApi } from './api/app.ts';
import type { Broker } from './broker/broker.ts';
import { openEmbeddedBroker } from './broker/embedded.ts';
import { openExternalBroker } from './broker/external.ts';
import { cachedCurves } from './cache/cached-curves.ts';
import { openMemoryCache } from './cache/memory.ts';
import { openRedisCache } from './cache/redis.ts';
import type { HubConfig } from './config.ts';
import { Ingest } from './ingest/ingest.ts';
import type { EventLog, Runner } from './log/event-log.ts';
import { openKafkaLog } from './log/kafka/kafka-log.ts';
import { logMigrations } from './log/sql/migrations.ts';
import { openSqlLog } from './log/sql/sql-log.ts';
import { hubTopics } from './log/topics.ts';
import { Gateways } from './ops/gateways.ts';
import { type HubReport, hubMetrics } from './ops/report.ts';
import { Processor } from './process/processor.ts';
import { openPglite } from './store/pglite.ts';
import { openPostgres } from './store/postgres.ts';
import type { Store } from './store/store.ts';
import { createInfluxTimeSeries } from './timeseries/influx/influx.ts';
import { timeSeriesMigrations } from './timeseries/sql/migrations.ts';
import { SqlTimeSeries } from './timeseries/sql/sql-time-series.ts';
import type { TimeSeries } from './timeseries/time-series.ts';
import { alertProjection } from './tracking/alert-projection.ts';
import { Changes } from './tracking/changes.ts';
import { trackingMigrations } from './tracking/migrations.ts';
import { packageProjection } from './tracking/package-projection.ts';
import { runProjection } from './tracking/projector.ts';

export interface HubOptions {
  config: HubConfig;
  clock: Clock;
  log: Log;
  /** Ends the hub. */
  signal: AbortSignal;
}

export interface RunningHub {
  /** Where the API and the pages answer. */
  httpUrl: string;
  /** Where gateways connect; undefined with an external broker. */
  mqttUrl: string | undefined;
  report(): Promise<HubReport>;
  /** Resolves after the signal, when everything is closed. */
  done: Promise<void>;
}

const RETRY_MS = 1_000;

/** Resolves when the hub listens. Rejects when a port is taken, a module is missing or the embedded data folder is in use. */
export async function runHub(options: HubOptions): Promise<RunningHub> {
  const { config, clock, log, signal } = options;
  const opened: { close(): Promise<unknown> }[] = [];
  const keep = <T extends { close(): Promise<unknown> }>(port: T): T => {
    opened.push(port);
    return port;
  };
  try {
    const store = keep(await openStore(options));
    const eventLog = keep(await openEventLog(options, store));
    const timeSeries = keep(await openTimeSeries(options, store));
    const cache = keep(
      config.redis ? await openRedisCache({ ...config.redis, log: log.child({ part: 'cache' }) }) : openMemoryCache(),
    );
    const broker = keep(await openBroker(options));
    const gateways = new Gateways();
    const changes = new Changes();
    const shared = {
      eventLog,
      timeSeries,
      clock,
      log: log.child({ part: 'process' }),
      gapAfterMs: config.process.gapAfter,
    };
    const processors = [
      new Processor({ ...shared, group: 'milepost-process', lanes: ['alert', 'tracking'] }),
      new Processor({ ...shared, group: 'milepost-timeseries', lanes: ['telemetry'] }),
    ];
    const ingest = new Ingest({
      eventLog,
      broker,
      clock,
      log: log.child({ part: 'ingest' }),
      onStatus: (status) => gateways.heard(status, clock.wall().wallMs),
    });
    const runners: (Runner | undefined)[] = [];
    const health = {
      broker: async () => broker.healthy(),
      eventLog: () => eventLog.healthy(),
      timeSeries: () => timeSeries.healthy(),
      store: () => store.healthy(),
      cache: () => cache.healthy(),
      process: async () => runnersHealthy(runners),
    };
    const report = async (): Promise<HubReport> => ({
      ingest: ingest.counters,
      processors: processors.map((processor, index) => ({
        group: processor.group,
        lanes: processor.lanes,
        counters: processor.counters,
        ledger: processor.ledger(),
        lag: runners[index]?.lag(),
      })),
      projections: [packageProjection, alertProjection].map(({ name }, index) => ({
        name,
        lag: runners[index + 2]?.lag(),
      })),
      ports: await Promise.all(Object.entries(health).map(async ([name, check]) => ({ name, ok: (await check()).ok }))),
      gateways: gateways.list(),
    });
    const api = await createApi({
      store,
      timeSeries: cachedCurves(timeSeries, cache),
      clock,
      log: log.child({ part: 'api' }),
      changes,
      health,
      metrics: async () => renderMetrics(hubMetrics(await report())),
    });
    opened.push({ close: () => api.close() });
    const httpUrl = await listen(api, config.http.listen);
    log.info({ url: httpUrl }, 'API and pages listen');

    // A store or a log that is away at the start is waited for: the hub comes up, says so in /healthz, and goes on by itself.
    const starts = [
      () => processors[0]?.start(),
      () => processors[1]?.start(),
      () =>
        runProjection(packageProjection, { log: eventLog, store, logger: log.child({ part: 'tracking' }), changes }),
      () => runProjection(alertProjection, { log: eventLog, store, logger: log.child({ part: 'alerts' }), changes }),
    ];
    const started = startAll({ store, eventLog, timeSeries, starts, runners, options });
    await broker.start((topic, payload) => ingest.handle(topic, payload));

    const stop = async () => {
      await aborted(signal);
      await started;
      await api.close();
      // The broker first: what is in hands is finished, nothing new is taken.
      await broker.close();
      await Promise.all(runners.map((runner) => runner?.stop()));
      for (const port of [cache, timeSeries, eventLog, store]) await port.close();
      log.info({}, 'hub stopped');
    };
    return { httpUrl, mqttUrl: broker.url, report, done: stop() };
  } catch (error) {
    for (const port of opened.reverse()) await port.close().catch(() => {});
    throw error;
  }
}

async function startAll(at: {
  store: Store;
  eventLog: EventLog;
  timeSeries: TimeSeries;
  starts: (() => Promise<Runner> | undefined)[];
  runners: (Runner | undefined)[];
  options: HubOptions;
}): Promise<void> {
  const { store, eventLog, timeSeries, starts, runners, options } = at;
  const patiently = (what: string, work: () => Promise<void>) => untilDone(what, work, options);
  const time = patiently('time series', () => timeSeries.setup());
  await patiently('store', () => store.migrate());
  await patiently('event log', () => eventLog.setup());
  await Promise.all([
    time,
    ...starts.map((start, index) =>
      patiently('consumer', async () => {
        runners[index] = await start();
      }),
    ),
  ]);
}

async function untilDone(what: string, work: () => Promise<void>, { clock, log, signal }: HubOptions): Promise<void> {
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

function runnersHealthy(runners: readonly (Runner | undefined)[]): { ok: boolean; detail: string } {
  const faults = runners.map((runner) => runner?.fault()?.message).filter((message) => message !== undefined);
  const missing = 4 - runners.filter((runner) => runner !== undefined).length;
  if (missing > 0) return { ok: false, detail: `${missing} consumers not started yet` };
  return faults.length > 0
    ? { ok: false, detail: faults.join('; ') }
    : { ok: true, detail: `${runners.length} consumers` };
}

function openStore({ config, log }: HubOptions): Promise<Store> {
  const migrations = [...logMigrations, ...trackingMigrations, ...timeSeriesMigrations];
  if (config.postgres) return openPostgres({ url: config.postgres.url, migrations });
  return openPglite({
    migrations,
    log: log.child({ part: 'store' }),
    ...(config.dataDir === 'memory' ? {} : { dataDir: `${config.dataDir}/store` }),
  });
}

async function openEventLog({ config, log }: HubOptions, store: Store): Promise<EventLog> {
  const { kafka } = config;
  if (!kafka) return openSqlLog({ store, topics: hubTopics(), log: log.child({ part: 'log' }) });
  return openKafkaLog({
    brokers: kafka.brokers,
    topics: hubTopics({ partitions: kafka.partitions }),
    replication: kafka.replication,
    instance: kafka.instance,
    properties: kafka.properties,
    log: log.child({ part: 'log' }),
  });
}

async function openTimeSeries({ config, log }: HubOptions, store: Store): Promise<TimeSeries> {
  return config.influx
    ? createInfluxTimeSeries({ ...config.influx, log: log.child({ part: 'timeseries' }) })
    : new SqlTimeSeries(store);
}

async function openBroker({ config, log }: HubOptions): Promise<Broker> {
  const { mqtt } = config;
  const maxPendingBytes = mqtt.maxPending;
  if (mqtt.url !== undefined) {
    return openExternalBroker({
      url: mqtt.url,
      clientId: mqtt.clientId,
      log: log.child({ part: 'broker' }),
      maxPendingBytes,
      ...(mqtt.username === undefined ? {} : { username: mqtt.username }),
      ...(mqtt.password === undefined ? {} : { password: mqtt.password }),
    });
  }
  const { host, port } = hostPort(mqtt.listen);
  return openEmbeddedBroker({
    host,
    port,
    users: new Map(Object.entries(mqtt.users)),
    log: log.child({ part: 'broker' }),
    maxPendingBytes,
  });
}

async function listen(api: FastifyInstance, address: string): Promise<string> {
  const { host, port } = hostPort(address);
  return api.listen({ host, port });
}

function hostPort(address: string): { host: string; port: number } {
  const colon = address.lastIndexOf(':');
  return { host: address.slice(0, colon), port: Number(address.slice(colon + 1)) };
}
