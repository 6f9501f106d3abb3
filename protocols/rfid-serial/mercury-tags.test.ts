import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fromHex, toHex } from '../base/bytes.ts';
import { faultOf, named } from '../base/outside-bytes.test-support.ts';
import vectors from './fixtures/mercury-streaming.json' with { type: 'json' };
import { decodeMercury, mercuryStatusName } from './mercury.ts';
import {
  mercuryClearTagBuffer,
  mercuryGetCurrentProgram,
  mercuryGetRegion,
  mercuryGetTagBuffer,
  mercurySetAntennas,
  mercurySetPower,
  mercurySetReadFilter,
  mercurySetRegion,
  mercuryStartStreaming,
  mercuryStopStreaming,
} from './mercury-commands.ts';
import { type MercuryTagRead, mercuryBufferedTags, mercuryReadCount, mercuryStreamed } from './mercury-tags.ts';

function vector(name: string) {
  return named(vectors, name);
}

const replyOf = ({ input }: { input: string }) => decodeMercury(fromHex(input), 'reply');

/** A tag as the fixtures write it down. */
const written = ({ pc = 0, crc = 0, epc, data, ...tag }: MercuryTagRead) => ({
  ...tag,
  data: data?.toString('hex'),
  pc: pc.toString(16).padStart(4, '0'),
  epc: epc.toString('hex'),
  crc: crc.toString(16).padStart(4, '0'),
});

describe('what a module says while it reads', () => {
  it.each(vectors.filter(({ expected }) => 'tag' in expected))('$name', (one) => {
    const streamed = mercuryStreamed(replyOf(one));
    expect(streamed?.kind === 'tag' && written(streamed.tag)).toEqual(one.expected.tag);
  });

  it.each(vectors.filter(({ expected }) => 'tags' in expected))('$name', (one) => {
    expect(mercuryBufferedTags(replyOf(one))?.map(written)).toEqual(one.expected.tags);
  });

  it.each(vectors.filter(({ expected }) => 'count' in expected))('$name', (one) => {
    expect(mercuryReadCount(replyOf(one))).toBe(one.expected.count);
    expect(mercuryStreamed(replyOf(one))).toEqual({ kind: 'other' });
  });

  it('a cycle without a tag, and what ails the module', () => {
    const over = mercuryStreamed(replyOf(vector('Mercury streaming, cycle without tag')));
    expect(over).toEqual({ kind: 'status', status: 0x0400 });
    expect([0x0400, 0x0503, 0x0504, 0x0505].map(mercuryStatusName)).toEqual([
      'no-tag',
      'antenna-not-connected',
      'module-too-hot',
      'antenna-high-return-loss',
    ]);
  });

  it('replies to other commands are none', () => {
    const stopped = replyOf(vector('Mercury streaming stopped'));
    expect([mercuryStreamed(stopped), mercuryBufferedTags(stopped), mercuryReadCount(stopped)]).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
  });
});

describe('records that no log has', () => {
  const streamed = (record: string) =>
    mercuryStreamed({ opcode: 0x22, status: 0, data: fromHex(`10001b004001${record}`) });

  it.each([
    // Protocol 05; 144 bits: PC with XI, XPC_W1, EPC of 96 bits, CRC.
    ['XPC', '05 0090 3200 0001 300000000000000000000001 1234', '0001'],
    ['XPC of two words', '05 00a0 3200 8000 0002 300000000000000000000001 1234', '80000002'],
  ])('strips %s from the EPC', (_what, record, xpc) => {
    const reply = streamed(record);
    expect(reply?.kind === 'tag' && [toHex(reply.tag.epc), reply.tag.xpc?.toString('hex')]).toEqual([
      '300000000000000000000001',
      xpc,
    ]);
  });

  it.each([
    ['ends in the metadata', '05', 'no fault'],
    ['ends in the EPC', '05 0080 3000 3000', 'rfid-length@9'],
    ['is too short for PC and CRC', '05 0018 3000 30', 'rfid-length@11'],
    ['is longer than it says', '05 0040 1000 596f596f f313 00', 'rfid-length@17'],
  ])('refuses one that %s', (_what, record, fault) => {
    expect(faultOf(() => streamed(record))).toBe(fault);
  });

  it('any data gives a value or a CodecError', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
        const data = Buffer.from(bytes);
        faultOf(() => mercuryStreamed({ opcode: 0x22, status: 0, data }));
        faultOf(() => mercuryBufferedTags({ opcode: 0x29, status: 0, data }));
        faultOf(() => mercuryReadCount({ opcode: 0x22, status: 0, data }));
        faultOf(() => streamed(`05${toHex(data)}`));
      }),
      { seed: 20261123, numRuns: 1000 },
    );
  });
});

it.each([
  ['Mercury get current program', mercuryGetCurrentProgram()],
  ['Mercury get region', mercuryGetRegion()],
  ['Mercury set region NA2', mercurySetRegion('na2')],
  ['Mercury set power 27.00 dBm', mercurySetPower(27)],
  ['Mercury set antennas 1', mercurySetAntennas([1])],
  ['Mercury read filter off', mercurySetReadFilter(false)],
  ['Mercury read filter on', mercurySetReadFilter(true)],
  ['Mercury start streaming', mercuryStartStreaming(1000)],
  ['Mercury stop streaming', mercuryStopStreaming()],
  ['Mercury clear tag buffer', mercuryClearTagBuffer()],
  ['Mercury get tag buffer', mercuryGetTagBuffer(0x01ff)],
])('%s is as its maker’s own program sends it', (name, bytes) => {
  expect(toHex(bytes)).toBe(vector(name).input);
});
