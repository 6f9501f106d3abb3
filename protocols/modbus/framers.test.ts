import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fromHex, toHex } from '../base/bytes.ts';
import { CodecError } from '../base/codec-error.ts';
import type { Framer } from '../base/framer.ts';
import {
  decodeAscii,
  decodeRequestPdu,
  decodeResponsePdu,
  describeFrame,
  encodeRequestPdu,
  encodeRtu,
  encodeTcp,
  exceptionForFault,
  type ModbusRequest,
  ModbusTcpFramer,
  RtuRequestFramer,
  RtuResponseFramer,
} from './index.ts';

const FUZZ = { seed: 20261122, numRuns: 300 };
const vectors = JSON.parse(readFileSync(new URL('./fixtures/modbus-rtu.json', import.meta.url), 'utf8')) as {
  name: string;
  input: string;
  expected: { slave?: number };
}[];
const described = vectors
  .filter((vector) => vector.expected.slave !== undefined)
  .map((vector) => ({ ...vector, bytes: fromHex(vector.input), frame: describeFrame(fromHex(vector.input)) }));
const requests = described.filter((vector) => vector.frame.request !== undefined);
const answers = described.filter((vector) => vector.frame.request === undefined);

function feed<T>(framer: Framer<T>, ...chunks: Uint8Array[]): T[] {
  return chunks.flatMap((chunk) => framer.push(chunk));
}

/** A request whose answer has the shape of this response. */
function requestFor(frame: (typeof answers)[number]['frame']): ModbusRequest {
  const { response, functionCode } = frame;
  if (response?.kind === 'bits' || response?.kind === 'registers') {
    return { kind: 'read', functionCode: response.functionCode, address: 0, quantity: response.values.length };
  }
  if (response?.kind === 'range-written') {
    return { kind: 'write-registers', functionCode: 0x10, address: response.address, values: [1] };
  }
  return { kind: 'read', functionCode: functionCode === 4 ? 4 : 3, address: 0, quantity: 3 };
}

function consistent(stats: Framer<unknown>['stats'], held: number, given: number): void {
  expect(stats.bytes).toBe(given + stats.discardedBytes + held);
}

describe('RtuRequestFramer', () => {
  it.each(requests)('$name, split at every offset, in noise', ({ bytes, frame }) => {
    const stream = Buffer.concat([fromHex('00ff7e'), bytes, bytes, fromHex('ff')]);
    for (let cut = 0; cut <= stream.length; cut++) {
      const framer = new RtuRequestFramer();
      const found = [...feed(framer, stream.subarray(0, cut), stream.subarray(cut)), ...framer.idle()];
      expect(found.map((one) => toHex(encodeRtu(one)))).toEqual([toHex(bytes), toHex(bytes)]);
      expect(found[0]?.unitId).toBe(frame.unitId);
      expect(framer.stats).toMatchObject({ bytes: stream.length, frames: 2, discardedBytes: 4 });
    }
  });

  it('finds whole requests behind a torn one when the line goes quiet', () => {
    // The torn write asks for 123 registers, so its length covers all that follows.
    const torn = fromHex('01100000007bf60000');
    const whole = fromHex('010400010002200b');
    const framer = new RtuRequestFramer();
    expect(feed(framer, torn, whole, whole)).toEqual([]);
    expect(framer.idle()).toHaveLength(2);
    expect(framer.stats).toMatchObject({ discardedBytes: torn.length, frames: 2 });
  });

  it('gives public functions that it cannot decode, so that the server can refuse them', () => {
    const pdus = ['11', '2b0e0100', '170000000100000001020001', '1600040000ffff', '180001', '140706000400010002'];
    const framer = new RtuRequestFramer();
    const found = feed(framer, ...pdus.map((pdu) => encodeRtu({ unitId: 5, pdu: fromHex(pdu) })));
    expect(found.map((frame) => frame.pdu[0])).toEqual([0x11, 0x2b, 0x17, 0x16, 0x18, 0x14]);
    for (const frame of found) {
      try {
        decodeRequestPdu(frame.pdu);
        expect.unreachable();
      } catch (error) {
        expect(error).toBeInstanceOf(CodecError);
        if (error instanceof CodecError) expect(exceptionForFault(error)).toBe(1);
      }
    }
  });

  it('maps refusals to the exceptions that clause 7 names', () => {
    expect(exceptionForFault(new CodecError({ code: 'modbus-address-range', message: '' }))).toBe(2);
    expect(exceptionForFault(new CodecError({ code: 'modbus-quantity', message: '' }))).toBe(3);
  });
});

