/**
 * Starts the servers that all tests of the project `real` share, all at once, and stops them at the end.
 *
 * A server that this machine does not have is recorded as not run. One that is there and does not start fails the run,
 * and so does one that MILEPOST_REQUIRE names (comma separated; `influx` means an Influx v2 write endpoint, InfluxDB or
 * VictoriaMetrics) and that is missing.
 */
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { guardFolder } from './guard.ts';
import { startInflux } from './influx.ts';
import { startInflux2 } from './influx2.ts';
import { startKafka } from './kafka.ts';
import { NEEDS, type Need, SERVERS, type ServerName, whyMissing } from './machine.ts';
import { startMosquitto } from './mosquitto.ts';
import type { ServerAddress } from './needs.ts';
import { notRunLines, recordNotRun } from './not-run.ts';
import { startPostgres } from './postgres.ts';
import { startRedis } from './redis.ts';
import type { Server } from './server-process.ts';
import { startVictoriaMetrics } from './victoria-metrics.ts';

const starters: Record<ServerName, () => Promise<Server>> = {
  kafka: startKafka,
  postgres: startPostgres,
  mosquitto: startMosquitto,
  redis: startRedis,
  influx: startInflux,
  influx2: startInflux2,
  victoriaMetrics: startVictoriaMetrics,
};

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const givenFile = process.env.MILEPOST_NOT_RUN;
  const notRunFile = givenFile ?? temporaryFile();
  const missing = missingHere();
  for (const name of SERVERS) {
    if (missing[name] !== undefined) recordNotRun(notRunFile, `server ${name}: ${missing[name]}`);
  }
  refuseWithoutRequired(missing);

  const running = await startAll(SERVERS.filter((name) => missing[name] === undefined));
  const servers: Partial<Record<ServerName, ServerAddress>> = {};
  for (const [name, { host, port, url }] of running) servers[name] = { host, port, url };
  project.provide('servers', servers);
  project.provide('missing', missing);
  project.provide('notRunFile', notRunFile);

  return async () => {
    await stopAll(running);
    if (givenFile !== undefined) return;
    for (const line of notRunLines(notRunFile)) console.log(`not run: ${line}`);
  };
}

function temporaryFile(): string {
  const folder = mkdtempSync(join(tmpdir(), 'milepost-not-run-'));
  guardFolder(folder);
  return join(folder, 'lines');
}

function missingHere(): Partial<Record<Need, string>> {
  const missing: Partial<Record<Need, string>> = {};
  for (const need of NEEDS) {
    const reason = whyMissing(need);
    if (reason !== undefined) missing[need] = reason;
  }
  return missing;
}

function refuseWithoutRequired(missing: Partial<Record<Need, string>>): void {
  const required = (process.env.MILEPOST_REQUIRE ?? '').split(',').filter((name) => name !== '');
  const unknown = required.filter((name) => !(NEEDS as readonly string[]).includes(name));
  if (unknown.length > 0) {
    throw new Error(`MILEPOST_REQUIRE: nothing is called ${unknown.join(', ')}; known: ${NEEDS.join(', ')}`);
  }
  const lacking = required.filter((name) => {
    if (name === 'influx' && missing.victoriaMetrics === undefined) return false;
    return missing[name as Need] !== undefined;
  });
  if (lacking.length === 0) return;
  const reasons = lacking.map((name) => `${name}: ${missing[name as Need]}`);
  throw new Error(
    `required by MILEPOST_REQUIRE and missing: ${reasons.join('; ')} (scripts/setup.sh all installs them)`,
  );
}

async function startAll(names: readonly ServerName[]): Promise<Map<ServerName, Server>> {
  const results = await Promise.allSettled(names.map(async (name) => [name, await starters[name]()] as const));
  const running = new Map(results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : [])));
  const faults = results.flatMap((result) => (result.status === 'rejected' ? [result.reason] : []));
  if (faults.length === 0) return running;
  await stopAll(running);
  if (faults.length === 1) throw faults[0];
  throw new AggregateError(faults, faults.map(String).join('\n'));
}

async function stopAll(running: ReadonlyMap<ServerName, Server>): Promise<void> {
  await Promise.all([...running.values()].map((server) => server.stop()));
}
