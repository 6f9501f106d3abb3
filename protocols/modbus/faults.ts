/** Faults that the Modbus decoders share, and the exception a server owes a client for each of them. */
import { CodecError } from '../base/codec-error.ts';
import { ExceptionCode } from './function-codes.ts';

export function tooShort(what: string, need: number, have: number, origin: number): CodecError {
  return new CodecError({
    code: 'modbus-too-short',
    message: `${what}: ${have} bytes, at least ${need} were expected`,
    offset: origin + have,
  });
}

export function wrongLength(what: string, expected: number, have: number, origin: number): CodecError {
  return new CodecError({
    code: 'modbus-length',
    message: `${what}: ${have} bytes, ${expected} were expected`,
    offset: origin + Math.min(expected, have),
  });
}

/** What a server answers to a request that the decoder refused (MODBUS Application Protocol V1.1b3, clause 7). */
export function exceptionForFault(error: CodecError): ExceptionCode {
  switch (error.code) {
    case 'modbus-function-unsupported':
      return ExceptionCode.illegalFunction;
    case 'modbus-address-range':
      return ExceptionCode.illegalDataAddress;
    default:
      return ExceptionCode.illegalDataValue;
  }
}
