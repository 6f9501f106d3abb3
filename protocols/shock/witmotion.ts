/**
 * WitMotion sensor frame (WIT standard protocol) ↔ value.
 *
 * Format: `55 type d0…d7 sum`, 11 bytes, little-endian. A frame is valid if and only if type is 50–5F (hex) and the last byte
 * is the sum of the ten ahead of it, modulo 256. Source: WIT Standard Communication Protocol; WT901 data sheet v20-0702,
 * clause 5.1 (formulas); WTGAHRS2 data sheet v20-0523, clause 5.1.8 (course in tenths of a degree).
 *
 * Full scale is a setting of the device that no frame repeats: it is an option here, with the factory value as default.
 */
import { asBuffer } from '../base/bytes.ts';
import { CodecError } from '../base/codec-error.ts';

export const WITMOTION_HEADER = 0x55;
export const WITMOTION_FRAME_BYTES = 11;

export interface WitmotionScale {
  /** 2, 4, 8 or 16; 16 unless told. */
  accelerationRangeG?: number;
  /** 250, 500, 1000 or 2000; 2000 unless told. */
  angularRangeDegreesPerSecond?: number;
}

export type WitmotionMessage =
  /** The device's own clock, in a time zone of its own. */
  | {
      kind: 'time';
      year: number;
      month: number;
      day: number;
      hour: number;
      minute: number;
      second: number;
      millisecond: number;
    }
  | {
      kind: 'acceleration';
      xG: number;
      yG: number;
      zG: number;
      temperatureCelsius: number;
      /** An axis stands at the end of its range: the true value is at least this. */
      clipped: boolean;
    }
  | {
      kind: 'angular-velocity';
      xDegreesPerSecond: number;
      yDegreesPerSecond: number;
      zDegreesPerSecond: number;
      /** Temperature or battery voltage in hundredths, by model. */
      auxiliary: number;
    }
  | { kind: 'angle'; rollDegrees: number; pitchDegrees: number; yawDegrees: number; version: number }
  /** In units of the magnetometer, which differ by model. */
  | { kind: 'magnetic-field'; x: number; y: number; z: number; temperatureCelsius: number }
  | { kind: 'port-status'; ports: readonly [number, number, number, number] }
  | { kind: 'pressure'; pressurePascals: number; heightMeters: number }
  /** Without a fix the device sends zeros, which are no position; nor is what lies nowhere on earth. */
  | { kind: 'position'; latitude?: number; longitude?: number }
  | { kind: 'ground-speed'; heightMeters: number; courseDegrees: number; speedMetersPerSecond: number }
  | { kind: 'quaternion'; w: number; x: number; y: number; z: number }
  | { kind: 'gps-accuracy'; satellites: number; pdop: number; hdop: number; vdop: number }
  /** Answer to a register read. */
  | { kind: 'registers'; values: readonly [number, number, number, number] }
  | { kind: 'unknown'; type: number; data: Uint8Array };

export type WitmotionAcceleration = Extract<WitmotionMessage, { kind: 'acceleration' }>;

const FULL_SCALE = 32768;
const KMH_PER_MPS = 3.6;

