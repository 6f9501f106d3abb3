/**
 * A segment: one file of a lane, records appended one after the other.
 *
 * Format, little-endian: a header of 32 bytes (0 magic "MPOB", 4 version u8 = 1, 5 lane u8, 6 epoch 8 bytes, 14 first sequence
 * u48, 20 first of the unused sequences directly before it u48 or zero, 26 zero, 28 CRC-32C of bytes 0 … 27), then records as
 * protocols/uplink/record.ts states them: a record is valid if and only if its length is in range and within the file, its CRC is right
 * and its sequence is its predecessor's + 1 (the first one's: the header's).
 * The file's name is the first sequence in 15 digits and ".seg". Behind the last record there may be zeros (a file system that had
 * extended the file when the power failed; a reserve in use): they are no records.
 */
import { crc32c } from '../../protocols/base/crc.ts';
import { LANES, type Lane } from '../../protocols/uplink/identity.ts';
import { MAX_PAYLOAD_BYTES, RECORD_HEADER_BYTES, readRecord } from '../../protocols/uplink/record.ts';
import { type DiskFile, errorCode } from './disk.ts';

export const SEGMENT_HEADER_BYTES = 32;
const MAGIC = 0x424f504d; // "MPOB"
const VERSION = 1;
/** A segment is no longer than this, whatever is configured: what lies beyond is not looked at. */
export const MAX_SCAN_BYTES = 128 * 1024 * 1024;
const WINDOW_BYTES = 1024 * 1024;
const BLOCK_BYTES = 4096;
/** What lies between this many zero bytes at least is skipped at once. */
const ZEROS = Buffer.alloc(BLOCK_BYTES);

export interface SegmentHeader {
  lane: Lane;
  epoch: string;
  firstSequence: number;
  /** First of the unused sequences directly before it; 0 when there are none. */
  unusedFrom: number;
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
  bytes.writeUIntLE(header.unusedFrom, 20, 6);
  bytes.writeUInt32LE(crc32c(bytes, 0, 28), 28);
  return bytes;
}

/** Undefined when the bytes are no valid header of this version. */
export function decodeSegmentHeader(bytes: Buffer): SegmentHeader | undefined {
  if (bytes.length < SEGMENT_HEADER_BYTES || bytes.readUInt32LE(0) !== MAGIC || bytes[4] !== VERSION) return undefined;
  if (crc32c(bytes, 0, 28) !== bytes.readUInt32LE(28)) return undefined;
  const lane = LANES[bytes[5] as number];
  if (lane === undefined) return undefined;
  return {
    lane,
    epoch: bytes.toString('hex', 6, 14),
    firstSequence: bytes.readUIntLE(14, 6),
    unusedFrom: bytes.readUIntLE(20, 6),
  };
}

/**
 * Whose a segment with a damaged header is, when its name tells the first sequence: whose header would have had this CRC, else what is left of it
 * says. Undefined when nothing is.
 */
export function laneOfDamagedHeader(
  bytes: Buffer,
  expected: { epoch: string; firstSequence: number },
): Lane | undefined {
  if (bytes.length < SEGMENT_HEADER_BYTES) return undefined;
  const written = { ...expected, unusedFrom: bytes.readUIntLE(20, 6) };
  const crc = bytes.readUInt32LE(28);
  const fits = LANES.find((lane) => encodeSegmentHeader({ ...written, lane }).readUInt32LE(28) === crc);
  if (fits) return fits;
  // What stands on both sides of it is right: then so is, in all likelihood, the lane.
  const isOurs = bytes[4] === VERSION && bytes.toString('hex', 6, 14) === expected.epoch;
  return isOurs ? LANES[bytes[5] as number] : undefined;
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
  /** Bytes looked at. */
  bytes: number;
}

/**
 * Walks a whole segment. Where a record is not valid it skips one byte and looks on: a later record that is valid and whose sequence
 * fits is found again, and what lies between is damage. Never throws for what it reads; memory is bounded by a window.
 * @param options.tolerant Blocks that the disk refuses to read count as damage instead of failing the scan.
 */
