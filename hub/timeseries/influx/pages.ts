/**
 * Pages of a scan out of a server that gives rows ascending by time and knows no cursor.
 *
 * A page that is full ends before its last timestamp, and the next one begins with it: rows of one time, of several series or several
 * fields, are never parted. Where a whole page is of one time, a larger one is asked for.
 */
import type { ScannedPoint, ScanQuery } from '../time-series.ts';

export interface TimedRow {
  /** RFC 3339 with as many digits as the server keeps. */
  at: string;
  device: string;
  values: (number | undefined)[];
}

/** @param fetch Gives at most `limit` rows from `from` (inclusive) to the query's end. */
export async function* pagesByTime(
  query: ScanQuery,
  fetch: (from: string, limit: number) => Promise<TimedRow[]>,
): AsyncGenerator<ScannedPoint[]> {
  let from = new Date(query.fromMs).toISOString();
  let limit = query.pageSize + 1;
  while (!query.signal?.aborted) {
    const rows = await fetch(from, limit);
    const isLast = rows.length < limit;
    const end = rows.at(-1)?.at ?? '';
    const whole = isLast ? rows : rows.filter(({ at }) => at !== end);
    if (whole.length > 0) yield pointsOf(whole);
    if (isLast) return;
    limit = whole.length === 0 ? limit * 2 : query.pageSize + 1;
    from = end;
  }
}

/** Flags as 1 and 0, also where they came as text. */
export function numberOf(cell: unknown): number | undefined {
  if (cell === null || cell === undefined || cell === '') return undefined;
  if (typeof cell === 'boolean') return cell ? 1 : 0;
  if (cell === 'true' || cell === 'false') return cell === 'true' ? 1 : 0;
  const number = Number(cell);
  return Number.isFinite(number) ? number : undefined;
}

/** Brings fields of one device and time together. */
function pointsOf(rows: readonly TimedRow[]): ScannedPoint[] {
  const points = new Map<string, ScannedPoint>();
  for (const { at, device, values } of rows) {
    const key = `${at} ${device}`;
    const known = points.get(key);
    if (known) known.values = known.values.map((value, index) => value ?? values[index]);
    else points.set(key, { device, atMs: Math.floor(Date.parse(at)), values });
  }
  return [...points.values()];
}
