/**
 * The EventLog over Kafka (brokers 2.5 or newer, for transactions fenced by group).
 *
 * append: append-producer.ts. transform: transaction-producer.ts and state-reader.ts behind the loop of reader.ts. follow: the same
 * loop with the follower's own positions. Transactions make outputs, state and consumed offsets one; everything here reads committed.
 */
import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { Metadata } from 'node-rdkafka';
import { type Log, silentLog } from '../../../protocols/base/log.ts';
import {
  type EventLog,
  EventLogError,
  type FollowOptions,
  type LogRecord,
  type Runner,
  type TransformOptions,
} from '../event-log.ts';
import { bytesOf, checkRecord } from '../record.ts';
import { hubTopics, type TopicSpec } from '../topics.ts';
import { AppendProducer } from './append-producer.ts';
import { CONNECT_TIMEOUT_MS } from './client.ts';
import type { KafkaAddress } from './config.ts';
import { createTopics } from './create-topics.ts';
import { asked, kafkaError, loadRdkafka, type Rdkafka } from './native.ts';
import { positionsAt } from './positions.ts';
import { KafkaReader, type Worker } from './reader.ts';
import { TransactionProducers } from './transaction-producer.ts';
import { followWorker, transformWorker } from './workers.ts';

export interface KafkaLogOptions extends KafkaAddress {
  /** Default hubTopics(). */
  topics?: readonly TopicSpec[];
  /** Of topics that setup creates. Default: the broker's (`default.replication.factor`). */
  replication?: number;
  /**
   * Name of this process in transactional ids and among the members of consumer groups. Must be no other running process's; one that keeps
   * it over a restart goes on at once with the partitions it had, without waiting for the transaction it left open. Default: random, and
   * no lasting membership.
   */
  instance?: string;
  /**
   * Groups whose transform this process is going to run. With an `instance`, transactions that its last run left open are ended as soon as the log is
   * opened (librdkafka takes half a second for one): until then nobody who reads committed passes them.
   */
  resumes?: readonly string[];
  log?: Log;
  /** For backoffs. Default Math.random. */
  random?: () => number;
  /** After this an append that is not confirmed fails. Default 30,000. */
  deliveryTimeoutMs?: number;
}

const MAX_RECORDS = 2_000;
const VISIBLE_MS = 15_000;
const VISIBLE_PAUSE_MS = 50;

/** Connects when it is first used: succeeds while Kafka is away. @throws EventLogError `native-module-missing` */
export async function openKafkaLog(options: KafkaLogOptions): Promise<EventLog> {
  return new KafkaLog(options, await loadRdkafka());
}

class KafkaLog implements EventLog {
  readonly #options: KafkaLogOptions;
  readonly #rdkafka: Rdkafka;
  readonly #log: Log;
  readonly #instance: string;
  readonly #topics: Map<string, TopicSpec>;
  readonly #producer: AppendProducer;
  readonly #runners = new Set<Runner>();
  readonly #slots = new Set<string>();
  /** Of transforms that have not begun yet. */
  readonly #resuming = new Map<string, TransactionProducers>();
  #closed: Promise<void> | undefined;

