/** The faults of this folder; codes are documented in docs/errors.md. */
import { CodecError } from '../base/codec-error.ts';

export type EpcFaultCode =
  | 'epc-truncated'
  | 'epc-header'
  | 'epc-not-epc'
  | 'epc-partition'
  | 'epc-range'
  | 'epc-character'
  | 'epc-padding'
  | 'epc-reserved'
  | 'epc-length'
  | 'epc-date'
  | 'epc-ai'
  | 'epc-uri'
  | 'epc-value';

/** @param bitOffset where in the EPC; the error carries it in bytes. */
export function epcFault(code: EpcFaultCode, message: string, bitOffset = 0): CodecError {
  return new CodecError({ code, message, offset: bitOffset >> 3 });
}
