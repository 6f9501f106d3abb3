/**
 * `milepost demo`: simulators of a sorting facility and a van, two gateways, the hub and the page, on embedded defaults. Every byte takes
 * the real path: ptys and TCP, drivers, outboxes on disk, MQTT, the hub's log and store.
 *
 * With `--for` it stops by itself and checks itself: every scan that a simulator let out must stand in exactly one package's timeline.
 * Exit 0 only if nothing is missing or doubled.
 */
import { setMaxListeners } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { checkEdgeConfig } from '../edge/config.ts';
import { type RunningEdge, runEdge } from '../edge/main.ts';
import { checkHubConfig } from '../hub/config.ts';
import { type RunningHub, runHub } from '../hub/main.ts';
import { aborted, type Clock, sleep } from '../protocols/base/clock.ts';
import type { Log } from '../protocols/base/log.ts';
import { formatProblem } from '../protocols/config/checked-yaml.ts';
import { LANES } from '../protocols/uplink/identity.ts';
import { findScenario } from '../simulators/cli.ts';
import { type RunningScenario, runScenario } from '../simulators/run.ts';
import type { LedgerEntry } from '../simulators/simulator.ts';
import { type DemoAddresses, facilityConfig, vanConfig } from './demo-configs.ts';
import { BAD, DONE, explain, print, printError, stopSignal } from './exit.ts';
import { createLog } from './log.ts';
import { type SystemClock, systemClock } from './system-clock.ts';
import { allEvents, get } from './track.ts';
import { VERSION } from './version.ts';

export interface DemoOptions {
  forMs?: number;
  json: boolean;
  /** Of the page; another one is taken when it is in use. */
  port: number;
  seed: string;
  /** Keep the folder with data and logs. */
  keep: boolean;
}

export interface DemoSummary {
  seconds: number;
  /** Scans and tag sightings that simulators let out whole. */
  emitted: number;
  /** Tracking records durable in the gateways' outboxes. */
  accepted: number;
  /** Of those, acknowledged by the hub. */
  delivered: number;
  evicted: number;
  quarantined: number;
  pending: number;
  /** Timeline entries beyond one for each emitted scan. */
  duplicates: number;
  /** Emitted scans that stand in no timeline. */
  missing: number;
  packages: number;
  alerts: number;
  balanced: boolean;
  ok: boolean;
  page: string;
}

const SETTLE_MS = 30_000;

interface Demo {
  folder: string;
  hub: RunningHub;
  edges: RunningEdge[];
  scenario: RunningScenario;
  /** Ends gateways, then the hub. */
  stop(): Promise<void>;
}

export async function demo(options: DemoOptions): Promise<number> {
  const clock = systemClock();
  const signal = stopSignal();
  const folder = await mkdtemp(join(tmpdir(), 'milepost-demo-'));
  const log = createLog({ level: 'info', file: join(folder, 'demo.log') });
  const say = options.json ? () => {} : print;
  let running: Demo | undefined;
  let failed = false;
  try {
    const startUs = clock.monotonicUs();
    running = await start({ options, clock, log, folder, say });
    const { hub } = running;
    say(`\n  Milepost is running: open ${hub.httpUrl}\n  (log: ${join(folder, 'demo.log')}; Ctrl-C ends it)\n`);
    if (options.forMs === undefined) await aborted(signal);
    else await sleep(clock, options.forMs, signal);
    say('\nnothing new is inducted; waiting until everything has arrived …');
    const summary = await check(running, clock, startUs);
    if (options.json) print(JSON.stringify(summary));
    else sayVerdict(summary);
    failed = !summary.ok;
    if (failed) printError(`the log of this run is kept in ${folder}`);
    return summary.ok ? DONE : BAD;
  } catch (error) {
    failed = true;
    log.error({ err: error }, 'demo failed');
    if (options.json) print(JSON.stringify({ error: { code: 'demo-failed', message: explain(error) } }));
    printError(`milepost demo: ${explain(error)}; its log is in ${folder}`);
    return BAD;
  } finally {
    await running?.stop();
    if (!options.keep && !failed) await rm(folder, { recursive: true, force: true });
  }
}

