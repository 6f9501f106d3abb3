/** Opens what the hub works with, embedded or a server, as its configuration says. Everything opens while its server is away. */
import type { Log } from '../protocols/base/log.ts';
import { alertMigrations } from './alerts/migrations.ts';
import type { Broker } from './broker/broker.ts';
import { openEmbeddedBroker } from './broker/embedded.ts';
import { openExternalBroker } from './broker/external.ts';
import type { Cache } from './cache/cache.ts';
import { openMemoryCache } from './cache/memory.ts';
import { openRedisCache } from './cache/redis.ts';
import { type HubConfig, type Role, topicsOf } from './config.ts';
import { deadLetterMigrations } from './dead-letters/migrations.ts';
import { captureMigrations } from './door/captures.ts';
import { fleetMigrations } from './fleet/migrations.ts';
import { limitMigrations } from './limits/migrations.ts';
import type { EventLog } from './log/event-log.ts';
import { openKafkaLog } from './log/kafka/kafka-log.ts';
import { logMigrations } from './log/sql/migrations.ts';
import { openSqlLog } from './log/sql/sql-log.ts';
import { PROCESS_GROUPS } from './process/groups.ts';
import { openPglite } from './store/pglite.ts';
import { openPostgres } from './store/postgres.ts';
import type { Store } from './store/store.ts';
import { createInfluxTimeSeries } from './timeseries/influx/influx.ts';
import { timeSeriesMigrations } from './timeseries/sql/migrations.ts';
import { SqlTimeSeries } from './timeseries/sql/sql-time-series.ts';
import type { ManagedTimeSeries } from './timeseries/time-series.ts';
import { trackingMigrations } from './tracking/migrations.ts';

export interface PortOptions {
  config: HubConfig;
  log: Log;
}

export interface Ports {
  eventLog: EventLog;
  /** What the roles of this process do not need is not opened. */
  store: Store | undefined;
  timeSeries: ManagedTimeSeries | undefined;
  cache: Cache | undefined;
}

export async function openPorts(
  options: PortOptions,
  keep: <T extends { close(): Promise<unknown> }>(port: T) => T,
): Promise<Ports> {
  const { config, log } = options;
  const has = (...roles: Role[]) => roles.some((role) => config.roles.includes(role));
  const wantsSeries = has('process', 'api');
  const wantsStore = has('project', 'api') || !config.kafka || (wantsSeries && !config.influx);
  // Before all else: what the last run left open in Kafka is being ended while the rest is loaded.
  const resumes = has('process') ? PROCESS_GROUPS.map(({ group }) => group) : [];
  const kafka = config.kafka && keep(await openEventLog(options, undefined, resumes));
  const store = wantsStore ? keep(await openStore(options)) : undefined;
  const eventLog = kafka ?? keep(await openEventLog(options, store));
  const timeSeries = wantsSeries ? keep(await openTimeSeries(options, store)) : undefined;
  const redis = config.redis;
  const cache = has('api')
    ? keep(redis ? await openRedisCache({ ...redis, log: log.child({ part: 'cache' }) }) : openMemoryCache())
    : undefined;
  return { store, eventLog, timeSeries, cache };
}

export function openStore({ config, log }: PortOptions): Promise<Store> {
  const migrations = [
    ...logMigrations,
    ...trackingMigrations,
    ...timeSeriesMigrations,
    ...deadLetterMigrations,
    ...captureMigrations,
    ...alertMigrations,
    ...limitMigrations,
    ...fleetMigrations,
  ];
  if (config.postgres) return openPostgres({ url: config.postgres.url, migrations });
  return openPglite({
    migrations,
    log: log.child({ part: 'store' }),
    ...(config.dataDir === 'memory' ? {} : { dataDir: `${config.dataDir}/store` }),
  });
}

/** @param resumes Groups of transforms that this process is going to run; a running hub of the same name is fenced by it. */
export async function openEventLog(
  { config, log }: PortOptions,
  store: Store | undefined,
  resumes: readonly string[] = [],
): Promise<EventLog> {
  const { kafka } = config;
  if (!kafka && store) return openSqlLog({ store, topics: topicsOf(config), log: log.child({ part: 'log' }) });
  if (!kafka) throw new TypeError('an event log needs Kafka or a store');
  return openKafkaLog({
    brokers: kafka.brokers,
    topics: topicsOf(config),
    replication: kafka.replication,
    ...(kafka.instance === undefined ? {} : { instance: kafka.instance }),
    resumes,
    properties: kafka.properties,
    log: log.child({ part: 'log' }),
  });
}

export async function openTimeSeries(
  { config, log }: PortOptions,
  store: Store | undefined,
): Promise<ManagedTimeSeries> {
  if (config.influx) return createInfluxTimeSeries({ ...config.influx, log: log.child({ part: 'timeseries' }) });
  if (!store) throw new TypeError('a time series needs InfluxDB or a store');
  return new SqlTimeSeries(store);
}

export async function openBroker({ config, log }: PortOptions): Promise<Broker> {
  const { mqtt } = config;
  const maxPendingBytes = mqtt.maxPending;
  const name = nameOf(config);
  if (mqtt.url !== undefined) {
    return openExternalBroker({
      url: mqtt.url,
      share: mqtt.share,
      ...(mqtt.clientId === undefined ? {} : { clientId: mqtt.clientId }),
      ...(name === undefined ? {} : { name }),
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

/** Of this process over restarts, if it has one. */
export function nameOf({ kafka, mqtt }: HubConfig): string | undefined {
  return kafka?.instance ?? mqtt.clientId;
}

export function hostPort(address: string): { host: string; port: number } {
  const colon = address.lastIndexOf(':');
  return { host: address.slice(0, colon), port: Number(address.slice(colon + 1)) };
}
