/**
 * Group commit: while one transaction is under way, what is appended meanwhile waits and goes together into the next.
 *
 * Bounds: `GROUP_RECORDS` and `GROUP_BYTES` a transaction; `QUEUE_BYTES` waiting, beyond which append is refused with
 * `log-unavailable` (the caller keeps its copy and comes again).
 */
import { isRetryable, StoreError } from '../../store/store.ts';
import { EventLogError } from '../event-log.ts';
import { bytesOf } from '../record.ts';
import type { PlacedRecord } from './records.ts';

const GROUP_RECORDS = 2_000;
const GROUP_BYTES = 8 * 1024 * 1024;
const QUEUE_BYTES = 128 * 1024 * 1024;
const CONFLICT_RETRIES = 5;

interface Waiting {
  records: readonly PlacedRecord[];
  bytes: number;
  resolve: () => void;
  reject: (error: EventLogError) => void;
}

export class Appender {
  readonly #write: (records: readonly PlacedRecord[]) => Promise<void>;
  readonly #queue: Waiting[] = [];
  #queuedBytes = 0;
  #writing: Promise<void> | undefined;

  /** @param write One transaction; rejects with a StoreError. */
  constructor(write: (records: readonly PlacedRecord[]) => Promise<void>) {
    this.#write = write;
  }

  append(records: readonly PlacedRecord[]): Promise<void> {
    const bytes = records.reduce((sum, record) => sum + bytesOf(record) + 100, 0);
    if (this.#queuedBytes > 0 && this.#queuedBytes + bytes > QUEUE_BYTES) {
      const message = `${this.#queue.length} appends wait for the database already`;
      return Promise.reject(new EventLogError({ code: 'log-unavailable', message }));
    }
    return new Promise((resolve, reject) => {
      this.#queue.push({ records, bytes, resolve, reject });
      this.#queuedBytes += bytes;
      this.#writing ??= this.#writeAll();
    });
  }

  /** Resolves when nothing is under way. */
  async drained(): Promise<void> {
    while (this.#writing) await this.#writing;
  }

  async #writeAll(): Promise<void> {
    // What is appended in the same turn of the event loop belongs to the first group already.
    await Promise.resolve();
    for (let group = this.#nextGroup(); group.length > 0; group = this.#nextGroup()) {
      try {
        await this.#commit(group.flatMap(({ records }) => records));
        for (const { resolve } of group) resolve();
      } catch (error) {
        const failure = toLogError(error);
        for (const { reject } of group) reject(failure);
      }
    }
    this.#writing = undefined;
  }

  #nextGroup(): Waiting[] {
    let records = 0;
    let bytes = 0;
    let count = 0;
    for (const waiting of this.#queue) {
      if (count > 0 && (records + waiting.records.length > GROUP_RECORDS || bytes + waiting.bytes > GROUP_BYTES)) break;
      records += waiting.records.length;
      bytes += waiting.bytes;
      count++;
    }
    this.#queuedBytes -= bytes;
    return this.#queue.splice(0, count);
  }

  async #commit(records: readonly PlacedRecord[]): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#write(records);
      } catch (error) {
        const conflict = error instanceof StoreError && error.code === 'store-conflict';
        if (!conflict || attempt > CONFLICT_RETRIES) throw error;
      }
    }
  }
}

export function toLogError(error: unknown): EventLogError {
  if (error instanceof EventLogError) return error;
  const message = error instanceof Error ? error.message : String(error);
  if (error instanceof StoreError && error.code === 'store-closed') {
    return new EventLogError({ code: 'log-closed', message, cause: error });
  }
  const passing = isRetryable(error) || (error instanceof StoreError && error.code === 'store-denied');
  return new EventLogError({ code: passing ? 'log-unavailable' : 'log-rejected', message, cause: error });
}
