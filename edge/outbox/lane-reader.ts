/**
 * Reads stored records of a lane in order, as they stand on disk. Remembers where the last read ended, so that reading on needs no search.
 */
import { RECORD_HEADER_BYTES, recordBytes, recordEnd } from '../../protocols/uplink/record.ts';
import type { Disk, DiskFile } from './disk.ts';
import { type Run, type Scan, SEGMENT_HEADER_BYTES } from './segment.ts';
import type { SegmentFile } from './survey.ts';

/** A segment that a lane knows. */
export interface Segment extends SegmentFile {
  /** The last sequence that is expected in it. */
  lastSequence: number;
  /** Set once damage was found: where valid records stand. */
  scan?: Scan;
  /** The file has this many bytes, written before: `bytes` of them are in use. */
  reservedBytes?: number;
}

export interface StoredRecords {
  first: number;
  count: number;
  records: Buffer;
}

/** How much is read at once; at least one record. */
export interface ReadLimits {
  records: number;
  bytes: number;
  /** Where the records may be put, if there is room: whoever reads a lot need not have as much thrown away. */
  into?: Buffer;
}

const WALK_BYTES = 256 * 1024;

export class LaneReader {
  readonly #disk: Disk;
  #position: { segment: Segment; offset: number; sequence: number } | undefined;

  constructor(disk: Disk) {
    this.#disk = disk;
  }

  forget(): void {
    this.#position = undefined;
  }

  /**
   * Records from `from` on, up to the limits and the segment's last. Undefined when the record `from` cannot be read where it should stand.
   * Rejects when the disk refuses.
   */
  async read(segment: Segment, from: number, limits: ReadLimits): Promise<StoredRecords | undefined> {
    const file = await this.#disk.open(segment.path, { create: false, readOnly: true });
    try {
      // Where damage was found, nothing is read beyond the run of good records: the disk may refuse the rest.
      const run = segment.scan?.runs.find((each) => each.firstSequence <= from && from <= each.lastSequence);
      const end = run?.end ?? segment.bytes;
      const start = segment.scan && !run ? undefined : await this.#locate(file, segment, { sequence: from, run });
      if (start === undefined || start >= end) return undefined;
      const buffer = await readSome(file, start, { want: limits.bytes, end, into: limits.into });
      let at = 0;
      let count = 0;
      while (count < limits.records && from + count <= segment.lastSequence) {
        const next = recordEnd(buffer, at, from + count);
        if (typeof next === 'string') break;
        at = next;
        count++;
      }
      if (count === 0) return undefined;
      this.#position = { segment, offset: start + at, sequence: from + count };
      return { first: from, count, records: buffer.subarray(0, at) };
    } finally {
      await file.close();
    }
  }

  /** Where the record stands: from the last read, from the scan, or by walking the segment. */
  async #locate(
    file: DiskFile,
    segment: Segment,
    { sequence, run }: { sequence: number; run: Run | undefined },
  ): Promise<number | undefined> {
    let offset = run?.start ?? SEGMENT_HEADER_BYTES;
    let next = run?.firstSequence ?? segment.firstSequence;
    const position = this.#position;
    if (position?.segment === segment && position.sequence <= sequence && position.sequence >= next) {
      offset = position.offset;
      next = position.sequence;
    }
    if (next === sequence) return offset;
    const window = Buffer.allocUnsafe(WALK_BYTES);
    let windowStart = -1;
    let windowLength = 0;
    while (next < sequence) {
      if (windowStart < 0 || offset + RECORD_HEADER_BYTES > windowStart + windowLength) {
        windowStart = offset;
        windowLength = await file.read(window, offset);
        if (windowLength < RECORD_HEADER_BYTES) return undefined;
      }
      const length = window.readUInt32LE(offset - windowStart);
      if (window.readUIntLE(offset - windowStart + 8, 6) !== next) return undefined;
      offset += recordBytes(length);
      next++;
    }
    return offset;
  }
}

/** `want` bytes, or as many as the first record takes if it is larger. */
async function readSome(
  file: DiskFile,
  start: number,
  limits: { want: number; end: number; into: Buffer | undefined },
): Promise<Buffer> {
  const rest = limits.end - start;
  const wanted = Math.min(Math.max(limits.want, RECORD_HEADER_BYTES), rest);
  const { into } = limits;
  const buffer = into && wanted <= into.length ? into.subarray(0, wanted) : Buffer.allocUnsafe(wanted);
  const some = buffer.subarray(0, await file.read(buffer, start));
  if (some.length < RECORD_HEADER_BYTES) return some;
  const firstBytes = recordBytes(some.readUInt32LE(0));
  if (firstBytes <= some.length || firstBytes > rest) return some;
  const whole = Buffer.allocUnsafe(firstBytes);
  return whole.subarray(0, await file.read(whole, start));
}
