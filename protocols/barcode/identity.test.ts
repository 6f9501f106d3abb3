import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isCodecError } from '../base/codec-error.ts';
import { describeBarcode } from './describe.ts';
import { gs1CheckDigit } from './gs1/check-digits.ts';
import { type IdentityScheme, identify, packageIdOf, packageIdsOf, parsePackageId } from './identity.ts';
import { formatPackageId, textValue } from './package-id.ts';
import { loadVectors } from './vectors.test-support.ts';

const ids = (text: string, preference?: IdentityScheme[], aim?: string) =>
  identify(aim === undefined ? { text } : { text, aim }, preference).candidates.map(packageIdOf);

/** Scans and all their ids, best first; numbers are those of the vectors and of the protocol facts. */
const CASES: [name: string, text: string, expected: string[]][] = [
  ['SSCC in GS1-128', ']C100106141412345678908', ['sscc:106141412345678908', 'code:00106141412345678908']],
  [
    'SSCC behind a postal code',
    ']C142010001\x1d00106141412345678908',
    ['sscc:106141412345678908', 'code:42010001%1D00106141412345678908'],
  ],
  [
    'FNC1 transmitted in first position too',
    ']C1\x1d00106141412345678908',
    ['sscc:106141412345678908', 'code:%1D00106141412345678908'],
  ],
  [
    'GTIN with serial in Data Matrix',
    ']d2010950600013435221XYZ-1/9\x1d10L1\x1d17270131',
    ['sgtin:09506000134352.XYZ-1/9', 'gtin:09506000134352', 'code:010950600013435221XYZ-1/9%1D10L1%1D17270131'],
  ],
  [
    'Digital Link with serial',
    ']Q1https://id.gs1.org/01/09506000134352/21/6789',
    ['sgtin:09506000134352.6789', 'gtin:09506000134352', 'code:https://id.gs1.org/01/09506000134352/21/6789'],
  ],
  [
    'Digital Link of another domain, serial in the query, no identifier',
    'https://brand.example/p/01/09506000134352?21=6789',
    ['sgtin:09506000134352.6789', 'gtin:09506000134352', 'code:https://brand.example/p/01/09506000134352?21=6789'],
  ],
  ['a web address that is none', ']Q1https://example.com/track?id=1', ['code:https://example.com/track?id=1']],
  ['brackets in a QR code', ']Q1(00)106141412345678908', ['sscc:106141412345678908', 'code:(00)106141412345678908']],
  [
    'an element string without identifier',
    '00106141412345678908',
    ['sscc:106141412345678908', 'usps:00106141412345678908', 'code:00106141412345678908'],
  ],
  [
    'eighteen digits: SSCC or FedEx',
    '000123450000000027',
    ['sscc:000123450000000027', 'fedex:000123450000000027', 'code:000123450000000027'],
  ],
  [
    'the same grouped as people write it',
    '00 0123 4500 0000 0027',
    ['sscc:000123450000000027', 'fedex:000123450000000027', 'code:00 0123 4500 0000 0027'],
  ],
  ['UPS', '1Z5R89390357567127', ['ups:1Z5R89390357567127', 'code:1Z5R89390357567127']],
  ['UPS under Code 128', ']C01Z5R89390357567127', ['ups:1Z5R89390357567127', 'code:1Z5R89390357567127']],
  ['S10', 'RB123456785GB', ['s10:RB123456785GB', 'code:RB123456785GB']],
  [
    'IMpb in GS1-128',
    ']C142010282\x1d9261290113185417468510',
    ['usps:9261290113185417468510', 'fedex:9261290113185417468510', 'code:42010282%1D9261290113185417468510'],
  ],
  [
    'IMpb of a reader that sends FNC1 but no identifier',
    '42022153\x1d9101026837331000039521',
    ['usps:9101026837331000039521', 'code:42022153%1D9101026837331000039521'],
  ],
  [
    'FNC1 in first position instead of an identifier',
    '\x1d0109501101530003\x1d21ABC',
    ['sgtin:09501101530003.ABC', 'gtin:09501101530003', 'code:%1D0109501101530003%1D21ABC'],
  ],
  [
    'a weight ahead of the GTIN, without identifier',
    '31030001890105412345000013\x1d10XYZ',
    ['gtin:05412345000013', 'code:31030001890105412345000013%1D10XYZ'],
  ],
  [
    'a Digital Link with a slash at its end',
    'https://id.gs1.org/00/106141412345678908/',
    ['sscc:106141412345678908', 'code:https://id.gs1.org/00/106141412345678908/'],
  ],
  [
    'a license plate in groups, as it is printed below the bars',
    'JJD00 0300 6545 4567 0001',
    ['license-plate:JD000300654545670001', 'code:JJD00 0300 6545 4567 0001'],
  ],
  ['separators in what is no GS1 message', 'ABC\x1d10XYZ', ['code:ABC%1D10XYZ']],
  [
    'IMpb with the separator stripped',
    ']C1420102829261290113185417468510',
    ['usps:9261290113185417468510', 'code:420102829261290113185417468510'],
  ],
  ['FedEx Ground 96 in GS1-128', ']C19611020987654312345672', ['fedex:987654312345672', 'code:9611020987654312345672']],
  [
    'FedEx Express long form is the same parcel as the short one',
    '1001921334250001000300779017972697',
    ['fedex:779017972697', 'code:1001921334250001000300779017972697'],
  ],
  ['EAN-13 is no package', ']E09506000134352', ['gtin:09506000134352', 'code:9506000134352']],
  ['EAN-8', ']E402345673', ['gtin:00000002345673', 'code:02345673']],
  ['EAN-13 with add-on', ']E3950600013435212345', ['gtin:09506000134352', 'code:950600013435212345']],
  ['UPC-E', ']E001234505', ['gtin:00012000003455', 'code:01234505']],
  ['ITF-14', ']I115400141288763', ['gtin:15400141288763', 'dhl:15400141288763', 'code:15400141288763']],
  [
    'license plate in an envelope',
    '[)>\x1e06\x1d1JUN123456789A2B4C6D8E\x1dQ25\x1e\x04',
    ['license-plate:UN123456789A2B4C6D8E', 'code:[)>%1E06%1D1JUN123456789A2B4C6D8E%1DQ25%1E%04'],
  ],
  [
    'license plate in a linear symbol',
    '1JUN123456789A2B4',
    ['license-plate:UN123456789A2B4', 'code:1JUN123456789A2B4'],
  ],
  [
    'DPD with its sign',
    '%008182709980000020045327276N',
    ['dpd:09980000020045', 'code:%25008182709980000020045327276N'],
  ],
  ['GIAI', ']C180049521141ABC/99', ['giai:9521141ABC/99', 'code:80049521141ABC/99']],
  ['GRAI with serial', ']C180030952114112345412', ['grai:9521141123454.12', 'code:80030952114112345412']],
  ['plain text', 'SHELF-0815', ['code:SHELF-0815']],
  ['space around text', '  SHELF 1 ', ['code:SHELF 1']],
  ['nothing', '', []],
];

