/**
 * Reports of gpsd, the daemon that shares satellite receivers: one JSON object per line.
 *
 * What is not a number where a number belongs is left out like a field that is missing, as gpsd does itself with what it does not know; a
 * line that is no object with a `class` is refused. Unknown classes are given as `other`. Source: gpsd_json(5) of gpsd 3.22 and 3.25.
 */
import { CodecError } from '../base/codec-error.ts';

/** Longest line that is taken: SKY of a receiver with all systems is about 10 kB. */
export const MAX_GPSD_LINE_BYTES = 65_536;

export type GpsdReport = GpsdTpv | GpsdSky | GpsdDevices | GpsdDevice | GpsdVersion | GpsdError | GpsdOther;

/** Time, position, velocity. Units are SI; angles are degrees. */
export interface GpsdTpv {
  kind: 'tpv';
  device?: string;
  /** 0 nothing known yet, 1 no fix, 2 without and 3 with altitude. */
  mode: 0 | 1 | 2 | 3;
  /** 0 unknown, 1 normal, 2 differential, 3 RTK fixed, 4 RTK floating, 5 and 6 dead reckoning, 7 surveyed, 8 simulated, 9 P(Y). */
  status?: number;
  utcMs?: number;
  latitude?: number;
  longitude?: number;
  /** Above mean sea level. */
  altitudeMeters?: number;
  speedMetersPerSecond?: number;
  courseDegrees?: number;
}

export interface GpsdSky {
  kind: 'sky';
  device?: string;
  hdop?: number;
  satellitesUsed?: number;
}

export interface GpsdReceiver {
  path: string;
  /** Name of gpsd's driver: `NMEA0183`, `u-blox`. */
  driver?: string;
  /** Open and read at the moment. */
  active: boolean;
}

export interface GpsdDevices {
  kind: 'devices';
  receivers: GpsdReceiver[];
}

/** A receiver came or went. */
export interface GpsdDevice {
  kind: 'device';
  receiver: GpsdReceiver;
}

export interface GpsdVersion {
  kind: 'version';
  release: string;
  protocol: string;
}

export interface GpsdError {
  kind: 'error';
  message: string;
}

export interface GpsdOther {
  kind: 'other';
  class: string;
}

type Fields = Readonly<Record<string, unknown>>;

export function decodeGpsd(line: string): GpsdReport {
  const fields = parse(line);
  const name = fields.class;
  if (typeof name !== 'string') {
    throw new CodecError({ code: 'gpsd-class', message: "an object with a 'class' was expected", offset: 0 });
  }
  switch (name) {
    case 'TPV':
      return tpv(fields);
    case 'SKY':
      return sky(fields);
    case 'DEVICES':
      return { kind: 'devices', receivers: objects(fields.devices).flatMap(receiver) };
    case 'DEVICE': {
      const [found] = receiver(fields);
      return found ? { kind: 'device', receiver: found } : { kind: 'other', class: name };
    }
    case 'VERSION':
      return {
        kind: 'version',
        release: text(fields.release) ?? '',
        protocol: `${number(fields.proto_major) ?? 0}.${number(fields.proto_minor) ?? 0}`,
      };
    case 'ERROR':
      return { kind: 'error', message: text(fields.message) ?? '' };
    default:
      return { kind: 'other', class: name };
  }
}

/** Asks for all reports of all receivers. */
export function encodeGpsdWatch(): Buffer {
  return Buffer.from('?WATCH={"enable":true,"json":true};\n');
}

function tpv(fields: Fields): GpsdTpv {
  const mode = number(fields.mode);
  const [latitude, longitude] = [within(fields.lat, 90), within(fields.lon, 180)];
  // `alt` was above mean sea level until 3.20 gave it no meaning any more and brought the other two.
  const altitudeMeters = number(fields.altMSL) ?? (fields.altHAE === undefined ? number(fields.alt) : undefined);
  const time = text(fields.time);
  const utcMs = time === undefined ? Number.NaN : Date.parse(time);
  return {
    kind: 'tpv',
    mode: mode === 1 || mode === 2 || mode === 3 ? mode : 0,
    ...optional('device', text(fields.device)),
    ...optional('status', number(fields.status)),
    ...optional('utcMs', Number.isNaN(utcMs) ? undefined : utcMs),
    ...(latitude !== undefined && longitude !== undefined && { latitude, longitude }),
    ...optional('altitudeMeters', altitudeMeters),
    ...optional('speedMetersPerSecond', number(fields.speed)),
    ...optional('courseDegrees', number(fields.track)),
  };
}

function sky(fields: Fields): GpsdSky {
  const satellites = Array.isArray(fields.satellites) ? objects(fields.satellites) : undefined;
  return {
    kind: 'sky',
    ...optional('device', text(fields.device)),
    ...optional('hdop', number(fields.hdop)),
    // Releases before 3.20 have no count.
    ...optional('satellitesUsed', number(fields.uSat) ?? satellites?.filter(({ used }) => used === true).length),
  };
}

function receiver(fields: Fields): GpsdReceiver[] {
  const path = text(fields.path);
  if (path === undefined) return [];
  // A time since 3.0, a number before; 0 or nothing when it is closed.
  const active = fields.activated !== undefined && fields.activated !== 0;
  return [{ path, active, ...optional('driver', text(fields.driver)) }];
}

function parse(line: string): Fields {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch (cause) {
    const at = /position (\d+)/.exec(String(cause))?.[1];
    throw new CodecError({ code: 'gpsd-json', message: 'the line is no JSON', offset: Number(at ?? 0), cause });
  }
  return isObject(value) ? value : {};
}

function objects(value: unknown): Fields[] {
  return Array.isArray(value) ? value.filter(isObject) : [];
}

function isObject(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function number(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined;
}

function within(value: unknown, limit: number): number | undefined {
  const degrees = number(value);
  return degrees !== undefined && Math.abs(degrees) <= limit ? degrees : undefined;
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

function optional<Name extends string, Value>(name: Name, value: Value | undefined): Partial<Record<Name, Value>> {
  return (value === undefined ? {} : { [name]: value }) as Partial<Record<Name, Value>>;
}
