/**
 * From MQTT to Kafka: Milepost's hub beside the bridges that people use, with the same Mosquitto, Kafka and InfluxDB, one after the other.
 *
 *   npm run bench -- bridge [--rate 5000] [--flood 40000] [--seconds 20] [--settle 20] [--only milepost,whole,door,telegraf,node-red] [--json]
 *
 * Each gets `rate` events a second and then, started anew, `flood` (more than it can take: what counts is how soon all of it stands in Kafka). Peers get a
 * JSON message for each event, as devices send them, over 20 connections; Milepost gets the same and, as its gateways send them, batches of 20 gateways.
 * Time runs from an event's making to kcat's having read it. At `rate`, times of the first `settle` seconds are left out: a broker compiles itself while it is new,
 * and so does whoever makes the load. A rate of 0 is not run. Mosquitto queues without bound, so that nothing is lost there. Milepost commits in transactions;
 * kcat reads committed.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { milepost, Process } from '../../test/e2e/stack.ts';
import { startInflux } from '../../test/servers/influx.ts';
import { startKafka } from '../../test/servers/kafka.ts';
import { kcatFollowing } from '../../test/servers/kcat.ts';
import { startMosquitto } from '../../test/servers/mosquitto.ts';
import { chosen } from '../choose.ts';
import { type Installed, installNodeRed, installTelegraf } from '../peers/install.ts';
import { machine } from '../row.ts';
import { startBenchPostgres } from '../servers.ts';
import {
  type Contender,
  milepostDoor,
  milepostGateways,
  milepostWhole,
  nodeRed,
  type Place,
  telegraf,
} from './contenders.ts';
import { Reader, type Summary } from './reader.ts';

const CONTENDERS = ['milepost', 'whole', 'door', 'telegraf', 'node-red'] as const;

const { values } = parseArgs({
  options: {
    rate: { type: 'string', default: '5000' },
    flood: { type: 'string', default: '40000' },
    seconds: { type: 'string', default: '20' },
    settle: { type: 'string', default: '20' },
    only: { type: 'string', default: CONTENDERS.join(',') },
    json: { type: 'boolean', default: false },
  },
});
const seconds = Number(values.seconds);
const settle = Number(values.settle);
const WARM_UP_S = 5;
/** As many as the peers' connections (load.ts). */
const GATEWAYS = 20;
const QUEUES = ['set_tcp_nodelay true', 'max_inflight_messages 1000', 'max_queued_messages 0', 'max_queued_bytes 0'];

interface Run extends Summary {
  asked: number;
  made: number;
}

const plan = [
  { rate: Number(values.rate), settleS: settle },
  // Its times say how long the queue grew.
  { rate: Number(values.flood), settleS: 0 },
].filter(({ rate }) => rate > 0);
const notRun: string[] = [];
const systems: { title: string; runs: Run[] }[] = [];
for (const contender of await contenders()) {
  const runs = [];
  for (const { rate, settleS } of plan) {
    const run = await compare(contender, rate, settleS);
    process.stderr.write(`${contender.title}: ${JSON.stringify(run)}\n`);
    runs.push(run);
  }
  systems.push({ title: contender.title, runs });
}
const result = { machine: machine(), seconds, settle, systems, notRun };
process.stdout.write(values.json ? `${JSON.stringify(result)}\n` : table());

async function contenders(): Promise<Contender[]> {
  const all: Contender[] = [];
  const peer = (title: string, installed: Installed, make: (at: { folder: string }) => Contender) => {
    if ('folder' in installed) all.push(make(installed));
    else notRun.push(`${title}: ${installed.reason}`);
  };
  const wanted = chosen('only', values.only, CONTENDERS);
  if (wanted.includes('milepost')) all.push(milepostGateways);
  if (wanted.includes('whole')) all.push(milepostWhole);
  if (wanted.includes('door')) all.push(milepostDoor);
  if (wanted.includes('telegraf')) peer('Telegraf', await installTelegraf(), telegraf);
  if (wanted.includes('node-red')) peer('Node-RED', await installNodeRed(), nodeRed);
  return all;
}

