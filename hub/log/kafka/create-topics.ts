/** Creates topics with the settings they need. */
import type { NewTopic } from 'node-rdkafka';
import { MAX_RECORD_BYTES, type TopicSpec } from '../topics.ts';
import type { KafkaAddress } from './config.ts';
import { asked, CODES, kafkaError, type Rdkafka } from './native.ts';

const TIMEOUT_MS = 15_000;
/** The broker measures a batch with its framing. */
const MAX_MESSAGE_BYTES = MAX_RECORD_BYTES + 128 * 1024;

export async function createTopics(options: {
  rdkafka: Rdkafka;
  address: KafkaAddress;
  topics: readonly TopicSpec[];
  /** −1: the broker's default. */
  replication: number;
}): Promise<void> {
  const { rdkafka, address, topics, replication } = options;
  if (topics.length === 0) return;
  const admin = rdkafka.AdminClient.create({ 'metadata.broker.list': address.brokers, ...address.properties });
  try {
    await Promise.all(
      topics.map(async (topic) => {
        const wanted = { topic: topic.name, num_partitions: topic.partitions, replication_factor: replication };
        try {
          await asked((done) => admin.createTopic({ ...wanted, config: topicSettings(topic) }, TIMEOUT_MS, done));
        } catch (error) {
          // Another process was quicker.
          if ((error as { code?: unknown }).code !== CODES.topicExists)
            throw kafkaError(error, `creating topic ${topic.name}`);
        }
      }),
    );
  } finally {
    admin.disconnect();
  }
}

function topicSettings({ compacted, retention = {}, partitions }: TopicSpec): NonNullable<NewTopic['config']> {
  const settings: Record<string, string> = { 'max.message.bytes': String(MAX_MESSAGE_BYTES) };
  if (compacted) {
    // Small segments, closed soon: only closed ones are compacted, and a restore reads what is left.
    return { ...settings, 'cleanup.policy': 'compact', 'segment.ms': '600000', 'segment.bytes': '16777216' };
  }
  settings['cleanup.policy'] = 'delete';
  if (retention.ageMs !== undefined) settings['retention.ms'] = String(retention.ageMs);
  if (retention.bytes !== undefined) settings['retention.bytes'] = String(Math.ceil(retention.bytes / partitions));
  return settings;
}
