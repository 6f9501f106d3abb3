import { expect, it, vi } from 'vitest';
import { startKafka } from '../../../test/servers/kafka.ts';
import { describeWith } from '../../../test/servers/needs.ts';
import type { Server } from '../../../test/servers/server-process.ts';
import type { EventLog, LogRecord, StoredRecord } from '../event-log.ts';
import { partitionOfKey } from '../partitioner.ts';
import { openKafkaLog } from './kafka-log.ts';
import { loadRdkafka } from './native.ts';
import { TRANSACTION_HEADER } from './state-reader.ts';
import { TransactionProducer } from './transaction-producer.ts';

const WAIT = { timeout: 60_000, interval: 50 };
let serial = 0;

function names() {
  const prefix = `faults-${process.pid}-${Date.now().toString(36)}-${serial++}`;
  const [input, state, output] = [`${prefix}-in`, `${prefix}-state`, `${prefix}-out`] as const;
  const topics = [
    { name: input, partitions: 2 },
    { name: state, partitions: 2, compacted: true },
    { name: output, partitions: 2 },
  ];
  return { input, state, output, topics, group: prefix };
}

/** Copies, and keeps in the state how many records each key has had. */
function copy(log: EventLog, of: ReturnType<typeof names>) {
  const counts = new Map<string, number>();
  return log.transform({
    ...of,
    onAssigned: (_partition, state) => {
      for (const [key, value] of state) counts.set(key, Number(value.toString()));
    },
    onRevoked: () => {},
    onRecords: async (records) => {
      const outputs: LogRecord[] = [];
      for (const { partition, key, value } of records) {
        const count = (counts.get(key) ?? 0) + 1;
        counts.set(key, count);
        outputs.push({ topic: of.output, key, value: Buffer.from(`${value?.toString()}#${count}`) });
        outputs.push({ topic: of.state, partition, key, value: Buffer.from(String(count)) });
      }
      return { outputs };
    },
  });
}

async function collect(log: EventLog, topic: string): Promise<StoredRecord[]> {
  const records: StoredRecord[] = [];
  const next = new Map<number, number>();
  await log.follow({
    group: `collect-${serial++}`,
    topic,
    position: async (partition) => next.get(partition) ?? 0,
    onRecords: async (group) => {
      for (const record of group) {
        if (record.offset < (next.get(record.partition) ?? 0)) continue;
        next.set(record.partition, record.offset + 1);
        records.push(record);
      }
    },
  });
  return records;
}

const texts = (records: readonly StoredRecord[]) => records.map(({ value }) => value?.toString());

