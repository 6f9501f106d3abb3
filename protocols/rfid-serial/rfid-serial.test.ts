import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fromHex, toHex } from '../base/bytes.ts';
import type { Framer } from '../base/framer.ts';
import { faultOf } from '../base/outside-bytes.test-support.ts';
import {
  decodeMercury,
  decodeR200,
  decodeUhfReader18,
  encodeMercury,
  encodeR200,
  encodeUhfReader18,
  type MercuryDirection,
  MercuryFramer,
  mercuryReadTagSingle,
  mercuryStatusName,
  mercuryTag,
  R200Framer,
  r200Error,
  r200MultiPoll,
  r200SetPower,
  r200SetRegion,
  r200StopMultiPoll,
  r200Tag,
  r200TagNotice,
  UhfReader18Framer,
  uhfReader18Information,
  uhfReader18Inventory,
  uhfReader18InventoryReplies,
  uhfReader18Region,
  uhfReader18Report,
  uhfReader18WorkMode,
} from './index.ts';

interface Vector {
  name: string;
  input: string;
  expected: {
    type?: string;
    cmd?: number;
    params?: string;
    checksumOk?: boolean;
    rssiDbm?: number;
    pc?: string;
    epc?: string;
    tagCrc?: string;
    tagCrcOk?: boolean;
    addr?: number;
    crcOk?: boolean;
    opcode?: number;
    dir?: string;
    status?: string;
    data?: string;
    report?: string;
    information?: object;
    workMode?: string;
  };
}

const FIXTURES = ['rfid-serial', 'r200-manual', 'uhf-reader18-manual', 'mercury-streaming'];
const vectors = FIXTURES.flatMap(
  (name) => JSON.parse(readFileSync(new URL(`./fixtures/${name}.json`, import.meta.url), 'utf8')) as Vector[],
);
const ofFamily = (prefix: string): Vector[] => vectors.filter((vector) => vector.name.startsWith(prefix));
const r200 = ofFamily('R200/YRM100');
const uhf = ofFamily('UHFReader18');
const mercury = ofFamily('Mercury');
const FUZZ = { seed: 20261122, numRuns: 300 };

function directionOf(vector: Vector): MercuryDirection {
  return vector.expected.dir === 'reader->host' ? 'reply' : 'command';
}

it('every outside frame belongs to a family', () => {
  expect(r200.length + uhf.length + mercury.length).toBe(vectors.length);
});

describe('R200', () => {
  it.each(r200)('$name', ({ input, expected }) => {
    if (expected.checksumOk === false) {
      // The manual prints this reply with a sum that is not that of its bytes.
      expect(faultOf(() => decodeR200(fromHex(input)))).toMatch(/^rfid-checksum@/);
      return;
    }
    const frame = decodeR200(fromHex(input));
    expect(frame.type).toBe(expected.type === 'notification' ? 'notice' : expected.type);
    expect(frame.command).toBe(expected.cmd);
    expect(toHex(frame.parameters)).toBe(expected.params);
    expect(toHex(encodeR200(frame))).toBe(input);
    const tag = r200Tag(frame);
    expect(tag && toHex(tag.epc)).toBe(expected.epc);
    if (tag === undefined) return;
    expect(tag.rssiDbm).toBe(expected.rssiDbm);
    expect(tag.pc).toBe(Number.parseInt(expected.pc ?? '', 16));
    expect(tag.crc).toBe(Number.parseInt(expected.tagCrc ?? '', 16));
    expect(tag.crcOk).toBe(expected.tagCrcOk);
    if ((tag.pc & 0x07ff) === 0) expect(toHex(r200TagNotice(tag))).toBe(input);
  });

  it('commands as published, and the reply that there is no tag', () => {
    expect(toHex(r200MultiPoll(10000))).toBe(r200.find((one) => one.name.endsWith('multi poll 10000'))?.input);
    expect(toHex(r200SetPower(20))).toBe(r200.find((one) => one.name.includes('20.00 dBm'))?.input);
    expect(toHex(r200StopMultiPoll())).toBe(r200.find((one) => one.name.endsWith('stop multi poll'))?.input);
    expect(toHex(r200SetRegion('china-900'))).toBe(r200.find((one) => one.name.includes('set region'))?.input);
    expect(r200Error(decodeR200(fromHex('bb01ff000117187e')))).toBe('unknown-command');
    expect(r200Error(decodeR200(fromHex('bb01ff000115167e')))).toBe('no-tag');
    expect(r200Error(decodeR200(fromHex('bb00220000227e')))).toBeUndefined();
  });

  it.each([
    ['bb0022', 'rfid-length@3'],
    ['bc00220000227e', 'rfid-header@0'],
    ['bb03220000257e', 'rfid-header@1'],
    ['bb00220001227e', 'rfid-length@7'],
    ['bb00220000227f', 'rfid-header@6'],
    ['bb00220000237e', 'rfid-checksum@5'],
  ])('refuses %s: %s', (hex, fault) => {
    expect(faultOf(() => decodeR200(fromHex(hex)))).toBe(fault);
  });

  it('refuses a tag whose length contradicts its PC', () => {
    const parameters = fromHex('c43000e200001d7315b83e');
    expect(faultOf(() => r200Tag({ type: 'notice', command: 0x22, parameters }))).toMatch(/^rfid-length@/);
  });
});

