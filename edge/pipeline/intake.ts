/**
 * The last step before the Outbox: hands payloads over, and holds on to them while the disk refuses.
 *
 * What is held is bounded by `maxHeld` payloads and `maxHeldBytes`; beyond either the oldest telemetry goes first, then tracking, alerts last. What goes was
 * never accepted: it is counted as `rejected`, per lane, and its owner is told. Order within a lane is kept.
 */
import type { Clock, ClockState } from '../../protocols/base/clock.ts';
import type { Log } from '../../protocols/base/log.ts';
import { LANES, type Lane } from '../../protocols/uplink/identity.ts';
import { laneOf, type Payload } from '../../protocols/uplink/model.ts';
import { encodedPayload, encodePayload } from '../../protocols/uplink/payload-codec.ts';
import type { RecordTime } from '../../protocols/uplink/record.ts';

/** What the intake needs of the Outbox. */
export interface Appender {
  /** `settle` is called once, with the record's sequence when it is on disk, or with what was refused; the payload may be used again when this returns. */
  put(
    lane: Lane,
    payload: Uint8Array,
    at: Omit<RecordTime, 'bootId'>,
    settle: (outcome: number | Refused) => void,
  ): void;
}

interface Refused {
  error: Error & { code?: string };
  payload: Buffer;
  time: Omit<RecordTime, 'bootId'>;
}

/** Told once what became of a payload: true when it is on disk, false when it had to be given up. Must not throw. */
export type Settle = (accepted: boolean) => void;

interface Held {
  payload: Buffer;
  at: Omit<RecordTime, 'bootId'>;
  settle: Settle;
}

const TIME_LASTS_US = 5_000;
const RETRY_MS = 500;
/** Offered together once the disk takes records again. */
const RETRY_TOGETHER = 1_000;
const PASSING = new Set(['disk-full', 'read-only', 'io-error', 'outbox-busy']);

export class Intake {
  readonly rejected: Record<Lane, number> = { alert: 0, tracking: 0, telemetry: 0 };
  readonly #appender: Appender;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #maxHeld: number;
  readonly #maxHeldBytes: number;
  readonly #held: Record<Lane, Held[]> = { alert: [], tracking: [], telemetry: [] };
  /** Offered again after a refusal and not yet answered: what comes new waits behind them. */
  readonly #retrying: Record<Lane, number> = { alert: 0, tracking: 0, telemetry: 0 };
  /** What the clock last said. */
  #time: { atUs: number; originMs: number; state: ClockState; uncertaintyMs: number } | undefined;
  #heldBytes = 0;
  #cancelRetry: (() => void) | undefined;
  #stopped = false;

  constructor(options: { appender: Appender; clock: Clock; log: Log; maxHeld?: number; maxHeldBytes?: number }) {
    this.#appender = options.appender;
    this.#clock = options.clock;
    this.#log = options.log;
    this.#maxHeld = options.maxHeld ?? 20_000;
    this.#maxHeldBytes = options.maxHeldBytes ?? 16 * 1024 * 1024;
  }

