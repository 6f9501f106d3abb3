/**
 * The uplink: sends what stands in the Outbox and frees it when the hub has acknowledged it (design, sections 3.3 and 3.4).
 *
 * Each lane has a window of its own, so no lane waits behind another; and tracking and telemetry together have no more under way than the
 * path carries at once (pace.ts), so that an alert does not wait in a socket behind them. In memory are only the batches in flight: at most
 * three times `window` × `batchBytes` per lane. A batch that is not acknowledged in time (answer-time.ts) is sent again, with exponential backoff and
 * full jitter; after a reconnect everything open is sent again from the cursor. Nothing is published while disconnected.
 *
 * A batch in flight whose records were evicted meanwhile is kept and sent again until it is acknowledged: the hub may have it, and then both
 * sides have to count it as delivered.
 */
import type { Clock } from '../../protocols/base/clock.ts';
import { CodecError } from '../../protocols/base/codec-error.ts';
import type { Log } from '../../protocols/base/log.ts';
import { AnswerTime } from '../../protocols/uplink/answer-time.ts';
import {
  type AcknowledgedRange,
  type BootClock,
  decodeAcknowledgement,
  encodeBatch,
} from '../../protocols/uplink/batch.ts';
import { LANES, type Lane } from '../../protocols/uplink/identity.ts';
import { topics } from '../../protocols/uplink/topics.ts';
import type { ReadLimits } from '../outbox/lane-reader.ts';
import type { Outbox } from '../outbox/outbox.ts';
import type { Link } from './link.ts';
import { Pace } from './pace.ts';

export interface UplinkOptions {
  gatewayId: string;
  outbox: Outbox;
  link: Link;
  clock: Clock;
  log: Log;
  random: () => number;
  /** Batches in flight per lane. */
  window?: Partial<Record<Lane, number>>;
  /** A batch has what waits, but no more than this of it; default 2,000 records and 256 KiB as they stand on disk. */
  batchRecords?: number;
  batchBytes?: number;
  deflate?: boolean;
  /** What other boots than this one know of the time, of those that have records among these (time/boot-clocks.ts). */
  bootClocks?: (records: Buffer) => readonly BootClock[];
  /** The longest first wait for an acknowledgement; shorter once it is known how long answers take. Default 5,000. */
  acknowledgeTimeoutMs?: number;
}

interface Batch {
  first: number;
  last: number;
  payload: Buffer;
  sentUs: number;
  /** When it was published last. */
  publishedUs: number;
  /** Acknowledged after a repetition, it does not tell how long the path takes. */
  resent: boolean;
  delays: Generator<number, never, void>;
  cancelTimer: () => void;
}

interface LaneSender {
  /** The next sequence to send. */
  next: number;
  inFlight: Batch[];
  /** Were in flight when the connection went. They are read and sent again, unless they are evicted before that. */
  parked: Batch[];
  /** Where the next batch is read to; nothing of it is kept when the batch is made. */
  page: Buffer;
  /** Since when the batch being read has been asked for; undefined while none is. */
  pumpingSinceUs: number | undefined;
  /** The outbox refused to be read: tried again then. */
  cancelRetry: (() => void) | undefined;
}

const DEFAULT_WINDOW: Record<Lane, number> = { alert: 1, tracking: 1, telemetry: 4 };
/** The lanes that could keep an alert waiting. */
const BULK = ['tracking', 'telemetry'] as const;
const LEAST_UNDER_WAY_BYTES = 4 * 1024;
const FIRST_UNDER_WAY_BYTES = 8 * 1024;
const QUEUEING_MS = 250;
const READ_RETRY_MS = 500;
const DEFLATION_SHARE = 0.25;
const NO_PAGE = Buffer.alloc(0);
/** A batch is overtaken when one that was published so much later is answered: more than hubs take to answer out of turn. */
const OVERTAKEN_MS = 1_000;

export interface UplinkCounters {
  batchesSent: number;
  batchesResent: number;
  bytesSent: number;
  acknowledgements: number;
}

export class Uplink {
  readonly counters: UplinkCounters = { batchesSent: 0, batchesResent: 0, bytesSent: 0, acknowledgements: 0 };
  readonly #options: Required<Omit<UplinkOptions, 'window'>> & { window: Record<Lane, number> };
  readonly #lanes: Record<Lane, LaneSender>;
  readonly #pace: Pace;
  readonly #answerTime: AnswerTime;
  /** Bytes on the wire for a byte on disk, of late. */
  #deflation = 1;
  readonly #stopListening: () => void;
  #stopped = false;

