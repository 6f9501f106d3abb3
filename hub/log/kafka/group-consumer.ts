/**
 * A member of a consumer group that hands out records only when asked, and rebalances only when asked: what librdkafka wants
 * assigned or revoked waits in `rebalances` until the loop that uses this has finished the group in hand.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { Assignment, KafkaConsumer, LibrdKafkaError, Message } from 'node-rdkafka';
import type { StoredRecord } from '../event-log.ts';
import { connect, disconnect } from './client.ts';
import { consumerTopicConfig, groupConfig, type KafkaAddress } from './config.ts';
import { asked, CODES, isFatal, type Rdkafka, type TopicPartitionOffset } from './native.ts';
import { toRecord } from './to-record.ts';

/** Logical offset: the beginning of a partition. */
export const BEGINNING = -2;
const CALL_TIMEOUT_MS = 10_000;
const PENDING_MS = 1_000;
const ROUND_MS = 5;
/** Rounds without anything to answer, after which nothing more comes. */
const CALM_ROUNDS = 5;
const MAX_ROUNDS = 1_000;

export interface Rebalance {
  kind: 'assign' | 'revoke';
  partitions: number[];
}

export interface Fetched {
  records: StoredRecord[];
  /** Partitions that were read to their end, and where that is. */
  ends: Map<number, number>;
}

export class GroupConsumer {
  readonly rebalances: Rebalance[] = [];
  readonly consumer: KafkaConsumer;
  readonly #topic: string;
  readonly #assigned = new Set<number>();
  /** Also those that were taken away since. */
  readonly #paused = new Set<number>();
  #ends = new Map<number, number>();
  #trouble: LibrdKafkaError | undefined;
  #failure: LibrdKafkaError | undefined;

  static async open(options: {
    rdkafka: Rdkafka;
    address: KafkaAddress;
    group: string;
    topic: string;
    member?: string | undefined;
    groupEveryMs?: number | undefined;
  }): Promise<GroupConsumer> {
    const opened = new GroupConsumer(options);
    await connect(opened.consumer);
    opened.consumer.setDefaultConsumeTimeout(0);
    opened.consumer.subscribe([options.topic]);
    return opened;
  }

