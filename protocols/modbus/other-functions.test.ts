import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fromHex } from '../base/bytes.ts';
import { CodecError } from '../base/codec-error.ts';
import { describeFrame } from './describe.ts';
import { encodeRtu } from './rtu.ts';

const frameOf = (pdu: string) => describeFrame(encodeRtu({ unitId: 1, pdu: fromHex(pdu) }));

/** The examples of MODBUS Application Protocol V1.1b3, clauses 6.7–6.21: request and answer. */
const EXAMPLES: [name: string, request: string, asked: object, response: string, answered: object][] = [
  ['07 read-exception-status', '07', {}, '076d', { status: 0x6d }],
  ['08 diagnostics', '080000a537', { subFunction: 0, data: 'a537' }, '080000a537', { subFunction: 0, data: 'a537' }],
  ['0b get-comm-event-counter', '0b', {}, '0bffff0108', { status: 0xffff, eventCount: 0x108 }],
  [
    '0c get-comm-event-log',
    '0c',
    {},
    '0c08000001080121 2000',
    { status: 0, eventCount: 0x108, messageCount: 0x121, events: '2000' },
  ],
  [
    '14 read-file-record',
    '140e0600040001000206000300090002',
    { data: '0600040001000206000300090002' },
    '140c05060dfe0020050633cd0040',
    { data: '05060dfe0020050633cd0040' },
  ],
  [
    '15 write-file-record',
    '150d0600040007000306af04be100d',
    { data: '0600040007000306af04be100d' },
    '150d0600040007000306af04be100d',
    { data: '0600040007000306af04be100d' },
  ],
  [
    '16 mask-write-register',
    '16000400f20025',
    { address: 4, andMask: 0xf2, orMask: 0x25 },
    '16000400f20025',
    { address: 4, andMask: 0xf2, orMask: 0x25 },
  ],
  [
    '17 read-write-multiple-registers',
    '1700030006000e00030600ff00ff00ff',
    { readAddress: 3, readQuantity: 6, writeAddress: 14, values: [255, 255, 255] },
    '170c00fe0acd00010003000d00ff',
    { values: [0xfe, 0xacd, 1, 3, 0xd, 0xff] },
  ],
  ['18 read-fifo-queue', '1804de', { address: 0x4de }, '180006000201b81284', { values: [0x1b8, 0x1284] }],
  [
    '2b read device identification',
    '2b0e0100',
    { meiType: 14, readDeviceIdCode: 1, objectId: 0 },
    `2b0e0101000003 0016${Buffer.from('Company identification').toString('hex')} 010d${Buffer.from('Product code XX').subarray(0, 13).toString('hex')} 0205${Buffer.from('V2.11').toString('hex')}`,
    {
      conformityLevel: 1,
      moreFollows: 0,
      objects: { vendorName: 'Company identification', productCode: 'Product code ', majorMinorRevision: 'V2.11' },
    },
  ],
];

describe('functions that no driver uses', () => {
  it.each(EXAMPLES)('%s', (_name, request, asked, response, answered) => {
    expect(frameOf(request).fields?.request).toMatchObject(asked);
    expect(frameOf(response).fields?.response).toMatchObject(answered);
  });

  it.each([
    ['1600', 'modbus-length', 2],
    ['2b0e', 'modbus-length', 2],
    ['640102', 'modbus-function-unsupported', 1],
  ])('%s is %s', (pdu, code, offset) => {
    expect(() => frameOf(pdu)).toThrow(expect.objectContaining({ code, offset }));
  });

  it('give a description or a CodecError for any fields', () => {
    const functions = fc.constantFrom(0x07, 0x08, 0x0b, 0x0c, 0x11, 0x14, 0x15, 0x16, 0x17, 0x18, 0x2b);
    fc.assert(
      fc.property(functions, fc.uint8Array({ maxLength: 40 }), (functionCode, body) => {
        try {
          const { fields } = describeFrame(encodeRtu({ unitId: 1, pdu: Buffer.from([functionCode, ...body]) }));
          expect(fields?.request ?? fields?.response).toBeDefined();
        } catch (error) {
          expect(error).toBeInstanceOf(CodecError);
        }
      }),
      { seed: 20261123, numRuns: 1_000 },
    );
  });
});
