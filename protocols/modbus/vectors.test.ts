import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { fromHex, toHex } from '../base/bytes.ts';
import { faultOf } from '../base/outside-bytes.test-support.ts';
import {
  decodeAscii,
  decodeRequestPdu,
  decodeResponsePdu,
  decodeRtu,
  decodeTcp,
  describeFrame,
  encodeAscii,
  encodeRequestPdu,
  encodeResponsePdu,
  encodeRtu,
  encodeTcp,
  lrc,
  type ModbusResponse,
  readPoints,
  XY_MD02,
} from './index.ts';

interface Vector {
  name: string;
  input: string;
  expected: {
    slave?: number;
    fc?: number;
    exception?: boolean;
    exceptionCode?: number;
    registers?: number[];
    bits?: number[];
    tempC?: number;
    rh?: number;
    lrc?: number;
    ascii?: string;
  };
}

interface SpecificationExample {
  name: string;
  request: string;
  response: string;
  expected: {
    address: number;
    quantity?: number;
    bits?: string;
    registers?: number[];
    value?: boolean | number;
    exception?: string;
  };
}

function fixture<T>(name: string): T[] {
  return JSON.parse(readFileSync(new URL(`./fixtures/${name}.json`, import.meta.url), 'utf8')) as T[];
}

const vectors = fixture<Vector>('modbus-rtu');
const rtuVectors = vectors.filter((vector) => vector.expected.slave !== undefined);
const examples = fixture<SpecificationExample>('specification-examples');

