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
import { attemptDigest, sourceOfLetter } from '../dead-letters/letter.ts';
import { type DoorItem, doorItems, isDoor } from '../door/process.ts';
import { type EventLog, type Runner, type StoredRecord, TOPICS, type Transformed } from '../log/event-log.ts';
import type { TimeSeries } from '../timeseries/time-series.ts';
import { TimeCorrection } from './correct-time.ts';
import { EventWriter } from './event-writer.ts';
import type { LedgerAudit } from './ledger-audit.ts';
import { PartitionState } from './partition-state.ts';
import { eventRecord, type MessageFormat } from './publish.ts';
import { type HubLedger, type SequenceBook, sumOf } from './sequence-book.ts';
import type { SequencePage } from './sequence-page.ts';
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
import { type Origin, type ProcessorCounters, type Recorded, Work, zeroCounters } from './work.ts';

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

/** Where a record's effects go. */
interface Into {
  partition: number;
  state: PartitionState;
  work: Work;
}

/** What the records of one batch have in common. */
interface Batch extends Into {
  /** None for a lane that is another processor's: an empty page would be a ledger that contradicts its gateway's. */
  page: SequencePage | undefined;
  correction: TimeCorrection;
  receivedMs: number;
  /** When the oldest of them was recorded, milliseconds since 1970. */
  oldestMs: number;
}

const AUDIT_EVERY_MS = 5_000;

/** Batches come hundreds of times a second; looking for each of them by itself costs more than it is worth. */
const GROUP_EVERY_MS = 20;

/** A large group takes a tenth of a second: meanwhile others have their turn, first of all the commit of the group before. */
const RECORDS_AT_A_STRETCH = 1_000;

const NO_CONTENT = Buffer.alloc(8);

export class Processor {
  /** What was committed. */
  readonly counters = zeroCounters();
  readonly #options: ProcessorOptions & { gapAfterMs: number; format: MessageFormat };
  #runner: Runner | undefined;
  #auditedMs = Number.NEGATIVE_INFINITY;
  /** Of the partitions held. */
  readonly #states = new Map<number, PartitionState>();
  readonly #eventWriter = new EventWriter();

