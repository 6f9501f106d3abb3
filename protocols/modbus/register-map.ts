/**
 * Register maps as configuration: which registers of a device hold which quantity, and how raw values become physical.
 *
 * Modbus fixes neither types nor units: 32-bit values span two registers in any order, vendors add scales, offsets and
 * "no value" markers. All of it is data here, so that a new device needs a map and no code.
 * physical = raw × scale + offset. A value that cannot be trusted is a typed refusal, never a number.
 */
import { MAX_READ_BITS, MAX_READ_REGISTERS, type ReadRequest } from './pdu.ts';

export type RegisterType = 'bit' | 'int16' | 'uint16' | 'int32' | 'uint32' | 'float32';

/** Order of the four bytes of a 32-bit value as they stand in two registers; A is the most significant. */
export type WordOrder = 'abcd' | 'cdab' | 'badc' | 'dcba';

export interface RegisterPoint {
  /** The quantity's name, unique in the map: `temperature`, `humidity`, `door`. */
  name: string;
  /** 3 holding, 4 input register; 1 coil, 2 discrete input (type `bit` only). */
  functionCode: 0x01 | 0x02 | 0x03 | 0x04;
  /** Protocol address, from 0. */
  address: number;
  type: RegisterType;
  /** 32-bit types only; `abcd` unless told. */
  wordOrder?: WordOrder;
  scale?: number;
  offset?: number;
  /** Unit of the physical value: `celsius`, `percent`. */
  unit: string;
  /** Raw values (as the type reads them) by which the device says that it has none. */
  invalid?: readonly number[];
  /** Bounds of what the device can measure, in the physical unit; outside lies a fault, not a value. */
  minimum?: number;
  maximum?: number;
}

export interface RegisterMap {
  name: string;
  points: readonly RegisterPoint[];
  /** Registers that may be read in vain to save a request; 0 unless told, since many devices refuse holes. */
  maxGap?: number;
}

export type PointFault = 'missing' | 'invalid' | 'not-finite' | 'out-of-range';

export type PointValue =
  | { name: string; unit: string; ok: true; value: number; raw: number }
  | { name: string; unit: string; ok: false; fault: PointFault; raw?: number };

/** Values of one answered read: `registers` for functions 3 and 4, `bits` for 1 and 2. */
export interface ReadResult {
  request: ReadRequest;
  values: readonly number[] | readonly boolean[];
}

/** The fewest reads, in order of function and address, that cover the map; each within the protocol's limits. */
export function planReads(map: RegisterMap): ReadRequest[] {
  const points = [...map.points].sort((a, b) => a.functionCode - b.functionCode || a.address - b.address);
  const reads: ReadRequest[] = [];
  for (const point of points) {
    const end = point.address + registerCount(point.type);
    const last = reads.at(-1);
    const limit = point.functionCode <= 0x02 ? MAX_READ_BITS : MAX_READ_REGISTERS;
    if (
      last !== undefined &&
      last.functionCode === point.functionCode &&
      point.address <= last.address + last.quantity + (map.maxGap ?? 0) &&
      end - last.address <= limit
    ) {
      last.quantity = Math.max(last.quantity, end - last.address);
    } else {
      reads.push({
        kind: 'read',
        functionCode: point.functionCode,
        address: point.address,
        quantity: registerCount(point.type),
      });
    }
  }
  return reads;
}

/** Every point of the map, in its order, from the reads that were answered. */
export function readPoints(map: RegisterMap, results: readonly ReadResult[]): PointValue[] {
  return map.points.map((point) => readPoint(point, results));
}

export function readPoint(point: RegisterPoint, results: readonly ReadResult[]): PointValue {
  const { name, unit } = point;
  const raw = rawValue(point, results);
  if (raw === undefined) return { name, unit, ok: false, fault: 'missing' };
  if (!Number.isFinite(raw)) return { name, unit, ok: false, fault: 'not-finite' };
  if (point.invalid?.includes(raw)) return { name, unit, ok: false, fault: 'invalid', raw };
  const value = tidy(raw * (point.scale ?? 1) + (point.offset ?? 0));
  if (value < (point.minimum ?? -Infinity) || value > (point.maximum ?? Infinity)) {
    return { name, unit, ok: false, fault: 'out-of-range', raw };
  }
  return { name, unit, ok: true, value, raw };
}

/** Registers (or the one bit, as 0 or 1) that a simulator serves so that the point reads as this physical value. */
export function encodePoint(point: RegisterPoint, value: number): number[] {
  const raw = tidy((value - (point.offset ?? 0)) / (point.scale ?? 1));
  const whole = Math.round(raw);
  if (point.type === 'bit') return [whole === 0 ? 0 : 1];
  if (point.type === 'int16' || point.type === 'uint16') return [whole & 0xffff];
  const bytes = Buffer.alloc(4);
  if (point.type === 'float32') bytes.writeFloatBE(raw, 0);
  else bytes.writeUInt32BE(whole >>> 0, 0);
  const ordered = reorder(bytes, point.wordOrder ?? 'abcd');
  return [ordered.readUInt16BE(0), ordered.readUInt16BE(2)];
}

function registerCount(type: RegisterType): number {
  return type === 'int32' || type === 'uint32' || type === 'float32' ? 2 : 1;
}

function rawValue(point: RegisterPoint, results: readonly ReadResult[]): number | undefined {
  for (const { request, values } of results) {
    const at = point.address - request.address;
    if (request.functionCode !== point.functionCode || at < 0) continue;
    const first = values[at];
    const second = values[at + 1];
    if (first === undefined) continue;
    if (registerCount(point.type) === 1) return convert16(point.type, Number(first));
    if (second !== undefined) return convert32(point, Number(first), Number(second));
  }
  return undefined;
}

function convert16(type: RegisterType, register: number): number {
  return type === 'int16' ? (register << 16) >> 16 : register;
}

function convert32(point: RegisterPoint, first: number, second: number): number {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt16BE(first, 0);
  bytes.writeUInt16BE(second, 2);
  const ordered = reorder(bytes, point.wordOrder ?? 'abcd');
  if (point.type === 'int32') return ordered.readInt32BE(0);
  return point.type === 'uint32' ? ordered.readUInt32BE(0) : shortestFloat(ordered.readFloatBE(0));
}

/** Each order is its own inverse, so this serves both directions. */
function reorder(bytes: Buffer, order: WordOrder): Buffer {
  const positions = { abcd: [0, 1, 2, 3], cdab: [2, 3, 0, 1], badc: [1, 0, 3, 2], dcba: [3, 2, 1, 0] }[order];
  return Buffer.from(positions.map((position) => bytes[position] ?? 0));
}

/** 235 × 0.1 is 23.5, not 23.500000000000004: no device of this kind has more than 12 digits. */
function tidy(value: number): number {
  return Number(value.toPrecision(12));
}

/** The shortest decimal that is this float32: 21.3, where the double nearest to it reads 21.299999237060547. */
function shortestFloat(value: number): number {
  if (!Number.isFinite(value)) return value;
  for (let digits = 6; digits < 9; digits++) {
    const short = Number(value.toPrecision(digits));
    if (Math.fround(short) === value) return short;
  }
  return value;
}
