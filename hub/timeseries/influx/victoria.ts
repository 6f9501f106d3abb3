/**
 * VictoriaMetrics: takes the v2 write API and keeps each field as a metric `measurement_field` with millisecond timestamps.
 *
 * Read through `/api/v1/export`, which gives the samples as they were written; `/api/v1/query_range` would give the last one
 * before each step, and hides the newest 30 seconds. Long ranges are thinned by the server with min_over_time and
 * max_over_time. Text fields are not kept, lines that it cannot parse are dropped without a word (faultOfPoint stands before
 * that), and a point written twice is stored twice unless `-dedup.minScrapeInterval=1ms` is set: reading takes one of them.
 */
import { days } from '../days.ts';
import { byTags, tagsKey } from '../tags.ts';
import { sliceWidthMs, thin } from '../thin.ts';
import { type Curve, type CurveQuery, MAX_CURVES, type ScannedPoint } from '../time-series.ts';
import type { Queries, Send } from './influx.ts';

/** Samples that are fetched unthinned, of all series together. */
const RAW_LIMIT = 200_000;
/** Windows of a scan. */
const FIRST_WINDOW_MS = 3_600_000;
const MAX_WINDOW_MS = 7 * 86_400_000;

export function victoriaQueries(send: Send): Queries {
  async function get(path: string, parameters: Record<string, string>): Promise<string> {
    const { body } = await send({
      method: 'POST',
      path,
      body: new URLSearchParams(parameters).toString(),
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      // An export calls itself JSON and is a line of JSON per series.
      asText: true,
    });
    return body as string;
  }

  async function exported(field: string, query: Chosen): Promise<Samples[]> {
    const [start, end] = [query.fromMs, query.toMs].map((ms) => String(ms / 1000)) as [string, string];
    const text = await get('/api/v1/export', { 'match[]': selector(field, query), start, end });
    return text
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as { metric: Record<string, string>; values: number[]; timestamps: number[] })
      .map(({ metric, values, timestamps }) => ({
        tags: tagsOf(metric),
        samples: new Map(timestamps.map((atMs, index) => [atMs, values[index] ?? Number.NaN])),
      }));
  }

  async function ranged(fn: 'min' | 'max' | 'last', field: string, query: CurveQuery): Promise<Samples[]> {
    const step = sliceWidthMs(query);
    const text = await get('/api/v1/query_range', {
      query: `${fn}_over_time(${selector(field, query)}[${step}ms])`,
      // A window looks back: its value stands at its end.
      start: String((query.fromMs + step - 1) / 1000),
      end: String((query.toMs + step - 1) / 1000),
      step: `${step}ms`,
      latency_offset: '1ms',
      nocache: '1',
    });
    const answer = JSON.parse(text) as {
      data: { result: { metric: Record<string, string>; values: [number, string][] }[] };
    };
    // A minimum is drawn at its window's start and a maximum at its middle, so that both are seen.
    const backMs = fn === 'min' ? step - 1 : step >> 1;
    return answer.data.result.map(({ metric, values }) => ({
      tags: tagsOf(metric),
      samples: new Map(values.map(([at, value]) => [Math.round(at * 1000) - backMs, Number(value)])),
    }));
  }

  async function count(query: Chosen): Promise<number> {
    const range = `${Math.max(1, query.toMs - query.fromMs)}ms`;
    const text = await get('/api/v1/query', {
      query: `sum(count_over_time(${selector(query.fields[0], query)}[${range}]))`,
      time: String(query.toMs / 1000),
      nocache: '1',
    });
    const answer = JSON.parse(text) as { data: { result: { value: [number, string] }[] } };
    return Number(answer.data.result[0]?.value[1] ?? 0);
  }

  return {
    // Storage needs no preparation.
    setup: async () => {},
    arrange: async ({ rawMs, hourlyMs }) => [
      {
        what: `retention, ${days(rawMs)} raw and ${days(hourlyMs)} by the hour`,
        did: 'refused',
        detail: `VictoriaMetrics keeps everything for as long as its flag -retentionPeriod says: start it with ${days(hourlyMs).replace(/ days$/, 'd')}; it brings points together only in its Enterprise edition (-downsampling.period)`,
      },
    ],
    async curves(query) {
      const [first] = query.fields;
      const long = (await count(query)) > RAW_LIMIT;
      if (long && query.fields.length === 1) {
        const [low, high] = [await ranged('min', first, query), await ranged('max', first, query)];
        return finish(
          [...merge([...low, ...high]).values()].map((one) => [one]),
          query,
        );
      }
      const columns = await Promise.all(
        query.fields.map((field) => (long ? ranged('last', field, query) : exported(field, query)).then(merge)),
      );
      const [lead] = columns;
      return finish(
        [...(lead?.keys() ?? [])].map((key) => columns.flatMap((column) => column.get(key) ?? [])),
        query,
      );
    },
    /** An export has no pages: the time is taken in windows that hold about as many samples as a page. */
    async *scan({ pageSize, signal, ...query }) {
      let widthMs = FIRST_WINDOW_MS;
      for (let fromMs = query.fromMs; fromMs <= query.toMs && !signal?.aborted; ) {
        const window = { ...query, fromMs, toMs: Math.min(query.toMs, fromMs + widthMs - 1) };
        const expected = await count({ ...window, fromMs: fromMs - 1 });
        if (expected > pageSize && widthMs > 1) {
          widthMs = Math.max(1, widthMs >> 1);
          continue;
        }
        fromMs = window.toMs + 1;
        if (expected * 4 < pageSize) widthMs = Math.min(MAX_WINDOW_MS, widthMs * 2);
        const columns = await Promise.all(query.fields.map((field) => exported(field, window).then(merge)));
        const page = rowsOf(columns);
        if (page.length > 0) yield page;
      }
    },
  };
}

