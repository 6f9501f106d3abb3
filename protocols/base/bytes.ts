/** Small helpers over bytes that several codecs share. No I/O, no state. */
import { CodecError } from './codec-error.ts';

/** Lower-case hexadecimal without separators. */
export function toHex(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex');
}

/**
 * Bytes from hexadecimal text; white space, `:` and `-` between digits are ignored, `0x` in front is accepted.
 * @throws CodecError `hex-invalid` with the offset of the first character that is not a hexadecimal digit,
 *   `hex-odd` when a digit is left over.
 */
export function fromHex(text: string): Buffer {
  const body = text.replace(/^\s*0x/i, '');
  const digits = body.replace(/[\s:-]/g, '');
  const bad = /[^0-9a-f]/i.exec(digits);
  if (bad) {
    throw new CodecError({
      code: 'hex-invalid',
      message: `'${bad[0]}' at digit ${bad.index} is not hexadecimal`,
      offset: bad.index >> 1,
    });
  }
  if (digits.length % 2 !== 0) {
    throw new CodecError({
      code: 'hex-odd',
      message: `${digits.length} hexadecimal digits: an even number was expected`,
      offset: digits.length >> 1,
    });
  }
  return Buffer.from(digits, 'hex');
}

/** A Buffer over the same memory, without a copy. */
export function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
