/**
 * Process: uplink batches → decoded, checked, deduplicated by sequence → package events, alerts, points, dead letters (design, section 3.6).
 *
 * One processor serves a set of lanes as one consumer group, so a time series database that is away holds up telemetry and nothing else.
 * Everything it gives back is committed in one transaction with the consumed offsets and the sequence books; the points are written
 * before (idempotently). After an abort the books are restored from what was committed.
 */
import { setImmediate as othersTurn } from 'node:timers/promises';
import type { Clock } from '../../protocols/base/clock.ts';
import { CodecError } from '../../protocols/base/codec-error.ts';
import type { Log } from '../../protocols/base/log.ts';
import { type BatchHeader, type BatchRecord, readBatchHeader, readBatchRecords } from '../../protocols/uplink/batch.ts';
import type { Lane, RecordIdentity } from '../../protocols/uplink/identity.ts';
import type { Payload } from '../../protocols/uplink/model.ts';
import { decodePayload } from '../../protocols/uplink/payload-codec.ts';
import type { RecordView } from '../../protocols/uplink/record.ts';
import type { AlertMessage } from '../../protocols/uplink/tracking-event.ts';
import { attemptDigest, letterHeaders, sourceOfLetter } from '../dead-letters/letter.ts';
import { IdBook, isIdPage } from '../door/id-book.ts';
import { type DoorItem, doorItems, isDoor } from '../door/process.ts';
import {
  type EventLog,
  type LogRecord,
  type Runner,
  type StoredRecord,
  TOPICS,
  type Transformed,
} from '../log/event-log.ts';
import type { Point, TimeSeries } from '../timeseries/time-series.ts';
import { TimeCorrection } from './correct-time.ts';
import { EventWriter } from './event-writer.ts';
import type { LedgerAudit } from './ledger-audit.ts';
import { alertRecord, eventRecord, type MessageFormat } from './publish.ts';
import { type HubLedger, SequenceBook } from './sequence-book.ts';
import type { SequencePage } from './sequence-page.ts';
import { isSeriesAlert, SeriesAlerts } from './series-alerts.ts';
import {
  auditToAlert,
  deviceToAlert,
  gapToAlert,
  isTelemetry,
  type Source,
  seriesToAlert,
  toAlert,
  toPoint,
  toTrackingEvent,
} from './to-messages.ts';

export interface ProcessorOptions {
  /** Consumer group. */
  group: string;
  lanes: readonly Lane[];
  eventLog: Pick<EventLog, 'transform'>;
  timeSeries: Pick<TimeSeries, 'write'>;
  clock: Clock;
  log: Log;
  /** Compares the books with what gateways say of themselves; none: nothing is compared. */
  audit?: LedgerAudit;
  /** So many ids of the open door are remembered for each partition (door/id-book.ts). */
  maxDoorIds?: number;
  /** Of `package-events` and `alerts`. Default JSON. */
  format?: MessageFormat;
  /** A gap is reported when it is this old. Default 1,500: within two seconds with the tick. */
  gapAfterMs?: number;
  /** Told how old records are when they get somewhere, milliseconds since 1970. */
  onReached?: (stage: 'log' | 'events' | 'series', recordedMs: number, atMs?: number) => void;
}

export interface ProcessorCounters {
  records: number;
  duplicates: number;
  deadLetters: number;
  packageEvents: number;
  alerts: number;
  points: number;
  gaps: number;
  /** Events of the open door under an id that was used before for another; the first one counts. */
  conflicts: number;
}

/** What one group of batches turns into. */
interface Work {
  outputs: LogRecord[];
  points: (Origin & { point: Point; partition: number })[];
  counters: ProcessorCounters;
  /** When the oldest record of the batch in hand was recorded. */
  oldestMs: number;
  /** The same of each batch, and when it came into the log. */
  times: { recordedMs: number; loggedMs: number }[];
}

