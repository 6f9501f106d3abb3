/** Property tests over everything that the tables say: encode∘decode is the identity, damage gives a CodecError, the fast path agrees. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isCodecError } from '../base/codec-error.ts';
import type { FieldType, Layout } from './fields.ts';
import {
  decodeMessage,
  decodeTagReads,
  encodeMessage,
  findParameter,
  LlrpFramer,
  type Message,
  type Parameter,
} from './index.ts';
import type { MessageEntry, ParameterEntry } from './layout.ts';
import { MESSAGES } from './messages.ts';
import { PARAMETERS } from './parameters.ts';

const hexBytes = (length: number) =>
  fc.uint8Array({ minLength: length, maxLength: length }).map((bytes) => Buffer.from(bytes).toString('hex'));
const bufferOf = fc.uint8Array({ maxLength: 12 }).map((bytes) => Buffer.from(bytes));

const FIELD_VALUES: Record<FieldType, fc.Arbitrary<unknown>> = {
  flag: fc.boolean(),
  bits2: fc.integer({ min: 0, max: 3 }),
  u8: fc.integer({ min: 0, max: 0xff }),
  s8: fc.integer({ min: -128, max: 127 }),
  u16: fc.integer({ min: 0, max: 0xffff }),
  s16: fc.integer({ min: -0x8000, max: 0x7fff }),
  s32: fc.integer({ min: -0x8000_0000, max: 0x7fff_ffff }),
  u32: fc.integer({ min: 0, max: 0xffffffff }),
  u64: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
  epc96: hexBytes(12),
  bitArray: fc.integer({ min: 0, max: 200 }).chain((bits) => hexBytes((bits + 7) >> 3).map((hex) => ({ bits, hex }))),
  text: fc.string({ unit: 'grapheme', maxLength: 12 }),
  u8s: fc.array(fc.integer({ min: 0, max: 0xff }), { maxLength: 5 }),
  u16s: fc.array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 5 }),
  u32s: fc.array(fc.integer({ min: 0, max: 0xffffffff }), { maxLength: 5 }),
  rest: bufferOf,
};

function valuesOf(name: string, fields: Layout, extra: Record<string, fc.Arbitrary<unknown>>): fc.Arbitrary<unknown> {
  const own = Object.entries(fields).flatMap(([key, type]) =>
    Object.hasOwn(FIELD_VALUES, type) ? [[key, FIELD_VALUES[type as FieldType]] as const] : [],
  );
  return fc.record({ name: fc.constant(name), ...Object.fromEntries(own), ...extra }, { noNullPrototype: true });
}

const unknownParameter = fc.record(
  { name: fc.constant('Unknown'), type: fc.constantFrom(500, 600, 1022), bytes: bufferOf },
  { noNullPrototype: true },
);

const parameterEntries: [string, ParameterEntry][] = Object.entries(PARAMETERS);
const messageEntries: [string, MessageEntry][] = Object.entries(MESSAGES);

const { parameter } = fc.letrec<{ parameter: unknown }>((tie) => ({
  parameter: fc.oneof(
    { depthSize: 'small', maxDepth: 4 },
    unknownParameter,
    ...parameterEntries.filter(([, entry]) => !entry.nested).map(([name, entry]) => valuesOf(name, entry.fields, {})),
    ...parameterEntries
      .filter(([, entry]) => entry.nested)
      .map(([name, entry]) =>
        valuesOf(name, entry.fields, { parameters: fc.array(tie('parameter'), { maxLength: 3 }) }),
      ),
  ),
}));

const envelope = { version: fc.constantFrom(1, 2), id: fc.integer({ min: 0, max: 0xffffffff }) };
const anyMessage = fc.oneof(
  ...messageEntries.map(([name, entry]) =>
    valuesOf(name, entry.fields, {
      ...envelope,
      ...(entry.nested ? { parameters: fc.array(parameter, { maxLength: 6 }) } : {}),
    }),
  ),
) as fc.Arbitrary<Message>;

const RUN = { seed: 20_240_607, numRuns: 600 };

describe('LLRP codec', () => {
  it('decodes what it encodes, for every message and parameter of the tables', () => {
    fc.assert(
      fc.property(anyMessage, (message) => {
        expect(decodeMessage(encodeMessage(message))).toEqual(message);
      }),
      RUN,
    );
  });

  it.each(parameterEntries)('keeps %s inside a message', (name, entry) => {
    const value = valuesOf(name, entry.fields, entry.nested ? { parameters: fc.constant([]) } : {});
    fc.assert(
      fc.property(value, (inner) => {
        const message = { name: 'ADD_ROSPEC', version: 1, id: 7, parameters: [inner as Parameter] } as const;
        expect(decodeMessage(encodeMessage({ ...message, parameters: [...message.parameters] }))).toEqual(message);
      }),
      { seed: 1, numRuns: 10 },
    );
  });

  it('leaves every layout on a byte boundary', () => {
    for (const [name, { fields }] of [...parameterEntries, ...messageEntries]) {
      let bits = 0;
      for (const type of Object.values(fields)) {
        if (type.startsWith('pad')) bits += Number(type.slice(3));
        else if (type === 'flag') bits += 1;
        else if (type === 'bits2') bits += 2;
        else expect(bits % 8, `${name}: ${type} begins inside a byte`).toBe(0);
      }
      expect(bits % 8, `${name} ends inside a byte`).toBe(0);
    }
  });

  it('gives each type number to one name only', () => {
    for (const entries of [parameterEntries, messageEntries]) {
      const types = entries.map(([, entry]) => entry.type);
      expect(new Set(types).size).toBe(types.length);
    }
  });
});

describe('damage', () => {
  it('is a value or a CodecError inside the frame, never another error', () => {
    const damage = fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(anyMessage, damage, (message, changes) => {
        const frame = Buffer.from(encodeMessage(message));
        for (const [at, value] of changes) frame[at % frame.length] = value;
        expectTotal(frame);
      }),
      RUN,
    );
  });

  it('is refused for arbitrary bytes behind a valid header', () => {
    fc.assert(
      fc.property(fc.constantFrom(61, 63, 11, 20, 3, 100), fc.uint8Array({ maxLength: 60 }), (type, body) => {
        const frame = Buffer.alloc(10 + body.length);
        frame.writeUInt16BE((1 << 10) | type, 0);
        frame.writeUInt32BE(frame.length, 2);
        frame.set(body, 10);
        expectTotal(frame);
      }),
      RUN,
    );
  });

  function expectTotal(frame: Buffer): void {
    for (const decode of [decodeMessage, decodeTagReads]) {
      try {
        decode(frame);
      } catch (error) {
        if (!isCodecError(error)) throw error;
        expect(error.offset).toBeGreaterThanOrEqual(0);
        expect(error.offset).toBeLessThanOrEqual(frame.length);
      }
    }
  }
});

describe('the fast path', () => {
  const tagParameter = fc.oneof(
    unknownParameter,
    ...parameterEntries
      .filter(
        ([name, { type }]) => (type < 128 && name !== 'EPC96') || name === 'Custom' || name === 'C1G2ReadOpSpecResult',
      )
      .map(([name, entry]) => valuesOf(name, entry.fields, {})),
  );
  const epc = fc.oneof(
    valuesOf('EPC96', PARAMETERS.EPC96.fields, {}),
    valuesOf('EPCData', PARAMETERS.EPCData.fields, {}),
  );
  const tag = fc
    .tuple(epc, fc.uniqueArray(tagParameter, { maxLength: 8, selector: (value) => (value as Parameter).name }))
    .map(([first, others]) => ({ name: 'TagReportData', parameters: [first, ...others] }) as Parameter);

  it('reads what the general decoder reads', () => {
    fc.assert(
      fc.property(fc.array(tag, { maxLength: 4 }), (tags) => {
        const frame = encodeMessage({ name: 'RO_ACCESS_REPORT', version: 1, id: 3, parameters: tags });
        const reads = decodeTagReads(frame);
        expect(reads).toHaveLength(tags.length);
        reads.forEach((read, i) => {
          const parameters = (tags[i] as Extract<Parameter, { name: 'TagReportData' }>).parameters;
          const find = findParameter.bind(undefined, parameters) as <N extends Parameter['name']>(name: N) => never;
          const value = (name: Parameter['name'], key: string): unknown => {
            const found: Record<string, unknown> | undefined = find(name);
            const raw = found?.[key];
            return typeof raw === 'bigint' ? Number(raw) : raw;
          };
          const data = value('EPCData', 'epc') as { bits: number; hex: string } | undefined;
          expect(read).toEqual({
            epc: data?.hex ?? value('EPC96', 'epc'),
            epcBits: data?.bits ?? 96,
            antennaId: value('AntennaID', 'antennaId'),
            peakRssiDbm: value('PeakRSSI', 'peakRssiDbm'),
            channelIndex: value('ChannelIndex', 'channelIndex'),
            firstSeenUtcUs: value('FirstSeenTimestampUTC', 'microseconds'),
            lastSeenUtcUs: value('LastSeenTimestampUTC', 'microseconds'),
            firstSeenUptimeUs: value('FirstSeenTimestampUptime', 'microseconds'),
            lastSeenUptimeUs: value('LastSeenTimestampUptime', 'microseconds'),
            tagSeenCount: value('TagSeenCount', 'tagSeenCount'),
            roSpecId: value('ROSpecID', 'roSpecId'),
            specIndex: value('SpecIndex', 'specIndex'),
            inventoryParameterSpecId: value('InventoryParameterSpecID', 'inventoryParameterSpecId'),
            accessSpecId: value('AccessSpecID', 'accessSpecId'),
            pc: value('C1G2PC', 'pc'),
            crc: value('C1G2CRC', 'crc'),
          });
        });
      }),
      RUN,
    );
  });
});

describe('the framer', () => {
  it('gives the same frames however the stream is cut', () => {
    fc.assert(
      fc.property(
        fc.array(anyMessage, { minLength: 1, maxLength: 4 }),
        fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 20 }),
        fc.uint8Array({ maxLength: 6 }),
        (messages, sizes, noise) => {
          const stream = Buffer.concat([noise, ...messages.map(encodeMessage)]);
          const whole = new LlrpFramer();
          const expected = whole.push(stream);
          const cut = new LlrpFramer();
          const frames: Buffer[] = [];
          for (let at = 0, i = 0; at < stream.length; i++) {
            const size = sizes[i % sizes.length] ?? 1;
            frames.push(...cut.push(stream.subarray(at, at + size)));
            at += size;
          }
          expect(frames).toEqual(expected);
          expect(cut.stats).toEqual(whole.stats);
        },
      ),
      { seed: 5, numRuns: 200 },
    );
  });
});
