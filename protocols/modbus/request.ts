/**
 * Modbus request PDU ↔ value.
 *
 * Format: function code (1), then big-endian fields; MODBUS Application Protocol V1.1b3, clauses 6.1–6.6, 6.11, 6.12.
 * The decoder is total; the encoder takes a request of our own making and throws RangeError for one that cannot exist.
 */
import { asBuffer } from '../base/bytes.ts';
import { CodecError } from '../base/codec-error.ts';
import { packBits, unpackBits } from './bits.ts';
import { tooShort, wrongLength } from './faults.ts';
import { isSupportedFunction } from './function-codes.ts';
import { type ModbusRequest, maxQuantity } from './pdu.ts';

const COIL_ON = 0xff00;

/** @param origin byte offset of the PDU in the frame it came from, so that a fault names the offset in the frame. */
export function decodeRequestPdu(pdu: Uint8Array, origin = 0): ModbusRequest {
  const bytes = asBuffer(pdu);
  if (bytes.length < 1) throw tooShort('request', 5, bytes.length, origin);
  const functionCode = bytes.readUInt8(0);
  if (!isSupportedFunction(functionCode)) {
    throw new CodecError({
      code: 'modbus-function-unsupported',
      message: `request: function code ${functionCode} is not one of 1–6, 15, 16`,
      offset: origin,
    });
  }
  if (bytes.length < 5) throw tooShort('request', 5, bytes.length, origin);
  const address = bytes.readUInt16BE(1);
  const value = bytes.readUInt16BE(3);

  switch (functionCode) {
    case 0x01:
    case 0x02:
    case 0x03:
    case 0x04:
      exactLength(bytes, 5, origin);
      checkRange(functionCode, address, value, origin);
      return { kind: 'read', functionCode, address, quantity: value };
    case 0x05:
      exactLength(bytes, 5, origin);
      if (value !== 0 && value !== COIL_ON) {
        throw new CodecError({
          code: 'modbus-value',
          message: `request: coil value ${value} is neither 0000 nor FF00 (hex)`,
          offset: origin + 3,
        });
      }
      return { kind: 'write-coil', functionCode, address, value: value === COIL_ON };
    case 0x06:
      exactLength(bytes, 5, origin);
      return { kind: 'write-register', functionCode, address, value };
    case 0x0f:
      checkRange(functionCode, address, value, origin);
      checkByteCount(bytes, Math.ceil(value / 8), origin);
      return { kind: 'write-coils', functionCode, address, values: unpackBits(bytes.subarray(6), value) };
    case 0x10: {
      checkRange(functionCode, address, value, origin);
      checkByteCount(bytes, 2 * value, origin);
      const values = Array.from({ length: value }, (_, i) => bytes.readUInt16BE(6 + 2 * i));
      return { kind: 'write-registers', functionCode, address, values };
    }
  }
}

export function encodeRequestPdu(request: ModbusRequest): Buffer {
  const quantity = quantityOf(request);
  const { functionCode, address } = request;
  if (!Number.isInteger(address) || address < 0 || address + quantity > 0x10000) {
    throw new RangeError(`Modbus address ${address} with quantity ${quantity} does not fit 0–65535`);
  }
  if (!Number.isInteger(quantity) || quantity < 1 || quantity > maxQuantity(functionCode)) {
    throw new RangeError(`Modbus quantity ${quantity}: 1–${maxQuantity(functionCode)} for function ${functionCode}`);
  }
  if (request.kind === 'read') return fiveBytes(functionCode, address, quantity);
  const data = writtenData(request);
  const pdu = Buffer.alloc(5 + data.length);
  pdu.writeUInt8(functionCode, 0);
  pdu.writeUInt16BE(address, 1);
  pdu.writeUInt16BE(fourthField(request), 3);
  data.copy(pdu, 5);
  return pdu;
}

function fiveBytes(functionCode: number, address: number, value: number): Buffer {
  const pdu = Buffer.allocUnsafe(5);
  pdu[0] = functionCode;
  pdu[1] = address >>> 8;
  pdu[2] = address;
  pdu[3] = value >>> 8;
  pdu[4] = value;
  return pdu;
}

function quantityOf(request: ModbusRequest): number {
  if (request.kind === 'read') return request.quantity;
  return request.kind === 'write-coils' || request.kind === 'write-registers' ? request.values.length : 1;
}

function fourthField(request: ModbusRequest): number {
  if (request.kind === 'write-coil') return request.value ? COIL_ON : 0;
  return request.kind === 'write-register' ? request.value : quantityOf(request);
}

function writtenData(request: ModbusRequest): Buffer {
  if (request.kind === 'write-coils') {
    const bits = packBits(request.values);
    return Buffer.concat([Buffer.of(bits.length), bits]);
  }
  if (request.kind === 'write-registers') {
    const data = Buffer.alloc(1 + 2 * request.values.length);
    data.writeUInt8(2 * request.values.length, 0);
    request.values.forEach((value, i) => {
      data.writeUInt16BE(value, 1 + 2 * i);
    });
    return data;
  }
  return Buffer.alloc(0);
}

function exactLength(bytes: Buffer, expected: number, origin: number): void {
  if (bytes.length !== expected) throw wrongLength('request', expected, bytes.length, origin);
}

function checkRange(functionCode: 1 | 2 | 3 | 4 | 15 | 16, address: number, quantity: number, origin: number): void {
  const most = maxQuantity(functionCode);
  if (quantity < 1 || quantity > most) {
    throw new CodecError({
      code: 'modbus-quantity',
      message: `request: quantity ${quantity}, 1–${most} was expected for function ${functionCode}`,
      offset: origin + 3,
    });
  }
  if (address + quantity > 0x10000) {
    throw new CodecError({
      code: 'modbus-address-range',
      message: `request: ${quantity} items from address ${address} reach past 65535`,
      offset: origin + 1,
    });
  }
}

function checkByteCount(bytes: Buffer, expected: number, origin: number): void {
  if (bytes.length < 6) throw tooShort('request', 6, bytes.length, origin);
  const byteCount = bytes.readUInt8(5);
  if (byteCount !== expected) {
    throw new CodecError({
      code: 'modbus-byte-count',
      message: `request: byte count ${byteCount}, the quantity asks for ${expected}`,
      offset: origin + 5,
    });
  }
  exactLength(bytes, 6 + byteCount, origin);
}
