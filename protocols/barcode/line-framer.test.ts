import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LineFramer, type LineFramerOptions } from './line-framer.ts';

/** Frames of a stream as latin1 text, pushed in two chunks cut at `cut`. */
function frames(
  stream: Uint8Array,
  options: LineFramerOptions,
  cut = stream.length,
): { texts: string[]; framer: LineFramer } {
  const framer = new LineFramer(options);
  const found = [...framer.push(stream.subarray(0, cut)), ...framer.push(stream.subarray(cut))];
  return { texts: found.map((frame) => frame.toString('latin1')), framer };
}

interface Case {
  name: string;
  options?: LineFramerOptions;
  stream: string;
  expected: string[];
  discarded?: number;
}

const CASES: Case[] = [
  { name: 'CR', stream: 'A\rB\r', expected: ['A', 'B'] },
  { name: 'LF', stream: 'A\nB\n', expected: ['A', 'B'] },
  { name: 'CRLF ends one line, not two', stream: 'A\r\nB\r\n\r\nC\r\n', expected: ['A', 'B', 'C'] },
  { name: 'LFCR', stream: 'A\n\rB\n\r', expected: ['A', 'B'] },
  {
    name: 'CRLF alone: a CR is data',
    options: { suffixes: ['crlf'] },
    stream: 'A\rB\r\nC\r\n',
    expected: ['A\rB', 'C'],
  },
  { name: 'TAB', options: { suffixes: ['tab'] }, stream: 'A\tB\r\t', expected: ['A', 'B\r'] },
  {
    name: 'GS, RS and EOT stay in the payload',
    stream: ']C142010001\x1d00106141412345678908\r[)>\x1e06\x1d1JUN1\x1e\x04\r',
    expected: [']C142010001\x1d00106141412345678908', '[)>\x1e06\x1d1JUN1\x1e\x04'],
  },
  {
    name: 'STX ETX',
    options: { prefix: 'stx', suffixes: ['etx'] },
    stream: '\x02A\rB\x03\x02C\x03',
    expected: ['A\rB', 'C'],
  },
  {
    name: 'STX ETX with CRLF between frames',
    options: { prefix: 'stx', suffixes: ['etx'] },
    stream: '\x02A\x03\r\n\x02B\x03\r\n',
    expected: ['A', 'B'],
  },
  {
    name: 'ETX CRLF',
    options: { prefix: 'stx', suffixes: ['etx-crlf', 'etx'] },
    stream: '\x02A\x03\r\n\x02B\x03\x02C\x03',
    expected: ['A', 'B', 'C'],
  },
  {
    name: 'noise between frames is counted',
    options: { prefix: 'stx', suffixes: ['etx'] },
    stream: 'noise\x02A\x03xx\x02B\x03',
    expected: ['A', 'B'],
    discarded: 7,
  },
  {
    name: 'a lost ETX costs one frame',
    options: { prefix: 'stx', suffixes: ['etx'] },
    stream: '\x02LOST\x02B\x03',
    expected: ['B'],
    discarded: 4,
  },
  {
    name: 'a prefix that overlaps itself',
    options: { prefix: Buffer.from('##>'), suffixes: ['cr'] },
    stream: '###>A\r#>\r##>B\r',
    expected: ['A', 'B'],
    discarded: 3,
  },
  {
    name: 'an overlong line is discarded up to its terminator',
    options: { maxLength: 4 },
    stream: 'ABCD\rABCDE\rOK\rABCDEFGHIJKLMNOP\r\nOK2\r',
    expected: ['ABCD', 'OK', 'OK2'],
    discarded: 6 + 17,
  },
  {
    name: 'an overlong line with a two-byte terminator',
    options: { maxLength: 4, suffixes: ['crlf'] },
    stream: 'ABCDEFGHIJ\r\nOK\r\n',
    expected: ['OK'],
    discarded: 12,
  },
  {
    name: 'half of a longer terminator is data',
    options: { suffixes: ['cr', Buffer.from('\r\n\n')] },
    stream: 'A\r\nB\r',
    expected: ['A', '\nB'],
  },
  { name: 'bytes above 7F', stream: 'Z\xfcrich\xff\r', expected: ['Z\xfcrich\xff'] },
];

