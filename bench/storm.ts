/**
 * Several hubs on Mosquitto and Kafka under load while one of them is killed again and again, then a burst: how long events take, what memory
 * it costs, and whether every event stands in `package-events` once.
 *
 *   npm run bench -- storm [--hubs 3] [--rate 300] [--minutes 10] [--every 20] [--down 0] [--burst 10] [--burst-seconds 60] [--json]
 *
 * `rate` is tracking events a second of all gateways together. Each hub has all roles and a name (`--instance`); one that was killed (SIGKILL)
 * is started again at once, as systemd would, or after `down` seconds: others have taken over then, and the longest time is how long that took. Time runs from a record's making at the gateway to kcat's having read it (`read_committed`), both
 * clocks being this machine's. Exit code 1 when an event is missing or doubled, a ledger does not balance, p95 under kills is more than twice
 * the calm one, or it is not calm again within a minute after the burst.
 */
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { hubStack } from '../test/e2e/hub-stack.ts';
import { healthy, milepost, Process, topicExists } from '../test/e2e/stack.ts';
import { startInflux } from '../test/servers/influx.ts';
import { startKafka } from '../test/servers/kafka.ts';
import { kcatFollowing } from '../test/servers/kcat.ts';
import { startMosquitto } from '../test/servers/mosquitto.ts';
import { machine } from './row.ts';
import { startBenchPostgres } from './servers.ts';

const { values } = parseArgs({
  options: {
    hubs: { type: 'string', default: '3' },
    gateways: { type: 'string', default: '50' },
    rate: { type: 'string', default: '300' },
    minutes: { type: 'string', default: '10' },
    every: { type: 'string', default: '20' },
    down: { type: 'string', default: '0' },
    burst: { type: 'string', default: '10' },
    'burst-seconds': { type: 'string', default: '60' },
    json: { type: 'boolean', default: false },
  },
});
const HUBS = Number(values.hubs);
const RATE = Number(values.rate);
const EVERY_MS = Number(values.every) * 1000;
const DOWN_MS = Number(values.down) * 1000;
const BURST = Number(values.burst);
const BURST_MS = Number(values['burst-seconds']) * 1000;
const WARM_UP_MS = 30_000;
const CALM_MS = 45_000;
const WINDOW_MS = 5_000;
const CALM_AGAIN_MS = 60_000;
const GOAL = 2;

/** What one stretch of time was like. */
interface Phase {
  name: string;
  fromMs: number;
  toMs: number;
  rssMb: number;
  kills: number;
}

const nowMs = () => performance.timeOrigin + performance.now();
const wait = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));
const progress = (text: string) => process.stderr.write(`${text}\n`);

/** As deploy/compose/mosquitto.conf has them. */
const BROKER = ['set_tcp_nodelay true', 'max_inflight_messages 1000'];
const [kafka, mosquitto, postgres, influx] = await Promise.all([
  startKafka(),
  startMosquitto({ config: BROKER }),
  startBenchPostgres(),
  startInflux(),
]);
const stack = await hubStack({ name: 'storm', servers: { kafka, mosquitto, postgres, influx }, log: 'error' });
const hubs: { process: Process; name: string; url?: string }[] = [];
const phases: Phase[] = [];

/** Every event that was read: when it was made and how long it took; and which ones they were. */
const arrivals: { madeMs: number; tookMs: number }[] = [];
const seen = new Set<string>();
let doubled = 0;

try {
  for (let index = 0; index < HUBS; index++) {
    const name = `hub-${index + 1}`;
    hubs.push({ name, process: startHub(name) });
  }
  for (const hub of hubs) hub.url = await healthy(await hub.process.line(/pages and API at/, 60_000));
  await topicExists(kafka.url, 'package-events');
  const following = kcatFollowing({ brokers: kafka.url, topic: 'package-events', fetchWaitMs: 5 });
  const messages = stack.keep(new Process('kcat', 'kcat', following));
  const reading = setInterval(() => take(messages), 200);
  try {
    const steady = startGateways('steady-', Number(values.gateways), RATE);
    await messages.until(() => seen.size > 0, 'the first event', 60_000);
    await wait(WARM_UP_MS);
    const calm = await during('calm', () => wait(CALM_MS));
    const killed = await during('kills', kills);
    await during('after the kills', () => wait(20_000));
    const burst = await during('burst', async () => {
      const more = startGateways('burst-', Number(values.gateways), RATE * (BURST - 1), BURST_MS);
      await wait(BURST_MS);
      return more;
    });
    await during('after the burst', () => wait(CALM_AGAIN_MS + WINDOW_MS));
    steady.child.kill('SIGTERM');
    const ledgers = [await ledgerOf(steady), await ledgerOf(burst.result)];
    const accepted = ledgers.reduce((sum, { lanes }) => sum + (lanes.tracking?.accepted ?? 0), 0);
    const isThere = () => {
      take(messages);
      return seen.size >= accepted;
    };
    await messages.until(isThere, `${accepted} events`, 60_000).catch(() => {});
    const limitMs = quantile(latencies(calm.phase), 0.95) * GOAL;
    const result = {
      machine: machine(),
      hubs: HUBS,
      ratePerSecond: RATE,
      phases: phases.map(describe),
      calmAgainMs: calmAgainMs(burst.phase.toMs, limitMs),
      accepted,
      delivered: seen.size,
      missing: accepted - seen.size,
      doubled,
      ledgers: ledgers.every(({ ok }) => ok),
      balanced: (await Promise.all(hubs.map(({ url }) => balanced(url ?? '')))).every(Boolean),
    };
    process.stdout.write(values.json ? `${JSON.stringify(result)}\n` : `${text(result)}\n`);
    const p95Ms = quantile(latencies(killed.phase), 0.95);
    const isWhole = result.missing === 0 && doubled === 0 && result.ledgers && result.balanced;
    process.exitCode = isWhole && p95Ms <= limitMs && (result.calmAgainMs ?? Infinity) <= CALM_AGAIN_MS ? 0 : 1;
  } finally {
    clearInterval(reading);
  }
} finally {
  await stack.stop();
}

