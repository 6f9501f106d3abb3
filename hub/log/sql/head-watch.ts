/**
 * Knows where the partitions end, and wakes readers when they move: at once for what this process appends, and by looking
 * every `pollMs` for what other processes do, while anybody waits.
 */
import type { Sql } from '../../store/store.ts';
import type { Head } from './records.ts';

export class HeadWatch {
  readonly #sql: Sql;
  readonly #next = new Map<string, Map<number, number>>();
  readonly #sleepers = new Map<() => void, string>();
  readonly #timer: NodeJS.Timeout;
  #looking: Promise<void> | undefined;

  constructor(options: { sql: Sql; pollMs: number }) {
    this.#sql = options.sql;
    this.#timer = setInterval(() => this.#look(), options.pollMs).unref();
  }

  /** After a commit of this process. */
  moved(heads: readonly Head[]): void {
    const topics = new Set<string>();
    for (const { topic, partition, next } of heads) {
      const ends = this.#next.get(topic) ?? new Map<number, number>();
      this.#next.set(topic, ends);
      if ((ends.get(partition) ?? 0) >= next) continue;
      ends.set(partition, next);
      topics.add(topic);
    }
    for (const [wake, topic] of [...this.#sleepers]) if (topics.has(topic)) wake();
  }

  /** Records between these positions and the ends that are known. */
  behind(topic: string, positions: ReadonlyMap<number, number>): number {
    const ends = this.#next.get(topic);
    let records = 0;
    for (const [partition, position] of positions) records += Math.max(0, (ends?.get(partition) ?? 0) - position);
    return records;
  }

  /** The end that is known of a partition: the offset of the record that will be next. */
  end(topic: string, partition: number): number {
    return this.#next.get(topic)?.get(partition) ?? 0;
  }

  async refresh(): Promise<void> {
    this.moved(await this.#sql.query<HeadRow>('select topic, partition, next from log_heads'));
  }

  /** Resolves when the topic has moved, the time is over or the signal says so; never rejects. */
  changed(options: { topic: string; timeoutMs: number; signal: AbortSignal }): Promise<void> {
    const { topic, timeoutMs, signal } = options;
    return new Promise((resolve) => {
      const wake = () => {
        clearTimeout(timer);
        signal.removeEventListener('abort', wake);
        this.#sleepers.delete(wake);
        resolve();
      };
      const timer = setTimeout(wake, timeoutMs);
      if (signal.aborted) return wake();
      signal.addEventListener('abort', wake, { once: true });
      this.#sleepers.set(wake, topic);
    });
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.#looking;
  }

  #look(): void {
    if (this.#sleepers.size === 0) return;
    this.#looking ??= this.refresh()
      .catch(() => {
        // Readers meet the same fault with their own statements, and report it.
      })
      .finally(() => {
        this.#looking = undefined;
      });
  }
}

type HeadRow = { topic: string; partition: number; next: number };