export async function scanSegment(
  file: DiskFile,
  firstSequence: number,
  options: { tolerant: boolean },
): Promise<Scan> {
  const bytes = Math.min(await file.size(), MAX_SCAN_BYTES);
  const scanner = new Scanner(firstSequence);
  const window = Buffer.allocUnsafe(Math.min(bytes, WINDOW_BYTES + RECORD_HEADER_BYTES + MAX_PAYLOAD_BYTES));
  let at = SEGMENT_HEADER_BYTES;
  while (at < bytes) {
    const view = window.subarray(0, Math.min(window.length, bytes - at));
    const length = await (options.tolerant ? readTolerant(file, view, at) : file.read(view, at));
    const isLast = at + length >= bytes || length < view.length;
    // A record that begins within the window lies within the bytes read, unless the file ends.
    const limit = isLast ? length : Math.min(length, WINDOW_BYTES);
    at = scanner.feed(view.subarray(0, length), at, limit);
    if (isLast) break;
  }
  return { ...scanner.finish(bytes), bytes };
}

class Scanner {
  readonly runs: Run[] = [];
  readonly damages: Damage[] = [];
  #next: number;
  #current: Run | undefined;
  #damageStart = -1;
  /** The highest sequence that the head of a record in the damage shows. */
  #claimed = 0;

  constructor(firstSequence: number) {
    this.#next = firstSequence;
  }

  /** Looks at records that begin before `limit`; `base` is where the bytes stand in the file. Returns where it stopped. */
  feed(bytes: Buffer, base: number, limit: number): number {
    let at = 0;
    while (at < limit) {
      if (this.#damageStart >= 0 && bytes.readUInt8(at) === 0) {
        const zeros = bytes.subarray(at, Math.min(limit, at + BLOCK_BYTES));
        if (zeros.length === BLOCK_BYTES && zeros.equals(ZEROS)) {
          // The length of a record that begins here would be zero, except in the last bytes.
          at += BLOCK_BYTES - 4;
          continue;
        }
      }
      const end = this.#record(bytes, at, base);
      if (end === undefined) {
        if (this.#damageStart < 0) this.#damageStart = base + at;
        this.#current = undefined;
        at++;
      } else at = end;
    }
    return base + at;
  }

  finish(bytes: number): { runs: Run[]; damages: Damage[] } {
    if (this.#damageStart >= 0) {
      const lastSequence = Math.max(this.#next - 1, this.#claimed);
      this.damages.push({ start: this.#damageStart, end: bytes, firstSequence: this.#next, lastSequence });
    }
    return { runs: this.runs, damages: this.damages };
  }

  /** Takes the record at `at`; gives where it ends, undefined when there is no valid one that fits. */
  #record(bytes: Buffer, at: number, base: number): number | undefined {
    if (at + RECORD_HEADER_BYTES > bytes.length) return undefined;
    // The cheap looks first: in damage, most bytes fail here.
    const length = bytes.readUInt32LE(at);
    if (length < 1 || length > MAX_PAYLOAD_BYTES || (bytes[at + 30] as number) > 3) return undefined;
    const sequence = bytes.readUIntLE(at + 8, 6);
    // After damage any later sequence is believed that the bytes in between could have held.
    const skipped = this.#damageStart < 0 ? 0 : base + at - this.#damageStart;
    if (sequence < this.#next || sequence > this.#next + Math.floor(skipped / (RECORD_HEADER_BYTES + 1)))
      return undefined;
    const record = readRecord(bytes, at);
    if (typeof record === 'string') {
      this.#claimed = Math.max(this.#claimed, sequence);
      return undefined;
    }
    this.#take(sequence, base + at, base + record.end);
    return record.end;
  }

  #take(sequence: number, start: number, end: number): void {
    if (this.#damageStart >= 0) {
      const damage = { start: this.#damageStart, end: start, firstSequence: this.#next, lastSequence: sequence - 1 };
      this.damages.push(damage);
      this.#damageStart = -1;
    }
    this.#claimed = 0;
    if (this.#current) {
      this.#current.lastSequence = sequence;
      this.#current.end = end;
    } else {
      this.#current = { firstSequence: sequence, lastSequence: sequence, start, end };
      this.runs.push(this.#current);
    }
    this.#next = sequence + 1;
  }
}

/** Reads what can be read; blocks that the disk refuses are zeros. */
async function readTolerant(file: DiskFile, view: Buffer, position: number): Promise<number> {
  try {
    return await file.read(view, position);
  } catch {
    for (let at = 0; at < view.length; at += BLOCK_BYTES) {
      const block = view.subarray(at, Math.min(view.length, at + BLOCK_BYTES));
      try {
        await file.read(block, position + at);
      } catch (error) {
        if (errorCode(error) === undefined) throw error;
        block.fill(0);
      }
    }
    return view.length;
  }
}
