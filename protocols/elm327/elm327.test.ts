import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CodecError } from '../base/codec-error.ts';
import { decodeObd, Elm327Framer, encodeObdRaw, MAX_ELM327_ANSWER_BYTES, obdRequest, parseElm327 } from './index.ts';

interface Vector {
  name: string;
  input: string;
  expected: { pid?: string; rpm?: number; kmh?: number; c?: number; supported?: string[]; error?: string };
}

const vectors = JSON.parse(readFileSync(new URL('./fixtures/elm327.json', import.meta.url), 'utf8')) as Vector[];
const FUZZ = { seed: 20261122, numRuns: 500 };

function codeOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (error instanceof CodecError) return error.code;
    throw error;
  }
  return 'no fault';
}

function answerOf(stream: string) {
  const [answer] = new Elm327Framer().push(Buffer.from(stream, 'latin1'));
  return parseElm327(answer ?? '');
}

describe('outside answers', () => {
  it.each(vectors)('$name', ({ input, expected }) => {
    const answer = answerOf(input);
    if (expected.error !== undefined) {
      expect(answer).toEqual({ kind: 'complaint', complaint: 'no-data' });
      return;
    }
    if (answer.kind !== 'data') throw new Error('data expected');
    expect(answer.messages).toHaveLength(1);
    const value = decodeObd(answer.messages[0] ?? Buffer.alloc(0));
    if (expected.pid !== undefined) expect(value.pid).toBe(expected.pid);
    if (expected.supported !== undefined) expect(value).toMatchObject({ kind: 'supported', pids: expected.supported });
    else expect(value).toMatchObject({ kind: 'value', value: expected.rpm ?? expected.kmh ?? expected.c });
  });

  it.each(vectors)('$name, split at every offset', ({ input }) => {
    const stream = Buffer.from(`\0${input}${input}`, 'latin1');
    const expected = input.slice(0, -1);
    for (let cut = 0; cut <= stream.length; cut++) {
      const framer = new Elm327Framer();
      expect([...framer.push(stream.subarray(0, cut)), ...framer.push(stream.subarray(cut))]).toEqual([
        expected,
        expected,
      ]);
      expect(framer.stats).toMatchObject({ frames: 2, discardedBytes: 1 });
    }
  });
});

describe('answers as the data sheet shows them', () => {
  it.each([
    ['SEARCHING...\r41 00 BE 1F B8 10', ['4100be1fb810']],
    ['SEARCHING...41 0D 32', ['410d32']],
    ['410D32', ['410d32']],
    ['BUS INIT: OK\r41 0D 00', ['410d00']],
    // Two modules answer.
    ['41 05 7B\r41 05 7C', ['41057b', '41057c']],
    // The vehicle identification number: 20 bytes in three lines, padded.
    [
      '014\r0: 49 02 01 31 44 34\r1: 47 50 30 30 52 35 35\r2: 42 31 32 33 34 35 36',
      ['49020131443447503030523535423132333435' + '36'],
    ],
  ])('%j', (text, messages) => {
    const answer = parseElm327(text);
    expect(answer.kind === 'data' && answer.messages.map((message) => message.toString('hex'))).toEqual(messages);
  });

  it.each([
    ['?', 'unknown-command'],
    ['STOPPED', 'stopped'],
    ['SEARCHING...\rUNABLE TO CONNECT', 'unable-to-connect'],
    ['BUS INIT: ...ERROR', 'bus-init-error'],
    ['CAN ERROR', 'can-error'],
    ['41 0C 1A <DATA ERROR', 'data-error'],
    ['BUFFER FULL', 'buffer-full'],
    ['010D\rNO DATA', 'no-data'],
    ['ERR94', 'internal-error'],
  ])('%j complains', (text, complaint) => {
    expect(parseElm327(text)).toEqual({ kind: 'complaint', complaint });
  });

  it('texts, echo of the command, empty answers', () => {
    expect(parseElm327('ATZ\r\r\rELM327 v1.5', 'ATZ')).toEqual({ kind: 'text', lines: ['ELM327 v1.5'] });
    expect(parseElm327('ATE0\rOK', 'ATE0')).toEqual({ kind: 'text', lines: ['OK'] });
    expect(parseElm327('12.6V', 'ATRV')).toEqual({ kind: 'text', lines: ['12.6V'] });
    expect(codeOf(() => parseElm327('\r\r'))).toBe('elm327-empty');
    expect(codeOf(() => parseElm327('41 0C 1'))).toBe('elm327-hex');
    expect(codeOf(() => parseElm327('014'))).toBe('elm327-hex');
  });
});

