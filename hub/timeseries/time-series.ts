/**
 * The TimeSeries port: InfluxDB through its v2 API, or a table in the Store.
 *
 * Writing is idempotent: a point with the same measurement, tags and timestamp replaces itself.
 */
export interface Point {
  /** `temperature`, `humidity`, `shock`, `position`, `contact`, `vibration`. */
  measurement: string;
  /** gateway, device, facility or vehicle, read_point: never a package id. */
  tags: Readonly<Record<string, string>>;
  fields: Readonly<Record<string, number | boolean | string>>;
  /** Milliseconds, and nanoseconds below them that make the timestamp unique (taken from the sequence). */
  atMs: number;
  subMsNs: number;
}

export interface Rejected {
  /** Index into the points written. */
  index: number;
  reason: string;
}

export interface CurveQuery {
  measurement: string;
  field: string;
  /** All of these must be equal. */
  tags: Readonly<Record<string, string>>;
  fromMs: number;
  toMs: number;
  /** At most so many points; more are thinned out evenly, extremes kept. */
  maxPoints: number;
}

export interface TimeSeries {
  setup(): Promise<void>;
  /**
   * Resolves when all points are stored, except those that the server refused for what they are (returned: they belong
   * into dead-letters). Rejects with a TimeSeriesError when the server is away: nothing is lost, write them again.
   */
  write(points: readonly Point[]): Promise<Rejected[]>;
  /** Ascending by time. */
  curve(query: CurveQuery): Promise<{ atMs: number; value: number }[]>;
  healthy(): Promise<{ ok: boolean; detail: string }>;
  close(): Promise<void>;
}

export class TimeSeriesError extends Error {
  override readonly name = 'TimeSeriesError';
  readonly code: 'timeseries-unavailable' | 'timeseries-denied';

  constructor(fault: { code: TimeSeriesError['code']; message: string; cause?: unknown }) {
    super(fault.message, { cause: fault.cause });
    this.code = fault.code;
  }
}