async function start(at: {
  options: DemoOptions;
  clock: SystemClock;
  log: Log;
  folder: string;
  say: (line: string) => void;
}): Promise<Demo> {
  const { options, clock, log, folder, say } = at;
  const hubStop = new AbortController();
  const edgeStop = new AbortController();
  setMaxListeners(0, hubStop.signal, edgeStop.signal);
  const hub = await startHub({ options, clock, log, folder, signal: hubStop.signal });
  const runDir = join(folder, 'dev');
  const edges: RunningEdge[] = [];
  let scenario: RunningScenario | undefined;
  const stop = async () => {
    await scenario?.stop();
    edgeStop.abort();
    await Promise.all(edges.map((edge) => edge.done));
    hubStop.abort();
    await hub.done;
  };
  try {
    scenario = await runScenario({
      scenario: await findScenario({ scenario: 'dock-to-door' }),
      seed: options.seed,
      clock,
      log: log.child({ process: 'simulators' }),
      runDir,
      onEntry: (entry) => say(sentence(entry)),
    });
    const portal = scenario.devices.find(({ kind }) => kind === 'llrp-reader')?.address;
    if (portal === undefined || hub.mqttUrl === undefined) throw new Error('the demo has no portal or no broker');
    const addresses: DemoAddresses = { runDir, stateDir: folder, hubUrl: hub.mqttUrl, portal };
    for (const text of [facilityConfig(addresses), vanConfig(addresses)]) {
      const checked = await checkEdgeConfig(text, 'demo.yaml');
      if (!checked.ok) throw new Error(checked.problems.map(formatProblem).join('\n'));
      const { config } = checked;
      edges.push(
        await runEdge({
          config,
          clock,
          log: log.child({ gateway: config.gateway.id }),
          signal: edgeStop.signal,
          version: VERSION,
        }),
      );
    }
    return { folder, hub, edges, scenario, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function startHub(at: {
  options: DemoOptions;
  clock: SystemClock;
  log: Log;
  folder: string;
  signal: AbortSignal;
}): Promise<RunningHub> {
  const { options, clock, log, folder, signal } = at;
  const open = (port: number) => {
    const text = `dataDir: ${folder}/hub\nmqtt: { listen: '127.0.0.1:0' }\nhttp: { listen: '127.0.0.1:${port}' }\n`;
    const checked = checkHubConfig(text, 'demo-hub.yaml');
    if (!checked.ok) throw new Error(checked.problems.map(formatProblem).join('\n'));
    return runHub({ config: checked.config, clock, log: log.child({ process: 'hub' }), signal });
  };
  try {
    return await open(options.port);
  } catch (error) {
    if ((error as { code?: string }).code !== 'EADDRINUSE') throw error;
    return open(0);
  }
}

/** Ends the flow, waits until all is through, and holds the simulators' ledger against the packages' timelines. */
async function check({ scenario, edges, hub }: Demo, clock: Clock, startUs: number): Promise<DemoSummary> {
  const ledger = await scenario.finish();
  const emitted = new Map<string, number>();
  for (const entry of ledger.observations()) count(emitted, `${entry.readPoint} ${entry.text ?? entry.epcHex}`);
  const total = sum(emitted.values());
  const deadlineUs = clock.monotonicUs() + SETTLE_MS * 1000;
  let timelines = await readTimelines(hub.httpUrl);
  while ((timelines.total < total || edges.some(isPending)) && clock.monotonicUs() < deadlineUs) {
    await sleep(clock, 250);
    timelines = await readTimelines(hub.httpUrl);
  }
  let missing = 0;
  let duplicates = 0;
  for (const key of new Set([...emitted.keys(), ...timelines.events.keys()])) {
    const difference = (timelines.events.get(key) ?? 0) - (emitted.get(key) ?? 0);
    if (difference < 0) missing -= difference;
    else duplicates += difference;
  }
  const reports = edges.map((edge) => edge.report());
  const lane = (name: 'accepted' | 'delivered' | 'evicted' | 'quarantined' | 'pending') =>
    sum(reports.map(({ outbox }) => outbox.lanes.tracking[name]));
  const balanced = reports.every((report) => report.balanced);
  const alerts = await countAlerts(hub.httpUrl);
  return {
    seconds: Math.round((clock.monotonicUs() - startUs) / 1e6),
    emitted: total,
    accepted: lane('accepted'),
    delivered: lane('delivered'),
    evicted: lane('evicted'),
    quarantined: lane('quarantined'),
    pending: lane('pending'),
    duplicates,
    missing,
    packages: timelines.packages,
    alerts,
    balanced,
    ok: total > 0 && missing === 0 && duplicates === 0 && balanced,
    page: hub.httpUrl,
  };
}

async function countAlerts(hub: string): Promise<number> {
  let alerts = 0;
  for (let after: string | undefined; ; ) {
    const cursor: string = after === undefined ? '' : `&after=${encodeURIComponent(after)}`;
    const page = await get<{ items: unknown[]; next?: string }>(`${hub}/v1/alerts?state=all&limit=200${cursor}`);
    alerts += page.items.length;
    if (page.next === undefined) return alerts;
    after = page.next;
  }
}

function isPending(edge: RunningEdge): boolean {
  const { outbox } = edge.report();
  return LANES.some((lane) => outbox.lanes[lane].pending > 0);
}

/** Every package's timeline, as anyone could read it: how often each label was seen at each read point. */
async function readTimelines(hub: string): Promise<{ events: Map<string, number>; total: number; packages: number }> {
  const events = new Map<string, number>();
  let packages = 0;
  for (let after: string | undefined; ; ) {
    const cursor: string = after === undefined ? '' : `&after=${encodeURIComponent(after)}`;
    const page = await get<{ items: { packageId: string }[]; next?: string }>(`${hub}/v1/packages?limit=200${cursor}`);
    for (const { packageId } of page.items) {
      packages++;
      for (const event of await allEvents(hub, packageId))
        count(events, `${event.location.readPoint} ${event.data.scanned}`);
    }
    if (page.next === undefined) return { events, total: sum(events.values()), packages };
    after = page.next;
  }
}

function count(counts: Map<string, number>, key: string): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}

function sum(numbers: Iterable<number>): number {
  let total = 0;
  for (const number of numbers) total += number;
  return total;
}

function sentence(entry: LedgerEntry): string {
  const time = new Date(entry.atMs).toISOString().slice(11, 19);
  const what =
    entry.sscc ??
    entry.text ??
    entry.epcHex ??
    Object.entries(entry.detail ?? {})
      .map((pair) => pair.join(' '))
      .join(', ');
  return `${time}  ${entry.kind.padEnd(9)} ${(entry.readPoint ?? entry.simulator).padEnd(18)} ${what}`;
}

function sayVerdict(summary: DemoSummary): void {
  const { emitted, accepted, delivered, missing, duplicates, packages, alerts } = summary;
  print(
    `${emitted} scans emitted, ${accepted} accepted, ${delivered} delivered, ${packages} packages, ${alerts} alerts`,
  );
  print(
    summary.ok
      ? 'every scan stands in exactly one timeline: nothing missing, nothing doubled'
      : `NOT GOOD: ${missing} missing, ${duplicates} doubled`,
  );
}
