/** Property tests: what is read is written back, whatever the bits; nothing but a CodecError is ever thrown. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isCodecError } from '../base/codec-error.ts';
import { decodeEpc, encodeEpc, PLUS_SCHEMES, type PlusSchemeName, packageIdOfEpc, readEpc, SCHEMES } from './index.ts';

const RUN = { seed: 20_251_001, numRuns: 300 };

const SET_82 = [...'!"%&\'()*+,-./0123456789:;<=>?ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz'];
const characters = (set: readonly string[], most: number, least = 1) =>
  fc.array(fc.constantFrom(...set), { minLength: least, maxLength: most }).map((list) => list.join(''));
const digits = (least: number, most = least) => characters([...'0123456789'], most, least);

/** Values that bring every encoding indicator into play. */
const alphanumeric = (most: number) =>
  fc.oneof(
    digits(1, most),
    characters([...'0123456789ABCDEF'], most),
    characters([...'0123456789abcdef'], most),
    characters([...'ABCXYZabcxyz0189-_'], most),
    characters([...'ABCXYZ0189-.:'], most),
    characters(SET_82, most),
  );

const PART_39 = characters([...'ABCXYZ0189-/#'], 15);

/** By AI. */
const VALUES: Readonly<Record<string, fc.Arbitrary<string>>> = {
  '00': digits(18),
  '01': digits(14),
  '21': alphanumeric(20),
  '253': fc.tuple(digits(13), alphanumeric(17)).map((parts) => parts.join('')),
  // Extension 0 stands for none and is not given back.
  '254': alphanumeric(20).filter((value) => value !== '0'),
  '255': digits(14, 25),
  '414': digits(13),
  '8003': fc.tuple(digits(14), alphanumeric(16)).map((parts) => parts.join('')),
  '8004': fc.tuple(digits(1, 15), alphanumeric(15)).map((parts) => parts.join('')),
  '8006': digits(18),
  '8010': fc.tuple(digits(1, 15), PART_39).map((parts) => parts.join('')),
  '8011': digits(1, 12),
  '8017': digits(18),
  '8018': digits(18),
  '10': alphanumeric(20),
  '11': fc.constantFrom('300101', '991231', '240229', '300200'),
  '17': fc.constantFrom('300101', '991231', '240229', '300200'),
  '20': digits(2),
  '242': digits(1, 6),
  '3103': digits(6),
  '3925': digits(1, 15),
  '3939': digits(4, 18),
  '402': digits(17),
  '421': fc.tuple(digits(3), alphanumeric(9)).map((parts) => parts.join('')),
  '4302': alphanumeric(70),
  '4307': fc.constantFrom('DE', 'AZ', 'ZA'),
  '4309': digits(20),
  '4321': fc.constantFrom('0', '1'),
  '4324': fc.constantFrom('2402292359', '3001010000', '3001012400'),
  '4331': fc.constantFrom('001234', '001234-'),
  '7003': fc.constantFrom('2402292359', '3001010000'),
  '7007': fc.constantFrom('240229', '240229240301'),
  '7011': fc.constantFrom('240229', '2402292359'),
  '7023': fc.tuple(digits(1, 15), alphanumeric(15)).map((parts) => parts.join('')),
  '7040': alphanumeric(4),
  '7241': digits(2),
  '7252': digits(1),
  '7254': alphanumeric(30),
  '7258': fc.constantFrom('1/3', '9/9'),
  '8007': alphanumeric(24),
  '8008': fc.constantFrom('24022923', '2402292359', '240229235959'),
  '8030': alphanumeric(90),
  '91': alphanumeric(90),
};

describe('schemes with tag URIs', () => {
  it.each(SCHEMES)('$name: random bits are refused, or written back from the URI', ({ name, header, ...scheme }) => {
    const bits = 'bits' in scheme ? scheme.bits : 320;
    const length = Math.ceil(bits / 16) * 2;
    const bytesOf = fc.uint8Array({ minLength: length, maxLength: length });
    // Partition and padding make most random banks invalid; sparse ones come through.
    const bank = fc.tuple(bytesOf, fc.oneof(bytesOf, fc.constant(new Uint8Array(length).fill(0)))).map(([a, b]) => {
      const bytes = Buffer.from(a.map((byte, i) => (i < 8 ? byte : byte & (b[i] as number))));
      bytes[0] = header;
      return bytes;
    });
    fc.assert(
      fc.property(bank, (bytes) => {
        const epc = readEpc(bytes);
        if (epc.scheme === 'raw') {
          expect(encodeEpc(epc.rawUri).bytes).toEqual(bytes);
          return;
        }
        expect(epc.scheme).toBe(name);
        const again = encodeEpc(epc.tagUri ?? '');
        expect(again.bits).toBe(epc.bits);
        expectSameBits(again.bytes, bytes, epc.bits);
      }),
      RUN,
    );
  });
});

