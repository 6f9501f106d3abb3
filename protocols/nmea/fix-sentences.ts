/** The sentences a common receiver sends once per epoch, for simulators: RMC, VTG, GGA, GSA, GLL, ZDA on request. */
import type { NmeaSentence } from './sentence.ts';

const DAY_MS = 86_400_000;
const KNOTS_PER_METER_PER_SECOND = 3600 / 1852;

export interface SimulatedFix {
  utcMs: number;
  latitude: number;
  longitude: number;
  altitudeMeters?: number;
  speedMetersPerSecond?: number;
  courseDegrees?: number;
  hdop?: number;
  /** Ids of the satellites used. */
  satelliteIds?: readonly number[];
}

export interface FixSentencesOptions {
  /** GP unless told. */
  talker?: string;
  withZda?: boolean;
}

/** A receiver with a solution. */
export function sentencesOfFix(fix: SimulatedFix, options: FixSentencesOptions = {}): NmeaSentence[] {
  const talker = options.talker ?? 'GP';
  const { timeOfDayMs, date } = clock(fix.utcMs);
  const position = { latitude: fix.latitude, longitude: fix.longitude };
  const speedMetersPerSecond = fix.speedMetersPerSecond ?? 0;
  const speedKnots = speedMetersPerSecond * KNOTS_PER_METER_PER_SECOND;
  const course = fix.courseDegrees === undefined ? {} : { courseDegrees: fix.courseDegrees };
  const courseTrue = fix.courseDegrees === undefined ? {} : { courseTrueDegrees: fix.courseDegrees };
  const satelliteIds = fix.satelliteIds ?? [2, 5, 7, 9, 13, 15, 18, 29];
  const hdop = fix.hdop ?? 0.9;
  const altitudeMeters = fix.altitudeMeters ?? 0;
  return [
    { kind: 'rmc', talker, timeOfDayMs, valid: true, position, speedKnots, ...course, date, mode: 'A' },
    {
      kind: 'vtg',
      talker,
      ...courseTrue,
      speedKnots,
      speedKilometersPerHour: speedMetersPerSecond * 3.6,
      mode: 'A',
    },
    {
      kind: 'gga',
      talker,
      timeOfDayMs,
      position,
      quality: 1,
      satellites: satelliteIds.length,
      hdop,
      altitudeMeters,
      geoidSeparationMeters: 0,
    },
    { kind: 'gsa', talker, selection: 'A', fix: 3, satelliteIds, pdop: hdop * 1.8, hdop, vdop: hdop * 1.5 },
    { kind: 'gll', talker, position, timeOfDayMs, valid: true, mode: 'A' },
    ...(options.withZda === true ? [zda(talker, fix.utcMs)] : []),
  ];
}

/** A receiver that sees too little of the sky; its clock may run on. */
export function sentencesOfNoFix(utcMs: number | undefined, options: FixSentencesOptions = {}): NmeaSentence[] {
  const talker = options.talker ?? 'GP';
  const now = utcMs === undefined ? undefined : clock(utcMs);
  const time = now === undefined ? {} : { timeOfDayMs: now.timeOfDayMs };
  const date = now === undefined ? {} : { date: now.date };
  return [
    { kind: 'rmc', talker, ...time, valid: false, ...date, mode: 'N' },
    { kind: 'vtg', talker, mode: 'N' },
    { kind: 'gga', talker, ...time, quality: 0, satellites: 0, hdop: 99.99 },
    { kind: 'gsa', talker, selection: 'A', fix: 1, satelliteIds: [], pdop: 99.99, hdop: 99.99, vdop: 99.99 },
    { kind: 'gll', talker, ...time, valid: false, mode: 'N' },
    ...(options.withZda === true && utcMs !== undefined ? [zda(talker, utcMs)] : []),
  ];
}

function zda(talker: string, utcMs: number): NmeaSentence {
  return { kind: 'zda', talker, ...clock(utcMs), zoneHours: 0, zoneMinutes: 0 };
}

function clock(utcMs: number) {
  const date = new Date(utcMs);
  return {
    timeOfDayMs: ((utcMs % DAY_MS) + DAY_MS) % DAY_MS,
    date: { year: date.getUTCFullYear(), month: date.getUTCMonth() + 1, day: date.getUTCDate() },
  };
}
