import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fromHex, toHex } from '../base/bytes.ts';
import { CodecError } from '../base/codec-error.ts';
import { faultOf } from '../base/outside-bytes.test-support.ts';
import {
  decodeSsi,
  encodeSsi,
  interpretSsi,
  MAX_SSI_SCAN_BYTES,
  SsiFramer,
  SsiScanAssembler,
  ssiAck,
  ssiBeep,
  ssiBeepCode,
  ssiDecodeData,
  ssiLed,
  ssiLongDecodeData,
  ssiMultipacket,
  ssiNak,
  ssiResend,
  ssiScanDisable,
  ssiSetParameter,
  ssiStartSession,
  ssiStopSession,
} from './index.ts';

interface Vector {
  name: string;
  input: string;
  expected: {
    opcode: number;
    opcodeName: string;
    source: 'host' | 'decoder' | number;
    status: number;
    checksumOk: boolean;
    data: string;
    codeType?: number;
    text?: string;
    continuation?: boolean;
    retransmit?: boolean;
    params?: { number: number; value: number }[];
  };
}

const vectors = JSON.parse(readFileSync(new URL('./fixtures/ssi.json', import.meta.url), 'utf8')) as Vector[];
const valid = vectors.filter((vector) => vector.expected.checksumOk);
const FUZZ = { seed: 20261122, numRuns: 300 };

describe('outside packets', () => {
  it.each(valid)('$name', ({ input, expected }) => {
    const packet = decodeSsi(fromHex(input));
    const message = interpretSsi(packet);
    expect(toHex(packet.data)).toBe(expected.data);
    expect(message).toMatchObject({ opcode: expected.opcode, source: expected.source, status: expected.status });
    // The vectors write opcodes without a name as "(raw 0x00)".
    if (!expected.opcodeName.startsWith('(')) expect(message.opcodeName).toBe(expected.opcodeName);
    if (expected.codeType !== undefined) expect(message.body).toMatchObject({ codeType: expected.codeType });
    if (expected.continuation !== undefined) expect(message.continuation).toBe(expected.continuation);
    if (expected.retransmit !== undefined) expect(message.retransmit).toBe(expected.retransmit);
    if (expected.params !== undefined) expect(message.body).toMatchObject({ parameters: expected.params });
    if (expected.text !== undefined && message.body.kind === 'decode-data') {
      expect(Buffer.from(message.body.data).toString()).toBe(expected.text);
    }
    expect(toHex(encodeSsi(packet))).toBe(input);
  });

  it('refuses the packet with the wrong checksum', () => {
    const bad = vectors.filter((vector) => !vector.expected.checksumOk);
    expect(bad.map((vector) => faultOf(() => decodeSsi(fromHex(vector.input))))).toEqual(['ssi-checksum@5']);
  });

  it('names beeps in the order of their codes', () => {
    const codes = (['one-short-high', 'one-short-low', 'four-long-low', 'fast-warble', 'low-high-low'] as const).map(
      ssiBeepCode,
    );
    expect(codes).toEqual([0x00, 0x05, 0x12, 0x14, 0x19]);
  });

  it('sends the same again with the retransmit bit', () => {
    expect(toHex(ssiResend(ssiSetParameter(0xee, 1, { permanent: true })))).toBe('07c6040900ee01fe37');
  });

  it.each<[string, Buffer]>([
    ['host CMD_ACK', ssiAck()],
    ['CMD_NAK RESEND', ssiNak(1)],
    ['CMD_NAK DENIED', ssiNak(6)],
    ['host START_SESSION', ssiStartSession()],
    ['STOP_SESSION', ssiStopSession()],
    ['SCAN_DISABLE', ssiScanDisable()],
    ['LED_ON', ssiLed(true)],
    ['BEEP code 1', ssiBeep(1)],
    ['PARAM_SEND decode packet format = packet (param 0xEE=1)', ssiSetParameter(0xee, 1, { permanent: true })],
  ])('the command %s is as published', (name, packet) => {
    expect(toHex(packet)).toBe(vectors.find((vector) => vector.name === name)?.input);
  });
});