async function compare(contender: Contender, rate: number, settleS: number): Promise<Run> {
  const folder = await mkdtemp(join(tmpdir(), 'milepost-bridge-'));
  const servers = await Promise.all([
    startKafka({ properties: { 'auto.create.topics.enable': 'true', 'num.partitions': '6' } }),
    startMosquitto({ config: QUEUES }),
    startInflux(),
    startBenchPostgres(),
  ]);
  const [kafka, mosquitto, influx, postgres] = servers;
  const processes: Process[] = [];
  const keep = (started: Process): Process => {
    processes.push(started);
    return started;
  };
  try {
    const place: Place = {
      folder: join(folder, 'contender'),
      mqtt: mosquitto.url,
      kafka: kafka.url,
      influx: influx.url,
      postgres: postgres.url,
    };
    keep(await contender.start(place));
    // Warm, and with a topic to read.
    await load(contender, place, { rate: Math.min(rate, 1000), seconds: WARM_UP_S, name: 'warm' }, keep);
    const following = kcatFollowing({ brokers: kafka.url, topic: contender.topic, fetchWaitMs: 100 });
    const reader = new Reader(keep(new Process('kcat', 'kcat', following)));
    await reader.silence(3_000);
    reader.forget();
    const { made } = await load(contender, place, { rate, seconds: settleS + seconds, name: 'run' }, keep, reader);
    await reader.until(made);
    return { asked: rate, made, ...reader.summary({ made, settleMs: settleS * 1000 }) };
  } finally {
    await Promise.all(processes.map((each) => each.stop()));
    await Promise.all(servers.map((server) => server.stop()));
    await rm(folder, { recursive: true, force: true });
  }
}

/** Resolves when everything has been handed to the broker, or for gateways acknowledged by the hub. */
async function load(
  { from }: Contender,
  { mqtt }: Place,
  { rate, seconds: forSeconds, name }: { rate: number; seconds: number; name: string },
  keep: (started: Process) => Process,
  reader?: Reader,
): Promise<{ made: number }> {
  const reading = reader && setInterval(() => reader.take(), 100);
  try {
    if (from === 'gateways') {
      const each = ['--count', String(GATEWAYS), '--rate', String(rate / GATEWAYS), '--mix', 'tracking=1'];
      const rest = ['--for', `${forSeconds}s`, '--drain', '120s', '--linger', '5ms', '--prefix', `${name}-`, '--json'];
      const gateways = keep(milepost('sim', 'gateways', '--hub', mqtt, ...each, ...rest));
      const told = JSON.parse(await gateways.line(/"lanes"/, (forSeconds + 150) * 1000)) as {
        lanes: { tracking: { accepted: number } };
      };
      return { made: told.lanes.tracking.accepted };
    }
    const script = join(import.meta.dirname, 'load.ts');
    const args = [script, mqtt, from.json, String(rate), String(forSeconds), name];
    const devices = keep(new Process('load', process.execPath, ['--import', 'tsx', ...args]));
    return JSON.parse(await devices.line(/"made"/, (forSeconds + 150) * 1000)) as { made: number };
  } finally {
    clearInterval(reading);
  }
}

function table(): string {
  const { cores, model, node, load: loads } = machine();
  const lines = [`${cores} × ${model}, Node ${node}, load ${loads.join(' ')}`];
  for (const { title, runs } of systems) {
    lines.push(title);
    for (const { asked, made, missing, doubled, perSecond, p50Ms, p95Ms } of runs) {
      const counts = `${made} made, ${missing} missing, ${doubled} doubled`;
      lines.push(`  ${asked}/s asked: ${perSecond}/s, p50 ${p50Ms} ms, p95 ${p95Ms} ms; ${counts}`);
    }
  }
  return `${[...lines, ...notRun.map((reason) => `not run: ${reason}`)].join('\n')}\n`;
}
