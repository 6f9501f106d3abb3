/**
 * Many simulated gateways in one process: started, fed, cut off, drained, counted.
 *
 * One timer serves them all. Memory is bounded by `count` × three lanes × `laneBytes` plus the batches in flight; what a full lane
 * refuses is counted and was never accepted, so `accepted = acknowledged + pending` holds at every moment.
 */
import { randomBytes } from 'node:crypto';
import { type Clock, sleep } from '../../protocols/base/clock.ts';
import { LANES, type Lane } from '../../protocols/uplink/identity.ts';
import { type Random, seededRandom } from '../random.ts';
import { type GatewayOptions, SimulatedGateway } from './gateway.ts';
import type { ConfigBehaviour, OpenHubConnection } from './hub-connection.ts';
import { Workload } from './workload.ts';

/** How often the timer looks after everybody: no record waits much longer than `lingerMs`, and a thousand gateways keep a core free. */
const TICK_MS = { least: 5, most: 50 };
const WAITS_MAX = 20_000;

export interface FleetOptions {
  count: number;
  /** Ids are this and a number, from 1: `sim-0001`. */
  prefix: string;
  /** Records per second of each gateway. */
  ratePerS: number;
  /** Share of each lane; any numbers. */
  mix: Readonly<Record<Lane, number>>;
  packages: number;
  /** How often a share of all gateways loses its connection at once; never unless told. */
  flapEveryMs?: number | undefined;
  flapShare: number;
  connectsPerS: number;
  laneBytes: number;
  lingerMs: number;
  batchRecords: number;
  acknowledgeTimeoutMs: number;
  deflate: boolean;
  seed: string;
  clock: Clock;
  open: OpenHubConnection;
  config?: ConfigBehaviour | undefined;
  /** What sets a gateway apart from the others, by its number from 0. */
  character?: ((index: number) => GatewayCharacter) | undefined;
}

export type GatewayCharacter = Pick<GatewayOptions, 'labels' | 'devices' | 'leavesForMs'>;

export interface LaneTotals {
  accepted: number;
  acknowledged: number;
  pending: number;
}

export interface FleetLedger {
  gateways: number;
  connected: number;
  /** Gateways that were connected at least once. */
  everConnected: number;
  lanes: Record<Lane, LaneTotals>;
  total: LaneTotals;
  /** Readings that a full lane did not take. */
  refused: number;
  batches: number;
  resent: number;
  bytes: number;
  disconnects: number;
  badMessages: number;
  /** From the first sending of a batch to its acknowledgement. */
  acknowledgedAfterMs: { p50: number; p99: number; max: number };
}

interface Member {
  gateway: SimulatedGateway;
  random: Random;
  nextUs: number;
  /** It goes for good, and so observes nothing. */
  isGone: boolean;
}

export class Fleet {
  readonly #options: FleetOptions;
  readonly #members: Member[];
  readonly #workload: Workload;
  readonly #random: Random;
  readonly #tickMs: number;
  /** Reservoir of waiting times. */
  readonly #waits: number[] = [];
  #waitCount = 0;
  #maxWaitMs = 0;
  #nextFlapUs: number;
  #feeding = true;
  #cancel: () => void = () => {};