describe('identify', () => {
  it.each(CASES)('%s', (_name, text, expected) => {
    expect(ids(text)).toEqual(expected);
  });

  it('takes the identifier apart from the text as well as in front of it', () => {
    for (const aim of [']C1', 'C1']) expect(ids('00106141412345678908', [], aim)[0]).toBe('sscc:106141412345678908');
  });

  it('does not give FNC1 a meaning that the identifier denies', () => {
    const { content, candidates } = identify({ text: ']C000106141412345678908' });
    expect(content.kind).toBe('text');
    const rank = (scheme: string) => candidates.find((candidate) => candidate.scheme === scheme)?.rank ?? 0;
    expect(rank('sscc')).toBeLessThan(70);
    const marked = identify({ text: ']C100106141412345678908' }).candidates[0];
    expect(marked?.rank).toBe(100);
  });

  it('says why a declared element string is none', () => {
    const { content, fault, candidates } = identify({ text: ']C100106141412345678909' });
    expect(content.kind).toBe('text');
    expect(fault).toMatchObject({ code: 'gs1-check-digit', offset: 2 });
    expect(candidates.map(({ scheme }) => scheme)).not.toContain('sscc');
  });

  it('keeps a lot whose GTIN is in another symbol', () => {
    const { content } = identify({ text: ']C110ABC123' });
    expect(content).toMatchObject({ kind: 'element-string', faults: [{ code: 'gs1-ai-required' }] });
  });

  it('lets a preference choose, and keeps the others', () => {
    expect(ids('000123450000000027', ['fedex'])).toEqual([
      'fedex:000123450000000027',
      'sscc:000123450000000027',
      'code:000123450000000027',
    ]);
    expect(ids('1Z5R89390357567127', ['plain'])[0]).toBe('code:1Z5R89390357567127');
    expect(ids('1Z5R89390357567127', ['sscc', 'ups'])[0]).toBe('ups:1Z5R89390357567127');
  });

  it.each(loadVectors<{ tracking1Z: string; checkDigitOk: boolean }>('maxicode-15434.json'))(
    '$name',
    ({ input, expected }) => {
      const [best] = identify({ text: input, aim: ']U1' }).candidates;
      expect(best).toMatchObject({ packageId: `ups:${expected.tracking1Z}`, rank: expected.checkDigitOk ? 98 : 60 });
    },
  );

  it('finds the parcel of a MaxiCode that lost its header', () => {
    const body =
      '336091062\x1d840\x1d002\x1d1Z14647438\x1dUPSN\x1d410E1W\x1d195\x1d\x1d1/1\x1d\x1dY\x1d\x1dTAMPA\x1dFL';
    expect(ids(body)[0]).toBe('ups:1Z410E1W0214647438');
    const versioned = identify({ text: `96${body}` });
    expect(versioned.candidates[0]?.packageId).toBe('ups:1Z410E1W0214647438');
    expect(versioned.content).toMatchObject({ kind: 'envelope', label: { postal: '336091062' } });
    expect(identify({ text: body.replace('336091062', '967011234') }).content).toMatchObject({
      label: { postal: '967011234' },
    });
  });

  it('finds the parcel of a FedEx PDF417 once, from both its numbers', () => {
    const { input } = loadVectors('labels.json').find(({ name }) => name.startsWith('FedEx')) ?? { input: '' };
    const found = ids(input);
    expect(found[0]).toBe('fedex:794981930811');
    expect(found).toHaveLength(2);
  });

  it('gives each tracking number of the vectors its carrier', () => {
    interface Expected {
      courier: string;
      valid: boolean;
    }
    for (const { input, expected } of loadVectors<Expected>('tracking-numbers.json')) {
      if (!expected.valid) continue;
      const schemes = identify({ text: input }).candidates.map(({ scheme }) => scheme);
      expect(`${input} ${schemes}`).toContain(expected.courier);
      expect(schemes.at(-1)).toBe('plain');
    }
  });

  it('bounds the candidates, the plain text last', () => {
    const serials = Array.from({ length: 20 }, (_, index) => `\x1d3SPACKAGE${index}`).join('');
    const { candidates } = identify({ text: `[)>\x1e06${serials}\x1e\x04` });
    expect(candidates).toHaveLength(9);
    expect(candidates.at(-1)?.scheme).toBe('plain');
  });
});

