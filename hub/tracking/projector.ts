/**
 * What every projection of a log topic into the Store has in common.
 *
 * Invariants
 * - Effect, rejects and offset are one transaction: after a crash a record's effect is there exactly when its offset is
 *   behind `next_offset`.
 * - The offset row is locked first, so of two processes that believe they own a partition the second one skips what the
 *   first one has done.
 * - A record that cannot be parsed, or that the database refuses for what it holds, goes to `projection_rejects`: bad data
 *   never stops a projection. A database that is away does, until it is back (the log calls again).
 */
import { setImmediate as othersTurn } from 'node:timers/promises';
import type { Log } from '../../protocols/base/log.ts';
import type { EventLog, Runner, StoredRecord } from '../log/event-log.ts';
import { type Sql, type Store, StoreError } from '../store/store.ts';
import type { Announcer, Change } from './changes.ts';
import type { Parsed } from './parse.ts';

export interface Projection<T> {
  /** Names the offsets and the consumer group. */
  name: string;
  topic: string;
  parse(value: Buffer | null, record: StoredRecord): Parsed<T>;
  /** The effect of some messages; idempotent. Returns what it changed. */
  apply(sql: Sql, messages: readonly T[]): Promise<Change[]>;
}

export interface ProjectorOptions {
  log: EventLog;
  store: Store;
  logger: Log;
  /** Told of what each transaction changes. */
  changes: Announcer;
  maxRecords?: number;
}

/**
 * Whoever looks at a package need not see an event sooner than so, and what comes meanwhile shares a transaction with its dozen statements. What
 * comes after a silence is projected at once. Not longer: what a group of a thousand events holds survives the collector's young generation,
 * which then stops the whole process for 25 ms.
 */
const GROUP_EVERY_MS = 50;
/** Parsed at a stretch: others in this process have less time. */
const RECORDS_AT_A_STRETCH = 100;

/** Follows the projection's topic until the runner is stopped. */
export function runProjection<T>(projection: Projection<T>, options: ProjectorOptions): Promise<Runner> {
  const { log, store, maxRecords = 1_000 } = options;
  return log.follow({
    group: projection.name,
    topic: projection.topic,
    position: (partition) => positionOf(store, projection.name, partition),
    onRecords: (records) => project(projection, records, options),
    maxRecords,
    groupEveryMs: GROUP_EVERY_MS,
  });
}

/** The first offset of a partition that was not yet projected. */
export async function positionOf(store: Store, projection: string, partition: number): Promise<number> {
  const rows = await store.query<{ next_offset: string }>(
    'select next_offset::text from projection_offsets where projection = $1 and partition = $2',
    [projection, partition],
  );
  return Number(rows[0]?.next_offset ?? 0);
}

type Work = Pick<ProjectorOptions, 'store' | 'logger' | 'changes'>;

/** The effect of some records that were not projected yet, with their offsets. */
export async function project<T>(
  projection: Projection<T>,
  records: readonly StoredRecord[],
  work: Work,
): Promise<void> {
  const messages: Message<T>[] = [];
  for (const record of records) {
    messages.push({ record, parsed: projection.parse(record.value, record) });
    if (messages.length % RECORDS_AT_A_STRETCH === 0) await othersTurn();
  }
  const changes = await projectOrSplit(projection, messages, work);
  work.changes.committed(changes);
}

interface Message<T> {
  record: StoredRecord;
  parsed: Parsed<T>;
}

/** Halves a group that the database refuses for its content until the record at fault stands alone. */
async function projectOrSplit<T>(
  projection: Projection<T>,
  messages: readonly Message<T>[],
  work: Work,
): Promise<Change[]> {
  try {
    return await work.store.transaction((sql) => projectGroup(sql, projection, messages, work));
  } catch (error) {
    const [only] = messages;
    if (!isContentFault(error) || only === undefined) throw error;
    if (messages.length > 1) {
      const middle = messages.length >> 1;
      const first = await projectOrSplit(projection, messages.slice(0, middle), work);
      return [...first, ...(await projectOrSplit(projection, messages.slice(middle), work))];
    }
    const refused = { ...only, parsed: { fault: `database: ${error.message}` } };
    return work.store.transaction((sql) => projectGroup(sql, projection, [refused], work));
  }
}

async function projectGroup<T>(
  sql: Sql,
  projection: Projection<T>,
  messages: readonly Message<T>[],
  { logger, changes: announcer }: Work,
): Promise<Change[]> {
  const positions = await lockOffsets(
    sql,
    projection.name,
    messages.map(({ record }) => record.partition),
  );
  const values: T[] = [];
  const rejects: { record: StoredRecord; reason: string }[] = [];
  for (const { record, parsed } of messages) {
    if (record.offset < (positions.get(record.partition) ?? 0)) continue;
    positions.set(record.partition, record.offset + 1);
    if (parsed.fault === undefined) values.push(parsed.value);
    else rejects.push({ record, reason: parsed.fault });
  }
  const changes = values.length > 0 ? await projection.apply(sql, values) : [];
  if (rejects.length > 0) await keepAside(sql, projection.name, rejects);
  await moveOffsets(sql, projection.name, positions);
  await announcer.within(sql, changes);
  for (const { record, reason } of rejects) {
    const { partition, offset } = record;
    logger.warn(
      { code: 'projection-rejected', projection: projection.name, partition, offset, reason },
      'record kept aside',
    );
  }
  return changes;
}

async function lockOffsets(sql: Sql, projection: string, of: readonly number[]): Promise<Map<number, number>> {
  const partitions = [...new Set(of)].sort((a, b) => a - b);
  await sql.query(
    `insert into projection_offsets (projection, partition, next_offset)
     select $1, p, 0 from unnest($2::int[]) p on conflict do nothing`,
    [projection, partitions],
  );
  const rows = await sql.query<{ partition: number; next_offset: string }>(
    `select partition, next_offset::text from projection_offsets
     where projection = $1 and partition = any($2::int[]) order by partition for update`,
    [projection, partitions],
  );
  return new Map(rows.map((row) => [row.partition, Number(row.next_offset)]));
}

async function moveOffsets(sql: Sql, projection: string, positions: ReadonlyMap<number, number>): Promise<void> {
  await sql.query(
    `update projection_offsets o set next_offset = n.next_offset
     from unnest($2::int[], $3::bigint[]) n (partition, next_offset)
     where o.projection = $1 and o.partition = n.partition`,
    [projection, [...positions.keys()], [...positions.values()]],
  );
}

async function keepAside(
  sql: Sql,
  projection: string,
  rejects: readonly { record: StoredRecord; reason: string }[],
): Promise<void> {
  for (const { record, reason } of rejects) {
    await sql.query(
      `insert into projection_rejects (projection, partition, record_offset, record_key, record_value, reason)
       values ($1, $2, $3, $4, $5, $6) on conflict do nothing`,
      [projection, record.partition, record.offset, Buffer.from(record.key), record.value, printable(reason)],
    );
  }
}

/** A reason may quote the record, and PostgreSQL's text takes no NUL. */
function printable(reason: string): string {
  return reason.replace(/[\p{Cc}\p{Cs}]/gu, '\u{FFFD}').slice(0, 1000);
}

/**
 * SQLSTATE classes 22 (data), 23 (constraint) and 54 (limit), and values that have no PostgreSQL form: the same input would
 * be refused again, whoever tries it.
 */
function isContentFault(error: unknown): error is StoreError {
  if (!(error instanceof StoreError) || error.code !== 'store-rejected') return false;
  return error.sqlState === undefined || /^(22|23|54)/.test(error.sqlState);
}
