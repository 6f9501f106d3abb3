/**
 * NMEA 0183 sentences as values.
 *
 * Values keep the wire's units (knots, degrees); the position assembler converts. What a sentence leaves empty is absent. A
 * sentence that says of itself that it is void (status V, quality 0, mode N) carries no position, even if the receiver
 * repeats its last one in it: 0,0 and stale places never leave the decoder.
 * Source: NMEA 0183 V4.11 (fields as published by receiver manuals, u-blox 8/M8 protocol description, clause 31).
 */

export interface Coordinates {
  /** North positive. */
  latitude: number;
  /** East positive. */
  longitude: number;
}

export interface CalendarDate {
  year: number;
  month: number;
  day: number;
}

interface Talked {
  /** GP, GL, GA, GB, GQ, GN (several systems), … */
  talker: string;
}

interface Timed extends Talked {
  /** UTC, milliseconds of the day. */
  timeOfDayMs?: number;
}

/** Fix quality of GGA, field 6. */
export type GgaQuality = 0 | 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9;

export interface Gga extends Timed {
  kind: 'gga';
  position?: Coordinates;
  quality: GgaQuality;
  satellites?: number;
  hdop?: number;
  /** Above mean sea level. */
  altitudeMeters?: number;
  geoidSeparationMeters?: number;
  differentialAgeSeconds?: number;
  differentialStation?: string;
}

export interface Rmc extends Timed {
  kind: 'rmc';
  valid: boolean;
  position?: Coordinates;
  speedKnots?: number;
  courseDegrees?: number;
  date?: CalendarDate;
  /** East positive. */
  magneticVariationDegrees?: number;
  /** A autonomous, D differential, E estimated, F RTK float, M manual, N none, P precise, R RTK, S simulator. */
  mode?: string;
  navigationStatus?: string;
}

export interface Gll extends Timed {
  kind: 'gll';
  valid: boolean;
  position?: Coordinates;
  mode?: string;
}

export interface Vtg extends Talked {
  kind: 'vtg';
  courseTrueDegrees?: number;
  courseMagneticDegrees?: number;
  speedKnots?: number;
  speedKilometersPerHour?: number;
  mode?: string;
}

export interface Gsa extends Talked {
  kind: 'gsa';
  /** A automatic, M manual choice of 2D or 3D. */
  selection?: string;
  /** 1 none, 2 two-dimensional, 3 three-dimensional. */
  fix: 1 | 2 | 3;
  satelliteIds: readonly number[];
  pdop?: number;
  hdop?: number;
  vdop?: number;
  systemId?: string;
}

export interface SatelliteInView {
  id: number;
  elevationDegrees?: number;
  azimuthDegrees?: number;
  /** Absent while not tracked. */
  signalDb?: number;
}

export interface Gsv extends Talked {
  kind: 'gsv';
  messages: number;
  message: number;
  inView: number;
  satellites: readonly SatelliteInView[];
  signalId?: string;
}

export interface Zda extends Timed {
  kind: 'zda';
  date?: CalendarDate;
  /** Local zone, to be added to local time to get UTC. */
  zoneHours?: number;
  zoneMinutes?: number;
}

export interface Hdt extends Talked {
  kind: 'hdt';
  headingTrueDegrees?: number;
}

export interface Gns extends Timed {
  kind: 'gns';
  position?: Coordinates;
  /** One letter per system: GPS, GLONASS, Galileo, …; see Rmc.mode. */
  mode: string;
  satellites?: number;
  hdop?: number;
  altitudeMeters?: number;
  geoidSeparationMeters?: number;
  differentialAgeSeconds?: number;
  differentialStation?: string;
  navigationStatus?: string;
}

/** A sentence of the standard that Milepost has no use for, or an encapsulated one (`!`). */
export interface OtherSentence extends Talked {
  kind: 'other';
  formatter: string;
  encapsulated: boolean;
  fields: readonly string[];
}

/** `$P…`: a manufacturer's own. */
export interface ProprietarySentence {
  kind: 'proprietary';
  /** All of the address, as in `PUBX` or `PMTK001`. */
  address: string;
  fields: readonly string[];
}

export type NmeaSentence = Gga | Rmc | Gll | Vtg | Gsa | Gsv | Zda | Hdt | Gns | OtherSentence | ProprietarySentence;
