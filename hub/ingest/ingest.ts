/**
 * Ingest: a batch in, the EventLog written, the acknowledgement out (design, section 3.3). Keeps no state about gateways' sequences, so
 * any hub process may take any batch. Batches are not decoded here beyond their header.
 */
import type { Clock } from '../../protocols/base/clock.ts';
import { CodecError } from '../../protocols/base/codec-error.ts';
import type { Log } from '../../protocols/base/log.ts';
import { parseReportedConfig } from '../../protocols/fleet/parse-config.ts';
import type { ReportedConfig } from '../../protocols/fleet/reported-config.ts';
import { parseSparkplugTopic } from '../../protocols/sparkplug/index.ts';
import {
  type AcknowledgedRange,
  encodeAcknowledgement,
  encodeHubTime,
  readBatchHeader,
} from '../../protocols/uplink/batch.ts';
import { type GatewayStatus, parseGatewayStatus } from '../../protocols/uplink/gateway-status.ts';
import type { Lane } from '../../protocols/uplink/identity.ts';
import { parseUpTopic, topics, type UpTopic } from '../../protocols/uplink/topics.ts';
import type { Broker } from '../broker/broker.ts';
import { Door } from '../door/door.ts';
import { Sparkplug } from '../door/sparkplug.ts';
import { type EventLog, TOPICS } from '../log/event-log.ts';

export interface IngestCounters {
  batches: number;
  records: Record<Lane, number>;
  bytes: number;
  /** Batches that no hub can read. */
  unreadable: number;
  /** Appends that the EventLog refused; their batches come again. */
  failed: number;
  /** Messages on topics that are none of ours. */
  foreign: number;
}

/** A broker that has not taken an answer for so long does not hold up the next. */
const MAX_ANSWER_US = 1_000_000;

export class Ingest {
  readonly counters: IngestCounters = {
    batches: 0,
    records: { alert: 0, tracking: 0, telemetry: 0 },
    bytes: 0,
    unreadable: 0,
    failed: 0,
    foreign: 0,
  };
  readonly #log: Log;
  readonly #eventLog: EventLog;
  readonly #broker: Broker;
  readonly #clock: Clock;
  /** Of each gateway that is being answered: what goes next. At most what is in hands (Admission). */
  readonly #answers = new Map<string, { next: AcknowledgedRange[]; sinceUs: number }>();
  readonly #onStatus: (status: GatewayStatus) => void;
  readonly #onConfigReport: ((report: ReportedConfig) => void) | undefined;
  /** For clients that run no Milepost. */
  readonly door: Door;
  readonly sparkplug: Sparkplug;

  constructor(options: {
    eventLog: EventLog;
    broker: Broker;
    clock: Clock;
    log: Log;
    onStatus: (status: GatewayStatus) => void;
    onConfigReport?: (report: ReportedConfig) => void;
  }) {
    this.#eventLog = options.eventLog;
    this.#broker = options.broker;
    this.#clock = options.clock;
    this.#log = options.log;
    this.#onStatus = options.onStatus;
    this.#onConfigReport = options.onConfigReport;
    this.door = new Door(options);
    this.sparkplug = new Sparkplug({ ...options, door: this.door });
  }

  /**
   * Resolves when the message is dealt with; never rejects for what a gateway sent. A log that refuses what came by the open door is a
   * rejection, since nothing but MQTT's own acknowledgement answers there; gateways are answered by ranges.
   */
  handle(topic: string, payload: Buffer): Promise<void> {
    const up = parseUpTopic(topic);
    return up?.kind === 'lane' ? this.#batch(up.gatewayId, up.lane, payload) : this.#other(topic, up, payload);
  }

