/**
 * What an outage of a sink costs: the hub under a steady load, PostgreSQL, InfluxDB or Kafka killed for a while and started again. Prints the hub's
 * memory before, during and after, whether the other sinks went on, and how fast it catches up as a multiple of the live rate.
 *
 *   npm run bench -- outage [--sinks postgres,influx,kafka] [--rate 1000] [--away 60] [--json]
 *
 * `rate` is records a second of all gateways (60 tracking, 39 telemetry of 100). With Kafka away nothing is acknowledged, so the gateways keep
 * it all; with another sink away Kafka does. Exit code 1 when something is lost or doubled, or catching up is slower than five times live.
 */
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { openPostgres } from '../hub/store/postgres.ts';
import { hubStack } from '../test/e2e/hub-stack.ts';
import { healthy, milepost } from '../test/e2e/stack.ts';
import { startInflux } from '../test/servers/influx.ts';
import { startKafka } from '../test/servers/kafka.ts';
import { chosen } from './choose.ts';
import { machine } from './row.ts';
import { startBenchPostgres } from './servers.ts';

const SINKS = ['postgres', 'influx', 'kafka'] as const;
type Sink = (typeof SINKS)[number];

const { values } = parseArgs({
  options: {
    sinks: { type: 'string', default: SINKS.join(',') },
    rate: { type: 'string', default: '1000' },
    away: { type: 'string', default: '60' },
    json: { type: 'boolean', default: false },
  },
});
const sinks = chosen('sinks', values.sinks, SINKS);
const rate = Number(values.rate);
const awayS = Number(values.away);
const GATEWAYS = 50;
const CALM_S = 15;
const SAMPLE_MS = 250;
const CAUGHT_UP_MS = 120_000;
const GOAL = 5;
/** Of what came within a sample and a half: as good as caught up. */
const LAG_S = 0.4;

/** How much of a sink's work is done, and what waits for it, in records of that sink. */
interface Progress {
  done: number;
  waiting: number;
}

const servers = await Promise.all([startKafka(), startBenchPostgres(), startInflux()]);
const [kafka, postgres, influx] = servers;
const stack = await hubStack({ name: 'outage', servers: { kafka, postgres, influx }, log: 'error' });
const store = await openPostgres({ url: postgres.url, maxConnections: 1 });
let projected = 0;
try {
  const hub = stack.hub();
  const said = await hub.line(/pages and API at/);
  const url = await healthy(said);
  const load = ['--count', String(GATEWAYS), '--rate', String(rate / GATEWAYS), '--drain', '120s', '--json'];
  const gateways = stack.keep(milepost('sim', 'gateways', '--hub', /mqtt:\/\/\S+/.exec(said)?.[0] ?? '', ...load));
  const outages = [];
  for (const sink of sinks) outages.push(await outage(sink, { url, pid: hub.child.pid ?? 0 }));
  gateways.child.kill('SIGTERM');
  const ledger = JSON.parse(await gateways.line(/"lanes"/, 150_000)) as {
    ok: boolean;
    refused: number;
    lanes: Record<string, { accepted: number }>;
  };
  const accepted = ledger.lanes.tracking?.accepted ?? 0;
  await until(async () => (await metricsOf(url)).get('delivered_records{lane="tracking"}') === accepted);
  const duplicates = (await metricsOf(url)).get('duplicate_records_total{group="milepost-process"}') ?? 0;
  const isWhole = ledger.ok && (await metricsOf(url)).get('conservation_balanced') === 1;
  const result = { machine: machine(), rate, awayS, outages, accepted, refused: ledger.refused, duplicates, isWhole };
  if (values.json) process.stdout.write(`${JSON.stringify(result)}\n`);
  else print(result);
  process.exitCode = isWhole && outages.every(({ catchUp }) => catchUp >= GOAL) ? 0 : 1;
} finally {
  await store.close();
  await stack.stop();
}

