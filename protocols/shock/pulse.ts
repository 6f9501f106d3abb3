/**
 * What one shock pulse was: peak, time above the threshold, velocity change. A pure function of its samples.
 *
 * The velocity change is the integral of the acceleration vector over the pulse, by trapezoids, from the last sample below the
 * release level ahead of the pulse to the first one after it: sums over the quiet around it would only add the error of
 * gravity. Check: a half-sine of peak A and duration D has ΔV = 2/π·A·g·D (30 g for 10 ms: 1.873 m/s).
 */
import { magnitude, subtract, type Vector3, ZERO } from './vector3.ts';

/** CGPM 1901. */
export const STANDARD_GRAVITY = 9.80665;

export interface AccelerationSample {
  /** Never decreasing; of the gateway's monotonic clock. */
  monotonicUs: number;
  xG: number;
  yG: number;
  zG: number;
  /** An axis stood at the end of its range. */
  clipped?: boolean;
}

export interface PulseOptions {
  thresholdG: number;
  releaseG: number;
  sampleRateHz: number;
  /** Subtracted from every sample; nothing unless told. */
  gravity?: Vector3;
}

export interface PulseMeasure {
  /** Time of the first sample at or above the threshold; undefined if there is none. */
  startMonotonicUs: number | undefined;
  /** Largest length of the acceleration vector. */
  peakG: number;
  /** Per axis the value with the largest magnitude, with its sign. */
  peakAxisG: Vector3;
  /** Time spent at or above the threshold: samples there × sample period. */
  durationMs: number;
  velocityChangeMetersPerSecond: number;
  clipped: boolean;
  /** Sample periods from edge to edge of the pulse. */
  intervals: number;
  /** Index of the first sample after the pulse. */
  endIndex: number;
}

export function measurePulse(samples: readonly AccelerationSample[], options: PulseOptions): PulseMeasure {
  const gravity = options.gravity ?? ZERO;
  const vectors = samples.map((sample) => subtract({ x: sample.xG, y: sample.yG, z: sample.zG }, gravity));
  const lengths = vectors.map(magnitude);
  const first = lengths.findIndex((length) => length >= options.thresholdG);
  if (first < 0) return nothing(samples, vectors, lengths);
  const last = lengths.findLastIndex((length) => length >= options.thresholdG);

  let from = first;
  while (from > 0 && (lengths[from] ?? 0) >= options.releaseG) from--;
  let to = last;
  while (to < lengths.length - 1 && (lengths[to] ?? 0) >= options.releaseG) to++;

  const above = lengths.filter((length) => length >= options.thresholdG).length;
  const periodSeconds = 1 / options.sampleRateHz;
  return {
    startMonotonicUs: samples[first]?.monotonicUs,
    peakG: lengths.slice(from, to + 1).reduce((most, length) => Math.max(most, length), 0),
    peakAxisG: peakPerAxis(vectors.slice(from, to + 1)),
    durationMs: above * periodSeconds * 1000,
    velocityChangeMetersPerSecond: magnitude(integral(vectors.slice(from, to + 1))) * periodSeconds * STANDARD_GRAVITY,
    clipped: samples.slice(from, to + 1).some((sample) => sample.clipped === true),
    intervals: to - from,
    endIndex: to,
  };
}

function nothing(
  samples: readonly AccelerationSample[],
  vectors: readonly Vector3[],
  lengths: readonly number[],
): PulseMeasure {
  return {
    startMonotonicUs: undefined,
    peakG: lengths.reduce((most, length) => Math.max(most, length), 0),
    peakAxisG: peakPerAxis(vectors),
    durationMs: 0,
    velocityChangeMetersPerSecond: 0,
    clipped: samples.some((sample) => sample.clipped === true),
    intervals: 0,
    endIndex: samples.length,
  };
}

function peakPerAxis(vectors: readonly Vector3[]): Vector3 {
  const further = (a: number, b: number): number => (Math.abs(b) > Math.abs(a) ? b : a);
  return vectors.reduce<Vector3>(
    (peak, vector) => ({ x: further(peak.x, vector.x), y: further(peak.y, vector.y), z: further(peak.z, vector.z) }),
    ZERO,
  );
}

/** Trapezoids of unit width. */
function integral(vectors: readonly Vector3[]): Vector3 {
  const sum = { x: 0, y: 0, z: 0 };
  vectors.forEach((vector, i) => {
    const weight = i === 0 || i === vectors.length - 1 ? 0.5 : 1;
    sum.x += vector.x * weight;
    sum.y += vector.y * weight;
    sum.z += vector.z * weight;
  });
  return sum;
}
