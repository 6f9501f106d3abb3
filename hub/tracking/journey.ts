/**
 * What a package went through: the curves of the sensors that it travelled with, and where it is now.
 *
 * A stay at a read point takes the sensors of that read point; where there is none, those of the facility, and says so. A
 * stay on a vehicle takes all sensors of the vehicle.
 */
import type { Curve, TimeSeries } from '../timeseries/time-series.ts';
import type { PackageState, Stay } from './state.ts';

export const QUANTITIES = {
  temperature: { field: 'temperatureCelsius', unit: '°C' },
  humidity: { field: 'relativeHumidityPercent', unit: '%' },
  shock: { field: 'peakG', unit: 'g' },
} as const;
export type Quantity = keyof typeof QUANTITIES;

export interface SensorCurve {
  quantity: Quantity;
  unit: string;
  gatewayId: string;
  deviceId: string;
  /** Where the device is. */
  place: Stay['place'];
  /** How near the device was: at the package's read point, somewhere in its facility, or on its vehicle. */
  near: 'read-point' | 'facility' | 'vehicle';
  /** Which of the stays the package was near it. */
  stay: number;
  /** Pairs of time (ISO 8601) and value. */
  points: [string, number][];
}

export interface Track {
  vehicleId: string;
  /** Which of the stays the package was on it. */
  stay: number;
  /** Time (ISO 8601), latitude, longitude. */
  points: [string, number, number][];
}

export interface Journey {
  from: string;
  to: string;
  stays: { place: Stay['place']; from: string; to: string }[];
  curves: SensorCurve[];
  /** The ways of the vehicles it was on. */
  tracks: Track[];
  /** True when there was more than is shown. */
  truncated: boolean;
}

export interface JourneyQuery {
  fromMs: number;
  toMs: number;
  maxPoints: number;
}

/** One request looks at so many stays (the latest) and draws so many curves per stay and quantity. */
const MAX_STAYS = 40;
const MAX_CURVES_PER_STAY = 8;
/** Queries under way at once. */
const MAX_PARALLEL = 4;

export async function journeyOf(state: PackageState, timeSeries: TimeSeries, query: JourneyQuery): Promise<Journey> {
  const clipped = state.stays.map((stay) => clip(stay, query)).filter((stay) => stay !== undefined);
  const stays = clipped.slice(-MAX_STAYS);
  const jobs = stays.flatMap<() => Promise<(SensorCurve | Track)[]>>((stay, index) => [
    ...(Object.keys(QUANTITIES) as Quantity[]).map(
      (quantity) => () => curvesOf(timeSeries, { quantity, stay, index, query }),
    ),
    () => trackOf(timeSeries, { stay, index, query }),
  ]);
  const found = (await inParallel(jobs)).flat();
  const curves = found.filter((one): one is SensorCurve => 'quantity' in one);
  const shown = curves.filter((curve) => rankAmong(curves, curve) < MAX_CURVES_PER_STAY);
  return {
    from: iso(query.fromMs),
    to: iso(query.toMs),
    stays: stays.map(({ place, fromMs, toMs }) => ({ place, from: iso(fromMs), to: iso(toMs) })),
    curves: shown,
    tracks: found.filter((one): one is Track => !('quantity' in one)),
    truncated: clipped.length > stays.length || shown.length < curves.length,
  };
}

export interface Position {
  latitude: number;
  longitude: number;
  at: string;
  /** Said by the last event that knew it, or by the vehicle that the package is on. */
  source: 'event' | 'vehicle';
}

/** The vehicle's position, as long as the package is on it; otherwise the last one that an event gave. */
export async function positionOf(
  state: PackageState,
  timeSeries: TimeSeries,
  nowMs: number,
): Promise<Position | undefined> {
  const told = state.position && { ...state.position, source: 'event' as const };
  const stay = state.stays.at(-1);
  const vehicle = stay?.to === undefined ? stay?.place.vehicleId : undefined;
  if (stay === undefined || vehicle === undefined) return told;
  const sinceMs = Date.parse(stay.from);
  const positions = {
    measurement: 'position',
    fields: ['latitude', 'longitude'],
    tags: { vehicle },
    toMs: nowMs,
    maxPoints: 2,
  } as const;
  // Nearly always the last minutes know it; the whole stay is the exception.
  for (const fromMs of [Math.max(sinceMs, nowMs - RECENT_MS), sinceMs]) {
    const last = newest(await timeSeries.curves({ ...positions, fromMs }));
    const [latitude, longitude] = last?.values ?? [];
    if (last && latitude !== undefined && longitude !== undefined && !(told && told.at > iso(last.atMs))) {
      return { latitude, longitude, at: iso(last.atMs), source: 'vehicle' };
    }
    if (last || fromMs === sinceMs) break;
  }
  return told;
}

