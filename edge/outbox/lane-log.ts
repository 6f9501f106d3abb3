/**
 * One lane of the Outbox: segments on disk, appended in groups, read in order, freed from the front.
 *
 * Invariants:
 *  - `lastSequence` is on disk (synced); only then are appends resolved;
 *  - a sequence is given out once: after a crash the next one lies behind everything that the files or `lane.json` know of;
 *  - a segment is removed only when `lane.json` on disk says that every record in it has its fate;
 *  - nothing that cannot be read is removed: it is kept in `quarantine/`, and its sequences are stated as quarantined.
 */
import type { Log } from '../../protocols/base/log.ts';
import type { LaneLedger } from '../../protocols/uplink/gateway-status.ts';
import type { Lane } from '../../protocols/uplink/identity.ts';
import {
  RECORD_HEADER_BYTES,
  type RecordTime,
  readRecord,
  recordBytes,
  writeRecord,
} from '../../protocols/uplink/record.ts';
import { type Disk, type DiskFile, readWhole, replaceFile } from './disk.ts';
import { type Fate, LaneState } from './lane-state.ts';
import {
  decodeSegmentHeader,
  encodeSegmentHeader,
  firstSequenceOf,
  type Scan,
  SEGMENT_HEADER_BYTES,
  scanSegment,
  segmentName,
} from './segment.ts';

const STATE_FILE = 'lane.json';

export interface LaneOptions {
  disk: Disk;
  folder: string;
  lane: Lane;
  epoch: string;
  segmentBytes: number;
  log: Log;
}

export interface NewRecord {
  payload: Uint8Array;
  time: RecordTime;
}

export interface LostRange {
  lane: Lane;
  fate: Fate;
  first: number;
  last: number;
  reason: string;
}

interface Segment {
  name: string;
  firstSequence: number;
  /** Of sealed segments; the active one's is `lastSequence` of the lane. */
  lastSequence: number;
  bytes: number;
  /** Set once damage was found: where valid records stand. */
  scan?: Scan;
}

export class LaneLog {
  readonly lane: Lane;
  /** Ranges that opening or reading found damaged and the owner has not yet stated to the hub. */
  readonly found: LostRange[] = [];
  readonly #options: LaneOptions;
  readonly #state: LaneState;
  #segments: Segment[] = [];
  #active: DiskFile | undefined;
  #lastSequence = 0;
  #stateDirty = false;
  #position: { segment: Segment; offset: number; sequence: number } | undefined;

  private constructor(options: LaneOptions, state: LaneState) {
    this.lane = options.lane;
    this.#options = options;
    this.#state = state;
  }

  static async open(options: LaneOptions): Promise<LaneLog> {
    const { disk, folder } = options;
    await disk.makeFolder(`${folder}/quarantine`);
    const lane = new LaneLog(options, LaneState.decode(await readWhole(disk, `${folder}/${STATE_FILE}`)));
    await lane.#discover();
    await lane.#recoverTail();
    return lane;
  }

  get lastSequence(): number {
    return this.#lastSequence;
  }

  get bytes(): number {
    return this.#segments.reduce((sum, segment) => sum + segment.bytes, 0);
  }

  /** The first sequence whose fate is open. */
  get firstPending(): number {
    return this.#state.nextKept(this.#state.doneThrough + 1);
  }

  ledger(): LaneLedger {
    return this.#state.ledger(this.#lastSequence);
  }

  /**
   * Writes a group and syncs it; returns the first of its sequences. On rejection nothing of the group counts: what may stand in the
   * file is cut off before the next group.
   */
  async append(group: readonly NewRecord[]): Promise<number> {
    const bytes = group.reduce((sum, { payload }) => sum + recordBytes(payload.length), 0);
    const buffer = Buffer.allocUnsafe(bytes);
    const first = this.#lastSequence + 1;
    let at = 0;
    for (const [index, { payload, time }] of group.entries()) {
      at = writeRecord(buffer, at, { sequence: first + index, time, payload });
    }
    try {
      const { file, segment } = await this.#writable(bytes);
      await file.write(buffer, segment.bytes);
      await file.sync();
      segment.bytes += bytes;
      this.#lastSequence += group.length;
      segment.lastSequence = this.#lastSequence;
    } catch (error) {
      await this.#abandonActive();
      throw error;
    }
    return first;
  }

