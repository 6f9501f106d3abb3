/**
 * The TimeSeries port: InfluxDB through its v2 API, or a table in the Store.
 *
 * Writing is idempotent: a point with the same measurement, tags and timestamp replaces itself.
 *
 * Implementations: timeseries/influx/ (InfluxDB 1.8 and 2, VictoriaMetrics) and timeseries/sql/ (tables in the Store).
 * All pass time-series.contract.ts.
 */
export interface Point {
  /** `temperature`, `humidity`, `shock`, `position`, `contact`, `vibration`, `vehicle`. */
  measurement: string;
  /** gateway, device, facility or vehicle, read_point: never a package id. */
  tags: Readonly<Record<string, string>>;
  /** Under their names in protocols/uplink/model.ts, for example `temperatureCelsius`. */
  fields: Readonly<Record<string, number | boolean | string>>;
  /** Milliseconds, and nanoseconds below them that make the timestamp unique (taken from the sequence). */
  atMs: number;
  subMsNs: number;
}

export interface Rejected {
  /** Index into the points written. */
  index: number;
  reason: string;
  /** Where it is not the server that refused: it would make too many series (series-guard.ts). */
  code?: 'series-limit';
}

/** How long telemetry is kept: as it came, and brought together by the hour. */
export interface RetentionPlan {
  rawMs: number;
  hourlyMs: number;
}

/** Something that `hub setup` has looked at. */
export interface SetupStep {
  what: string;
  /** `refused`: the server cannot do it; `detail` says what to do instead. */
  did: 'created' | 'changed' | 'nothing' | 'refused';
  detail?: string;
}

export interface CurveQuery {
  measurement: string;
  /** Numeric fields that were written together. Thinning looks at the first one. */
  fields: readonly [string, ...string[]];
  /** All of these must be equal. */
  tags: Readonly<Record<string, string>>;
  /** Both inclusive. */
  fromMs: number;
  toMs: number;
  /**
   * At most so many points per curve. More are thinned out evenly over the time asked for: of each slice a curve of one
   * field keeps its extremes, a curve of several fields (a track) its first and its last point.
   */
  maxPoints: number;
}

/** What one series (one device at one place) measured. */
export interface Curve {
  tags: Readonly<Record<string, string>>;
  /** Ascending by time. `values` in the order of the fields asked for; a point lacks none of them. */
  points: { atMs: number; values: number[] }[];
}

/** A query gives at most so many curves. */
export const MAX_CURVES = 64;

export interface ScanQuery {
  measurement: string;
  /** Fields of one kind: numbers, or flags. */
  fields: readonly [string, ...string[]];
  /** All of these must be equal; the gateway always is one of them. */
  tags: Readonly<Record<string, string>> & { gateway: string };
  /** Both inclusive. */
  fromMs: number;
  toMs: number;
  /** Points in one page, about. */
  pageSize: number;
  /** Ends the scan between two pages. */
  signal?: AbortSignal;
}

/** One point as it was written. */
export interface ScannedPoint {
  /** The tag of this name. */
  device: string;
  atMs: number;
  /** In the order of the fields asked for, a flag as 1 or 0; undefined where the point lacks it. It has at least one. */
  values: (number | undefined)[];
}

export interface TimeSeries {
  /** Creates what writing needs and what is missing. */
  setup(): Promise<void>;
  /**
   * Resolves when all points are stored, except those that the server refused for what they are (returned: they belong
   * into dead-letters). Rejects with a TimeSeriesError when the server is away: nothing is lost, write them again.
   */
  write(points: readonly Point[]): Promise<Rejected[]>;
  /** One curve for each series that has points, ordered by tags; at most MAX_CURVES. */
  curves(query: CurveQuery): Promise<Curve[]>;
  /**
   * Every point that is still kept one by one, ascending by time over all series, in pages: memory is that of one page, however long the
   * time asked for. Rejects with a TimeSeriesError when the server is away.
   */
  scan(query: ScanQuery): AsyncIterable<ScannedPoint[]>;
  healthy(): Promise<{ ok: boolean; detail: string }>;
  close(): Promise<void>;
}

/** A TimeSeries whose retention can be set (`hub setup`). */
export interface ManagedTimeSeries extends TimeSeries {
  /** Puts retention and down-sampling as planned, whatever they were before; twice is as good as once. */
  arrange(plan: RetentionPlan): Promise<SetupStep[]>;
}

export class TimeSeriesError extends Error {
  override readonly name = 'TimeSeriesError';
  readonly code: 'timeseries-unavailable' | 'timeseries-denied';

  constructor(fault: { code: TimeSeriesError['code']; message: string; cause?: unknown }) {
    super(fault.message, { cause: fault.cause });
    this.code = fault.code;
  }
}
