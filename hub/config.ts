/**
 * The hub's configuration (YAML, checked). Everything has an embedded default: without a file the hub runs by itself, its data in
 * `dataDir`.
 */
import { z } from 'zod';
import { type CheckedYaml, checkYaml, type Problem, suggest } from '../protocols/config/checked-yaml.ts';
import { durationMs, sizeBytes } from '../protocols/config/units.ts';
import { GATEWAY_ID } from '../protocols/uplink/identity.ts';
import { parseNetwork } from './alerts/address-guard.ts';
import type { TopicSpec } from './log/topics.ts';
import { hubTopics } from './log/topics.ts';
import { MESSAGE_FORMATS } from './process/publish.ts';

const address = z.string().regex(/^[^:]+:\d+$/, { error: "'host:port' is expected, for example 0.0.0.0:1883" });

/**
 * What a hub process does: take batches from gateways (`ingest`), turn them into events and points (`process`), keep the state of packages
 * (`project`), answer people (`api`).
 */
export const ROLES = ['ingest', 'process', 'project', 'api'] as const;
export type Role = (typeof ROLES)[number];

/** Room for what is put before it in Kafka's names. */
const INSTANCE = /^[\w.-]{1,150}$/;
const INSTANCE_EXPECTED = 'letters, digits and . _ - are expected, 1 to 150';

const clientId = z.string().regex(GATEWAY_ID, {
  error: 'a client is called as a gateway may be: 1 to 63 letters, digits, dots, colons, dashes or underscores',
});

