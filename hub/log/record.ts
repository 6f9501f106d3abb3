/** What every implementation asks of a record before it takes it. */
import { EventLogError, type LogRecord } from './event-log.ts';
import { MAX_RECORD_BYTES, type TopicSpec } from './topics.ts';

/** Key, value and headers together. */
export function bytesOf(record: LogRecord): number {
  let bytes = Buffer.byteLength(record.key) + (record.value?.length ?? 0);
  for (const [name, value] of Object.entries(record.headers ?? {})) {
    bytes += Buffer.byteLength(name) + Buffer.byteLength(value);
  }
  return bytes;
}

/** @throws EventLogError `log-rejected` */
export function checkRecord(record: LogRecord, { name, partitions }: TopicSpec): void {
  const { partition } = record;
  if (partition !== undefined && !(Number.isInteger(partition) && partition >= 0 && partition < partitions)) {
    throw rejected(`partition ${partition} of ${name}: it has 0 to ${partitions - 1}`);
  }
  const bytes = bytesOf(record);
  if (bytes > MAX_RECORD_BYTES) {
    throw rejected(`a record of ${bytes} bytes for ${name}: at most ${MAX_RECORD_BYTES} are taken`);
  }
}

function rejected(message: string): EventLogError {
  return new EventLogError({ code: 'log-rejected', message });
}

/** Headers as they are stored. Kafka's client cuts a text off at U+0000, so none may hold one: it becomes U+FFFD, everywhere. */
export function cleanHeaders(headers: LogRecord['headers']): Record<string, string> | undefined {
  if (!headers) return undefined;
  const entries = Object.entries(headers);
  if (entries.length === 0) return undefined;
  if (entries.every(([name, text]) => !name.includes('\0') && !text.includes('\0')))
    return headers as Record<string, string>;
  return Object.fromEntries(entries.map((entry) => entry.map((text) => text.replaceAll('\0', '\ufffd'))));
}