async function outage(sink: Sink, { url, pid }: { url: string; pid: number }) {
  const server = servers.find(({ name }) => name === sink) ?? kafka;
  const progress = async (of: Sink) => progressOf(of, await metricsOf(url));
  await wait(CALM_S * 1000);
  const calm = await progress(sink);
  const startMs = performance.now();
  await wait(5_000);
  const live = perSecond((await progress(sink)).done - calm.done, performance.now() - startMs);
  const rssMb = { before: rss(pid), during: 0, after: 0 };

  await server.kill9();
  const others = SINKS.filter((other) => other !== sink && other !== 'kafka');
  const othersBefore = await Promise.all(others.map(progress));
  const downMs = performance.now();
  while (performance.now() - downMs < awayS * 1000) {
    await wait(1_000);
    rssMb.during = Math.max(rssMb.during, rss(pid));
  }
  const othersAfter = await Promise.all(others.map(progress));
  const othersRates = others.map((other, index) => ({
    sink: other,
    perSecond: perSecond(
      (othersAfter[index]?.done ?? 0) - (othersBefore[index]?.done ?? 0),
      performance.now() - downMs,
    ),
  }));
  const atReturn = await progress(sink);
  await server.restart();

  // From the first record that is done again: waiting for a connection is not catching up.
  let from = { ...atReturn, atMs: performance.now() };
  const backMs = performance.now();
  let last = from;
  await until(
    async () => {
      const now = { ...(await progress(sink)), atMs: performance.now() };
      if (now.done <= atReturn.done) from = now;
      last = now;
      rssMb.during = Math.max(rssMb.during, rss(pid));
      return now.done > atReturn.done + live * awayS * 0.8 && now.waiting < Math.max(50, live * LAG_S);
    },
    () => ({ sink, live, calm, atReturn, last }),
  );
  const elapsedMs = Math.max(SAMPLE_MS, last.atMs - from.atMs);
  const catchUp = perSecond(last.done - atReturn.done, elapsedMs) / live;
  await wait(10_000);
  rssMb.after = rss(pid);
  return {
    sink,
    livePerSecond: round(live),
    othersPerSecond: Object.fromEntries(othersRates.map(({ sink: other, perSecond: each }) => [other, round(each)])),
    waitedForReturnMs: round(from.atMs - backMs),
    caughtUpAfterMs: round(last.atMs - backMs),
    caughtUp: last.done - atReturn.done,
    catchUp: Math.round(catchUp * 10) / 10,
    rssMb,
  };
}

async function progressOf(sink: Sink, metrics: ReadonlyMap<string, number>): Promise<Progress> {
  const at = (name: string) => metrics.get(name) ?? 0;
  const events = at('package_events_total{group="milepost-process"}');
  if (sink === 'influx') {
    return {
      done: at('points_total{group="milepost-timeseries"}'),
      waiting: at('lag_records{group="milepost-timeseries"}'),
    };
  }
  if (sink === 'kafka') return { done: events, waiting: at('lag_records{group="milepost-process"}') };
  // Not the lag: in a topic of transactions it counts their markers as well.
  const rows = await store.query<{ n: number }>('select count(*) as n from package_events').catch(() => []);
  projected = rows[0]?.n ?? projected;
  return { done: projected, waiting: events - projected };
}

async function metricsOf(url: string): Promise<Map<string, number>> {
  const text = await (await fetch(`${url}/metrics`)).text();
  return new Map(
    [...text.matchAll(/^milepost_hub_(\S+) (\S+)$/gm)].map(([, name = '', value]) => [name, Number(value)]),
  );
}

function rss(pid: number): number {
  const [, kb] = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  return Math.round(Number(kb) / 1024);
}

async function until(condition: () => Promise<boolean>, state: () => unknown = () => ''): Promise<void> {
  const deadline = performance.now() + CAUGHT_UP_MS;
  while (!(await condition())) {
    if (performance.now() > deadline)
      throw new Error(`not caught up within ${CAUGHT_UP_MS / 1000} s: ${JSON.stringify(state())}`);
    await wait(SAMPLE_MS);
  }
}

function wait(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

function perSecond(count: number, ms: number): number {
  return (count / Math.max(1, ms)) * 1000;
}

function round(value: number): number {
  return Math.round(value);
}

function print(result: {
  outages: readonly Awaited<ReturnType<typeof outage>>[];
  accepted: number;
  duplicates: number;
  refused: number;
  isWhole: boolean;
}): void {
  for (const { sink, rssMb, livePerSecond, othersPerSecond, caughtUpAfterMs, caughtUp, catchUp } of result.outages) {
    const others = Object.entries(othersPerSecond).map(([name, each]) => `${name} ${each}/s`);
    process.stdout.write(`${sink} away for ${awayS} s at ${livePerSecond}/s; meanwhile ${others.join(', ')}
  RSS before ${rssMb.before} MB, most ${rssMb.during} MB, after ${rssMb.after} MB
  ${caughtUp} caught up ${caughtUpAfterMs / 1000} s after its return: ${catchUp} times live (goal ${GOAL})\n`);
  }
  const { accepted, duplicates, refused, isWhole } = result;
  process.stdout.write(
    `${accepted} tracking records accepted, ${isWhole ? 'all there once' : 'LEDGER DOES NOT BALANCE'}; ` +
      `${duplicates} came again and were dropped, ${refused} were more than simulated gateways hold\n`,
  );
}