  constructor(options: FleetOptions) {
    this.#options = options;
    this.#random = seededRandom(options.seed);
    this.#workload = new Workload({ packages: options.packages, random: this.#random.fork('workload') });
    this.#tickMs = Math.min(TICK_MS.most, Math.max(TICK_MS.least, options.lingerMs));
    const nowUs = options.clock.monotonicUs();
    this.#nextFlapUs = nowUs + (options.flapEveryMs ?? Number.POSITIVE_INFINITY) * 1000;
    const digits = Math.max(4, String(options.count).length);
    this.#members = Array.from({ length: options.count }, (_, i) =>
      this.#member(`${options.prefix}${String(i + 1).padStart(digits, '0')}`, i, nowUs),
    );
    this.#tickLater();
  }

  /** Nothing new is accepted; resolves when everything is acknowledged, or after `withinMs`, or on abort. */
  async drain(withinMs: number, signal?: AbortSignal): Promise<void> {
    const { clock } = this.#options;
    this.#feeding = false;
    const endUs = clock.monotonicUs() + withinMs * 1000;
    while (this.#pending() > 0 && clock.monotonicUs() < endUs && !signal?.aborted) {
      await sleep(clock, TICK_MS.most, signal);
    }
  }

  async stop(): Promise<void> {
    this.#feeding = false;
    this.#cancel();
    await Promise.all(this.#members.map(({ gateway }) => gateway.stop()));
  }

  ledger(): FleetLedger {
    const gateways = this.#members.map(({ gateway }) => gateway);
    const sum = (of: (gateway: SimulatedGateway) => number) => gateways.reduce((total, each) => total + of(each), 0);
    const lane = (name: Lane): LaneTotals => {
      const totals = { accepted: 0, acknowledged: 0, pending: 0 };
      for (const gateway of gateways) {
        const { accepted, acknowledged, pending } = gateway.lane(name);
        totals.accepted += accepted;
        totals.acknowledged += acknowledged;
        totals.pending += pending;
      }
      return totals;
    };
    const lanes = { alert: lane('alert'), tracking: lane('tracking'), telemetry: lane('telemetry') };
    const total = (of: keyof LaneTotals) => LANES.reduce((all, name) => all + lanes[name][of], 0);
    const waits = [...this.#waits].sort((a, b) => a - b);
    const quantile = (q: number) => Math.round((waits[Math.floor(q * (waits.length - 1))] ?? 0) * 10) / 10;
    return {
      gateways: gateways.length,
      connected: sum(({ connected }) => (connected ? 1 : 0)),
      everConnected: sum(({ counters }) => (counters.connects > 0 ? 1 : 0)),
      lanes,
      total: { accepted: total('accepted'), acknowledged: total('acknowledged'), pending: total('pending') },
      refused: sum(({ counters }) => counters.refused),
      batches: sum(({ counters }) => counters.batches),
      resent: sum(({ counters }) => counters.resent),
      bytes: sum(({ counters }) => counters.bytes),
      disconnects: sum(({ counters }) => counters.disconnects),
      badMessages: sum(({ counters }) => counters.badMessages),
      acknowledgedAfterMs: { p50: quantile(0.5), p99: quantile(0.99), max: Math.round(this.#maxWaitMs * 10) / 10 },
    };
  }

  #pending(): number {
    return this.#members.reduce(
      (sum, { gateway }) => sum + LANES.reduce((of, lane) => of + gateway.lane(lane).pending, 0),
      0,
    );
  }

  #member(id: string, index: number, nowUs: number): Member {
    const { clock, open, connectsPerS, laneBytes, lingerMs, batchRecords, acknowledgeTimeoutMs, deflate, config } =
      this.#options;
    const random = this.#random.fork(id);
    const startAfterMs = (index / connectsPerS) * 1000;
    const character = this.#options.character?.(index) ?? {};
    const gateway = new SimulatedGateway({
      id,
      // By chance and not by the seed: a new epoch is what tells the hub that these sequences begin anew.
      epoch: randomBytes(8).toString('hex'),
      bootId: randomBytes(4).readUInt32LE(),
      clock,
      random: random.next,
      open,
      startAfterMs,
      laneBytes,
      lingerMs,
      batchRecords,
      acknowledgeTimeoutMs,
      deflate,
      config,
      ...character,
      onAcknowledged: (waitedMs) => this.#waited(waitedMs),
    });
    const isGone = character.leavesForMs === Number.POSITIVE_INFINITY;
    return { gateway, random, nextUs: nowUs + startAfterMs * 1000 + this.#gapUs(random), isGone };
  }

  #tickLater(): void {
    this.#cancel = this.#options.clock.after(this.#tickMs, () => {
      this.#tick();
      this.#tickLater();
    });
  }

  #tick(): void {
    const nowUs = this.#options.clock.monotonicUs();
    for (const member of this.#members) {
      if (this.#feeding && !member.isGone) this.#feed(member, nowUs);
      member.gateway.tick();
    }
    if (nowUs < this.#nextFlapUs) return;
    this.#nextFlapUs = nowUs + (this.#options.flapEveryMs ?? Number.POSITIVE_INFINITY) * 1000;
    for (const { gateway } of this.#members) if (this.#random.next() < this.#options.flapShare) gateway.cut();
  }

  #feed(member: Member, nowUs: number): void {
    const { gateway, random } = member;
    for (; member.nextUs <= nowUs; member.nextUs += this.#gapUs(random)) {
      const lane = this.#lane(random);
      gateway.accept(lane, this.#workload.next(lane, gateway.id, random));
    }
  }

  /** Readings come as a Poisson process. */
  #gapUs(random: Random): number {
    return (-Math.log(1 - random.next()) / this.#options.ratePerS) * 1e6;
  }

  #lane(random: Random): Lane {
    const { mix } = this.#options;
    let at = random.next() * (mix.alert + mix.tracking + mix.telemetry);
    for (const lane of LANES) {
      if (at < mix[lane]) return lane;
      at -= mix[lane];
    }
    return 'telemetry';
  }

  #waited(waitedMs: number): void {
    this.#waitCount++;
    this.#maxWaitMs = Math.max(this.#maxWaitMs, waitedMs);
    if (this.#waits.length < WAITS_MAX) this.#waits.push(waitedMs);
    else {
      const at = Math.floor(this.#random.next() * this.#waitCount);
      if (at < WAITS_MAX) this.#waits[at] = waitedMs;
    }
  }
}