describe('live data', () => {
  it.each([
    ['41a6000f4240', 'odometer', 100000],
    ['410cffff', 'engine-speed', 16383.75],
    ['410500', 'coolant-temperature', -40],
    ['412fff', 'fuel-level', 100],
    ['41423070', 'module-voltage', 12.4],
  ])('%s', (hex, name, value) => {
    expect(decodeObd(Buffer.from(hex, 'hex'))).toMatchObject({ name, value });
  });

  it.each([
    ['', 'obd-too-short'],
    ['410c1a', 'obd-too-short'],
    ['4100be', 'obd-too-short'],
    ['490201', 'obd-mode'],
    ['41ff00', 'obd-pid'],
  ])('refuses %s: %s', (hex, code) => {
    expect(codeOf(() => decodeObd(Buffer.from(hex, 'hex')))).toBe(code);
  });

  it('requests and simulated answers', () => {
    expect(obdRequest(0x0d)).toBe('010D\r');
    expect(encodeObdRaw(0x0c, 0x1af8)).toBe('41 0C 1A F8');
    expect(encodeObdRaw(0xa6, 1000000)).toBe('41 A6 00 0F 42 40');
  });
});

describe('any bytes', () => {
  it('are bounded, and discarded up to the next prompt', () => {
    const framer = new Elm327Framer();
    expect(framer.push(Buffer.alloc(MAX_ELM327_ANSWER_BYTES + 100, 0x41))).toEqual([]);
    expect(framer.push(Buffer.from('>OK\r>'))).toEqual(['OK\r']);
    expect(framer.stats).toMatchObject({ frames: 1, discardedBytes: MAX_ELM327_ANSWER_BYTES + 101 });
    framer.push(Buffer.from('half'));
    expect(framer.idle()).toEqual([]);
    expect(framer.push(Buffer.from('OK>'))).toEqual(['OK']);
  });

  it('give a value or a CodecError', () => {
    const line = fc.oneof(
      fc.string(),
      fc.constantFrom('41 0C 1A F8', '014', '0: 49 02', '1: 3', 'NO DATA', '01 0C', '>'),
    );
    fc.assert(
      fc.property(fc.array(line, { maxLength: 8 }), fc.integer({ min: 1, max: 9 }), (lines, size) => {
        const stream = Buffer.from(lines.join('\r'), 'latin1');
        const whole = new Elm327Framer();
        const cut = new Elm327Framer();
        const expected = whole.push(stream);
        const found: string[] = [];
        for (let at = 0; at < stream.length; at += size) found.push(...cut.push(stream.subarray(at, at + size)));
        expect(found).toEqual(expected);
        for (const text of [...expected, lines.join('\r')]) {
          codeOf(() => {
            const answer = parseElm327(text);
            if (answer.kind === 'data') for (const message of answer.messages) codeOf(() => decodeObd(message));
          });
        }
      }),
      FUZZ,
    );
  });
});

describe('answers with headers', () => {
  // ELM327 data sheet v2.3, "Interpreting responses" and "Multiline responses", with the headers that ATH1 adds.
  it.each([
    ['7E8 03 41 0D 32', ['410d32']],
    ['7E803410D32', ['410d32']],
    ['7E8 06 41 00 BE 3E B8 11\r7E9 06 41 00 80 00 00 01', ['4100be3eb811', '410080000001']],
    ['18 DA F1 10 04 41 0C 1A F8', ['410c1af8']],
    ['48 6B 10 41 00 BE 3E B8 11 FA', ['4100be3eb811']],
    ['84 F1 11 41 0C 1A F8 D5', ['410c1af8']],
    [
      '7E8 10 14 49 02 01 31 44 34\r7E8 21 47 50 30 30 52 35 35\r7E8 22 42 31 32 33 34 35 36',
      ['4902013144344750303052353542313233343536'],
    ],
  ])('%j', (text, messages) => {
    const answer = parseElm327(text);
    expect(answer.kind === 'data' && answer.messages.map((message) => message.toString('hex'))).toEqual(messages);
  });

  it.each([
    ['7E8 05 41 0D 32'],
    ['7E8 10 14 49 02 01 31 44 34'],
    ['7E8 22 47 50 30 30 52 35 35'],
    ['7E8 10 14 49 02 01 31 44 34\r7E8 22 47 50 30 30 52 35 35'],
  ])('%j is refused', (text) => {
    expect(() => parseElm327(text)).toThrow(expect.objectContaining({ code: 'elm327-frame' }));
  });
});