describe('UHFReader18', () => {
  it.each(uhf)('$name', ({ input, expected }) => {
    const frame = decodeUhfReader18(fromHex(input));
    expect(frame).toMatchObject({ address: expected.addr, command: expected.cmd });
    expect(toHex(encodeUhfReader18(frame))).toBe(input);
    expect(uhfReader18Report(frame)?.toString('hex')).toBe(expected.report);
    if (expected.information) expect(uhfReader18Information(frame)).toEqual(expected.information);
    if (expected.workMode) expect(uhfReader18WorkMode(frame)?.toString('hex')).toBe(expected.workMode);
  });

  it.each([
    ['us', { maximumFrequency: 0x31, minimumFrequency: 0x80 }],
    ['china', { maximumFrequency: 0x13, minimumFrequency: 0x40 }],
    ['user', { maximumFrequency: 0x3e, minimumFrequency: 0x00 }],
    ['korea', { maximumFrequency: 0x1f, minimumFrequency: 0xc0 }],
  ] as const)('region %s, as clause 8.4.2 has its bits', (band, expected) => {
    expect(uhfReader18Region(band)).toEqual(expected);
  });

  it('inventories', () => {
    const of = (part: string) => decodeUhfReader18(fromHex(uhf.find((one) => one.name.includes(part))?.input ?? ''));
    expect(uhfReader18Inventory(of('no tag'))).toEqual({ status: 'no-tag', epcs: [] });
    expect(uhfReader18Inventory(of('1 tag'))).toEqual({
      status: 'complete',
      epcs: [fromHex('e284361100001000094944aa')],
    });
    expect(uhfReader18Inventory(of('work mode'))).toBeUndefined();
    const epcs = [fromHex('e2000001'), fromHex('300000000000000000000001')];
    const read = (frames: Buffer[]) => frames.map((frame) => uhfReader18Inventory(decodeUhfReader18(frame)));
    expect(read(uhfReader18InventoryReplies(0, epcs))).toEqual([{ status: 'complete', epcs }]);
    const many = Array.from({ length: 40 }, (_, i) => Buffer.alloc(12, i));
    const replies = read(uhfReader18InventoryReplies(0, many));
    expect(replies.map((reply) => reply?.status)).toEqual(['more-follows', 'more-follows', 'complete']);
    expect(replies.flatMap((reply) => reply?.epcs)).toEqual(many);
  });

  it('an error of the tag is no count of tags', () => {
    expect(uhfReader18Inventory({ address: 0, command: 1, body: fromHex('fc0f') })).toEqual({
      status: 'status-252',
      epcs: [],
    });
  });

  it.each([
    ['', 'rfid-length@0'],
    ['03000193', 'rfid-length@4'],
    ['05000193', 'rfid-length@4'],
    ['04009340fd', 'rfid-checksum@3'],
  ])('refuses %s: %s', (hex, fault) => {
    expect(faultOf(() => decodeUhfReader18(fromHex(hex)))).toBe(fault);
  });

  it('refuses an inventory that announces more than it holds', () => {
    const body = fromHex('01020ce28436');
    expect(faultOf(() => uhfReader18Inventory({ address: 0, command: 1, body }))).toBe('rfid-length@6');
  });
});