  /**
   * The stored records from `from` on, concatenated, up to the limits (at least one record). Undefined when there is none yet.
   * Damage on the way is quarantined and skipped; `first` may therefore lie behind `from`.
   */
  async read(
    from: number,
    limits: { records: number; bytes: number },
  ): Promise<{ first: number; count: number; records: Buffer } | undefined> {
    let next = this.#state.nextKept(Math.max(from, this.#state.doneThrough + 1));
    while (next <= this.#lastSequence) {
      const segment = this.#segmentOf(next);
      if (!segment) {
        // No file holds it (a segment was taken away by hand).
        const following = this.#segments.find((candidate) => candidate.firstSequence > next);
        const last = following ? following.firstSequence - 1 : this.#lastSequence;
        this.#giveUp('quarantined', next, last, 'no segment holds these records');
      } else {
        const found = await this.#readIn(segment, next, limits);
        if (found) return found;
        // Whatever kept it from being read, this record must not keep the ones behind it.
        if (this.#state.nextKept(next) === next) this.#giveUp('quarantined', next, next, 'unreadable on disk');
      }
      next = this.#state.nextKept(next);
    }
    return undefined;
  }

  /** The hub has these. Frees nothing by itself: see `free`. */
  acknowledge(first: number, last: number): void {
    this.#state.acknowledge(first, Math.min(last, this.#lastSequence));
    this.#stateDirty = true;
  }

  get dirty(): boolean {
    return this.#stateDirty;
  }

  /** Makes the cursor durable, then removes the segments whose records all have their fate. */
  async free(): Promise<void> {
    await this.saveState();
    while (this.#segments.length > 0) {
      const segment = this.#segments[0] as Segment;
      if (segment.lastSequence > this.#state.doneThrough) return;
      const isActive = this.#segments.length === 1;
      // A short active segment stays: removing and creating it over and over would cost more than it frees.
      if (isActive && (!this.#active || segment.bytes < this.#options.segmentBytes)) return;
      if (isActive) await this.#abandonActive();
      this.#segments.shift();
      if (this.#position?.segment === segment) this.#position = undefined;
      await this.#options.disk.remove(`${this.#options.folder}/${segment.name}`);
    }
  }

  async saveState(): Promise<void> {
    if (!this.#stateDirty) return;
    this.#stateDirty = false;
    try {
      const { disk, folder } = this.#options;
      await replaceFile(disk, folder, STATE_FILE, this.#state.encode(this.#lastSequence));
    } catch (error) {
      this.#stateDirty = true;
      throw error;
    }
  }

  /** What `evict` would give up: the open records of the oldest segment; undefined when there is none to free. */
  oldest(): { first: number; last: number; bytes: number } | undefined {
    const segment = this.#segments[0];
    if (!segment || segment.lastSequence < segment.firstSequence) return undefined;
    const first = Math.max(segment.firstSequence, this.#state.doneThrough + 1);
    return { first, last: segment.lastSequence, bytes: segment.bytes };
  }

  /** Gives up the oldest segment for want of space. The caller has stated it durably before. */
  async evictOldest(): Promise<void> {
    const segment = this.#segments[0];
    if (!segment) return;
    if (this.#segments.length === 1) await this.#abandonActive();
    this.#state.giveUp('evicted', segment.firstSequence, segment.lastSequence);
    this.#stateDirty = true;
    await this.saveState();
    this.#segments.shift();
    if (this.#position?.segment === segment) this.#position = undefined;
    await this.#options.disk.remove(`${this.#options.folder}/${segment.name}`);
  }

  async close(): Promise<void> {
    try {
      await this.saveState();
    } finally {
      await this.#abandonActive();
    }
  }

  /** Lists the segments; puts aside what is none. Reads headers only, so it does not depend on the backlog. */
  async #discover(): Promise<void> {
    const { disk, folder, lane, epoch } = this.#options;
    for (const name of await disk.list(folder)) {
      if (name === STATE_FILE || name === 'quarantine') continue;
      const firstSequence = firstSequenceOf(name);
      const header = firstSequence === undefined ? undefined : await this.#readHeader(name);
      const fits = header?.lane === lane && header.epoch === epoch && header.firstSequence === firstSequence;
      if (!fits || firstSequence === undefined) await this.#putAside(name);
      else this.#segments.push({ name, firstSequence, lastSequence: firstSequence - 1, bytes: header.bytes });
    }
    for (const [index, segment] of this.#segments.entries()) {
      const following = this.#segments[index + 1];
      if (following) segment.lastSequence = following.firstSequence - 1;
    }
    // What lies before the first segment was removed with its fate settled, even if the file that says so is lost.
    const first = this.#segments[0];
    if (first) this.#state.acknowledge(1, first.firstSequence - 1);
  }

  async #readHeader(name: string) {
    const file = await this.#options.disk.open(`${this.#options.folder}/${name}`, { create: false });
    try {
      const bytes = Buffer.alloc(SEGMENT_HEADER_BYTES);
      const read = await file.read(bytes, 0);
      const header = decodeSegmentHeader(bytes.subarray(0, read));
      return header && { ...header, bytes: await file.size() };
    } finally {
      await file.close();
    }
  }

  /** Opens the last segment for appending: truncates it after the last valid record, keeps the rest aside. */
  async #recoverTail(): Promise<void> {
    const segment = this.#segments.at(-1);
    this.#lastSequence = Math.max(this.#lastSequence, this.#state.lastAtSave, this.#state.doneThrough);
    if (!segment) {
      this.#settleMissingTail(1);
      return;
    }
    const file = await this.#options.disk.open(`${this.#options.folder}/${segment.name}`, { create: false });
    try {
      const scan = await scanSegment(file, segment.firstSequence);
      const lastRun = scan.runs.at(-1);
      const validEnd = lastRun?.end ?? SEGMENT_HEADER_BYTES;
      for (const damage of scan.damages) {
        await this.#keepBytes(file, segment.name, damage);
        this.#giveUp('quarantined', damage.firstSequence, damage.lastSequence, 'damaged on disk');
      }
      if (scan.bytes > validEnd) {
        await file.truncate(validEnd);
        await file.sync();
      }
      segment.bytes = validEnd;
      segment.lastSequence = Math.max(segment.firstSequence - 1, lastRun?.lastSequence ?? 0);
      if (scan.damages.some((damage) => damage.end <= validEnd)) segment.scan = scan;
      const claimed = Math.max(segment.lastSequence, scan.damages.at(-1)?.lastSequence ?? 0);
      const foundLast = segment.lastSequence;
      this.#lastSequence = Math.max(this.#lastSequence, claimed);
      this.#settleMissingTail(foundLast + 1);
      // The next record's sequence would not follow this segment's last one: a new segment begins.
      if (this.#lastSequence === foundLast && !segment.scan) this.#active = file;
    } finally {
      if (this.#active !== file) await file.close();
    }
  }

  /** Sequences from `first` to the last one known that no record backs: they were given out, and are lost. */
  #settleMissingTail(first: number): void {
    const from = Math.max(first, this.#state.doneThrough + 1);
    if (from <= this.#lastSequence) this.#giveUp('quarantined', from, this.#lastSequence, 'missing on disk');
  }

  async #writable(bytes: number): Promise<{ file: DiskFile; segment: Segment }> {
    const current = this.#segments.at(-1);
    const goesOn = current && current.lastSequence === this.#lastSequence && !current.scan;
    if (!this.#active && goesOn) await this.#reopen(current);
    if (this.#active && current) {
      const fits = current.bytes + bytes <= this.#options.segmentBytes || current.bytes === SEGMENT_HEADER_BYTES;
      if (fits) return { file: this.#active, segment: current };
      await this.#abandonActive();
    }
    return this.#newSegment();
  }

  /** After a failed write: what stands behind the accepted records is cut off, so that it can never be taken for accepted. */
  async #reopen(segment: Segment): Promise<void> {
    const file = await this.#options.disk.open(`${this.#options.folder}/${segment.name}`, { create: false });
    try {
      await file.truncate(segment.bytes);
      await file.sync();
      this.#active = file;
    } finally {
      if (this.#active !== file) await file.close();
    }
  }

  async #newSegment(): Promise<{ file: DiskFile; segment: Segment }> {
    const { disk, folder, lane, epoch } = this.#options;
    const firstSequence = this.#lastSequence + 1;
    const name = segmentName(firstSequence);
    const file = await disk.open(`${folder}/${name}`, { create: true });
    try {
      await file.truncate(0);
      await file.write(encodeSegmentHeader({ lane, epoch, firstSequence }), 0);
      await file.sync();
      await disk.syncFolder(folder);
    } catch (error) {
      await file.close();
      throw error;
    }
    const segment: Segment = { name, firstSequence, lastSequence: firstSequence - 1, bytes: SEGMENT_HEADER_BYTES };
    if (this.#segments.at(-1)?.name === name) this.#segments.pop();
    this.#segments.push(segment);
    this.#active = file;
    return { file, segment };
  }

  async #abandonActive(): Promise<void> {
    const file = this.#active;
    this.#active = undefined;
    // A close that fails has nothing to add: what counts was synced before.
    await file?.close().catch(() => {});
  }

  #segmentOf(sequence: number): Segment | undefined {
    for (let index = this.#segments.length - 1; index >= 0; index--) {
      const segment = this.#segments[index] as Segment;
      if (segment.firstSequence <= sequence) return sequence <= segment.lastSequence ? segment : undefined;
    }
    return undefined;
  }

  async #readIn(segment: Segment, from: number, limits: { records: number; bytes: number }) {
    const file = await this.#options.disk.open(`${this.#options.folder}/${segment.name}`, { create: false });
    try {
      if (segment.scan) return await this.#collect(file, segment, from, limits);
      const found = await this.#collect(file, segment, from, limits);
      if (found) return found;
      await this.#quarantineDamage(file, segment);
      return undefined;
    } finally {
      await file.close();
    }
  }

  /** Records from `from` on; undefined when the record `from` cannot be read where it should stand. */
  async #collect(file: DiskFile, segment: Segment, from: number, limits: { records: number; bytes: number }) {
    const start = await this.#locate(file, segment, from);
    if (start === undefined) return undefined;
    let buffer = Buffer.allocUnsafe(Math.min(limits.bytes, segment.bytes - start));
    buffer = buffer.subarray(0, await file.read(buffer, start));
    if (buffer.length >= RECORD_HEADER_BYTES) {
      const firstBytes = recordBytes(buffer.readUInt32LE(0));
      if (firstBytes > buffer.length && firstBytes <= segment.bytes - start) {
        buffer = Buffer.allocUnsafe(firstBytes);
        buffer = buffer.subarray(0, await file.read(buffer, start));
      }
    }
    let at = 0;
    let count = 0;
    while (count < limits.records && from + count <= this.#lastSequence) {
      const record = readRecord(buffer, at);
      if (typeof record === 'string' || record.sequence !== from + count) break;
      at = record.end;
      count++;
    }
    if (count === 0) return undefined;
    this.#position = { segment, offset: start + at, sequence: from + count };
    return { first: from, count, records: buffer.subarray(0, at) };
  }

  /** Where the record stands: from the last read, from the scan, or by walking the segment. */
  async #locate(file: DiskFile, segment: Segment, sequence: number): Promise<number | undefined> {
    const run = segment.scan?.runs.find(
      (candidate) => candidate.firstSequence <= sequence && sequence <= candidate.lastSequence,
    );
    if (segment.scan && !run) return undefined;
    let offset = run?.start ?? SEGMENT_HEADER_BYTES;
    let next = run?.firstSequence ?? segment.firstSequence;
    const position = this.#position;
    if (position?.segment === segment && position.sequence <= sequence && position.sequence >= next) {
      offset = position.offset;
      next = position.sequence;
    }
    if (next === sequence) return offset;
    const window = Buffer.allocUnsafe(256 * 1024);
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

  /** A sealed segment turned out to be damaged: finds what is left of it, states what is not. */
  async #quarantineDamage(file: DiskFile, segment: Segment): Promise<void> {
    const scan = await scanSegment(file, segment.firstSequence);
    segment.scan = scan;
    this.#position = undefined;
    for (const damage of scan.damages) await this.#keepBytes(file, segment.name, damage);
    let next = segment.firstSequence;
    for (const run of scan.runs) {
      this.#giveUp('quarantined', next, run.firstSequence - 1, 'damaged on disk');
      next = run.lastSequence + 1;
    }
    this.#giveUp('quarantined', next, segment.lastSequence, 'damaged on disk');
  }

  #giveUp(fate: Fate, first: number, last: number, reason: string): void {
    if (last < first) return;
    for (const range of this.#state.giveUp(fate, first, last)) {
      this.#options.log.warn({ lane: this.lane, fate, ...range, reason }, 'records lost');
      this.found.push({ lane: this.lane, fate, ...range, reason });
    }
    this.#stateDirty = true;
  }

  async #keepBytes(file: DiskFile, name: string, damage: { start: number; end: number }): Promise<void> {
    const bytes = Buffer.alloc(damage.end - damage.start);
    const length = await file.read(bytes, damage.start);
    const { disk, folder } = this.#options;
    try {
      await replaceFile(disk, `${folder}/quarantine`, `${name}-${damage.start}.bin`, bytes.subarray(0, length));
    } catch (error) {
      // A full disk must not keep the lane from opening: the bytes are lost, their sequences are stated all the same.
      this.#options.log.warn({ err: error, lane: this.lane, segment: name }, 'damaged bytes could not be kept');
    }
  }

  /** Moves a file that is no segment of this lane out of the way. */
  async #putAside(name: string): Promise<void> {
    const { disk, folder, log } = this.#options;
    log.warn({ lane: this.lane, file: name }, 'file in the outbox is no segment of this lane: put aside');
    await disk.rename(`${folder}/${name}`, `${folder}/quarantine/${name}`);
    await disk.syncFolder(folder);
  }
}
