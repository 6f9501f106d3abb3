/**
 * Process: uplink batches → decoded, checked, deduplicated by sequence → package events, alerts, points, dead letters (design, section 3.6).
 *
 * One processor serves a set of lanes as one consumer group, so a time series database that is away holds up telemetry and nothing else.
 * Everything it gives back is committed in one transaction with the consumed offsets and the sequence books; the points are written
 * before (idempotently). After an abort the books are restored from what was committed.
 */
import type { Clock } from '../../protocols/base/clock.ts';
import { CodecError } from '../../protocols/base/codec-error.ts';
import type { Log } from '../../protocols/base/log.ts';
import { type BatchHeader, type BatchRecord, readBatchHeader, readBatchRecords } from '../../protocols/uplink/batch.ts';
import type { Lane, RecordIdentity } from '../../protocols/uplink/identity.ts';
import type { Payload } from '../../protocols/uplink/model.ts';
import { decodePayload } from '../../protocols/uplink/payload-codec.ts';
import type { AlertMessage } from '../../protocols/uplink/tracking-event.ts';
import {
  type EventLog,
  type LogRecord,
  type Runner,
  type StoredRecord,
  TOPICS,
  type Transformed,
} from '../log/event-log.ts';
import type { Point, TimeSeries } from '../timeseries/time-series.ts';
import { SequenceBook } from './sequence-book.ts';
import {
  deviceToAlert,
  gapToAlert,
  isTelemetry,
  type Source,
  toAlert,
  toPoint,
  toTrackingEvent,
} from './to-messages.ts';

export interface ProcessorOptions {
  /** Consumer group. */
  group: string;
  lanes: readonly Lane[];
  eventLog: EventLog;
  timeSeries: TimeSeries;
  clock: Clock;
  log: Log;
  /** A gap is reported when it is this old. Default 1,500: within two seconds with the tick. */
  gapAfterMs?: number;
}

export interface ProcessorCounters {
  records: number;
  duplicates: number;
  deadLetters: number;
  packageEvents: number;
  alerts: number;
  points: number;
  gaps: number;
}

/** What one group of batches turns into. */
interface Work {
  outputs: LogRecord[];
  points: { point: Point; source: Source; bytes: Buffer }[];
  counters: ProcessorCounters;
}

const zeroCounters = (): ProcessorCounters => ({
  records: 0,
  duplicates: 0,
  deadLetters: 0,
  packageEvents: 0,
  alerts: 0,
  points: 0,
  gaps: 0,
});

export class Processor {
  /** What was committed. */
  readonly counters = zeroCounters();
  readonly #options: Required<ProcessorOptions>;
  readonly #books = new Map<number, SequenceBook>();

  constructor(options: ProcessorOptions) {
    this.#options = { gapAfterMs: 1_500, ...options };
  }

  get group(): string {
    return this.#options.group;
  }

  get lanes(): readonly Lane[] {
    return this.#options.lanes;
  }

  start(): Promise<Runner> {
    const { eventLog, group } = this.#options;
    return eventLog.transform({
      group,
      input: TOPICS.uplink,
      state: TOPICS.gatewaySequences,
      onAssigned: (partition, state) => this.#assigned(partition, state),
      onRevoked: (partition) => this.#books.delete(partition),
      onRecords: (records) => this.#process(records),
      onTick: () => this.#tick(),
      tickMs: 250,
    });
  }

  /** Sums over the partitions held: highest = seen + lost + missing. */
  ledger(): ReturnType<SequenceBook['ledger']> {
    const zero = () => ({ highest: 0, seen: 0, lost: 0, missing: 0 });
    const sums = { alert: zero(), tracking: zero(), telemetry: zero() };
    for (const book of this.#books.values()) {
      const ledger = book.ledger();
      for (const lane of this.#options.lanes) {
        sums[lane].highest += ledger[lane].highest;
        sums[lane].seen += ledger[lane].seen;
        sums[lane].lost += ledger[lane].lost;
        sums[lane].missing += ledger[lane].missing;
      }
    }
    return sums;
  }

  #assigned(partition: number, state: ReadonlyMap<string, Buffer>): void {
    const book = new SequenceBook();
    for (const [name, value] of state) {
      const lane = name.slice(name.lastIndexOf('/') + 1) as Lane;
      if (this.#options.lanes.includes(lane)) book.restore(name, value);
    }
    this.#books.set(partition, book);
  }

  async #process(records: readonly StoredRecord[]): Promise<Transformed> {
    const work: Work = { outputs: [], points: [], counters: zeroCounters() };
    for (const record of records) this.#batch(record, work);
    await this.#writePoints(work);
    this.#bookChanges(work);
    return { outputs: work.outputs, committed: () => this.#count(work.counters) };
  }

