/**
 * Thermometers on a 1-Wire bus, as the Linux kernel shows them: the file `w1_slave`.
 *
 * Format: two lines; nine bytes of scratchpad, `: crc=xx YES|NO`; the same bytes, `t=` and thousandths of a degree. Source: kernel
 * documentation w1_therm; DS18B20 data sheet (scratchpad, CRC-8 with polynomial 31 reflected, range −55 to +125 °C).
 *
 * Three ways in which a broken bus looks like a temperature are refused or marked: `NO`; a scratchpad of zeros, whose CRC is right
 * (data line at ground); 85 °C, which is what the sensor holds after power-on, before its first conversion.
 */
import { CodecError } from '../base/codec-error.ts';

export interface W1Reading {
  temperatureCelsius: number;
  /** Exactly 85 °C: the power-on value, a real temperature only if its neighbours in time agree. */
  suspectPowerOn: boolean;
  /** Bits that the sensor was set to, where its configuration register tells (DS18B20, DS1822, DS1825, DS28EA00). */
  resolutionBits?: number;
}

/** Family codes that the kernel's w1_therm reads; the first byte of a ROM id. */
export const W1_THERMOMETERS: Readonly<Record<string, string>> = {
  '10': 'DS18S20',
  '22': 'DS1822',
  '28': 'DS18B20',
  '3b': 'DS1825',
  '42': 'DS28EA00',
};

/** A folder's name as the kernel forms it: family, dash, 48-bit serial number. */
export const W1_ROM_ID = /^[0-9a-f]{2}-[0-9a-f]{12}$/;

const POWER_ON_MILLIDEGREES = 85_000;
const MIN_MILLIDEGREES = -55_000;
const MAX_MILLIDEGREES = 125_000;
const SCRATCHPAD_BYTES = 9;

export function parseW1Slave(text: string): W1Reading {
  if (text.trim() === '') throw fault('w1-empty', 'the file is empty: the sensor is not on the bus', 0);
  const first = /^((?:[0-9a-f]{2} ){9}): crc=([0-9a-f]{2}) (YES|NO)\s*$/im.exec(text);
  if (first?.index !== 0) throw fault('w1-format', 'nine bytes, crc= and YES or NO were expected', 0);
  const scratchpad = Buffer.from((first[1] ?? '').replaceAll(' ', ''), 'hex');
  const carried = Number.parseInt(first[2] ?? '', 16);
  if (first[3]?.toUpperCase() === 'NO') throw fault('w1-crc', 'the kernel found a wrong CRC', text.indexOf('crc='));
  if (scratchpad.every((byte) => byte === 0)) {
    throw fault('w1-grounded', 'nine zero bytes: the data line is at ground', 0);
  }
  const computed = crc8Dallas(scratchpad, 0, SCRATCHPAD_BYTES - 1);
  if (computed !== carried || scratchpad[SCRATCHPAD_BYTES - 1] !== carried) {
    throw fault('w1-crc', `CRC ${carried}, the bytes give ${computed}`, text.indexOf('crc='));
  }
  const second = /\bt=(-?\d{1,7})\s*$/.exec(text);
  if (!second) throw fault('w1-format', 't= and thousandths of a degree were expected', first[0].length);
  const bits = resolutionOf(scratchpad);
  return { ...reading(Number(second[1]), second.index), ...(bits !== undefined && { resolutionBits: bits }) };
}

/** Data sheet of the DS18B20, figure "Configuration register": 0 R1 R0 1 1 1 1 1. Other sensors have FF there. */
function resolutionOf(scratchpad: Buffer): number | undefined {
  const configuration = scratchpad.readUInt8(4);
  return (configuration & 0x9f) === 0x1f ? 9 + (configuration >> 5) : undefined;
}

/** The file `temperature` of kernels from 5.10: thousandths of a degree alone. */
export function parseW1Temperature(text: string): W1Reading {
  if (text.trim() === '') throw fault('w1-empty', 'the file is empty: the sensor is not on the bus', 0);
  if (!/^-?\d{1,7}\s*$/.test(text)) throw fault('w1-format', 'thousandths of a degree were expected', 0);
  return reading(Number(text), 0);
}

/** What the kernel shows for a DS18B20 at this temperature, for simulators. */
export function formatW1Slave(temperatureCelsius: number): string {
  const scratchpad = Buffer.from('00004b467fff0c1000', 'hex');
  const sixteenths = Math.round(temperatureCelsius * 16);
  scratchpad.writeInt16LE(sixteenths, 0);
  scratchpad[8] = crc8Dallas(scratchpad, 0, 8);
  const bytes = [...scratchpad].map((byte) => byte.toString(16).padStart(2, '0')).join(' ');
  const crc = bytes.slice(-2);
  return `${bytes} : crc=${crc} YES\n${bytes} t=${Math.trunc((sixteenths * 1000) / 16)}\n`;
}

/** CRC-8/MAXIM-DOW: polynomial 31 reflected (8C), init 0; 0xA1 for "123456789". */
export function crc8Dallas(bytes: Uint8Array, start = 0, end = bytes.length): number {
  let crc = 0;
  for (let i = start; i < end; i++) {
    crc ^= bytes[i] ?? 0;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x8c : crc >>> 1;
  }
  return crc;
}

function reading(millidegrees: number, offset: number): W1Reading {
  if (millidegrees < MIN_MILLIDEGREES || millidegrees > MAX_MILLIDEGREES) {
    throw fault('w1-range', `${millidegrees / 1000} °C: the sensor measures −55 to 125 °C`, offset);
  }
  return { temperatureCelsius: millidegrees / 1000, suspectPowerOn: millidegrees === POWER_ON_MILLIDEGREES };
}

function fault(code: string, message: string, offset: number): CodecError {
  return new CodecError({ code, message, offset });
}