describe('RtuResponseFramer', () => {
  it.each(answers)('$name, split at every offset, in noise', ({ bytes, frame }) => {
    const stream = Buffer.concat([fromHex('0001047e'), bytes, fromHex('aa')]);
    for (let cut = 0; cut <= stream.length; cut++) {
      const framer = new RtuResponseFramer();
      framer.prime(frame.unitId, requestFor(frame));
      const found = feed(framer, stream.subarray(0, cut), stream.subarray(cut));
      expect(found.map((one) => toHex(encodeRtu(one)))).toEqual([toHex(bytes)]);
      expect(framer.waiting).toBe(false);
      expect(framer.stats).toMatchObject({ bytes: stream.length, frames: 1, discardedBytes: 5 });
    }
  });

  const read: ModbusRequest = { kind: 'read', functionCode: 4, address: 1, quantity: 2 };
  const answer = fromHex('01040400eb0237cb06');

  it('is not misled by an adapter that echoes the request', () => {
    const framer = new RtuResponseFramer();
    framer.prime(1, read);
    expect(feed(framer, encodeRtu({ unitId: 1, pdu: encodeRequestPdu(read) }), answer)).toHaveLength(1);
  });

  it('ignores other units, other lengths and what arrives unasked', () => {
    const framer = new RtuResponseFramer();
    expect(framer.push(answer)).toEqual([]);
    framer.prime(2, read);
    expect(framer.push(answer)).toEqual([]);
    framer.prime(1, { ...read, quantity: 1 });
    expect(framer.push(answer)).toEqual([]);
    framer.prime(1, read);
    expect(framer.push(answer)).toHaveLength(1);
    expect(framer.stats.discardedBytes).toBe(3 * answer.length);
  });

  it('counts a wrong CRC and takes the repetition', () => {
    const framer = new RtuResponseFramer();
    framer.prime(1, read);
    const torn = Buffer.from(answer);
    torn[4] = 0xec;
    expect(feed(framer, torn, answer)).toHaveLength(1);
    expect(framer.stats).toMatchObject({ checksumErrors: 1, discardedBytes: answer.length });
  });

  it('forgets on idle()', () => {
    const framer = new RtuResponseFramer();
    framer.prime(1, read);
    framer.push(answer.subarray(0, 5));
    expect(framer.idle()).toEqual([]);
    expect(framer.push(answer.subarray(5))).toEqual([]);
    expect(framer.stats.discardedBytes).toBe(answer.length);
  });

  it('nobody answers a broadcast', () => {
    expect(() => new RtuResponseFramer().prime(0, read)).toThrow(RangeError);
  });
});

describe('ModbusTcpFramer', () => {
  it('gives frames split at every offset and skips what is no header', () => {
    const one = encodeTcp({ transactionId: 0x0102, unitId: 1, pdu: fromHex('0402012f') });
    const longest = encodeTcp({ transactionId: 0xffff, unitId: 1, pdu: Buffer.alloc(253, 3) });
    const stream = Buffer.concat([fromHex('ffffffff'), one, longest, one]);
    for (let cut = 0; cut <= stream.length; cut++) {
      const framer = new ModbusTcpFramer();
      const found = feed(framer, stream.subarray(0, cut), stream.subarray(cut));
      expect(found.map(encodeTcp)).toEqual([one, longest, one]);
      expect(framer.stats).toMatchObject({ frames: 3, discardedBytes: 4 });
    }
  });

  it('drops an unfinished frame with the connection', () => {
    const framer = new ModbusTcpFramer();
    framer.push(fromHex('000100000006'));
    expect(framer.idle()).toEqual([]);
    expect(framer.stats.discardedBytes).toBe(6);
  });
});

/** Random bytes with pieces of real frames, so that headers match often. */
const noisyStream = fc
  .array(
    fc.oneof(
      fc.uint8Array({ maxLength: 20 }),
      fc.constantFrom(...described.map((vector) => vector.bytes)),
      fc
        .tuple(fc.constantFrom(...described.map((vector) => vector.bytes)), fc.nat(10))
        .map(([bytes, cut]) => bytes.subarray(0, cut)),
    ),
    { maxLength: 30 },
  )
  .map((parts) => Buffer.concat(parts));

