/**
 * Reads what a compacted topic holds for some partitions, up to the end that is certain.
 *
 * Certain means: no transaction is open or being completed there. The offsets of a group and its state are committed by one
 * transaction, whose markers reach each partition on their own; so after the group's (stable) offsets were read, the state is
 * read until the last stable offset has met the high watermark.
 *
 * A transaction of a process that died holds the last stable offset back until the coordinator gives it up. Its records carry the
 * transactional id in a header, so that after `PATIENCE_MS` we end it ourselves: initTransactions with that id. Where that does not help the
 * transaction hangs: see TransactionProducer.sweep.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { KafkaConsumer, Message } from 'node-rdkafka';
import type { Log } from '../../../protocols/base/log.ts';
import type { LogRecord, StoredRecord } from '../event-log.ts';
import { connect, disconnect } from './client.ts';
import { consumerTopicConfig, type KafkaAddress, readerConfig } from './config.ts';
import { asked, kafkaError, type Rdkafka } from './native.ts';
import { toRecord } from './to-record.ts';
import { TransactionProducer } from './transaction-producer.ts';

export interface StateReaderOptions {
  rdkafka: Rdkafka;
  address: KafkaAddress;
  log: Log;
  topic: string;
  /** A record for each partition that a transaction may have written to: where a hanging one is ended. */
  everywhere: readonly LogRecord[];
  /**
   * Readers take up to a second to end (librdkafka 2.8 joins the thread of its coordinator's connection, which sleeps that long), and nobody who
   * waits for the state waits for that. Whoever closes the log does.
   */
  onEnding(ended: Promise<void>): void;
}

/** On every record of a state topic: who is writing it. */
export const TRANSACTION_HEADER = 'milepost-transaction';

/**
 * Compaction leaves the beginning of a partition where it was. Asked for the beginning by its logical name, librdkafka (2.8, rdkafka_partition.c,
 * rd_kafka_toppar_offset_request) waits for 500 ms, since it does not yet know the partition's leader.
 */
const FIRST_OFFSET = 0;
const PATIENCE_MS = 1_000;
const GIVE_UP_MS = 60_000;
/** So often an open transaction is ended in the ordinary way before it is taken for a hanging one. */
const HANGING_AFTER_ROUNDS = 2;
const FETCH_RECORDS = 5_000;
const PAUSE_MS = 3;

export interface PartitionsState {
  state: Map<number, Map<string, Buffer>>;
  /** Who wrote the last record of each partition, by transactional id. */
  lastWriters: Set<string>;
}

export async function readStateOf(
  options: StateReaderOptions,
  partitions: readonly number[],
): Promise<PartitionsState> {
  const state = new Map(partitions.map((partition) => [partition, new Map<string, Buffer>()]));
  const writers = new Map<number, string>();
  const started = performance.now();
  let patienceMs = started + PATIENCE_MS;
  let rounds = 0;
  await withReader(options, 'read_committed', async (consumer) => {
    const ends = new Map<number, number>();
    consumer.on('partition.eof', ({ partition, offset }) => ends.set(partition, offset));
    consumer.assign(partitions.map((partition) => ({ topic: options.topic, partition, offset: FIRST_OFFSET })));
    for (;;) {
      for (const record of (await fetch(consumer)).map(toRecord)) {
        if (record.value === null) state.get(record.partition)?.delete(record.key);
        else state.get(record.partition)?.set(record.key, record.value);
        noteWriter(writers, record);
      }
      const open = partitions.filter(
        (partition) => !isComplete(consumer, { topic: options.topic, partition, end: ends.get(partition) }),
      );
      if (open.length === 0) return;
      if (performance.now() - started > GIVE_UP_MS)
        throw new Error(`the state in ${options.topic} could not be read to its end`);
      if (performance.now() < patienceMs) continue;
      const stuck = open.flatMap((partition) => {
        const end = ends.get(partition);
        return end === undefined ? [] : [{ partition, offset: end }];
      });
      rounds++;
      await endTransactionsOfTheDead(options, { stuck, hanging: rounds > HANGING_AFTER_ROUNDS });
      patienceMs = performance.now() + PATIENCE_MS;
    }
  });
  return { state, lastWriters: new Set(writers.values()) };
}

