/** The statements that write and read records. Everything here runs inside a caller's transaction or query. */
import type { Sql, SqlValue } from '../../store/store.ts';
import type { LogRecord, StoredRecord } from '../event-log.ts';
import { bytesOf, cleanHeaders } from '../record.ts';

/** A record whose partition is known. */
export interface PlacedRecord extends LogRecord {
  partition: number;
}

/** Where a partition ends after a write: the offset of the record that will be next. */
export interface Head {
  topic: string;
  partition: number;
  next: number;
}

const NOW_MS = '(extract(epoch from clock_timestamp()) * 1000)::int8';

/** Advances the heads in one fixed order, so that two writers wait for each other rather than lock up. */
const ADVANCE_HEADS = `
insert into log_heads as heads (topic, partition, next, bytes)
select topic, partition, count, bytes
from unnest($1::text[], $2::int4[], $3::int8[], $4::int8[]) as added (topic, partition, count, bytes)
order by topic, partition
on conflict (topic, partition) do update set next = heads.next + excluded.next, bytes = heads.bytes + excluded.bytes
returning topic, partition, next, bytes`;

const INSERT_RECORDS = `
insert into log_records (topic, partition, "offset", end_bytes, at_ms, key, value, headers)
select topic, partition, "offset", end_bytes, ${NOW_MS}, key, value, headers::json
from unnest($1::text[], $2::int4[], $3::int8[], $4::int8[], $5::bytea[], $6::bytea[], $7::text[])
     as added (topic, partition, "offset", end_bytes, key, value, headers)`;

const UPSERT_STATE = `
insert into log_state (topic, partition, "offset", at_ms, key, value, headers)
select topic, partition, "offset", ${NOW_MS}, key, value, headers::json
from unnest($1::text[], $2::int4[], $3::int8[], $4::bytea[], $5::bytea[], $6::text[])
     as added (topic, partition, "offset", key, value, headers)
order by topic, partition, key
on conflict (topic, partition, key) do update
set "offset" = excluded."offset", at_ms = excluded.at_ms, value = excluded.value, headers = excluded.headers`;

/**
 * Reads from all partitions evenly: the first record of each, the second of each, … up to a number of records and of bytes
 * (always at least one record). octet_length of a stored value does not read the value.
 */
const readFrom = (table: 'log_records' | 'log_state') => `
select partition, "offset", at_ms, key, value, headers
from (
  select found.*,
         row_number() over fair as nth,
         sum(coalesce(octet_length(value), 0) + 100) over fair as total_bytes
  from unnest($2::int4[], $3::int8[]) as wanted (partition, start)
  cross join lateral (
    select records.*, row_number() over (order by records."offset") as place
    from ${table} records
    where records.topic = $1 and records.partition = wanted.partition and records."offset" >= wanted.start
    order by records."offset" limit $4
  ) found
  window fair as (order by place, found.partition)
) numbered
where nth <= $4 and (total_bytes <= $5 or nth = 1)
order by partition, "offset"`;
const READ_RECORDS = readFrom('log_records');
const READ_STATE = readFrom('log_state');

/** Writes records in their order; tells where the partitions end now. */
export async function insertRecords(options: {
  sql: Sql;
  records: readonly PlacedRecord[];
  isCompacted: (topic: string) => boolean;
}): Promise<Head[]> {
  if (options.records.length === 0) return [];
  const groups = groupByPartition(options.records);
  const rows = await options.sql.query<HeadRow>(ADVANCE_HEADS, [
    groups.map(({ topic }) => topic),
    groups.map(({ partition }) => partition),
    groups.map(({ records }) => records.length),
    groups.map(({ bytes }) => bytes),
  ]);
  const heads = new Map(rows.map((row) => [nameOf(row), row]));
  const plain: Numbered[] = [];
  const compacted = new Map<string, Numbered>();
  for (const group of groups) {
    const head = heads.get(nameOf(group));
    if (!head) throw new Error(`no head for ${nameOf(group)}`);
    let offset = head.next - group.records.length;
    let endBytes = head.bytes - group.bytes;
    for (const record of group.records) {
      endBytes += bytesOf(record);
      const numbered = { ...record, offset: offset++, endBytes };
      // One statement may not touch a row twice: of each key only the last record counts.
      if (options.isCompacted(record.topic)) compacted.set(`${nameOf(record)}\0${record.key}`, numbered);
      else plain.push(numbered);
    }
  }
  if (plain.length > 0) await options.sql.query(INSERT_RECORDS, recordColumns(plain));
  if (compacted.size > 0) await options.sql.query(UPSERT_STATE, stateColumns([...compacted.values()]));
  return rows.map(({ topic, partition, next }) => ({ topic, partition, next }));
}