  constructor(options: UplinkOptions) {
    this.#options = {
      batchRecords: 2_000,
      batchBytes: 256 * 1024,
      deflate: true,
      acknowledgeTimeoutMs: 5_000,
      bootClocks: () => [],
      ...options,
      window: { ...DEFAULT_WINDOW, ...options.window },
    };
    const { outbox, link, batchBytes, window } = this.#options;
    const maxBytes = batchBytes * (window.tracking + window.telemetry);
    this.#pace = new Pace({
      minBytes: Math.min(LEAST_UNDER_WAY_BYTES, maxBytes),
      firstBytes: Math.min(FIRST_UNDER_WAY_BYTES, maxBytes),
      maxBytes,
      queueingMs: QUEUEING_MS,
    });
    this.#answerTime = new AnswerTime(this.#options.acknowledgeTimeoutMs);
    const sender = (lane: Lane): LaneSender => ({
      next: outbox.firstPending(lane),
      inFlight: [],
      parked: [],
      page: NO_PAGE,
      pumpingSinceUs: undefined,
      cancelRetry: undefined,
    });
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

  /** Since when the uplink has waited for the outbox to give it a batch; undefined while it gets on. */
  get stalledSinceUs(): number | undefined {
    const since = LANES.map((lane) => this.#lanes[lane].pumpingSinceUs).filter((us) => us !== undefined);
    return since.length === 0 ? undefined : Math.min(...since);
  }

  stop(): void {
    this.#stopped = true;
    this.#stopListening();
    for (const lane of LANES) {
      this.#lanes[lane].cancelRetry?.();
      for (const batch of this.#lanes[lane].inFlight.splice(0)) batch.cancelTimer();
    }
  }

  #onConnected(): void {
    for (const lane of LANES) {
      const sender = this.#lanes[lane];
      sender.next = this.#options.outbox.firstPending(lane);
      this.#pump(lane);
    }
  }

  #onDisconnected(): void {
    const { window } = this.#options;
    for (const lane of LANES) {
      const sender = this.#lanes[lane];
      for (const batch of sender.inFlight) batch.cancelTimer();
      sender.parked.push(...sender.inFlight.splice(0));
      sender.parked.splice(0, Math.max(0, sender.parked.length - 2 * window[lane]));
    }
  }

  /** Batches of a lost connection whose records were evicted since are nowhere else: they go out as they are. */
  #sendParked(lane: Lane, sender: LaneSender): void {
    const { outbox, link } = this.#options;
    if (!link.connected || this.#stopped) return;
    const parked = sender.parked.splice(0);
    for (const batch of parked) {
      const isGone = outbox.isGivenUp(lane, batch.first) || outbox.isGivenUp(lane, batch.last);
      if (isGone) {
        batch.delays = this.#answerTime.delays(this.#options.random);
        batch.resent = true;
        this.counters.batchesResent++;
        sender.inFlight.push(batch);
        this.#publish(lane, batch);
      } else if (batch.last >= sender.next) sender.parked.push(batch);
    }
  }

  #pump(lane: Lane): void {
    const sender = this.#lanes[lane];
    this.#sendParked(lane, sender);
    if (sender.pumpingSinceUs !== undefined || sender.cancelRetry) return;
    sender.pumpingSinceUs = this.#options.clock.monotonicUs();
    this.#send(lane, sender)
      .catch((error: Error) => {
        // The outbox says itself what is wrong with its disk.
        this.#options.log.debug({ err: error, lane }, 'the outbox cannot be read');
        sender.cancelRetry = this.#options.clock.after(READ_RETRY_MS, () => {
          sender.cancelRetry = undefined;
          this.#pump(lane);
        });
      })
      .finally(() => {
        sender.pumpingSinceUs = undefined;
        // Something may have come in between the last look and here.
        if (this.#maySend(lane, sender)) this.#options.clock.after(1, () => this.#pump(lane));
      });
  }

  #maySend(lane: Lane, sender: LaneSender): boolean {
    const { link, outbox, window } = this.#options;
    return (
      !this.#stopped &&
      !sender.cancelRetry &&
      link.connected &&
      sender.inFlight.length < window[lane] &&
      sender.next <= outbox.lastSequence(lane) &&
      this.#hasRoom(lane)
    );
  }

  /** One batch of each lane is always let through; telemetry leaves half of the path to tracking. */
  #hasRoom(lane: Lane): boolean {
    if (lane === 'alert' || this.#lanes[lane].inFlight.length === 0) return true;
    if (this.#underWay(BULK) >= this.#pace.bytes) return false;
    return lane === 'tracking' || this.#underWay(['telemetry']) < this.#pace.bytes / 2;
  }

  #underWay(lanes: readonly Lane[]): number {
    return lanes.reduce(
      (sum, lane) => this.#lanes[lane].inFlight.reduce((bytes, { payload }) => bytes + payload.length, sum),
      0,
    );
  }

  async #send(lane: Lane, sender: LaneSender): Promise<void> {
    const { outbox } = this.#options;
    while (this.#maySend(lane, sender)) {
      const from = sender.next;
      sender.pumpingSinceUs = this.#options.clock.monotonicUs();
      const found = await outbox.read(lane, from, this.#readLimits(lane, sender));
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

  /** Of records as they stand on disk: what is under way is counted as it stands on the wire, where it is several times smaller. */
  #readLimits(lane: Lane, sender: LaneSender): ReadLimits {
    const { batchBytes, batchRecords: records, window } = this.#options;
    const atPace = lane === 'alert' ? batchBytes : Math.floor(this.#pace.batchBytes(window[lane]) / this.#deflation);
    const bytes = Math.min(batchBytes, atPace);
    if (sender.page.length < bytes) sender.page = Buffer.allocUnsafeSlow(Math.min(batchBytes, 2 * bytes));
    return { records, bytes, into: sender.page };
  }

  #sendBatch(lane: Lane, sender: LaneSender, found: { first: number; count: number; records: Buffer }): void {
    const { clock, outbox, deflate, bootClocks } = this.#options;
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
      bootClocks: bootClocks(found.records),
      records: found.records,
      deflate,
    });
    this.#deflation += (payload.length / found.records.length - this.#deflation) * DEFLATION_SHARE;
    const batch: Batch = {
      first: found.first,
      last: found.first + found.count - 1,
      payload,
      sentUs: clock.monotonicUs(),
      publishedUs: clock.monotonicUs(),
      resent: false,
      delays: this.#answerTime.delays(this.#options.random),
      cancelTimer: () => {},
    };
    sender.inFlight.push(batch);
    this.counters.batchesSent++;
    this.#publish(lane, batch);
  }

  #publish(lane: Lane, batch: Batch): void {
    const { link, clock, gatewayId, log } = this.#options;
    this.counters.bytesSent += batch.payload.length;
    batch.publishedUs = clock.monotonicUs();
    batch.cancelTimer = clock.after(batch.delays.next().value, () => {
      log.warn({ lane, first: batch.first, last: batch.last }, 'batch not acknowledged in time: sent again');
      this.counters.batchesResent++;
      batch.resent = true;
      this.#answerTime.late();
      if (lane !== 'alert') this.#pace.late();
      this.#publish(lane, batch);
    });
    // A publish that fails is resent by the timer, or by the reconnect that follows.
    link.publish(topics.up(gatewayId, lane), batch.payload).catch((error: Error) => {
      log.debug({ lane, first: batch.first, err: error }, 'publish failed');
    });
  }

  /**
   * The hub answers what was published at `answeredUs`: the path works again, so what has waited for longer, and was lost before, does not
   * wait out a backoff that grew while the path did not.
   */
  #sendOvertakenAgain(answeredUs: number): void {
    for (const lane of LANES) {
      for (const batch of this.#lanes[lane].inFlight) {
        if (!batch.resent || batch.publishedUs > answeredUs - OVERTAKEN_MS * 1000) continue;
        batch.cancelTimer();
        batch.delays = this.#answerTime.delays(this.#options.random);
        this.counters.batchesResent++;
        this.#publish(lane, batch);
      }
    }
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
    const sender = this.#lanes[range.lane];
    const firstPending = outbox.firstPending(range.lane);
    let answeredUs = 0;
    sender.inFlight = sender.inFlight.filter((batch) => {
      const isAnswered = range.first <= batch.first && batch.last <= range.last;
      if (!isAnswered && (batch.last >= firstPending || outbox.isGivenUp(range.lane, batch.first))) return true;
      batch.cancelTimer();
      if (isAnswered) answeredUs = Math.max(answeredUs, batch.publishedUs);
      if (isAnswered && !batch.resent) {
        const nowUs = clock.monotonicUs();
        this.#answerTime.answered((nowUs - batch.sentUs) / 1000);
        if (range.lane !== 'alert')
          this.#pace.acknowledged({ bytes: batch.payload.length, sentUs: batch.sentUs, nowUs });
      }
      return false;
    });
    this.#sendOvertakenAgain(answeredUs);
    for (const lane of LANES) this.#pump(lane);
  }
}
