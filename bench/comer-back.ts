/**
 * What Kafka clients that have just been opened cost a hub that comes back: the first transaction of a producer beside its second, and reading an
 * empty state beside connecting alone. Median and longest of `clients`.
 *
 *   npm run bench -- comer-back [--clients 40] [--json]
 */
import { parseArgs } from 'node:util';
import { connect, disconnect } from '../hub/log/kafka/client.ts';
import { consumerTopicConfig, readerConfig } from '../hub/log/kafka/config.ts';
import { openKafkaLog } from '../hub/log/kafka/kafka-log.ts';
import { loadRdkafka } from '../hub/log/kafka/native.ts';
import { readStateOf } from '../hub/log/kafka/state-reader.ts';
import { TransactionProducer } from '../hub/log/kafka/transaction-producer.ts';
import { silentLog } from '../protocols/base/log.ts';
import { startKafka } from '../test/servers/kafka.ts';
import { print, type Row } from './row.ts';

const OUTPUTS = ['one', 'two'];
const STATE = { name: 'state', partitions: 6, compacted: true };

const { values } = parseArgs({
  options: { clients: { type: 'string', default: '40' }, json: { type: 'boolean', default: false } },
});
const clients = Number(values.clients);
const kafka = await startKafka();
try {
  const address = { brokers: kafka.url };
  const topics = [...OUTPUTS.map((name) => ({ name, partitions: 6, compacted: false })), STATE];
  const log = await openKafkaLog({ ...address, topics });
  await log.setup();
  await log.close();
  print([await transactions(address), await stateReading(address)], values.json);
} finally {
  await kafka.stop();
}

async function transactions(address: { brokers: string }): Promise<Row> {
  const rdkafka = await loadRdkafka();
  const firstMs: number[] = [];
  const secondMs: number[] = [];
  const outputs = OUTPUTS.map((topic) => ({ topic, key: 'package', value: Buffer.from('event') }));
  // Nothing was consumed: it is not asked.
  const consumer = new rdkafka.KafkaConsumer(readerConfig(address, 'read_committed'), consumerTopicConfig);
  for (let client = 0; client < clients; client++) {
    const options = { rdkafka, address, transactionalId: `bench-${client}`, pace: 'calm' } as const;
    const producer = await TransactionProducer.open(options);
    for (const times of [firstMs, secondMs])
      times.push(await took(() => producer.run({ outputs, offsets: [], consumer })));
    await producer.close();
  }
  return row('first transaction of a producer', firstMs, { 'its second': secondMs });
}

async function stateReading(address: { brokers: string }): Promise<Row> {
  const rdkafka = await loadRdkafka();
  const partitions = Array.from({ length: STATE.partitions }, (_, partition) => partition);
  const readMs: number[] = [];
  const connectMs: number[] = [];
  for (let client = 0; client < clients; client++) {
    const ending: Promise<void>[] = [];
    const options = { rdkafka, address, log: silentLog, topic: STATE.name, everywhere: [] };
    const onEnding = (ended: Promise<void>) => ending.push(ended);
    readMs.push(await took(() => readStateOf({ ...options, onEnding }, partitions)));
    const consumer = new rdkafka.KafkaConsumer(readerConfig(address, 'read_committed'), consumerTopicConfig);
    connectMs.push(await took(() => connect(consumer)));
    await Promise.all([...ending, disconnect(consumer)]);
  }
  return row('reading an empty state', readMs, { 'connecting alone': connectMs });
}

async function took(work: () => Promise<unknown>): Promise<number> {
  const startMs = performance.now();
  await work();
  return performance.now() - startMs;
}

function row(path: string, ours: readonly number[], beside: Record<string, readonly number[]>): Row {
  const medians = Object.entries(beside).map(([name, times]) => [`${name}, median`, median(times)]);
  return {
    path,
    unit: 'ms',
    ours: median(ours),
    beside: { ...Object.fromEntries(medians), 'ours, longest': Math.max(...ours) },
    goals: [],
  };
}

function median(of: readonly number[]): number {
  return [...of].sort((a, b) => a - b)[Math.floor(of.length / 2)] ?? Number.NaN;
}