describeWith(['kafka'], 'Kafka and its faults', ({ kafka }) => {
  async function withServer(work: (server: Server) => Promise<void>): Promise<void> {
    const server = await startKafka();
    try {
      await work(server);
    } finally {
      await server.stop();
    }
  }

  it('keeps the partitions of a topic that exists, and places keys by them', async () => {
    const of = names();
    const first = await openKafkaLog({ brokers: kafka.url, topics: of.topics });
    await first.setup();
    await first.close();
    const second = await openKafkaLog({
      brokers: kafka.url,
      topics: of.topics.map((topic) => ({ ...topic, partitions: 5 })),
    });
    await second.setup();
    await expect(second.append([{ topic: of.input, partition: 2, key: 'a', value: null }])).rejects.toMatchObject({
      code: 'log-rejected',
    });
    await second.append([{ topic: of.input, key: 'a', value: Buffer.from('x') }]);
    const records = await collect(second, of.input);
    await vi.waitFor(() => expect(records.map(({ partition }) => partition)).toEqual([partitionOfKey('a', 2)]), WAIT);
    await second.close();
  });

  it('ends the transaction that a dead process left open, and waits for no time-out', async () => {
    const of = names();
    const log = await openKafkaLog({ brokers: kafka.url, topics: of.topics });
    await log.setup();
    const dead = await TransactionProducer.open({
      rdkafka: await loadRdkafka(),
      address: { brokers: kafka.url },
      transactionalId: `${of.group}.dead`,
      pace: 'bulk',
    });
    const left: LogRecord = {
      topic: of.state,
      partition: 0,
      key: 'ghost',
      value: Buffer.from('7'),
      headers: { [TRANSACTION_HEADER]: `${of.group}.dead` },
    };
    await dead.leaveOpen([left]);
    const started = performance.now();
    const assigned = new Map<number, ReadonlyMap<string, Buffer>>();
    await log.transform({
      ...of,
      onAssigned: (partition, state) => assigned.set(partition, state),
      onRevoked: () => {},
      onRecords: async () => ({ outputs: [] }),
    });
    await vi.waitFor(() => expect(assigned.size).toBe(2), WAIT);
    expect(performance.now() - started).toBeLessThan(8_000);
    expect(assigned.get(0)?.has('ghost')).toBe(false);
    await log.close();
    await dead.close();
  });

  it('a swept partition holds nothing open, and nothing of the sweep is ever read', async () => {
    const of = names();
    const log = await openKafkaLog({ brokers: kafka.url, topics: of.topics });
    await log.setup();
    const options = {
      rdkafka: await loadRdkafka(),
      address: { brokers: kafka.url },
      transactionalId: `${of.group}.dead`,
      pace: 'bulk' as const,
    };
    const dead = await TransactionProducer.open(options);
    const everywhere = [0, 1].map((partition) => {
      return { topic: of.output, partition, key: 'sweep', value: Buffer.alloc(0) };
    });
    await dead.leaveOpen(everywhere);
    const successor = await TransactionProducer.open(options);
    await successor.sweep(everywhere);
    expect(successor.usable).toBe(true);
    await log.append([0, 1].map((partition) => ({ topic: of.output, partition, key: 'a', value: Buffer.from('x') })));
    const records = await collect(log, of.output);
    await vi.waitFor(() => expect(texts(records)).toEqual(['x', 'x']), WAIT);
    await log.close();
    await Promise.all([dead.close(), successor.close()]);
  });

  it('reads a partition that was taken away while it was paused for a failure, and came back', async () => {
    const of = names();
    const log = await openKafkaLog({ brokers: kafka.url, topics: of.topics });
    const helper = await openKafkaLog({ brokers: kafka.url, topics: of.topics });
    await log.setup();
    await helper.setup();
    let fails = true;
    const seen: string[] = [];
    const held = { log: new Set<number>(), helper: new Set<number>() };
    const run = (at: EventLog, name: keyof typeof held) =>
      at.transform({
        ...of,
        onAssigned: (partition) => held[name].add(partition),
        onRevoked: (partition) => held[name].delete(partition),
        onRecords: async (records) => {
          if (name === 'log' && fails) throw new Error('a fault that passes');
          seen.push(...records.map(({ partition, key }) => `${partition} ${key}`));
          return { outputs: records.map(({ partition, key }) => ({ topic: of.state, partition, key, value: null })) };
        },
      });
    const both = (key: string) =>
      log.append([0, 1].map((partition) => ({ topic: of.input, partition, key, value: Buffer.from(key) })));
    const runner = await run(log, 'log');
    await both('first');
    await vi.waitFor(() => expect(runner.fault()?.message).toBe('a fault that passes'), WAIT);
    const guest = await run(helper, 'helper');
    await vi.waitFor(() => expect([held.log.size, held.helper.size]).toEqual([1, 1]), WAIT);
    fails = false;
    await vi.waitFor(() => expect(new Set(seen)).toEqual(new Set(['0 first', '1 first'])), WAIT);
    await guest.stop();
    await vi.waitFor(() => expect(held.log.size).toBe(2), WAIT);
    await both('second');
    await vi.waitFor(() => expect(seen).toEqual(expect.arrayContaining(['0 second', '1 second'])), WAIT);
    await Promise.all([log.close(), helper.close()]);
  });

  it('refuses appends while Kafka is away, says so, and goes on when it is back', async () => {
    await withServer(async (server) => {
      const of = names();
      const log = await openKafkaLog({ brokers: server.url, topics: of.topics, deliveryTimeoutMs: 2_000 });
      await log.setup();
      await log.append([{ topic: of.input, key: 'a', value: Buffer.from('before') }]);
      await server.kill9();
      await expect(log.append([{ topic: of.input, key: 'a', value: Buffer.from('lost') }])).rejects.toMatchObject({
        code: 'log-unavailable',
      });
      expect(await log.healthy()).toMatchObject({ ok: false, detail: expect.stringContaining(server.url) });
      await server.restart();
      await vi.waitFor(() => log.append([{ topic: of.input, key: 'a', value: Buffer.from('after') }]), WAIT);
      const records = await collect(log, of.input);
      await vi.waitFor(() => {
        expect(texts(records).at(0)).toBe('before');
        expect(texts(records).at(-1)).toBe('after');
      }, WAIT);
      await log.close();
    });
  });

  it('starts while Kafka is away, and reads once it is there', async () => {
    await withServer(async (server) => {
      const of = names();
      const before = await openKafkaLog({ brokers: server.url, topics: of.topics });
      await before.setup();
      await before.append([{ topic: of.input, key: 'a', value: Buffer.from('x') }]);
      await before.close();
      await server.kill9();
      const log = await openKafkaLog({ brokers: server.url, topics: of.topics });
      await expect(log.setup()).rejects.toMatchObject({ code: 'log-unavailable' });
      const runner = await copy(log, of);
      const records = await collect(log, of.output);
      await vi.waitFor(() => expect(runner.fault()).toMatchObject({ message: expect.stringContaining('Kafka') }), WAIT);
      await server.restart();
      await vi.waitFor(() => expect(texts(records)).toEqual(['x#1']), WAIT);
      await vi.waitFor(() => expect(runner.fault()).toBeUndefined(), WAIT);
      await log.close();
    });
  });

  it('is exactly once when the broker is killed under it', async () => {
    await withServer(async (server) => {
      const of = names();
      const log = await openKafkaLog({ brokers: server.url, topics: of.topics });
      await log.setup();
      const runner = await copy(log, of);
      const records = await collect(log, of.output);
      const keys = ['a', 'b', 'c'];
      let sent = 0;
      for (const kill of [false, true, false, true, false]) {
        const batch = Array.from({ length: 40 }, (_, n) =>
          keys.map((key) => ({ key, text: `${key}:${sent + n}` })),
        ).flat();
        sent += 40;
        // Idempotent: a batch that waits for the broker's return is appended once.
        const appended = log.append(batch.map(({ key, text }) => ({ topic: of.input, key, value: Buffer.from(text) })));
        if (kill) {
          await vi.waitFor(() => expect(records.length).toBeGreaterThan((sent - 80) * keys.length), WAIT);
          await server.kill9();
          await server.restart();
        }
        await appended;
      }
      await vi.waitFor(() => expect(records.length).toBeGreaterThanOrEqual(sent * keys.length), WAIT);
      await vi.waitFor(() => expect(runner.lag()).toBe(0), WAIT);
      for (const key of keys) {
        const own = records.filter((found) => found.key === key);
        expect(texts(own)).toEqual(Array.from({ length: sent }, (_, n) => `${key}:${n}#${n + 1}`));
      }
      await log.close();
    });
  });
});