interface Samples {
  tags: Record<string, string>;
  samples: Map<number, number>;
}

/** Series by their tags; the server may give one series in several pieces. */
function merge(series: readonly Samples[]): Map<string, Samples> {
  const merged = new Map<string, Samples>();
  for (const { tags, samples } of series) {
    const known = merged.get(tagsKey(tags));
    if (known) for (const [atMs, value] of samples) known.samples.set(atMs, value);
    else merged.set(tagsKey(tags), { tags, samples });
  }
  return merged;
}

/** Curves from the fields' samples: a point is where all fields have one. */
function finish(series: readonly Samples[][], query: CurveQuery): Curve[] {
  return series
    .filter((fields) => fields.length === query.fields.length || query.fields.length === 1)
    .map((fields) => ({ tags: fields[0]?.tags ?? {}, points: thin(pointsOf(fields), query) }))
    .filter((curve) => curve.points.length > 0)
    .sort(byTags)
    .slice(0, MAX_CURVES);
}

/** What the fields of each series have at one time is a point. */
function rowsOf(columns: readonly Map<string, Samples>[]): ScannedPoint[] {
  const keys = new Set(columns.flatMap((column) => [...column.keys()]));
  const points = [...keys].flatMap((key) => {
    const fields = columns.map((column) => column.get(key));
    const { device = '' } = fields.find((field) => field !== undefined)?.tags ?? {};
    const times = new Set(fields.flatMap((field) => [...(field?.samples.keys() ?? [])]));
    return [...times].map((atMs) => ({ device, atMs, values: fields.map((field) => field?.samples.get(atMs)) }));
  });
  return points.sort((a, b) => a.atMs - b.atMs || (a.device < b.device ? -1 : 1));
}

function pointsOf(fields: readonly Samples[]): Curve['points'] {
  const times = [...(fields[0]?.samples.keys() ?? [])].sort((a, b) => a - b);
  return times.flatMap((atMs) => {
    const values = fields.flatMap(({ samples }) => samples.get(atMs) ?? []);
    return values.length === fields.length ? [{ atMs, values }] : [];
  });
}

type Chosen = Pick<CurveQuery, 'measurement' | 'fields' | 'tags' | 'fromMs' | 'toMs'>;

function selector(field: string, { measurement, tags }: Chosen): string {
  const labels = [['__name__', `${measurement}_${field}`], ...Object.entries(tags)];
  return `{${labels.map(([key = '', value = '']) => `${key}=${JSON.stringify(value)}`).join(',')}}`;
}

function tagsOf({ __name__, db, ...tags }: Record<string, string>): Record<string, string> {
  return tags;
}
