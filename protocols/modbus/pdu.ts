/**
 * The Modbus requests and responses Milepost speaks (01–06, 0F, 10 and exceptions) as values.
 *
 * Limits: MODBUS Application Protocol V1.1b3, clauses 4.1 (a PDU has at most 253 bytes) and 6.1–6.6, 6.11, 6.12.
 */
import type { FunctionCode } from './function-codes.ts';

export const MAX_PDU_BYTES = 253;
export const MAX_READ_BITS = 2000;
export const MAX_READ_REGISTERS = 125;
const MAX_WRITE_BITS = 1968;
const MAX_WRITE_REGISTERS = 123;

export interface ReadRequest {
  kind: 'read';
  functionCode: 0x01 | 0x02 | 0x03 | 0x04;
  /** Protocol address, from 0 (a data sheet's 40001 or 30001 is address 0). */
  address: number;
  quantity: number;
}

export interface WriteCoilRequest {
  kind: 'write-coil';
  functionCode: 0x05;
  address: number;
  value: boolean;
}

export interface WriteRegisterRequest {
  kind: 'write-register';
  functionCode: 0x06;
  address: number;
  value: number;
}

export interface WriteCoilsRequest {
  kind: 'write-coils';
  functionCode: 0x0f;
  address: number;
  values: readonly boolean[];
}

export interface WriteRegistersRequest {
  kind: 'write-registers';
  functionCode: 0x10;
  address: number;
  values: readonly number[];
}

export type ModbusRequest =
  | ReadRequest
  | WriteCoilRequest
  | WriteRegisterRequest
  | WriteCoilsRequest
  | WriteRegistersRequest;

export interface BitsResponse {
  kind: 'bits';
  functionCode: 0x01 | 0x02;
  /** Without the request at hand the length is a multiple of eight: the padding cannot be told from data. */
  values: readonly boolean[];
}

export interface RegistersResponse {
  kind: 'registers';
  functionCode: 0x03 | 0x04;
  /** Unsigned 16-bit values. */
  values: readonly number[];
}

export interface CoilWrittenResponse {
  kind: 'coil-written';
  functionCode: 0x05;
  address: number;
  value: boolean;
}

export interface RegisterWrittenResponse {
  kind: 'register-written';
  functionCode: 0x06;
  address: number;
  value: number;
}

export interface RangeWrittenResponse {
  kind: 'range-written';
  functionCode: 0x0f | 0x10;
  address: number;
  quantity: number;
}

export interface ExceptionResponse {
  kind: 'exception';
  /** The function that failed, without the exception bit. */
  functionCode: number;
  exceptionCode: number;
  exceptionName: string;
}

export type ModbusResponse =
  | BitsResponse
  | RegistersResponse
  | CoilWrittenResponse
  | RegisterWrittenResponse
  | RangeWrittenResponse
  | ExceptionResponse;

/** How many items one request of this function may name. */
export function maxQuantity(functionCode: FunctionCode): number {
  switch (functionCode) {
    case 0x01:
    case 0x02:
      return MAX_READ_BITS;
    case 0x03:
    case 0x04:
      return MAX_READ_REGISTERS;
    case 0x0f:
      return MAX_WRITE_BITS;
    case 0x10:
      return MAX_WRITE_REGISTERS;
    default:
      return 1;
  }
}

/** Bytes of the PDU that a server which agrees sends for this request (an exception has 2). */
export function responsePduLength(request: ModbusRequest): number {
  if (request.kind !== 'read') return 5;
  return request.functionCode <= 0x02 ? 2 + Math.ceil(request.quantity / 8) : 2 + 2 * request.quantity;
}
