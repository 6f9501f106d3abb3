/**
 * One simulated gateway: an outbox in memory, and an uplink that speaks the real contract (design, sections 3 to 5).
 *
 * It sends batches of stored records on `up/{lane}`, a window of them per lane, keeps each until the hub has acknowledged its range,
 * sends again what is not acknowledged in time (answer-time.ts; exponential backoff, full jitter) and everything open after a reconnect, and
 * says online and offline on `up/status`. It publishes nothing while disconnected.
 *
 * It has no timer: whoever runs it calls `tick()` often. A thousand gateways share one. What has waited long enough also leaves when an
 * acknowledgement makes room for it.
 */
import type { Clock } from '../../protocols/base/clock.ts';
import { CodecError } from '../../protocols/base/codec-error.ts';
import { AnswerTime } from '../../protocols/uplink/answer-time.ts';
import { type AcknowledgedRange, decodeAcknowledgement, encodeBatch } from '../../protocols/uplink/batch.ts';
import type { GatewayStatus } from '../../protocols/uplink/gateway-status.ts';
import { LANES, type Lane } from '../../protocols/uplink/identity.ts';
import type { Payload } from '../../protocols/uplink/model.ts';
import { encodePayload } from '../../protocols/uplink/payload-codec.ts';
import { topics } from '../../protocols/uplink/topics.ts';
import type { ConfigBehaviour, ConfigPort, HubConnection, OpenHubConnection } from './hub-connection.ts';
import { MemoryLane } from './memory-outbox.ts';

export interface GatewayOptions {
  id: string;
  epoch: string;
  bootId: number;
  clock: Clock;
  /** For backoff; uniform in [0, 1). */
  random: () => number;
  open: OpenHubConnection;
  startAfterMs: number;
  laneBytes: number;
  /** A batch leaves when it is full, or its first record has waited so long. */
  lingerMs: number;
  batchRecords: number;
  /** The longest first wait for an acknowledgement. */
  acknowledgeTimeoutMs: number;
  deflate: boolean;
  config?: ConfigBehaviour | undefined;
  labels?: Readonly<Record<string, string>> | undefined;
  /** Its devices, as its status tells of them. */
  devices?: GatewayStatus['devices'];
  /** Once it was heard it goes, and comes back after so long; never when it is infinite. */
  leavesForMs?: number | undefined;
  /** How long a batch waited for its acknowledgement, from when it was first sent. */
  onAcknowledged(waitedMs: number): void;
}

/** Batches in flight per lane, as a gateway's own uplink has them (edge/uplink/uplink.ts). */
const WINDOW: Readonly<Record<Lane, number>> = { alert: 1, tracking: 1, telemetry: 4 };
const BATCH_BYTES = 64 * 1024;
const SOFTWARE = 'simulated';

interface Batch {
  first: number;
  last: number;
  payload: Buffer;
  sentUs: number;
  resendUs: number;
  resent: boolean;
  delays: Generator<number, never, void>;
}

interface LaneSender {
  outbox: MemoryLane;
  next: number;
  /** When the oldest record that was not yet sent came in. */
  waitingSinceUs: number | undefined;
  inFlight: Batch[];
}

export class SimulatedGateway {
  readonly id: string;
  readonly counters = { refused: 0, batches: 0, resent: 0, bytes: 0, connects: 0, disconnects: 0, badMessages: 0 };
  readonly #options: GatewayOptions;
  readonly #lanes: Readonly<Record<Lane, LaneSender>>;
  readonly #connection: HubConnection;
  readonly #answerTime: AnswerTime;
  #isLeaving = false;

