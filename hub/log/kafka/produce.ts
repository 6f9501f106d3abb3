/** Hands one record to a producer of node-rdkafka. */
import type { MessageHeader, Producer } from 'node-rdkafka';
import type { LogRecord } from '../event-log.ts';
import { cleanHeaders } from '../record.ts';

/** @throws LibrdKafkaError, for example when the queue is full. */
export function produce(producer: Producer, record: LogRecord, opaque?: object): void {
  // The key as bytes: node-rdkafka cuts a text off at U+0000.
  const key = Buffer.from(record.key);
  const partition = record.partition ?? null;
  producer.produce(record.topic, partition, record.value, key, null, opaque, headersOf(record));
}

function headersOf(record: LogRecord): MessageHeader[] | undefined {
  const headers = cleanHeaders(record.headers);
  return headers && Object.entries(headers).map(([name, value]) => ({ [name]: value }));
}
