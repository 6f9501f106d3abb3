/**
 * The hub's configuration (YAML, checked). Everything has an embedded default: without a file the hub runs by itself, its data in
 * `dataDir`.
 */
import { z } from 'zod';
import { type CheckedYaml, checkYaml, type Problem } from '../protocols/config/checked-yaml.ts';
import { durationMs, sizeBytes } from '../protocols/config/units.ts';

const address = z.string().regex(/^[^:]+:\d+$/, { error: "'host:port' is expected, for example 0.0.0.0:1883" });

export const hubConfigSchema = z.strictObject({
  /** Where the embedded store keeps its files; `memory` keeps nothing. */
  dataDir: z.string().default('./milepost-data'),
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
      clientId: z.string().default('milepost-hub'),
      maxPending: sizeBytes.prefault('64MiB'),
    })
    .prefault({}),
  /** Kafka instead of the embedded event log. */
  kafka: z
    .strictObject({
      brokers: z.string().min(1, { error: "'host:port,host:port' is expected" }),
      partitions: z.number().int().min(1).max(1000).default(6),
      replication: z.number().int().min(1).max(5).default(1),
      /** Names this process among the hub's; transactions of an earlier process of the same name are fenced. */
      instance: z.string().default('hub-1'),
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
  http: z.strictObject({ listen: address.default('127.0.0.1:8080') }).prefault({}),
  process: z.strictObject({ gapAfter: durationMs.prefault('1500ms') }).prefault({}),
  log: z.strictObject({ level: z.enum(['debug', 'info', 'warn', 'error']).default('info') }).prefault({}),
});

export type HubConfig = z.output<typeof hubConfigSchema>;

export function checkHubConfig(
  text: string,
  file: string,
): { ok: true; config: HubConfig } | { ok: false; problems: Problem[] } {
  const result = checkYaml(text, { file, schema: hubConfigSchema });
  if (!result.ok) return result;
  const problems = contradictions(result.checked);
  return problems.length > 0 ? { ok: false, problems } : { ok: true, config: result.checked.value };
}

function contradictions({ value, problem }: CheckedYaml<HubConfig>): Problem[] {
  const problems: Problem[] = [];
  if (value.mqtt.url !== undefined && Object.keys(value.mqtt.users).length > 0) {
    problems.push(
      problem(['mqtt', 'users'], "'users' are for the embedded broker; with 'url' the external broker knows its own"),
    );
  }
  return problems;
}
