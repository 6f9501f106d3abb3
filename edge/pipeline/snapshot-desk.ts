/**
 * Writes a snapshot of something in memory when it is time, one at a time.
 *
 * Wear: at most every `SAVE_MS` when facts have changed, every `COUNTS_MS` when only counts did, and never faster than `BYTES_PER_SECOND`.
 * Refused by the disk or not, the next attempt waits for its turn.
 */
import type { Clock } from '../../protocols/base/clock.ts';
import { type Disk, replaceFile } from '../outbox/disk.ts';

/** How often each has changed. */
export interface Changes {
  facts: number;
  counts: number;
}

export interface Snapshot {
  content: Buffer;
  /** It is on disk. */
  saved(): void;
}

export interface SnapshotDeskOptions {
  disk: Disk;
  folder: string;
  file: string;
  clock: Clock;
  changes(): Changes;
  take(): Snapshot;
  refused(error: unknown): void;
}

const SAVE_MS = 5_000;
const COUNTS_MS = 60_000;
const BYTES_PER_SECOND = 50_000;
/** No number of changes. */
const STALE = -1;

export class SnapshotDesk {
  readonly #options: SnapshotDeskOptions;
  #saved: Changes & { atUs: number; bytes: number } = { facts: 0, counts: 0, atUs: Number.NEGATIVE_INFINITY, bytes: 0 };
  #saving: Promise<void> | undefined;

  constructor(options: SnapshotDeskOptions) {
    this.#options = options;
  }

  /** What is on disk is not what is in memory, though nothing was counted as changed. */
  stale(): void {
    this.#saved.facts = STALE;
  }

  /** Saves when it is time. */
  tick(): void {
    const { facts, counts } = this.#options.changes();
    const sinceMs = (this.#options.clock.monotonicUs() - this.#saved.atUs) / 1000;
    const isNews = facts !== this.#saved.facts;
    const waitMs = Math.max(isNews ? SAVE_MS : COUNTS_MS, (this.#saved.bytes / BYTES_PER_SECOND) * 1000);
    if ((!isNews && counts === this.#saved.counts) || sinceMs < waitMs) return;
    void this.save();
  }

  /** Resolves when a snapshot of now is on disk, or the disk has refused. */
  async save(): Promise<void> {
    while (this.#saving) await this.#saving;
    this.#saving = this.#write().finally(() => {
      this.#saving = undefined;
    });
    await this.#saving;
  }

  async #write(): Promise<void> {
    const { disk, folder, file, clock, changes, take, refused } = this.#options;
    const atUs = clock.monotonicUs();
    const { content, saved } = take();
    this.#saved = { ...changes(), atUs, bytes: content.length };
    try {
      await replaceFile(disk, folder, file, content);
      saved();
    } catch (error) {
      this.stale();
      refused(error);
    }
  }
}
