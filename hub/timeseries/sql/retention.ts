/**
 * Retention of the embedded TimeSeries: points older than `rawMs` are brought together by the hour and deleted, in one statement, so that each
 * counts once whenever it comes; hours older than `hourlyMs` are deleted. Several processes may do it side by side.
 *
 * What is not a number (a door's state, a flag) ends with the raw points.
 */
import type { Sql } from '../../store/store.ts';
import type { RetentionPlan } from '../time-series.ts';

const HOUR_NS = 3_600_000_000_000n;
/** Points a statement looks at: bounds how long it holds locks. */
const CHUNK = 5_000;

const ROLL_UP = `
with old as (
  select series_id, at_ns from points where at_ns < $1::bigint order by at_ns limit ${CHUNK} for update skip locked
), gone as (
  delete from points p using old where p.series_id = old.series_id and p.at_ns = old.at_ns
  returning p.series_id, p.at_ns, p.fields
), numbers as (
  select series_id, at_ns - at_ns % ${HOUR_NS} as hour_ns, field.key as name, (field.value #>> '{}')::float8 as value
  from gone cross join lateral jsonb_each(fields) field where jsonb_typeof(field.value) = 'number'
), rolled as (
  insert into points_hourly as hourly (series_id, at_ns, field, count, total, low, high)
  select series_id, hour_ns, name, count(*), sum(value), min(value), max(value) from numbers
  group by series_id, hour_ns, name order by series_id, hour_ns, name
  on conflict (series_id, at_ns, field) do update set count = hourly.count + excluded.count,
    total = hourly.total + excluded.total, low = least(hourly.low, excluded.low), high = greatest(hourly.high, excluded.high)
)
select count(*) as gone from gone`;

const DELETE_HOURS = `
with old as (
  select series_id, at_ns, field from points_hourly where at_ns < $1::bigint order by at_ns limit ${CHUNK} for update skip locked
), gone as (
  delete from points_hourly p using old
  where p.series_id = old.series_id and p.at_ns = old.at_ns and p.field = old.field returning 1
)
select count(*) as gone from gone`;

/** Gives how many points and how many hours were deleted. */
export async function keepWithin(
  sql: Sql,
  plan: RetentionPlan,
  at: { nowMs: number; signal: AbortSignal },
): Promise<{ points: number; hours: number }> {
  const points = await repeat(sql, ROLL_UP, hourNs(at.nowMs - plan.rawMs), at.signal);
  const hours = await repeat(sql, DELETE_HOURS, hourNs(at.nowMs - plan.hourlyMs), at.signal);
  return { points, hours };
}

async function repeat(sql: Sql, statement: string, beforeNs: string, signal: AbortSignal): Promise<number> {
  let total = 0;
  for (let gone = CHUNK; gone === CHUNK && !signal.aborted; total += gone) {
    const [row] = await sql.query<{ gone: number }>(statement, [beforeNs]);
    gone = row?.gone ?? 0;
  }
  return total;
}

/** Whole hours only, so that a raw hour and its mean do not stand beside each other. */
function hourNs(ms: number): string {
  const ns = BigInt(Math.trunc(Math.max(0, ms))) * 1_000_000n;
  return String(ns - (ns % HOUR_NS));
}
