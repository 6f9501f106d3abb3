/**
 * A process died in the middle of a transaction, and another takes its partitions over: at each point that the dead one may have come to. Its
 * transactions time out after ten minutes, so nothing goes on here unless they are ended.
 */
import type { KafkaConsumer, Producer } from 'node-rdkafka';
import { expect, it, vi } from 'vitest';
import { describeWith } from '../../../test/servers/needs.ts';
import type { EventLog } from '../event-log.ts';
import { connect, disconnect } from './client.ts';
import { openKafkaLog } from './kafka-log.ts';
import { asked, loadRdkafka } from './native.ts';
import { produce } from './produce.ts';
import { TRANSACTION_HEADER } from './state-reader.ts';

const WAIT = { timeout: 40_000, interval: 20 };
let serial = 0;

function names() {
  const group = `left-open-${process.pid}-${Date.now().toString(36)}-${serial++}`;
  const [input, state, output] = [`${group}-in`, `${group}-state`, `${group}-out`] as const;
  const topics = [
    { name: input, partitions: 1 },
    { name: state, partitions: 1, compacted: true },
    { name: output, partitions: 1 },
  ];
  return { group, input, state, output, topics };
}

type Names = ReturnType<typeof names>;

interface At {
  of: Names;
  producer: Producer;
  consumer: KafkaConsumer;
  transactionalId: string;
}

const copy = (log: EventLog, of: Names) =>
  log.transform({
    ...of,
    onAssigned: () => {},
    onRevoked: () => {},
    onRecords: async (records) => ({
      outputs: records.flatMap(({ partition, key, value }) => [
        { topic: of.output, key, value: value ?? Buffer.alloc(0) },
        { topic: of.state, partition, key, value },
      ]),
    }),
  });

describeWith(['kafka'], 'what a dead process left open', ({ kafka }) => {
  /** One record is copied by a process, which then dies (its consumer has left the group) with a transaction that has come to `point`. */
  async function takenOver(point: (at: At) => Promise<void>) {
    const of = names();
    const address = { brokers: kafka.url, topics: of.topics };
    const seen: string[] = [];
    const signed: string[] = [];
    const log = await openKafkaLog(address);
    await log.setup();
    const read = (topic: string, take: (value: string, signature: string | undefined) => void) =>
      log.follow({
        topic,
        position: async () => 0,
        onRecords: async (records) => {
          for (const { value, headers } of records) take(String(value), headers?.[TRANSACTION_HEADER]);
        },
      });
    await read(of.output, (value) => seen.push(value));
    await read(of.state, (_value, signature) => signed.push(signature ?? ''));
    const former = await openKafkaLog(address);
    await copy(former, of);
    await log.append([{ topic: of.input, key: 'k', value: Buffer.from('one') }]);
    await vi.waitFor(() => expect([seen, signed.length]).toEqual([['one'], 1]), WAIT);
    await former.close();

    const rdkafka = await loadRdkafka();
    const broker = { 'metadata.broker.list': kafka.url };
    const [transactionalId = ''] = signed;
    const transaction = { 'transactional.id': transactionalId, 'transaction.timeout.ms': 600_000 };
    const producer = new rdkafka.Producer({ ...broker, ...transaction }, { acks: -1 });
    const consumer = new rdkafka.KafkaConsumer({ ...broker, 'group.id': of.group }, {});
    await Promise.all([connect(producer), connect(consumer)]);
    await asked((done) => producer.initTransactions(10_000, done));
    await asked((done) => producer.beginTransaction(done));
    await point({ producer, consumer, of, transactionalId });

    await log.append([{ topic: of.input, key: 'k', value: Buffer.from('two') }]);
    await copy(log, of);
    await vi.waitFor(() => expect(seen).toEqual(['one', 'two']), WAIT);
    await log.close();
    await Promise.all([disconnect(producer), disconnect(consumer)]);
  }

  const flushed = (producer: Producer) => asked((done) => producer.flush(10_000, done));

  it('is ended when only the offsets had come to the broker', () =>
    takenOver(async ({ producer, consumer, of }) => {
      const offsets = [{ topic: of.input, partition: 0, offset: 2 }];
      await asked((done) => producer.sendOffsetsToTransaction(offsets, consumer, 10_000, done));
    }));

  it('is ended when only an output had', () =>
    takenOver(async ({ producer, of }) => {
      produce(producer, { topic: of.output, key: 'k', value: Buffer.from('never') });
      await flushed(producer);
    }));

  it('is ended when the state had, with its signature', () =>
    takenOver(async ({ producer, of, transactionalId }) => {
      const headers = { [TRANSACTION_HEADER]: transactionalId };
      produce(producer, { topic: of.state, partition: 0, key: 'k', value: Buffer.from('never'), headers });
      await flushed(producer);
    }));
});
