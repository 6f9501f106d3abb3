/**
 * One lane of the Outbox: segments on disk, appended in groups, read in order, freed from the front.
 *
 * Invariants:
 *  - what `append` gave out is on disk (synced), and the mark says so;
 *  - a sequence is given out once. After a crash the next one follows the last record found, unless something may have been given out that is
 *    not on disk any more: then sequences are skipped, and stated as unused;
 *  - a segment is removed only when the disk says (lane.json, or the mark) that every record in it has its fate;
 *  - nothing that cannot be read is removed: it is kept in `quarantine/`, and its sequences are stated as quarantined;
 *  - pages whose sync failed are not trusted again: after it a new segment begins.
 *
 * The owner calls one method at a time (turns.ts).
 */
import type { Clock } from '../../protocols/base/clock.ts';
import type { Log } from '../../protocols/base/log.ts';
import type { LaneLedger } from '../../protocols/uplink/gateway-status.ts';
import type { Lane } from '../../protocols/uplink/identity.ts';
import { type Disk, type DiskFile, errorCode, replaceFile } from './disk.ts';
import type { Group } from './group.ts';
import { LaneReader, type ReadLimits, type Segment, type StoredRecords } from './lane-reader.ts';
import { recoverTail } from './lane-recovery.ts';
import { type Fate, type LaneFile, LaneState } from './lane-state.ts';
import { LaneWriter } from './lane-writer.ts';
import type { MarkFile } from './mark-file.ts';
import { modeOf } from './outbox-error.ts';
import type { Quarantine } from './quarantine.ts';
import { firstUncovered, overlaps, pendingIn } from './recount.ts';
import { Reserve } from './reserve.ts';
import { scanSegment, segmentName } from './segment.ts';
import { type SegmentFile, STATE_FILE } from './survey.ts';

export interface LaneOptions {
  disk: Disk;
  folder: string;
  lane: Lane;
  epoch: string;
  segmentBytes: number;
  clock: Clock;
  log: Log;
  mark: MarkFile;
  quarantine: Quarantine;
  /** Bytes of the reserve; 0 for lanes without one. */
  reserveBytes: number;
}

/** A segment that the disk refuses to read is given up after this long, if the disk reads otherwise. */
const UNREADABLE_AFTER_US = 30_000_000;
const UNREADABLE_AFTER_TRIES = 5;
/** Not the disk's fault, and not the file's. */
const NO_VERDICT = new Set(['EMFILE', 'ENFILE', 'ENOMEM', 'EAGAIN', 'EINTR']);
const NEWEST = { records: 10_000, bytes: 256 * 1024 };
const SCRUB = { records: 10_000, bytes: 512 * 1024 };

export class LaneLog {
  readonly lane: Lane;
  readonly reserve: Reserve;
  readonly #options: LaneOptions;
  readonly #state: LaneState;
  readonly #reader: LaneReader;
  readonly #scrubber: LaneReader;
  readonly #writer: LaneWriter;
  #dirty = false;
  /** First sequence of the last segment that was read for sending, in any run. */
  #sent: number;
  #retainFrom = Number.POSITIVE_INFINITY;
  /** Evicted and known to the mark alone. */
  #unsavedEvicted: { first: number; last: number } | undefined;
  #refusal: { segment: Segment; sinceUs: number; tries: number } | undefined;
  #scrubNext = 1;
  #openingFault: unknown;

  private constructor(parts: {
    options: LaneOptions;
    state: LaneState;
    sent: number;
    reserve: Reserve;
    writer: LaneWriter;
  }) {
    this.lane = parts.options.lane;
    this.reserve = parts.reserve;
    this.#options = parts.options;
    this.#state = parts.state;
    this.#sent = parts.sent;
    this.#writer = parts.writer;
    this.#reader = new LaneReader(parts.options.disk);
    this.#scrubber = new LaneReader(parts.options.disk);
  }

  /** @param found.fresh The outbox is new: nothing can be missing. */
  static async open(
    options: LaneOptions,
    found: { segments: readonly SegmentFile[]; state: LaneFile | undefined; fresh: boolean; patient: boolean },
  ): Promise<LaneLog> {
    const { disk, folder, mark, lane, epoch } = options;
    const known = mark.found(lane)?.epoch === epoch ? mark.found(lane) : undefined;
    const state = LaneState.restore(found.state, known?.mark);
    const reserve = new Reserve({ disk, folder, wantedBytes: options.reserveBytes });
    if (options.reserveBytes > 0) await reserve.find();
    const tail = await recoverTail({
      ...options,
      state,
      files: found.segments,
      known,
      fresh: found.fresh,
      patient: found.patient,
      isStateKnown: found.state !== undefined || known !== undefined,
      save: () => replaceFile(disk, folder, STATE_FILE, state.encode(lane, epoch)),
    });
    const writer = new LaneWriter({ ...options, state, reserve }, tail);
    const log = new LaneLog({ options, state, sent: known?.mark.sent ?? 0, reserve, writer });
    // lane.json is there from the first day on: where it is missing, something was lost.
    log.#dirty = found.state === undefined || state.statements.length > found.state.statements.length;
    await log.saveState().catch(() => {});
    log.#openingFault = await log.#writeMark({ sync: false });
    return log;
  }

