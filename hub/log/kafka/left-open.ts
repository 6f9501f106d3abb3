/**
 * Ends what a process that died left open in its transactions, when its partitions were taken over.
 *
 * A transaction of the dead holds up everybody who reads committed, in every partition that it wrote to, until the broker gives it up: its
 * time-out (10 s) and then up to 10 s more, since the broker looks only so often. Whose it is stands on the records of the state topic, on those of earlier
 * transactions as well: so it is known even where the dead one had sent nothing but offsets, or an output.
 *
 * Who is alive is not ended: only a process is that was the last to write a partition's state, when something is held up for a second.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { KafkaConsumer } from 'node-rdkafka';
import type { Log } from '../../../protocols/base/log.ts';
import type { LogRecord } from '../event-log.ts';
import { connect, disconnect } from './client.ts';
import { consumerTopicConfig, type KafkaAddress, readerConfig } from './config.ts';
import { asked, type Rdkafka } from './native.ts';
import { prefixOf, TransactionProducers } from './transaction-producer.ts';

export interface LeftOpenOptions {
  rdkafka: Rdkafka;
  address: KafkaAddress;
  log: Log;
  /** Of the transactional ids of this process: it is never ended. */
  ownPrefix: string;
  /** A record for each partition that a transform may write to. */
  everywhere(): readonly LogRecord[];
}

const HELD_UP_MS = 1_000;
const QUESTION_MS = 5_000;

/** @param writers Transactional ids, for example of the last writers of a state. */
export async function endTransactionsOf(options: LeftOpenOptions, writers: Iterable<string>): Promise<void> {
  const { rdkafka, address, log } = options;
  for (const prefix of othersOf(options, writers)) {
    log.warn({ prefix }, 'ending the open transactions of a process that left');
    const producers = new TransactionProducers({ rdkafka, address, prefix });
    try {
      await producers.fence();
    } finally {
      await producers.close();
    }
  }
}

/** The same, if a partition that they may have written to is held up: then nothing that is committed there can be read. */
export async function endWhatHoldsUp(
  options: LeftOpenOptions,
  writers: Iterable<string>,
  signal: AbortSignal,
): Promise<void> {
  const others = [...writers];
  if (othersOf(options, others).size === 0) return;
  const { rdkafka, address } = options;
  const [stable, all] = (['read_committed', 'read_uncommitted'] as const).map(
    (isolation) => new rdkafka.KafkaConsumer(readerConfig(address, isolation), consumerTopicConfig),
  ) as [KafkaConsumer, KafkaConsumer];
  try {
    await Promise.all([connect(stable), connect(all)]);
    const everywhere = options.everywhere();
    const before = await endsOf(stable, everywhere);
    const high = await endsOf(all, everywhere);
    const open = everywhere.filter((_, index) => (high[index] ?? 0) > (before[index] ?? 0));
    if (open.length === 0) return;
    await delay(HELD_UP_MS, undefined, { signal });
    const after = await endsOf(stable, everywhere);
    const isHeldUp = everywhere.some((each, index) => open.includes(each) && after[index] === before[index]);
    if (isHeldUp) await endTransactionsOf(options, others);
  } finally {
    await Promise.all([disconnect(stable), disconnect(all)]);
  }
}

function othersOf({ ownPrefix }: LeftOpenOptions, writers: Iterable<string>): Set<string> {
  const prefixes = new Set([...writers].map(prefixOf));
  prefixes.delete(ownPrefix);
  return prefixes;
}

/** Where a reader of this isolation comes to the end; one question at a time, since each occupies a thread. */
async function endsOf(consumer: KafkaConsumer, records: readonly LogRecord[]): Promise<number[]> {
  const ends: number[] = [];
  for (const { topic, partition = 0 } of records) {
    const found = await asked<{ highOffset: number }>((done) =>
      consumer.queryWatermarkOffsets(topic, partition, QUESTION_MS, done),
    );
    ends.push(found.highOffset);
  }
  return ends;
}
