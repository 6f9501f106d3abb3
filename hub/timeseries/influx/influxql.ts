/**
 * InfluxQL over `/query` (InfluxDB 1.8, where Flux is off unless configured).
 *
 * Curves are read as they are, up to a limit; longer ones are thinned by the server in slices of time. Then a point's time
 * is that of its slice, at most one slice away from the truth.
 */
import { byTags } from '../tags.ts';
import { sliceWidthMs, thin } from '../thin.ts';
import { type Curve, type CurveQuery, MAX_CURVES, TimeSeriesError } from '../time-series.ts';
import type { InfluxOptions, Queries, Send } from './influx.ts';
import { arrangeInfluxql } from './influxql-setup.ts';
import { numberOf, pagesByTime } from './pages.ts';

/** Points of one series that are fetched unthinned. */
export const RAW_LIMIT = 20_000;

export function influxqlQueries(send: Send, { bucket, url }: InfluxOptions): Queries {
  const [database = bucket, policy] = bucket.split('/');
  const target = new URLSearchParams({ db: database, ...(policy !== undefined && { rp: policy }) });

  /** @param epoch How times come: as milliseconds, or as text that keeps nanoseconds. */
  async function select(statement: string, epoch: '&epoch=ms' | '' = '&epoch=ms'): Promise<Series[]> {
    const { body } = await send({
      method: 'POST',
      path: `/query?${target}${epoch}`,
      body: new URLSearchParams({ q: statement }).toString(),
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
    });
    const [result] = (body as { results?: { series?: Series[]; error?: string }[] }).results ?? [];
    if (result?.error !== undefined) {
      throw new TimeSeriesError({ code: 'timeseries-denied', message: `${url} refused a query: ${result.error}` });
    }
    return result?.series ?? [];
  }

  return {
    async setup() {
      // Whoever may only read and write the database may not create one, and need not.
      const [databases] = await select('SHOW DATABASES');
      const exists = databases?.values?.some(([name]) => name === database) ?? false;
      if (!exists) await select(`CREATE DATABASE ${identifier(database)}`);
    },
    arrange: (plan) => arrangeInfluxql(select, { database, policy, plan }),
    async curves(query) {
      const fields = query.fields.map(identifier).join(', ');
      const raw = await select(
        `SELECT ${fields} ${source(query)} GROUP BY * LIMIT ${RAW_LIMIT + 1} SLIMIT ${MAX_CURVES}`,
      );
      const complete = raw.every((series) => series.values.length <= RAW_LIMIT);
      const curves = complete ? raw.map((series) => rawCurve(series, query)) : await slicedCurves(query);
      return curves.filter((curve) => curve.points.length > 0).sort(byTags);
    },
    scan: (query) =>
      pagesByTime(query, async (from, limit) => {
        const { fields } = query;
        const columns = [...fields, 'device'].map(identifier).join(', ');
        const where = `time >= '${from}' AND time < ${query.toMs + 1}ms${equalTags(query.tags)}`;
        const statement = `SELECT ${columns} FROM ${identifier(query.measurement)} WHERE ${where} LIMIT ${limit}`;
        const [series] = await select(statement, '');
        return (series?.values ?? []).map(([at, ...cells]) => ({
          at: String(at),
          device: String(cells[fields.length] ?? ''),
          values: fields.map((_, index) => numberOf(cells[index])),
        }));
      }),
  };

  async function slicedCurves(query: CurveQuery): Promise<Curve[]> {
    const field = identifier(query.fields[0]);
    const ends = query.fields.length === 1 ? [`MIN(${field}), MAX(${field})`] : [lasts(query)];
    const width = sliceWidthMs(query);
    const series = await select(
      `SELECT ${ends} ${source(query)} GROUP BY time(${width}ms, ${query.fromMs % width}ms), * fill(none) SLIMIT ${MAX_CURVES}`,
    );
    return series.map((one) => slicedCurve(one, query));
  }
}

interface Series {
  name?: string;
  columns?: string[];
  tags?: Record<string, string>;
  /** Time first, then the fields. */
  values: (number | string | boolean | null)[][];
}

function lasts(query: CurveQuery): string {
  return query.fields.map((field) => `LAST(${identifier(field)})`).join(', ');
}

function source({ measurement, tags, fromMs, toMs }: CurveQuery): string {
  // Points carry nanoseconds below their millisecond.
  return `FROM ${identifier(measurement)} WHERE time >= ${fromMs}ms AND time < ${toMs + 1}ms${equalTags(tags)}`;
}

function equalTags(tags: CurveQuery['tags']): string {
  return Object.entries(tags)
    .map(([key, value]) => ` AND ${identifier(key)} = ${text(value)}`)
    .join('');
}

function rawCurve({ tags, values }: Series, query: CurveQuery): Curve {
  return { tags: withoutEmpty(tags), points: thin(complete(values), query) };
}

/** A slice of one field gives its minimum at its start and its maximum at its middle; of several, their last values. */
function slicedCurve({ tags, values }: Series, query: CurveQuery): Curve {
  const rows = complete(values).map(({ atMs, values }) => ({ atMs: Math.max(atMs, query.fromMs), values }));
  if (query.fields.length > 1) return { tags: withoutEmpty(tags), points: rows };
  const half = Math.floor(sliceWidthMs(query) / 2);
  const points = rows.flatMap(({ atMs, values: [low = 0, high = 0] }) =>
    low === high
      ? [{ atMs, values: [low] }]
      : [
          { atMs, values: [low] },
          { atMs: atMs + half, values: [high] },
        ],
  );
  return { tags: withoutEmpty(tags), points };
}

function complete(rows: Series['values']): Curve['points'] {
  return rows.flatMap(([atMs, ...columns]) => {
    const values = columns.filter((value) => typeof value === 'number');
    return typeof atMs === 'number' && values.length === columns.length ? [{ atMs, values }] : [];
  });
}

function withoutEmpty(tags: Record<string, string> = {}): Record<string, string> {
  return Object.fromEntries(Object.entries(tags).filter(([, value]) => value !== ''));
}

function identifier(name: string): string {
  return `"${name.replace(/["\\]/g, '\\$&')}"`;
}

function text(value: string): string {
  return `'${value.replace(/['\\]/g, '\\$&')}'`;
}