  /** Why the disk takes no writes, as seen when opening; undefined when it does. */
  get openingFault(): unknown {
    return this.#openingFault;
  }

  get lastSequence(): number {
    return this.#state.last;
  }

  get state(): LaneState {
    return this.#state;
  }

  get bytes(): number {
    return this.#writer.segments.reduce((sum, segment) => sum + segment.bytes, 0);
  }

  /** The first sequence whose fate is open. */
  get firstPending(): number {
    return this.#state.nextKept(1);
  }

  /** Alerts are being written into the reserve; the bytes left in it. */
  get reserveLeft(): number | undefined {
    return this.#writer.reserveLeft;
  }

  ledger(): LaneLedger {
    return this.#state.ledger();
  }

  get dirty(): boolean {
    return this.#dirty;
  }

  touch(): void {
    this.#dirty = true;
  }

  /**
   * Writes a group and syncs it; returns the first of its sequences. On rejection nothing of the group counts: what may stand in the
   * file is cut off or left behind, and never read.
   */
  async append(group: Group): Promise<number> {
    const first = await this.#writer.write(group).catch(async (error: unknown) => {
      if (modeOf(error) !== 'disk-full' || this.reserve.bytes === 0) throw error;
      await this.#writer.goToReserve();
      return this.#writer.write(group);
    });
    await this.#writeMark({ sync: false });
    return first;
  }

  /**
   * The stored records from `from` on, concatenated, up to the limits (at least one record). Undefined when there is none yet.
   * Damage on the way is quarantined and skipped; `first` may therefore lie behind `from`. Rejects while the disk refuses.
   */
  async read(from: number, limits: ReadLimits): Promise<StoredRecords | undefined> {
    for (let next = this.#state.nextKept(from); next <= this.#state.last; next = this.#state.nextKept(next)) {
      const segment = this.#segmentOf(next);
      if (!segment) {
        this.#giveUpMissing(next);
        continue;
      }
      await this.#noteSent(segment);
      const found = await this.#readIn(segment, next, limits);
      if (found) return found;
    }
    return undefined;
  }

  /** The newest records, oldest first, whatever became of them; as many as are still there and can be read. */
  async newest(count: number): Promise<Buffer> {
    const found: Buffer[] = [];
    const reader = new LaneReader(this.#options.disk);
    for (const segment of this.#writer.segments) {
      let next = Math.max(segment.firstSequence, this.#state.last - count + 1);
      while (next <= segment.lastSequence) {
        const some = await reader.read(segment, next, NEWEST).catch(() => undefined);
        if (some) found.push(some.records);
        next = some ? some.first + some.count : next + 1;
      }
    }
    return Buffer.concat(found);
  }

  /** The hub has these. Frees nothing by itself: see `free`. */
  acknowledge(first: number, last: number): void {
    if (this.#state.acknowledge(first, last)) this.#dirty = true;
  }

  /** Records from this sequence on stay where they are, though the hub has them: somebody goes back to them after a crash. */
  retain(from: number): void {
    this.#retainFrom = from;
  }

  /** Makes the cursor durable, then removes the segments whose records all have their fate and that nobody goes back to. */
  async free(): Promise<void> {
    let done = this.#state.done;
    try {
      await this.saveState();
      await this.#writeMark({ sync: false });
    } catch (error) {
      // On a full disk the mark takes the cursor, so that what is acknowledged can make room.
      done = this.#state.mark(this.#unsavedEvicted).done;
      if (modeOf(error) !== 'disk-full' || (await this.#writeMark({ sync: true })) !== undefined) throw error;
    }
    for (const segment of [...this.#writer.segments]) {
      if (segment.lastSequence > done || segment.lastSequence >= this.#retainFrom) return;
      const isLast = segment === this.#writer.segments.at(-1);
      // A short last segment stays: removing and creating it over and over would cost more than it frees.
      if (isLast && (!this.#writer.isOpen || segment.bytes < this.#options.segmentBytes)) return;
      if (isLast) await this.#writer.leave();
      await this.#remove(segment);
    }
  }

  async saveState(): Promise<void> {
    if (!this.#dirty) return;
    this.#dirty = false;
    try {
      const { disk, folder, lane, epoch } = this.#options;
      await replaceFile(disk, folder, STATE_FILE, this.#state.encode(lane, epoch));
      this.#state.saved();
      this.#unsavedEvicted = undefined;
    } catch (error) {
      this.#dirty = true;
      throw error;
    }
  }

  /**
   * What `evict` would take: the oldest segment. One that was read for sending is passed over while there is another, because some of its
   * records may be at the hub without our knowing; they are sent again and acknowledged, so that both sides count the same.
   */
  evictable(): Segment | undefined {
    const full = this.#writer.segments.filter((segment) => segment.lastSequence >= segment.firstSequence);
    return full.find((segment) => segment.firstSequence > this.#sent) ?? full[0];
  }

  /** Gives up a segment for want of space. That it has to be stated is durable before the file goes; where that cannot be, nothing is given up. */
  async evict(segment: Segment, reason: string): Promise<void> {
    await this.#rehearseSave();
    if (segment === this.#writer.segments.at(-1)) await this.#writer.leave();
    const range = { first: segment.firstSequence, last: segment.lastSequence };
    this.#giveUp('evicted', range, reason);
    try {
      await this.saveState();
    } catch (error) {
      const before = this.#unsavedEvicted;
      const joins = !before || before.last + 1 === range.first;
      if (modeOf(error) !== 'disk-full' || !joins) throw error;
      this.#unsavedEvicted = { first: before?.first ?? range.first, last: range.last };
      if ((await this.#writeMark({ sync: true })) !== undefined) throw error;
    }
    await this.#remove(segment);
  }

  /** Rejects when neither lane.json nor the mark can be written. */
  async #rehearseSave(): Promise<void> {
    this.#dirty = true;
    try {
      await this.saveState();
    } catch (error) {
      if (modeOf(error) !== 'disk-full' || (await this.#writeMark({ sync: true })) !== undefined) throw error;
    }
  }

  /** Rejects while the disk takes no writes. */
  async probe(): Promise<void> {
    await this.#writer.ensureOpen();
    await this.free();
    const fault = await this.#writeMark({ sync: true });
    if (fault !== undefined) throw fault;
  }

  /** There is space again: what the reserve lent is given back, and it is written anew. */
  async restoreReserve(): Promise<void> {
    await this.#writer.leaveReserve();
    await this.reserve.ensure();
  }

  /** Counts again, a part at a time, and looks at what is stored: what does not hold, a sentence each. */
  async check(): Promise<string[]> {
    const found = this.#state.violations();
    const { segments } = this.#writer;
    found.push(...overlaps(segments));
    const covered = segments.reduce((sum, segment) => sum + pendingIn(segment, this.#state), 0);
    const { pending } = this.ledger();
    // What no file holds is found out here, too, and not only when it would be sent.
    if (covered < pending) this.#giveUpMissing(firstUncovered(segments, this.#state));
    else if (covered > pending) found.push(`${pending} records pending, but ${covered} stored`);
    await this.#scrub();
    return found.map((violation) => `lane ${this.lane}: ${violation}`);
  }

  async close(): Promise<void> {
    try {
      await this.saveState();
      await this.#writeMark({ sync: true, closed: true });
    } finally {
      await this.#writer.leave();
    }
  }

  async #remove(segment: Segment): Promise<void> {
    const { disk, quarantine } = this.#options;
    if (segment.whole || segment.scan) await disk.remove(segment.path);
    else await quarantine.putAside(segment.path, 'never read to its end');
    this.#writer.drop(segment);
    this.#reader.forget();
  }

  /** No file holds it: a segment was taken away. */
  #giveUpMissing(first: number): void {
    const following = this.#writer.segments.find((candidate) => candidate.firstSequence > first);
    const last = following ? following.firstSequence - 1 : this.#state.last;
    this.#giveUp('quarantined', { first, last }, 'no file holds these records');
  }

  #segmentOf(sequence: number): Segment | undefined {
    for (let index = this.#writer.segments.length - 1; index >= 0; index--) {
      const segment = this.#writer.segments[index] as Segment;
      if (segment.firstSequence <= sequence) return sequence <= segment.lastSequence ? segment : undefined;
    }
    return undefined;
  }

  /** Undefined when what was to be read has a fate by now. Rejects while the disk refuses and there is hope. */
  async #readIn(segment: Segment, from: number, limits: ReadLimits) {
    try {
      if (segment.bytes === 0) segment.bytes = await this.#sizeOf(segment);
      const found = await this.#reader.read(segment, from, limits);
      this.#refusal = undefined;
      if (found) return found;
      await this.#quarantineDamage(segment, { tolerant: false });
    } catch (error) {
      if (errorCode(error) === 'ENOENT') {
        this.#writer.drop(segment);
        return undefined;
      }
      if (!(await this.#isHopeless(segment, error))) throw error;
      await this.#quarantineDamage(segment, { tolerant: true });
    }
    if (this.#state.nextKept(from) !== from) return undefined;
    const found = await this.#reader.read(segment, from, limits).catch(() => undefined);
    // Whatever kept it from being read, this record must not keep the ones behind it.
    if (!found) this.#giveUp('quarantined', { first: from, last: from }, 'unreadable on disk');
    return found;
  }

  async #isHopeless(segment: Segment, error: unknown): Promise<boolean> {
    const nowUs = this.#options.clock.monotonicUs();
    if (this.#refusal?.segment !== segment) this.#refusal = { segment, sinceUs: nowUs, tries: 0 };
    this.#refusal.tries++;
    const { sinceUs, tries } = this.#refusal;
    if (NO_VERDICT.has(errorCode(error) ?? '') || tries < UNREADABLE_AFTER_TRIES) return false;
    return nowUs - sinceUs >= UNREADABLE_AFTER_US && (await this.#options.mark.isReadable());
  }

  async #sizeOf(segment: Segment): Promise<number> {
    const file = await this.#options.disk.open(segment.path, { create: false, readOnly: true });
    return file.size().finally(() => file.close());
  }

  /** A segment turned out to be damaged: finds what is left of it, keeps the rest aside, states what is lost. */
  async #quarantineDamage(segment: Segment, options: { tolerant: boolean }): Promise<void> {
    const { disk, quarantine } = this.#options;
    const reason = options.tolerant ? 'unreadable on disk' : 'damaged on disk';
    let file: DiskFile;
    try {
      file = await disk.open(segment.path, { create: false, readOnly: true });
    } catch (error) {
      if (!options.tolerant) throw error;
      this.#giveUp('quarantined', { first: segment.firstSequence, last: segment.lastSequence }, reason);
      return;
    }
    try {
      const scan = await scanSegment(file, segment.firstSequence, options);
      segment.scan = scan;
      this.#reader.forget();
      const name = segmentName(segment.firstSequence);
      for (const damage of scan.damages) await quarantine.keep(file, name, damage);
      let next = segment.firstSequence;
      for (const run of scan.runs) {
        this.#giveUp(
          'quarantined',
          { first: next, last: Math.min(run.firstSequence - 1, segment.lastSequence) },
          reason,
        );
        next = run.lastSequence + 1;
      }
      this.#giveUp('quarantined', { first: next, last: segment.lastSequence }, reason);
    } finally {
      await file.close();
    }
  }

  /** The mark knows which segments may have been sent from, before anything of them is. */
  async #noteSent(segment: Segment): Promise<void> {
    if (segment.firstSequence <= this.#sent) return;
    this.#sent = segment.firstSequence;
    // On a disk that takes no writes there is nothing to evict either.
    await this.#writeMark({ sync: true });
  }

  /** Reads on where it stopped last time, so that damage is found while it is small, and not when the hub is back after a week. */
  async #scrub(): Promise<void> {
    const next = this.#state.nextKept(this.#scrubNext);
    const segment = this.#segmentOf(next);
    if (!segment) {
      this.#scrubNext = 1;
      return;
    }
    // Whatever comes of it, the next time goes on behind it.
    this.#scrubNext = segment.lastSequence + 1;
    try {
      const found = await this.#scrubber.read(segment, next, SCRUB);
      if (found) this.#scrubNext = found.first + found.count;
      else if (segment.bytes > 0 && !segment.scan) await this.#quarantineDamage(segment, { tolerant: false });
    } catch (error) {
      if (errorCode(error) !== 'ENOENT') throw error;
      this.#writer.drop(segment);
      this.#giveUpMissing(next);
    }
  }

  #giveUp(fate: Fate, range: { first: number; last: number }, reason: string): void {
    for (const lost of this.#state.giveUp(fate, range.first, range.last, reason)) {
      this.#options.log.warn({ lane: this.lane, fate, ...lost, reason }, 'records lost');
      this.#dirty = true;
    }
  }

  #writeMark(options: { sync: boolean; closed?: boolean }): Promise<unknown> {
    const { mark, lane, epoch } = this.#options;
    const content = {
      ...this.#state.mark(this.#unsavedEvicted),
      sent: this.#sent,
      epoch,
      closed: options.closed ?? false,
    };
    return mark.write(lane, content, { sync: options.sync });
  }
}
