/** Where the partitions of a topic are at a moment, or end. */
import { connect, disconnect } from './client.ts';
import { consumerTopicConfig, type KafkaAddress, readerConfig } from './config.ts';
import { asked, kafkaError, type Rdkafka } from './native.ts';

const TIMEOUT_MS = 15_000;

/** The first offset at or after a time, or the end: of each partition. */
export async function positionsAt(options: {
  rdkafka: Rdkafka;
  address: KafkaAddress;
  topic: string;
  partitions: number;
  at: number | 'end';
}): Promise<Map<number, number>> {
  const { rdkafka, address, topic, at } = options;
  const consumer = new rdkafka.KafkaConsumer(readerConfig(address, 'read_committed'), consumerTopicConfig);
  const partitions = Array.from({ length: options.partitions }, (_, partition) => partition);
  try {
    await connect(consumer);
    const end = async (partition: number) =>
      (
        await asked<{ highOffset: number }>((done) =>
          consumer.queryWatermarkOffsets(topic, partition, TIMEOUT_MS, done),
        )
      ).highOffset;
    if (at === 'end')
      return new Map(await Promise.all(partitions.map(async (each) => [each, await end(each)] as const)));
    // Where `offset` stands, the question has the time.
    const question = partitions.map((partition) => ({ topic, partition, offset: at }));
    const found = await asked<{ partition: number; offset: number }[]>((done) =>
      consumer.offsetsForTimes(question, TIMEOUT_MS, done),
    );
    return new Map(
      await Promise.all(
        found.map(async ({ partition, offset }) => [partition, offset >= 0 ? offset : await end(partition)] as const),
      ),
    );
  } catch (error) {
    throw kafkaError(error, `asking for positions in ${topic}`);
  } finally {
    await disconnect(consumer);
  }
}