describe('package ids', () => {
  it('round-trip through scheme and value', () => {
    for (const [, text] of CASES) {
      for (const { scheme, value, packageId } of identify({ text }).candidates) {
        expect(parsePackageId(packageId)).toEqual({ scheme, value });
        expect(formatPackageId(scheme, value)).toBe(packageId);
      }
    }
  });

  it.each(['', 'sscc', 'sscc:', ':1', 'plain:x', 'nobody:1'])('refuses %j', (text) => {
    try {
      parsePackageId(text);
      expect.unreachable();
    } catch (error) {
      expect(isCodecError(error) && error.code).toBe('package-id');
    }
  });

  it('are short printable ASCII, and different for different texts', () => {
    expect(textValue('Zürich\x1d50%')).toBe('Z%C3%BCrich%1D50%25');
    const long = 'A'.repeat(4096);
    expect(textValue(long)).toMatch(/^A{80}~[0-9a-f]{32}$/);
    expect(textValue(long)).not.toBe(textValue(`${long}A`));
    expect(textValue('A'.repeat(120))).toBe('A'.repeat(120));
  });
});

describe('describeBarcode', () => {
  it('says everything in one object', () => {
    expect(describeBarcode({ text: ']C1001061414123456789083302012345' })).toMatchObject({
      aim: ']C1',
      symbology: 'gs1-128',
      kind: 'element-string',
      valid: true,
      ai: '(00)106141412345678908(3302)012345',
      hri: ['(00) 106141412345678908', '(3302) 012345'],
      digitalLink: 'https://id.gs1.org/00/106141412345678908?3302=012345',
      elements: [
        { ai: '00', title: 'SSCC' },
        { ai: '3302', decimal: 123.45 },
      ],
      packageId: 'sscc:106141412345678908',
    });
  });

  it('refuses what is not what it declares', () => {
    expect(() => describeBarcode({ text: ']C100106141412345678909' })).toThrow(/check digit/);
    expect(describeBarcode({ text: ']C110ABC' })).toMatchObject({
      valid: false,
      faults: [{ code: 'gs1-ai-required' }],
    });
    expect(() => describeBarcode({ text: ']E02112345678901' })).toThrow(/EAN/);
    expect(() => describeBarcode({ text: '' })).toThrow(/without data/);
    expect(describeBarcode({ text: ']Q1https://a/NOPRIMARYAI' })).toMatchObject({
      kind: 'text',
      faults: [{ code: 'gs1-link-no-key' }],
    });
    expect(describeBarcode({ text: ']C0RB123456785GB' })).toMatchObject({
      tracking: [{ courier: 's10', format: 's10', parts: { CountryCode: 'GB' }, checked: true }],
    });
    expect(describeBarcode({ text: 'ABC' })).toMatchObject({ kind: 'text', valid: true, packageId: 'code:ABC' });
  });

  it.each([...loadVectors('gs1-scandata.json'), ...loadVectors('maxicode-15434.json')])(
    '$name is JSON or an error',
    ({ input }) => {
      try {
        expect(JSON.parse(JSON.stringify(describeBarcode({ text: input })))).toBeTypeOf('object');
      } catch (error) {
        expect(isCodecError(error)).toBe(true);
      }
    },
  );
});

describe('the short way for an SSCC', () => {
  it('gives what the long way gives', () => {
    const digits = fc
      .array(fc.integer({ min: 0, max: 9 }), { minLength: 17, maxLength: 17 })
      .map((each) => each.join(''));
    const label = fc.record({
      aim: fc.constantFrom(']C1', ']C0', ']d2', ']Q3', ']e0', ']E0', 'C1', undefined),
      text: fc.tuple(fc.constantFrom('00', '01', '(00)', ''), digits, fc.constantFrom('right', 'wrong', '', '\x1d21A')),
    });
    const preferences = fc.constantFrom<IdentityScheme[]>([], ['plain'], ['fedex', 'sscc']);
    fc.assert(
      fc.property(label, preferences, ({ aim, text: [start, middle, end] }, preference) => {
        const check = gs1CheckDigit(middle);
        const last = end === 'right' ? check : end === 'wrong' ? (check + 1) % 10 : end;
        const scan = { text: `${start}${middle}${last}`, ...(aim !== undefined && { aim }) };
        expect(packageIdsOf(scan, preference)).toEqual(identify(scan, preference).candidates.map(packageIdOf));
      }),
      { seed: 20261123, numRuns: 500 },
    );
  });
});
