/**
 * One seed from beginning to end: gateways, broker, hubs and log are set up, the plan's faults happen, then they cease, everything drains
 * in bounded simulated time, and the oracle compares.
 */
import type { Outbox } from '../../edge/outbox/outbox.ts';
import { Chaos, type Stage } from './chaos.ts';
import { Gateway } from './gateway.ts';
import { Hub } from './hub.ts';
import type { Mutation } from './mutations.ts';
import { Oracle, type OracleCounts } from './oracle.ts';
import { type Plan, type PlanOptions, planOf } from './plan.ts';
import { SimBroker } from './sim-broker.ts';
import { SimLog } from './sim-log.ts';
import { SimSeries } from './sim-series.ts';
import { World } from './world.ts';

export interface SimulationOptions extends PlanOptions {
  mutation?: Mutation;
  /** Keep the trace as text. */
  trace?: boolean;
}

export interface Outcome {
  seed: number;
  /** The first thing that the oracle found wrong. */
  failure: string | undefined;
  /** Names everything that happened: the same for the same seed. */
  hash: string;
  trace: readonly string[];
  events: number;
  simulatedMs: number;
  counts: OracleCounts;
}

/** The longest wait for an acknowledgement is a minute; a batch may meet two of them. */
const DRAIN_MS = 150_000;
const LOOK_EVERY_MS = 500;
const CHECK_EVERY_MS = 100;
const LAST_LINES = 40;
/** Quiet for so long after draining, so that whatever still wants to happen does. */
const REST_MS = 3_000;

/** What to do with a seed that failed, and how it ended. */
export async function explain({ seed, failure }: Outcome, options: SimulationOptions = {}): Promise<string> {
  const { trace } = await simulate(seed, { ...options, trace: true });
  return [`seed ${seed}: ${failure}`, `npm run simulate -- --seed ${seed} --trace`, ...trace.slice(-LAST_LINES)].join(
    '\n',
  );
}

export async function simulate(seed: number, options: SimulationOptions = {}): Promise<Outcome> {
  const simulation = new Simulation(seed, options);
  await simulation.run();
  const { world, oracle } = simulation;
  return {
    seed,
    failure: oracle.failure,
    hash: world.trace.hash(),
    trace: world.trace.lines(),
    events: world.events,
    simulatedMs: world.nowMs,
    counts: oracle.counts,
  };
}

class Simulation {
  readonly world: World;
  readonly oracle: Oracle;
  readonly #plan: Plan;
  readonly #stage: Stage;
  readonly #chaos: Chaos;

  constructor(seed: number, { mutation, trace = false, ...planOptions }: SimulationOptions) {
    const world = new World(seed, { keepTrace: trace });
    const plan = planOf(world.random('plan'), planOptions);
    const oracle = new Oracle(world, { strictOrder: plan.uplink.window?.tracking === 1 });
    const broker = new SimBroker(world);
    const log = new SimLog({ world, partitions: plan.partitions, mutation, witness: oracle });
    const series = new SimSeries({ world, mutation, witness: oracle });
    const shared = { world, broker, oracle, mutation };
    const gateways = numbered(plan.gateways, 'g', (id) => new Gateway({ ...shared, plan, id }));
    const hubs = numbered(plan.hubs, 'h', (name) => new Hub({ ...shared, name, log, series }));
    for (const gateway of gateways) oracle.watch(gateway);
    this.world = world;
    this.oracle = oracle;
    this.#plan = plan;
    this.#stage = { world, gateways, hubs, broker, log, series };
    this.#chaos = new Chaos(this.#stage);
  }

  async run(): Promise<void> {
    const { world, oracle } = this;
    const { gateways, hubs } = this.#stage;
    const { reports, episodes, calmFromMs } = this.#plan;
    for (const box of [...hubs, ...gateways]) box.boot();
    for (const { atMs, gateway, lane } of reports) world.after(atMs, undefined, () => gateways[gateway]?.report(lane));
    for (const episode of episodes) world.after(episode.atMs, undefined, () => this.#chaos.happen(episode));
    world.after(calmFromMs, undefined, () => this.#chaos.cease());
    await this.#runUntil(calmFromMs);
    while (oracle.failure === undefined && this.#open().length > 0) {
      if (world.nowMs >= calmFromMs + DRAIN_MS) {
        oracle.fault(`not drained after ${DRAIN_MS / 1000} s without faults: ${this.#open().join(', ')}`);
        return;
      }
      await this.#runUntil(world.nowMs + LOOK_EVERY_MS);
    }
    await this.#runUntil(world.nowMs + REST_MS);
    if (oracle.failure !== undefined) return;
    const processors = hubs.flatMap((hub) => hub.processors);
    oracle.final(gateways, processors);
  }

  async #runUntil(ms: number): Promise<void> {
    const { world, oracle } = this;
    while (oracle.failure === undefined && world.nowMs < ms) {
      await world.runUntil(Math.min(ms, world.nowMs + CHECK_EVERY_MS));
      this.#stage.log.reportHindered();
      oracle.check();
    }
  }

  /** What still has to come to an end, as text. */
  #open(): string[] {
    const { gateways, hubs, log } = this.#stage;
    return [
      ...gateways.flatMap(({ id, outbox }) => (outbox ? openIn(id, outbox) : [`${id} down`])),
      ...hubs.filter((hub) => !hub.isUp).map(({ name }) => `${name} down`),
      ...log.groups().flatMap((group) => (log.lag(group) > 0 ? [`${group} lags`] : [])),
      ...this.oracle.gaps.open(),
    ];
  }
}

function openIn(id: string, outbox: Outbox): string[] {
  const counts = Object.entries(outbox.ledger()).map(([lane, { pending }]) => ({ what: lane, count: pending }));
  return [...counts, { what: 'queued', count: outbox.queued() }]
    .filter(({ count }) => count > 0)
    .map(({ what, count }) => `${id} ${count} ${what}`);
}

function numbered<T>(count: number, prefix: string, make: (name: string) => T): T[] {
  return Array.from({ length: count }, (_, at) => make(`${prefix}${at}`));
}