  #batch(record: StoredRecord, work: Work): void {
    const lane = record.headers?.lane as Lane | undefined;
    // Every processor reads the alert lane: it holds the gateways' statements about all lanes.
    if (record.value === null || lane === undefined) return;
    const ours = this.#options.lanes.includes(lane);
    if (!ours && lane !== 'alert') return;
    const receivedMs = Number(record.headers?.['received-ms'] ?? record.timestampMs);
    let header: BatchHeader;
    try {
      header = readBatchHeader(record.value);
    } catch (error) {
      if (!(error instanceof CodecError)) throw error;
      if (ours)
        this.#deadLetter(work, { key: record.key, value: record.value, code: error.code, reason: error.message });
      return;
    }
    const book = this.#bookOf(record.partition);
    for (const item of readBatchRecords(header)) {
      const identity: RecordIdentity = { gatewayId: record.key, epoch: header.epoch, lane, sequence: item.sequence };
      if (!ours) this.#statementOnly(item, identity, book);
      else this.#record({ item, identity, book, receivedMs, work });
    }
  }

  #record(at: {
    item: BatchRecord;
    identity: RecordIdentity;
    book: SequenceBook;
    receivedMs: number;
    work: Work;
  }): void {
    const { item, identity, book, receivedMs, work } = at;
    work.counters.records++;
    if (!book.see(identity, identity.sequence)) {
      work.counters.duplicates++;
      return;
    }
    if (!('record' in item)) {
      this.#deadLetter(work, {
        key: identity.gatewayId,
        value: item.bytes,
        identity,
        code: item.code,
        reason: item.reason,
      });
      return;
    }
    const source: Source = { identity, time: item.record.time, receivedMs };
    try {
      this.#route(decodePayload(item.record.payload), { source, book, work, bytes: item.record.payload });
    } catch (error) {
      if (!(error instanceof CodecError)) throw error;
      const { code, message: reason } = error;
      this.#deadLetter(work, { key: identity.gatewayId, value: item.record.payload, identity, code, reason });
    }
  }

  #route(payload: Payload, at: { source: Source; book: SequenceBook; work: Work; bytes: Buffer }): void {
    const { source, book, work } = at;
    if (payload.kind === 'tracking') {
      const event = toTrackingEvent(payload, source);
      work.counters.packageEvents++;
      work.outputs.push({
        topic: TOPICS.packageEvents,
        key: event.packageId,
        value: Buffer.from(JSON.stringify(event)),
      });
    } else if (isTelemetry(payload)) {
      work.points.push({ point: toPoint(payload, source), source, bytes: at.bytes });
    } else if (payload.kind === 'alert') {
      this.#alert(work, toAlert(payload, source));
    } else if (payload.kind === 'device') {
      this.#alert(work, deviceToAlert(payload, source));
    } else if (payload.kind === 'range') {
      this.#statement(payload, source.identity, book);
    } else {
      // The gateway learned the time: correction of that boot's earlier records stands on this statement.
      this.#options.log.info(
        { gateway: source.identity.gatewayId, bootId: payload.bootId },
        'gateway learned the time',
      );
    }
  }

  /** The alert lane as another processor's: only what it says of our lanes matters, and saying it twice changes nothing. */
  #statementOnly(item: BatchRecord, identity: RecordIdentity, book: SequenceBook): void {
    if (!('record' in item)) return;
    try {
      const payload = decodePayload(item.record.payload);
      if (payload.kind === 'range') this.#statement(payload, identity, book);
    } catch (error) {
      if (!(error instanceof CodecError)) throw error;
    }
  }

  #statement(range: Extract<Payload, { kind: 'range' }>, identity: RecordIdentity, book: SequenceBook): void {
    if (!this.#options.lanes.includes(range.lane)) return;
    const { gatewayId, epoch } = identity;
    const count = book.lose({ gatewayId, epoch, lane: range.lane }, range.first, range.last);
    if (count > 0) {
      const { fate, lane, first, last, reason } = range;
      this.#options.log.warn({ gateway: gatewayId, fate, lane, first, last, reason }, 'gateway lost records');
    }
  }

  async #writePoints(work: Work): Promise<void> {
    if (work.points.length === 0) return;
    const rejected = await this.#options.timeSeries.write(work.points.map(({ point }) => point));
    work.counters.points += work.points.length - rejected.length;
    for (const { index, reason } of rejected) {
      const refused = work.points[index];
      if (!refused) continue;
      const { identity } = refused.source;
      this.#deadLetter(work, {
        key: identity.gatewayId,
        value: refused.bytes,
        identity,
        code: 'point-rejected',
        reason,
      });
    }
  }

  #bookChanges(work: Work): void {
    for (const [partition, book] of this.#books) {
      for (const { name, value } of book.touched()) {
        work.outputs.push({ topic: TOPICS.gatewaySequences, partition, key: name, value });
      }
    }
  }

  #tick(): Transformed | undefined {
    const nowMs = this.#options.clock.monotonicUs() / 1000;
    const work: Work = { outputs: [], points: [], counters: zeroCounters() };
    for (const book of this.#books.values()) {
      const { opened, closed } = book.review(nowMs, this.#options.gapAfterMs);
      const wallMs = this.#options.clock.wall().wallMs;
      for (const gap of opened) this.#alert(work, gapToAlert(gap, 'raised', wallMs));
      for (const gap of closed) this.#alert(work, gapToAlert(gap, 'cleared', wallMs));
      work.counters.gaps += opened.length;
    }
    if (work.outputs.length === 0) return undefined;
    return { outputs: work.outputs, committed: () => this.#count(work.counters) };
  }

  #alert(work: Work, alert: AlertMessage): void {
    work.counters.alerts++;
    work.outputs.push({ topic: TOPICS.alerts, key: alert.gatewayId, value: Buffer.from(JSON.stringify(alert)) });
  }

  #deadLetter(
    work: Work,
    letter: { key: string; value: Buffer; identity?: RecordIdentity; code: string; reason: string },
  ): void {
    const { key, value, identity, code, reason } = letter;
    work.counters.deadLetters++;
    this.#options.log.warn({ gateway: key, ...identity, code, reason }, 'record goes to dead-letters');
    work.outputs.push({
      topic: TOPICS.deadLetters,
      key,
      value,
      headers: {
        code,
        reason,
        ...(identity ? { epoch: identity.epoch, lane: identity.lane, sequence: String(identity.sequence) } : {}),
      },
    });
  }

  #bookOf(partition: number): SequenceBook {
    const book = this.#books.get(partition);
    if (!book) throw new Error(`records of partition ${partition} came without its assignment`);
    return book;
  }

  #count(committed: ProcessorCounters): void {
    for (const name of Object.keys(committed) as (keyof ProcessorCounters)[]) this.counters[name] += committed[name];
  }
}
