/**
 * UplinkBatch and Acknowledgement (uplink.proto): what travels on `up/{lane}` and `down/ack`.
 *
 * A hub that ingests needs only the header (`readBatchHeader`) to store a batch and acknowledge its range; records are decoded once,
 * where they are processed (`readBatchRecords`).
 */
import { deflateRawSync, inflateRawSync } from 'node:zlib';
import type { ClockState } from '../base/clock.ts';
import { CodecError } from '../base/codec-error.ts';
import { decodeMessage, encodeMessage, type MessageTable, ProtoReader, ProtoWriter } from '../base/protobuf.ts';
import { DICTIONARY_V1 } from './dictionary.ts';
import { EPOCH, LANES, type Lane } from './identity.ts';
import { MAX_SEQUENCE, RECORD_HEADER_BYTES, type RecordView, readRecord } from './record.ts';

export const FORMAT_VERSION = 1;
/** A batch's records, before deflating. Bounds what a hub inflates. */
export const MAX_BATCH_PLAIN_BYTES = 4 * 1024 * 1024;
export const MAX_BOOT_CLOCKS = 32;

/** What a boot of a gateway knows of the time: at this monotonic time of that boot it was this wall time. */
export interface BootClock {
  bootId: number;
  monotonicUs: number;
  wallMs: number;
  state: ClockState;
  uncertaintyMs: number;
}

export interface BatchHeader {
  formatVersion: number;
  epoch: string;
  lane: Lane;
  firstSequence: number;
  count: number;
  /** The gateway's clock when the batch was sent. */
  clock: BootClock;
  /** Clocks of earlier boots that have records in the batch and learned the time; at most `MAX_BOOT_CLOCKS`. */
  bootClocks: BootClock[];
  encoding: 'plain' | 'deflate';
  plainBytes: number;
  /** A view into the input; deflated or not. */
  records: Buffer;
}

export interface AcknowledgedRange {
  epoch: string;
  lane: Lane;
  first: number;
  last: number;
}

const CLOCK: MessageTable = {
  name: 'Clock',
  fields: [
    { no: 1, name: 'bootId', type: 'uint', absent: 0 },
    { no: 2, name: 'monotonicUs', type: 'uint', absent: 0 },
    { no: 3, name: 'wallMs', type: 'sint', absent: 0 },
    { no: 4, name: 'state', type: { enum: ['unsynced', 'ntp', 'gps', 'hub'] }, absent: 'unsynced' },
    { no: 5, name: 'uncertaintyMs', type: 'double', absent: 0 },
  ],
};

const BATCH: MessageTable = {
  name: 'UplinkBatch',
  fields: [
    { no: 1, name: 'formatVersion', type: 'uint' },
    { no: 2, name: 'epoch', type: 'fixed64hex' },
    { no: 3, name: 'lane', type: { enum: LANES } },
    { no: 4, name: 'firstSequence', type: 'uint' },
    { no: 5, name: 'count', type: 'uint' },
    { no: 6, name: 'clock', type: { message: CLOCK } },
    { no: 7, name: 'encoding', type: { enum: ['plain', 'deflate'] } },
    { no: 8, name: 'plainBytes', type: 'uint' },
    { no: 9, name: 'records', type: 'bytes' },
    { no: 10, name: 'bootClocks', type: { repeated: { message: CLOCK } }, absent: [] },
  ],
};

const RANGE: MessageTable = {
  name: 'AcknowledgedRange',
  fields: [
    { no: 1, name: 'epoch', type: 'fixed64hex' },
    { no: 2, name: 'lane', type: { enum: LANES } },
    { no: 3, name: 'first', type: 'uint' },
    { no: 4, name: 'last', type: 'uint' },
  ],
};

/** The hub's time, as an answer to a gateway that asked (gateway-status.ts, `clock.askedUs`). */
export interface HubTime {
  /** The hub's wall clock when it answered. */
  hubWallMs: number;
  /** What the question said: monotonic time of the gateway. */
  askedUs: number;
}

/** Within two per cent of the size that level 6 gives, in less than half of its time, and that is the gateway's. */
const DEFLATE_LEVEL = 3;
/** Below this a batch is sent plain: deflating would save less than its own overhead. */
const DEFLATE_FROM_BYTES = 256;