/** What was recorded, in the batch that it came in; `payload` makes a view of it. */
type Recorded = Pick<RecordView, 'bytes' | 'payloadAt' | 'end' | 'payload'>;

/** Where something came from. */
interface Origin {
  source: Source;
  recorded: Pick<Recorded, 'payload'>;
}

/** Where a record's effects go. */
interface Into {
  partition: number;
  book: SequenceBook;
  work: Work;
}

/** What the records of one batch have in common. */
interface Batch extends Into {
  page: SequencePage;
  correction: TimeCorrection;
  receivedMs: number;
}

const newWork = (): Work => ({
  outputs: [],
  points: [],
  counters: zeroCounters(),
  oldestMs: Number.POSITIVE_INFINITY,
  times: [],
});

const AUDIT_EVERY_MS = 5_000;

/** Batches come hundreds of times a second; looking for each of them by itself costs more than it is worth. */
const GROUP_EVERY_MS = 20;

/** A large group takes a tenth of a second: meanwhile others have their turn, first of all the commit of the group before. */
const RECORDS_AT_A_STRETCH = 1_000;

const zeroCounters = (): ProcessorCounters => ({
  records: 0,
  duplicates: 0,
  deadLetters: 0,
  packageEvents: 0,
  alerts: 0,
  points: 0,
  gaps: 0,
  conflicts: 0,
});

const NO_CONTENT = Buffer.alloc(8);

export class Processor {
  /** What was committed. */
  readonly counters = zeroCounters();
  readonly #options: ProcessorOptions & { gapAfterMs: number };
  #runner: Runner | undefined;
  #auditedMs = Number.NEGATIVE_INFINITY;
  readonly #books = new Map<number, SequenceBook>();
  readonly #seriesAlerts = new Map<number, SeriesAlerts>();
  readonly #eventWriter = new EventWriter();
  readonly #idBooks = new Map<number, IdBook>();

  constructor(options: ProcessorOptions) {
    this.#options = { gapAfterMs: 1_500, ...options };
  }

  get group(): string {
    return this.#options.group;
  }

  get lanes(): readonly Lane[] {
    return this.#options.lanes;
  }

