/**
 * One chaos run: a quiet start, a storm of faults under load, a quiet end, the ledger.
 *
 * The storm's faults and times follow from the seed (plan.ts); what the machine makes of them does not, so a seed repeats the faults, not
 * every interleaving.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { seededRandom } from '../../simulators/random.ts';
import { gather, settledRecords } from './evidence.ts';
import { judge, type Verdict } from './judge.ts';
import { type PlannedFault, planFaults } from './plan.ts';
import { type Target, targetsOf } from './strikes.ts';
import { startWorld, type World, type WorldOptions } from './world.ts';

export interface ChaosOptions extends WorldOptions {
  /** How long the storm lasts. */
  stormMs: number;
  /** Between the beginnings of two faults, on average. */
  meanGapMs: number;
  /** Tells what happens, a line at a time. */
  tell: (line: string) => void;
  /** Ends the run early; everything is stopped. */
  signal?: AbortSignal;
  /** Where the logs go when something is wrong. */
  logs: string;
  /** Strikes only targets whose name matches: to corner a fault that a whole storm has found. */
  only?: RegExp;
  /** Called while everything still runs when something is wrong: to look around. */
  hold?: (world: World) => Promise<void>;
}

export interface ChaosResult extends Verdict {
  seed: number | string;
  faults: readonly PlannedFault[];
  /** From the end of the storm until nothing was pending anywhere. */
  settledMs: number;
  /** What could not be part of the run, and why. */
  notRun: string[];
  logs: string | undefined;
}

const CALM_MS = 3_000;
const SETTLE_MS = 180_000;
const LOOK_MS = 500;
/** Nothing may be accepted any more for so long before the ledger is read. */
const STILL_MS = 2_500;

export async function runChaos(options: ChaosOptions): Promise<ChaosResult> {
  const { seed, stormMs, meanGapMs, tell, logs, only, hold, signal } = options;
  const world = await startWorld(options);
  try {
    const targets = targetsOf(world).filter(({ name }) => only?.test(name) ?? true);
    const random = seededRandom(seed).fork('faults');
    const faults = planFaults({ targets, durationMs: stormMs, meanGapMs, random });
    tell(`seed ${seed}: ${faults.length} faults in ${stormMs / 1000} s on ${targets.length} targets`);
    await delay(CALM_MS, undefined, { signal });
    const problems = await storm(faults, { targets, tell, signal });
    tell('the storm is over');
    await delay(CALM_MS, undefined, { signal });
    await world.writer.quiet();
    const fromMs = performance.now();
    const settled = await settle(world, signal);
    const settledMs = Math.round(performance.now() - fromMs);
    tell(settled ? `settled after ${settledMs} ms` : `not settled after ${settledMs} ms`);
    const verdict = judge(await gather(world));
    if (!settled) problems.push(`not settled within ${SETTLE_MS / 1000} s`);
    for (const { daemon } of [...world.gateways, ...world.hubs]) problems.push(...daemon.crashes);
    const differences = [...problems, ...verdict.differences];
    const ok = differences.length === 0;
    if (!ok) await keepLogs(world, { logs, faults, differences });
    if (!ok) await hold?.(world);
    const notRun = 'reason' in world.smallDisk ? [`disk-full: ${world.smallDisk.reason}`] : [];
    return { ...verdict, ok, differences, seed, faults, settledMs, notRun, logs: ok ? undefined : logs };
  } catch (error) {
    await keepLogs(world, { logs, faults: [], differences: [String(error)] });
    throw error;
  } finally {
    await world.stop();
  }
}

/** Every fault at its time, one after the other on each target; resolves when all are over. Returns what could not be done or undone. */
async function storm(
  faults: readonly PlannedFault[],
  at: { targets: readonly Target[]; tell: (line: string) => void; signal: AbortSignal | undefined },
): Promise<string[]> {
  const { targets, tell, signal } = at;
  const problems: string[] = [];
  const queues = new Map<string, Promise<void>>();
  const startMs = performance.now();
  for (const fault of faults) {
    await delay(Math.max(0, startMs + fault.atMs - performance.now()), undefined, { signal });
    const { target: name, kind, forMs, delayMs } = fault;
    const strike = targets.find((target) => target.name === name)?.strikes[kind];
    if (strike === undefined) throw new Error(`${name} has no ${kind}`);
    const strength = delayMs === undefined ? '' : ` by ${delayMs} ms`;
    const work = (queues.get(name) ?? Promise.resolve()).then(async () => {
      const atMs = Math.round(performance.now() - startMs);
      tell(`${String(atMs).padStart(7)} ms  ${name}: ${kind}${strength}${forMs === 0 ? '' : ` for ${forMs} ms`}`);
      await strike(fault).catch((error) => problems.push(`${name}: ${kind} could not be done or undone: ${error}`));
    });
    queues.set(name, work);
  }
  await Promise.all(queues.values());
  return problems;
}

async function settle(world: World, signal: AbortSignal | undefined): Promise<boolean> {
  const deadlineMs = performance.now() + SETTLE_MS;
  let last: { records: number; sinceMs: number } | undefined;
  while (performance.now() < deadlineMs) {
    // A daemon that is just starting does not answer yet.
    const records = await settledRecords(world).catch(() => undefined);
    if (records === undefined) last = undefined;
    else if (last?.records !== records) last = { records, sinceMs: performance.now() };
    else if (performance.now() - last.sinceMs >= STILL_MS) return true;
    await delay(LOOK_MS, undefined, { signal });
  }
  return false;
}

async function keepLogs(
  world: World,
  { logs, faults, differences }: { logs: string; faults: readonly PlannedFault[]; differences: readonly string[] },
): Promise<void> {
  await mkdir(logs, { recursive: true });
  const { gateways, hubs, kafka, postgres, influx, mosquitto, writer } = world;
  const texts: [name: string, text: string][] = [
    ...[...gateways, ...hubs].map(({ daemon }) => [`${daemon.name}.log`, daemon.output()] as [string, string]),
    ...[kafka, postgres, influx, mosquitto].flatMap((server): [string, string][] =>
      server === undefined ? [] : [[`${server.name}.log`, server.log()]],
    ),
    ['written.jsonl', writer.emissions.map((emission) => JSON.stringify(emission)).join('\n')],
    ['faults.json', JSON.stringify(faults, undefined, 1)],
    ['differences.txt', differences.join('\n')],
  ];
  for (const [name, text] of texts) await writeFile(join(logs, name), text);
}
