/**
 * What this machine offers to the tests: programs on the PATH, and what scripts/setup.sh has put into the cache.
 * `whyMissing` says in one line what is not there and how to get it.
 */
import { execFileSync } from 'node:child_process';
import { accessSync, constants, existsSync, readdirSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import type { Account } from './server-process.ts';

export const SERVERS = ['kafka', 'postgres', 'mosquitto', 'redis', 'influx', 'influx2', 'victoriaMetrics'] as const;
export type ServerName = (typeof SERVERS)[number];

export const TOOLS = [
  'kcat',
  'psql',
  'mosquitto_pub',
  'mosquitto_sub',
  'redis-cli',
  'socat',
  'gpsd',
  'gpspipe',
  'mbpoll',
  'tshark',
  'chromium',
  'umockdev-run',
  'systemd-notify',
  'sllurp',
  'pymodbus',
  'node-rdkafka',
  'tmpfs',
] as const;
export type ToolName = (typeof TOOLS)[number];

export type Need = ServerName | ToolName;
export const NEEDS: readonly Need[] = [...SERVERS, ...TOOLS];

const cache = process.env.MILEPOST_CACHE ?? join(homedir(), '.cache', 'milepost');

export const kafkaLibraries = join(cache, 'kafka', 'libs');
export const influxd = join(cache, 'influxdb', 'influxd');
export const influxd2 = join(cache, 'influxdb2', 'influxd');
/** The interpreter that has sllurp, pymodbus and pyserial. */
export const python = join(cache, 'python', 'bin', 'python');

/** The full path of a program, or undefined. Servers stand where a user's PATH often does not reach. */
export function findProgram(name: string): string | undefined {
  const postgres = '/usr/lib/postgresql';
  const folders = [
    ...(process.env.PATH ?? '').split(delimiter),
    ...(existsSync(postgres) ? readdirSync(postgres).map((version) => join(postgres, version, 'bin')) : []),
    join(cache, 'python', 'bin'),
    '/usr/sbin',
    '/usr/local/sbin',
  ];
  return folders.map((folder) => join(folder, name)).find(isExecutable);
}

/** The full path of a program that must be there: for tests that said in `describeWith` that they need it. */
export function program(name: string): string {
  const path = findProgram(name);
  if (path === undefined) throw new Error(`${name} is not installed; run scripts/setup.sh peers`);
  return path;
}

export function whyMissing(need: Need): string | undefined {
  switch (need) {
    case 'kafka':
      if (!existsSync(kafkaLibraries)) return 'its jars are not in the cache';
      return programMissing('java');
    case 'postgres':
      return programMissing('initdb') ?? programMissing('postgres');
    case 'mosquitto':
      return programMissing('mosquitto');
    case 'redis':
      return programMissing('redis-server');
    case 'influx':
      return isExecutable(influxd) ? undefined : 'it could not be built';
    case 'influx2':
      return isExecutable(influxd2) ? undefined : 'scripts/setup.sh influx2 builds it';
    case 'victoriaMetrics':
      return programMissing('victoria-metrics');
    case 'pymodbus':
      return commandFails(python, ['-c', 'import pymodbus, serial']);
    case 'node-rdkafka':
      return commandFails(process.execPath, ['-e', "require('node-rdkafka')"]);
    case 'tmpfs':
      return process.getuid?.() === 0 ? programMissing('mount') : 'only root may mount a file system of a limited size';
    default:
      return programMissing(need);
  }
}

/** Whom a server that refuses to be root runs as; undefined when we are not root ourselves. */
export function unprivileged(preferred: string): Account | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const accounts = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .map((line) => line.split(':'));
  const found = [preferred, 'nobody'].map((name) => accounts.find((fields) => fields[0] === name)).find(Boolean);
  if (found === undefined) throw new Error(`we are root and there is no account ${preferred} or nobody to run as`);
  return { uid: Number(found[2]), gid: Number(found[3]) };
}

function programMissing(name: string): string | undefined {
  return findProgram(name) === undefined ? `${name} is not installed` : undefined;
}

function commandFails(command: string, args: readonly string[]): string | undefined {
  try {
    execFileSync(command, args, { stdio: 'pipe', timeout: 20_000 });
    return undefined;
  } catch (error) {
    const line = error instanceof Error ? error.message.split('\n').find((text) => text.includes('Error:')) : undefined;
    return `it cannot be loaded${line === undefined ? '' : ` (${line.trim()})`}`;
  }
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