  async start(): Promise<Runner> {
    const { eventLog, group } = this.#options;
    this.#runner = await eventLog.transform({
      group,
      input: TOPICS.uplink,
      state: TOPICS.gatewaySequences,
      onAssigned: (partition, state) => this.#assigned(partition, state),
      onRevoked: (partition) => {
        this.#books.delete(partition);
        this.#idBooks.delete(partition);
        this.#seriesAlerts.delete(partition);
      },
      onRecords: (records) => this.#process(records),
      onTick: () => this.#tick(),
      tickMs: 250,
      groupEveryMs: GROUP_EVERY_MS,
    });
    return this.#runner;
  }

  /** Sums over the partitions held: highest = seen + lost + missing. */
  ledger(): Record<Lane, HubLedger> {
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
    const lane = this.#options.lanes.at(-1) ?? 'telemetry';
    const alerts = new SeriesAlerts(lane);
    const nowMs = this.#options.clock.monotonicUs() / 1000;
    const ids = new IdBook(lane, {
      ...(this.#options.maxDoorIds === undefined ? {} : { maxIds: this.#options.maxDoorIds }),
    });
    const pages = new Map<string, Buffer>();
    for (const [name, value] of state) {
      const lane = name.slice(name.lastIndexOf('/') + 1) as Lane;
      if (!this.#options.lanes.includes(lane)) continue;
      if (isIdPage(name)) pages.set(name, value);
      else if (isSeriesAlert(name)) alerts.restore(name, value, nowMs);
      else book.restore(name, value);
    }
    ids.restore(pages);
    this.#books.set(partition, book);
    this.#idBooks.set(partition, ids);
    this.#seriesAlerts.set(partition, alerts);
  }

  async #process(records: readonly StoredRecord[]): Promise<Transformed> {
    const work = newWork();
    let pauseAt = RECORDS_AT_A_STRETCH;
    for (const record of records) {
      this.#batch(record, work);
      if (work.counters.records < pauseAt) continue;
      pauseAt = work.counters.records + RECORDS_AT_A_STRETCH;
      await othersTurn();
    }
    await this.#writePoints(work);
    const { onReached = () => {} } = this.#options;
    for (const { recordedMs, loggedMs } of work.times) {
      onReached('log', recordedMs, loggedMs);
      if (work.points.length > 0) onReached('series', recordedMs);
    }
    this.#bookChanges(work);
    const committed = () => {
      this.#count(work.counters);
      for (const { recordedMs } of work.times) onReached('events', recordedMs);
    };
    return { outputs: work.outputs, work: work.counters.records, committed };
  }

  #batch(record: StoredRecord, work: Work): void {
    const lane = record.headers?.lane as Lane | undefined;
    // Every processor reads the alert lane: it holds the gateways' statements about all lanes.
    if (record.value === null || lane === undefined) return;
    const ours = this.#options.lanes.includes(lane);
    if (!ours && lane !== 'alert') return;
    const receivedMs = Number(record.headers?.['received-ms'] ?? record.timestampMs);
    const again = record.headers?.['replay-of'];
    const letter = again === undefined ? undefined : sourceOfLetter(record.key, record.headers ?? {});
    if (letter || isDoor(record)) {
      if (ours) this.#single({ ...record, value: record.value, lane, receivedMs }, letter, work);
      return;
    }
    let header: BatchHeader;
    try {
      header = readBatchHeader(record.value);
    } catch (error) {
      if (!(error instanceof CodecError)) throw error;
      const { code, message: reason } = error;
      const replayOf = again === undefined ? {} : { replayOf: again };
      if (ours) this.#deadLetter(work, { key: record.key, value: record.value, code, reason, receivedMs, ...replayOf });
      return;
    }
    const book = this.#bookOf(record.partition);
    // A lane that is another processor's gets no page: an empty one would be a ledger that contradicts its gateway's.
    const page = ours ? book.page({ gatewayId: record.key, epoch: header.epoch, lane }) : undefined;
    const correction = new TimeCorrection(header);
    work.oldestMs = Number.POSITIVE_INFINITY;
    for (const item of readBatchRecords(header)) {
      const identity: RecordIdentity = { gatewayId: record.key, epoch: header.epoch, lane, sequence: item.sequence };
      if (page) this.#record(item, identity, { book, page, correction, receivedMs, work, partition: record.partition });
      else this.#statementOnly(item, identity, book);
    }
    if (work.oldestMs < Number.POSITIVE_INFINITY)
      work.times.push({ recordedMs: work.oldestMs, loggedMs: record.timestampMs });
  }

  /** What came by the open door, or one record that is a dead letter and is tried again: no batch with sequences to keep book of. */
  #single(
    record: StoredRecord & { value: Buffer; lane: Lane; receivedMs: number },
    letter: Source | undefined,
    work: Work,
  ): void {
    const { value, partition } = record;
    const replayOf = record.headers?.['replay-of'];
    const ids = this.#idBooks.get(partition);
    if (!ids) throw new Error(`records of partition ${partition} came without its assignment`);
    if (replayOf !== undefined && ids.see(attemptDigest(replayOf), NO_CONTENT, record.receivedMs) !== 'new') {
      work.counters.duplicates++;
    } else if (isDoor(record)) {
      for (const item of doorItems(record, ids, replayOf !== undefined))
        this.#doorItem(item, { record, work, replayOf });
    } else if (letter) {
      work.counters.records++;
      const recorded = { bytes: value, payloadAt: 0, end: value.length, payload: value };
      this.#decode(recorded, letter, { book: this.#bookOf(partition), work, partition });
    }
  }

  #doorItem(item: DoorItem, at: { record: StoredRecord; work: Work; replayOf: string | undefined }): void {
    const { record, work } = at;
    const replayOf = at.replayOf === undefined ? {} : { replayOf: at.replayOf };
    work.counters.records++;
    if (item.kind === 'duplicate') {
      work.counters.duplicates++;
    } else if (item.kind === 'letter') {
      const { bytes, fault, ...rest } = item;
      if (fault.code === 'door-conflict') work.counters.conflicts++;
      const receivedMs = Number(record.headers?.['received-ms'] ?? record.timestampMs);
      this.#deadLetter(work, {
        ...rest,
        ...fault,
        ...replayOf,
        key: record.key,
        value: bytes,
        door: 'json',
        receivedMs,
      });
    } else if (item.kind === 'point') {
      const recorded = { payload: item.bytes };
      const { partition } = record;
      work.points.push({ point: item.point, source: { ...item.source, ...replayOf }, recorded, partition });
    } else {
      const { payload, bytes } = item;
      const { partition } = record;
      const source = { ...item.source, ...replayOf };
      this.#route(
        payload,
        { source, recorded: { payload: bytes } },
        { book: this.#bookOf(partition), work, partition },
      );
    }
  }

  #record(item: BatchRecord, identity: RecordIdentity, batch: Batch): void {
    const { page, correction, receivedMs, work } = batch;
    work.counters.records++;
    if (!page.see(identity.sequence)) {
      work.counters.duplicates++;
      return;
    }
    if (!('record' in item)) {
      const { bytes: value, code, reason } = item;
      this.#deadLetter(work, { key: identity.gatewayId, value, identity, receivedMs, code, reason });
      return;
    }
    const { time, corrected } = correction.apply(item.record.time);
    if (time.state !== 'unsynced' && time.wallMs < work.oldestMs) work.oldestMs = time.wallMs;
    this.#decode(item.record, { identity, time, corrected, receivedMs }, batch);
  }

  #decode(recorded: Recorded, source: Source, into: Into): void {
    let payload: Payload;
    try {
      payload = decodePayload(recorded.bytes, recorded.payloadAt, recorded.end);
    } catch (error) {
      if (!(error instanceof CodecError)) throw error;
      const value = recorded.payload;
      const { code, message: reason } = faultOf(value) ?? error;
      this.#deadLetter(into.work, { key: source.identity.gatewayId, value, source, code, reason });
      return;
    }
    this.#route(payload, { source, recorded }, into);
  }

  #route(payload: Payload, { source, recorded }: Origin, { book, work, partition }: Into): void {
    if (payload.kind === 'tracking') {
      const isJson = (this.#options.format ?? 'json') === 'json';
      work.counters.packageEvents++;
      work.outputs.push(
        isJson ? this.#eventWriter.record(payload, source) : eventRecord(toTrackingEvent(payload, source), 'protobuf'),
      );
    } else if (isTelemetry(payload)) {
      work.points.push({ point: toPoint(payload, source), source, recorded, partition });
    } else if (payload.kind === 'alert') {
      this.#alert(work, toAlert(payload, source), source);
    } else if (payload.kind === 'device') {
      this.#alert(work, deviceToAlert(payload, source), source);
    } else if (payload.kind === 'range') {
      this.#statement(payload, source.identity, book);
    } else {
      // For the operator: what corrects the boot's earlier records comes with each batch (correct-time.ts).
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
    const { clock } = this.#options;
    const nowMs = clock.monotonicUs() / 1000;
    for (const { index, reason, code = 'point-rejected' } of rejected) {
      const refused = work.points[index];
      if (!refused) continue;
      const { source, recorded, point, partition } = refused;
      const { gatewayId } = source.identity;
      this.#deadLetter(work, { key: gatewayId, value: recorded.payload, source, code, reason });
      if (code !== 'series-limit') continue;
      const exploding = { gatewayId, measurement: point.measurement, reason };
      if (this.#seriesAlerts.get(partition)?.refused(exploding, nowMs))
        this.#alert(work, seriesToAlert(exploding, 'raised', clock.wall().wallMs));
    }
  }

  #bookChanges(work: Work): void {
    for (const [partition, book] of this.#books) {
      for (const { name, value } of book.touched()) {
        work.outputs.push({ topic: TOPICS.gatewaySequences, partition, key: name, value });
      }
    }
    for (const [partition, ids] of this.#idBooks) {
      const early = ids.forget();
      if (early > 0) {
        const { log, maxDoorIds } = this.#options;
        log.warn({ partition, ids: early, maxDoorIds }, 'event ids of the open door forgotten before their time');
      }
      for (const { name, value } of ids.touched()) {
        work.outputs.push({ topic: TOPICS.gatewaySequences, partition, key: name, value });
      }
    }
    for (const [partition, alerts] of this.#seriesAlerts) {
      for (const { name, value } of alerts.touched()) {
        work.outputs.push({ topic: TOPICS.gatewaySequences, partition, key: name, value });
      }
    }
  }

  #tick(): Transformed | undefined {
    const nowMs = this.#options.clock.monotonicUs() / 1000;
    const work = newWork();
    for (const book of this.#books.values()) {
      const { opened, closed } = book.review(nowMs, this.#options.gapAfterMs);
      const wallMs = this.#options.clock.wall().wallMs;
      for (const gap of opened) this.#alert(work, gapToAlert(gap, 'raised', wallMs));
      for (const gap of closed) this.#alert(work, gapToAlert(gap, 'cleared', wallMs));
      work.counters.gaps += opened.length;
    }
    this.#compare(nowMs, work);
    for (const alerts of this.#seriesAlerts.values()) {
      for (const each of alerts.calm(nowMs))
        this.#alert(work, seriesToAlert(each, 'cleared', this.#options.clock.wall().wallMs));
    }
    if (work.outputs.length === 0) return undefined;
    // What was reported is kept with the report: whoever takes the book over does not report it again, and reports its end.
    this.#bookChanges(work);
    return { outputs: work.outputs, committed: () => this.#count(work.counters) };
  }

  #compare(nowMs: number, work: Work): void {
    const { audit, clock, log } = this.#options;
    if (!audit || nowMs - this.#auditedMs < AUDIT_EVERY_MS) return;
    this.#auditedMs = nowMs;
    const { wallMs } = clock.wall();
    const caughtUp = this.#runner?.lag() === 0;
    for (const book of this.#books.values()) {
      const { raised, cleared } = audit.review(nowMs, book.ledgers(), caughtUp);
      for (const { claim, ...each } of raised) {
        log.error({ ...each }, 'gateway and hub contradict each other');
        book.contradict(each, claim);
        this.#alert(work, auditToAlert(each, 'raised', wallMs));
      }
      for (const each of cleared) {
        book.contradict(each, undefined);
        this.#alert(work, auditToAlert(each, 'cleared', wallMs));
      }
    }
  }

  #alert(work: Work, alert: AlertMessage, source?: Source): void {
    work.counters.alerts++;
    work.outputs.push(alertRecord(alert, this.#options.format ?? 'json', source));
  }

  #deadLetter(work: Work, letter: { key: string; value: Buffer } & Parameters<typeof letterHeaders>[0]): void {
    const { key, value, code, reason, identity = letter.source?.identity } = letter;
    work.counters.deadLetters++;
    this.#options.log.warn({ gateway: key, ...identity, code, reason }, 'record goes to dead-letters');
    work.outputs.push({ topic: TOPICS.deadLetters, key, value, headers: letterHeaders(letter) });
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

/** What is wrong with a payload, in offsets that count from its own first byte. */
function faultOf(payload: Buffer): CodecError | undefined {
  try {
    decodePayload(payload);
  } catch (error) {
    if (error instanceof CodecError) return error;
  }
  return undefined;
}