function chunked(stream: Buffer, sizes: readonly number[]): Buffer[] {
  const chunks: Buffer[] = [];
  for (let at = 0, i = 0; at < stream.length; i++) {
    const size = sizes[i % sizes.length] ?? 1;
    chunks.push(stream.subarray(at, at + size));
    at += size;
  }
  return chunks;
}

describe('any bytes', () => {
  const sizes = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 8 });

  it.each([
    ['RtuRequestFramer', () => new RtuRequestFramer()],
    [
      'RtuResponseFramer',
      () => {
        const framer = new RtuResponseFramer();
        framer.prime(1, { kind: 'read', functionCode: 4, address: 1, quantity: 2 });
        return framer;
      },
    ],
  ])('%s: frames do not depend on the chunks, and no byte is lost from the books', (_name, create) => {
    fc.assert(
      fc.property(noisyStream, sizes, (stream, cuts) => {
        const whole = create();
        const cut = create();
        const expected = whole.push(stream);
        expect(feed(cut, ...chunked(stream, cuts))).toEqual(expected);
        expect(cut.stats).toEqual(whole.stats);
        const all = [...expected, ...whole.idle()];
        consistent(
          whole.stats,
          0,
          all.reduce((sum, frame) => sum + frame.pdu.length + 3, 0),
        );
      }),
      FUZZ,
    );
  });

  it('ModbusTcpFramer: likewise', () => {
    const tcpStream = fc
      .array(
        fc.oneof(
          fc.uint8Array({ maxLength: 12 }),
          fc
            .uint8Array({ minLength: 1, maxLength: 253 })
            .map((pdu) => encodeTcp({ transactionId: pdu.length, unitId: 1, pdu })),
        ),
        { maxLength: 12 },
      )
      .map((parts) => Buffer.concat(parts));
    fc.assert(
      fc.property(tcpStream, sizes, (stream, cuts) => {
        const whole = new ModbusTcpFramer();
        const cut = new ModbusTcpFramer();
        const expected = whole.push(stream);
        expect(feed(cut, ...chunked(stream, cuts))).toEqual(expected);
        whole.idle();
        consistent(
          whole.stats,
          0,
          expected.reduce((sum, frame) => sum + frame.pdu.length + 7, 0),
        );
      }),
      FUZZ,
    );
  });

  it('decoders give a value or a CodecError', () => {
    const decoders = [
      describeFrame,
      (bytes: Uint8Array) => decodeRequestPdu(bytes),
      (bytes: Uint8Array) => decodeResponsePdu(bytes),
      (bytes: Uint8Array) => decodeAscii(Buffer.from(bytes).toString('latin1')),
      (bytes: Uint8Array) => describeFrame(encodeRtu({ unitId: 1, pdu: bytes.length === 0 ? Buffer.of(1) : bytes })),
    ];
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
        for (const decode of decoders) {
          try {
            decode(bytes);
          } catch (error) {
            expect(error).toBeInstanceOf(CodecError);
          }
        }
      }),
      { ...FUZZ, numRuns: 1000 },
    );
  });

  it('requests survive encode and decode', () => {
    const address = fc.integer({ min: 0, max: 60000 });
    const request: fc.Arbitrary<ModbusRequest> = fc.oneof(
      fc.record({
        kind: fc.constant('read' as const),
        functionCode: fc.constantFrom(1 as const, 2 as const, 3 as const, 4 as const),
        address,
        quantity: fc.integer({ min: 1, max: 125 }),
      }),
      fc.record({
        kind: fc.constant('write-coils' as const),
        functionCode: fc.constant(15 as const),
        address,
        values: fc.array(fc.boolean(), { minLength: 1, maxLength: 1968 }),
      }),
      fc.record({
        kind: fc.constant('write-registers' as const),
        functionCode: fc.constant(16 as const),
        address,
        values: fc.array(fc.integer({ min: 0, max: 65535 }), { minLength: 1, maxLength: 123 }),
      }),
    );
    fc.assert(
      fc.property(request, (value) => {
        expect(decodeRequestPdu(encodeRequestPdu(value))).toEqual(value);
      }),
      { ...FUZZ, numRuns: 200 },
    );
  });
});