function startHub(name: string): Process {
  return stack.hub('--instance', name);
}

function startGateways(prefix: string, count: number, perSecond: number, forMs?: number): Process {
  const load = [
    '--count',
    String(count),
    '--rate',
    String(perSecond / count),
    '--mix',
    'tracking=1',
    '--drain',
    '120s',
  ];
  const rest = [
    '--linger',
    '5ms',
    '--prefix',
    prefix,
    '--json',
    ...(forMs === undefined ? [] : ['--for', `${forMs}ms`]),
  ];
  return stack.keep(milepost('sim', 'gateways', '--hub', mosquitto.url, ...load, ...rest));
}

/** Kills one hub after the other, the next in turn, and starts it again. */
async function kills(): Promise<number> {
  const untilMs = nowMs() + Number(values.minutes) * 60_000;
  let count = 0;
  while (nowMs() + EVERY_MS <= untilMs) {
    const hub = hubs[count++ % hubs.length];
    if (!hub) break;
    await hub.process.kill9();
    const killedMs = nowMs();
    await wait(DOWN_MS);
    hub.process = startHub(hub.name);
    hub.url = await healthy(await hub.process.line(/pages and API at/, 60_000));
    progress(`${hub.name} was killed and well again after ${Math.round(nowMs() - killedMs)} ms`);
    await wait(Math.max(0, killedMs + EVERY_MS - nowMs()));
  }
  return count;
}

async function during<T>(name: string, work: () => Promise<T>): Promise<{ phase: Phase; result: T }> {
  const phase: Phase = { name, fromMs: nowMs(), toMs: 0, rssMb: 0, kills: 0 };
  phases.push(phase);
  progress(name);
  const sampling = setInterval(() => {
    for (const { process: hub } of hubs) phase.rssMb = Math.max(phase.rssMb, rssMb(hub.child.pid ?? 0));
  }, 1_000);
  try {
    const result = await work();
    if (typeof result === 'number') phase.kills = result;
    return { phase, result };
  } finally {
    clearInterval(sampling);
    phase.toMs = nowMs();
  }
}

function take(messages: Process): void {
  for (const { text: json, atMs } of messages.lines.splice(0)) {
    const { source, occurredAt } = JSON.parse(json) as {
      source: { gatewayId: string; epoch: string; sequence: number };
      occurredAt: string;
    };
    const identity = `${source.gatewayId}/${source.epoch}/${source.sequence}`;
    if (seen.has(identity)) doubled++;
    seen.add(identity);
    const madeMs = Date.parse(occurredAt);
    arrivals.push({ madeMs, tookMs: atMs - madeMs });
  }
}

function latencies({ fromMs, toMs }: Pick<Phase, 'fromMs' | 'toMs'>): number[] {
  return arrivals.flatMap(({ madeMs, tookMs }) => (madeMs >= fromMs && madeMs < toMs ? [tookMs] : []));
}

function quantile(of: readonly number[], q: number): number {
  const sorted = [...of].sort((a, b) => a - b);
  return Math.round(sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? Number.NaN);
}

function describe(phase: Phase) {
  const took = latencies(phase);
  const seconds = (phase.toMs - phase.fromMs) / 1000;
  return {
    name: phase.name,
    kills: phase.kills,
    eventsPerSecond: Math.round(took.length / seconds),
    p50Ms: quantile(took, 0.5),
    p95Ms: quantile(took, 0.95),
    p99Ms: quantile(took, 0.99),
    maxMs: quantile(took, 1),
    hubRssMb: Math.round(phase.rssMb),
  };
}

/** From the end of the burst until a window's p95 is within the limit and stays there; undefined when it never was. */
function calmAgainMs(fromMs: number, limitMs: number): number | undefined {
  let calmFrom: number | undefined;
  for (let at = fromMs; at < fromMs + CALM_AGAIN_MS; at += WINDOW_MS) {
    const isCalm = quantile(latencies({ fromMs: at, toMs: at + WINDOW_MS }), 0.95) <= limitMs;
    calmFrom = isCalm ? (calmFrom ?? at) : undefined;
  }
  return calmFrom === undefined ? undefined : calmFrom - fromMs;
}

async function ledgerOf(gateways: Process) {
  return JSON.parse(await gateways.line(/"lanes"/, 200_000)) as {
    ok: boolean;
    lanes: Record<string, { accepted: number }>;
  };
}

async function balanced(url: string): Promise<boolean> {
  const deadlineMs = nowMs() + 60_000;
  for (;;) {
    const metrics = await (await fetch(`${url}/metrics`)).text();
    if (/^milepost_hub_conservation_balanced 1$/m.test(metrics)) return true;
    if (nowMs() > deadlineMs) return false;
    await wait(500);
  }
}

function rssMb(pid: number): number {
  try {
    return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1024;
  } catch {
    return 0;
  }
}

function text({ machine: where, phases: all, ...rest }: { machine: object; phases: ReturnType<typeof describe>[] }) {
  const rows = all.map((phase) => Object.values(phase).join('\t'));
  return [JSON.stringify(where), Object.keys(all[0] ?? {}).join('\t'), ...rows, JSON.stringify(rest)].join('\n');
}
