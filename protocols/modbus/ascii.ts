/**
 * Modbus ASCII frame ↔ unit id and PDU.
 *
 * Format: `:` unit, PDU and LRC as upper-case hexadecimal, CR LF; the LRC is the two's complement of the sum of the bytes
 * ahead of it. Source: MODBUS over Serial Line V1.02, clauses 2.5.2 and 6.2.1.
 */
import { asBuffer, fromHex } from '../base/bytes.ts';
import { CodecError } from '../base/codec-error.ts';
import { tooShort, wrongLength } from './faults.ts';
import { MAX_PDU_BYTES } from './pdu.ts';
import type { RtuFrame } from './rtu.ts';

export function lrc(bytes: Uint8Array): number {
  let sum = 0;
  for (const byte of bytes) sum += byte;
  return -sum & 0xff;
}

export function encodeAscii(frame: RtuFrame): string {
  const body = Buffer.concat([Buffer.of(frame.unitId), frame.pdu]);
  const whole = Buffer.concat([body, Buffer.of(lrc(body))]);
  return `:${whole.toString('hex').toUpperCase()}\r\n`;
}

/** Decodes exactly one frame; lower-case digits and a missing CR LF are taken too. */
export function decodeAscii(text: string): RtuFrame {
  const line = text.replace(/\r?\n$/, '');
  if (!line.startsWith(':')) {
    throw new CodecError({ code: 'modbus-ascii-start', message: "ASCII frame: ':' was expected", offset: 0 });
  }
  const notHex = /[^0-9a-f]/i.exec(line.slice(1));
  if (notHex) {
    throw new CodecError({
      code: 'hex-invalid',
      message: `ASCII frame: '${notHex[0]}' is not hexadecimal`,
      offset: 1 + notHex.index,
    });
  }
  const bytes = asBuffer(fromHex(line.slice(1)));
  if (bytes.length < 3) throw tooShort('ASCII frame', 3, bytes.length, 0);
  if (bytes.length > MAX_PDU_BYTES + 2) throw wrongLength('ASCII frame', MAX_PDU_BYTES + 2, bytes.length, 0);
  const end = bytes.length - 1;
  const computed = lrc(bytes.subarray(0, end));
  if (bytes.readUInt8(end) !== computed) {
    throw new CodecError({
      code: 'modbus-lrc',
      message: `ASCII frame: LRC ${bytes.readUInt8(end)}, the bytes give ${computed}`,
      offset: 1 + 2 * end,
    });
  }
  return { unitId: bytes.readUInt8(0), pdu: bytes.subarray(1, end) };
}