const RECENT_MS = 600_000;

interface ClippedStay {
  place: Stay['place'];
  fromMs: number;
  toMs: number;
}

function clip({ place, from, to }: Stay, query: JourneyQuery): ClippedStay | undefined {
  const fromMs = Math.max(Date.parse(from), query.fromMs);
  const toMs = Math.min(to === undefined ? query.toMs : Date.parse(to), query.toMs);
  return fromMs <= toMs ? { place, fromMs, toMs } : undefined;
}

interface CurveJob {
  quantity: Quantity;
  stay: ClippedStay;
  index: number;
  query: JourneyQuery;
}

async function curvesOf(timeSeries: TimeSeries, { quantity, stay, index, query }: CurveJob): Promise<SensorCurve[]> {
  const { field, unit } = QUANTITIES[quantity];
  const { fromMs, toMs, place } = stay;
  for (const { near, tags } of neighbourhoods(place)) {
    const curves = await timeSeries.curves({
      measurement: quantity,
      fields: [field],
      tags,
      fromMs,
      toMs,
      maxPoints: query.maxPoints,
    });
    if (curves.length === 0) continue;
    return curves.map(({ tags: { gateway = '', device = '', facility, vehicle, read_point }, points }) => ({
      quantity,
      unit,
      gatewayId: gateway,
      deviceId: device,
      place: {
        ...(facility !== undefined && { facilityId: facility }),
        ...(vehicle !== undefined && { vehicleId: vehicle }),
        ...(read_point !== undefined && { readPoint: read_point }),
      },
      near,
      stay: index,
      points: points.map(({ atMs, values: [value = 0] }) => [iso(atMs), value]),
    }));
  }
  return [];
}

function neighbourhoods({
  vehicleId,
  facilityId,
  readPoint,
}: Stay['place']): { near: SensorCurve['near']; tags: Record<string, string> }[] {
  if (vehicleId !== undefined) return [{ near: 'vehicle', tags: { vehicle: vehicleId } }];
  if (facilityId === undefined) return [];
  const facility = { near: 'facility', tags: { facility: facilityId } } as const;
  if (readPoint === undefined) return [facility];
  return [{ near: 'read-point', tags: { facility: facilityId, read_point: readPoint } }, facility];
}

async function trackOf(timeSeries: TimeSeries, { stay, index, query }: Omit<CurveJob, 'quantity'>): Promise<Track[]> {
  const { place, fromMs, toMs } = stay;
  if (place.vehicleId === undefined) return [];
  const curves = await timeSeries.curves({
    measurement: 'position',
    fields: ['latitude', 'longitude'],
    tags: { vehicle: place.vehicleId },
    fromMs,
    toMs,
    maxPoints: query.maxPoints,
  });
  // A vehicle with two receivers: one of them is enough.
  const most = curves.reduce<Curve['points']>(
    (longest, { points }) => (points.length > longest.length ? points : longest),
    [],
  );
  if (most.length === 0) return [];
  const points = most.map(({ atMs, values: [latitude = 0, longitude = 0] }): Track['points'][number] => [
    iso(atMs),
    latitude,
    longitude,
  ]);
  return [{ vehicleId: place.vehicleId, stay: index, points }];
}

function rankAmong(curves: readonly SensorCurve[], curve: SensorCurve): number {
  return curves.filter(({ stay, quantity }) => stay === curve.stay && quantity === curve.quantity).indexOf(curve);
}

function newest(curves: readonly Curve[]): Curve['points'][number] | undefined {
  return curves
    .flatMap(({ points }) => points.at(-1) ?? [])
    .reduce<Curve['points'][number] | undefined>(
      (last, point) => (last && last.atMs >= point.atMs ? last : point),
      undefined,
    );
}

/** Results in the order of the jobs. */
async function inParallel<T>(jobs: readonly (() => Promise<T>)[]): Promise<T[]> {
  const results: T[] = [];
  let next = 0;
  const worker = async () => {
    for (let index = next++; index < jobs.length; index = next++) {
      const job = jobs[index];
      if (job) results[index] = await job();
    }
  };
  await Promise.all(Array.from({ length: Math.min(MAX_PARALLEL, jobs.length) }, worker));
  return results;
}

function iso(ms: number): string {
  return new Date(ms).toISOString();
}