describe('faults', () => {
  it.each([
    ['', 'ssi-length@0'],
    ['03d00400ff29', 'ssi-length@0'],
    ['04d00400ff', 'ssi-length@0'],
    ['04d00400ff2800', 'ssi-length@0'],
    ['04d00400ff29', 'ssi-checksum@4'],
  ])('packet %s: %s', (hex, fault) => {
    expect(faultOf(() => decodeSsi(fromHex(hex)))).toBe(fault);
  });

  it.each([
    ['DECODE_DATA without a code type', 0xf3, ''],
    ['NAK without a cause', 0xd1, ''],
    ['a parameter without its value', 0xc6, '00ee'],
    ['a word parameter with one byte', 0xc6, 'fff4f03e04'],
    ['an extended number cut off', 0xc6, 'fff0'],
  ])('%s', (_name, opcode, data) => {
    expect(faultOf(() => interpretSsi({ opcode, source: 0, status: 0, data: fromHex(data) }))).toMatch(
      /^ssi-too-short@/,
    );
  });

  it('reads parameters of every width', () => {
    const parsed = interpretSsi({ opcode: 0xc6, source: 4, status: 0, data: fromHex('00ee01f13e05f801400a') });
    expect(parsed.body).toMatchObject({
      parameters: [
        { number: 0xee, value: 1 },
        { number: 512 + 0x3e, value: 5 },
        { number: 0x140, value: 10 },
      ],
    });
  });
});

describe('SsiFramer', () => {
  it.each(valid)('$name, split at every offset, between wake-up zeros', ({ input }) => {
    const packet = fromHex(input);
    const stream = Buffer.concat([fromHex('000003'), packet, fromHex('00'), packet]);
    for (let cut = 0; cut <= stream.length; cut++) {
      const framer = new SsiFramer();
      const found = [...framer.push(stream.subarray(0, cut)), ...framer.push(stream.subarray(cut))];
      expect(found.map((one) => toHex(encodeSsi(one)))).toEqual([input, input]);
      expect(framer.stats).toMatchObject({ frames: 2, discardedBytes: 4 });
    }
  });

  it('finds packets behind noise when the line goes quiet', () => {
    const framer = new SsiFramer();
    // 7A announces 124 bytes.
    expect([...framer.push(fromHex('7a41')), ...framer.push(ssiDecodeData(3, Buffer.from('42')))]).toEqual([]);
    expect(framer.idle()).toMatchObject([{ opcode: 0xf3 }]);
    expect(framer.stats.discardedBytes).toBe(2);
  });

  it('any bytes: frames do not depend on the chunks, and no byte is lost from the books', () => {
    const part = fc.oneof(
      fc.uint8Array({ maxLength: 20 }),
      fc.constantFrom(...valid.map((vector) => fromHex(vector.input))),
    );
    fc.assert(
      fc.property(fc.array(part, { maxLength: 12 }), fc.integer({ min: 1, max: 60 }), (parts, size) => {
        const stream = Buffer.concat(parts);
        const whole = new SsiFramer();
        const cut = new SsiFramer();
        const expected = whole.push(stream);
        const found = [];
        for (let at = 0; at < stream.length; at += size) found.push(...cut.push(stream.subarray(at, at + size)));
        expect(found).toEqual(expected);
        expect(cut.stats).toEqual(whole.stats);
        const given = [...expected, ...whole.idle()].reduce((sum, packet) => sum + packet.data.length + 6, 0);
        expect(whole.stats.bytes).toBe(given + whole.stats.discardedBytes);
        for (const packet of expected) {
          try {
            interpretSsi(packet);
          } catch (error) {
            expect(error).toBeInstanceOf(CodecError);
          }
        }
      }),
      FUZZ,
    );
  });

  it('any bytes decode to a value or a CodecError', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 255 }), fc.uint8Array({ maxLength: 30 }), (opcode, data) => {
        for (const run of [() => decodeSsi(data), () => interpretSsi({ opcode, source: 0, status: 0, data })]) {
          try {
            run();
          } catch (error) {
            expect(error).toBeInstanceOf(CodecError);
          }
        }
      }),
      { ...FUZZ, numRuns: 1000 },
    );
  });
});

