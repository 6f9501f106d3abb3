/** Every outside vector, decoded and encoded back; the standard's own examples of every scheme. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { toHex } from '../base/bytes.ts';
import {
  decodeEpc,
  type Epc,
  encodeEpc,
  PLUS_SCHEMES,
  type PlusSchemeName,
  packageIdOfEpc,
  readEpc,
  SCHEMES,
} from './index.ts';

interface Vector {
  name: string;
  input: string;
  expected: {
    scheme?: string;
    filter?: number;
    tag?: string;
    pure?: string;
    ai?: string;
    dl?: string;
    aidc?: number;
    valid?: boolean;
    identifyOnly?: boolean;
  };
}

function load(file: string): Vector[] {
  return JSON.parse(readFileSync(new URL(`fixtures/${file}`, import.meta.url), 'utf8'));
}

const VECTORS = [...load('epc.json'), ...load('tds-examples.json')];
const VALID = VECTORS.filter(({ expected }) => expected.valid !== false);
const INVALID = VECTORS.filter(({ expected }) => expected.valid === false);

/** Printed EPCs may end in half a byte, or carry more padding than a word. */
const withoutPadding = (hex: string) => hex.toUpperCase().replace(/0+$/, '');

function encodeAgain(epc: Epc): string {
  if (epc.tagUri !== undefined) return toHex(encodeEpc(epc.tagUri).bytes);
  const { scheme, elements, filter = 0, hostname } = epc;
  const source = { scheme: scheme as PlusSchemeName, elements, filter, ...(hostname !== undefined && { hostname }) };
  return toHex(encodeEpc(source).bytes);
}

describe.each(VALID)('$name $input', ({ input, expected }) => {
  const epc = decodeEpc(input);

  it('says what it should', () => {
    expect(epc.scheme).toBe(expected.scheme);
    if (expected.identifyOnly) return;
    expect(epc.filter).toBe(expected.filter);
    expect(epc.tagUri).toBe(expected.tag);
    if (expected.pure !== undefined) expect(epc.pureUri).toBe(expected.pure);
    if (expected.ai !== undefined) expect(epc.elementString).toBe(expected.ai);
    if (expected.dl !== undefined) expect(epc.digitalLink).toBe(expected.dl);
    if (expected.aidc === 0) expect(epc.aidc).toBeUndefined();
  });

  it('is encoded to the same bits', () => {
    expect(withoutPadding(encodeAgain(epc))).toBe(withoutPadding(input));
  });

  it('is the same from bytes, and in a longer bank', () => {
    const bytes = Buffer.from(input.length % 2 === 0 ? input : `${input}0`, 'hex');
    expect(decodeEpc(bytes)).toEqual(epc);
    expect(decodeEpc(Buffer.concat([bytes, Buffer.alloc(6)]))).toEqual(epc);
  });

  it('is refused when bits of it are missing', () => {
    const bytes = Buffer.from(input, 'hex');
    for (let length = 0; length < epc.bits >> 3; length++) {
      expect(() => decodeEpc(bytes.subarray(0, length))).toThrow(expect.objectContaining({ code: 'epc-truncated' }));
    }
  });

  it('has a pure identity URI that finds an encoding of the same identity', () => {
    if (epc.pureUri === undefined) return;
    const again = decodeEpc(encodeEpc(epc.pureUri, { filter: 1 }).bytes);
    expect(again.pureUri).toBe(epc.pureUri);
    expect(packageIdOfEpc(again)).toBe(packageIdOfEpc(epc));
  });
});

describe.each(INVALID)('$name', ({ input }) => {
  it('is no EPC, and has a raw URI', () => {
    expect(() => decodeEpc(input)).toThrow(expect.objectContaining({ name: 'CodecError' }));
    const raw = readEpc(input);
    expect(raw).toMatchObject({ scheme: 'raw', rawUri: `urn:epc:raw:${input.length * 4}.x${input.toUpperCase()}` });
    if (raw.scheme === 'raw') expect(toHex(encodeEpc(raw.rawUri).bytes).toUpperCase()).toBe(input.toUpperCase());
  });
});

it('covers every scheme of table 14-1 but the deprecated GDTI-113', () => {
  const seen = new Set(VALID.map(({ expected }) => expected.scheme));
  expect(seen.size).toBe(SCHEMES.length + PLUS_SCHEMES.length - 1);
});