/** Who wrote the last record of each partition, also where it is not committed. */
export async function lastWritersOf(options: StateReaderOptions, partitions: readonly number[]): Promise<Set<string>> {
  const writers = new Map<number, string>();
  const from = partitions.map((partition) => ({ partition, offset: FIRST_OFFSET }));
  await readUncommitted(options, { from, forMs: GIVE_UP_MS, onRecord: (record) => noteWriter(writers, record) });
  return new Set(writers.values());
}

function noteWriter(writers: Map<number, string>, { partition, headers }: StoredRecord): void {
  const writer = headers?.[TRANSACTION_HEADER];
  if (writer) writers.set(partition, writer);
}

/** Read to the last stable offset (`end`), and nothing pending behind it. */
function isComplete(
  consumer: KafkaConsumer,
  of: { topic: string; partition: number; end: number | undefined },
): boolean {
  if (of.end === undefined) return false;
  const { highOffset } = consumer.getWatermarkOffsets(of.topic, of.partition);
  return highOffset >= 0 && of.end >= highOffset;
}

async function endTransactionsOfTheDead(
  options: StateReaderOptions,
  { stuck, hanging }: { stuck: readonly { partition: number; offset: number }[]; hanging: boolean },
): Promise<void> {
  if (stuck.length === 0) return;
  const ids = new Set<string>();
  const onRecord = ({ headers }: StoredRecord) => {
    const id = headers?.[TRANSACTION_HEADER];
    if (id) ids.add(id);
  };
  await readUncommitted(options, { from: stuck, forMs: PATIENCE_MS, onRecord });
  for (const transactionalId of ids) {
    const what = hanging ? 'ending a hanging transaction' : 'ending the open transaction of a process that left';
    options.log.warn({ transactionalId, topic: options.topic, stuck }, what);
    const producer = await TransactionProducer.open({ ...options, transactionalId, pace: 'bulk' });
    try {
      if (hanging) await producer.sweep(options.everywhere);
    } finally {
      await producer.close();
    }
  }
}

/** To the end of each partition, or for so long. */
async function readUncommitted(
  options: StateReaderOptions,
  of: {
    from: readonly { partition: number; offset: number }[];
    forMs: number;
    onRecord: (record: StoredRecord) => void;
  },
): Promise<void> {
  await withReader(options, 'read_uncommitted', async (consumer) => {
    const open = new Set(of.from.map(({ partition }) => partition));
    consumer.on('partition.eof', ({ partition }) => open.delete(partition));
    consumer.assign(of.from.map((position) => ({ ...position, topic: options.topic })));
    const endMs = performance.now() + of.forMs;
    while (open.size > 0 && performance.now() < endMs)
      for (const record of (await fetch(consumer)).map(toRecord)) of.onRecord(record);
  });
}

async function withReader(
  options: StateReaderOptions,
  isolation: 'read_committed' | 'read_uncommitted',
  work: (consumer: KafkaConsumer) => Promise<void>,
): Promise<void> {
  const consumer = new options.rdkafka.KafkaConsumer(readerConfig(options.address, isolation), consumerTopicConfig);
  // A topic that is unknown when its partitions are assigned is asked for in librdkafka's next look at all topics, once a second.
  await connect(consumer, { topic: options.topic });
  consumer.setDefaultConsumeTimeout(0);
  try {
    await work(consumer);
  } catch (error) {
    throw kafkaError(error, `reading ${options.topic}`);
  } finally {
    if (consumer.isConnected()) consumer.unassign();
    options.onEnding(disconnect(consumer));
  }
}

async function fetch(consumer: KafkaConsumer): Promise<Message[]> {
  const messages = await asked<Message[]>((done) => consumer.consume(FETCH_RECORDS, done));
  if (messages.length === 0) await delay(PAUSE_MS);
  return messages;
}
