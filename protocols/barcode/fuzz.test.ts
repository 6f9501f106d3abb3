import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isCodecError } from '../base/codec-error.ts';
import { parseAim, scanText, stripEci } from './aim.ts';
import { matchTracking } from './carriers/tracking-number.ts';
import { describeBarcode } from './describe.ts';
import { type ApplicationIdentifier, allAis, type Component } from './gs1/application-identifiers.ts';
import { gs1CheckDigit } from './gs1/check-digits.ts';
import { formatDigitalLink, parseDigitalLink } from './gs1/digital-link.ts';
import {
  formatBracketed,
  formatElementString,
  type Gs1Element,
  parseBracketed,
  parseElementString,
} from './gs1/elements.ts';
import { expandUpcE, toGtin14 } from './gs1/gtin.ts';
import { parseGs1Scan } from './gs1/scan.ts';
import { identify, parsePackageId } from './identity.ts';
import { parseEnvelope } from './iso15434.ts';
import { readEnvelope, transportLabel } from './maxicode.ts';

const RUN = { seed: 20261123, numRuns: 400 };

/** Pieces that decoders look for, so that random texts get past their first test. */
const PIECES = [
  ...[
    ']C1',
    ']d2',
    ']Q1',
    ']E0',
    ']e0',
    ']U1',
    ']',
    '[)>',
    '(',
    ')',
    '(01)',
    '(00)',
    'https://',
    '/01/',
    '/00/',
    '?',
    '=',
    '&',
  ],
  ...[
    '\x1d',
    '\x1e',
    '\x04',
    '\x1c',
    '%',
    '%2',
    '\\',
    '|',
    ' ',
    'J',
    '1J',
    '3S',
    '1Z',
    'JD',
    'TBA',
    '420',
    '92',
    '96',
    '00',
    '01',
    '02',
  ],
  ...[
    '06',
    '05',
    '07',
    '09',
    '21',
    '10',
    '17',
    '8003',
    '8110',
    '3103',
    '106141412345678908',
    '09506000134352',
    '12345',
    'AB',
    'é',
    '\u{1f4e6}',
  ],
];
const text = fc.oneof(
  fc.array(fc.constantFrom(...PIECES), { maxLength: 14 }).map((pieces) => pieces.join('')),
  fc.string({ unit: 'binary', maxLength: 80 }),
  fc.stringMatching(/^[0-9]{0,40}$/),
  fc.stringMatching(/^[0-9A-Z]{0,24}$/),
);

/** Calls a decoder; anything but a value or a CodecError fails the test. */
function total(decode: () => unknown): void {
  try {
    decode();
  } catch (error) {
    if (!isCodecError(error)) throw error;
    expect(error.code).toMatch(/^[a-z0-9]+(-[a-z0-9]+)*$/);
    expect(error.message).not.toBe('');
    expect(error.offset).toBeGreaterThanOrEqual(0);
  }
}

describe('every decoder is total', () => {
  const decoders: Record<string, (input: string) => unknown> = {
    parseElementString,
    parseBracketed,
    parseDigitalLink,
    lenientDigitalLink: (input) => parseDigitalLink(input, { lenient: true }),
    parseGs1Scan,
    parseEnvelope,
    transportLabel: (input) => {
      const envelope = readEnvelope(input);
      return envelope && transportLabel(envelope);
    },
    toGtin14,
    expandUpcE,
    parsePackageId,
    describeBarcode: (input) => describeBarcode({ text: input }),
  };
  it.each(Object.keys(decoders))('%s', (name) => {
    const decode = decoders[name] as (input: string) => unknown;
    fc.assert(
      fc.property(text, (input) => total(() => decode(input))),
      RUN,
    );
  });

  it('those that cannot fail do not', () => {
    fc.assert(
      fc.property(
        text,
        fc.option(fc.constantFrom(']C1', 'd2', ']Q1', ']E0', ']I1', ']x9'), { nil: undefined }),
        (input, aim) => {
          parseAim(input);
          stripEci(input);
          scanText(Buffer.from(input, 'utf16le'));
          matchTracking(input);
          const { candidates } = identify(aim === undefined ? { text: input } : { text: input, aim });
          expect(candidates.length).toBeLessThanOrEqual(9);
          expect(new Set(candidates.map(({ packageId }) => packageId)).size).toBe(candidates.length);
          for (const [index, { packageId, rank, scheme, value }] of candidates.entries()) {
            expect(packageId).toMatch(/^[\x20-\x7e]+$/);
            expect(parsePackageId(packageId)).toEqual({ scheme, value });
            expect(rank).toBeLessThanOrEqual(candidates[index - 1]?.rank ?? 100);
          }
        },
      ),
      RUN,
    );
  });

  it('a flipped character never makes a valid SSCC of another', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^\d{17}$/), fc.nat(17), fc.integer({ min: 1, max: 9 }), (body, at, by) => {
        const sscc = body + gs1CheckDigit(body);
        const digit = (Number(sscc.charAt(at)) + by) % 10;
        const wrong = sscc.slice(0, at) + digit + sscc.slice(at + 1);
        expect(identify({ text: `]C100${sscc}` }).candidates[0]?.packageId).toBe(`sscc:${sscc}`);
        expect(identify({ text: `]C100${wrong}` }).candidates.map(({ scheme }) => scheme)).not.toContain('sscc');
      }),
      RUN,
    );
  });
});