describe('tag URIs with strings', () => {
  const escaped = [...SET_82].map((c) => (/["%&/<>?]/.test(c) ? `%${c.charCodeAt(0).toString(16).toUpperCase()}` : c));
  const prefixAnd = (total: number) =>
    fc.integer({ min: 6, max: 12 }).chain((length) => fc.tuple(digits(length), digits(total - length)));
  const filter = fc.integer({ min: 0, max: 7 });
  const cage = characters([...'0123456789ABCDEFGHJKLMNPQRSTUVWXYZ'], 6, 5);
  const part = [...'ABYZ0189-', '%2F'];
  const BODIES: Readonly<Record<string, fc.Arbitrary<unknown[]>>> = {
    'sgtin-198': fc.tuple(filter, prefixAnd(13), characters(escaped, 20)),
    'sgln-195': fc.tuple(filter, prefixAnd(12), characters(escaped, 20)),
    'grai-170': fc.tuple(filter, prefixAnd(12), characters(escaped, 16)),
    'gdti-174': fc.tuple(filter, prefixAnd(12), characters(escaped, 17)),
    'itip-212': fc.tuple(filter, prefixAnd(13), digits(2), digits(2), characters(escaped, 20)),
    'giai-202': fc
      .integer({ min: 6, max: 12 })
      .chain((length) => fc.tuple(filter, digits(length), characters(escaped, 30 - length))),
    'cpi-var': fc
      .integer({ min: 6, max: 12 })
      .chain((length) => fc.tuple(filter, digits(length), characters([...part, '%23'], 30 - length), fc.nat())),
    'adi-var': fc.tuple(fc.integer({ min: 0, max: 63 }), cage, characters(part, 32, 0), characters(part, 30)),
  };

  it.each(Object.entries(BODIES))('%s come back', (name, body) => {
    fc.assert(
      fc.property(body, (components) => {
        const uri = `urn:epc:tag:${name}:${components.flat().join('.')}`;
        expect(decodeEpc(encodeEpc(uri).bytes).tagUri).toBe(uri);
      }),
      RUN,
    );
  });
});

describe('schemes without', () => {
  const elementsOf = (ais: readonly string[]) =>
    fc.tuple(...ais.map((ai) => (VALUES[ai] as fc.Arbitrary<string>).map((value) => ({ ai, value }))));
  const FURTHER = Object.keys(VALUES).filter((ai) => !['00', '01', '21', '17', '254', '414'].includes(ai));
  const hostname = fc.oneof(
    fc.constantFrom('id.example.com', 'qr.example.co.uk', 'EXAMPLE.DE', 'www.a.tech', 'example.org.cn', 'x.community'),
    characters([...'abcxyz019-.'], 30),
    characters([...'ABCXYZ019-.:'], 63),
  );

  it.each(PLUS_SCHEMES)('$name: values, hostname and further data come back', (scheme) => {
    const own = [...new Set(scheme.fields.map(({ ai }) => ai))];
    const further = fc
      .uniqueArray(fc.constantFrom(...FURTHER.filter((ai) => !own.includes(ai) && ai !== '11')), { maxLength: 3 })
      .chain(elementsOf);
    fc.assert(
      fc.property(elementsOf(scheme.dated ? [...own, '17'] : own), further, hostname, (elements, more, host) => {
        const name: PlusSchemeName = scheme.name;
        const source = { scheme: name, filter: 5, elements: [...elements, ...more], hostname: host };
        const { bytes, bits } = encodeWithinBank(source) ?? {};
        if (bytes === undefined) return;
        const epc = decodeEpc(bytes);
        expect(epc).toMatchObject({
          scheme: name,
          filter: 5,
          elements,
          bits,
          hostname: scheme.hostname ? host : undefined,
        });
        expect(epc.aidc).toEqual(more.length === 0 ? undefined : { elements: more, fault: undefined });
      }),
      { ...RUN, numRuns: 60 },
    );
  });

  it('never throw anything but a CodecError', () => {
    const headers = fc.constantFrom(...PLUS_SCHEMES.map(({ header }) => header), 0xff, 0xe2);
    fc.assert(
      fc.property(headers, fc.uint8Array({ maxLength: 60 }), fc.boolean(), (header, rest, isDecimal) => {
        // Half of the banks hold decimal nibbles, which get further.
        const body = isDecimal ? rest.map((byte) => (((byte >> 4) % 10) << 4) | ((byte & 15) % 10)) : rest;
        const epc = readEpc(Buffer.from([header, ...body]));
        if (epc.scheme === 'raw') {
          expect(isCodecError(epc.fault)).toBe(true);
          return;
        }
        expect(packageIdOfEpc(epc)).toMatch(/^([a-z]+:[!-~]+|epc:https:\/\/id\.gs1\.org\/.+)$/);
      }),
      { ...RUN, numRuns: 3000 },
    );
  });
});

/** Some of the values together are more than an EPC bank holds; those are refused, and that is checked here. */
function encodeWithinBank(source: Parameters<typeof encodeEpc>[0]): ReturnType<typeof encodeEpc> | undefined {
  try {
    return encodeEpc(source);
  } catch (error) {
    if (!isCodecError(error)) throw error;
    expect(error.message).toMatch(/31 words/);
    return undefined;
  }
}

function expectSameBits(actual: Uint8Array, expected: Uint8Array, bits: number): void {
  const text = (bytes: Uint8Array) =>
    [...bytes]
      .map((byte) => byte.toString(2).padStart(8, '0'))
      .join('')
      .slice(0, bits);
  expect(text(actual)).toBe(text(expected));
}
