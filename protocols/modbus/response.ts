/**
 * Modbus response PDU ↔ value, exceptions included.
 *
 * Format: MODBUS Application Protocol V1.1b3, clauses 6.1–6.6, 6.11, 6.12 and 7. A response does not say what was asked:
 * given the request, the decoder also checks that this is its answer and cuts the padding off bits.
 */
import { asBuffer } from '../base/bytes.ts';
import { CodecError } from '../base/codec-error.ts';
import { packBits, unpackBits } from './bits.ts';
import { tooShort, wrongLength } from './faults.ts';
import { EXCEPTION_BIT, exceptionName, isSupportedFunction } from './function-codes.ts';
import { type ExceptionResponse, MAX_PDU_BYTES, type ModbusRequest, type ModbusResponse } from './pdu.ts';

const COIL_ON = 0xff00;

export interface ResponseContext {
  /** The request this should answer. */
  request?: ModbusRequest;
  /** Byte offset of the PDU in its frame, so that a fault names the offset in the frame. */
  origin?: number;
}

export function decodeResponsePdu(pdu: Uint8Array, context: ResponseContext = {}): ModbusResponse {
  const origin = context.origin ?? 0;
  const response = decodeAlone(asBuffer(pdu), origin);
  return context.request === undefined ? response : matched(response, context.request, origin);
}

export function encodeResponsePdu(response: ModbusResponse): Buffer {
  switch (response.kind) {
    case 'exception':
      return Buffer.of(response.functionCode | EXCEPTION_BIT, response.exceptionCode);
    case 'bits':
      return counted(response.functionCode, packBits(response.values));
    case 'registers': {
      const data = Buffer.alloc(2 * response.values.length);
      response.values.forEach((value, i) => {
        data.writeUInt16BE(value, 2 * i);
      });
      return counted(response.functionCode, data);
    }
    case 'coil-written':
      return fixed(response.functionCode, response.address, response.value ? COIL_ON : 0);
    case 'register-written':
      return fixed(response.functionCode, response.address, response.value);
    case 'range-written':
      return fixed(response.functionCode, response.address, response.quantity);
  }
}

export function exceptionResponse(functionCode: number, exceptionCode: number): ExceptionResponse {
  return { kind: 'exception', functionCode, exceptionCode, exceptionName: exceptionName(exceptionCode) };
}

function decodeAlone(bytes: Buffer, origin: number): ModbusResponse {
  if (bytes.length < 2) throw tooShort('response', 2, bytes.length, origin);
  const first = bytes.readUInt8(0);
  if (first & EXCEPTION_BIT) {
    exactLength(bytes, 2, origin);
    return exceptionResponse(first & ~EXCEPTION_BIT, bytes.readUInt8(1));
  }
  if (!isSupportedFunction(first)) {
    throw new CodecError({
      code: 'modbus-function-unsupported',
      message: `response: function code ${first} is not one of 1–6, 15, 16`,
      offset: origin,
    });
  }
  if (first <= 0x04) {
    const byteCount = bytes.readUInt8(1);
    if (byteCount < 1 || 2 + byteCount > MAX_PDU_BYTES || (first >= 0x03 && byteCount % 2 !== 0)) {
      throw new CodecError({
        code: 'modbus-byte-count',
        message: `response: byte count ${byteCount} cannot answer function ${first}`,
        offset: origin + 1,
      });
    }
    exactLength(bytes, 2 + byteCount, origin);
    if (first === 0x01 || first === 0x02) {
      return { kind: 'bits', functionCode: first, values: unpackBits(bytes.subarray(2), 8 * byteCount) };
    }
    const values: number[] = [];
    for (let at = 2; at < bytes.length; at += 2) values.push(((bytes[at] as number) << 8) | (bytes[at + 1] as number));
    return { kind: 'registers', functionCode: first === 0x03 ? 0x03 : 0x04, values };
  }
  exactLength(bytes, 5, origin);
  const address = bytes.readUInt16BE(1);
  const value = bytes.readUInt16BE(3);
  if (first === 0x06) return { kind: 'register-written', functionCode: 0x06, address, value };
  if (first !== 0x05) {
    return { kind: 'range-written', functionCode: first === 0x0f ? 0x0f : 0x10, address, quantity: value };
  }
  if (value !== 0 && value !== COIL_ON) {
    throw new CodecError({
      code: 'modbus-value',
      message: `response: coil value ${value} is neither 0000 nor FF00 (hex)`,
      offset: origin + 3,
    });
  }
  return { kind: 'coil-written', functionCode: 0x05, address, value: value === COIL_ON };
}

function matched(response: ModbusResponse, request: ModbusRequest, origin: number): ModbusResponse {
  if (response.functionCode !== request.functionCode) throw mismatch('function code', origin);
  switch (response.kind) {
    case 'exception':
      return response;
    case 'bits':
      if (request.kind !== 'read' || response.values.length !== 8 * Math.ceil(request.quantity / 8)) {
        throw mismatch('quantity', origin + 1);
      }
      return { kind: 'bits', functionCode: response.functionCode, values: response.values.slice(0, request.quantity) };
    case 'registers':
      if (request.kind !== 'read' || response.values.length !== request.quantity)
        throw mismatch('quantity', origin + 1);
      return response;
    case 'coil-written':
    case 'register-written':
      if (response.address !== request.address) throw mismatch('address', origin + 1);
      if (!('value' in request) || response.value !== request.value) throw mismatch('value', origin + 3);
      return response;
    case 'range-written':
      if (response.address !== request.address) throw mismatch('address', origin + 1);
      if (!('values' in request) || response.quantity !== request.values.length) throw mismatch('quantity', origin + 3);
      return response;
  }
}

function mismatch(what: string, offset: number): CodecError {
  return new CodecError({ code: 'modbus-mismatch', message: `response: ${what} differs from the request's`, offset });
}

function counted(functionCode: number, data: Buffer): Buffer {
  if (data.length < 1 || 2 + data.length > MAX_PDU_BYTES) {
    throw new RangeError(`Modbus response of ${data.length} data bytes: 1–${MAX_PDU_BYTES - 2}`);
  }
  return Buffer.concat([Buffer.of(functionCode, data.length), data]);
}

function fixed(functionCode: number, address: number, value: number): Buffer {
  const pdu = Buffer.alloc(5);
  pdu.writeUInt8(functionCode, 0);
  pdu.writeUInt16BE(address, 1);
  pdu.writeUInt16BE(value, 3);
  return pdu;
}

function exactLength(bytes: Buffer, expected: number, origin: number): void {
  if (bytes.length !== expected) throw wrongLength('response', expected, bytes.length, origin);
}
