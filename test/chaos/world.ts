/**
 * Everything of a chaos run that is real: servers, proxies between them, gateways and hubs as processes, the writer at the cables.
 *
 *   writer ─pty─ gateways ─proxy─ broker ─proxy─ hubs ─proxies─ Kafka, PostgreSQL, InfluxDB
 *
 * Mosquitto keeps nothing on disk and few messages in memory: it acknowledges and forgets (`a broker that lies`). The first gateway's state
 * lies on a file system of DISK_MIB, where one can be mounted.
 */
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { healthy } from '../e2e/stack.ts';
import { type FaultProxy, startFaultProxy } from '../servers/fault-proxy.ts';
import { startInflux } from '../servers/influx.ts';
import { startKafka } from '../servers/kafka.ts';
import { startMosquitto } from '../servers/mosquitto.ts';
import { freePort, HOST } from '../servers/ports.ts';
import { startPostgres } from '../servers/postgres.ts';
import type { Server } from '../servers/server-process.ts';
import { edgeConfig, hubConfig } from './configs.ts';
import { Daemon } from './daemon.ts';
import { startWriter, type Writer } from './writer-process.ts';

export interface WorldOptions {
  seed: number | string;
  gateways: number;
  hubs: number;
  /** Scans a second, of each gateway. */
  rate: number;
  broker: 'mosquitto' | 'embedded';
}

export interface Gateway {
  id: string;
  stateDir: string;
  daemon: Daemon;
  /** To the broker. */
  network: FaultProxy;
}

export interface Hub {
  url: string;
  daemon: Daemon;
}

export type Network = 'broker' | 'kafka' | 'postgres' | 'influx';

export interface World {
  folder: string;
  kafka: Server;
  postgres: Server;
  influx: Server;
  /** Undefined where the hub has its own. */
  mosquitto: Server | undefined;
  gateways: readonly Gateway[];
  hubs: readonly Hub[];
  /** Between the hubs and what they use. */
  networks: ReadonlyMap<Network, FaultProxy>;
  writer: Writer;
  /** Where the first gateway's state lies, if it is small; otherwise why it is not. */
  smallDisk: { folder: string } | { reason: string };
  stop(): Promise<void>;
}

export const INFLUX_DATABASE = 'chaos';
const DISK_MIB = 24;
const LYING_BROKER = [
  'persistence false',
  'max_queued_messages 20',
  'max_inflight_messages 10',
  'set_tcp_nodelay true',
];
const run = promisify(execFile);

