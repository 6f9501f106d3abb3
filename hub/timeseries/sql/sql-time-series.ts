/**
 * TimeSeries as tables in the Store: the embedded default.
 *
 * A point written twice replaces itself; fields that the second writing lacks stay, as InfluxDB has it. Thinning happens in
 * the database: a long curve never travels whole. The tables come with the Store's migrations.
 */
import type { Row, Sql, SqlValue, Store } from '../../store/store.ts';
import { faultOfPoint } from '../check-point.ts';
import { days } from '../days.ts';
import { byTags, tagsKey } from '../tags.ts';
import { sliceWidthMs } from '../thin.ts';
import {
  type Curve,
  type CurveQuery,
  MAX_CURVES,
  type ManagedTimeSeries,
  type Point,
  type Rejected,
  type RetentionPlan,
  type ScannedPoint,
  type ScanQuery,
  type SetupStep,
  TimeSeriesError,
} from '../time-series.ts';
import { keepWithin } from './retention.ts';
import { nanoseconds, scanPoints } from './scan.ts';

/** Points in one statement. */
const CHUNK = 1000;
/** Series ids that are remembered; the oldest is forgotten first. */
const MAX_KNOWN_SERIES = 50_000;

export class SqlTimeSeries implements ManagedTimeSeries {
  readonly #store: Store;
  readonly #known = new Map<string, string>();

  /** The store stays its creator's: `close` leaves it open. */
  constructor(store: Store) {
    this.#store = store;
  }