  constructor(options: ProcessorOptions) {
    this.#options = { gapAfterMs: 1_500, format: 'json', ...options };
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
      onRevoked: (partition) => this.#states.delete(partition),
      onRecords: (records) => this.#process(records),
      onTick: () => this.#tick(),
      tickMs: 250,
      groupEveryMs: GROUP_EVERY_MS,
    });
    return this.#runner;
  }

  /** Sums over the partitions held: highest = seen + lost + missing. */
  ledger(): Record<Lane, HubLedger> {
    return sumOf([...this.#states.values()].flatMap(({ sequences }) => [...sequences.ledgers()]));
  }

  #assigned(partition: number, stored: ReadonlyMap<string, Buffer>): void {
    const { lanes, clock, maxDoorIds } = this.#options;
    this.#states.set(partition, new PartitionState(stored, { lanes, nowMs: clock.monotonicUs() / 1000, maxDoorIds }));
  }

  async #process(records: readonly StoredRecord[]): Promise<Transformed> {
    const work = new Work(this.#options);
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
    this.#keepState(work);
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
      if (ours) work.deadLetter({ key: record.key, value: record.value, code, reason, receivedMs, ...replayOf });
      return;
    }
    const { partition, key: gatewayId, timestampMs: loggedMs } = record;
    const { epoch } = header;
    const state = this.#stateOf(partition);
    const page = ours ? state.sequences.page({ gatewayId, epoch, lane }) : undefined;
    const correction = new TimeCorrection(header);
    const batch: Batch = { partition, state, work, page, correction, receivedMs, oldestMs: Number.POSITIVE_INFINITY };
    for (const item of readBatchRecords(header))
      this.#record(item, { gatewayId, epoch, lane, sequence: item.sequence }, batch);
    if (batch.oldestMs < Number.POSITIVE_INFINITY) work.times.push({ recordedMs: batch.oldestMs, loggedMs });
  }

  /** What came by the open door, or one record that is a dead letter and is tried again: no batch with sequences to keep book of. */
  #single(
    record: StoredRecord & { value: Buffer; lane: Lane; receivedMs: number },
    letter: Source | undefined,
    work: Work,
  ): void {
    const { value, partition } = record;
    const replayOf = record.headers?.['replay-of'];
    const state = this.#stateOf(partition);
    const ids = state.doorIds;
    if (replayOf !== undefined && ids.see(attemptDigest(replayOf), NO_CONTENT, record.receivedMs) !== 'new') {
      work.counters.duplicates++;
    } else if (isDoor(record)) {
      for (const item of doorItems(record, ids, replayOf !== undefined))
        this.#doorItem(item, { record, replayOf, into: { state, work, partition } });
    } else if (letter) {
      work.counters.records++;
      const recorded = { bytes: value, payloadAt: 0, end: value.length, payload: value };
      this.#decode(recorded, letter, { state, work, partition });
    }
  }

  #doorItem(item: DoorItem, at: { record: StoredRecord; replayOf: string | undefined; into: Into }): void {
    const { record, into } = at;
    const { work, partition } = into;
    const replayOf = at.replayOf === undefined ? {} : { replayOf: at.replayOf };
    work.counters.records++;
    if (item.kind === 'duplicate') {
      work.counters.duplicates++;
    } else if (item.kind === 'letter') {
      const { bytes: value, fault, ...rest } = item;
      if (fault.code === 'door-conflict') work.counters.conflicts++;
      const receivedMs = Number(record.headers?.['received-ms'] ?? record.timestampMs);
      work.deadLetter({ ...rest, ...fault, ...replayOf, key: record.key, value, door: 'json', receivedMs });
    } else {
      const origin = { source: { ...item.source, ...replayOf }, recorded: { payload: item.bytes } };
      if (item.kind === 'point') work.points.push({ ...origin, point: item.point, partition });
      else this.#route(item.payload, origin, into);
    }
  }

  #record(item: BatchRecord, identity: RecordIdentity, batch: Batch): void {
    const { page, correction, receivedMs, work } = batch;
    if (!page) {
      this.#statementOnly(item, identity, batch.state.sequences);
      return;
    }
    work.counters.records++;
    if (!page.see(identity.sequence)) {
      work.counters.duplicates++;
      return;
    }
    if (!('record' in item)) {
      const { bytes: value, code, reason } = item;
      work.deadLetter({ key: identity.gatewayId, value, identity, receivedMs, code, reason });
      return;
    }
    const { time, corrected } = correction.apply(item.record.time);
    if (time.state !== 'unsynced' && time.wallMs < batch.oldestMs) batch.oldestMs = time.wallMs;
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
      into.work.deadLetter({ key: source.identity.gatewayId, value, source, code, reason });
      return;
    }
    this.#route(payload, { source, recorded }, into);
  }

  #route(payload: Payload, { source, recorded }: Origin, { state, work, partition }: Into): void {
    if (payload.kind === 'tracking') {
      const isJson = this.#options.format === 'json';
      work.event(
        isJson ? this.#eventWriter.record(payload, source) : eventRecord(toTrackingEvent(payload, source), 'protobuf'),
      );
    } else if (isTelemetry(payload)) {
      work.points.push({ point: toPoint(payload, source), source, recorded, partition });
    } else if (payload.kind === 'alert') {
      work.alert(toAlert(payload, source), source);
    } else if (payload.kind === 'device') {
      work.alert(deviceToAlert(payload, source), source);
    } else if (payload.kind === 'range') {
      this.#statement(payload, source.identity, state.sequences);
    } else {
      // For the operator: what corrects the boot's earlier records comes with each batch (correct-time.ts).
      this.#options.log.info(
        { gateway: source.identity.gatewayId, bootId: payload.bootId },
        'gateway learned the time',
      );
    }
  }

  /** The alert lane as another processor's: only what it says of our lanes matters, and saying it twice changes nothing. */
  #statementOnly(item: BatchRecord, identity: RecordIdentity, sequences: SequenceBook): void {
    if (!('record' in item)) return;
    try {
      const payload = decodePayload(item.record.payload);
      if (payload.kind === 'range') this.#statement(payload, identity, sequences);
    } catch (error) {
      if (!(error instanceof CodecError)) throw error;
    }
  }

  #statement(range: Extract<Payload, { kind: 'range' }>, identity: RecordIdentity, sequences: SequenceBook): void {
    if (!this.#options.lanes.includes(range.lane)) return;
    const { gatewayId, epoch } = identity;
    const count = sequences.lose({ gatewayId, epoch, lane: range.lane }, range.first, range.last);
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
      work.deadLetter({ key: gatewayId, value: recorded.payload, source, code, reason });
      if (code !== 'series-limit') continue;
      const exploding = { gatewayId, measurement: point.measurement, reason };
      if (this.#states.get(partition)?.series.refused(exploding, nowMs))
        work.alert(seriesToAlert(exploding, 'raised', clock.wall().wallMs));
    }
  }

  #keepState(work: Work): void {
    for (const [partition, state] of this.#states) {
      const early = state.doorIds.forget();
      if (early > 0) {
        const { log, maxDoorIds } = this.#options;
        log.warn({ partition, ids: early, maxDoorIds }, 'event ids of the open door forgotten before their time');
      }
      work.state(partition, state.touched());
    }
  }

  #tick(): Transformed | undefined {
    const { clock, gapAfterMs } = this.#options;
    const nowMs = clock.monotonicUs() / 1000;
    const { wallMs } = clock.wall();
    const work = new Work(this.#options);
    for (const { sequences, series } of this.#states.values()) {
      const { opened, closed } = sequences.review(nowMs, gapAfterMs);
      for (const gap of opened) work.alert(gapToAlert(gap, 'raised', wallMs));
      for (const gap of closed) work.alert(gapToAlert(gap, 'cleared', wallMs));
      work.counters.gaps += opened.length;
      for (const each of series.calm(nowMs)) work.alert(seriesToAlert(each, 'cleared', wallMs));
    }
    this.#compare(nowMs, work);
    if (work.outputs.length === 0) return undefined;
    // What was reported is kept with the report: whoever takes the partition over does not report it again, and reports its end.
    this.#keepState(work);
    return { outputs: work.outputs, committed: () => this.#count(work.counters) };
  }

  #compare(nowMs: number, work: Work): void {
    const { audit, clock, log } = this.#options;
    if (!audit || nowMs - this.#auditedMs < AUDIT_EVERY_MS) return;
    this.#auditedMs = nowMs;
    const { wallMs } = clock.wall();
    const caughtUp = this.#runner?.lag() === 0;
    for (const { sequences } of this.#states.values()) {
      const { raised, cleared } = audit.review(nowMs, sequences.ledgers(), caughtUp);
      for (const { claim, ...each } of raised) {
        log.error({ ...each }, 'gateway and hub contradict each other');
        sequences.contradict(each, claim);
        work.alert(auditToAlert(each, 'raised', wallMs));
      }
      for (const each of cleared) {
        sequences.contradict(each, undefined);
        work.alert(auditToAlert(each, 'cleared', wallMs));
      }
    }
  }

  #stateOf(partition: number): PartitionState {
    const state = this.#states.get(partition);
    if (!state) throw new Error(`records of partition ${partition} came without its assignment`);
    return state;
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
