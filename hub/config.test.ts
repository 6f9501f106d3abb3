import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { formatProblem } from '../protocols/config/checked-yaml.ts';
import { checkHubConfig } from './config.ts';
import { nameOf } from './ports.ts';

const SAMPLE = readFileSync(join(import.meta.dirname, 'config.sample.yaml'), 'utf8');

function problemsOf(text: string): string[] {
  const result = checkHubConfig(text, 'hub.yaml');
  return result.ok ? [] : result.problems.map(formatProblem);
}

it('the sample configuration is good', () => {
  const result = checkHubConfig(SAMPLE, 'hub.yaml');
  if (!result.ok) throw new Error(problemsOf(SAMPLE).join('\n'));
  expect(result.config).toMatchObject({
    mqtt: { listen: '0.0.0.0:1883', users: { 'sort-hub-1-dock-4': 'change-me' }, maxPending: 64 * 1024 ** 2 },
    kafka: { partitions: 6, replication: 3, instance: 'hub-1' },
    influx: { bucket: 'milepost', query: 'flux' },
    postgres: { url: expect.stringContaining('postgres://') },
    redis: { cluster: false },
    process: { gapAfter: 1500 },
    alerts: {
      publicUrl: 'https://milepost.example',
      smtp: { from: 'milepost@example.com' },
      webhooks: { allow: ['10.20.0.0/16'], timeout: 10_000 },
      retryFor: 86_400_000,
    },
  });
});

it('an empty file is the embedded hub, on this machine only', () => {
  const result = checkHubConfig('', 'hub.yaml');
  if (!result.ok) throw new Error(result.problems.map(formatProblem).join('\n'));
  const { mqtt, http, dataDir, kafka, influx, postgres, redis } = result.config;
  expect([mqtt.listen, http.listen, dataDir]).toEqual(['127.0.0.1:1883', '127.0.0.1:8080', './milepost-data']);
  expect([mqtt.url, kafka, influx, postgres, redis]).toEqual([undefined, undefined, undefined, undefined, undefined]);
});

it('a name given on the command line is Kafka’s and the MQTT broker’s, or the broker’s alone', () => {
  const named = (text: string) => {
    const result = checkHubConfig(text, 'hub.yaml', { instance: 'dock 1' });
    if (!result.ok) throw new Error(result.problems.map(formatProblem).join('\n'));
    return [result.config.kafka?.instance, result.config.mqtt.clientId, nameOf(result.config)];
  };
  expect(named('kafka: { brokers: a:9092, instance: of-the-file }')).toEqual(['dock-1', undefined, 'dock-1']);
  expect(named('')).toEqual([undefined, 'milepost-hub-dock-1', 'milepost-hub-dock-1']);
  expect(named('mqtt: { clientId: of-the-file }')).toEqual([undefined, 'of-the-file', 'of-the-file']);
});

describe('a configuration is refused with line, column and a way out:', () => {
  it.each([
    [
      'an unknown key',
      'kafka:\n  broker: a:9092\n  brokers: a:9092',
      "hub.yaml:2:3: kafka.broker: unknown key 'broker': did you mean 'brokers'?",
    ],
    ['an unknown section', 'influxdb: {}', "hub.yaml:1:1: influxdb: unknown key 'influxdb': did you mean 'influx'?"],
    [
      'a section without what it needs',
      'http: {}\nkafka:\n  partitions: 3',
      "hub.yaml:3:3: kafka: 'brokers' is missing (string expected)",
    ],
    [
      'an address without a port',
      'http:\n  listen: localhost',
      "hub.yaml:2:11: http.listen: 'host:port' is expected, for example 0.0.0.0:1883",
    ],
    [
      'another query language',
      'influx:\n  url: http://a\n  query: fluxx',
      "hub.yaml:3:10: influx.query: 'fluxx' is not possible: did you mean 'flux'?",
    ],
    [
      'a database of another kind',
      'postgres:\n  url: mysql://a',
      "hub.yaml:2:8: postgres.url: a URL such as 'postgres://user@host/db' is expected",
    ],
    [
      'users for a broker that is not ours',
      'mqtt:\n  url: mqtt://broker:1883\n  users:\n    a: b',
      "hub.yaml:4:5: mqtt.users: 'users' are for the embedded broker; with 'url' the external broker knows its own",
    ],
  ])('%s', (_, text, expected) => {
    expect(problemsOf(text)).toEqual([expected]);
  });
});

describe('roles', () => {
  const apart = 'kafka: { brokers: "k:9092" }\npostgres: { url: "postgres://p/db" }\n';
  const roles = (text: string, given?: string) => {
    const result = checkHubConfig(text, 'hub.yaml', { roles: given });
    return result.ok ? result.config.roles : result.problems.map(({ message }) => message);
  };

  it('are all by default, the file’s, or the command line’s', () => {
    expect(roles('')).toEqual(['ingest', 'process', 'project', 'api']);
    expect(roles(`${apart}roles: [api]`)).toEqual(['api']);
    expect(roles(`${apart}roles: [api]`, 'ingest, process')).toEqual(['ingest', 'process']);
  });

  it('apart from each other need servers that they share', () => {
    expect(roles('roles: [ingest]')).toEqual([expect.stringContaining("needs 'kafka'")]);
    expect(roles('kafka: { brokers: "k:9092" }', 'ingest')).toEqual(['ingest']);
    expect(roles('kafka: { brokers: "k:9092" }', 'process')).toEqual([expect.stringContaining("needs 'postgres'")]);
    expect(roles('', 'ingest,proces')).toContainEqual(
      expect.stringContaining("no role 'proces': did you mean 'process'"),
    );
  });
});

it('a name of a process is taken as it may stand in Kafka, and not without any letter', () => {
  const instance = (name: string) => {
    const result = checkHubConfig('kafka: { brokers: "k:9092" }', 'hub.yaml', { instance: name });
    return result.ok ? result.config.kafka?.instance : result.problems.map(({ file }) => file);
  };
  expect(instance('hub-1')).toBe('hub-1');
  expect(instance('box 7:process,api')).toBe('box-7-process-api');
  expect(instance('')).toEqual(['--instance']);
  expect(instance('x'.repeat(151))).toEqual(['--instance']);
});
