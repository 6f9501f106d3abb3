/**
 * Flux over `/api/v2/query` (InfluxDB 2): rows of annotated CSV, which the client's parser takes apart.
 *
 * Curves are read as they are, up to a limit; longer ones are thinned by the server in slices of time. Selectors such as
 * `min` keep the time of the point that they select.
 */
import { byTags, tagsKey } from '../tags.ts';
import { sliceWidthMs, thin } from '../thin.ts';
import { type Curve, type CurveQuery, MAX_CURVES } from '../time-series.ts';
import { parseAnnotatedCsv } from './annotated-csv.ts';
import { arrangeFlux, json, orgIdOf, orMissing, text } from './flux-setup.ts';
import type { InfluxOptions, Queries, Send } from './influx.ts';
import { RAW_LIMIT } from './influxql.ts';
import { numberOf, pagesByTime } from './pages.ts';

export function fluxQueries(send: Send, { bucket, org }: InfluxOptions): Queries {
  async function run(query: string): Promise<Record<string, string>[]> {
    const { body } = await send({
      method: 'POST',
      path: `/api/v2/query?${new URLSearchParams({ org })}`,
      body: JSON.stringify({ query, dialect: { annotations: [] } }),
      headers: { 'content-type': 'application/json', accept: 'application/csv' },
    });
    return parseAnnotatedCsv(String(body ?? ''));
  }

  return {
    setup: () => createBucket(send, { bucket, org }),
    arrange: (plan) => arrangeFlux(send, { bucket, org, plan }),
    async curves(query) {
      const raw = await run(`${source(bucket, query)} |> limit(n: ${RAW_LIMIT + 1})`);
      const complete = mostPerTable(raw) <= RAW_LIMIT;
      const rows = complete ? raw : await run(sliced(bucket, query));
      return curvesOf(rows, query).slice(0, MAX_CURVES);
    },
    scan: (query) =>
      pagesByTime(query, async (from, limit) => {
        const steps = [
          source(bucket, query, from),
          // Of each series first, so that the server sorts no more than it must.
          `limit(n: ${limit})`,
          'keep(columns: ["_time", "_value", "_field", "device"])',
          'group()',
          `sort(columns: ["_time", "device"])`,
          `limit(n: ${limit})`,
        ];
        const rows = await run(steps.join(' |> '));
        return rows.map(({ _time = '', device = '', _field, _value }) => ({
          at: _time,
          device,
          values: query.fields.map((field) => (field === _field ? numberOf(_value) : undefined)),
        }));
      }),
  };
}

async function createBucket(send: Send, { bucket, org }: Pick<InfluxOptions, 'bucket' | 'org'>): Promise<void> {
  const found = await orMissing(
    send({ method: 'GET', path: `/api/v2/buckets?${new URLSearchParams({ org, name: bucket })}` }),
  );
  if ((found?.body as { buckets?: unknown[] } | undefined)?.buckets?.length) return;
  const orgID = await orgIdOf(send, { org, bucket });
  // InfluxDB 1.8 speaks Flux but has databases instead of buckets.
  if (orgID === undefined) return;
  await send(json('POST', '/api/v2/buckets', { name: bucket, orgID, retentionRules: [] }));
}

type Chosen = Pick<CurveQuery, 'measurement' | 'fields' | 'tags' | 'fromMs' | 'toMs'>;

function source(bucket: string, { measurement, fields, tags, fromMs, toMs }: Chosen, from = time(fromMs)): string {
  const equal = Object.entries(tags).map(([key, value]) => ` and r[${text(key)}] == ${text(value)}`);
  const anyField = fields.map((field) => `r._field == ${text(field)}`).join(' or ');
  return [
    `from(bucket: ${text(bucket)})`,
    // The end of a range is exclusive, and points carry nanoseconds below their millisecond.
    `range(start: ${from}, stop: ${time(toMs + 1)})`,
    `filter(fn: (r) => r._measurement == ${text(measurement)} and (${anyField})${equal.join('')})`,
  ].join(' |> ');
}

function sliced(bucket: string, query: CurveQuery): string {
  const selectors = query.fields.length === 1 ? ['min', 'max'] : ['first', 'last'];
  const tables = selectors.map(
    (selector) =>
      `${selector} = data |> window(every: ${sliceWidthMs(query)}ms) |> ${selector}() |> group(columns: ["_start", "_stop"], mode: "except")`,
  );
  return `data = ${source(bucket, query)}\n${tables.join('\n')}\nunion(tables: [${selectors.join(', ')}]) |> sort(columns: ["_time"])`;
}

function mostPerTable(rows: readonly Record<string, string>[]): number {
  const counts = new Map<string, number>();
  for (const { table = '' } of rows) counts.set(table, (counts.get(table) ?? 0) + 1);
  return Math.max(0, ...counts.values());
}

const NOT_TAGS = new Set(['', 'result', 'table', '_start', '_stop', '_time', '_value', '_field', '_measurement']);

/** Brings the fields of one point together again: rows hold one field each. */
function curvesOf(rows: readonly Record<string, string>[], query: CurveQuery): Curve[] {
  const series = new Map<string, { tags: Record<string, string>; points: Map<string, (number | undefined)[]> }>();
  for (const row of rows) {
    const tags = Object.fromEntries(Object.entries(row).filter(([key, value]) => !NOT_TAGS.has(key) && value !== ''));
    const key = tagsKey(tags);
    const one = series.get(key) ?? { tags, points: new Map() };
    series.set(key, one);
    const at = row._time ?? '';
    const values = one.points.get(at) ?? query.fields.map(() => undefined);
    one.points.set(at, values);
    values[query.fields.indexOf(row._field ?? '')] = Number(row._value);
  }
  return [...series.values()]
    .map(({ tags, points }) => ({ tags, points: thin(complete(points), query) }))
    .filter((curve) => curve.points.length > 0)
    .sort(byTags);
}

function complete(points: ReadonlyMap<string, (number | undefined)[]>): Curve['points'] {
  return [...points]
    .flatMap(([at, columns]) => {
      const values = columns.filter((value) => value !== undefined && Number.isFinite(value)) as number[];
      return values.length === columns.length ? [{ at, atMs: Date.parse(at), values }] : [];
    })
    .sort((a, b) => a.atMs - b.atMs || (a.at < b.at ? -1 : 1))
    .map(({ atMs, values }) => ({ atMs, values }));
}

function time(ms: number): string {
  return new Date(ms).toISOString();
}
