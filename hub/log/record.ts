/** What every implementation asks of a record before it takes it. */
import { EventLogError, type LogRecord } from './event-log.ts';
import { MAX_RECORD_BYTES, type TopicSpec } from './topics.ts';

/** Key, value and headers together. */
export function bytesOf({ key, value, headers }: LogRecord): number {
  let bytes = Buffer.byteLength(key) + (value?.length ?? 0);
  for (const name in headers) bytes += Buffer.byteLength(name) + Buffer.byteLength(headers[name] ?? '');
  return bytes;
}

/** At least `bytesOf`, for less: no character takes more than three bytes for each of its units. */
function bytesAtMost({ key, value, headers }: LogRecord): number {
  let units = key.length;
  for (const name in headers) units += name.length + (headers[name] ?? '').length;
  return 3 * units + (value?.length ?? 0);
}

/** @throws EventLogError `log-rejected` */
export function checkRecord(record: LogRecord, { name, partitions }: TopicSpec): void {
  const { partition } = record;
  if (partition !== undefined && !(Number.isInteger(partition) && partition >= 0 && partition < partitions)) {
    throw rejected(`partition ${partition} of ${name}: it has 0 to ${partitions - 1}`);
  }
  if (bytesAtMost(record) <= MAX_RECORD_BYTES) return;
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
  let isEmpty = true;
  for (const name in headers) {
    isEmpty = false;
    if (!name.includes('\0') && !(headers[name] ?? '').includes('\0')) continue;
    const entries = Object.entries(headers);
    return Object.fromEntries(entries.map((entry) => entry.map((text) => text.replaceAll('\0', '\ufffd'))));
  }
  return isEmpty ? undefined : (headers as Record<string, string>);
}
