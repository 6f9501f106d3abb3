/**
 * A member of a consumer group that runs a transform: one group of records at a time, in a transaction with its offsets; a tick between
 * groups; after a failure a backoff, then its partitions anew. What hub/log/kafka/ does, in simulated time.
 *
 * Every commit, a tick's too, is fenced: it fails when the partition has gone to somebody else meanwhile.
 */
import {
  type LogRecord,
  type StoredRecord,
  TOPICS,
  type Transformed,
  type TransformOptions,
} from '../../hub/log/event-log.ts';
import { type SimLog, unavailable } from './sim-log.ts';
import type { SimProcess } from './world.ts';

const RETRY_MS = 100;
const MAX_RETRY_MS = 1_500;
const PUT_OFF_MS = 1_000;

export class LogMember {
  readonly process: SimProcess;
  readonly #log: SimLog;
  readonly #options: TransformOptions;
  /** What the coordinator wants us to have; taken up between groups. */
  #wanted: { generation: number; partitions: number[] } | undefined;
  #generation = 0;
  readonly #positions = new Map<number, number>();
  /** Since when there are offsets of records without effect: they go with the next transaction, or after a while. */
  #putOffSinceMs: number | undefined;
  #retryMs = RETRY_MS;
  #nextTickMs = 0;
  #wake: (() => void) | undefined;
  #woken = false;

  constructor(log: SimLog, options: TransformOptions, process: SimProcess) {
    this.#log = log;
    this.#options = options;
    this.process = process;
    void this.#run();
  }

  assign(generation: number, partitions: number[]): void {
    this.#wanted = { generation, partitions };
    this.wake();
  }

  wake(): void {
    this.#woken = true;
    this.#wake?.();
  }

  async #run(): Promise<void> {
    for (;;) {
      try {
        this.#rebalance();
        await this.#tick();
        const worked = await this.#group();
        this.#retryMs = RETRY_MS;
        if (worked) continue;
        await this.#settle();
        await this.#rest();
      } catch (error) {
        this.#log.world.note(`${this.process.name} ${this.#options.group}: ${(error as Error).message}`);
        await this.#log.world.sleep(this.#log.random() * this.#retryMs, this.process);
        this.#log.witness.disturbed(this.#options.group);
        this.#retryMs = Math.min(MAX_RETRY_MS, this.#retryMs * 2);
        this.#recover();
      }
    }
  }

  /** Until something comes or a tick is due. A paused process does not notice what comes. */
  #rest(): Promise<void> {
    if (this.#woken) {
      this.#woken = false;
      return Promise.resolve();
    }
    const { world } = this.#log;
    return new Promise((resolve) => {
      const ticks = this.#options.onTick !== undefined && this.#positions.size > 0;
      const due = ticks ? this.#nextTickMs - world.nowMs : Number.POSITIVE_INFINITY;
      const cancel = Number.isFinite(due) ? world.after(due, this.process, () => this.#wake?.()) : () => {};
      this.#wake = () => {
        this.#wake = undefined;
        cancel();
        world.after(0.1, this.process, () => {
          this.#woken = false;
          resolve();
        });
      };
    });
  }

  /** Everything is given back and taken anew: somebody else may have had it in between. */
  #rebalance(): void {
    const wanted = this.#wanted;
    if (!wanted) return;
    this.#wanted = undefined;
    this.#generation = wanted.generation;
    this.#dropAll();
    for (const partition of wanted.partitions) this.#restore(partition);
  }

  #dropAll(): void {
    for (const partition of [...this.#positions.keys()]) {
      this.#positions.delete(partition);
      this.#options.onRevoked(partition);
    }
  }

  #restore(partition: number): void {
    const { group } = this.#options;
    this.#positions.set(
      partition,
      Math.max(this.#positions.get(partition) ?? 0, this.#log.committed(group, partition)),
    );
    this.#options.onAssigned(partition, this.#log.state(partition));
  }

  #recover(): void {
    if (!this.#log.isMember(this.#options.group, this)) {
      this.#dropAll();
      this.#log.join(this.#options.group, this);
    }
    for (const partition of this.#positions.keys()) this.#restore(partition);
  }

  async #tick(): Promise<void> {
    const { onTick, tickMs = 1_000 } = this.#options;
    const { nowMs } = this.#log.world;
    if (!onTick || nowMs < this.#nextTickMs || this.#positions.size === 0) return;
    const result = onTick();
    if (result && result.outputs.length > 0) await this.#commit(result, new Map(), 'tick');
    else result?.committed?.();
    this.#nextTickMs = this.#log.world.nowMs + tickMs;
  }

  async #group(): Promise<boolean> {
    const { random } = this.#log;
    const most = 1 + Math.floor(random() * 8);
    const records: StoredRecord[] = [];
    const next = new Map<number, number>();
    for (const [partition, position] of this.#positions) {
      const found = (this.#log.records(this.#options.input)[partition] ?? []).slice(
        position,
        position + most - records.length,
      );
      records.push(...found);
      if (found.length > 0) next.set(partition, position + found.length);
    }
    if (records.length === 0) return false;
    if (this.#log.mutation === 'log-reorders') records.reverse();
    const result = await this.#options.onRecords(records);
    if (result.outputs.length > 0) await this.#commit(result, new Map([...this.#positions, ...next]));
    else {
      this.#putOffSinceMs ??= this.#log.world.nowMs;
      result.committed?.();
    }
    for (const [partition, position] of next) this.#positions.set(partition, position);
    return true;
  }

  /** With nothing to do it learns whether it still is a member, and commits what was put off. */
  async #settle(): Promise<void> {
    if (!this.#log.isMember(this.#options.group, this)) this.#recover();
    if (this.#putOffSinceMs === undefined || this.#log.world.nowMs - this.#putOffSinceMs < PUT_OFF_MS) return;
    await this.#commit({ outputs: [] }, new Map(this.#positions));
  }

  async #commit(result: Transformed, offsets: ReadonlyMap<number, number>, of?: 'tick'): Promise<void> {
    const { group } = this.#options;
    const outputs = this.#log.mutation === 'gaps-unreported' ? result.outputs.filter(isNoGapAlarm) : result.outputs;
    let outcome: 'done' | 'unknown';
    try {
      outcome = await this.#log.answered(this.process, 'commit');
      this.#fence(of);
    } catch (error) {
      const { mutation } = this.#log;
      if (mutation === 'offsets-without-outputs') this.#log.commit({ group, outputs: [], offsets });
      if (mutation === 'outputs-without-offsets') this.#log.commit({ group, outputs, offsets: new Map() });
      throw error;
    }
    this.#log.commit({ group, outputs, offsets });
    if (offsets.size > 0) this.#putOffSinceMs = undefined;
    if (outcome === 'unknown') throw unavailable('commit: done, but nobody says so');
    result.committed?.();
  }

  #fence(of?: 'tick'): void {
    const { mutation } = this.#log;
    if (mutation === 'zombie-not-fenced' || (mutation === 'tick-not-fenced' && of === 'tick')) return;
    const { group } = this.#options;
    const us = { member: this, generation: this.#generation };
    for (const partition of this.#positions.keys()) {
      if (!this.#log.isOwner(group, partition, us))
        throw unavailable('commit: fenced, the partition has another owner');
    }
  }
}

function isNoGapAlarm({ topic, value }: LogRecord): boolean {
  return topic !== TOPICS.alerts || !value?.includes('"sequence-gap"');
}