  constructor(options: KafkaLogOptions, rdkafka: Rdkafka) {
    this.#options = options;
    this.#rdkafka = rdkafka;
    this.#log = options.log ?? silentLog;
    this.#instance = options.instance ?? randomUUID();
    this.#topics = new Map((options.topics ?? hubTopics()).map((spec) => [spec.name, spec]));
    this.#producer = new AppendProducer({
      rdkafka,
      address: options,
      log: this.#log,
      deliveryTimeoutMs: options.deliveryTimeoutMs ?? 30_000,
    });
    if (options.instance === undefined) return;
    for (const prefix of (options.resumes ?? []).map((group) => this.#prefix(group, 0)))
      this.#resuming.set(prefix, this.#openProducers(prefix));
  }

  /** A topic that exists keeps its number of partitions: keys must stay where they are. */
  async setup(): Promise<string[]> {
    this.#refuseClosed();
    const { replication } = this.#options;
    const metadata = await this.#metadata();
    const existing = new Set(metadata.topics.map(({ name }) => name));
    const missing = [...this.#topics.values()].filter(({ name }) => !existing.has(name));
    await createTopics({
      rdkafka: this.#rdkafka,
      address: this.#options,
      topics: missing,
      replication: replication ?? -1,
    });
    if (missing.length > 0) await this.#visible(missing.map(({ name }) => name));
    await this.#learnPartitions();
    return missing.map(({ name }) => name);
  }

  async append(records: readonly LogRecord[]): Promise<void> {
    this.#refuseClosed();
    if (records.length === 0) return;
    let bytes = 0;
    for (const record of records) {
      this.#check(record);
      bytes += bytesOf(record) + 100;
    }
    await this.#producer.append(records, bytes);
  }

  async transform(options: TransformOptions): Promise<Runner> {
    this.#refuseClosed();
    const input = this.#topic(options.input);
    const state = this.#topic(options.state);
    if (!state.compacted || state.partitions !== input.partitions) {
      throw rejected(`${state.name} must be compacted and have ${input.partitions} partitions, as ${input.name} has`);
    }
    const slot = this.#takeSlot(options.group);
    const context = {
      rdkafka: this.#rdkafka,
      address: this.#options,
      log: this.#log,
      producers: this.#producersOf(this.#prefix(options.group, slot)),
      check: (record: LogRecord) => this.#check(record),
      everywhere: () => this.#everywhereBut(input.name),
    };
    const worker = transformWorker(context, options);
    const close = async () => {
      await worker.close();
      this.#slots.delete(`${options.group}.${slot}`);
    };
    return this.#read(
      { ...options, topic: input.name, member: this.#member(options.group, slot) },
      { ...worker, close },
    );
  }

  async follow(options: FollowOptions): Promise<Runner> {
    this.#refuseClosed();
    // A group of one member, which leaves no offsets behind: Kafka forgets it with its member.
    const group = options.group ?? `milepost-reader-${randomUUID()}`;
    const topic = this.#topic(options.topic).name;
    if (options.group === undefined) return this.#read({ ...options, group, topic }, followWorker(options));
    const slot = this.#takeSlot(group);
    const worker = followWorker(options);
    const close = async () => {
      this.#slots.delete(`${group}.${slot}`);
    };
    return this.#read({ ...options, group, topic, member: this.#member(group, slot) }, { ...worker, close });
  }

  positionsAt(topic: string, at: number | 'end'): Promise<Map<number, number>> {
    this.#refuseClosed();
    const { partitions } = this.#topic(topic);
    return positionsAt({ rdkafka: this.#rdkafka, address: this.#options, topic, partitions, at });
  }

  async healthy(): Promise<{ ok: boolean; detail: string }> {
    if (this.#closed) return { ok: false, detail: 'the log is closed' };
    try {
      const { brokers } = await this.#metadata();
      return { ok: true, detail: `Kafka at ${this.#options.brokers}, ${brokers.length} broker(s)` };
    } catch (error) {
      return { ok: false, detail: (error as Error).message };
    }
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    await Promise.all([...this.#runners].map((runner) => runner.stop()));
    await Promise.all([...this.#resuming.values()].map((producers) => producers.close()));
    await this.#producer.close();
  }

  /** Of transactional ids. */
  #prefix(group: string, slot: number): string {
    return `${group}.${this.#instance}.${slot}`;
  }

  #producersOf(prefix: string): TransactionProducers {
    const resuming = this.#resuming.get(prefix);
    this.#resuming.delete(prefix);
    return resuming ?? this.#openProducers(prefix);
  }

  /** What an earlier run of this name left open holds up everybody who reads: it is ended at once, while the group is being joined. */
  #openProducers(prefix: string): TransactionProducers {
    const producers = new TransactionProducers({ rdkafka: this.#rdkafka, address: this.#options, prefix });
    // Tried again when the transform has partitions.
    producers.fence().catch((error: Error) => this.#log.debug({ prefix, error: error.message }, 'not yet open'));
    return producers;
  }

  #read(
    options: {
      group: string;
      topic: string;
      member?: string | undefined;
      maxRecords?: number;
      groupEveryMs?: number;
    },
    worker: Worker,
  ): Runner {
    const { group, topic, member, maxRecords = MAX_RECORDS, groupEveryMs } = options;
    const reader = new KafkaReader({
      rdkafka: this.#rdkafka,
      address: this.#options,
      log: this.#log,
      random: this.#options.random ?? Math.random,
      group,
      topic,
      member,
      maxRecords,
      groupEveryMs,
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

  async #metadata(): Promise<Metadata> {
    const { producer } = await this.#producer.connected();
    try {
      return await asked<Metadata>((done) => producer.getMetadata({ timeout: CONNECT_TIMEOUT_MS }, done));
    } catch (error) {
      throw kafkaError(error, `asking ${this.#options.brokers} for its topics`);
    }
  }

  /** A topic that was created is not known at once: whoever reads it before that waits for the next refresh of its metadata. */
  async #visible(names: readonly string[]): Promise<void> {
    const deadline = performance.now() + VISIBLE_MS;
    for (;;) {
      const { topics } = await this.#metadata();
      const led = new Set(
        topics
          .filter(({ partitions }) => partitions.length > 0 && partitions.every(({ leader }) => leader >= 0))
          .map(({ name }) => name),
      );
      const waiting = names.filter((name) => !led.has(name));
      if (waiting.length === 0) return;
      if (performance.now() > deadline) {
        const message = `topics were created and have no leaders yet: ${waiting.join(', ')}`;
        throw new EventLogError({ code: 'log-unavailable', message });
      }
      await delay(VISIBLE_PAUSE_MS);
    }
  }

  async #learnPartitions(): Promise<void> {
    for (const { name, partitions } of (await this.#metadata()).topics) {
      const spec = this.#topics.get(name);
      if (!spec || partitions.length === spec.partitions || partitions.length === 0) continue;
      this.#log.warn(
        { topic: name, partitions: partitions.length, configured: spec.partitions },
        'topic keeps its partitions',
      );
      this.#topics.set(name, { ...spec, partitions: partitions.length });
    }
  }

  #topic(name: string): TopicSpec {
    const topic = this.#topics.get(name);
    if (!topic) throw rejected(`there is no topic ${name} in this configuration`);
    return topic;
  }

  /** A record for each partition of each topic but the input. */
  #everywhereBut(input: string): LogRecord[] {
    return [...this.#topics.values()]
      .filter(({ name }) => name !== input)
      .flatMap(({ name, partitions }) =>
        Array.from({ length: partitions }, (_, partition) => ({
          topic: name,
          partition,
          key: 'sweep',
          value: Buffer.alloc(0),
        })),
      );
  }

  #check(record: LogRecord): void {
    checkRecord(record, this.#topic(record.topic));
  }

  /** Only a name that a restart has again is worth keeping partitions for. */
  #member(group: string, slot: number): string | undefined {
    const { instance } = this.#options;
    return instance === undefined ? undefined : `${instance}.${group}.${slot}`;
  }

  /** Several transforms of a group in one process must not fence each other; a restarted one should find its number again. */
  #takeSlot(group: string): number {
    let slot = 0;
    while (this.#slots.has(`${group}.${slot}`)) slot++;
    this.#slots.add(`${group}.${slot}`);
    return slot;
  }

  #refuseClosed(): void {
    if (this.#closed) throw new EventLogError({ code: 'log-closed', message: 'the log is closed' });
  }
}

function rejected(message: string): EventLogError {
  return new EventLogError({ code: 'log-rejected', message });
}
