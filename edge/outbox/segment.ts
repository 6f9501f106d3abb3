/**
 * A segment: one file of a lane, records appended one after the other.
 *
 * Format, little-endian: a header of 32 bytes (0 magic "MPOB", 4 version u8 = 1, 5 lane u8, 6 epoch 8 bytes, 14 first sequence
 * u48, 20 zero, 28 CRC-32C of bytes 0 … 27), then records as protocols/uplink/record.ts states them: a record is valid if and
 * only if its length is in range and within the file, its CRC is right and its sequence is its predecessor's + 1 (the first
 * one's: the header's).
 * The file's name is the first sequence in 15 digits and ".seg"; name and header agree, or the file is foreign.
 */
import { crc32c } from '../../protocols/base/crc.ts';
import { LANES, type Lane } from '../../protocols/uplink/identity.ts';
import { MAX_PAYLOAD_BYTES, RECORD_HEADER_BYTES, readRecord } from '../../protocols/uplink/record.ts';
import type { DiskFile } from './disk.ts';

export const SEGMENT_HEADER_BYTES = 32;
const MAGIC = 0x424f504d; // "MPOB"
const VERSION = 1;
const READ_CHUNK_BYTES = 1024 * 1024;

export interface SegmentHeader {
  lane: Lane;
  epoch: string;
  firstSequence: number;
}

export function segmentName(firstSequence: number): string {
  return `${String(firstSequence).padStart(15, '0')}.seg`;
}

/** The first sequence that a file's name announces; undefined for a foreign name. */
export function firstSequenceOf(name: string): number | undefined {
  const match = /^(\d{15})\.seg$/.exec(name);
  return match ? Number(match[1]) : undefined;
}

export function encodeSegmentHeader(header: SegmentHeader): Buffer {
  const bytes = Buffer.alloc(SEGMENT_HEADER_BYTES);
  bytes.writeUInt32LE(MAGIC, 0);
  bytes[4] = VERSION;
  bytes[5] = LANES.indexOf(header.lane);
  bytes.write(header.epoch, 6, 'hex');
  bytes.writeUIntLE(header.firstSequence, 14, 6);
  bytes.writeUInt32LE(crc32c(bytes, 0, 28), 28);
  return bytes;
}

/** Undefined when the bytes are no valid header of this version. */
export function decodeSegmentHeader(bytes: Buffer): SegmentHeader | undefined {
  if (bytes.length < SEGMENT_HEADER_BYTES || bytes.readUInt32LE(0) !== MAGIC || bytes[4] !== VERSION) return undefined;
  if (crc32c(bytes, 0, 28) !== bytes.readUInt32LE(28)) return undefined;
  const lane = LANES[bytes[5] as number];
  if (lane === undefined) return undefined;
  return { lane, epoch: bytes.toString('hex', 6, 14), firstSequence: bytes.readUIntLE(14, 6) };
}

/** A run of valid records in a segment. */
export interface Run {
  firstSequence: number;
  lastSequence: number;
  start: number;
  end: number;
}

/** Bytes of a segment that hold no valid record. */
export interface Damage {
  start: number;
  end: number;
  /** The sequences that stood there; empty (last < first) when nothing tells that any record did. */
  firstSequence: number;
  lastSequence: number;
}

export interface Scan {
  runs: Run[];
  damages: Damage[];
  bytes: number;
}

/**
 * Walks a whole segment. Where a record is not valid it skips one byte and looks on: a later record that is valid and whose sequence
 * fits is found again, and what lies between is damage. Never throws for what it reads; memory is bounded by the segment.
 */
export async function scanSegment(file: DiskFile, firstSequence: number): Promise<Scan> {
  const bytes = await file.size();
  const content = Buffer.allocUnsafe(bytes);
  let length = 0;
  for (let at = 0; at < bytes; at += READ_CHUNK_BYTES) {
    const chunk = content.subarray(at, Math.min(bytes, at + READ_CHUNK_BYTES));
    const read = await file.read(chunk, at);
    length += read;
    if (read < chunk.length) break;
  }
  return { ...scanBytes(content.subarray(0, length), firstSequence), bytes: length };
}

export function scanBytes(content: Buffer, firstSequence: number): { runs: Run[]; damages: Damage[] } {
  const runs: Run[] = [];
  const damages: Damage[] = [];
  let next = firstSequence;
  let at = SEGMENT_HEADER_BYTES;
  let damageStart = -1;
  let current: Run | undefined;
  while (at < content.length) {
    const record = readRecord(content, at);
    // After damage any later sequence is believed that the bytes in between could have held.
    const reach = damageStart < 0 ? next : next + Math.floor((at - damageStart) / (RECORD_HEADER_BYTES + 1));
    if (typeof record === 'string' || record.sequence < next || record.sequence > reach) {
      if (damageStart < 0) damageStart = at;
      current = undefined;
      at++;
      continue;
    }
    if (damageStart >= 0) {
      damages.push({ start: damageStart, end: at, firstSequence: next, lastSequence: record.sequence - 1 });
      damageStart = -1;
    }
    if (current) {
      current.lastSequence = record.sequence;
      current.end = record.end;
    } else {
      current = { firstSequence: record.sequence, lastSequence: record.sequence, start: at, end: record.end };
      runs.push(current);
    }
    next = record.sequence + 1;
    at = record.end;
  }
  if (damageStart >= 0) damages.push(tailDamage(content, damageStart, next));
  return { runs, damages };
}

/**
 * What the end of a segment says of the records that stood there. A crash tears the last group: its bytes may show the heads of
 * records that nobody was told are safe. Their sequences are counted as used all the same, because a sequence that may have been
 * seen elsewhere must never be given out again.
 */
function tailDamage(content: Buffer, start: number, next: number): Damage {
  let last = next - 1;
  for (let at = start; at + RECORD_HEADER_BYTES <= content.length; at++) {
    const sequence = content.readUIntLE(at + 8, 6);
    if (sequence <= last || sequence > next + (at - start) / (RECORD_HEADER_BYTES + 1)) continue;
    const length = content.readUInt32LE(at);
    if (length >= 1 && length <= MAX_PAYLOAD_BYTES && (content[at + 30] as number) <= 3) last = sequence;
  }
  return { start, end: content.length, firstSequence: next, lastSequence: last };
}
