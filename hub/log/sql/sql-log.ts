/**
 * The EventLog in the Store's tables (sql/migrations.ts): the embedded default, and PostgreSQL where there is no Kafka.
 *
 * - Offsets of a partition are dense and become visible in order: the row of its head is locked until the commit.
 * - A transform's outputs, state and offsets are one transaction.
 * - Of a group one process reads at a time (sql/lease.ts); more throughput than that is what Kafka is for.
 *
 * The Store belongs to the caller, who migrates it before `setup` and closes it after `close`.
 */
import { randomUUID } from 'node:crypto';
import { type Log, silentLog } from '../../../protocols/base/log.ts';
import type { Sql, Store } from '../../store/store.ts';
import {
  type EventLog,
  EventLogError,
  type FollowOptions,
  type LogRecord,
  type Runner,
  type TransformOptions,
} from '../event-log.ts';
import { partitionOfKey } from '../partitioner.ts';
import { checkRecord } from '../record.ts';
import { hubTopics, type TopicSpec } from '../topics.ts';
import { Appender, toLogError } from './appender.ts';
import { HeadWatch } from './head-watch.ts';
import { Lease } from './lease.ts';
import { SqlReader, type Worker } from './reader.ts';
import { type Head, insertRecords, type PlacedRecord, readPositions } from './records.ts';
import { deleteOld } from './retention.ts';
import { followWorker, transformWorker, type WorkerContext } from './workers.ts';

export interface SqlLogOptions {
  store: Store;
  /** Default hubTopics(). */
  topics?: readonly TopicSpec[];
  log?: Log;
  /** For backoffs. Default Math.random. */
  random?: () => number;
  /** How often to look for what other processes append. Default 100. */
  pollMs?: number;
  /** Between deletions of old records. Default 60,000. */
  retentionMs?: number;
}

const MAX_RECORDS = 500;

export function openSqlLog(options: SqlLogOptions): EventLog {
  return new SqlLog(options);
}

class SqlLog implements EventLog {
  readonly #store: Store;
  readonly #log: Log;
  readonly #random: () => number;
  readonly #wanted: readonly TopicSpec[];
  readonly #topics = new Map<string, TopicSpec>();
  readonly #heads: HeadWatch;
  readonly #appender: Appender;
  readonly #runners = new Set<Runner>();
  readonly #closing = new AbortController();
  readonly #retentionMs: number;
  #retention: Promise<void> = Promise.resolve();
  #timer: NodeJS.Timeout | undefined;

  constructor(options: SqlLogOptions) {
    this.#store = options.store;
    this.#log = options.log ?? silentLog;
    this.#random = options.random ?? Math.random;
    this.#wanted = options.topics ?? hubTopics();
    this.#heads = new HeadWatch({ sql: options.store, pollMs: options.pollMs ?? 100 });
    this.#appender = new Appender((records) => this.#write(records));
    this.#retentionMs = options.retentionMs ?? 60_000;
  }