const hubConfigSchema = z.strictObject({
  /** Where the embedded store keeps its files; `memory` keeps nothing. */
  dataDir: z.string().default('./milepost-data'),
  /** Apart from each other, roles share Kafka, PostgreSQL and an MQTT broker. */
  roles: z
    .array(z.enum(ROLES))
    .min(1)
    .default([...ROLES]),
  mqtt: z
    .strictObject({
      /** The embedded broker. */
      listen: address.default('127.0.0.1:1883'),
      /** User name (the gateway's id) and password; none: anyone who reaches the port. */
      users: z.record(z.string(), z.string()).default({}),
      /** An external broker instead of the embedded one. */
      url: z
        .string()
        .regex(/^(mqtts?|wss?):\/\/[^/]/, { error: "a URL such as 'mqtt://broker.example:1883' is expected" })
        .optional(),
      username: z.string().optional(),
      password: z.string().optional(),
      /**
       * At an external broker. No two processes may share it; without one it is made of the machine's name and something random. Without
       * `kafka.instance` it is also the name under which the broker keeps what comes by the open door while this process is away.
       */
      clientId: z.string().optional(),
      /**
       * Name of the shared subscription through which several processes take from one external broker. Empty: none, for a broker that has no
       * such thing; then one process takes everything.
       */
      share: z
        .string()
        .regex(/^[^/+#$]*$/, { error: 'a name without any of / + # $ is expected' })
        .default('milepost'),
      /** In hands and not yet in the event log: of gateways, and as much again of HTTP bodies. */
      maxPending: sizeBytes.prefault('64MiB'),
    })
    .prefault({}),
  /** Kafka instead of the embedded event log. */
  kafka: z
    .strictObject({
      brokers: z.string().min(1, { error: "'host:port,host:port' is expected" }),
      partitions: z.number().int().min(1).max(1000).default(6),
      replication: z.number().int().min(1).max(5).default(1),
      /**
       * Names this process in transactional ids and consumer groups; no two running processes may share it. One that is back within the
       * session time-out (6 s) goes on at once with the partitions it had; a process that leaves for good keeps them for so long. Without a
       * name each start has a new one: partitions of a dead process move when its session has run out.
       */
      instance: z.string().regex(INSTANCE, { error: INSTANCE_EXPECTED }).optional(),
      /** Of messages in `package-events` and `alerts`. Readers tell them apart by the header `schema`. */
      format: z.enum(MESSAGE_FORMATS).default('json'),
      /** How long topics that are not compacted keep their records; of topics that the hub creates. */
      retention: z
        .strictObject({ age: durationMs.prefault('7d'), deadLetters: durationMs.prefault('30d') })
        .prefault({}),
      /** Further librdkafka properties (security.protocol, sasl.username, …). */
      properties: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])).default({}),
    })
    .optional(),
  /** InfluxDB v2 write API instead of the embedded table. */
  influx: z
    .strictObject({
      url: z.string().regex(/^https?:\/\//, { error: "a URL such as 'http://influx.example:8086' is expected" }),
      org: z.string().default('milepost'),
      bucket: z.string().default('milepost'),
      token: z.string().default(''),
      query: z.enum(['flux', 'influxql', 'victoriametrics']).default('flux'),
      /** Writes compressed: a tenth of the bytes for a third more CPU (docs/performance.md). Off where the server is near. */
      gzip: z.boolean().default(true),
    })
    .optional(),
  /** A PostgreSQL server instead of the embedded one. */
  postgres: z
    .strictObject({
      url: z.string().regex(/^postgres(ql)?:\/\//, { error: "a URL such as 'postgres://user@host/db' is expected" }),
    })
    .optional(),
  /** Redis instead of the in-process cache. */
  redis: z
    .strictObject({
      urls: z
        .array(z.string().regex(/^rediss?:\/\//, { error: "a URL such as 'redis://cache.example:6379' is expected" }))
        .min(1),
      cluster: z.boolean().default(false),
    })
    .optional(),
  /** Series that may be written; what goes beyond is a dead letter and an alert. */
  series: z
    .strictObject({
      /** Of one measurement and gateway. */
      maxPerGateway: z.number().int().min(1).default(1_000),
      /** Of this process. */
      max: z.number().int().min(1).max(5_000_000).default(500_000),
    })
    .prefault({}),
  /** How long telemetry is kept: as it came, and brought together by the hour. `hub setup` tells a server; the embedded table keeps to it itself. */
  retention: z
    .strictObject({
      telemetry: z
        .strictObject({ raw: durationMs.prefault('30d'), hourly: durationMs.prefault('730d') })
        .prefault({})
        .refine(({ raw, hourly }) => raw >= 3_600_000 && hourly >= raw, {
          error: "'raw' is an hour at least, and 'hourly' no less than 'raw'",
        }),
    })
    .prefault({}),
  /** Traces of sampled batches to an OpenTelemetry collector (OTLP over HTTP). */
  otel: z
    .strictObject({
      endpoint: z
        .string()
        .regex(/^https?:\/\//, { error: "a URL such as 'http://collector.example:4318' is expected" }),
      sampleRatio: z.number().min(0).max(1).default(0.001),
    })
    .optional(),
  http: z.strictObject({ listen: address.default('127.0.0.1:8080') }).prefault({}),
  /** Clients without Milepost that send events over HTTP (role `api`); over MQTT they log in as gateways do. None: nobody may. */
  door: z
    .strictObject({
      /** Client and its bearer token. */
      tokens: z.record(clientId, z.string().min(16, { error: 'at least 16 characters' })).default({}),
      /** Client and its password, for Basic authentication. */
      users: z.record(clientId, z.string().min(1)).default({}),
      /** Event ids remembered in each partition, 32 bytes each, at most seven days. What comes again after that counts again. */
      maxIds: z.number().int().min(1000).max(50_000_000).default(1_000_000),
      /** The largest body. */
      maxBody: sizeBytes.prefault('16MiB'),
    })
    .prefault({}),
  /** Who is told of incidents, and how (docs/alerts.md). */
  alerts: z
    .strictObject({
      /** Where people reach this hub: links in what is sent. */
      publicUrl: z
        .string()
        .regex(/^https?:\/\/[^/]/, { error: "a URL such as 'https://milepost.example' is expected" })
        .optional(),
      /** The mail server; without one nobody is told by mail. */
      smtp: z
        .strictObject({
          url: z.string().regex(/^smtps?:\/\/[^/]/, {
            error: "a URL such as 'smtp://user:password@mail.example:587' is expected",
          }),
          from: z
            .string()
            .regex(/^[^\r\n@]+@[^\r\n@]+$/, { error: "a sender such as 'milepost@example.com' is expected" }),
        })
        .optional(),
      webhooks: z
        .strictObject({
          /** Networks and addresses that are not on the public Internet and may be called all the same. */
          allow: z
            .array(
              z.string().refine((text) => parseNetwork(text) !== undefined, {
                error: "a network such as '10.0.0.0/8' is expected",
              }),
            )
            .default([]),
          timeout: durationMs.prefault('10s'),
        })
        .prefault({}),
      /** How long a delivery is tried. */
      retryFor: durationMs.prefault('24h'),
    })
    .prefault({}),
  process: z.strictObject({ gapAfter: durationMs.prefault('1500ms') }).prefault({}),
  log: z.strictObject({ level: z.enum(['debug', 'info', 'warn', 'error']).default('info') }).prefault({}),
});

export type HubConfig = z.output<typeof hubConfigSchema>;

/** The topics that a configuration asks for. */
export function topicsOf({ kafka }: HubConfig): TopicSpec[] {
  if (!kafka) return hubTopics();
  const { age: ageMs, deadLetters: deadLettersMs } = kafka.retention;
  return hubTopics({ partitions: kafka.partitions, retention: { ageMs }, deadLettersMs });
}

/** @param roles Those of the command line instead of the file's, comma separated. */
export function checkHubConfig(
  text: string,
  file: string,
  told: { roles?: string | undefined; instance?: string | undefined } = {},
): { ok: true; config: HubConfig } | { ok: false; problems: Problem[] } {
  const result = checkYaml(text, { file, schema: hubConfigSchema });
  if (!result.ok) return result;
  const { checked } = result;
  const problems: Problem[] = [];
  const { roles, instance } = told;
  if (instance !== undefined) {
    const { kafka, mqtt } = checked.value;
    const name = instance.replace(/[^\w.-]/g, '-');
    if (!INSTANCE.test(name)) problems.push(onCommandLine('--instance', INSTANCE_EXPECTED));
    if (kafka) kafka.instance = name;
    else mqtt.clientId ??= `milepost-hub-${name}`;
  }
  if (roles !== undefined) {
    const names = roles.split(',').map((name) => name.trim());
    const unknown = names.filter((name) => !isRole(name));
    for (const name of unknown)
      problems.push(onCommandLine('--roles', `there is no role '${name}': ${suggest(name, ROLES)}`));
    checked.value.roles = names.filter(isRole);
  }
  // What a list with an unknown role would need is not known.
  if (problems.length === 0) problems.push(...contradictions(checked));
  return problems.length > 0 ? { ok: false, problems } : { ok: true, config: checked.value };
}

function onCommandLine(option: string, message: string): Problem {
  return { file: option, line: 1, column: 1, path: '', message };
}

function isRole(name: string): name is Role {
  return (ROLES as readonly string[]).includes(name);
}

function contradictions({ value, problem }: CheckedYaml<HubConfig>): Problem[] {
  const problems: Problem[] = [];
  const wanting = (key: 'kafka' | 'postgres', why: string) =>
    problems.push(problem(['roles'], `a process with some of the roles needs '${key}': ${why}`));
  if (ROLES.some((role) => !value.roles.includes(role))) {
    if (!value.kafka) wanting('kafka', 'the embedded event log is within one process');
    const keeps = value.roles.some((role) => role === 'project' || role === 'api') || !value.influx;
    if (!value.postgres && keeps && value.roles.some((role) => role !== 'ingest'))
      wanting('postgres', 'the embedded store is within one process');
  }
  if (value.mqtt.url !== undefined && Object.keys(value.mqtt.users).length > 0) {
    problems.push(
      problem(['mqtt', 'users'], "'users' are for the embedded broker; with 'url' the external broker knows its own"),
    );
  }
  return problems;
}
