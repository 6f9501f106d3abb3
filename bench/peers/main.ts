/**
 * The same scans, the same faults at the same moments: Milepost beside what people use today. Counts what was lost and doubled on the way
 * from a reader's cable to Kafka.
 *
 *   npm run bench -- peers [--rate 40] [--json]
 *
 * Every system has a reader (pty) and a network (proxy) of its own and shares the broker (Mosquitto without persistence, otherwise as it
 * comes) and Kafka. Peers write to Kafka through sink.ts, Milepost through its hub. What cannot be installed is said.
 */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { startWriter } from '../../test/chaos/writer-process.ts';
import { healthy, milepost, Process, topicExists } from '../../test/e2e/stack.ts';
import { type FaultProxy, startFaultProxy } from '../../test/servers/fault-proxy.ts';
import { startKafka } from '../../test/servers/kafka.ts';
import { kcat } from '../../test/servers/kcat.ts';
import { startMosquitto } from '../../test/servers/mosquitto.ts';
import { HOST } from '../../test/servers/ports.ts';
import type { Server } from '../../test/servers/server-process.ts';
import { countPhases, type Phase, type PhaseCount } from './count.ts';
import { installNodeRed, installTelegraf } from './install.ts';
import { milepostEdge, mqttJs, nodeRed, type Place, type System, telegraf } from './systems.ts';

const { values } = parseArgs({
  options: { rate: { type: 'string', default: '40' }, json: { type: 'boolean', default: false } },
});
const TOPIC = 'peers';
/** Before each fault, and after it, until the next phase may begin. */
const CALM_MS = 3_000;
const RECOVERY_MS = 8_000;
/** From the last scan until the books are closed: time to send again what waits. */
const SETTLE_MS = 30_000;
const READING_MS = 60_000;
/** The writer learns within this time that a killed program no longer holds its port. */
const NOTICE_MS = 100;

/** One system as it runs. */
interface Contender {
  system: System;
  place: Place;
  network: FaultProxy;
  process: Process;
}

interface Scene {
  contenders: readonly Contender[];
  kafka: Server;
  mosquitto: Server;
  /** What takes messages out of the broker: the peers' sink and Milepost's hub. */
  consumers: readonly Process[];
  /** SIGKILL for every system; `begin` starts them again. */
  kill(): Promise<void>;
  begin(): Promise<void>;
}

const PHASES: readonly [name: string, fault: (scene: Scene) => Promise<void>][] = [
  ['no fault', async () => {}],
  [
    'sender killed (SIGKILL), started again',
    async (scene) => {
      await scene.kill();
      await delay(1_000);
      await scene.begin();
    },
  ],
  [
    'network cut for 10 s',
    async ({ contenders }) => {
      for (const { network } of contenders) network.cut();
      await delay(10_000);
      for (const { network } of contenders) network.heal();
    },
  ],
  [
    'network hangs for 10 s',
    async ({ contenders }) => {
      for (const { network } of contenders) network.hang();
      await delay(10_000);
      for (const { network } of contenders) network.heal();
    },
  ],
  [
    'network cut for 10 s, sender killed meanwhile',
    async (scene) => {
      for (const { network } of scene.contenders) network.cut();
      await delay(5_000);
      await scene.kill();
      await delay(1_000);
      await scene.begin();
      await delay(4_000);
      for (const { network } of scene.contenders) network.heal();
    },
  ],
  [
    'broker killed, started again with nothing kept',
    async ({ mosquitto }) => {
      await mosquitto.kill9();
      await delay(1_000);
      await mosquitto.restart();
    },
  ],
  [
    'consumer busy for 5 s, broker killed meanwhile',
    async ({ consumers, mosquitto }) => {
      for (const { child } of consumers) child.kill('SIGSTOP');
      await delay(5_000);
      await mosquitto.kill9();
      await mosquitto.restart();
      for (const { child } of consumers) child.kill('SIGCONT');
    },
  ],
  [
    'Kafka away for 35 s',
    async ({ kafka }) => {
      await kafka.kill9();
      await delay(35_000);
      await kafka.restart();
      await delay(10_000);
    },
  ],
];

const undo: (() => Promise<unknown>)[] = [];
try {
  const result = await compare();
  if (values.json) process.stdout.write(`${JSON.stringify(result)}\n`);
  else process.stdout.write(table(result));
} finally {
  for (const each of undo.reverse()) await each();
}

interface Result {
  systems: { title: string; counts: PhaseCount[] }[];
  notRun: string[];
}