/** Decodes exactly one frame. */
export function decodeWitmotion(input: Uint8Array, scale: WitmotionScale = {}): WitmotionMessage {
  const bytes = asBuffer(input);
  checkFrame(bytes);
  const [a, b, c, d] = [bytes.readInt16LE(2), bytes.readInt16LE(4), bytes.readInt16LE(6), bytes.readInt16LE(8)];
  const type = bytes.readUInt8(1);
  switch (type) {
    case 0x50:
      return {
        kind: 'time',
        year: 2000 + bytes.readUInt8(2),
        month: bytes.readUInt8(3),
        day: bytes.readUInt8(4),
        hour: bytes.readUInt8(5),
        minute: bytes.readUInt8(6),
        second: bytes.readUInt8(7),
        millisecond: bytes.readUInt16LE(8),
      };
    case 0x51: {
      const perUnit = (scale.accelerationRangeG ?? 16) / FULL_SCALE;
      return {
        kind: 'acceleration',
        xG: a * perUnit,
        yG: b * perUnit,
        zG: c * perUnit,
        temperatureCelsius: d / 100,
        clipped: atLimit(a) || atLimit(b) || atLimit(c),
      };
    }
    case 0x52: {
      const perUnit = (scale.angularRangeDegreesPerSecond ?? 2000) / FULL_SCALE;
      return {
        kind: 'angular-velocity',
        xDegreesPerSecond: a * perUnit,
        yDegreesPerSecond: b * perUnit,
        zDegreesPerSecond: c * perUnit,
        auxiliary: d,
      };
    }
    case 0x53:
      return {
        kind: 'angle',
        rollDegrees: (a * 180) / FULL_SCALE,
        pitchDegrees: (b * 180) / FULL_SCALE,
        yawDegrees: (c * 180) / FULL_SCALE,
        version: bytes.readUInt16LE(8),
      };
    case 0x54:
      return { kind: 'magnetic-field', x: a, y: b, z: c, temperatureCelsius: d / 100 };
    case 0x55:
      return { kind: 'port-status', ports: fourUnsigned(bytes) };
    case 0x56:
      return { kind: 'pressure', pressurePascals: bytes.readInt32LE(2), heightMeters: bytes.readInt32LE(6) / 100 };
    case 0x57: {
      const longitude = toDegrees(bytes.readInt32LE(2), 180);
      const latitude = toDegrees(bytes.readInt32LE(6), 90);
      if (longitude === undefined || latitude === undefined) return { kind: 'position' };
      return longitude === 0 && latitude === 0 ? { kind: 'position' } : { kind: 'position', latitude, longitude };
    }
    case 0x58:
      return {
        kind: 'ground-speed',
        heightMeters: a / 10,
        courseDegrees: bytes.readUInt16LE(4) / 10,
        speedMetersPerSecond: bytes.readUInt32LE(6) / 1000 / KMH_PER_MPS,
      };
    case 0x59:
      return { kind: 'quaternion', w: a / FULL_SCALE, x: b / FULL_SCALE, y: c / FULL_SCALE, z: d / FULL_SCALE };
    case 0x5a: {
      const [satellites, pdop, hdop, vdop] = fourUnsigned(bytes);
      return { kind: 'gps-accuracy', satellites, pdop: pdop / 100, hdop: hdop / 100, vdop: vdop / 100 };
    }
    case 0x5f:
      return { kind: 'registers', values: fourUnsigned(bytes) };
    default:
      return { kind: 'unknown', type, data: Buffer.from(bytes.subarray(2, 10)) };
  }
}

/** Sum of the ten bytes from `start`, as the eleventh should be. */
export function witmotionSum(bytes: Uint8Array, start = 0): number {
  let sum = 0;
  for (let i = start; i < start + WITMOTION_FRAME_BYTES - 1; i++) sum += bytes[i] ?? 0;
  return sum & 0xff;
}

export function isWitmotionType(type: number | undefined): boolean {
  return type !== undefined && type >= 0x50 && type <= 0x5f;
}

function checkFrame(bytes: Buffer): void {
  if (bytes.length !== WITMOTION_FRAME_BYTES) {
    throw new CodecError({
      code: 'witmotion-length',
      message: `frame of ${bytes.length} bytes, ${WITMOTION_FRAME_BYTES} were expected`,
      offset: Math.min(bytes.length, WITMOTION_FRAME_BYTES),
    });
  }
  if (bytes[0] !== WITMOTION_HEADER) {
    throw new CodecError({ code: 'witmotion-header', message: 'a frame starts with 55 (hex)', offset: 0 });
  }
  if (!isWitmotionType(bytes[1])) {
    throw new CodecError({ code: 'witmotion-type', message: 'the second byte of a frame is 50–5F (hex)', offset: 1 });
  }
  const sum = witmotionSum(bytes);
  if (bytes[10] !== sum) {
    throw new CodecError({
      code: 'witmotion-sum',
      message: `frame carries sum ${bytes[10]}, its bytes give ${sum}`,
      offset: 10,
    });
  }
}

function atLimit(raw: number): boolean {
  return raw >= FULL_SCALE - 1 || raw <= -FULL_SCALE;
}

function fourUnsigned(bytes: Buffer): [number, number, number, number] {
  return [bytes.readUInt16LE(2), bytes.readUInt16LE(4), bytes.readUInt16LE(6), bytes.readUInt16LE(8)];
}

/** NMEA's ddmm.mmmmm without its point: degrees × 10⁷ plus minutes × 10⁵. Undefined for what is no such angle. */
function toDegrees(raw: number, limit: number): number | undefined {
  const degrees = Math.trunc(raw / 1e7);
  const minutes = (raw - degrees * 1e7) / 1e5;
  const value = degrees + minutes / 60;
  return Math.abs(minutes) < 60 && Math.abs(value) <= limit ? value : undefined;
}