describe('Mercury', () => {
  it.each(mercury)('$name', (vector) => {
    const { input, expected } = vector;
    const frame = decodeMercury(fromHex(input), directionOf(vector));
    expect(frame.opcode).toBe(expected.opcode);
    expect(toHex(frame.data)).toBe(expected.data);
    expect(frame.status).toBe(expected.status === undefined ? undefined : Number.parseInt(expected.status, 16));
    expect(toHex(encodeMercury(frame))).toBe(input);
  });

  it('single reads', () => {
    const of = (part: string) =>
      decodeMercury(fromHex(mercury.find((one) => one.name.includes(part))?.input ?? ''), 'reply');
    expect(mercuryTag(of('reply EPC'))?.epc.toString('hex')).toBe('e200322fe20df9311328b7e3');
    expect(mercuryTag(of('no tag'))).toBeUndefined();
    expect(mercuryStatusName(of('no tag').status ?? 0)).toBe('no-tag');
    expect(toHex(mercuryReadTagSingle(1000))).toBe(mercury.find((one) => one.name.includes('1000 ms'))?.input);
  });

  it.each([
    ['ff00', 'rfid-length@2'],
    ['fe00041d0b', 'rfid-header@0'],
    ['ff01041d0b', 'rfid-length@5'],
    ['ff00041d0c', 'rfid-checksum@3'],
  ])('refuses %s: %s', (hex, fault) => {
    expect(faultOf(() => decodeMercury(fromHex(hex), 'command'))).toBe(fault);
  });
});

describe('framers', () => {
  const cases: [string, () => Framer<unknown>, Buffer[]][] = [
    [
      'R200',
      () => new R200Framer(),
      r200.filter((one) => one.expected.checksumOk !== false).map((one) => fromHex(one.input)),
    ],
    ['UHFReader18', () => new UhfReader18Framer(), uhf.map((one) => fromHex(one.input))],
    ...(['command', 'reply'] as const).map((direction): [string, () => Framer<unknown>, Buffer[]] => [
      `Mercury ${direction}`,
      () => new MercuryFramer(direction),
      mercury.filter((one) => directionOf(one) === direction).map((one) => fromHex(one.input)),
    ]),
  ];

  it.each(cases)('%s: every fixture split at every offset, in noise', (_name, create, frames) => {
    const noise = fromHex('0003');
    for (const frame of frames) {
      const stream = Buffer.concat([noise, frame, frame, noise]);
      for (let cut = 0; cut <= stream.length; cut++) {
        const framer = create();
        const found = [...framer.push(stream.subarray(0, cut)), ...framer.push(stream.subarray(cut)), ...framer.idle()];
        expect(found).toHaveLength(2);
        expect(found[0]).toEqual(found[1]);
        expect(framer.stats).toMatchObject({ bytes: stream.length, frames: 2, discardedBytes: 4, checksumErrors: 0 });
      }
    }
  });

  it.each(cases)('%s: a torn frame hides nothing once the line is quiet', (_name, create, frames) => {
    const [first] = frames;
    if (first === undefined) throw new Error('no fixture');
    const framer = create();
    const found = [...framer.push(first.subarray(0, first.length - 1)), ...framer.push(first), ...framer.idle()];
    expect(found).toHaveLength(1);
    expect(framer.stats.discardedBytes).toBe(first.length - 1);
  });

  it.each(cases)('%s: any bytes', (_name, create, frames) => {
    const part = fc.oneof(fc.uint8Array({ maxLength: 20 }), fc.constantFrom(...frames), fc.constant(fromHex('bb00ff')));
    fc.assert(
      fc.property(fc.array(part, { maxLength: 15 }), fc.integer({ min: 1, max: 40 }), (parts, size) => {
        const stream = Buffer.concat(parts);
        const whole = create();
        const cut = create();
        const expected = whole.push(stream);
        const found: unknown[] = [];
        for (let at = 0; at < stream.length; at += size) found.push(...cut.push(stream.subarray(at, at + size)));
        expect(found).toEqual(expected);
        expect(cut.stats).toEqual(whole.stats);
        whole.idle();
        expect(whole.stats.discardedBytes).toBeLessThanOrEqual(stream.length);
      }),
      FUZZ,
    );
  });

  it('any payload gives a tag or a CodecError', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
        const data = Buffer.from(bytes);
        faultOf(() => decodeR200(data));
        faultOf(() => decodeUhfReader18(data));
        faultOf(() => decodeMercury(data, 'reply'));
        faultOf(() => r200Tag({ type: 'notice', command: 0x22, parameters: data }));
        faultOf(() => uhfReader18Inventory({ address: 0, command: 1, body: data }));
        faultOf(() => uhfReader18Information({ address: 0, command: 0x21, body: data }));
        faultOf(() => uhfReader18WorkMode({ address: 0, command: 0x36, body: data }));
        faultOf(() => mercuryTag({ opcode: 0x21, status: 0, data }));
      }),
      { ...FUZZ, numRuns: 1000 },
    );
  });
});
