/**
 * One Modbus frame of unknown direction as JSON, for `milepost decode modbus`.
 *
 * Nothing in a frame says whether it is a request or a response. Both readings are tried, and all that the
 * specification allows are given: a write of one value (05, 06) always reads as both.
 */
import { asBuffer } from '../base/bytes.ts';
import { CodecError } from '../base/codec-error.ts';
import { decodeAscii } from './ascii.ts';
import { EXCEPTION_BIT, functionName } from './function-codes.ts';
import { type FunctionReadings, readOtherFunction } from './other-functions.ts';
import type { ModbusRequest, ModbusResponse } from './pdu.ts';
import { decodeRequestPdu } from './request.ts';
import { decodeResponsePdu } from './response.ts';
import { decodeRtu } from './rtu.ts';
import { decodeTcp } from './tcp.ts';

export interface FrameDescription {
  transport: 'rtu' | 'tcp' | 'ascii';
  transactionId?: number;
  unitId: number;
  functionCode: number;
  function: string;
  exception: boolean;
  request?: ModbusRequest;
  response?: ModbusResponse;
  /** Of a function that Milepost does not speak: what a request or a response with these bytes says. */
  fields?: FunctionReadings;
}

/**
 * Takes an RTU frame, a Modbus TCP frame, or the text of an ASCII frame. An RTU frame with a right CRC is never taken for
 * TCP; what is neither is reported as the RTU fault, or as the TCP one when its MBAP header is in order.
 */
export function describeFrame(input: Uint8Array): FrameDescription {
  if (input[0] === 0x3a && /^:[0-9a-f]+(\r?\n)?$/i.test(Buffer.from(input).toString('latin1'))) {
    const frame = decodeAscii(Buffer.from(input).toString('latin1'));
    return describePdu({ transport: 'ascii', unitId: frame.unitId }, frame.pdu, 1);
  }
  let rtuFault: CodecError;
  try {
    const frame = decodeRtu(input);
    return describePdu({ transport: 'rtu', unitId: frame.unitId }, frame.pdu, 1);
  } catch (error) {
    if (!(error instanceof CodecError) || !isFraming(error)) throw error;
    rtuFault = error;
  }
  if (!looksLikeTcp(input)) throw rtuFault;
  const { transactionId, unitId, pdu } = decodeTcp(input);
  return describePdu({ transport: 'tcp', transactionId, unitId }, pdu, 7);
}

type Envelope = Pick<FrameDescription, 'transport' | 'transactionId' | 'unitId'>;

function describePdu(envelope: Envelope, pdu: Uint8Array, origin: number): FrameDescription {
  const first = pdu[0] ?? 0;
  const functionCode = first & ~EXCEPTION_BIT;
  const request = attempt(() => decodeRequestPdu(pdu, origin));
  const response = attempt(() => decodeResponsePdu(pdu, { origin }));
  const head = {
    ...envelope,
    functionCode,
    function: functionName(functionCode),
    exception: (first & EXCEPTION_BIT) !== 0,
  };
  if (request instanceof CodecError && response instanceof CodecError) {
    const other = readOtherFunction(first, asBuffer(pdu).subarray(1));
    if (other === undefined) throw request.code === 'modbus-function-unsupported' ? request : response;
    if (other.request === undefined && other.response === undefined) {
      throw new CodecError({
        code: 'modbus-length',
        message: `function ${functionCode} (${functionName(functionCode)}): its fields do not fit ${pdu.length} bytes`,
        offset: origin + 1,
      });
    }
    return { ...head, fields: other };
  }
  return {
    ...head,
    ...(request instanceof CodecError ? {} : { request }),
    ...(response instanceof CodecError ? {} : { response }),
  };
}

function attempt<T>(decode: () => T): T | CodecError {
  try {
    return decode();
  } catch (error) {
    if (error instanceof CodecError) return error;
    throw error;
  }
}

function isFraming(error: CodecError): boolean {
  return error.code === 'modbus-crc' || error.code === 'modbus-too-short' || error.code === 'modbus-length';
}

/** Protocol id 0, and a length field that is right. */
function looksLikeTcp(input: Uint8Array): boolean {
  return (
    input.length >= 8 &&
    input[2] === 0 &&
    input[3] === 0 &&
    (((input[4] ?? 0) << 8) | (input[5] ?? 0)) === input.length - 6
  );
}