describe('SsiScanAssembler', () => {
  const message = (bytes: Uint8Array) => interpretSsi(decodeSsi(bytes));
  const segments = valid
    .filter((vector) => vector.name.startsWith('MULTIPACKET_SEGMENT'))
    .map((vector) => fromHex(vector.input));

  it('joins the captured segments, a repeated one too', () => {
    const assembler = new SsiScanAssembler();
    const [first, second, third] = segments;
    if (first === undefined || second === undefined || third === undefined) throw new Error('three segments expected');
    const kinds = [first, first, second, second].map((bytes) => assembler.push(message(bytes)).kind);
    expect(kinds).toEqual(['partial', 'partial', 'partial', 'partial']);
    const scan = assembler.push(message(third));
    expect(scan).toMatchObject({ kind: 'scan', codeType: 0x1c, symbology: 'qr' });
    expect(scan.kind === 'scan' && scan.data.toString()).toBe('Z'.repeat(500));
  });

  it('our simulated segments are laid out like the captured ones', () => {
    expect(ssiMultipacket(0x1c, Buffer.from('Z'.repeat(500))).map((packet) => toHex(packet))).toEqual(
      segments.map(toHex),
    );
  });

  it('a missing segment loses the scan, not its rest', () => {
    const assembler = new SsiScanAssembler();
    const [first, , third] = segments;
    if (first === undefined || third === undefined) throw new Error('three segments expected');
    assembler.push(message(first));
    expect(assembler.push(message(third))).toEqual({ kind: 'lost', droppedBytes: 259 });
    expect(assembler.push(message(third))).toMatchObject({ kind: 'lost' });
    expect(segments.map((bytes) => assembler.push(message(bytes)).kind)).toEqual(['partial', 'partial', 'scan']);
  });

  it('joins packets with the continuation bit', () => {
    const text = Buffer.from('0123456789'.repeat(60));
    const assembler = new SsiScanAssembler();
    const results = ssiLongDecodeData(0x11, text).map((packet) => assembler.push(message(packet)));
    expect(results.map((result) => result.kind)).toEqual(['partial', 'partial', 'scan']);
    const scan = results.at(-1);
    expect(scan?.kind === 'scan' && scan.data.equals(text)).toBe(true);
    expect(scan).toMatchObject({ symbology: 'pdf417', aim: ']L0', retransmit: false });
  });

  it('gives a scan of one packet at once and says when it was sent again', () => {
    const assembler = new SsiScanAssembler();
    expect(assembler.push(message(ssiDecodeData(0x0f, Buffer.from('00123'), { retransmit: true })))).toEqual({
      kind: 'scan',
      codeType: 0x0f,
      symbology: 'gs1-128',
      aim: ']C1',
      data: Buffer.from('00123'),
      retransmit: true,
    });
    expect(assembler.push(message(ssiAck()))).toEqual({ kind: 'none' });
  });

  it('gives a scan of several packets again, whole, when its end is sent again', () => {
    const assembler = new SsiScanAssembler();
    const text = Buffer.from('0123456789'.repeat(60));
    const packets = ssiLongDecodeData(0x11, text).map((packet) => message(packet));
    const end = packets.at(-1);
    if (!end) throw new Error('packets expected');
    for (const packet of packets) assembler.push(packet);
    for (let turn = 0; turn < 2; turn++) {
      const again = assembler.push({ ...end, retransmit: true });
      expect(again).toMatchObject({ kind: 'scan', codeType: 0x11, retransmit: true });
      expect(again.kind === 'scan' && again.data.equals(text)).toBe(true);
    }
    for (const bytes of segments) assembler.push(message(bytes));
    const last = segments.at(-1) ?? Buffer.alloc(0);
    expect(assembler.push(message(last))).toMatchObject({ kind: 'scan', codeType: 0x1c, retransmit: true });
    // Another scan came in between: what is sent again then stands for itself.
    assembler.push(message(ssiDecodeData(3, Buffer.from('OTHER'))));
    expect(assembler.push(message(last))).toMatchObject({ kind: 'lost' });
  });

  it('does not mix two scans that both begin with segment 0', () => {
    const assembler = new SsiScanAssembler();
    const other = ssiMultipacket(0x1c, Buffer.from('Y'.repeat(500))).map((packet) => message(packet));
    const [first] = segments;
    if (!first) throw new Error('segments expected');
    assembler.push(message(first));
    const scan = other.map((packet) => assembler.push(packet)).at(-1);
    expect(scan?.kind === 'scan' && scan.data.toString()).toBe('Y'.repeat(500));
  });

  it('takes no tail of a scan that was too long for a scan', () => {
    const assembler = new SsiScanAssembler();
    const packets = ssiLongDecodeData(0x11, Buffer.alloc(MAX_SSI_SCAN_BYTES + 1_000, 0x41)).map((one) => message(one));
    const kinds = new Set(packets.map((packet) => assembler.push(packet).kind));
    expect([...kinds]).toEqual(['partial', 'lost']);
    expect(assembler.push(message(ssiDecodeData(3, Buffer.from('NEXT'))))).toMatchObject({ kind: 'scan' });
    for (const packet of packets.slice(0, -1)) assembler.push(packet);
    assembler.reset();
    expect(assembler.push(message(ssiDecodeData(3, Buffer.from('NEXT'))))).toMatchObject({ kind: 'scan' });
  });

  it('is bounded', () => {
    const assembler = new SsiScanAssembler();
    const endless = encodeSsi({ opcode: 0xf3, source: 0, status: 2, data: Buffer.alloc(251, 3) });
    let kind = 'partial';
    let count = 0;
    for (; kind === 'partial'; count++) kind = assembler.push(message(endless)).kind;
    expect(kind).toBe('lost');
    expect(count * 250).toBeLessThan(MAX_SSI_SCAN_BYTES + 500);
    assembler.reset();
    assembler.push(message(endless));
    expect(assembler.reset()).toEqual({ kind: 'lost', droppedBytes: 250 });
    expect(assembler.reset()).toEqual({ kind: 'none' });
  });
});
