/** Faults, raw survival and encode errors, one line per case; bytes written by hand from the standard's clause 17. */
import { describe, expect, it } from 'vitest';
import { fromHex, toHex } from '../base/bytes.ts';
import {
  answerTypeOf,
  decodeHeader,
  decodeMessage,
  decodeParameters,
  decodeTagReads,
  describeStatus,
  encodeMessage,
  encodeParameters,
  filterParameters,
  inventoryRoSpec,
  llrpStatus,
  type Message,
  messageToJson,
  readerEvent,
  STATUS_CODE,
  statusOf,
  tagReportData,
} from './index.ts';

/** Puts a header of the right length in front of a body. */
function frameOf(type: number, body: string): Buffer {
  const bytes = fromHex(body);
  const header = Buffer.alloc(10);
  header.writeUInt16BE((1 << 10) | type, 0);
  header.writeUInt32BE(10 + bytes.length, 2);
  header.writeUInt32BE(9, 6);
  return Buffer.concat([header, bytes]);
}

const fault = (code: string, offset: number) => expect.objectContaining({ name: 'CodecError', code, offset });

describe('faults of a message', () => {
  it.each<[string, Buffer, string, number]>([
    ['nothing at all', Buffer.alloc(0), 'llrp-truncated', 0],
    ['nine bytes of header', fromHex('043e0000000a000000'), 'llrp-truncated', 9],
    ['a length field below the header', fromHex('043e0000000900000000'), 'llrp-length', 2],
    ['a length field beyond the frame', fromHex('043e0000000b00000000'), 'llrp-length', 2],
    ['a byte after the message', fromHex('043e0000000a0000000000'), 'llrp-length', 2],
    ['version 0', fromHex('003e0000000a00000000'), 'llrp-version', 0],
    ['version 3', fromHex('0c3e0000000a00000000'), 'llrp-version', 0],
    ['a body where none is allowed', frameOf(62, '00'), 'llrp-trailing', 10],
    ['a field that is cut off', frameOf(21, '0000'), 'llrp-truncated', 10],
    ['a TLV header that is cut off', frameOf(61, '00f0'), 'llrp-truncated', 10],
    ['a TLV shorter than its header', frameOf(61, '00f00003'), 'llrp-length', 12],
    ['a TLV longer than its message', frameOf(61, '00f00005'), 'llrp-length', 12],
    ['a nested TLV longer than its parent', frameOf(61, '00f0000800f1000500'), 'llrp-length', 16],
    ['a TV of unknown type', frameOf(61, '00f0000595'), 'llrp-tv-unknown', 14],
    ['TV type 0', frameOf(61, '00f0000580'), 'llrp-tv-unknown', 14],
    ['a TV cut off by its parent', frameOf(61, '00f000068100810001'), 'llrp-truncated', 15],
    ['bits of an EPC that are not there', frameOf(61, '00f0000b00f10007001000'), 'llrp-truncated', 20],
    ['bytes after an EPC', frameOf(61, '00f0000c00f1000800083000'), 'llrp-trailing', 21],
    ['a text longer than its parameter', frameOf(100, '011f000800000005'), 'llrp-truncated', 18],
    ['a list longer than its parameter', frameOf(20, '00b700080002000100'), 'llrp-truncated', 16],
    ['bytes after the fields of a leaf', frameOf(63, '0100000700000000'), 'llrp-trailing', 16],
  ])('%s', (_name, frame, code, offset) => {
    expect(() => decodeMessage(frame)).toThrow(fault(code, offset));
    if (frame[1] === 61) expect(() => decodeTagReads(frame)).toThrow(fault(code, offset));
  });

  it('ends the recursion of parameters that hold themselves', () => {
    const levels = 200;
    const body = Buffer.alloc(levels * 8);
    for (let i = 0; i < levels; i++) {
      body.writeUInt16BE(289, i * 8);
      body.writeUInt16BE((levels - i) * 8, i * 8 + 2);
    }
    expect(() => decodeMessage(frameOf(100, toHex(body)))).toThrow(fault('llrp-nesting', 10 + 33 * 8));
  });

  it('refuses other messages and tags without an EPC on the fast path', () => {
    expect(() => decodeTagReads(fromHex('043e0000000a00000000'))).toThrow(fault('llrp-not-a-report', 0));
    expect(() => decodeTagReads(frameOf(61, '00f00007810001'))).toThrow(fault('llrp-epc-missing', 10));
  });
});

