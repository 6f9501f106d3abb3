/** A PostgreSQL server with a cluster of its own, owner `postgres`, no password, TCP on 127.0.0.1 only. */
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Client } from 'pg';
import { program, unprivileged } from './machine.ts';
import { freePort, HOST } from './ports.ts';
import { type Server, serverFolder, startServer } from './server-process.ts';

export interface PostgresOptions {
  /** Off only for tests that are about something else than durability. Default on. */
  fsync?: boolean;
  /** Server settings, for example `{ max_connections: '20' }`. */
  settings?: Readonly<Record<string, string>>;
}

const run = promisify(execFile);

/** `url` is that of the database `postgres`; see `freshDatabase`. */
export async function startPostgres(options: PostgresOptions = {}): Promise<Server> {
  // PostgreSQL refuses to run as root.
  const account = unprivileged('postgres');
  const folder = await serverFolder('postgres', account);
  const data = join(folder, 'data');
  await run(
    program('initdb'),
    ['-D', data, '-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--locale=C', '--no-sync', '--no-instructions'],
    { cwd: folder, ...account },
  );
  const port = await freePort();
  const url = `postgres://postgres@${HOST}:${port}/postgres`;
  const settings = {
    listen_addresses: HOST,
    port: String(port),
    unix_socket_directories: '',
    fsync: options.fsync === false ? 'off' : 'on',
    shared_buffers: '32MB',
    ...options.settings,
  };
  return startServer({
    name: 'postgres',
    port,
    url,
    folder,
    account,
    command: program('postgres'),
    args: ['-D', data, ...Object.entries(settings).flatMap(([key, value]) => ['-c', `${key}=${value}`])],
    ready: async () => {
      await query(url, 'select 1');
    },
    readyTimeoutMs: 30_000,
    // "Fast": ends sessions instead of waiting for them.
    stopSignal: 'SIGINT',
  });
}

/** Creates an empty database on the server that `url` points to and returns its URL: one per test file. */
export async function freshDatabase(url: string): Promise<string> {
  const name = `milepost_${randomBytes(6).toString('hex')}`;
  await query(url, `create database ${name}`);
  const database = new URL(url);
  database.pathname = `/${name}`;
  return database.href;
}

async function query(url: string, statement: string): Promise<void> {
  const client = new Client({ connectionString: url, connectionTimeoutMillis: 2_000 });
  // A server that goes away while we are connected is reported by `query` as well.
  client.on('error', () => undefined);
  try {
    await client.connect();
    await client.query(statement);
  } finally {
    await client.end();
  }
}