describe('captured RTU frames', () => {
  it.each(rtuVectors)('$name', ({ input, expected }) => {
    const description = describeFrame(fromHex(input));
    expect(description).toMatchObject({
      transport: 'rtu',
      unitId: expected.slave,
      functionCode: expected.fc,
      exception: expected.exception,
    });
    const { response } = description;
    if (expected.exceptionCode !== undefined) expect(response).toMatchObject({ exceptionCode: expected.exceptionCode });
    if (expected.registers) expect(response).toMatchObject({ kind: 'registers', values: expected.registers });
    if (expected.bits) expect(response).toMatchObject({ kind: 'bits', values: expected.bits.map((bit) => bit === 1) });
    if (expected.tempC !== undefined || expected.rh !== undefined) {
      expect(climate(response, expected)).toMatchObject(
        [expected.tempC, expected.rh].filter((value) => value !== undefined).map((value) => ({ ok: true, value })),
      );
    }
  });

  it.each(rtuVectors)('$name: encodes to the same bytes', ({ input }) => {
    const { unitId, request, response } = describeFrame(fromHex(input));
    if (request) expect(toHex(encodeRtu({ unitId, pdu: encodeRequestPdu(request) }))).toBe(input);
    if (response) expect(toHex(encodeRtu({ unitId, pdu: encodeResponsePdu(response) }))).toBe(input);
    expect(request ?? response).toBeDefined();
  });

  it.each(rtuVectors)('$name: every single-bit fault is found', ({ input }) => {
    const bytes = fromHex(input);
    for (let bit = 0; bit < 8 * bytes.length; bit++) {
      const torn = Buffer.from(bytes);
      torn[bit >> 3] = (torn[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      expect(faultOf(() => decodeRtu(torn))).toMatch(/^modbus-crc@/);
    }
  });

  it('computes the LRC of Modbus ASCII', () => {
    const vector = vectors.find((one) => one.expected.lrc !== undefined);
    const body = fromHex(vector?.input ?? '');
    expect(lrc(body)).toBe(vector?.expected.lrc);
    expect(encodeAscii({ unitId: body.readUInt8(0), pdu: body.subarray(1) })).toBe(vector?.expected.ascii);
    expect(decodeAscii(vector?.expected.ascii ?? '')).toEqual({ unitId: 0x11, pdu: body.subarray(1) });
    expect(describeFrame(Buffer.from(vector?.expected.ascii ?? ''))).toMatchObject({
      transport: 'ascii',
      unitId: 0x11,
      request: { kind: 'read', functionCode: 3, address: 0x6b, quantity: 3 },
    });
  });
});

/** The vectors hold answers to three reads of an XY-MD02: both registers, temperature alone, humidity alone. */
function climate(response: ModbusResponse | undefined, expected: Vector['expected']) {
  const values = response?.kind === 'registers' ? response.values : [];
  const address = expected.tempC === undefined ? 2 : 1;
  const request = { kind: 'read', functionCode: 4, address, quantity: values.length } as const;
  return readPoints(XY_MD02, [{ request, values }]).filter((value) => value.ok);
}

describe('examples of the specification', () => {
  it.each(examples)('$name: request', ({ request, expected }) => {
    const value = decodeRequestPdu(fromHex(request));
    expect(value.address).toBe(expected.address);
    if (value.kind === 'read') expect(value.quantity).toBe(expected.quantity);
    if (value.kind === 'write-coils') expect(bitText(value.values)).toBe(expected.bits);
    if (value.kind === 'write-registers') expect(value.values).toEqual(expected.registers);
    if ('value' in value) expect(value.value).toBe(expected.value);
    expect(toHex(encodeRequestPdu(value))).toBe(request);
  });

  it.each(examples)('$name: response', ({ request, response, expected }) => {
    const value = decodeResponsePdu(fromHex(response), { request: decodeRequestPdu(fromHex(request)) });
    if (value.kind === 'bits') expect(bitText(value.values)).toBe(expected.bits);
    if (value.kind === 'registers') expect(value.values).toEqual(expected.registers);
    if (value.kind === 'range-written') expect(value.quantity).toBe(expected.quantity);
    if ('value' in value) expect(value.value).toBe(expected.value);
    if (value.kind === 'exception') expect(value.exceptionName).toBe(expected.exception);
    expect(toHex(encodeResponsePdu(value))).toBe(response);
  });
});

function bitText(values: readonly boolean[]): string {
  return values.map((value) => (value ? '1' : '0')).join('');
}

describe('Modbus TCP', () => {
  // MODBUS Messaging on TCP/IP Implementation Guide V1.0b, annex A: read register 5 of unit FF, transaction 1501 (hex).
  const request = fromHex('15 01 00 00 00 06 ff 03 00 04 00 01');

  it('decodes and encodes the example of the implementation guide', () => {
    const frame = decodeTcp(request);
    expect(frame).toMatchObject({ transactionId: 0x1501, unitId: 0xff });
    expect(decodeRequestPdu(frame.pdu)).toEqual({ kind: 'read', functionCode: 3, address: 4, quantity: 1 });
    expect(encodeTcp(frame)).toEqual(request);
    expect(describeFrame(request)).toMatchObject({ transport: 'tcp', transactionId: 0x1501, functionCode: 3 });
  });

  it.each([
    ['000100010006ff0300040001', 'modbus-protocol-id@2'],
    ['000100000001ff03', 'modbus-length@4'],
    ['0001000000ffff03', 'modbus-length@4'],
    ['000100000006ff03000400', 'modbus-length@11'],
    ['00010000', 'modbus-too-short@4'],
  ])('refuses %s: %s', (hex, fault) => {
    expect(faultOf(() => decodeTcp(fromHex(hex)))).toBe(fault);
  });
});

describe('faults name what and where', () => {
  it.each([
    ['', 'modbus-too-short@0'],
    ['03', 'modbus-too-short@1'],
    ['2b0e0100', 'modbus-function-unsupported@0'],
    ['0300000000', 'modbus-quantity@3'],
    ['030000007e', 'modbus-quantity@3'],
    ['01000007d1', 'modbus-quantity@3'],
    ['03ffff0002', 'modbus-address-range@1'],
    ['030000000100', 'modbus-length@5'],
    ['0500000001', 'modbus-value@3'],
    ['10000000020300010002', 'modbus-byte-count@5'],
    ['1000000002040001', 'modbus-length@8'],
    ['1000000002', 'modbus-too-short@5'],
  ])('request %s: %s', (hex, fault) => {
    expect(faultOf(() => decodeRequestPdu(fromHex(hex)))).toBe(fault);
  });

  it.each([
    ['83', 'modbus-too-short@1'],
    ['830200', 'modbus-length@2'],
    ['0303000102', 'modbus-byte-count@1'],
    ['0300', 'modbus-byte-count@1'],
    ['03020001ff', 'modbus-length@4'],
    ['0500001234', 'modbus-value@3'],
    ['1100', 'modbus-function-unsupported@0'],
  ])('response %s: %s', (hex, fault) => {
    expect(faultOf(() => decodeResponsePdu(fromHex(hex)))).toBe(fault);
  });

  it.each([
    ['answer of another function', '0300010002', '0404000a000b', 'modbus-mismatch@0'],
    ['fewer registers than asked', '0300010002', '0302000a', 'modbus-mismatch@1'],
    ['fewer bits than asked', '0100000009', '010101', 'modbus-mismatch@1'],
    ['another register written', '0600010003', '0600020003', 'modbus-mismatch@1'],
    ['another value written', '0600010003', '0600010004', 'modbus-mismatch@3'],
    ['fewer registers written', '100001000204000a0102', '1000010001', 'modbus-mismatch@3'],
  ])('%s', (_name, request, response, fault) => {
    const asked = decodeRequestPdu(fromHex(request));
    expect(faultOf(() => decodeResponsePdu(fromHex(response), { request: asked }))).toBe(fault);
  });

  it('of a frame count from its first byte', () => {
    const frame = encodeRtu({ unitId: 1, pdu: fromHex('0300000000') });
    expect(faultOf(() => describeFrame(frame))).toMatch(/@2$/);
    expect(faultOf(() => describeFrame(fromHex('010400eb')))).toBe('modbus-crc@2');
    expect(faultOf(() => decodeAscii(':01g3'))).toBe('hex-invalid@3');
    expect(faultOf(() => decodeAscii(':010300'))).toBe('modbus-lrc@5');
    expect(faultOf(() => decodeAscii('0103'))).toBe('modbus-ascii-start@0');
  });

  it('of our own making are RangeErrors', () => {
    expect(() => encodeRequestPdu({ kind: 'read', functionCode: 3, address: 65535, quantity: 2 })).toThrow(RangeError);
    expect(() => encodeRequestPdu({ kind: 'read', functionCode: 3, address: 0, quantity: 126 })).toThrow(RangeError);
    expect(() => encodeRtu({ unitId: 1, pdu: Buffer.alloc(254) })).toThrow(RangeError);
  });
});