describe('what is written is read again', () => {
  const CHARACTERS = { N: '0-9', X: '!"%&\'()*+,\\-./0-9:;<=>?A-Z_a-z', Y: '#\\-/0-9A-Z', Z: '0-9A-Za-z_' };

  /** Values of AIs whose components have no content check but the check digit and the company prefix. */
  function componentValue(component: Component, names: readonly string[]): fc.Arbitrary<string> {
    const { set, min, max } = component;
    const free = (low: number, high: number) => fc.stringMatching(new RegExp(`^[${CHARACTERS[set]}]{${low},${high}}$`));
    if (names.includes('sum')) return free(max - 1, max - 1).map((body) => body + gs1CheckDigit(body));
    if (!names.includes('prefix1')) return free(min, max);
    return fc.tuple(fc.stringMatching(/^\d{4}$/), free(0, max - 4)).map(([prefix, rest]) => prefix + rest);
  }

  const codesOf = (component: Component) => component.checks.map(({ code }) => code);
  const simple = allAis().filter(({ components }) => {
    return components.every((component) =>
      codesOf(component).every((code) => code === 'gs1-check-digit' || code === 'gs1-company-prefix'),
    );
  });

  function value(entry: ApplicationIdentifier): fc.Arbitrary<Gs1Element> {
    const parts = entry.components.map((component) => {
      const names = codesOf(component).map((code) => (code === 'gs1-check-digit' ? 'sum' : 'prefix1'));
      return componentValue(component, names);
    });
    return fc.tuple(...parts).map((values) => ({ ai: entry.ai, value: values.join(''), title: entry.title }));
  }

  /** Built once for each AI: building them is what takes time. */
  const values = new Map(simple.map((entry) => [entry, value(entry)]));
  const valueOfAi = (entry: ApplicationIdentifier) => values.get(entry) ?? value(entry);

  const message = fc
    .uniqueArray(fc.constantFrom(...simple), { minLength: 1, maxLength: 8 })
    .chain((entries) => fc.tuple(...entries.map(valueOfAi)));

  it('element strings and brackets', () => {
    expect(simple.length).toBeGreaterThan(300);
    fc.assert(
      fc.property(message, (elements) => {
        expect(parseElementString(formatElementString(elements)).elements).toEqual(elements);
        expect(parseBracketed(formatBracketed(elements)).elements).toEqual(elements);
      }),
      RUN,
    );
  });

  it('Digital Links', () => {
    const attributes = simple.filter(
      ({ linkAttribute, qualifiers, ai }) => linkAttribute && !qualifiers && ai !== '10',
    );
    const linked = fc.tuple(
      fc.stringMatching(/^\d{17}$/).map((body) => ({ ai: '00', value: body + gs1CheckDigit(body), title: 'SSCC' })),
      fc
        .uniqueArray(fc.constantFrom(...attributes), { maxLength: 5 })
        .chain((entries) => fc.tuple(...entries.map(valueOfAi))),
    );
    fc.assert(
      fc.property(linked, ([key, rest]) => {
        const elements = parseDigitalLink(formatDigitalLink([...rest, key], 'https://a.example/x')).elements;
        const byAi = (list: readonly Gs1Element[]) => [...list].sort((a, b) => (a.ai < b.ai ? -1 : 1));
        expect(elements[0]).toEqual(key);
        expect(byAi(elements)).toEqual(byAi([key, ...rest]));
      }),
      RUN,
    );
  });
});
