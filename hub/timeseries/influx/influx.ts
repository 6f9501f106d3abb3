/**
 * TimeSeries over the InfluxDB v2 write API: InfluxDB 1.8, 2 and whatever else speaks it (VictoriaMetrics).
 *
 * Of @influxdata/influxdb-client only the transport is used, never its WriteApi: that one buffers, drops the oldest
 * lines past a limit and gives up without throwing, so it must not own data. Here a batch is one request, and `write` resolves
 * only after 204. A refused batch (400, 413, 422) is halved until the points at fault stand alone: what is good is written
 * on the way, and writing a point twice is harmless.
 *
 * The client is loaded when the first TimeSeries of this kind is made.
 */
import { promisify } from 'node:util';
import { constants, gzip } from 'node:zlib';
import type { HttpError, InfluxDB } from '@influxdata/influxdb-client';
import type { Log } from '../../../protocols/base/log.ts';
import { faultOfPoint } from '../check-point.ts';
import {
  type Curve,
  type CurveQuery,
  type ManagedTimeSeries,
  type Point,
  type Rejected,
  type RetentionPlan,
  type ScannedPoint,
  type ScanQuery,
  type SetupStep,
  TimeSeriesError,
} from '../time-series.ts';
import { fluxQueries } from './flux.ts';
import { influxqlQueries } from './influxql.ts';
import { Lines } from './line-protocol.ts';
import { victoriaQueries } from './victoria.ts';

export type QueryLanguage = 'flux' | 'influxql' | 'victoriametrics';

export interface InfluxOptions {
  /** For example `http://127.0.0.1:8086`. */
  url: string;
  /** InfluxDB 1.8 takes `user:password`. */
  token?: string;
  org: string;
  /** InfluxDB 1.8: `database` or `database/retention-policy`. */
  bucket: string;
  /** What the server understands: `flux` InfluxDB 2, `influxql` InfluxDB 1.8. */
  query: QueryLanguage;
  timeoutMs?: number;
  /** Compresses what is written. Default true. */
  gzip?: boolean;
  log: Log;
}

/** The part that differs between servers. */
export interface Queries {
  setup(): Promise<void>;
  arrange(plan: RetentionPlan): Promise<SetupStep[]>;
  curves(query: CurveQuery): Promise<Curve[]>;
  scan(query: ScanQuery): AsyncIterable<ScannedPoint[]>;
}

/** One request. Rejects with the client's HttpError for a status of 300 and more. */
export type Send = (request: Request) => Promise<Answer>;

interface Request {
  method: 'GET' | 'POST' | 'PATCH';
  path: string;
  body?: string;
  headers?: Record<string, string>;
  /** Leave the answer as it is, whatever it calls itself. */
  asText?: boolean;
}

export interface Answer {
  status: number;
  /** Parsed JSON where the answer says that it is JSON, otherwise text. */
  body: unknown;
}

const LANGUAGES: Record<QueryLanguage, (send: Send, options: InfluxOptions) => Queries> = {
  flux: fluxQueries,
  influxql: influxqlQueries,
  victoriametrics: victoriaQueries,
};

const GZIP_THRESHOLD_BYTES = 1400;
const gzipped = promisify(gzip);
/** A body of this many points is about 1 MB. */
const MAX_POINTS_PER_REQUEST = 10_000;
/** Of points with long texts there are fewer. */
const MAX_BYTES_PER_REQUEST = 4 * 1024 * 1024;

export async function createInfluxTimeSeries(options: InfluxOptions): Promise<ManagedTimeSeries> {
  const { InfluxDB } = await import('@influxdata/influxdb-client');
  return new InfluxTimeSeries(new InfluxDB(clientOptions(options)), options);
}

function clientOptions({ url, token, timeoutMs = 10_000 }: InfluxOptions) {
  return { url, timeout: timeoutMs, ...(token !== undefined && { token }) };
}

class InfluxTimeSeries implements ManagedTimeSeries {
  readonly #client: InfluxDB;
  readonly #options: InfluxOptions;
  readonly #queries: Queries;
  readonly #writePath: string;
  readonly #underWay = new Set<AbortController>();
  /** For the next write; a write beside another makes its own. */
  #spare: Lines | undefined;
  #closed = false;

  constructor(client: InfluxDB, options: InfluxOptions) {
    this.#client = client;
    this.#options = options;
    const { org, bucket } = options;
    this.#writePath = `/api/v2/write?${new URLSearchParams({ org, bucket, precision: 'ns' })}`;
    this.#queries = LANGUAGES[options.query](this.#send, options);
  }

  async setup(): Promise<void> {
    await this.#clearly('prepare', () => this.#queries.setup());
  }

  async arrange(plan: RetentionPlan): Promise<SetupStep[]> {
    await this.setup();
    return this.#clearly('arrange', () => this.#queries.arrange(plan));
  }

  async write(points: readonly Point[]): Promise<Rejected[]> {
    const rejected: Rejected[] = [];
    const lines = this.#spare ?? new Lines();
    this.#spare = undefined;
    try {
      const body = { lines, indices: [] as number[] };
      let index = 0;
      for (const point of points) {
        const reason = faultOfPoint(point);
        if (reason === undefined) {
          lines.add(point);
          body.indices.push(index);
        } else rejected.push({ index, reason });
        index++;
        if (lines.count >= MAX_POINTS_PER_REQUEST || lines.byteLength >= MAX_BYTES_PER_REQUEST)
          await this.#writeAll(body, rejected);
      }
      await this.#writeAll(body, rejected);
    } finally {
      lines.clear();
      this.#spare = lines;
    }
    return rejected.sort((a, b) => a.index - b.index);
  }

