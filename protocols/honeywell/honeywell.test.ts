import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fromHex, toHex } from '../base/bytes.ts';
import { faultOf, named } from '../base/outside-bytes.test-support.ts';
import { decodeHoneywell, encodeHoneywellScan, HoneywellFramer, honeywellCommand } from './index.ts';

const vectors = JSON.parse(readFileSync(new URL('./fixtures/honeywell.json', import.meta.url), 'utf8')) as {
  name: string;
  input: string;
  expected: { data?: string; aim?: string; honeywellId?: string; ack?: boolean };
}[];
const FUZZ = { seed: 20261122, numRuns: 300 };

function codeOf(hex: string): string {
  return faultOf(() => decodeHoneywell(fromHex(hex)));
}

const ean = named(vectors, 'Honeywell DECHDR1 framed EAN-13');
const reply = named(vectors, 'menu reply ACK');

describe('outside frames', () => {
  it('a framed scan', () => {
    const scan = decodeHoneywell(fromHex(ean.input));
    expect(scan).toEqual({
      kind: 'scan',
      honeywellId: ean.expected.honeywellId,
      aim: ean.expected.aim,
      data: Buffer.from(ean.expected.data ?? ''),
    });
    if (scan.kind === 'scan') expect(toHex(encodeHoneywellScan(scan))).toBe(ean.input);
  });

  it('a menu reply', () => {
    expect(decodeHoneywell(fromHex(reply.input))).toEqual({
      kind: 'menu-reply',
      replies: [{ command: 'DECHDR1', result: 'accepted' }],
      stored: true,
    });
  });

  it('the host commands are as published', () => {
    expect(toHex(honeywellCommand.triggerOn())).toBe(named(vectors, 'Honeywell trigger on').input);
    expect(toHex(honeywellCommand.triggerOff())).toBe(named(vectors, 'Honeywell trigger off').input);
    expect(toHex(honeywellCommand.beep())).toBe(named(vectors, 'Honeywell beep').input);
    expect(toHex(honeywellCommand.menu('DECHDR1', { store: true }))).toBe(
      named(vectors, 'Honeywell menu cmd enable header').input,
    );
  });

  it('several commands in one reply, each with its result', () => {
    const text = 'ABC\x05;DEFGHI9\x15!';
    expect(decodeHoneywell(Buffer.from(text, 'latin1'))).toEqual({
      kind: 'menu-reply',
      replies: [
        { command: 'ABC', result: 'unknown-command' },
        { command: 'DEFGHI9', result: 'bad-data' },
      ],
      stored: false,
    });
  });

  it('several subtags in one reply, and the answer to a query (Xenon 1900 User Guide, chapter 11, "Responses")', () => {
    expect(decodeHoneywell(Buffer.from('CBRENA1\x06,SSX0\x06,MIN2\x06.', 'latin1'))).toEqual({
      kind: 'menu-reply',
      replies: ['CBRENA1', 'SSX0', 'MIN2'].map((command) => ({ command, result: 'accepted' })),
      stored: true,
    });
    expect(decodeHoneywell(Buffer.from('CBRENA0-1\x06!', 'latin1'))).toMatchObject({
      replies: [{ command: 'CBRENA0-1', result: 'accepted' }],
    });
  });

  it('control characters inside data stay', () => {
    const data = Buffer.from('[)>\x1e06\x1dP123\x1e\x04', 'latin1');
    expect(decodeHoneywell(encodeHoneywellScan({ honeywellId: 's', aim: ']Q1', data }))).toMatchObject({ data });
  });
});

describe('faults', () => {
  it.each([
    ['', 'honeywell-menu-reply@0'],
    ['16fe', 'honeywell-header@2'],
    ['16fe1c0000000a', 'honeywell-header@6'],
    [ean.input.slice(0, -2), 'honeywell-length@2'],
    [ean.input.replace('30303134', '30303133'), 'honeywell-length@13'],
    [ean.input.replace('4d5347', '4d5348'), 'honeywell-tag@7'],
    ['444543', 'honeywell-menu-reply@3'],
    ['4445430621ff', 'honeywell-menu-reply@5'],
  ])('%s: %s', (hex, fault) => {
    expect(codeOf(hex)).toBe(fault);
  });
});

describe('HoneywellFramer', () => {
  const stream = Buffer.concat([
    fromHex('0016'),
    fromHex(ean.input),
    fromHex(reply.input),
    fromHex('16fe1c'),
    fromHex(ean.input),
  ]);

  it('gives frames split at every offset, in noise', () => {
    const expected = [ean, reply, ean].map((one) => decodeHoneywell(fromHex(one.input)));
    for (let cut = 0; cut <= stream.length; cut++) {
      const framer = new HoneywellFramer();
      const found = [...framer.push(stream.subarray(0, cut)), ...framer.push(stream.subarray(cut)), ...framer.idle()];
      expect(found).toEqual(expected);
      expect(framer.stats).toMatchObject({ bytes: stream.length, frames: 3, discardedBytes: 5 });
    }
  });

  it('any bytes: frames do not depend on the chunks, and nothing but a CodecError is thrown', () => {
    const part = fc.oneof(
      fc.uint8Array({ maxLength: 30 }),
      fc.constantFrom(fromHex(ean.input), fromHex(reply.input), fromHex('16fe'), Buffer.from('ABC\x06', 'latin1')),
    );
    fc.assert(
      fc.property(fc.array(part, { maxLength: 12 }), fc.integer({ min: 1, max: 50 }), (parts, size) => {
        const bytes = Buffer.concat(parts);
        const whole = new HoneywellFramer();
        const cut = new HoneywellFramer();
        const expected = whole.push(bytes);
        const found = [];
        for (let at = 0; at < bytes.length; at += size) found.push(...cut.push(bytes.subarray(at, at + size)));
        expect(found).toEqual(expected);
        expect(cut.stats).toEqual(whole.stats);
        for (const bytesOfPart of parts) codeOf(toHex(bytesOfPart));
      }),
      FUZZ,
    );
  });
});