describe('what is not known', () => {
  it.each([
    ['a message type', frameOf(999, 'c0ffee')],
    ['a parameter type', frameOf(61, '02580007aabbcc')],
    ["a TV's number in a TLV header", frameOf(61, '000100060001')],
    [
      "a vendor's parameter in a tag report",
      frameOf(61, '00f0001f 8d3005fb63ac1f3841ec880467 03ff000e0000651a00000039ec78'),
    ],
    ["a vendor's message", frameOf(1023, '0000651a1500000000')],
    ['a custom parameter without data', frameOf(11, '011f000800000000 03ff000c0000651a00000001')],
  ])('%s is kept and written back', (_name, frame) => {
    expect(toHex(encodeMessage(decodeMessage(frame)))).toBe(toHex(frame));
  });

  it('is described', () => {
    expect(decodeMessage(frameOf(999, 'c0ffee'))).toEqual({
      name: 'UNKNOWN',
      version: 1,
      id: 9,
      type: 999,
      bytes: fromHex('c0ffee'),
    });
    // IMPINJ_ENABLE_EXTENSIONS: vendor 25882, subtype 21, four reserved bytes.
    expect(decodeMessage(frameOf(1023, '0000651a1500000000'))).toMatchObject({ vendorId: 25882, subtype: 21 });
  });
});

describe('values', () => {
  it('reads RSSI signed, from -128 to 127', () => {
    const report = (rssi: string) => frameOf(61, `00f000138d${'30'.repeat(12)}86${rssi}`);
    for (const [hex, dbm] of [
      ['80', -128],
      ['bf', -65],
      ['ff', -1],
      ['00', 0],
      ['7f', 127],
    ] as const) {
      expect(decodeTagReads(report(hex))[0]?.peakRssiDbm).toBe(dbm);
      expect(messageToJson(decodeMessage(report(hex)))).toMatchObject({
        parameters: [{ parameters: [{ name: 'EPC96' }, { name: 'PeakRSSI', peakRssiDbm: dbm }] }],
      });
    }
  });

  it('reads an EPC of no bits, and one that ends inside a byte', () => {
    expect(decodeTagReads(frameOf(61, '00f0000a00f100060000'))).toMatchObject([{ epc: '', epcBits: 0 }]);
    expect(decodeTagReads(frameOf(61, '00f0000c00f10008000c3110'))).toMatchObject([{ epc: '3110', epcBits: 12 }]);
  });

  it('ignores reserved bits of headers', () => {
    expect(decodeMessage(frameOf(61, '7cf000118d300000000000000000000001'))).toMatchObject({
      parameters: [{ name: 'TagReportData' }],
    });
  });

  it('reads a status with errors inside errors', () => {
    const message = decodeMessage(frameOf(30, '011f001b 0064 0003 416464 0121 0010 00b1 00c9 0120 0008 0002 012d'));
    const status = statusOf(message);
    expect(status).toEqual(
      llrpStatus(STATUS_CODE.M_ParameterError, 'Add', [
        {
          name: 'ParameterError',
          parameterType: 177,
          errorCode: 201,
          parameters: [{ name: 'FieldError', fieldNum: 2, errorCode: 301 }],
        },
      ]),
    );
    expect(status && describeStatus(status)).toBe(
      'M_ParameterError: Add; parameter ROSpec (177): P_FieldError; field 2: A_OutOfRange',
    );
  });

  it('prints 64-bit numbers and bytes as JSON', () => {
    const json = messageToJson({
      name: 'READER_EVENT_NOTIFICATION',
      version: 1,
      id: 1,
      parameters: [
        { name: 'UTCTimestamp', microseconds: 1385585041558537n },
        { name: 'Uptime', microseconds: 2n ** 64n - 1n },
        { name: 'Custom', vendorId: 1, subtype: 2, data: fromHex('c0ffee') },
      ],
    });
    expect(JSON.parse(JSON.stringify(json)).parameters).toEqual([
      { name: 'UTCTimestamp', microseconds: 1385585041558537 },
      { name: 'Uptime', microseconds: '18446744073709551615' },
      { name: 'Custom', vendorId: 1, subtype: 2, data: 'c0ffee' },
    ]);
  });
});