  curves(query: CurveQuery): Promise<Curve[]> {
    return this.#clearly('query', () => this.#queries.curves(query));
  }

  async *scan(query: ScanQuery): AsyncGenerator<ScannedPoint[]> {
    const pages = this.#queries.scan(query)[Symbol.asyncIterator]();
    for (;;) {
      const { done, value } = await this.#clearly('query', () => pages.next());
      if (done) return;
      yield value;
    }
  }

  async healthy(): Promise<{ ok: boolean; detail: string }> {
    const { url } = this.#options;
    try {
      await this.#send({ method: 'GET', path: '/health' });
      return { ok: true, detail: `${url} answers` };
    } catch (error) {
      return { ok: false, detail: `${url}: ${(error as Error).message}` };
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const abort of this.#underWay) abort.abort();
  }

  async #writeAll(body: Body, rejected: Rejected[]): Promise<void> {
    const { lines, indices } = body;
    if (lines.count === 0) return;
    await this.#clearly('write to', () => this.#writePart({ ...body, from: 0, to: lines.count }, rejected));
    lines.clear();
    indices.length = 0;
  }

  async #writePart(part: Body & { from: number; to: number }, rejected: Rejected[]): Promise<void> {
    const { lines, indices, from, to } = part;
    try {
      const status = await this.#post(lines.between(from, to));
      // Anything but 204 (a proxy's page, say) is no promise that the points are stored.
      if (status !== 204) throw unavailable(this.#options, `answered ${status} to a write instead of 204`);
    } catch (error) {
      if (!isRefusedContent(error)) throw error;
      const only = indices[from];
      if (to - from === 1 && only !== undefined) {
        rejected.push({ index: only, reason: messageOf(error) });
        return;
      }
      const middle = (from + to) >> 1;
      await this.#writePart({ ...part, to: middle }, rejected);
      await this.#writePart({ ...part, from: middle }, rejected);
    }
  }

  /** The client compresses as well as it can, which costs several times what the points themselves do: the fastest level saves most of it. */
  async #post(lines: Buffer): Promise<number> {
    const { gzip: wanted = true } = this.#options;
    const compresses = wanted && lines.length > GZIP_THRESHOLD_BYTES;
    const body = compresses ? await gzipped(lines, { level: constants.Z_BEST_SPEED }) : lines;
    const headers = { 'content-type': 'text/plain; charset=utf-8', ...(compresses && { 'content-encoding': 'gzip' }) };
    const { transport } = this.#client;
    return this.#aborted(
      (signal) =>
        new Promise((resolve, reject) => {
          let status = 0;
          // The client copies what it is given with Buffer.from, which takes bytes as well as text.
          transport.send(
            this.#writePath,
            body as unknown as string,
            { method: 'POST', headers, signal },
            {
              responseStarted: (_headers, statusCode) => {
                status = statusCode ?? 0;
              },
              next: () => {},
              error: reject,
              complete: () => resolve(status),
            },
          );
        }),
    );
  }

  /** The client never takes its listener off a signal again: each request has its own. */
  async #aborted<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const abort = new AbortController();
    if (this.#closed) abort.abort();
    this.#underWay.add(abort);
    try {
      return await work(abort.signal);
    } finally {
      this.#underWay.delete(abort);
    }
  }

  #send: Send = ({ method, path, body = '', headers = {}, asText = false }) =>
    this.#aborted(async (signal) => {
      const { transport } = this.#client;
      const gzipThreshold = (this.#options.gzip ?? true) ? GZIP_THRESHOLD_BYTES : Number.MAX_SAFE_INTEGER;
      const options = { method, headers, gzipThreshold, signal };
      if (asText) {
        const chunks: Uint8Array[] = [];
        for await (const chunk of transport.iterate(path, body, options)) chunks.push(chunk);
        return { status: 200, body: Buffer.concat(chunks).toString('utf8') };
      }
      let status = 0;
      const answer: unknown = await transport.request(path, body, options, (_headers, statusCode) => {
        status = statusCode ?? 0;
      });
      return { status, body: answer };
    });

  /** Every fault as a TimeSeriesError that says what could not be done where. */
  async #clearly<T>(what: string, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (cause) {
      if (cause instanceof TimeSeriesError) throw cause;
      const { url, bucket } = this.#options;
      const status = statusOf(cause);
      const refused = status !== undefined && status >= 400 && status < 500 && status !== 408 && status !== 429;
      throw new TimeSeriesError({
        code: refused ? 'timeseries-denied' : 'timeseries-unavailable',
        message: `cannot ${what} ${bucket} at ${url}: ${messageOf(cause)}`,
        cause,
      });
    }
  }
}

/** What one request carries, and which point each line was. */
interface Body {
  lines: Lines;
  indices: number[];
}

/** The server took offence at the points (or at their number), not at who sends them. */
function isRefusedContent(error: unknown): boolean {
  const status = statusOf(error);
  return status === 400 || status === 413 || status === 422;
}

function statusOf(error: unknown): number | undefined {
  const status = (error as Partial<HttpError>).statusCode;
  return typeof status === 'number' ? status : undefined;
}

function messageOf(error: unknown): string {
  const { statusCode, json, body, message } = error as Partial<HttpError>;
  const told: unknown = json?.message ?? json?.error ?? (body || message);
  const text = typeof told === 'string' && told !== '' ? told : String(error);
  return (statusCode === undefined ? text : `${statusCode} ${text}`).trim().slice(0, 1000);
}

function unavailable({ url }: InfluxOptions, message: string): TimeSeriesError {
  return new TimeSeriesError({ code: 'timeseries-unavailable', message: `${url} ${message}` });
}
