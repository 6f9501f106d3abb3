/** A message of node-rdkafka as a record. A foreign producer may have sent no key: it becomes the empty one. */
import type { Message } from 'node-rdkafka';
import type { StoredRecord } from '../event-log.ts';

export function toRecord(message: Message): StoredRecord {
  const headers: Record<string, string> = {};
  for (const header of message.headers ?? []) {
    for (const [name, value] of Object.entries(header)) headers[name] = value.toString();
  }
  return {
    topic: message.topic,
    partition: message.partition,
    offset: message.offset,
    timestampMs: message.timestamp ?? 0,
    key: message.key?.toString() ?? '',
    value: message.value,
    headers,
  };
}
