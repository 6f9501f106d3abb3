/**
 * Modbus RTU frame ↔ unit id and PDU.
 *
 * Format: `unit PDU crcLow crcHigh`, 4–256 bytes; MODBUS over Serial Line V1.02, clauses 2.5.1 and 6.2.2.
 * A frame is valid if and only if its CRC-16/MODBUS over all bytes ahead of the CRC equals the CRC it carries.
 */
import { asBuffer } from '../base/bytes.ts';
import { CodecError } from '../base/codec-error.ts';
import { crc16Modbus } from '../base/crc.ts';
import { tooShort, wrongLength } from './faults.ts';
import { MAX_PDU_BYTES } from './pdu.ts';

export const MAX_RTU_BYTES = 256;
const MIN_RTU_BYTES = 4;

export interface RtuFrame {
  /** 1–247; 0 is the broadcast, which nobody answers. */
  unitId: number;
  pdu: Uint8Array;
}

export function encodeRtu(frame: RtuFrame): Buffer {
  if (frame.pdu.length < 1 || frame.pdu.length > MAX_PDU_BYTES) {
    throw new RangeError(`Modbus PDU of ${frame.pdu.length} bytes: 1–${MAX_PDU_BYTES}`);
  }
  const crcAt = frame.pdu.length + 1;
  // Every byte is written below.
  const bytes = Buffer.allocUnsafe(crcAt + 2);
  bytes.writeUInt8(frame.unitId, 0);
  for (let i = 1; i < crcAt; i++) bytes[i] = frame.pdu[i - 1] as number;
  bytes.writeUInt16LE(crc16Modbus(bytes, 0, crcAt), crcAt);
  return bytes;
}

/** Decodes exactly one frame. The PDU is a copy. */
export function decodeRtu(input: Uint8Array): RtuFrame {
  const bytes = asBuffer(input);
  if (bytes.length < MIN_RTU_BYTES) throw tooShort('RTU frame', MIN_RTU_BYTES, bytes.length, 0);
  if (bytes.length > MAX_RTU_BYTES) throw wrongLength('RTU frame', MAX_RTU_BYTES, bytes.length, 0);
  const end = bytes.length - 2;
  const carried = bytes.readUInt16LE(end);
  const computed = crc16Modbus(bytes, 0, end);
  if (carried !== computed) {
    throw new CodecError({
      code: 'modbus-crc',
      message: `RTU frame: CRC ${hex16(carried)}, the bytes give ${hex16(computed)}`,
      offset: end,
    });
  }
  return { unitId: bytes.readUInt8(0), pdu: Buffer.from(bytes.subarray(1, end)) };
}

/** Whether bytes[start, end) is a frame with the right CRC. */
export function hasRtuCrc(bytes: Uint8Array, start: number, end: number): boolean {
  const low = bytes[end - 2] ?? 0;
  const high = bytes[end - 1] ?? 0;
  return end - start >= MIN_RTU_BYTES && crc16Modbus(bytes, start, end - 2) === (low | (high << 8));
}

function hex16(value: number): string {
  return value.toString(16).padStart(4, '0');
}
