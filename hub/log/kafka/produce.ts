/** Hands one record to a producer of node-rdkafka. */
import type { MessageHeader, Producer } from 'node-rdkafka';
import type { LogRecord } from '../event-log.ts';
import { cleanHeaders } from '../record.ts';

/** @throws LibrdKafkaError, for example when the queue is full. */
export function produce(producer: Producer, record: LogRecord, opaque?: object): void {
  const { topic, partition = null, value, key } = record;
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
