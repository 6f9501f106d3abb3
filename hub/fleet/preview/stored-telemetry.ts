/**
 * A gateway's stored telemetry, read back as the payloads that rules watch, in order of time over all its sensors.
 *
 * Memory is one page of each measurement, however long the time asked for.
 */
import type { TelemetryPayload } from '../../../protocols/uplink/model.ts';
import type { ScannedPoint, TimeSeries } from '../../timeseries/time-series.ts';

export type Measurement = TelemetryPayload['kind'];

/** What is read of each measurement: of a shock not whether it was clipped, since a scan is of numbers or of flags. */
const FIELDS = {
  temperature: ['temperatureCelsius'],
  humidity: ['relativeHumidityPercent'],
  shock: ['peakG', 'peakXG', 'peakYG', 'peakZG', 'durationMs', 'velocityChangeMetersPerSecond', 'sampleRateHz'],
  position: ['latitude', 'longitude', 'altitudeMeters', 'speedMetersPerSecond', 'courseDegrees', 'hdop', 'satellites'],
  contact: ['open'],
  vibration: ['rmsG', 'windowMs'],
  vehicle: ['speedMetersPerSecond', 'engineRpm', 'odometerMeters'],
} as const satisfies Record<Measurement, readonly [string, ...string[]]>;

export interface TelemetryQuery {
  gatewayId: string;
  measurements: readonly Measurement[];
  fromMs: number;
  toMs: number;
  signal: AbortSignal;
}

export interface StoredReading {
  deviceId: string;
  /** Corrected wall time. */
  atMs: number;
  payload: TelemetryPayload;
}

const PAGE_SIZE = 2_000;

export async function* storedTelemetry(
  timeSeries: Pick<TimeSeries, 'scan'>,
  { gatewayId, measurements, ...range }: TelemetryQuery,
): AsyncGenerator<StoredReading[]> {
  const streams = measurements.map((measurement) => {
    const fields = FIELDS[measurement];
    const scan = timeSeries.scan({ measurement, fields, tags: { gateway: gatewayId }, pageSize: PAGE_SIZE, ...range });
    return readingsOf(scan, measurement);
  });
  yield* inOrder(streams);
}

async function* readingsOf(
  scan: AsyncIterable<ScannedPoint[]>,
  measurement: Measurement,
): AsyncGenerator<StoredReading[]> {
  const fields: readonly string[] = FIELDS[measurement];
  for await (const page of scan) {
    yield page.map(({ device: deviceId, atMs, values }) => {
      const entries = fields.flatMap((field, index) => {
        const value = values[index];
        return value === undefined ? [] : [[field, field === 'open' ? value === 1 : value] as const];
      });
      const clipped = measurement === 'shock' ? { clipped: false } : {};
      // What the hub has stored came out of a payload of this kind.
      const payload = { kind: measurement, deviceId, place: {}, ...clipped, ...Object.fromEntries(entries) };
      return { deviceId, atMs, payload: payload as unknown as TelemetryPayload };
    });
  }
}

interface Cursor {
  pages: AsyncIterator<StoredReading[]>;
  page: StoredReading[];
  next: number;
}

/** One stream out of several that are each in order. */
async function* inOrder(streams: readonly AsyncGenerator<StoredReading[]>[]): AsyncGenerator<StoredReading[]> {
  const cursors = streams.map((pages): Cursor => ({ pages, page: [], next: 0 }));
  try {
    for (;;) {
      const open: Cursor[] = [];
      for (const cursor of cursors) if (await filled(cursor)) open.push(cursor);
      if (open.length === 0) return;
      const batch: StoredReading[] = [];
      // Until one of them is empty: what it gives next may come before what the others hold.
      while (open.every(({ page, next }) => next < page.length)) {
        const first = open.reduce((earliest, each) => (timeOf(each) < timeOf(earliest) ? each : earliest));
        const reading = first.page[first.next++];
        if (reading) batch.push(reading);
      }
      yield batch;
    }
  } finally {
    await Promise.all(streams.map((stream) => stream.return(undefined)));
  }
}

async function filled(cursor: Cursor): Promise<boolean> {
  while (cursor.next >= cursor.page.length) {
    const { done, value } = await cursor.pages.next();
    if (done) return false;
    cursor.page = value;
    cursor.next = 0;
  }
  return true;
}

function timeOf({ page, next }: Cursor): number {
  return page[next]?.atMs ?? Number.POSITIVE_INFINITY;
}
