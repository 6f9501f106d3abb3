/**
 * The loop behind transform and follow: rebalance, tick, fetch a group, hand it on, repeat.
 *
 * - Under load the next group is prepared while one is being committed, never more: at most twice `maxRecords` are in hand; read-ahead is bounded in
 *   config.ts. How large groups are and how often they come: group-pace.ts.
 * - A failure is kept in `fault()` and tried again after a backoff, with the same records; meanwhile the partitions are paused and
 *   the consumer goes on being asked, so that the group does not take it for dead.
 * - A consumer that cannot go on (fatal error) is replaced.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { backoff } from '../../../protocols/base/backoff.ts';
import type { Log } from '../../../protocols/base/log.ts';
import type { Runner, StoredRecord } from '../event-log.ts';
import type { KafkaAddress } from './config.ts';
import { GroupConsumer, type Rebalance } from './group-consumer.ts';
import { GroupPace } from './group-pace.ts';
import { isFatal, kafkaError, type Rdkafka } from './native.ts';

/** What transform and follow do differently. */
export interface Worker {
  /** These partitions are ours now; gives the offset to start from in each. */
  assigned(consumer: GroupConsumer, partitions: readonly number[]): Promise<Map<number, number>>;
  revoked(partitions: readonly number[]): void;
  /** What these records come to; the group before may be under way still. */
  prepare(records: readonly StoredRecord[]): Promise<Group>;
  /** After a failure: puts right what is ours, and gives the offsets that are certain; undefined when nothing can have changed. */
  recover?(consumer: GroupConsumer, partitions: readonly number[]): Promise<Map<number, number>>;
  /** Makes durable what a commit put off: when nothing comes, and (`now`) before partitions are given away. */
  settle?(consumer: GroupConsumer, now: boolean): Promise<void>;
  /** Called once in a while with positions that are done with. */
  note?(consumer: GroupConsumer, positions: ReadonlyMap<number, number>): void;
  tick?: { everyMs: number; run(consumer: GroupConsumer): Promise<void> };
  close(): Promise<void>;
}

export interface Group {
  /** How much there is to commit; the size of the next groups follows it. */
  work: number;
  /** Durable when it resolves; `next` is where each partition goes on after its records. Called once the group before is durable. */
  commit(consumer: GroupConsumer, next: ReadonlyMap<number, number>): Promise<void>;
}

/** A group that is being committed. */
interface UnderWay {
  records: readonly StoredRecord[];
  next: ReadonlyMap<number, number>;
  /** Where partitions end behind them. */
  ends: ReadonlyMap<number, number>;
  durable: Promise<void>;
}

export interface ReaderOptions {
  rdkafka: Rdkafka;
  address: KafkaAddress;
  log: Log;
  random: () => number;
  group: string;
  topic: string;
  /** Name among the group's members that outlives a restart. */
  member?: string | undefined;
  maxRecords: number;
  /** At most one group in so long, while it holds all that waits. */
  groupEveryMs?: number | undefined;
  worker: Worker;
}

/** Between two questions when there was nothing: soon after something came, less often when it has been quiet. */
const BUSY_PAUSE_MS = 3;
const QUIET_PAUSE_MS = 25;
const QUIET_AFTER_MS = 2_000;
const NOTE_MS = 1_000;

export class KafkaReader implements Runner {
  readonly #options: ReaderOptions;
  readonly #stopping = new AbortController();
  readonly #pace: GroupPace;
  readonly #done: Promise<void>;
  #consumer: GroupConsumer | undefined;
  #everAssigned = false;
  /** Of the partitions that are ours: where to go on after what was handled. */
  readonly #positions = new Map<number, number>();
  #waiting: StoredRecord[] = [];
  #underWay: UnderWay | undefined;
  #fault: Error | undefined;
  #recovering = false;
  #paused: number[] = [];
  #nextTickMs = 0;
  #nextNoteMs = 0;
  #lastRecordMs = 0;

  constructor(options: ReaderOptions) {
    this.#options = options;
    this.#pace = new GroupPace(options);
    this.#done = this.#run();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#done;
  }