async function compare(): Promise<Result> {
  const folder = await mkdtemp(join(tmpdir(), 'milepost-peers-'));
  undo.push(() => rm(folder, { recursive: true, force: true }));
  const notRun: string[] = [];
  const systems: System[] = [milepostEdge, mqttJs];
  const [red, graf] = await Promise.all([installNodeRed(), installTelegraf()]);
  if ('folder' in red) systems.push(nodeRed(red));
  else notRun.push(`Node-RED: ${red.reason}`);
  if ('folder' in graf) systems.push(telegraf(graf, 'memory'), telegraf(graf, 'disk'));
  else notRun.push(`Telegraf: ${graf.reason}`);

  const [kafka, mosquitto] = await Promise.all([
    startKafka(),
    startMosquitto({ config: ['persistence false', 'set_tcp_nodelay true'] }),
  ]);
  undo.push(
    () => mosquitto.stop(),
    () => kafka.stop(),
  );
  const port = (system: System) => join(folder, `${system.id}-reader`);
  const writer = await startWriter({
    seed: 'peers',
    scanners: systems.map((system) => {
      return { gatewayId: system.id, deviceId: 'reader', path: port(system), perSecond: Number(values.rate) };
    }),
    thermometers: [],
  });
  undo.push(() => writer.stop());

  const consumers = await startConsumers({ folder, kafka, mosquitto, systems });
  const contenders: Contender[] = [];
  for (const system of systems) {
    const network = await startFaultProxy({ target: { host: HOST, port: mosquitto.port } });
    undo.push(() => network.close());
    const place = {
      folder: join(folder, system.id),
      path: port(system),
      broker: network.address,
      topic: topicOf(system),
    };
    await mkdir(place.folder);
    const contender: Contender = { system, place, network, process: await system.start(place) };
    contenders.push(contender);
    undo.push(() => contender.process.stop());
  }
  const isReading = ({ id }: System, from: number) =>
    writer.emissions.some(({ gatewayId, atMs }) => gatewayId === id && atMs >= from);
  const untilRead = async (fromMs: number) => {
    const deadlineMs = performance.now() + READING_MS;
    for (;;) {
      const deaf = systems.filter((system) => !isReading(system, fromMs)).map(({ title }) => title);
      if (deaf.length === 0) return;
      if (performance.now() > deadlineMs) throw new Error(`never read from the port: ${deaf.join(', ')}`);
      await delay(100);
    }
  };
  await untilRead(0);
  await delay(RECOVERY_MS);

  const killsMs: number[] = [];
  const scene: Scene = {
    ...{ contenders, kafka, mosquitto, consumers },
    async kill() {
      killsMs.push(Date.now());
      await Promise.all(contenders.map((contender) => contender.process.kill9()));
    },
    async begin() {
      for (const contender of contenders) contender.process = await contender.system.start(contender.place);
    },
  };
  const phases: Phase[] = [];
  for (const [name, fault] of PHASES) {
    const fromMs = Date.now();
    process.stderr.write(`${name}\n`);
    await delay(CALM_MS);
    await fault(scene);
    await delay(RECOVERY_MS);
    // Telegraf reads nothing before it has reached the broker, which it tries every 15 s.
    await untilRead(Date.now());
    phases.push({ name, fromMs, toMs: Date.now() });
  }
  await writer.quiet();
  await delay(SETTLE_MS);

  const counts = systems.map(async (system) => ({
    title: system.title,
    counts: countPhases({
      emissions: writer.emissions.filter(({ gatewayId }) => gatewayId === system.id),
      messages: await messagesOf(system, kafka.url),
      ...{ phases, killsMs, downMs: NOTICE_MS },
    }),
  }));
  return { systems: await Promise.all(counts), notRun };
}

async function startConsumers(at: {
  folder: string;
  kafka: Server;
  mosquitto: Server;
  systems: readonly System[];
}): Promise<Process[]> {
  const { folder, kafka, mosquitto, systems } = at;
  const file = join(folder, 'hub.yaml');
  await writeFile(
    file,
    `dataDir: ${folder}/hub
mqtt: { url: '${mosquitto.url}' }
kafka: { brokers: '${kafka.url}' }
http: { listen: '127.0.0.1:0' }
`,
  );
  const hub = milepost('hub', 'run', '--config', file);
  undo.push(() => hub.stop());
  await healthy(await hub.line(/pages and API at/, 60_000));
  const topics = systems.filter((system) => system !== milepostEdge).map(topicOf);
  const args = ['--import', 'tsx', join(import.meta.dirname, 'sink.ts'), mosquitto.url, kafka.url, TOPIC, ...topics];
  const sink = new Process('sink', process.execPath, args);
  undo.push(() => sink.stop());
  await sink.line(/ready/);
  await topicExists(kafka.url, 'package-events');
  return [hub, sink];
}

function topicOf({ id }: System): string {
  return `peers/${id}`;
}

async function messagesOf(system: System, brokers: string): Promise<string[]> {
  const topic = system === milepostEdge ? 'package-events' : TOPIC;
  const found = await kcat({ brokers, topic, format: '%k\\t%s\\n' });
  const lines = found
    .toString()
    .split('\n')
    .filter((line) => line !== '');
  return system === milepostEdge ? lines : lines.filter((line) => line.startsWith(`${topicOf(system)}\t`));
}

function table({ systems, notRun }: Result): string {
  const head = ['fault', 'scans', ...systems.map(({ title }) => title)];
  const rows = PHASES.map(([name]) => {
    const cells = systems.map(({ counts }) => {
      const { lost, duplicates } = counts.find(({ phase }) => phase === name) ?? { lost: 0, duplicates: 0 };
      return `${lost} / ${duplicates}`;
    });
    const scans = systems.map(({ counts }) => counts.find(({ phase }) => phase === name)?.written ?? 0);
    return [name, `${Math.min(...scans)} … ${Math.max(...scans)}`, ...cells];
  });
  const lines = [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |\n`);
  return ['lost / doubled\n\n', ...lines, ...notRun.map((line) => `not run: ${line}\n`)].join('');
}

function delay(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
