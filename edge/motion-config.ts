/** The parts of the configuration that tell where a vehicle is: `geofences` and `motion`. */
import { z } from 'zod';
import type { Geofence } from '../protocols/base/geofence.ts';
import { durationMs } from '../protocols/config/units.ts';
import type { MotionOptions } from './pipeline/motion.ts';

const latitude = z.number().min(-90).max(90);
const longitude = z.number().min(-180).max(180);

export const geofenceSchema = z
  .strictObject({
    /** The facility's id. */
    id: z.string().min(1),
    latitude: latitude.optional(),
    longitude: longitude.optional(),
    radiusMeters: z.number().min(20).max(50_000).optional(),
    /** Corners, latitude first. */
    polygon: z
      .array(z.tuple([latitude, longitude]))
      .min(3)
      .max(200)
      .optional(),
  })
  .refine(
    ({ latitude: lat, longitude: lon, radiusMeters, polygon }) => {
      const circle = [lat, lon, radiusMeters].filter((value) => value !== undefined).length;
      return polygon ? circle === 0 : circle === 3;
    },
    { error: "a geofence is a circle ('latitude', 'longitude', 'radiusMeters') or a 'polygon'" },
  );

export const motionSchema = z
  .strictObject({
    departAfter: durationMs.prefault('20s'),
    arriveAfter: durationMs.prefault('30s'),
    standingBelowMetersPerSecond: z.number().min(0.2).max(10).default(1.5),
    movingAboveMetersPerSecond: z.number().min(0.5).max(20).default(3),
    marginMeters: z.number().min(0).max(1000).default(30),
    stops: z.boolean().default(false),
    stopAfter: durationMs.prefault('3min'),
  })
  .refine(({ standingBelowMetersPerSecond: stands, movingAboveMetersPerSecond: moves }) => stands <= moves, {
    error: "'standingBelowMetersPerSecond' must not be above 'movingAboveMetersPerSecond'",
  });

/** Undefined when nothing would ever be stated. */
export function motionOptions(
  motion: z.output<typeof motionSchema>,
  geofences: readonly z.output<typeof geofenceSchema>[],
): MotionOptions | undefined {
  if (geofences.length === 0 && !motion.stops) return undefined;
  const { departAfter, arriveAfter, stopAfter, ...rest } = motion;
  return {
    ...rest,
    departAfterMs: departAfter,
    arriveAfterMs: arriveAfter,
    stopAfterMs: stopAfter,
    geofences: geofences.map(geofenceOf),
  };
}

function geofenceOf(fence: z.output<typeof geofenceSchema>): Geofence {
  const { id, polygon, latitude: lat = 0, longitude: lon = 0, radiusMeters = 0 } = fence;
  if (!polygon) return { id, latitude: lat, longitude: lon, radiusMeters };
  return {
    id,
    polygon: polygon.map(([cornerLatitude, cornerLongitude]) => ({
      latitude: cornerLatitude,
      longitude: cornerLongitude,
    })),
  };
}