  lag(): number | undefined {
    if (!this.#everAssigned || !this.#consumer) return undefined;
    let records = 0;
    for (const [partition, position] of this.#positions) {
      const end = this.#consumer.consumer.isConnected() ? this.#consumer.end(partition) : undefined;
      if (end === undefined) return undefined;
      records += Math.max(0, end - Math.max(position, 0));
    }
    return records;
  }

  fault(): Error | undefined {
    const trouble = this.#consumer?.trouble();
    return this.#fault ?? (trouble && kafkaError(trouble, `reading ${this.#options.topic}`));
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    let delays = this.#delays();
    while (!signal.aborted) {
      try {
        const pauseMs = await this.#step();
        if (this.#fault) this.#recovered();
        delays = this.#delays();
        if (pauseMs > 0) await delay(pauseMs, undefined, { signal }).catch(() => {});
      } catch (error) {
        await this.#failed(error as Error);
        await this.#sitOut(delays.next().value ?? 0);
      }
    }
    await this.#leave();
    await this.#options.worker.close();
  }

  /** Gives how long to wait before the next one. */
  async #step(): Promise<number> {
    this.#consumer ??= await GroupConsumer.open(this.#options);
    const consumer = this.#consumer;
    if (consumer.failure) throw consumer.failure;
    await this.#rebalance(consumer);
    await this.#recover(consumer);
    await this.#tick(consumer);
    if (this.#waiting.length > 0) {
      await this.#handle(consumer, new Map());
    } else {
      if (this.#pace.isCalm) await this.#finish();
      const earlyMs = this.#pace.earlyMs(performance.now());
      if (earlyMs > 0) {
        await this.#whileIdle(consumer);
        return earlyMs;
      }
      const size = this.#pace.size();
      const { records, ends } = await consumer.fetch(size);
      this.#waiting = records;
      if (records.length > 0) {
        this.#pace.began(performance.now());
        const work = await this.#handle(consumer, ends);
        this.#pace.ended({ wasAll: records.length < size, work });
        return 0;
      }
      await this.#finish();
      this.#reached(ends);
    }
    await this.#whileIdle(consumer);
    return performance.now() - this.#lastRecordMs < QUIET_AFTER_MS ? BUSY_PAUSE_MS : QUIET_PAUSE_MS;
  }

  /** Nothing is under way; what was put off may be due. */
  async #whileIdle(consumer: GroupConsumer): Promise<void> {
    await this.#finish();
    await this.#options.worker.settle?.(consumer, false);
    this.#note(consumer);
  }

  /** Prepares what waits, while the group before is committed, and then begins to commit it. Gives how much it was to do. */
  async #handle(consumer: GroupConsumer, ends: ReadonlyMap<number, number>): Promise<number> {
    const records = inOrder(this.#waiting.filter(({ partition }) => this.#positions.has(partition)));
    this.#waiting = records;
    if (records.length === 0) {
      await this.#finish();
      this.#reached(ends);
      return 0;
    }
    const next = new Map<number, number>();
    for (const { partition, offset } of records) next.set(partition, offset + 1);
    this.#lastRecordMs = performance.now();
    const group = await this.#options.worker.prepare(records);
    await this.#finish();
    this.#pace.prepared({ records: records.length, work: group.work });
    const durable = group.commit(consumer, next);
    // Whoever waits for it is told.
    durable.catch(() => {});
    this.#underWay = { records, next, ends, durable };
    this.#waiting = [];
    return group.work;
  }

  /** Waits for the group that is being committed. One that fails waits to be handled again, ahead of what came after it. */
  async #finish(): Promise<void> {
    const group = this.#underWay;
    if (!group) return;
    try {
      await group.durable;
    } catch (error) {
      this.#waiting = [...group.records, ...this.#waiting];
      throw error;
    } finally {
      this.#underWay = undefined;
    }
    for (const [partition, offset] of group.next) this.#positions.set(partition, offset);
    this.#reached(group.ends);
  }