  /** A topic that exists keeps its number of partitions: keys must stay where they are. */
  async setup(): Promise<string[]> {
    this.#refuseClosed();
    const created: string[] = [];
    try {
      for (const { name, partitions, compacted } of this.#wanted) {
        const rows = await this.#store.query<{ topic: string }>(
          `insert into log_topics (topic, partitions, compacted) values ($1, $2, $3)
           on conflict (topic) do nothing returning topic`,
          [name, partitions, compacted ?? false],
        );
        created.push(...rows.map(({ topic }) => topic));
      }
      await this.#loadTopics();
      await this.#heads.refresh();
    } catch (error) {
      throw toLogError(error);
    }
    this.#timer ??= setInterval(() => this.#deleteOld(), this.#retentionMs).unref();
    return created;
  }

  async append(records: readonly LogRecord[]): Promise<void> {
    this.#refuseClosed();
    if (records.length === 0) return;
    await this.#ensureTopics();
    await this.#appender.append(records.map((record) => this.#place(record)));
  }

  async transform(options: TransformOptions): Promise<Runner> {
    await this.#ensureTopics();
    const input = this.#topic(options.input);
    const state = this.#topic(options.state);
    if (!state.compacted || state.partitions !== input.partitions) {
      throw rejected(`${state.name} must be compacted and have ${input.partitions} partitions, as ${input.name} has`);
    }
    return this.#read({ ...options, topic: input }, (context) => transformWorker(context, options));
  }

  async follow(options: FollowOptions): Promise<Runner> {
    await this.#ensureTopics();
    // Nobody else asks for the lease of a group that is named after its only member.
    const group = options.group ?? `milepost-reader-${randomUUID()}`;
    return this.#read({ ...options, group, topic: this.#topic(options.topic) }, (context) =>
      followWorker(context, options),
    );
  }

  async positionsAt(topic: string, at: number | 'end'): Promise<Map<number, number>> {
    this.#refuseClosed();
    await this.#ensureTopics();
    return readPositions(this.#store, this.#topic(topic), at);
  }

  async healthy(): Promise<{ ok: boolean; detail: string }> {
    if (this.#closing.signal.aborted) return { ok: false, detail: 'the log is closed' };
    const { ok, detail } = await this.#store.healthy();
    return { ok, detail: `log in ${detail}` };
  }

  async close(): Promise<void> {
    this.#closing.abort();
    clearInterval(this.#timer);
    await Promise.all([...this.#runners].map((runner) => runner.stop()));
    await this.#appender.drained();
    await this.#heads.close();
    await this.#retention;
  }

  #read(
    options: { group: string; topic: TopicSpec; maxRecords?: number },
    makeWorker: (context: WorkerContext) => Worker,
  ): Runner {
    this.#refuseClosed();
    const { group, topic } = options;
    const common = { store: this.#store, log: this.#log, lease: new Lease({ group, topic: topic.name }) };
    const worker = makeWorker({
      ...common,
      partitions: topic.partitions,
      insert: (sql, records) =>
        this.#insert(
          sql,
          records.map((record) => this.#place(record)),
        ),
      announce: (heads) => this.#heads.moved(heads),
    });
    const reader = new SqlReader({
      ...common,
      random: this.#random,
      heads: this.#heads,
      group,
      topic: topic.name,
      compacted: topic.compacted ?? false,
      maxRecords: options.maxRecords ?? MAX_RECORDS,
      worker,
    });
    const runner: Runner = {
      stop: async () => {
        await reader.stop();
        this.#runners.delete(runner);
      },
      lag: () => reader.lag(),
      fault: () => reader.fault(),
    };
    this.#runners.add(runner);
    return runner;
  }

  async #write(records: readonly PlacedRecord[]): Promise<void> {
    this.#heads.moved(await this.#store.transaction((sql) => this.#insert(sql, records)));
  }

  #insert(sql: Sql, records: readonly PlacedRecord[]): Promise<Head[]> {
    return insertRecords({ sql, records, isCompacted: (topic) => this.#topic(topic).compacted ?? false });
  }

  /** Also when the database was away at the time of `setup`, or another process did it. */
  async #ensureTopics(): Promise<void> {
    if (this.#topics.size > 0) return;
    await this.#loadTopics().catch((error: unknown) => {
      throw toLogError(error);
    });
  }

  async #loadTopics(): Promise<void> {
    const rows = await this.#store.query<{ topic: string; partitions: number; compacted: boolean }>(
      'select topic, partitions, compacted from log_topics',
    );
    const wanted = new Map(this.#wanted.map((spec) => [spec.name, spec]));
    for (const { topic, partitions, compacted } of rows) {
      this.#topics.set(topic, { ...wanted.get(topic), name: topic, partitions, compacted });
    }
  }

  #place(record: LogRecord): PlacedRecord {
    const topic = this.#topic(record.topic);
    checkRecord(record, topic);
    return { ...record, partition: record.partition ?? partitionOfKey(record.key, topic.partitions) };
  }

  #topic(name: string): TopicSpec {
    const topic = this.#topics.get(name);
    if (!topic) throw rejected(`there is no topic ${name}: run setup, which creates the topics`);
    return topic;
  }

  #deleteOld(): void {
    this.#retention = this.#retention
      .then(() => deleteOld(this.#store, [...this.#topics.values()], this.#closing.signal))
      .then((deleted) => {
        if (deleted > 0) this.#log.debug({ deleted }, 'old log records deleted');
      })
      .catch((error: unknown) => {
        this.#log.warn({ error: (error as Error).message }, 'old log records could not be deleted; tried again later');
      });
  }

  #refuseClosed(): void {
    if (this.#closing.signal.aborted) throw new EventLogError({ code: 'log-closed', message: 'the log is closed' });
  }
}

function rejected(message: string): EventLogError {
  return new EventLogError({ code: 'log-rejected', message });
}