describe('encoding', () => {
  const wrong: [string, Message, RegExp][] = [
    ['a number too large', { name: 'DELETE_ROSPEC', version: 1, id: 1, roSpecId: 2 ** 32 }, /DELETE_ROSPEC\.roSpecId/],
    ['a fraction', { name: 'DELETE_ROSPEC', version: 1, id: 1, roSpecId: 0.5 }, /whole number/],
    ['a version of four bits', { name: 'KEEPALIVE', version: 8, id: 1 }, /version 8/],
    ['a negative id', { name: 'KEEPALIVE', version: 1, id: -1 }, /id -1/],
    [
      'an EPC of the wrong length',
      { name: 'RO_ACCESS_REPORT', version: 1, id: 1, parameters: [{ name: 'EPC96', epc: '30' }] },
      /EPC96\.epc/,
    ],
    [
      'a session above 3',
      {
        name: 'ADD_ROSPEC',
        version: 1,
        id: 1,
        parameters: [
          inventoryRoSpec({ roSpecId: 1, antennaIds: [1], start: 'command', reportEveryTags: 1, session: 4 }),
        ],
      },
      /C1G2SingulationControl\.session/,
    ],
    [
      'a parameter above 64 kB',
      {
        name: 'ERROR_MESSAGE',
        version: 1,
        id: 1,
        parameters: [{ name: 'Custom', vendorId: 1, subtype: 1, data: Buffer.alloc(65_530) }],
      },
      /at most 65535/,
    ],
    [
      'a text above 64 kB',
      { name: 'ERROR_MESSAGE', version: 1, id: 1, parameters: [llrpStatus(100, 'x'.repeat(70_000))] },
      /LLRPStatus\.errorDescription/,
    ],
    [
      'a message above the bound',
      {
        name: 'UNKNOWN',
        type: 900,
        version: 1,
        id: 1,
        bytes: Buffer.alloc(1 << 20),
      },
      /1048576 are allowed/,
    ],
    [
      'a parameter type above 1023',
      {
        name: 'ERROR_MESSAGE',
        version: 1,
        id: 1,
        parameters: [{ name: 'Unknown', type: 1024, bytes: Buffer.alloc(0) }],
      },
      /1024/,
    ],
  ];
  it.each(wrong)('refuses %s', (_name, message, text) => {
    expect(() => encodeMessage(message)).toThrow(expect.objectContaining({ code: 'llrp-value' }));
    expect(() => encodeMessage(message)).toThrow(text);
  });

  it('names the answer of each request', () => {
    expect([1, 2, 3, 14, 20, 26, 46, 62].map(answerTypeOf)).toEqual([11, 12, 13, 4, 30, 36, 56, 72]);
    expect([60, 61, 72, 100, 500].map(answerTypeOf)).toEqual([undefined, undefined, undefined, undefined, undefined]);
  });

  it('builds the first message of a reader byte for byte', () => {
    const frame = encodeMessage(
      readerEvent({
        version: 1,
        id: 0,
        at: { name: 'UTCTimestamp', microseconds: 1n },
        event: { name: 'ConnectionAttemptEvent', status: 0 },
      }),
    );
    expect(toHex(frame)).toBe('043f0000002000000000' + '00f60016' + '0080000c0000000000000001' + '010000060000');
    expect(decodeHeader(frame)).toEqual({ version: 1, type: 63, length: 32, id: 0 });
  });

  it('builds tag reports that the fast path reads', () => {
    const read = {
      epc: '3074257bf7194e4000001a85',
      epcBits: 96,
      antennaId: 2,
      peakRssiDbm: -61,
      channelIndex: 3,
      firstSeenUtcUs: 1385585041558537,
      lastSeenUtcUs: 1385585041658537,
      firstSeenUptimeUs: 5,
      lastSeenUptimeUs: 6,
      tagSeenCount: 7,
      roSpecId: 8,
      specIndex: 9,
      inventoryParameterSpecId: 10,
      accessSpecId: 11,
      pc: 0x3000,
      crc: 0xbeef,
    };
    const long = { ...read, epc: '36'.repeat(26), epcBits: 208 };
    const parameters = [tagReportData(read), tagReportData(long)];
    expect(decodeTagReads(encodeMessage({ name: 'RO_ACCESS_REPORT', version: 1, id: 1, parameters }))).toEqual([
      read,
      long,
    ]);
  });

  it('writes and reads parameters alone, as they stand inside a parameter of a vendor', () => {
    const parameters = [
      { name: 'AntennaID' as const, antennaId: 1 },
      { name: 'ROSpecID' as const, roSpecId: 2 },
      { name: 'AntennaID' as const, antennaId: 3 },
    ];
    const bytes = encodeParameters(parameters);
    expect(toHex(bytes)).toBe('810001' + '8900000002' + '810003');
    expect(decodeParameters(bytes)).toEqual(parameters);
    expect(decodeParameters(bytes, 3, 8)).toEqual([{ name: 'ROSpecID', roSpecId: 2 }]);
    expect(filterParameters(parameters, 'AntennaID').map(({ antennaId }) => antennaId)).toEqual([1, 3]);
  });
});
