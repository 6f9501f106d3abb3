/**
 * One second of a GPS receiver: RMC, GGA, GSA and GSV, as a u-blox receiver of NMEA 2.3 writes them.
 *
 * Format: `$` body `*` XOR of the body in two hexadecimal digits CR LF; NMEA 0183 V2.3. Without a fix RMC says `V`, GGA
 * quality 0, GSA mode 1, and every field that would say where is empty.
 * Built here and not with the decoder's own module, so that a fault there cannot hide.
 */
import type { Random } from '../random.ts';

export interface Fix {
  latitude: number;
  longitude: number;
  altitudeMeters: number;
  speedMetersPerSecond: number;
  courseDegrees: number;
}

const KNOTS_PER_METER_PER_SECOND = 3600 / 1852;
const HDOP = 0.9;

/** Satellites in view: number, elevation, azimuth. The first eight are used for the fix. */
const SKY = [
  [2, 67, 103],
  [5, 41, 283],
  [7, 22, 58],
  [12, 58, 211],
  [15, 35, 327],
  [21, 74, 15],
  [25, 18, 152],
  [29, 29, 246],
  [30, 9, 190],
  [31, 12, 331],
] as const;
const USED = 8;

/** @param fix undefined while the receiver has no position. */
export function sentencesFor(atMs: number, fix: Fix | undefined, random: Random): string[] {
  return [rmc(atMs, fix), gga(atMs, fix), gsa(fix), ...gsv(fix, random)].map(sentence);
}

export function sentence(body: string): string {
  let checksum = 0;
  for (let i = 0; i < body.length; i++) checksum ^= body.charCodeAt(i);
  return `$${body}*${checksum.toString(16).toUpperCase().padStart(2, '0')}\r\n`;
}

function rmc(atMs: number, fix: Fix | undefined): string {
  const date = new Date(atMs);
  const ddmmyy = two(date.getUTCDate()) + two(date.getUTCMonth() + 1) + two(date.getUTCFullYear() % 100);
  if (fix === undefined) return `GPRMC,${timeOf(date)},V,,,,,,,${ddmmyy},,,N`;
  const speed = (fix.speedMetersPerSecond * KNOTS_PER_METER_PER_SECOND).toFixed(3);
  // A receiver at rest has no course.
  const course = fix.speedMetersPerSecond > 0.3 ? fix.courseDegrees.toFixed(2) : '';
  return `GPRMC,${timeOf(date)},A,${position(fix)},${speed},${course},${ddmmyy},,,A`;
}

function gga(atMs: number, fix: Fix | undefined): string {
  const time = timeOf(new Date(atMs));
  if (fix === undefined) return `GPGGA,${time},,,,,0,00,99.99,,,,,,`;
  return `GPGGA,${time},${position(fix)},1,${two(USED)},${HDOP.toFixed(2)},${fix.altitudeMeters.toFixed(1)},M,46.9,M,,`;
}

function gsa(fix: Fix | undefined): string {
  const used = fix === undefined ? [] : SKY.slice(0, USED).map(([number]) => two(number));
  const slots = Array.from({ length: 12 }, (_, i) => used[i] ?? '').join(',');
  return fix === undefined ? `GPGSA,A,1,${slots},99.99,99.99,99.99` : `GPGSA,A,3,${slots},1.70,${HDOP.toFixed(2)},1.44`;
}

function gsv(fix: Fix | undefined, random: Random): string[] {
  const inView = fix === undefined ? SKY.slice(0, 3) : SKY;
  const total = Math.ceil(inView.length / 4);
  return Array.from({ length: total }, (_, page) => {
    const satellites = inView.slice(4 * page, 4 * page + 4).map(([number, elevation, azimuth]) => {
      const signal = fix === undefined ? random.integer(8, 14) : Math.round(24 + elevation / 4 + random.gaussian());
      return `${two(number)},${two(elevation)},${String(azimuth).padStart(3, '0')},${two(signal)}`;
    });
    return `GPGSV,${total},${page + 1},${two(inView.length)},${satellites.join(',')}`;
  });
}

function position(fix: Fix): string {
  const latitude = degreesMinutes(fix.latitude, 2);
  const longitude = degreesMinutes(fix.longitude, 3);
  return `${latitude},${fix.latitude < 0 ? 'S' : 'N'},${longitude},${fix.longitude < 0 ? 'W' : 'E'}`;
}

/** ddmm.mmmmm; rounded as a whole, so that 59.999999 minutes become the next degree and never 60. */
function degreesMinutes(value: number, degreeDigits: number): string {
  const hundredThousandths = Math.round(Math.abs(value) * 60 * 1e5);
  const degrees = Math.floor(hundredThousandths / (60 * 1e5));
  const minutes = (hundredThousandths - degrees * 60 * 1e5) / 1e5;
  return String(degrees).padStart(degreeDigits, '0') + minutes.toFixed(5).padStart(8, '0');
}

function timeOf(date: Date): string {
  const hundredths = Math.floor(date.getUTCMilliseconds() / 10);
  return `${two(date.getUTCHours())}${two(date.getUTCMinutes())}${two(date.getUTCSeconds())}.${two(hundredths)}`;
}

function two(value: number): string {
  return String(value).padStart(2, '0');
}
