/** Faults the three codecs share. */
import { CodecError } from '../base/codec-error.ts';

export function badLength(what: string, expected: number | string, have: number): CodecError {
  return new CodecError({
    code: 'rfid-length',
    message: `${what} of ${have} bytes, ${expected} were expected`,
    offset: typeof expected === 'number' ? Math.min(expected, have) : have,
  });
}

export function badHeader(what: string, expected: string, offset: number): CodecError {
  return new CodecError({ code: 'rfid-header', message: `${what}: ${expected} was expected`, offset });
}

export function badChecksum(what: string, carried: number, computed: number, offset: number): CodecError {
  return new CodecError({
    code: 'rfid-checksum',
    message: `${what} carries checksum ${carried.toString(16)}, its bytes give ${computed.toString(16)}`,
    offset,
  });
}

export function orUndefined<T>(decode: () => T): T | undefined {
  try {
    return decode();
  } catch (error) {
    if (error instanceof CodecError) return undefined;
    throw error;
  }
}
