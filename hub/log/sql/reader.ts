/**
 * The loop behind transform and follow: hold the lease, be assigned all partitions, read a group, hand it on, repeat.
 *
 * - A group is read only after the one before it is done: at most `maxRecords` and `GROUP_BYTES` are in memory.
 * - A failure is kept in `fault()`, and tried again after a backoff; the worker says whether with the same records or after
 *   being assigned anew.
 * - It sleeps until somebody appends (HeadWatch), a tick is due, or the lease wants to be renewed.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { backoff } from '../../../protocols/base/backoff.ts';
import type { Log } from '../../../protocols/base/log.ts';
import type { Store } from '../../store/store.ts';
import type { Runner, StoredRecord } from '../event-log.ts';
import type { HeadWatch } from './head-watch.ts';
import { type Lease, LeaseLostError, RENEW_MS } from './lease.ts';
import { readRecords } from './records.ts';

/** What transform and follow do differently. */
export interface Worker {
  /** The partitions are ours; gives the offset to go on from in each. */
  assigned(): Promise<Map<number, number>>;
  revoked(): void;
  /** Durable when it resolves; `next` is where each partition goes on after these records. */
  handle(records: readonly StoredRecord[], next: ReadonlyMap<number, number>): Promise<void>;
  /** After `handle` failed: come again with the same records, or be assigned anew. */
  readonly retries: 'same-records' | 'assigned-anew';
  tick?: { everyMs: number; run(): Promise<void> };
}

export interface ReaderOptions {
  store: Store;
  log: Log;
  random: () => number;
  heads: HeadWatch;
  group: string;
  topic: string;
  compacted: boolean;
  lease: Lease;
  maxRecords: number;
  worker: Worker;
}

const GROUP_BYTES = 16 * 1024 * 1024;
/** How often a standby asks for the lease. */
const STANDBY_MS = 1_000;

export class SqlReader implements Runner {
  readonly #options: ReaderOptions;
  readonly #stopping = new AbortController();
  readonly #done: Promise<void>;
  #positions: Map<number, number> | undefined;
  #waiting: StoredRecord[] = [];
  #fault: Error | undefined;
  #nextTickMs = 0;
  #leaseFault: LeaseLostError | undefined;
  #renewing: Promise<void> | undefined;

  constructor(options: ReaderOptions) {
    this.#options = options;
    this.#done = this.#run();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#done;
  }

  lag(): number | undefined {
    if (!this.#positions) return undefined;
    return this.#options.heads.behind(this.#options.topic, this.#positions);
  }

  fault(): Error | undefined {
    return this.#fault;
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    let delays = this.#delays();
    // On its own timer: a handler may take longer than the lease.
    const renewal = setInterval(() => this.#renew(), RENEW_MS);
    while (!signal.aborted) {
      try {
        const idleMs = await this.#step();
        if (this.#fault)
          this.#options.log.info({ group: this.#options.group, topic: this.#options.topic }, 'log reader goes on');
        this.#fault = undefined;
        delays = this.#delays();
        // Without an await between looking and going to sleep nothing can be missed.
        if (idleMs > 0 && (this.lag() ?? 0) === 0)
          await this.#options.heads.changed({ topic: this.#options.topic, timeoutMs: idleMs, signal });
      } catch (error) {
        this.#failed(error as Error);
        await delay(delays.next().value ?? 0, undefined, { signal }).catch(() => {});
      }
    }
    clearInterval(renewal);
    await this.#renewing;
    await this.#release();
  }

  /** One group or one tick; gives how long there is nothing to do unless somebody appends. */
  async #step(): Promise<number> {
    const positions = this.#positions ?? (await this.#assign());
    if (!positions) return STANDBY_MS;
    if (this.#leaseFault) throw this.#leaseFault;
    await this.#tick();
    if (this.#waiting.length === 0) this.#waiting = await this.#read(positions);
    if (this.#waiting.length === 0) return this.#idleMs();
    const next = new Map(positions);
    for (const { partition, offset } of this.#waiting) next.set(partition, offset + 1);
    await this.#options.worker.handle(this.#waiting, next);
    this.#positions = next;
    this.#waiting = [];
    return 0;
  }

  async #assign(): Promise<Map<number, number> | undefined> {
    const { store, lease, worker, heads } = this.#options;
    if (!(await lease.acquire(store))) {
      worker.revoked();
      return undefined;
    }
    this.#leaseFault = undefined;
    await heads.refresh();
    const positions = await worker.assigned();
    this.#positions = positions;
    return positions;
  }

  #renew(): void {
    if (!this.#positions || this.#renewing) return;
    this.#renewing = this.#options.lease
      .fence(this.#options.store)
      .catch((error: unknown) => {
        // A database that is away shows in the loop itself.
        if (error instanceof LeaseLostError) this.#leaseFault = error;
      })
      .finally(() => {
        this.#renewing = undefined;
      });
  }

  async #tick(): Promise<void> {
    const { tick } = this.#options.worker;
    if (!tick || performance.now() < this.#nextTickMs) return;
    await tick.run();
    this.#nextTickMs = performance.now() + tick.everyMs;
  }

  async #read(positions: ReadonlyMap<number, number>): Promise<StoredRecord[]> {
    const { store, topic, compacted, maxRecords, heads } = this.#options;
    if (heads.behind(topic, positions) === 0) return [];
    const ends = new Map(
      [...positions].map(([partition, position]) => [partition, Math.max(position, heads.end(topic, partition))]),
    );
    const records = await readRecords({ sql: store, topic, compacted, positions, maxRecords, maxBytes: GROUP_BYTES });
    // A record is visible when its head is: nothing up to these ends means that all of it was deleted by retention.
    if (records.length === 0) this.#positions = ends;
    return records;
  }

  #idleMs(): number {
    if (!this.#options.worker.tick) return RENEW_MS;
    return Math.max(1, this.#nextTickMs - performance.now());
  }

  #failed(error: Error): void {
    const { log, worker, group, topic } = this.#options;
    if (!this.#fault) log.warn({ group, topic, error: error.message }, 'log reader failed; trying again');
    this.#fault = error;
    const lost = error instanceof LeaseLostError;
    if (lost) worker.revoked();
    if (worker.retries === 'same-records' && !lost) return;
    this.#positions = undefined;
    this.#waiting = [];
  }

  async #release(): Promise<void> {
    this.#options.worker.revoked();
    this.#positions = undefined;
    try {
      await this.#options.lease.release(this.#options.store);
    } catch {
      // It runs out by itself.
    }
  }

  #delays() {
    return backoff({ firstMs: 100, maxMs: 5_000, floorMs: 20, random: this.#options.random });
  }
}
