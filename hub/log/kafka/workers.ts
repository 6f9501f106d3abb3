/** What transform and follow do with the records that a KafkaReader reads for them. */
import type { Log } from '../../../protocols/base/log.ts';
import type { FollowOptions, LogRecord, Transformed, TransformOptions } from '../event-log.ts';
import type { KafkaAddress } from './config.ts';
import { BEGINNING, type GroupConsumer } from './group-consumer.ts';
import { endTransactionsOf, endWhatHoldsUp } from './left-open.ts';
import { kafkaError, type Rdkafka, type TopicPartitionOffset } from './native.ts';
import type { Worker } from './reader.ts';
import { lastWritersOf, readStateOf, TRANSACTION_HEADER } from './state-reader.ts';
import type { TransactionProducers } from './transaction-producer.ts';

export interface WorkerContext {
  rdkafka: Rdkafka;
  address: KafkaAddress;
  log: Log;
  /** Named after this process among those that ever run: a restarted one may have its name again and then ends what it left open. */
  producers: TransactionProducers;
  /** Checks outputs before they enter a transaction. @throws EventLogError */
  check(record: LogRecord): void;
  /** A record for each partition that a transform may write to. */
  everywhere(): readonly LogRecord[];
}

/** From so many outputs on a transaction takes long enough for its end to be looked for, rather than told. */
const BULK_OUTPUTS = 1_000;

/** Offsets of records without effect are put off for so long. */
const EFFECTLESS_MS = 1_000;