  /** Behind the last record of a partition there may be a transaction's marker. */
  #reached(ends: ReadonlyMap<number, number>): void {
    for (const [partition, end] of ends) {
      const position = this.#positions.get(partition);
      if (position !== undefined && end > position) this.#positions.set(partition, end);
    }
  }

  async #rebalance(consumer: GroupConsumer): Promise<void> {
    if (consumer.rebalances.length > 0) await this.#finish();
    for (let change = consumer.rebalances[0]; change; change = consumer.rebalances[0]) {
      await this.#apply(consumer, change);
      consumer.rebalances.shift();
      this.#everAssigned = true;
    }
  }

  async #apply(consumer: GroupConsumer, { kind, partitions }: Rebalance): Promise<void> {
    const { worker, log, group, topic } = this.#options;
    if (kind === 'revoke') {
      await this.#settle(consumer);
      this.#drop(partitions);
      consumer.unassign(partitions);
    } else {
      const positions = partitions.length > 0 ? await worker.assigned(consumer, partitions) : new Map<number, number>();
      consumer.assign(positions);
      for (const [partition, offset] of positions) this.#positions.set(partition, offset);
    }
    log.debug({ group, topic, kind, partitions }, 'partitions of a log reader changed');
  }

  #drop(partitions: readonly number[]): void {
    const held = partitions.filter((partition) => this.#positions.delete(partition));
    this.#waiting = this.#waiting.filter(({ partition }) => this.#positions.has(partition));
    this.#paused = this.#paused.filter((partition) => this.#positions.has(partition));
    this.#options.worker.revoked(held);
  }

  async #recover(consumer: GroupConsumer): Promise<void> {
    if (!this.#recovering) return;
    const { worker } = this.#options;
    if (worker.recover) {
      const certain = await worker.recover(consumer, [...this.#positions.keys()]);
      for (const [partition, offset] of certain) {
        if (offset > (this.#positions.get(partition) ?? 0)) this.#positions.set(partition, offset);
      }
      this.#waiting = this.#waiting.filter(({ partition, offset }) => offset >= (certain.get(partition) ?? 0));
    }
    this.#recovering = false;
  }

  async #tick(consumer: GroupConsumer): Promise<void> {
    const { tick } = this.#options.worker;
    if (!tick || performance.now() < this.#nextTickMs || this.#positions.size === 0) return;
    await this.#finish();
    await tick.run(consumer);
    this.#nextTickMs = performance.now() + tick.everyMs;
  }

  #note(consumer: GroupConsumer): void {
    const { note } = this.#options.worker;
    if (!note || performance.now() < this.#nextNoteMs || this.#positions.size === 0) return;
    this.#nextNoteMs = performance.now() + NOTE_MS;
    note(consumer, new Map([...this.#positions].filter(([, offset]) => offset >= 0)));
  }

  async #failed(error: Error): Promise<void> {
    const { log, group, topic } = this.#options;
    await this.#finish().catch(() => {});
    if (!this.#fault) log.warn({ group, topic, error: error.message }, 'log reader failed; trying again');
    // librdkafka's own errors say little by themselves.
    this.#fault = 'errno' in error ? kafkaError(error, `reading ${topic}`) : error;
    this.#recovering = true;
    if (isFatal(error) || this.#consumer?.failure || !this.#consumer?.consumer.isConnected()) await this.#leave();
  }

  #recovered(): void {
    const { log, group, topic } = this.#options;
    this.#fault = undefined;
    if (this.#consumer) this.#consumer.resume(this.#paused);
    this.#paused = [];
    log.info({ group, topic }, 'log reader goes on');
  }

  /** Waits, but stays a member of the group: records that are read while paused would only wait in line. */
  async #sitOut(pauseMs: number): Promise<void> {
    const { signal } = this.#stopping;
    const consumer = this.#consumer;
    if (consumer) {
      const running = [...this.#positions.keys()].filter((partition) => !this.#paused.includes(partition));
      consumer.pause(running);
      this.#paused.push(...running);
      const { records } = await consumer.fetch(this.#options.maxRecords).catch(() => ({ records: [] }));
      this.#waiting.push(...records);
    }
    await delay(pauseMs, undefined, { signal }).catch(() => {});
  }

  /** Partitions that are leaving do not wait for what was put off: it can be done again. */
  async #settle(consumer: GroupConsumer): Promise<void> {
    if (this.#fault || this.#recovering || !consumer.consumer.isConnected()) return;
    const { log, worker, group, topic } = this.#options;
    try {
      await worker.settle?.(consumer, true);
    } catch (error) {
      log.debug({ group, topic, error: (error as Error).message }, 'offsets put off were not committed');
    }
  }

  async #leave(): Promise<void> {
    const { log, group, topic } = this.#options;
    const consumer = this.#consumer;
    await this.#finish().catch((error: Error) =>
      log.debug({ group, topic, error: error.message }, 'last group not committed'),
    );
    this.#consumer = undefined;
    if (consumer) await this.#settle(consumer);
    // First of all nothing more is done with the partitions; only then may another process have them.
    this.#drop([...this.#positions.keys()]);
    try {
      if (consumer && !(await consumer.close()))
        log.warn({ group, topic }, 'a Kafka consumer did not come to rest; it is left alone');
    } catch (error) {
      log.debug({ group, topic, error: (error as Error).message }, 'leaving a consumer group failed');
    }
  }

  #delays() {
    return backoff({ firstMs: 100, maxMs: 5_000, floorMs: 20, random: this.#options.random });
  }
}

/** librdkafka mixes partitions, each in its own order. */
function inOrder(records: StoredRecord[]): StoredRecord[] {
  return records.sort((a, b) => a.partition - b.partition || a.offset - b.offset);
}