describe('LineFramer', () => {
  it.each(CASES)('$name, cut at every byte', ({ options = {}, stream, expected, discarded = 0 }) => {
    const bytes = Buffer.from(stream, 'latin1');
    for (let cut = 0; cut <= bytes.length; cut++) {
      const { texts, framer } = frames(bytes, options, cut);
      expect(texts).toEqual(expected);
      expect(framer.stats).toMatchObject({ bytes: bytes.length, frames: expected.length, discardedBytes: discarded });
    }
  });

  it('ends a frame by silence when it may', () => {
    const framer = new LineFramer({ suffixes: [], idle: true });
    expect(framer.push(Buffer.from('12345'))).toEqual([]);
    expect(framer.idle().map(String)).toEqual(['12345']);
    expect(framer.idle()).toEqual([]);
    expect(framer.stats).toMatchObject({ bytes: 5, frames: 1, discardedBytes: 0 });
  });

  it('forgets a torn frame when the line goes quiet', () => {
    const framer = new LineFramer({ prefix: 'stx', suffixes: ['etx'] });
    framer.push(Buffer.from('\x02TORN'));
    expect(framer.idle()).toEqual([]);
    expect(framer.push(Buffer.from('\x02NEXT\x03')).map(String)).toEqual(['NEXT']);
    expect(framer.stats.discardedBytes).toBe(4);
  });

  it('does not give an overlong line at silence', () => {
    const framer = new LineFramer({ suffixes: ['cr'], idle: true, maxLength: 3 });
    framer.push(Buffer.from('ABCDEFG'));
    expect(framer.idle()).toEqual([]);
    expect(framer.stats.discardedBytes).toBe(7);
  });

  it('never gives out memory that it uses again', () => {
    const framer = new LineFramer();
    const [first] = framer.push(Buffer.from('FIRST\r'));
    framer.push(Buffer.from('SECOND\r'));
    expect(String(first)).toBe('FIRST');
  });

  it.each([
    [{ suffixes: [] }, /silence/],
    [{ suffixes: [Buffer.alloc(0)] }, /at least one byte/],
    [{ maxLength: 0 }, /maxLength/],
  ] as [LineFramerOptions, RegExp][])('refuses options %j', (options, message) => {
    expect(() => new LineFramer(options)).toThrow(message);
  });

  it('gives the same frames however the stream is cut, and accounts for every byte', () => {
    const alphabet = fc.constantFrom(0x02, 0x03, 0x0a, 0x0d, 0x1d, 0x41, 0x42);
    const variants: LineFramerOptions[] = [
      { maxLength: 6 },
      { maxLength: 6, prefix: 'stx', suffixes: ['etx'] },
      { maxLength: 6, suffixes: ['crlf', 'etx-crlf'] },
      { maxLength: 6, prefix: Buffer.from('AAB'), suffixes: ['cr', 'crlf'], idle: true },
    ];
    fc.assert(
      fc.property(
        fc.array(alphabet, { maxLength: 60 }),
        fc.array(fc.nat(60), { maxLength: 5 }),
        fc.constantFrom(...variants),
        (bytes, cuts, options) => {
          const stream = Uint8Array.from(bytes);
          const whole = frames(stream, options);
          const framer = new LineFramer(options);
          const pieces: string[] = [];
          let from = 0;
          for (const cut of [...cuts.filter((cut) => cut <= bytes.length).sort((a, b) => a - b), bytes.length]) {
            pieces.push(...framer.push(stream.subarray(from, cut)).map((frame) => frame.toString('latin1')));
            from = cut;
          }
          expect(pieces).toEqual(whole.texts);
          expect(framer.stats).toEqual(whole.framer.stats);
          framer.idle();
          const payload = whole.texts.reduce((sum, text) => sum + text.length, 0);
          expect(framer.stats.discardedBytes + payload).toBeLessThanOrEqual(framer.stats.bytes);
          for (const text of whole.texts) expect(text.length).toBeGreaterThan(0);
          for (const text of whole.texts) expect(text.length).toBeLessThanOrEqual(6);
        },
      ),
      { seed: 20261123, numRuns: 500 },
    );
  });
});