  constructor(options: GatewayOptions) {
    this.id = options.id;
    this.#options = options;
    const { id, laneBytes, open, startAfterMs, config } = options;
    this.#answerTime = new AnswerTime(options.acknowledgeTimeoutMs);
    const lane = (): LaneSender => {
      return { outbox: new MemoryLane(laneBytes), next: 1, waitingSinceUs: undefined, inFlight: [] };
    };
    this.#lanes = { alert: lane(), tracking: lane(), telemetry: lane() };
    this.#connection = open({
      clientId: id,
      subscribe: [topics.downAck(id), ...(config ? [topics.downConfig(id)] : [])],
      will: { topic: topics.upStatus(id), payload: this.#will() },
      startAfterMs,
      events: {
        onConnected: () => this.#onConnected(),
        onDisconnected: () => this.#onDisconnected(),
        onMessage: (topic, payload) => this.#onMessage(topic, payload),
      },
    });
  }

  get connected(): boolean {
    return this.#connection.connected;
  }

  lane(lane: Lane): { accepted: number; acknowledged: number; pending: number } {
    const { accepted, acknowledged, pending } = this.#lanes[lane].outbox;
    return { accepted, acknowledged, pending };
  }

  /** Takes a reading, or counts it as refused when the lane is full. */
  accept(lane: Lane, payload: Payload): void {
    const { clock, bootId } = this.#options;
    const sender = this.#lanes[lane];
    const { wallMs, state, uncertaintyMs } = clock.wall();
    const monotonicUs = clock.monotonicUs();
    if (!sender.outbox.append({ bootId, monotonicUs, wallMs, state, uncertaintyMs }, encodePayload(payload))) {
      this.counters.refused++;
      return;
    }
    sender.waitingSinceUs ??= monotonicUs;
  }

  tick(): void {
    if (!this.connected) return;
    const nowUs = this.#options.clock.monotonicUs();
    for (const lane of LANES) {
      const sender = this.#lanes[lane];
      for (const batch of sender.inFlight) if (batch.resendUs <= nowUs) this.#resend(lane, batch, nowUs);
      this.#send(lane, sender, nowUs);
    }
  }

  cut(): void {
    this.#connection.cut();
  }

  async stop(): Promise<void> {
    if (this.connected) await this.#publishStatus(false).catch(() => {});
    await this.#connection.close();
  }

  #send(lane: Lane, sender: LaneSender, nowUs: number): void {
    const { batchRecords, lingerMs } = this.#options;
    while (sender.inFlight.length < WINDOW[lane] && sender.next <= sender.outbox.accepted) {
      const isFull = sender.outbox.accepted - sender.next + 1 >= batchRecords;
      const waitedUs = nowUs - (sender.waitingSinceUs ?? Number.NEGATIVE_INFINITY);
      if (!isFull && waitedUs < lingerMs * 1000) return;
      const found = sender.outbox.read(sender.next, { records: batchRecords, bytes: BATCH_BYTES });
      if (!found) return;
      const first = sender.next;
      sender.next = first + found.count;
      sender.waitingSinceUs = sender.next <= sender.outbox.accepted ? nowUs : undefined;
      this.#sendBatch(lane, sender, { first, ...found }, nowUs);
    }
  }

  #sendBatch(
    lane: Lane,
    sender: LaneSender,
    found: { first: number; count: number; records: Buffer },
    nowUs: number,
  ): void {
    const { epoch, bootId, clock, deflate, random } = this.#options;
    const { wallMs, state, uncertaintyMs } = clock.wall();
    const payload = encodeBatch({
      epoch,
      lane,
      firstSequence: found.first,
      count: found.count,
      clock: { bootId, monotonicUs: Math.floor(nowUs), wallMs: Math.round(wallMs), state, uncertaintyMs },
      records: found.records,
      deflate,
    });
    const batch = {
      first: found.first,
      last: found.first + found.count - 1,
      payload,
      sentUs: nowUs,
      resendUs: 0,
      resent: false,
      delays: this.#answerTime.delays(random),
    };
    sender.inFlight.push(batch);
    this.counters.batches++;
    this.#publish(lane, batch, nowUs);
  }

  #resend(lane: Lane, batch: Batch, nowUs: number): void {
    this.counters.resent++;
    batch.resent = true;
    this.#answerTime.late();
    this.#publish(lane, batch, nowUs);
  }

  #publish(lane: Lane, batch: Batch, nowUs: number): void {
    batch.resendUs = nowUs + batch.delays.next().value * 1000;
    this.counters.bytes += batch.payload.length;
    // A publish that fails is made again in time, or after the reconnect that follows.
    this.#connection.publish(topics.up(this.id, lane), batch.payload).catch(() => {});
  }

  #onConnected(): void {
    const { leavesForMs, config } = this.#options;
    this.#isLeaving = false;
    if (++this.counters.connects === 1 && leavesForMs !== undefined) {
      void this.#leave(leavesForMs);
      return;
    }
    this.#publishStatus(true).catch(() => {});
    config?.onConnected(this.#configPort());
    for (const lane of LANES) {
      const sender = this.#lanes[lane];
      if (sender.inFlight.length > 0) this.counters.resent += sender.inFlight.length;
      sender.inFlight = [];
      sender.next = sender.outbox.firstPending;
      sender.waitingSinceUs = undefined;
    }
  }

  /** It is known to the hub then: online, and what it runs with, and offline. */
  async #leave(forMs: number): Promise<void> {
    this.#isLeaving = true;
    await this.#publishStatus(true).catch(() => {});
    this.#options.config?.onConnected(this.#configPort());
    await this.#publishStatus(false).catch(() => {});
    this.#connection.leave(forMs);
  }

  #configPort(): ConfigPort {
    return {
      gatewayId: this.id,
      report: (report) => this.#connection.publish(topics.upConfig(this.id), report, { retain: true }),
    };
  }

  #onDisconnected(): void {
    this.counters.disconnects++;
  }

  #onMessage(topic: string, payload: Buffer): void {
    if (topic === topics.downConfig(this.id)) {
      if (this.#isLeaving) return;
      this.#options.config?.onDesired(this.#configPort(), payload);
      return;
    }
    if (topic !== topics.downAck(this.id)) return;
    let ranges: AcknowledgedRange[];
    try {
      ranges = decodeAcknowledgement(payload);
    } catch (error) {
      if (!(error instanceof CodecError)) throw error;
      this.counters.badMessages++;
      return;
    }
    for (const range of ranges) if (range.epoch === this.#options.epoch) this.#onRange(range);
  }

  #onRange({ lane, first, last }: AcknowledgedRange): void {
    const { clock, onAcknowledged } = this.#options;
    const sender = this.#lanes[lane];
    sender.outbox.acknowledge(first, last);
    const { firstPending } = sender.outbox;
    const nowUs = clock.monotonicUs();
    sender.inFlight = sender.inFlight.filter((batch) => {
      const done = batch.last < firstPending || (first <= batch.first && batch.last <= last);
      const waitedMs = (nowUs - batch.sentUs) / 1000;
      if (done) onAcknowledged(waitedMs);
      if (done && !batch.resent) this.#answerTime.answered(waitedMs);
      return !done;
    });
    if (this.connected) this.#send(lane, sender, nowUs);
  }

  #publishStatus(online: boolean): Promise<void> {
    const { epoch, bootId, clock, labels, devices = [] } = this.#options;
    const { wallMs, state, uncertaintyMs } = clock.wall();
    const ledger = (lane: Lane) => {
      const { accepted, acknowledged, pending } = this.#lanes[lane].outbox;
      return { accepted, delivered: acknowledged, evicted: 0, quarantined: 0, pending };
    };
    const status: GatewayStatus = {
      version: 1,
      gatewayId: this.id,
      online,
      software: SOFTWARE,
      bootId,
      epoch,
      ...(labels && { labels: { ...labels } }),
      atMs: Math.round(wallMs),
      clock: { state, uncertaintyMs: Number.isFinite(uncertaintyMs) ? uncertaintyMs : 0 },
      outbox: {
        mode: 'ok',
        lanes: { alert: ledger('alert'), tracking: ledger('tracking'), telemetry: ledger('telemetry') },
      },
      devices,
    };
    return this.#connection.publish(topics.upStatus(this.id), Buffer.from(JSON.stringify(status)), { retain: true });
  }

  #will(): Buffer {
    const status: GatewayStatus = { version: 1, gatewayId: this.id, online: false };
    return Buffer.from(JSON.stringify(status));
  }
}