/** Builds a batch from records as they stand in the Outbox. */
export function encodeBatch(batch: {
  epoch: string;
  lane: Lane;
  firstSequence: number;
  count: number;
  clock: BootClock;
  bootClocks?: readonly BootClock[];
  /** Concatenated records. */
  records: Buffer;
  deflate: boolean;
}): Buffer {
  const deflated =
    batch.deflate && batch.records.length >= DEFLATE_FROM_BYTES
      ? deflateRawSync(batch.records, { level: DEFLATE_LEVEL, dictionary: DICTIONARY_V1 })
      : undefined;
  const smaller = deflated !== undefined && deflated.length < batch.records.length;
  const writer = new ProtoWriter((smaller ? deflated.length : batch.records.length) + 128);
  encodeMessage(
    BATCH,
    {
      formatVersion: FORMAT_VERSION,
      epoch: batch.epoch,
      lane: batch.lane,
      firstSequence: batch.firstSequence,
      count: batch.count,
      clock: batch.clock,
      bootClocks: (batch.bootClocks ?? []).slice(0, MAX_BOOT_CLOCKS),
      encoding: smaller ? 'deflate' : 'plain',
      plainBytes: batch.records.length,
      records: smaller ? deflated : batch.records,
    },
    writer,
  );
  return writer.view();
}

/**
 * Reads a batch without looking at its records.
 * @throws CodecError `batch-version` for a format this hub does not know, `batch-invalid` for a header that lies or lacks a
 *   field, `protobuf-*` for bytes that are no message.
 */
export function readBatchHeader(bytes: Buffer): BatchHeader {
  const header = decodeMessage(BATCH, new ProtoReader(bytes)) as Partial<BatchHeader>;
  const version = header.formatVersion;
  if (version !== FORMAT_VERSION) {
    throw new CodecError({
      code: 'batch-version',
      message: `format version ${version ?? 'absent'}: this hub reads version ${FORMAT_VERSION}`,
    });
  }
  const { epoch, lane, firstSequence, count, clock, bootClocks = [], encoding, plainBytes, records } = header;
  if (
    epoch === undefined ||
    !EPOCH.test(epoch) ||
    lane === undefined ||
    clock === undefined ||
    encoding === undefined ||
    records === undefined
  ) {
    throw invalid('epoch, lane, clock, encoding and records are required');
  }
  if (firstSequence === undefined || count === undefined || firstSequence < 1 || count < 1) {
    throw invalid(`first sequence ${firstSequence} and count ${count} must be at least 1`);
  }
  if (firstSequence + count - 1 > MAX_SEQUENCE) throw invalid(`sequence ${firstSequence + count - 1} is above 2^48-1`);
  if (plainBytes === undefined || plainBytes > MAX_BATCH_PLAIN_BYTES) {
    throw invalid(`records of ${plainBytes} bytes: at most ${MAX_BATCH_PLAIN_BYTES}`);
  }
  // A count that the bytes cannot hold would acknowledge sequences that no record backs.
  if (plainBytes < count * (RECORD_HEADER_BYTES + 1))
    throw invalid(`${count} records do not fit in ${plainBytes} bytes`);
  if (bootClocks.length > MAX_BOOT_CLOCKS)
    throw invalid(`${bootClocks.length} boot clocks: at most ${MAX_BOOT_CLOCKS}`);
  return {
    formatVersion: version,
    epoch,
    lane,
    firstSequence,
    count,
    clock,
    bootClocks,
    encoding,
    plainBytes,
    records,
  };
}

/** One record of a batch, or why the record with that sequence cannot be read. */
export type BatchRecord =
  | { sequence: number; record: RecordView }
  | { sequence: number; code: string; reason: string; bytes: Buffer };

/**
 * Gives every sequence that the header announces exactly once, in order. Where a record is damaged it and all after it are given
 * with the reason (lengths cannot be trusted any more); the first of them carries the bytes.
 */
