/**
 * Puts the peers into the cache, never into the project: Node-RED through npm, Telegraf built from the Go module proxy with the plugins that
 * are needed. What cannot be had is said with its reason, and is not measured.
 */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { cp, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { findProgram } from '../../test/servers/machine.ts';

export const NODE_RED_VERSION = '4.1.8';
export const TELEGRAF_VERSION = '1.37.2';
const NODE_RED_NODES = ['node-red-node-serialport@2.0.3', 'node-red-contrib-kafkajs@0.0.7'];
const TELEGRAF_MODULE = 'github.com/influxdata/telegraf';
/** On a gateway: execd → mqtt. At the hub: mqtt_consumer → kafka and influxdb. */
const TELEGRAF_PLUGINS = [
  ...['inputs.execd', 'inputs.mqtt_consumer', 'outputs.mqtt', 'outputs.kafka', 'outputs.influxdb'],
  ...['parsers.value', 'parsers.json_v2', 'serializers.influx', 'serializers.json'],
];
const TELEGRAF_TAGS = ['custom', ...TELEGRAF_PLUGINS].join(',');
const INSTALL_MS = 900_000;

const cache = join(process.env.MILEPOST_CACHE ?? join(homedir(), '.cache', 'milepost'), 'peers');
const run = promisify(execFile);

export type Installed = { folder: string } | { reason: string };

export async function installNodeRed(): Promise<Installed> {
  const folder = join(cache, `node-red-${NODE_RED_VERSION}-kafka`);
  const program = join(folder, 'node_modules', 'node-red', 'red.js');
  if (existsSync(program)) return { folder };
  const args = ['install', '--prefix', folder, '--ignore-scripts', '--no-audit', '--no-fund'];
  return attempt(folder, () => run('npm', [...args, `node-red@${NODE_RED_VERSION}`, ...NODE_RED_NODES], limits));
}

export async function installTelegraf(): Promise<Installed> {
  const folder = join(cache, `telegraf-${TELEGRAF_VERSION}-hub`);
  if (existsSync(join(folder, 'telegraf'))) return { folder };
  if (findProgram('go') === undefined) return { reason: 'there is no Go compiler to build it with' };
  const source = await mkdtemp(join(tmpdir(), 'milepost-telegraf-'));
  try {
    return await attempt(folder, async () => {
      const module = `${TELEGRAF_MODULE}@v${TELEGRAF_VERSION}`;
      const { stdout } = await run('go', ['mod', 'download', '-json', module], limits);
      // The module cache is read-only, and a build with replace directives must be the main module's.
      await cp((JSON.parse(stdout) as { Dir: string }).Dir, source, { recursive: true });
      await run('chmod', ['-R', 'u+w', source]);
      await mkdir(folder, { recursive: true });
      const version = `-X ${TELEGRAF_MODULE}/internal.Version=${TELEGRAF_VERSION}`;
      const output = join(folder, 'telegraf');
      await run('go', ['build', '-tags', TELEGRAF_TAGS, '-ldflags', version, '-o', output, './cmd/telegraf'], {
        ...limits,
        cwd: source,
        env: { ...process.env, CGO_ENABLED: '0' },
      });
    });
  } finally {
    await rm(source, { recursive: true, force: true });
  }
}

const limits = { timeout: INSTALL_MS, maxBuffer: 64 * 1024 * 1024 };

async function attempt(folder: string, work: () => Promise<unknown>): Promise<Installed> {
  try {
    await work();
    return { folder };
  } catch (error) {
    // Half of it would pass for all of it the next time.
    await rm(folder, { recursive: true, force: true });
    return { reason: error instanceof Error ? error.message.split('\n').slice(0, 3).join(' ') : String(error) };
  }
}
