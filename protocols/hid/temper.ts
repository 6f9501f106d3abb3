/**
 * PCsensor TEMPer thermometers: USB HID sticks, and the text of the serial TEMPerX232.
 *
 * Interface 1; wait a second after opening. Query: `01 80 33 01 00 00 00 00` (on hidraw with a zero ahead of it). Reply:
 * `80`, probe, temperature (2, big-endian, signed, hundredths of a degree; firmware before V3 256ths), second value (2: relative humidity in
 * hundredths), 4E20 (200.00) in an unused slot. Source: captures of real sticks, fixtures/temper-hid.json.
 */
import { asBuffer } from '../base/bytes.ts';
import { CodecError } from '../base/codec-error.ts';

const REPORT_BYTES = 8;
const UNUSED = 0x4e20;
const OUTER_PROBE = 0x01;

/** USB vendor and product ids under which PCsensor has sold them (lower case). Source: urwen/temper, owners' reports. */
export const TEMPER_USB_IDS: readonly string[] = ['413d:2107', '1a86:e025', '3553:a001', '0c45:7401', '0c45:7402'];
/** The interface that answers queries; interface 0 poses as a keyboard. */
export const TEMPER_INTERFACE = 1;

export const temperQuery = {
  reading: (): Buffer => Buffer.from('0180330100000000', 'hex'),
  firmware: (): Buffer => Buffer.from('0186ff0100000000', 'hex'),
} as const;

export interface TemperReading {
  kind: 'reading';
  /** TEMPer2 has a second probe on a cable; its reply has 01 in the second byte. */
  probe: 'inner' | 'outer';
  /** Absent: the slot is unused. */
  temperatureCelsius?: number;
  humidityPercent?: number;
}

export interface TemperManufactured {
  kind: 'manufactured';
  /** YYYY-MM-DD. */
  date: string;
}

export interface TemperOptions {
  /** Units per degree: 100 unless told, 256 with firmware before V3. */
  unitsPerDegree?: 100 | 256;
}

export function decodeTemperReport(input: Uint8Array, options: TemperOptions = {}): TemperReading | TemperManufactured {
  const bytes = asBuffer(input);
  if (bytes.length !== REPORT_BYTES) {
    throw new CodecError({
      code: 'temper-length',
      message: `report of ${bytes.length} bytes, ${REPORT_BYTES} were expected`,
      offset: Math.min(bytes.length, REPORT_BYTES),
    });
  }
  if (bytes[0] === 0x8a) {
    const [year, month, day] = [bytes.readUInt8(1), bytes.readUInt8(2), bytes.readUInt8(3)];
    const two = (value: number): string => String(value).padStart(2, '0');
    return { kind: 'manufactured', date: `20${two(year)}-${two(month)}-${two(day)}` };
  }
  if (bytes[0] !== 0x80) {
    throw new CodecError({
      code: 'temper-report',
      message: `report starts with ${bytes.toString('hex', 0, 1)}, 80 or 8a (hex) was expected`,
      offset: 0,
    });
  }
  const temperature = bytes.readInt16BE(2);
  const humidity = bytes.readUInt16BE(4);
  return {
    kind: 'reading',
    probe: bytes[1] === OUTER_PROBE ? 'outer' : 'inner',
    ...(temperature === UNUSED ? {} : { temperatureCelsius: temperature / (options.unitsPerDegree ?? 100) }),
    ...(humidity === UNUSED || humidity === 0 ? {} : { humidityPercent: humidity / 100 }),
  };
}

/** Units per degree by the name of the firmware; undefined for a name that tells no version. Source: urwen/temper and owners' reports. */
export function temperScale(firmware: string): 100 | 256 | undefined {
  const major = /^TEMPer\w*?_?V?(\d+)\.\d+/i.exec(firmware)?.[1];
  if (major === undefined) return undefined;
  return Number(major) >= 3 ? 100 : 256;
}

/** The reply to the firmware query comes in two reports of text. */
export function decodeTemperFirmware(reports: readonly Uint8Array[]): string {
  return Buffer.concat(reports.map(asBuffer))
    .toString('latin1')
    .replace(/[\0 ]+$/, '');
}

/** A reply of the serial TEMPerX232: `Temp-Inner:24.50 [C],45.20 [%RH]<`. */
export function decodeTemperText(text: string): TemperReading {
  const match = /^Temp-(Inner|Outer):(-?\d+(?:\.\d+)?) ?\[C\](?:,(\d+(?:\.\d+)?) ?\[%RH\])?[<\s]*$/i.exec(text);
  if (!match) {
    throw new CodecError({
      code: 'temper-text',
      message: "'Temp-Inner:24.50 [C],45.20 [%RH]<' or alike was expected",
      offset: 0,
    });
  }
  return {
    kind: 'reading',
    probe: match[1]?.toLowerCase() === 'outer' ? 'outer' : 'inner',
    temperatureCelsius: Number(match[2]),
    ...(match[3] === undefined ? {} : { humidityPercent: Number(match[3]) }),
  };
}
