import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CodecError } from '../base/codec-error.ts';
import {
  decodeAcknowledgement,
  encodeAcknowledgement,
  encodeBatch,
  readBatchHeader,
  readBatchRecords,
} from './batch.ts';
import { DICTIONARY_V1 } from './dictionary.ts';
import { eventIdOf } from './identity.ts';
import { recordBytes, writeRecord } from './record.ts';
import { parseUpTopic, topics } from './topics.ts';

const clock = {
  bootId: 9,
  monotonicUs: 5_000_000,
  wallMs: 1_767_225_600_000,
  state: 'ntp',
  uncertaintyMs: 10,
} as const;

function recordsOf(first: number, texts: readonly string[]): Buffer {
  const payloads = texts.map((text) => Buffer.from(text));
  const buffer = Buffer.alloc(payloads.reduce((sum, payload) => sum + recordBytes(payload.length), 0));
  let at = 0;
  for (const [index, payload] of payloads.entries()) {
    const time = { bootId: 9, monotonicUs: 1000 + index, wallMs: -1, state: 'gps', uncertaintyMs: 4 } as const;
    at = writeRecord(buffer, at, { sequence: first + index, time, payload });
  }
  return buffer;
}

function batchOf(texts: readonly string[], deflate: boolean): Buffer {
  const records = recordsOf(41, texts);
  return encodeBatch({
    epoch: '00000000deadbeef',
    lane: 'tracking',
    firstSequence: 41,
    count: texts.length,
    clock,
    records,
    deflate,
  });
}

const TEXTS = Array.from({ length: 50 }, (_, n) => `sscc:34012345000000000${n}`);

describe('UplinkBatch', () => {
  it.each([true, false])('gives back what went in, deflated: %s', (deflate) => {
    const header = readBatchHeader(batchOf(TEXTS, deflate));
    expect(header).toMatchObject({ epoch: '00000000deadbeef', lane: 'tracking', firstSequence: 41, count: 50, clock });
    expect(header.encoding).toBe(deflate ? 'deflate' : 'plain');
    const found = [...readBatchRecords(header)].map((item) =>
      'record' in item ? item.record.payload.toString() : item.code,
    );
    expect(found).toEqual(TEXTS);
  });

  it('states every announced sequence once where a record is damaged, and gives the bytes', () => {
    const header = readBatchHeader(batchOf(TEXTS, false));
    const records = Buffer.from(header.records);
    records[recordBytes(TEXTS[0]?.length ?? 0) + 40] = 0xff;
    const items = [...readBatchRecords({ ...header, records })];
    expect(items.map(({ sequence }) => sequence)).toEqual(TEXTS.map((_, n) => 41 + n));
    expect('record' in (items[0] as object)).toBe(true);
    expect(items[1]).toMatchObject({ code: 'record-crc' });
    expect(items.slice(2).every((item) => !('record' in item))).toBe(true);
  });

  it('refuses a header that lies', () => {
    const records = recordsOf(1, ['a']);
    const lying = (change: object) =>
      encodeBatch({
        epoch: '00000000deadbeef',
        lane: 'alert',
        firstSequence: 1,
        count: 1,
        clock,
        records,
        deflate: false,
        ...change,
      });
    for (const change of [{ count: 1000 }, { count: 0 }, { firstSequence: 0 }, { firstSequence: 2 ** 48 }]) {
      expect(() => readBatchHeader(lying(change))).toThrow(expect.objectContaining({ code: 'batch-invalid' }));
    }
    expect(() => readBatchHeader(Buffer.alloc(0))).toThrow(expect.objectContaining({ code: 'batch-version' }));
  });

  it('cut anywhere or damaged anywhere, gives a value or a CodecError', () => {
    const whole = batchOf(TEXTS, true);
    const read = (bytes: Buffer) => {
      try {
        const items = [...readBatchRecords(readBatchHeader(bytes))];
        expect(items.length).toBeGreaterThan(0);
      } catch (error) {
        expect(error).toBeInstanceOf(CodecError);
      }
    };
    for (let length = 0; length < whole.length; length++) read(whole.subarray(0, length));
    fc.assert(
      fc.property(fc.nat(whole.length - 1), fc.integer({ min: 0, max: 255 }), (at, value) => {
        const bytes = Buffer.from(whole);
        bytes[at] = value;
        read(bytes);
      }),
      { seed: 20261123, numRuns: 1000 },
    );
  });
});

it('acknowledgements travel', () => {
  const ranges = [
    { epoch: 'ffffffffffffffff', lane: 'alert', first: 1, last: 1 },
    { epoch: '0000000000000001', lane: 'telemetry', first: 5, last: 281474976710655 },
  ] as const;
  expect(decodeAcknowledgement(encodeAcknowledgement(ranges))).toEqual(ranges);
  const backwards = encodeAcknowledgement([{ epoch: '0000000000000001', lane: 'alert', first: 2, last: 1 }]);
  expect(() => decodeAcknowledgement(backwards)).toThrow(expect.objectContaining({ code: 'acknowledgement-invalid' }));
});

it('what version 1 froze stays as it is', () => {
  expect(createHash('sha256').update(DICTIONARY_V1).digest('hex')).toMatchInlineSnapshot(
    `"6f36e49ff6b1214b36d2cfbee785659f48452cad3844bf2631079800db2687d6"`,
  );
  expect(
    eventIdOf({ gatewayId: 'gw-1', epoch: '00000000deadbeef', lane: 'tracking', sequence: 7 }),
  ).toMatchInlineSnapshot(`"c589438b-41b0-59df-b014-16465975f206"`);
  const golden = batchOf(['golden'], false).toString('hex');
  expect(golden).toMatchInlineSnapshot(
    `"080111efbeadde000000001802202928013219080910c096b1021880a0d5edee662002290000000000002440380140264a26060000000bb7d18029000000000009000000e80300000000ffffffffffff0202676f6c64656e"`,
  );
});

it('topics say whose they are', () => {
  expect(parseUpTopic(topics.up('gw-1', 'alert'))).toEqual({ gatewayId: 'gw-1', kind: 'lane', lane: 'alert' });
  expect(parseUpTopic(topics.upStatus('gw-1'))).toEqual({ gatewayId: 'gw-1', kind: 'status' });
  for (const topic of [
    '',
    'milepost/v1/gw-1/up/other',
    'milepost/v2/gw-1/up/alert',
    'milepost/v1/a b/up/alert',
    topics.downAck('gw-1'),
  ]) {
    expect(parseUpTopic(topic)).toBeUndefined();
  }
});