  async setup(): Promise<void> {
    await clearly(() => this.#store.migrate());
  }

  async arrange({ rawMs, hourlyMs }: RetentionPlan): Promise<SetupStep[]> {
    await this.setup();
    const detail = 'the hub itself does it while it runs (role process)';
    return [{ what: `retention, ${days(rawMs)} raw and ${days(hourlyMs)} by the hour`, did: 'nothing', detail }];
  }

  /** Brings together and deletes what is older than planned; gives how many points and hours went. */
  keepWithin(plan: RetentionPlan, at: { nowMs: number; signal: AbortSignal }) {
    return clearly(() => keepWithin(this.#store, plan, at));
  }

  async write(points: readonly Point[]): Promise<Rejected[]> {
    const rejected: Rejected[] = [];
    // Of points with one identity the last one counts, and one statement may touch a row only once.
    const rows = new Map<string, { key: SeriesKey; atNs: string; fields: Point['fields'] }>();
    for (const [index, point] of points.entries()) {
      const reason = faultOfPoint(point);
      if (reason !== undefined) {
        rejected.push({ index, reason });
        continue;
      }
      const key = seriesKeyOf(point);
      const atNs = String(BigInt(point.atMs) * 1_000_000n + BigInt(point.subMsNs));
      const id = `${atNs} ${key.id}`;
      rows.set(id, { key, atNs, fields: { ...rows.get(id)?.fields, ...point.fields } });
    }
    const all = [...rows.values()];
    for (let at = 0; at < all.length; at += CHUNK) await clearly(() => this.#insert(all.slice(at, at + CHUNK)));
    return rejected;
  }

  async curves(query: CurveQuery): Promise<Curve[]> {
    const rows = await clearly(() => this.#store.query<CurveRow>(...curveStatement(query)));
    const curves = new Map<string, Curve>();
    for (const { tags_key, at_ms, ...columns } of rows) {
      const tags = Object.fromEntries(JSON.parse(tags_key) as [string, string][]);
      const curve = curves.get(tags_key) ?? { tags, points: [] };
      curves.set(tags_key, curve);
      curve.points.push({ atMs: Number(at_ms), values: query.fields.map((_, index) => Number(columns[`v${index}`])) });
    }
    return [...curves.values()].sort(byTags);
  }

  scan(query: ScanQuery): AsyncIterable<ScannedPoint[]> {
    return scanPoints((text, values) => clearly(() => this.#store.query(text, values)), query);
  }

  healthy(): Promise<{ ok: boolean; detail: string }> {
    return this.#store.healthy();
  }

  async close(): Promise<void> {}

  async #insert(rows: readonly { key: SeriesKey; atNs: string; fields: Point['fields'] }[]): Promise<void> {
    const ids = await this.#idsOf(rows.map(({ key }) => key));
    await this.#store.query(
      `insert into points (series_id, at_ns, fields)
       select s::bigint, a::bigint, f::jsonb from unnest($1::text[], $2::text[], $3::text[]) n (s, a, f)
       on conflict (series_id, at_ns) do update set fields = points.fields || excluded.fields`,
      [
        rows.map(({ key }) => ids.get(key.id) ?? ''),
        rows.map(({ atNs }) => atNs),
        rows.map(({ fields }) => JSON.stringify(fields)),
      ],
    );
  }

  async #idsOf(keys: readonly SeriesKey[]): Promise<Map<string, string>> {
    const ids = new Map<string, string>();
    const unknown = new Map<string, SeriesKey>();
    for (const key of keys) {
      const known = this.#known.get(key.id);
      if (known === undefined) unknown.set(key.id, key);
      else ids.set(key.id, known);
    }
    if (unknown.size === 0) return ids;
    for (const [id, seriesId] of await internSeries(this.#store, [...unknown.values()])) {
      ids.set(id, seriesId);
      this.#known.set(id, seriesId);
    }
    for (const id of this.#known.keys()) {
      if (this.#known.size <= MAX_KNOWN_SERIES) break;
      this.#known.delete(id);
    }
    return ids;
  }
}

interface SeriesKey {
  id: string;
  measurement: string;
  tagsKey: string;
}

interface CurveRow extends Row {
  tags_key: string;
  at_ms: string;
}

function seriesKeyOf({ measurement, tags }: Point): SeriesKey {
  const key = tagsKey(Object.fromEntries(Object.entries(tags).filter(([, value]) => value !== '')));
  return { id: `${measurement} ${key}`, measurement, tagsKey: key };
}

async function internSeries(sql: Sql, keys: readonly SeriesKey[]): Promise<Map<string, string>> {
  const tags = keys.map((key) => JSON.stringify(Object.fromEntries(JSON.parse(key.tagsKey) as [string, string][])));
  const columns: SqlValue[] = [keys.map((key) => key.measurement), keys.map((key) => key.tagsKey), tags];
  await sql.query(
    `insert into series (measurement, tags_key, tags)
     select m, k, t::jsonb from unnest($1::text[], $2::text[], $3::text[]) n (m, k, t) order by m, k on conflict do nothing`,
    columns,
  );
  const rows = await sql.query<{ measurement: string; tags_key: string; series_id: string }>(
    `select s.measurement, s.tags_key, s.series_id::text as series_id from series s
     join unnest($1::text[], $2::text[]) n (m, k) on s.measurement = n.m and s.tags_key = n.k`,
    columns.slice(0, 2),
  );
  return new Map(rows.map((row) => [`${row.measurement} ${row.tags_key}`, row.series_id]));
}

/**
 * All points of a short curve; of a long one two of each slice: the lowest and the highest of one field, the first and the
 * last of several.
 */
function curveStatement({ fields, measurement, tags, ...query }: CurveQuery): [string, SqlValue[]] {
  const values = fields.map((_, index) => `(p.fields ->> $${index + 8})::float8 as v${index}`);
  const complete = fields.map((_, index) => `jsonb_typeof(p.fields -> $${index + 8}) = 'number'`);
  const [low, high] = fields.length === 1 ? ['v0, at_ns', 'v0 desc, at_ns'] : ['at_ns', 'at_ns desc'];
  const several = fields.length > 1;
  const joined = fields.map(
    (_, index) => `join points_hourly h${index} on h${index}.series_id = c.series_id and h${index}.field = $${index + 8}
      ${index === 0 ? '' : `and h${index}.at_ns = h0.at_ns`}`,
  );
  const means = fields.map((_, index) => `h${index}.total / h${index}.count`);
  // Of an old hour one field gives its lowest value at its start and its highest at its middle, several fields give their means.
  const hourly = several
    ? `select c.tags_key, h0.at_ns, ${means.join(', ')} from chosen c ${joined.join(' ')}`
    : `select c.tags_key, h0.at_ns + part.shift, part.value from chosen c ${joined.join(' ')}
    cross join lateral (values (0::bigint, h0.low), (1800000000000, h0.high)) part (shift, value)`;
  const text = `
with chosen as (
  select series_id, tags_key from series where measurement = $1 and tags @> $2::jsonb order by tags_key
), rows as (
  select c.tags_key, p.at_ns, ${values.join(', ')}
  from chosen c join points p using (series_id)
  where p.at_ns >= $3::bigint and p.at_ns < $4::bigint and ${complete.join(' and ')}
  union all
  ${hourly} where h0.at_ns >= $3::bigint and h0.at_ns < $4::bigint
), ranked as (
  select *, count(*) over (partition by tags_key) as total, dense_rank() over (order by tags_key) as curve,
    row_number() over (partition by tags_key, (at_ns - $3::bigint) / $5::bigint order by ${low}) as low,
    row_number() over (partition by tags_key, (at_ns - $3::bigint) / $5::bigint order by ${high}) as high
  from rows
)
select tags_key, (at_ns / 1000000)::text as at_ms, ${fields.map((_, index) => `v${index}`).join(', ')}
from ranked where curve <= $6 and (total <= $7 or low = 1 or high = 1) order by tags_key, at_ns`;
  const width = sliceWidthMs({ fields, measurement, tags, ...query });
  const parameters = [
    measurement,
    JSON.stringify(tags),
    nanoseconds(query.fromMs),
    nanoseconds(query.toMs + 1),
    nanoseconds(width),
    MAX_CURVES,
    query.maxPoints,
    ...fields,
  ];
  return [text, parameters];
}

async function clearly<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    const message = `the store does not take or give time series: ${(cause as Error).message}`;
    throw new TimeSeriesError({ code: 'timeseries-unavailable', message, cause });
  }
}