export function transformWorker(context: WorkerContext, options: TransformOptions): Worker {
  const { group, input, state } = options;
  const { producers } = context;
  const leaving = new AbortController();
  /** What goes on beside the partitions' work. Never rejects. */
  const beside = new Set<Promise<void>>();
  const onEnding = (ended: Promise<void>) => {
    beside.add(ended);
    void ended.finally(() => beside.delete(ended));
  };
  const ofOthers = { ...context, ownPrefix: producers.prefix };
  /** The transaction under way is with librdkafka. What is prepared before that only keeps the JavaScript thread from handing it over. */
  let handedOver = Promise.resolve();

  async function commit(consumer: GroupConsumer, result: Transformed, offsets: TopicPartitionOffset[]): Promise<void> {
    for (const record of result.outputs) context.check(record);
    const pace = result.outputs.length < BULK_OUTPUTS ? 'calm' : 'bulk';
    const { outputs } = result;
    let onHandedOver = () => {};
    handedOver = new Promise((resolve) => {
      onHandedOver = resolve;
    });
    try {
      const producer = await producers.next(pace);
      const sign = (record: LogRecord) => (record.topic === state ? signed(record, producer.transactionalId) : record);
      await producer.run({ outputs: outputs.map(sign), offsets, consumer: consumer.consumer, onHandedOver });
    } catch (error) {
      throw kafkaError(error, `committing ${outputs.length} outputs of ${group}`);
    } finally {
      onHandedOver();
    }
    result.committed?.();
  }

  /** Committed offsets first, then the state: both are of the same transaction, or the state is newer, never older. */
  async function restore(consumer: GroupConsumer, partitions: readonly number[]): Promise<Map<number, number>> {
    if (partitions.length === 0) return new Map();
    let sinceMs = performance.now();
    const lapMs = () => {
      const nowMs = performance.now();
      const tookMs = Math.round(nowMs - sinceMs);
      sinceMs = nowMs;
      return tookMs;
    };
    // Also ends what an earlier run of this instance, or a commit that failed, left open.
    await producers.fence();
    const fenceMs = lapMs();
    const reading = { ...context, topic: state, everywhere: context.everywhere(), onEnding };
    const committed = await consumer.committed(partitions, async () =>
      endTransactionsOf(ofOthers, await lastWritersOf(reading, partitions)),
    );
    const offsetsMs = lapMs();
    const stored = await readStateOf(reading, partitions);
    const stateMs = lapMs();
    context.log.debug({ group, partitions, fenceMs, offsetsMs, stateMs }, 'partitions restored');
    const unheld = endWhatHoldsUp(ofOthers, stored.lastWriters, leaving.signal);
    onEnding(unheld.catch((error: Error) => context.log.debug({ group, error: error.message }, 'not looked for')));
    for (const partition of partitions) options.onAssigned(partition, stored.state.get(partition) ?? new Map());
    return new Map(
      partitions.map((partition) => {
        if (!committed.has(partition)) throw new Error(`the group's offset of partition ${partition} is unknown`);
        return [partition, committed.get(partition) ?? BEGINNING];
      }),
    );
  }

  /**
   * Offsets of records that had no effect: they go with the next transaction, or after a while, and before the partitions leave, in
   * one of their own.
   */
  const effectless = new Map<number, number>();
  let effectlessSinceMs = 0;

  /**
   * Where each partition goes on after what was handled. A tick's transaction carries these offsets, since they are what fences it: a
   * process that stood still while its partitions went to another must not write their state.
   */
  const positions = new Map<number, number>();

  async function restorePositions(
    consumer: GroupConsumer,
    partitions: readonly number[],
  ): Promise<Map<number, number>> {
    const certain = await restore(consumer, partitions);
    for (const [partition, offset] of certain) {
      positions.set(partition, Math.max(offset, positions.get(partition) ?? BEGINNING));
    }
    return certain;
  }

  async function commitPutOff(consumer: GroupConsumer, result: Transformed): Promise<void> {
    const offsets = [...effectless].map(([partition, offset]) => ({ topic: input, partition, offset }));
    await commit(consumer, result, offsets);
    effectless.clear();
  }

  async function take(consumer: GroupConsumer, result: Transformed, next: ReadonlyMap<number, number>): Promise<void> {
    if (effectless.size === 0) effectlessSinceMs = performance.now();
    for (const [partition, offset] of next) effectless.set(partition, offset);
    // A transaction costs the broker a dozen writes. Reading records without effect again after a crash costs nothing.
    if (result.outputs.length === 0 && performance.now() - effectlessSinceMs < EFFECTLESS_MS) result.committed?.();
    else await commitPutOff(consumer, result);
    for (const [partition, offset] of next) positions.set(partition, offset);
  }

  const worker: Worker = {
    assigned: restorePositions,
    recover: restorePositions,
    revoked: (partitions) => {
      for (const partition of partitions) {
        effectless.delete(partition);
        positions.delete(partition);
        options.onRevoked(partition);
      }
    },
    async prepare(records) {
      await handedOver;
      const result = await options.onRecords(records);
      const { outputs, work = outputs.length } = result;
      return { work, commit: (consumer, next) => take(consumer, result, next) };
    },
    async settle(consumer, now) {
      if (effectless.size === 0 || (!now && performance.now() - effectlessSinceMs < EFFECTLESS_MS)) return;
      await commitPutOff(consumer, { outputs: [] });
    },
    async close() {
      leaving.abort();
      await Promise.all([...beside, producers.close()]);
    },
  };
  const { onTick } = options;
  if (onTick) {
    const run = async (consumer: GroupConsumer) => {
      const result = onTick();
      if (!result || result.outputs.length === 0) {
        result?.committed?.();
        return;
      }
      const handled = [...positions].filter(([, offset]) => offset !== BEGINNING);
      await commit(
        consumer,
        result,
        handled.map(([partition, offset]) => ({ topic: input, partition, offset })),
      );
    };
    worker.tick = { everyMs: options.tickMs ?? 1_000, run };
  }
  return worker;
}

/** The follower keeps its own positions; the group's offsets are for operators. */
export function followWorker(options: FollowOptions): Worker {
  return {
    async assigned(_consumer, partitions) {
      const positions = new Map<number, number>();
      for (const partition of partitions) positions.set(partition, await options.position(partition));
      return positions;
    },
    revoked() {},
    async prepare(records) {
      await options.onRecords(records);
      return { work: 0, commit: async () => {} };
    },
    ...(options.group !== undefined && { note: (consumer, positions) => consumer.note(positions) }),
    async close() {},
  };
}

function signed(record: LogRecord, transactionalId: string): LogRecord {
  return { ...record, headers: { ...record.headers, [TRANSACTION_HEADER]: transactionalId } };
}