export async function startWorld(options: WorldOptions): Promise<World> {
  const folder = await mkdtemp(join(tmpdir(), 'milepost-chaos-'));
  const undo: (() => Promise<unknown>)[] = [() => rm(folder, { recursive: true, force: true })];
  const keep = async <T extends { stop(): Promise<unknown> } | { close(): Promise<unknown> }>(started: Promise<T>) => {
    const thing = await started;
    undo.push(() => ('stop' in thing ? thing.stop() : thing.close()));
    return thing;
  };
  const stop = async () => {
    for (const each of undo.splice(0).reverse()) await each();
  };
  try {
    return { ...(await build({ options, folder, keep, undo })), stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function build(at: {
  options: WorldOptions;
  folder: string;
  keep: <T extends { stop(): Promise<unknown> } | { close(): Promise<unknown> }>(started: Promise<T>) => Promise<T>;
  undo: (() => Promise<unknown>)[];
}): Promise<Omit<World, 'stop'>> {
  const { options, folder, keep, undo } = at;
  const advertisedPort = await freePort();
  const proxied = { port: await freePort(), advertised: `${HOST}:${advertisedPort}` };
  const [kafka, postgres, influx, mosquitto] = await Promise.all([
    keep(startKafka({ proxied })),
    keep(startPostgres()),
    keep(startInflux()),
    options.broker === 'mosquitto' ? keep(startMosquitto({ config: LYING_BROKER })) : undefined,
  ]);
  const brokerPort = mosquitto?.port ?? (await freePort());
  const proxy = (port: number, own?: number) =>
    keep(startFaultProxy({ target: { host: HOST, port }, ...(own === undefined ? {} : { port: own }) }));
  const networks = new Map<Network, FaultProxy>([
    ['kafka', await proxy(proxied.port, advertisedPort)],
    ['postgres', await proxy(postgres.port)],
    ['influx', await proxy(influx.port)],
  ]);
  if (mosquitto) networks.set('broker', await proxy(mosquitto.port));
  const address = (name: Network) => networks.get(name)?.address ?? '';

  const names = Array.from({ length: options.gateways }, (_, index) => `gw-${index + 1}`);
  const writer = await keep(startWriter(writerOptions(options, names, folder)));

  const hubs: Hub[] = [];
  for (let index = 1; index <= options.hubs; index++) {
    const name = `hub-${index}`;
    const httpPort = await freePort();
    const config = hubConfig({
      name,
      mqtt: mosquitto ? { url: `mqtt://${address('broker')}` } : { listen: `${HOST}:${brokerPort}` },
      kafka: address('kafka'),
      postgres: postgres.url.replace(`${HOST}:${postgres.port}`, address('postgres')),
      influx: { url: `http://${address('influx')}`, bucket: INFLUX_DATABASE },
      httpPort,
    });
    const daemon = await daemonOf(name, ['hub', 'run'], { folder, config });
    undo.push(() => daemon.stop());
    hubs.push({ url: `http://${HOST}:${httpPort}`, daemon });
    await healthy(await daemon.start().line(/pages and API at/, 60_000));
  }

  const smallDisk = await mountSmallDisk(join(folder, 'disk'));
  if ('folder' in smallDisk) undo.push(() => run('umount', [smallDisk.folder]));
  const gateways: Gateway[] = [];
  for (const [index, id] of names.entries()) {
    const network = await proxy(brokerPort);
    const base = index === 0 && 'folder' in smallDisk ? smallDisk.folder : folder;
    const stateDir = join(base, `${id}-state`);
    const config = edgeConfig({ id, stateDir, hubUrl: `mqtt://${network.address}`, cables: join(folder, id) });
    const daemon = await daemonOf(id, ['edge', 'run'], { folder, config });
    undo.push(() => daemon.stop());
    gateways.push({ id, stateDir, daemon, network });
    await daemon.start().line(/gateway runs/, 60_000);
  }
  return { folder, kafka, postgres, influx, mosquitto, gateways, hubs, networks, writer, smallDisk };
}

async function daemonOf(name: string, args: string[], at: { folder: string; config: string }): Promise<Daemon> {
  const file = join(at.folder, `${name}.yaml`);
  await writeFile(file, at.config);
  return new Daemon(name, [...args, '--config', file]);
}

function writerOptions({ seed, rate }: WorldOptions, names: readonly string[], folder: string) {
  return {
    seed,
    scanners: names.flatMap((gatewayId) =>
      ['scanner-1', 'scanner-2'].map((deviceId) => ({
        gatewayId,
        deviceId,
        path: join(folder, gatewayId, deviceId),
        perSecond: rate / 2,
      })),
    ),
    thermometers: names.map((gatewayId) => ({
      id: `${gatewayId}-thermometer`,
      path: join(folder, gatewayId, 'thermometer'),
    })),
  };
}

/** A file system of its own, small and in memory: the only one that can be filled without harm to anybody else. */
async function mountSmallDisk(folder: string): Promise<World['smallDisk']> {
  await mkdir(folder);
  try {
    await run('mount', ['-t', 'tmpfs', '-o', `size=${DISK_MIB}m`, 'tmpfs', folder]);
    return { folder };
  } catch (error) {
    const [reason = ''] = error instanceof Error ? error.message.trim().split('\n').slice(-1) : [];
    return { reason: `no small file system can be mounted here: ${reason}` };
  }
}
