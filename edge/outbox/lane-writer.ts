/**
 * Where a lane's next records go: the last segment while it may be continued, else a new one, or the reserve when the disk is full.
 *
 * Pages whose sync failed are not trusted again (the kernel may have thrown them away and say later that all is well): after it a new segment
 * begins, and what stands behind the accepted records of the old one is never read.
 */
import type { Log } from '../../protocols/base/log.ts';
import type { Lane } from '../../protocols/uplink/identity.ts';
import type { Disk, DiskFile } from './disk.ts';
import type { Group } from './group.ts';
import type { Segment } from './lane-reader.ts';
import type { LaneState } from './lane-state.ts';
import { modeOf } from './outbox-error.ts';
import type { Reserve } from './reserve.ts';
import { encodeSegmentHeader, SEGMENT_HEADER_BYTES, segmentName } from './segment.ts';

export interface LaneWriterOptions {
  disk: Disk;
  folder: string;
  lane: Lane;
  epoch: string;
  segmentBytes: number;
  log: Log;
  state: LaneState;
  reserve: Reserve;
}

export class LaneWriter {
  /** The lane's segments, ascending. */
  segments: Segment[];
  readonly #options: LaneWriterOptions;
  #active: DiskFile | undefined;

  constructor(options: LaneWriterOptions, found: { segments: Segment[]; active: DiskFile | undefined }) {
    this.#options = options;
    this.segments = found.segments;
    this.#active = found.active;
  }

  /** The last segment is open for appending. */
  get isOpen(): boolean {
    return this.#active !== undefined;
  }

  /** Records are being written into the reserve; the bytes left in it. */
  get reserveLeft(): number | undefined {
    const last = this.segments.at(-1);
    return last?.reservedBytes === undefined ? undefined : last.reservedBytes - last.bytes;
  }

  /** Rejects while the disk takes no new segment. */
  async ensureOpen(): Promise<void> {
    if (!this.#active) await this.#newSegment();
  }

  /** Ends the segment that the reserve became, and gives back what was not used of it. */
  async leaveReserve(): Promise<void> {
    const last = this.segments.at(-1);
    if (last?.reservedBytes === undefined) return;
    await this.leave();
    await this.#cutTo(last);
    delete last.reservedBytes;
  }

  drop(segment: Segment): void {
    this.segments = this.segments.filter((each) => each !== segment);
  }

  /**
   * Writes a group and syncs it; returns the first of its sequences. On rejection nothing of the group counts: what may stand in the
   * file is cut off or left behind, and never read.
   */
  async write(group: Group): Promise<number> {
    const { bytes, records } = group;
    const { file, segment } = await this.#writable(bytes);
    const first = this.#options.state.last + 1;
    try {
      await file.write(group.seal(first), segment.bytes);
    } catch (error) {
      if (modeOf(error) !== 'disk-full' || !(await this.#undo(file, segment))) await this.#distrust(segment);
      throw error;
    }
    try {
      await file.sync();
    } catch (error) {
      await this.#distrust(segment);
      throw error;
    }
    segment.bytes += bytes;
    this.#options.state.accept(first + records - 1);
    segment.lastSequence = this.#options.state.last;
    return first;
  }

  async #writable(bytes: number): Promise<{ file: DiskFile; segment: Segment }> {
    const current = this.segments.at(-1);
    if (this.#active && current) {
      const limit = current.reservedBytes ?? this.#options.segmentBytes;
      const isEmpty = current.bytes === SEGMENT_HEADER_BYTES && current.reservedBytes === undefined;
      if (current.bytes + bytes <= limit || isEmpty) return { file: this.#active, segment: current };
      await this.leave();
    }
    return this.#newSegment();
  }

  async #newSegment(): Promise<{ file: DiskFile; segment: Segment }> {
    const { disk, folder } = this.#options;
    const segment = this.#nextSegment();
    const file = await disk.open(segment.path, { create: true });
    try {
      await file.truncate(0);
      await file.write(this.#header(segment), 0);
      await file.sync();
      await disk.syncFolder(folder);
    } catch (error) {
      await file.close().catch(() => {});
      await disk.remove(segment.path).catch(() => {});
      throw error;
    }
    return this.#begin(file, segment);
  }

  /** The reserve becomes the next segment. */
  async goToReserve(): Promise<void> {
    const { log, lane, reserve } = this.#options;
    await this.leave();
    const segment = this.#nextSegment();
    const { file, bytes } = await reserve.take(segment.path);
    try {
      await file.write(this.#header(segment), 0);
      await file.sync();
    } catch (error) {
      await file.close().catch(() => {});
      throw error;
    }
    log.warn({ lane, bytes }, 'the disk is full: the lane goes on in its reserve');
    this.#begin(file, { ...segment, reservedBytes: bytes });
  }

  #nextSegment(): Segment {
    const firstSequence = this.#options.state.last + 1;
    return {
      path: `${this.#options.folder}/${segmentName(firstSequence)}`,
      firstSequence,
      lastSequence: firstSequence - 1,
      bytes: SEGMENT_HEADER_BYTES,
      whole: true,
      unusedFrom: this.#options.state.unusedBefore(firstSequence),
    };
  }

  #header({ firstSequence, unusedFrom }: Segment): Buffer {
    const { lane, epoch } = this.#options;
    return encodeSegmentHeader({ lane, epoch, firstSequence, unusedFrom });
  }

  #begin(file: DiskFile, segment: Segment): { file: DiskFile; segment: Segment } {
    // An empty segment of the same name was begun before, and is this one now.
    this.segments = this.segments.filter((each) => each.path !== segment.path);
    this.segments.push(segment);
    this.#active = file;
    return { file, segment };
  }

  /** Cuts off what was written in part. False when not even that is possible. */
  async #undo(file: DiskFile, segment: Segment): Promise<boolean> {
    if (segment.reservedBytes !== undefined) return true;
    return file.truncate(segment.bytes).then(
      () => true,
      () => false,
    );
  }

  /** Nothing is appended to this segment any more; what stands behind its accepted records is cut off if the disk allows. */
  async #distrust(segment: Segment): Promise<void> {
    await this.leave();
    if (segment.lastSequence >= segment.firstSequence) {
      await this.#cutTo(segment).catch(() => {});
      return;
    }
    this.segments = this.segments.filter((each) => each !== segment);
    await this.#options.disk.remove(segment.path).catch(() => {});
  }

  async #cutTo(segment: Segment): Promise<void> {
    const file = await this.#options.disk.open(segment.path, { create: false });
    await file.truncate(segment.bytes).finally(() => file.close());
  }

  /** Nothing is appended to the last segment any more. */
  async leave(): Promise<void> {
    const file = this.#active;
    this.#active = undefined;
    // A close that fails has nothing to add: what counts was synced before.
    await file?.close().catch(() => {});
  }
}
