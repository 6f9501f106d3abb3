/** Hands one record to a producer of node-rdkafka. */
import type { MessageHeader, Producer } from 'node-rdkafka';
import type { LogRecord } from '../event-log.ts';
import { cleanHeaders } from '../record.ts';
import { CONNECT_TIMEOUT_MS } from './client.ts';

/** @throws LibrdKafkaError, for example when the queue is full. */
export function produce(producer: Producer, record: LogRecord, opaque?: object): void {
  const { topic, partition = null, value, key } = record;
  ask(producer, topic);
  // As text, unless it holds U+0000, where node-rdkafka would cut it off.
  producer.produce(
    topic,
    partition,
    value,
    key.includes('\0') ? Buffer.from(key) : key,
    null,
    opaque,
    headersOf(record),
  );
}

/**
 * A producer's first record of a topic waits until the topic's partitions are known, and librdkafka (2.8, rd_kafka_producev) leaves asking for them
 * to its look at all topics, once a second. So we ask, once. Not waited for: without an answer that look still comes.
 */
function ask(producer: Producer, topic: string): void {
  const topics = askedFor.get(producer) ?? new Set();
  if (topics.has(topic)) return;
  askedFor.set(producer, topics.add(topic));
  producer.getMetadata({ topic, timeout: CONNECT_TIMEOUT_MS }, () => {});
}

const askedFor = new WeakMap<Producer, Set<string>>();

/** An object for each: what node-rdkafka takes. Records of one batch say mostly the same. */
function headersOf(record: LogRecord): MessageHeader[] | undefined {
  const headers = cleanHeaders(record.headers);
  if (!headers) return undefined;
  const list: MessageHeader[] = [];
  for (const name in headers) {
    const value = headers[name] ?? '';
    let header = said.get(name);
    if (header?.[name] !== value) {
      header = { [name]: value };
      if (said.size < MAX_SAID || said.has(name)) said.set(name, header);
    }
    list.push(header as MessageHeader);
  }
  return list;
}

/** Of each name the header that was sent last. */
const said = new Map<string, MessageHeader>();
const MAX_SAID = 64;
