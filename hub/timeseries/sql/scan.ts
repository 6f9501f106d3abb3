/**
 * Points of the table one by one, ascending by time, a page at a time.
 *
 * Each page starts behind the last point of the page before, so it costs what it gives: of each series the next points by the primary
 * key, of all of them the first `pageSize`. A gateway has few series of one measurement.
 */
import type { Row, SqlValue } from '../../store/store.ts';
import type { ScannedPoint, ScanQuery } from '../time-series.ts';

type Run = (text: string, values: readonly SqlValue[]) => Promise<Row[]>;

/** $1 measurement, $2 tags, $3 and $4 the time, $5 the series of the point before, $6 how many, from $7 the fields. */
function pageStatement(fields: readonly string[]): string {
  const names = fields.map((_, index) => `$${index + 7}::text`);
  const columns = names.map((_, index) => `v${index}`);
  const values = names.map((name, index) => `fields -> ${name} as v${index}`);
  return `
with chosen as (
  select series_id, tags ->> 'device' as device from series where measurement = $1 and tags @> $2::jsonb
)
select c.device, p.series_id::text as series, p.at_ns::text as at, ${columns.join(', ')} from chosen c
cross join lateral (
  select series_id, at_ns, ${values.join(', ')} from points
  where series_id = c.series_id and at_ns >= $3::bigint and at_ns < $4::bigint
    and (at_ns > $3::bigint or series_id > $5::bigint) and fields ?| array[${names.join(', ')}]
  order by at_ns limit $6
) p
order by p.at_ns, p.series_id limit $6`;
}

export async function* scanPoints(run: Run, query: ScanQuery): AsyncGenerator<ScannedPoint[]> {
  const { measurement, fields, tags, fromMs, toMs, pageSize, signal } = query;
  const statement = pageStatement(fields);
  let [atNs, seriesId] = [nanoseconds(fromMs), '0'];
  while (!signal?.aborted) {
    const place = [measurement, JSON.stringify(tags), atNs, nanoseconds(toMs + 1), seriesId, pageSize];
    const rows = (await run(statement, [...place, ...fields])) as unknown as ScanRow[];
    const last = rows.at(-1);
    if (last === undefined) return;
    yield rows.map((row) => ({
      device: row.device ?? '',
      atMs: Number(BigInt(row.at) / 1_000_000n),
      values: fields.map((_, index) => numberOf(row[`v${index}`])),
    }));
    if (rows.length < pageSize) return;
    [atNs, seriesId] = [last.at, last.series];
  }
}

/** As the column `at_ns` has it. */
export function nanoseconds(ms: number): string {
  return String(BigInt(Math.trunc(ms)) * 1_000_000n);
}

interface ScanRow extends Row {
  device: string | null;
  series: string;
  at: string;
}

function numberOf(value: unknown): number | undefined {
  if (typeof value === 'boolean') return value ? 1 : 0;
  return typeof value === 'number' ? value : undefined;
}