/** At most `maxRecords` and about `maxBytes`, ordered by partition and offset. */
export async function readRecords(options: {
  sql: Sql;
  topic: string;
  compacted: boolean;
  positions: ReadonlyMap<number, number>;
  maxRecords: number;
  maxBytes: number;
}): Promise<StoredRecord[]> {
  const rows = await options.sql.query<StoredRow>(options.compacted ? READ_STATE : READ_RECORDS, [
    options.topic,
    [...options.positions.keys()],
    [...options.positions.values()],
    options.maxRecords,
    options.maxBytes,
  ]);
  return rows.map((row) => ({
    topic: options.topic,
    partition: row.partition,
    offset: row.offset,
    timestampMs: row.at_ms,
    key: row.key.toString(),
    value: row.value,
    headers: row.headers ?? {},
  }));
}

/** Of each partition the first offset at or after a time, or its end. */
export async function readPositions(
  sql: Sql,
  { name, partitions }: { name: string; partitions: number },
  at: number | 'end',
): Promise<Map<number, number>> {
  const rows = await sql.query<{ partition: number; next: number }>(
    `select heads.partition, coalesce(
       (select min(records."offset") from log_records records
        where records.topic = heads.topic and records.partition = heads.partition and records.at_ms >= $2),
       heads.next) as next
     from log_heads heads where heads.topic = $1`,
    [name, at === 'end' ? Number.MAX_SAFE_INTEGER : Math.round(at)],
  );
  const found = new Map(rows.map(({ partition, next }) => [partition, next]));
  return new Map(Array.from({ length: partitions }, (_, partition) => [partition, found.get(partition) ?? 0]));
}

/** What a compacted topic holds, by partition and key. */
export async function readState(sql: Sql, topic: string): Promise<Map<number, Map<string, Buffer>>> {
  const rows = await sql.query<{ partition: number; key: Buffer; value: Buffer }>(
    'select partition, key, value from log_state where topic = $1 and value is not null',
    [topic],
  );
  const state = new Map<number, Map<string, Buffer>>();
  for (const { partition, key, value } of rows) {
    const ofPartition = state.get(partition) ?? new Map<string, Buffer>();
    state.set(partition, ofPartition.set(key.toString(), value));
  }
  return state;
}

type HeadRow = { topic: string; partition: number; next: number; bytes: number };

type StoredRow = {
  partition: number;
  offset: number;
  at_ms: number;
  key: Buffer;
  value: Buffer | null;
  headers: Record<string, string> | null;
};

interface Numbered extends PlacedRecord {
  offset: number;
  endBytes: number;
}

interface PartitionGroup {
  topic: string;
  partition: number;
  bytes: number;
  records: PlacedRecord[];
}

function groupByPartition(records: readonly PlacedRecord[]): PartitionGroup[] {
  const groups = new Map<string, PartitionGroup>();
  for (const record of records) {
    const name = nameOf(record);
    let group = groups.get(name);
    if (!group) {
      group = { topic: record.topic, partition: record.partition, bytes: 0, records: [] };
      groups.set(name, group);
    }
    group.records.push(record);
    group.bytes += bytesOf(record);
  }
  return [...groups.values()];
}

function nameOf(place: { topic: string; partition: number }): string {
  return `${place.topic}/${place.partition}`;
}

function recordColumns(records: readonly Numbered[]): SqlValue[] {
  return [
    records.map(({ topic }) => topic),
    records.map(({ partition }) => partition),
    records.map(({ offset }) => offset),
    records.map(({ endBytes }) => endBytes),
    records.map(({ key }) => Buffer.from(key)),
    records.map(({ value }) => value),
    records.map(headersText),
  ];
}

function stateColumns(records: readonly Numbered[]): SqlValue[] {
  const columns = recordColumns(records);
  columns.splice(3, 1);
  return columns;
}

function headersText(record: LogRecord): string | null {
  const headers = cleanHeaders(record.headers);
  return headers === undefined ? null : JSON.stringify(headers);
}
