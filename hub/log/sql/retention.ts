/**
 * Deletes old records, since an embedded hub must not grow for ever.
 *
 * A record goes when it lies beyond a bound of its topic (age, bytes, number) and every group that reads the topic has passed it.
 * A group that has not moved for `GROUP_FORGOTTEN_DAYS` no longer holds records back. Deleted keys of compacted topics
 * go after `TOMBSTONE_HOURS`, by when every follower has seen them.
 */
import type { Sql } from '../../store/store.ts';
import type { TopicSpec } from '../topics.ts';

const GROUP_FORGOTTEN_DAYS = 7;
const TOMBSTONE_HOURS = 24;
/** Rows a statement looks at: bounds how long it takes. */
const CHUNK = 5_000;

/** The oldest `CHUNK` records of a partition, of which those beyond a bound are deleted. */
const DELETE_OLD = `
with bounds as (
  select head.next, head.bytes,
         (select min(progress."offset") from log_offsets progress
          where progress.topic = $1 and progress.partition = $2
            and progress.updated_at > now() - interval '${GROUP_FORGOTTEN_DAYS} days') as read_to
  from log_heads head where head.topic = $1 and head.partition = $2
), oldest as (
  select "offset", end_bytes, at_ms from log_records
  where topic = $1 and partition = $2 order by "offset" limit ${CHUNK}
), cut as (
  select max("offset") as upto from oldest, bounds
  where "offset" < coalesce(read_to, next)
    and (at_ms < (extract(epoch from now()) * 1000)::int8 - $3::int8
         or end_bytes <= bounds.bytes - $4::int8
         or "offset" < bounds.next - $5::int8)
), gone as (
  delete from log_records
  where topic = $1 and partition = $2 and "offset" <= (select upto from cut)
  returning 1
)
select count(*) as deleted from gone`;

const DELETE_TOMBSTONES = `
delete from log_state where topic = $1 and value is null
  and at_ms < (extract(epoch from now()) * 1000)::int8 - ${TOMBSTONE_HOURS * 3_600_000}`;

/** Gives how many records were deleted. */
export async function deleteOld(sql: Sql, topics: readonly TopicSpec[], signal: AbortSignal): Promise<number> {
  let total = 0;
  for (const topic of topics) {
    if (topic.compacted) {
      await sql.query(DELETE_TOMBSTONES, [topic.name]);
      continue;
    }
    for (let partition = 0; partition < topic.partitions; partition++) {
      for (let deleted = CHUNK; deleted === CHUNK && !signal.aborted; total += deleted) {
        deleted = await deleteChunk(sql, topic, partition);
      }
    }
  }
  return total;
}

async function deleteChunk(sql: Sql, topic: TopicSpec, partition: number): Promise<number> {
  const { ageMs, bytes, records } = topic.retention ?? {};
  if (ageMs === undefined && bytes === undefined && records === undefined) return 0;
  const share = (bound: number | undefined) => (bound === undefined ? null : Math.ceil(bound / topic.partitions));
  const [row] = await sql.query<{ deleted: number }>(DELETE_OLD, [
    topic.name,
    partition,
    ageMs ?? null,
    share(bytes),
    share(records),
  ]);
  return row?.deleted ?? 0;
}