  async #other(topic: string, up: UpTopic | undefined, payload: Buffer): Promise<void> {
    const node = up ? undefined : parseSparkplugTopic(topic);
    if (node) await this.sparkplug.handle(node, payload);
    else if (up?.kind === 'status') await this.#status(up.gatewayId, payload);
    else if (up?.kind === 'config') this.#configReport(up.gatewayId, payload);
    else if (up?.kind === 'door') await this.door.message(up.gatewayId, payload);
    else this.counters.foreign++;
  }

  async #batch(gatewayId: string, lane: Lane, payload: Buffer): Promise<void> {
    const receivedMs = String(Math.round(this.#clock.wall().wallMs));
    let header: ReturnType<typeof readBatchHeader>;
    try {
      header = readBatchHeader(payload);
      if (header.lane !== lane) {
        throw new CodecError({
          code: 'batch-lane',
          message: `a batch of lane ${header.lane} came on the topic of ${lane}`,
        });
      }
    } catch (error) {
      if (!(error instanceof CodecError)) throw error;
      this.counters.unreadable++;
      this.#log.warn({ gateway: gatewayId, lane, code: error.code, reason: error.message }, 'batch cannot be read');
      await this.#append({
        topic: TOPICS.deadLetters,
        key: gatewayId,
        value: payload,
        headers: { code: error.code, reason: error.message, lane, 'received-ms': receivedMs },
      });
      return;
    }
    const headers = { lane, 'received-ms': receivedMs };
    if (!(await this.#append({ topic: TOPICS.uplink, key: gatewayId, value: payload, headers }))) return;
    this.counters.batches++;
    this.counters.records[lane] += header.count;
    this.counters.bytes += payload.length;
    const range = {
      epoch: header.epoch,
      lane,
      first: header.firstSequence,
      last: header.firstSequence + header.count - 1,
    };
    await this.#acknowledge(gatewayId, range);
  }

  /**
   * What becomes durable together is answered together: one message to a gateway in place of one for each batch, and one from it to say that
   * it has come. One answer to a gateway is under way at a time; ranges that become durable meanwhile go together in the next, which the
   * caller of the first sends: what came last is in hands until all of it is answered.
   */
  async #acknowledge(gatewayId: string, range: AcknowledgedRange): Promise<void> {
    const nowUs = this.#clock.monotonicUs();
    const underWay = this.#answers.get(gatewayId);
    if (underWay && nowUs - underWay.sinceUs < MAX_ANSWER_US) {
      underWay.next.push(range);
      return;
    }
    const answer = { next: [range], sinceUs: nowUs };
    this.#answers.set(gatewayId, answer);
    // Ticks come after all promises that can go on.
    await new Promise<void>((resolve) => process.nextTick(resolve));
    while (answer.next.length > 0) {
      answer.sinceUs = this.#clock.monotonicUs();
      try {
        await this.#broker.publish(topics.downAck(gatewayId), encodeAcknowledgement(answer.next.splice(0)));
      } catch (error) {
        this.#log.debug({ err: error, gateway: gatewayId }, 'acknowledgement not sent; the gateway will ask again');
      }
    }
    if (this.#answers.get(gatewayId) === answer) this.#answers.delete(gatewayId);
  }

  async #append(record: Parameters<EventLog['append']>[0][number]): Promise<boolean> {
    try {
      await this.#eventLog.append([record]);
      return true;
    } catch (error) {
      this.counters.failed++;
      this.#log.warn(
        { err: error, gateway: record.key, topic: record.topic },
        'event log refused a batch; the gateway keeps it',
      );
      return false;
    }
  }

  #configReport(gatewayId: string, payload: Buffer): void {
    const { value, error } = parseReportedConfig(payload);
    if (value?.gatewayId === gatewayId) this.#onConfigReport?.(value);
    else
      this.#log.warn({ gateway: gatewayId, reason: error?.message ?? 'of another gateway' }, 'report cannot be read');
  }

  async #status(gatewayId: string, payload: Buffer): Promise<void> {
    const status = parseGatewayStatus(payload.toString('utf8'));
    if (status?.gatewayId !== gatewayId) {
      this.#log.warn({ gateway: gatewayId }, 'gateway status cannot be read');
      return;
    }
    this.#onStatus(status);
    const askedUs = status.clock?.askedUs;
    if (!Number.isSafeInteger(askedUs) || askedUs === undefined || askedUs < 0) return;
    const answer = encodeHubTime({ hubWallMs: Math.round(this.#clock.wall().wallMs), askedUs });
    await this.#broker.publish(topics.downAck(gatewayId), answer).catch((error: Error) => {
      this.#log.debug({ err: error, gateway: gatewayId }, 'time not told; the gateway will ask again');
    });
  }
}
