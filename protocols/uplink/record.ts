/**
 * A record as it stands in the Outbox and, unchanged, in a batch on the wire (design, sections 3 to 6).
 *
 * Format, little-endian:
 *
 *   offset size field
 *    0     4    length         bytes of payload, 1 … 262,144
 *    4     4    crc            CRC-32C of everything after this field (bytes 8 … 32 + length)
 *    8     6    sequence       1 … 2⁴⁸−1
 *   14     4    bootId         random, one per boot of the gateway
 *   18     6    monotonicUs    when the reading was observed, microseconds of that boot
 *   24     6    wallMs         the same moment as the box believed it, ms since 1970, signed
 *   30     1    clockState     0 unsynced, 1 ntp, 2 gps, 3 hub
 *   31     1    uncertainty    n: the error is below 2ⁿ ms; 255: unknown
 *   32     …    payload        Payload message, uplink.proto
 *
 * A record is valid if and only if its length is in range and within the bytes at hand, its CRC is right, and its sequence is the
 * one after its predecessor's (or the one that its segment or batch announces as the first).
 */
import type { ClockState } from '../base/clock.ts';
import { crc32c } from '../base/crc.ts';

export const RECORD_HEADER_BYTES = 32;
export const MAX_PAYLOAD_BYTES = 262_144;
export const MAX_SEQUENCE = 2 ** 48 - 1;

const CLOCK_STATES: readonly ClockState[] = ['unsynced', 'ntp', 'gps', 'hub'];

/** When a record's reading was observed. */
export interface RecordTime {
  bootId: number;
  monotonicUs: number;
  wallMs: number;
  state: ClockState;
  /** Infinity when unknown. */
  uncertaintyMs: number;
}

export class RecordView {
  readonly sequence: number;
  readonly time: RecordTime;
  /** The input, and where in it the payload starts. */
  readonly bytes: Buffer;
  readonly payloadAt: number;
  /** Offset after the record. */
  readonly end: number;

  constructor(bytes: Buffer, at: number, end: number) {
    this.sequence = read48(bytes, at + 8);
    this.time = timeAt(bytes, at);
    this.bytes = bytes;
    this.payloadAt = at + RECORD_HEADER_BYTES;
    this.end = end;
  }

  /** A view into the input. Made when it is asked for: who decodes where it stands needs none. */
  get payload(): Buffer {
    return this.bytes.subarray(this.payloadAt, this.end);
  }
}

export type RecordFault = 'record-short' | 'record-length' | 'record-crc';

/** Bytes that a record with this payload takes. */
export function recordBytes(payloadLength: number): number {
  return RECORD_HEADER_BYTES + payloadLength;
}

/** Writes a record at `at`; returns the offset after it. The buffer must have room. */
export function writeRecord(
  buffer: Buffer,
  at: number,
  record: { sequence: number; time: RecordTime; payload: Uint8Array },
): number {
  const { time, payload } = record;
  const end = writeUnsealed(buffer, at, { bootId: time.bootId, time, payload });
  seal(buffer, at, end, record.sequence);
  return end;
}

/** Writes all of a record but its sequence and CRC, at `at`; returns the offset after it. The buffer must have room. */
export function writeUnsealed(
  buffer: Buffer,
  at: number,
  record: { bootId: number; time: Omit<RecordTime, 'bootId'>; payload: Uint8Array },
): number {
  const { bootId, time, payload } = record;
  const { length } = payload;
  write32(buffer, at, length);
  write32(buffer, at + 14, bootId);
  write48(buffer, at + 18, Math.min(MAX_SEQUENCE, Math.max(0, Math.floor(time.monotonicUs))));
  write48(buffer, at + 24, Math.round(time.wallMs));
  buffer[at + 30] = CLOCK_STATES.indexOf(time.state);
  buffer[at + 31] = uncertaintyExponent(time.uncertaintyMs);
  buffer.set(payload, at + RECORD_HEADER_BYTES);
  return at + RECORD_HEADER_BYTES + length;
}

/** Gives the records that stand in a buffer from its start to `end`, unsealed, their sequences from `first` on. */
export function sealRecords(buffer: Buffer, end: number, first: number): void {
  let sequence = first;
  for (let at = 0; at < end; sequence++) {
    const next = at + RECORD_HEADER_BYTES + read32(buffer, at);
    seal(buffer, at, next, sequence);
    at = next;
  }
}

