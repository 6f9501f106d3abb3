/**
 * The uplink: sends what stands in the Outbox and frees it when the hub has acknowledged it (design, sections 3.3 and 3.4).
 *
 * Each lane has a window of its own, so no lane waits behind another. In memory are only the batches in flight: at most
 * `window` × `batchBytes` per lane. A batch that is not acknowledged in time is sent again, with exponential backoff and full jitter;
 * after a reconnect everything open is sent again from the cursor. Nothing is published while disconnected.
 */
import { backoff } from '../../protocols/base/backoff.ts';
import type { Clock } from '../../protocols/base/clock.ts';
import { CodecError } from '../../protocols/base/codec-error.ts';
import type { Log } from '../../protocols/base/log.ts';
import { type AcknowledgedRange, decodeAcknowledgement, encodeBatch } from '../../protocols/uplink/batch.ts';
import { LANES, type Lane } from '../../protocols/uplink/identity.ts';
import { topics } from '../../protocols/uplink/topics.ts';
import type { Outbox } from '../outbox/outbox.ts';
import type { Link } from './link.ts';

export interface UplinkOptions {
  gatewayId: string;
  outbox: Outbox;
  link: Link;
  clock: Clock;
  log: Log;
  random: () => number;
  /** Batches in flight per lane. */
  window?: Partial<Record<Lane, number>>;
  batchRecords?: number;
  batchBytes?: number;
  deflate?: boolean;
  /** The first wait for an acknowledgement; doubles up to a minute. */
  acknowledgeTimeoutMs?: number;
}

interface Batch {
  first: number;
  last: number;
  payload: Buffer;
  delays: Generator<number, never, void>;
  cancelTimer: () => void;
}

interface LaneSender {
  /** The next sequence to send. */
  next: number;
  inFlight: Batch[];
  pumping: boolean;
}

const DEFAULT_WINDOW: Record<Lane, number> = { alert: 4, tracking: 8, telemetry: 4 };

export interface UplinkCounters {
  batchesSent: number;
  batchesResent: number;
  bytesSent: number;
  acknowledgements: number;
}

export class Uplink {
  readonly counters: UplinkCounters = { batchesSent: 0, batchesResent: 0, bytesSent: 0, acknowledgements: 0 };
  /** Monotonic time of the last acknowledgement that moved something; undefined before the first. */
  lastProgressUs: number | undefined;
  readonly #options: Required<Omit<UplinkOptions, 'window'>> & { window: Record<Lane, number> };
  readonly #lanes: Record<Lane, LaneSender>;
  readonly #stopListening: () => void;
  #stopped = false;