  /** Payloads that wait because the disk refused. */
  held(): number {
    return LANES.reduce((sum, lane) => sum + this.#held[lane].length, 0);
  }

  /**
   * Stores what was observed at `observedUs` (monotonic). Resolves true when it is on disk, false when it had to be given up.
   */
  store(payload: Payload, observedUs: number): Promise<boolean> {
    return new Promise((resolve) => this.keep(payload, observedUs, resolve));
  }

  /** As `store`, with the outcome as a call. */
  keep(payload: Payload, observedUs: number, settle: Settle): void {
    const lane = laneOf(payload);
    const at = this.#timeOf(observedUs);
    // What came before in this lane goes first.
    if (this.#held[lane].length > 0 || this.#retrying[lane] > 0) {
      this.#hold(lane, { payload: encodePayload(payload), at, settle });
      return;
    }
    this.#appender.put(lane, encodedPayload(payload), at, (outcome) => {
      if (typeof outcome === 'number') settle(true);
      else this.#refused(lane, { payload: outcome.payload, at: outcome.time, settle }, outcome.error);
    });
  }

  /** Gives up what is still held. */
  stop(): void {
    this.#stopped = true;
    this.#cancelRetry?.();
    for (const lane of LANES) this.#rejectHeld(lane);
  }

  /** The clock is asked once for what was observed within a few milliseconds: reading it costs more than all the rest of this. */
  #timeOf(observedUs: number): Omit<RecordTime, 'bootId'> {
    let known = this.#time;
    if (!known || !(Math.abs(observedUs - known.atUs) < TIME_LASTS_US)) {
      const { wallMs, state, uncertaintyMs } = this.#clock.wall();
      const atUs = this.#clock.monotonicUs();
      known = { atUs, originMs: wallMs - atUs / 1000, state, uncertaintyMs };
      this.#time = known;
    }
    const { originMs, state, uncertaintyMs } = known;
    return { monotonicUs: observedUs, wallMs: originMs + observedUs / 1000, state, uncertaintyMs };
  }

  #refused(lane: Lane, item: Held, error: Error & { code?: string }): void {
    if (PASSING.has(error.code ?? '') && !this.#stopped) {
      this.#hold(lane, item);
      return;
    }
    this.#log.error({ err: error, lane }, 'record refused by the outbox');
    this.#reject(lane, item);
  }

  /** Offers what a lane holds, in order, the first one alone: while the disk refuses, one question is enough. */
  async #retry(lane: Lane): Promise<void> {
    const held = this.#held[lane];
    for (let count = 1; held.length > 0 && !this.#stopped; count = RETRY_TOGETHER) {
      const items = held.splice(0, count);
      this.#heldBytes -= bytesOf(items);
      this.#retrying[lane] += items.length;
      const refused: Held[] = [];
      await Promise.all(items.map((item) => this.#offerAgain(lane, item, refused)));
      this.#retrying[lane] -= items.length;
      if (refused.length === 0) continue;
      // Back in front of what came since.
      held.unshift(...refused);
      this.#heldBytes += bytesOf(refused);
      break;
    }
    if (this.#stopped) this.#rejectHeld(lane);
    else if (held.length > 0) this.#scheduleRetry();
  }

  #offerAgain(lane: Lane, item: Held, refused: Held[]): Promise<void> {
    return new Promise((resolve) => {
      this.#appender.put(lane, item.payload, item.at, (outcome) => {
        if (typeof outcome === 'number') item.settle(true);
        else refused.push(item);
        resolve();
      });
    });
  }

  #hold(lane: Lane, item: Held): void {
    this.#held[lane].push(item);
    this.#heldBytes += item.payload.length;
    while (this.held() > this.#maxHeld || this.#heldBytes > this.#maxHeldBytes) {
      const victim = (['telemetry', 'tracking', 'alert'] as const).find((each) => this.#held[each].length > 0) ?? lane;
      const oldest = this.#held[victim].shift();
      if (!oldest) break;
      this.#heldBytes -= oldest.payload.length;
      this.#reject(victim, oldest);
    }
    this.#scheduleRetry();
  }

  #scheduleRetry(): void {
    this.#cancelRetry ??= this.#clock.after(RETRY_MS, () => {
      this.#cancelRetry = undefined;
      for (const lane of LANES) void this.#retry(lane);
    });
  }

  #rejectHeld(lane: Lane): void {
    const items = this.#held[lane].splice(0);
    this.#heldBytes -= bytesOf(items);
    for (const item of items) this.#reject(lane, item);
  }

  #reject(lane: Lane, item: Held): void {
    this.rejected[lane]++;
    item.settle(false);
  }
}

function bytesOf(items: readonly Held[]): number {
  return items.reduce((sum, { payload }) => sum + payload.length, 0);
}