export function* readBatchRecords(header: BatchHeader): Generator<BatchRecord, void, void> {
  const last = header.firstSequence + header.count - 1;
  let plain: Buffer;
  try {
    plain = inflateRecords(header);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    yield* allDamaged(header.firstSequence, last, 'batch-inflate', reason, header.records);
    return;
  }
  let at = 0;
  for (let sequence = header.firstSequence; sequence <= last; sequence++) {
    const record = readRecord(plain, at);
    if (typeof record === 'string') {
      yield* allDamaged(
        sequence,
        last,
        record,
        `record ${sequence} at byte ${at} of the batch is damaged`,
        plain.subarray(at),
      );
      return;
    }
    if (record.sequence !== sequence) {
      const reason = `record at byte ${at} of the batch is ${record.sequence}, expected ${sequence}`;
      yield* allDamaged(sequence, last, 'record-sequence', reason, plain.subarray(at));
      return;
    }
    at = record.end;
    yield { sequence, record };
  }
}

function* allDamaged(first: number, last: number, code: string, reason: string, bytes: Buffer): Generator<BatchRecord> {
  yield { sequence: first, code, reason, bytes };
  for (let sequence = first + 1; sequence <= last; sequence++) {
    yield { sequence, code, reason: `after the damaged record ${first}`, bytes: Buffer.alloc(0) };
  }
}

function inflateRecords(header: BatchHeader): Buffer {
  const plain =
    header.encoding === 'plain'
      ? header.records
      : inflateRawSync(header.records, { dictionary: DICTIONARY_V1, maxOutputLength: header.plainBytes + 1 });
  if (plain.length !== header.plainBytes)
    throw invalid(`${plain.length} bytes of records, ${header.plainBytes} announced`);
  return plain;
}

const HUB_TIME: MessageTable = {
  name: 'HubTime',
  fields: [
    { no: 1, name: 'hubWallMs', type: 'sint' },
    { no: 2, name: 'askedUs', type: 'uint' },
  ],
};

export function encodeAcknowledgement(ranges: readonly AcknowledgedRange[]): Buffer {
  const writer = new ProtoWriter(32 * ranges.length + 8);
  for (const range of ranges) {
    writer.tag(1, 2);
    writer.delimited(() => encodeMessage(RANGE, range, writer));
  }
  return writer.finish();
}

/** An acknowledgement of nothing that answers a gateway's question for the time. */
export function encodeHubTime(time: HubTime): Buffer {
  const writer = new ProtoWriter(32);
  writer.tag(2, 2);
  writer.delimited(() => encodeMessage(HUB_TIME, time, writer));
  return writer.finish();
}

/** The hub's time in an acknowledgement; undefined when it carries none. @throws CodecError `protobuf-*`. */
export function decodeHubTime(bytes: Buffer): HubTime | undefined {
  const reader = new ProtoReader(bytes);
  while (reader.at < reader.end) {
    const tag = reader.varint();
    if (tag !== 18) {
      reader.skip(tag % 8);
      continue;
    }
    const { hubWallMs, askedUs } = decodeMessage(HUB_TIME, reader.message()) as Partial<HubTime>;
    if (hubWallMs !== undefined && askedUs !== undefined) return { hubWallMs, askedUs };
  }
  return undefined;
}

/** @throws CodecError `acknowledgement-invalid`, `protobuf-*`. */
export function decodeAcknowledgement(bytes: Buffer): AcknowledgedRange[] {
  const reader = new ProtoReader(bytes);
  const ranges: AcknowledgedRange[] = [];
  while (reader.at < reader.end) {
    const tag = reader.varint();
    if (tag !== 10) {
      reader.skip(tag % 8);
      continue;
    }
    const { epoch, lane, first, last } = decodeMessage(RANGE, reader.message()) as Partial<AcknowledgedRange>;
    if (epoch === undefined || lane === undefined || first === undefined || last === undefined || last < first) {
      throw new CodecError({
        code: 'acknowledgement-invalid',
        message: `an acknowledged range needs epoch, lane, first and last, first <= last`,
        offset: reader.at,
      });
    }
    ranges.push({ epoch, lane, first, last });
  }
  return ranges;
}

function invalid(message: string): CodecError {
  return new CodecError({ code: 'batch-invalid', message });
}