  constructor(options: UplinkOptions) {
    this.#options = {
      batchRecords: 300,
      batchBytes: 64 * 1024,
      deflate: true,
      acknowledgeTimeoutMs: 5_000,
      ...options,
      window: { ...DEFAULT_WINDOW, ...options.window },
    };
    const { outbox, link } = this.#options;
    const sender = (lane: Lane): LaneSender => ({ next: outbox.firstPending(lane), inFlight: [], pumping: false });
    this.#lanes = { alert: sender('alert'), tracking: sender('tracking'), telemetry: sender('telemetry') };
    this.#stopListening = outbox.onAppended((lane) => this.#pump(lane));
    link.onMessage((topic, payload) => this.#onMessage(topic, payload));
    link.onState((connected) => (connected ? this.#onConnected() : this.#onDisconnected()));
    if (link.connected) this.#onConnected();
  }

  /** Batches sent and not yet acknowledged. */
  inFlight(): number {
    return LANES.reduce((sum, lane) => sum + this.#lanes[lane].inFlight.length, 0);
  }

  stop(): void {
    this.#stopped = true;
    this.#stopListening();
    this.#onDisconnected();
  }

  #onConnected(): void {
    for (const lane of LANES) {
      this.#lanes[lane].next = this.#options.outbox.firstPending(lane);
      this.#pump(lane);
    }
  }

  #onDisconnected(): void {
    for (const lane of LANES) {
      for (const batch of this.#lanes[lane].inFlight.splice(0)) batch.cancelTimer();
    }
  }

  #pump(lane: Lane): void {
    const sender = this.#lanes[lane];
    if (sender.pumping) return;
    sender.pumping = true;
    this.#send(lane, sender)
      .catch((error) => this.#options.log.error({ err: error, lane }, 'sending from the outbox failed'))
      .finally(() => {
        sender.pumping = false;
        // Something may have come in between the last look and here.
        if (this.#maySend(lane, sender)) this.#options.clock.after(1, () => this.#pump(lane));
      });
  }

  #maySend(lane: Lane, sender: LaneSender): boolean {
    const { link, outbox, window } = this.#options;
    return (
      !this.#stopped &&
      link.connected &&
      sender.inFlight.length < window[lane] &&
      sender.next <= outbox.lastSequence(lane)
    );
  }

  async #send(lane: Lane, sender: LaneSender): Promise<void> {
    const { outbox, batchRecords, batchBytes } = this.#options;
    while (this.#maySend(lane, sender)) {
      const from = sender.next;
      const found = await outbox.read(lane, from, { records: batchRecords, bytes: batchBytes });
      // A reconnect while reading has moved the cursor: read again from there.
      if (sender.next !== from) continue;
      if (!found) {
        sender.next = outbox.lastSequence(lane) + 1;
        return;
      }
      sender.next = found.first + found.count;
      if (!this.#options.link.connected) return;
      this.#sendBatch(lane, sender, found);
    }
  }

  #sendBatch(lane: Lane, sender: LaneSender, found: { first: number; count: number; records: Buffer }): void {
    const { clock, outbox, deflate, acknowledgeTimeoutMs, random } = this.#options;
    const { wallMs, state, uncertaintyMs } = clock.wall();
    const payload = encodeBatch({
      epoch: outbox.epoch,
      lane,
      firstSequence: found.first,
      count: found.count,
      clock: {
        bootId: outbox.bootId,
        monotonicUs: Math.floor(clock.monotonicUs()),
        wallMs: Math.round(wallMs),
        state,
        uncertaintyMs,
      },
      records: found.records,
      deflate,
    });
    const batch: Batch = {
      first: found.first,
      last: found.first + found.count - 1,
      payload,
      delays: backoff({ firstMs: acknowledgeTimeoutMs, maxMs: 60_000, floorMs: acknowledgeTimeoutMs / 2, random }),
      cancelTimer: () => {},
    };
    sender.inFlight.push(batch);
    this.counters.batchesSent++;
    this.#publish(lane, batch);
  }

  #publish(lane: Lane, batch: Batch): void {
    const { link, clock, gatewayId, log } = this.#options;
    this.counters.bytesSent += batch.payload.length;
    batch.cancelTimer = clock.after(batch.delays.next().value, () => {
      log.warn({ lane, first: batch.first, last: batch.last }, 'batch not acknowledged in time: sent again');
      this.counters.batchesResent++;
      this.#publish(lane, batch);
    });
    // A publish that fails is resent by the timer, or by the reconnect that follows.
    link.publish(topics.up(gatewayId, lane), batch.payload).catch((error: Error) => {
      log.debug({ lane, first: batch.first, err: error }, 'publish failed');
    });
  }

  #onMessage(topic: string, payload: Buffer): void {
    if (topic !== topics.downAck(this.#options.gatewayId)) return;
    let ranges: AcknowledgedRange[];
    try {
      ranges = decodeAcknowledgement(payload);
    } catch (error) {
      if (!(error instanceof CodecError)) throw error;
      this.#options.log.warn({ code: error.code, reason: error.message }, 'acknowledgement cannot be read');
      return;
    }
    this.counters.acknowledgements++;
    for (const range of ranges) this.#onAcknowledged(range);
  }

  #onAcknowledged(range: AcknowledgedRange): void {
    const { outbox, clock } = this.#options;
    if (range.epoch !== outbox.epoch) return;
    outbox.acknowledge(range);
    this.lastProgressUs = clock.monotonicUs();
    const sender = this.#lanes[range.lane];
    const firstPending = outbox.firstPending(range.lane);
    sender.inFlight = sender.inFlight.filter((batch) => {
      const done = batch.last < firstPending || (range.first <= batch.first && batch.last <= range.last);
      if (done) batch.cancelTimer();
      return !done;
    });
    this.#pump(range.lane);
  }
}
