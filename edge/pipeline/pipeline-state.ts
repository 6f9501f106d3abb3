/**
 * Keeps the pipeline's memory over restarts: which tags are present, and where the vehicle is. File `pipeline.state` (snapshot-file.ts).
 *
 * The Outbox is the journal: an arrival or departure counts when its record is there, so the file is a snapshot with the sequence up to
 * which it is complete, and what was stored after it is read back from the tracking lane. So after any crash a tag that has arrived
 * by a record does not arrive again, and one whose record did not reach the disk does. What a crash costs is counts: reads since the last
 * snapshot.
 *
 * After a restart each presence gets its whole silence anew, from when its reader is heard. Within one boot of the box its times hold; in another
 * they are carried over as durations.
 *
 * A snapshot is written when facts have changed, less often when only reads were counted (snapshot-desk.ts), and at the stop.
 */
import type { Clock } from '../../protocols/base/clock.ts';
import type { Log } from '../../protocols/base/log.ts';
import { type Disk, readWhole } from '../outbox/disk.ts';
import type { Pipeline } from './pipeline.ts';
import { type Snapshot, SnapshotDesk } from './snapshot-desk.ts';
import { decodeState, encodeState, type SavedState } from './snapshot-file.ts';
import { storedRecords } from './stored-payload.ts';
import type { Stay } from './tag-presence.ts';

/** What this needs of the Outbox. */
export interface TrackingTail {
  readonly epoch: string;
  readonly bootId: number;
  lastSequence(): number;
  /** The newest records of the lane, oldest first, whatever became of them. */
  newest(count: number): Promise<Buffer>;
  /** Records from this sequence on are kept on disk, though the hub has them. */
  retain(from: number): void;
}

const FILE = 'pipeline.state';
/** Many times what is stored between two snapshots; bounds the start where the file is lost. */
const MOST_REPLAYED = 20_000;

export class PipelineState {
  readonly #pipeline: Pipeline;
  readonly #tail: TrackingTail;
  readonly #disk: Disk;
  readonly #folder: string;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #desk: SnapshotDesk;

  constructor(options: {
    pipeline: Pipeline;
    tail: TrackingTail;
    disk: Disk;
    folder: string;
    clock: Clock;
    log: Log;
  }) {
    this.#pipeline = options.pipeline;
    this.#tail = options.tail;
    this.#disk = options.disk;
    this.#folder = options.folder;
    this.#clock = options.clock;
    this.#log = options.log;
    this.#desk = new SnapshotDesk({
      ...options,
      file: FILE,
      changes: () => ({ facts: this.#pipeline.changes.facts, counts: this.#pipeline.changes.reads }),
      take: () => this.#snapshot(),
      refused: (error) => {
        // A disk that is full needs the room more than we need the records.
        this.#tail.retain(Number.POSITIVE_INFINITY);
        this.#log.warn({ err: error, file: FILE }, 'which tags are present is not on disk');
      },
    });
  }

  /** Before the first reading. Never rejects: what cannot be read is as good as none, and is said. */
  async load(): Promise<void> {
    try {
      const saved = await this.#read();
      const last = this.#tail.lastSequence();
      const after = Math.max(saved?.epoch === this.#tail.epoch ? saved.through : 0, last - MOST_REPLAYED);
      // Until the first snapshot of this run these records are needed.
      this.#tail.retain(after + 1);
      if (saved) this.#restore(saved);
      await this.#replay(after);
      if (saved || last > after) this.#desk.stale();
    } catch (error) {
      this.#log.warn({ err: error, file: FILE }, 'which tags were present before the start could not be found out');
    }
  }

  /** Saves when it is time. */
  tick(): void {
    this.#desk.tick();
  }

  /** Resolves when a snapshot of now is on disk, or the disk has refused. */
  save(): Promise<void> {
    return this.#desk.save();
  }

  #snapshot(): Snapshot {
    const { bootId, epoch } = this.#tail;
    const snapshot = this.#pipeline.snapshot();
    return {
      content: encodeState({ ...snapshot, bootId, epoch, savedUs: this.#clock.monotonicUs() }),
      saved: () => this.#tail.retain(snapshot.through + 1),
    };
  }

  async #read(): Promise<ReturnType<typeof decodeState>> {
    const content = await readWhole(this.#disk, `${this.#folder}/${FILE}`);
    const saved = content && decodeState(content);
    if (content && !saved) this.#log.warn({ file: FILE }, 'damaged: its records are read back instead');
    return saved;
  }

  #restore(saved: Omit<SavedState, 'stays'> & { stays: Stay[] }): void {
    const shiftUs = saved.bootId === this.#tail.bootId ? 0 : this.#clock.monotonicUs() - saved.savedUs;
    const stays = saved.stays.map((stay) => ({
      ...stay,
      firstUs: stay.firstUs + shiftUs,
      lastUs: stay.lastUs + shiftUs,
    }));
    const restored = this.#pipeline.restore({ ...saved, stays });
    this.#log.info({ tags: restored, gone: stays.length - restored }, 'tags that were present');
  }

  /** Records that the snapshot does not hold. */
  async #replay(after: number): Promise<void> {
    const count = this.#tail.lastSequence() - after;
    if (count <= 0) return;
    const records = await this.#tail.newest(count);
    for (const { payload, time } of storedRecords(records, ({ sequence }) => sequence > after)) {
      if (payload.kind !== 'tracking') continue;
      const isOfThisBoot = time.bootId === this.#tail.bootId;
      this.#pipeline.replay(payload, isOfThisBoot ? time.monotonicUs : this.#clock.monotonicUs());
    }
  }
}
