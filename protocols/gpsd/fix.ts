/** A TPV report, with the SKY report of the same receiver, as the fix that NMEA receivers give. Mode 0 and 1 are no fix, whatever else stands in them. */
import type { Fix, FixQuality, NoFix } from '../nmea/position-assembler.ts';
import type { GpsdSky, GpsdTpv } from './report.ts';

const QUALITY: readonly FixQuality[] = [
  'unspecified',
  'autonomous',
  'differential',
  'rtk-fixed',
  'rtk-float',
  'estimated',
  'estimated',
  'manual',
  'simulated',
  'precise',
];

export function gpsdFix(tpv: GpsdTpv, sky?: GpsdSky): Fix | NoFix {
  const { mode, latitude, longitude, utcMs } = tpv;
  const satellites = sky?.satellitesUsed;
  if (mode < 2 || latitude === undefined || longitude === undefined) {
    return { kind: 'no-fix', ...(satellites !== undefined && { satellites }) };
  }
  return {
    kind: 'fix',
    latitude,
    longitude,
    dimensions: mode === 3 ? 3 : 2,
    quality: QUALITY[tpv.status ?? 0] ?? 'unspecified',
    // Without a third dimension an altitude is the receiver's guess.
    ...(mode === 3 && tpv.altitudeMeters !== undefined && { altitudeMeters: tpv.altitudeMeters }),
    ...(tpv.speedMetersPerSecond !== undefined && { speedMetersPerSecond: tpv.speedMetersPerSecond }),
    ...(tpv.courseDegrees !== undefined && { courseDegrees: tpv.courseDegrees }),
    ...(sky?.hdop !== undefined && { hdop: sky.hdop }),
    ...(satellites !== undefined && { satellites }),
    ...(utcMs !== undefined && { utc: { ms: utcMs } }),
  };
}