function seal(buffer: Buffer, at: number, end: number, sequence: number): void {
  write48(buffer, at + 8, sequence);
  write32(buffer, at + 4, crc32c(buffer, at + 8, end));
}

/** Why the bytes at `at` are no valid record of that sequence; else where it ends. What `readRecord` would say, without a view of it. */
export function recordEnd(buffer: Buffer, at: number, sequence: number): number | RecordFault | 'record-sequence' {
  if (at + RECORD_HEADER_BYTES > buffer.length) return 'record-short';
  const length = read32(buffer, at);
  if (length < 1 || length > MAX_PAYLOAD_BYTES) return 'record-length';
  const end = at + RECORD_HEADER_BYTES + length;
  if (end > buffer.length) return 'record-short';
  if (crc32c(buffer, at + 8, end) !== read32(buffer, at + 4)) return 'record-crc';
  return read48(buffer, at + 8) === sequence ? end : 'record-sequence';
}

/** Reads the record at `at`; gives the reason when there is no valid one. The caller checks the sequence. */
export function readRecord(buffer: Buffer, at: number, limit = buffer.length): RecordView | RecordFault {
  if (at + RECORD_HEADER_BYTES > limit) return 'record-short';
  const length = read32(buffer, at);
  if (length < 1 || length > MAX_PAYLOAD_BYTES) return 'record-length';
  const end = at + RECORD_HEADER_BYTES + length;
  if (end > limit) return 'record-short';
  if (crc32c(buffer, at + 8, end) !== read32(buffer, at + 4)) return 'record-crc';
  return new RecordView(buffer, at, end);
}

/** When the reading of the record at `at` was observed; the record may be unsealed. */
export function timeAt(buffer: Buffer, at: number): RecordTime {
  const wallMs = read48(buffer, at + 24);
  return {
    bootId: read32(buffer, at + 14),
    monotonicUs: read48(buffer, at + 18),
    wallMs: wallMs < 2 ** 47 ? wallMs : wallMs - 2 ** 48,
    state: CLOCK_STATES[buffer[at + 30] as number] ?? 'unsynced',
    uncertaintyMs: UNCERTAINTIES_MS[buffer[at + 31] as number] as number,
  };
}

/** By their exponent. */
const UNCERTAINTIES_MS = Float64Array.from({ length: 256 }, (_, exponent) =>
  exponent === 255 ? Number.POSITIVE_INFINITY : exponent === 0 ? 0 : 2 ** exponent,
);

/** The boots that recorded these (records concatenated, as they stand in the Outbox; not checked again). */
export function bootIdsIn(records: Buffer): Set<number> {
  const bootIds = new Set<number>();
  for (let at = 0; at + RECORD_HEADER_BYTES <= records.length; at += RECORD_HEADER_BYTES + records.readUInt32LE(at)) {
    bootIds.add(records.readUInt32LE(at + 14));
  }
  return bootIds;
}

function uncertaintyExponent(uncertaintyMs: number): number {
  if (!(uncertaintyMs < 2 ** 50)) return 255;
  return uncertaintyMs <= 0 ? 0 : Math.max(1, Math.ceil(Math.log2(uncertaintyMs)));
}

function read32(buffer: Buffer, at: number): number {
  return (
    ((buffer[at] as number) |
      ((buffer[at + 1] as number) << 8) |
      ((buffer[at + 2] as number) << 16) |
      ((buffer[at + 3] as number) << 24)) >>>
    0
  );
}

/** Not signed. */
function read48(buffer: Buffer, at: number): number {
  return read32(buffer, at) + ((buffer[at + 4] as number) | ((buffer[at + 5] as number) << 8)) * 2 ** 32;
}

function write32(buffer: Buffer, at: number, value: number): void {
  buffer[at] = value;
  buffer[at + 1] = value >>> 8;
  buffer[at + 2] = value >>> 16;
  buffer[at + 3] = value >>> 24;
}

/** Signed or not, the same bytes: two's complement of 48 bits. */
function write48(buffer: Buffer, at: number, value: number): void {
  const high = Math.floor(value / 2 ** 32);
  write32(buffer, at, value - high * 2 ** 32);
  buffer[at + 4] = high;
  buffer[at + 5] = high >>> 8;
}