  private constructor(options: {
    rdkafka: Rdkafka;
    address: KafkaAddress;
    group: string;
    topic: string;
    member?: string | undefined;
    groupEveryMs?: number | undefined;
  }) {
    this.#topic = options.topic;
    const onRebalance = (error: { code: number }, partitions: { topic: string; partition: number }[]) => {
      const kind = error.code === CODES.assignPartitions ? 'assign' : 'revoke';
      this.rebalances.push({ kind, partitions: partitions.map(({ partition }) => partition) });
    };
    this.consumer = new options.rdkafka.KafkaConsumer(
      groupConfig(options.address, { ...options, onRebalance }),
      consumerTopicConfig,
    );
    this.consumer.on('partition.eof', ({ partition, offset }) => this.#ends.set(partition, offset));
    this.consumer.on('event.error', (error) => {
      if (isFatal(error)) this.#failure = error;
      if (error.code === CODES.allBrokersDown) this.#trouble = error;
    });
  }

  /** At most `max` records of what has been read ahead; nothing when there is nothing. */
  async fetch(max: number): Promise<Fetched> {
    const messages = await asked<Message[]>((done) => this.consumer.consume(max, done));
    const ends = this.#ends;
    this.#ends = new Map();
    if (messages.length > 0 || ends.size > 0) this.#trouble = undefined;
    return { records: messages.map(toRecord), ends };
  }

  /**
   * Offsets of the group that no pending transaction can change any more; undefined where there is none.
   *
   * @param onPending Called when there is no answer after a second, and after each further one: mostly a transaction with offsets is still open.
   */
  async committed(
    partitions: readonly number[],
    onPending: () => Promise<void>,
  ): Promise<Map<number, number | undefined>> {
    const wanted = this.#toppars(partitions);
    const deadline = performance.now() + CALL_TIMEOUT_MS;
    for (;;) {
      const found = await asked<(TopicPartitionOffset | Error)[]>((done) =>
        this.consumer.committed(wanted, PENDING_MS, done),
      ).catch((error: LibrdKafkaError) => {
        if (error.code !== CODES.timedOut || performance.now() > deadline) throw error;
      });
      if (!found) {
        await onPending();
        continue;
      }
      // A partition's own error stands in its place. Taking that for "no offset" would begin anew.
      const fault = found.find((entry) => entry instanceof Error);
      if (!fault) return new Map(found.flatMap((entry) => (entry instanceof Error ? [] : [offsetOf(entry)])));
      if (performance.now() > deadline) throw fault;
      await delay(20);
    }
  }

  /** The answer to a rebalance of kind `assign`; also when there is nothing in it. */
  assign(positions: ReadonlyMap<number, number>): void {
    const assignments: Assignment[] = [...positions].map(([partition, offset]) => ({
      topic: this.#topic,
      partition,
      offset,
    }));
    this.consumer.incrementalAssign(assignments);
    // librdkafka keeps a partition paused over its revocation and return (librdkafka issue 1849): it would stay silent for ever.
    this.resume([...positions.keys()].filter((partition) => this.#paused.has(partition)));
    for (const partition of positions.keys()) this.#assigned.add(partition);
  }

  /** The answer to a rebalance of kind `revoke`. */
  unassign(partitions: readonly number[]): void {
    this.consumer.incrementalUnassign(this.#toppars(partitions));
    for (const partition of partitions) this.#assigned.delete(partition);
  }

  pause(partitions: readonly number[]): void {
    if (partitions.length === 0) return;
    this.consumer.pause(this.#toppars(partitions));
    for (const partition of partitions) this.#paused.add(partition);
  }

  resume(partitions: readonly number[]): void {
    if (partitions.length === 0) return;
    this.consumer.resume(this.#toppars(partitions));
    for (const partition of partitions) this.#paused.delete(partition);
  }

  /** For operators only: how far a follower is that keeps its position elsewhere. Not waited for. */
  note(positions: ReadonlyMap<number, number>): void {
    this.consumer.commit([...positions].map(([partition, offset]) => ({ topic: this.#topic, partition, offset })));
  }

  /** The end of a partition as of the last answer of the broker. */
  end(partition: number): number | undefined {
    const { highOffset } = this.consumer.getWatermarkOffsets(this.#topic, partition);
    return highOffset >= 0 ? highOffset : undefined;
  }

  /** Why it does nothing any more: another member has its name, for example. */
  get failure(): LibrdKafkaError | undefined {
    return this.#failure;
  }

  /** Why nothing comes, if it is not that there is nothing. */
  trouble(): LibrdKafkaError | undefined {
    return this.#trouble;
  }

  /**
   * Leaves the group, so that others need not wait for the session to run out.
   *
   * node-rdkafka's disconnect holds the client while librdkafka's close waits, without bound, for answers to what it still wants
   * assigned or revoked, and no answer can be given then: a thread of libuv's would be lost for ever. So everything is
   * answered first; a client that does not come to rest is left alone rather than closed.
   *
   * @returns whether it is closed.
   */
  async close(): Promise<boolean> {
    if (!this.consumer.isConnected()) return true;
    this.consumer.unsubscribe();
    for (let round = 0, calm = 0; calm < CALM_ROUNDS; round++) {
      if (round === MAX_ROUNDS) return false;
      // Callbacks are served by consume.
      await this.fetch(1).catch(() => {});
      await delay(ROUND_MS);
      calm = this.rebalances.length === 0 && this.#assigned.size === 0 ? calm + 1 : 0;
      for (const { kind, partitions } of this.rebalances.splice(0)) {
        if (kind === 'revoke') this.unassign(partitions);
        else this.assign(new Map(partitions.map((partition) => [partition, BEGINNING])));
      }
    }
    await disconnect(this.consumer);
    return true;
  }

  #toppars(partitions: readonly number[]): { topic: string; partition: number }[] {
    return partitions.map((partition) => ({ topic: this.#topic, partition }));
  }
}

function offsetOf({ partition, offset }: { partition: number; offset?: number }): [number, number | undefined] {
  return [partition, offset !== undefined && offset >= 0 ? offset : undefined];
}
