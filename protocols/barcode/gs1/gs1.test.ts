import { describe, expect, it } from 'vitest';
import { isCodecError } from '../../base/codec-error.ts';
import { loadVectors } from '../vectors.test-support.ts';
import { aiAt, allAis } from './application-identifiers.ts';
import { hasGs1CheckPair } from './check-digits.ts';
import { dateOf } from './dates.ts';
import { formatDigitalLink, parseDigitalLink } from './digital-link.ts';
import {
  associationFaults,
  formatBracketed,
  formatElementString,
  type Gs1Element,
  hriOf,
  parseBracketed,
  parseElementString,
} from './elements.ts';
import { expandUpcE, toGtin14 } from './gtin.ts';
import { decimalOf } from './measures.ts';
import { type Gs1Scan, parseGs1Scan } from './scan.ts';

interface OracleScan {
  valid: boolean;
  ai?: string | null;
  hri?: string[];
  dl?: string;
  dlError?: string;
  error?: string;
}

/** The oracle judges a scan and its association rules together. */
function readValid(text: string): Gs1Scan | string {
  try {
    const scan = parseGs1Scan(text);
    return scan.message.faults[0]?.code ?? scan;
  } catch (error) {
    if (isCodecError(error)) return error.code;
    throw error;
  }
}

function codeOf(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    if (isCodecError(error)) return error.code;
    throw error;
  }
  return 'no error';
}

const withFnc1 = (elements: readonly Gs1Element[]) => `^${formatElementString(elements).replaceAll('\x1d', '^')}`;

describe('scans, against the GS1 syntax engine', () => {
  it.each(loadVectors<OracleScan>('gs1-scandata.json'))('$name', ({ input, expected }) => {
    const scan = readValid(input);
    if (!expected.valid) return expect(scan).toBeTypeOf('string');
    if (typeof scan === 'string') throw new Error(scan);
    const { elements } = scan.message;
    expect(elements.length === 0 ? null : formatBracketed(elements)).toBe(expected.ai);
    expect(hriOf(elements)).toEqual(expected.hri);
    if (expected.dl) expect(formatDigitalLink(elements)).toBe(expected.dl);
    if (expected.dlError) expect(codeOf(() => formatDigitalLink(elements))).toBe('gs1-link-no-key');
  });

  // The engine names the symbol kind it would print; readers cannot tell the members of a family apart.
  const kinds: Record<string, string> = {
    'gs1-qr': 'QR',
    qr: 'QR',
    'gs1-datamatrix': 'DM',
    datamatrix: 'DM',
    'gs1-dotcode': 'DotCode',
    dotcode: 'DotCode',
    'gs1-databar': 'DataBarExpanded',
    'gs1-128': 'GS1_128_CCA',
  };
  const kindOf = (scan: Gs1Scan) => kinds[scan.symbology] ?? (scan.aim === ']E4' ? 'EAN8' : 'EAN13');

  /** The engine's own notation: ^ for FNC1, an escape where plain data starts with ^. */
  function notation(scan: Gs1Scan): string {
    if (scan.kind === 'element-string') return `^${scan.data.replaceAll('\x1d', '^')}`;
    if (scan.kind === 'ean') return scan.data + (scan.composite ? `|^${scan.composite.replaceAll('\x1d', '^')}` : '');
    return scan.data.replace(/^(\\*\^)/, '\\$1');
  }

  interface Unit {
    valid: boolean;
    symbology: string | null;
    'dataStr(^=FNC1)': string | null;
  }
  it.each(loadVectors<Unit>('gs1-scandata-unittests.json'))('unit test $input', ({ input, expected }) => {
    // The vectors write one backslash twice as C source does: `]Q1\^TESTING` stands for `]Q1^TESTING` there.
    const scan = readValid(input);
    if (!expected.valid) return expect(scan).toBeTypeOf('string');
    if (typeof scan === 'string') throw new Error(scan);
    expect(kindOf(scan)).toBe(expected.symbology);
    expect(notation(scan)).toBe(expected['dataStr(^=FNC1)']);
  });
});

describe('element strings', () => {
  it.each(loadVectors<{ valid: boolean }>('gs1-element-strings.json'))('$name', ({ input, expected }) => {
    const text = input.slice(1).replaceAll('^', '\x1d');
    if (!expected.valid) return expect(codeOf(() => parseElementString(text))).toMatch(/^gs1-/);
    // The engine tolerates a separator behind values of predefined length; we never write one.
    const canonical = input.slice(1).replace(/\^$/, '').replace('0112345678901231^', '0112345678901231');
    expect(withFnc1(parseElementString(text).elements)).toBe(`^${canonical}`);
  });

  it.each(loadVectors<{ valid: boolean }>('gs1-bracketed.json'))('$name', ({ input, expected }) => {
    if (!expected.valid) return expect(codeOf(() => parseBracketed(input))).toMatch(/^gs1-/);
    const { elements } = parseBracketed(input);
    expect(formatBracketed(elements)).toBe(input);
    expect(parseElementString(formatElementString(elements)).elements).toEqual(elements);
  });

  it.each(loadVectors<{ consistent: boolean }>('gs1-associations.json'))(
    'associations $name',
    ({ input, expected }) => {
      expect(parseBracketed(input).faults.length === 0).toBe(expected.consistent);
    },
  );

  it('keeps what is well-formed apart from what is consistent', () => {
    const { elements, faults } = parseElementString('10ABC123');
    expect(elements).toEqual([{ ai: '10', value: 'ABC123', title: 'BATCH/LOT' }]);
    expect(faults.map(({ code }) => code)).toEqual(['gs1-ai-required']);
  });

  it('names code and offset of the fault', () => {
    const faultOf = (text: string) => {
      try {
        parseElementString(text);
      } catch (error) {
        if (isCodecError(error)) return `${error.code} ${error.offset}`;
      }
      return 'none';
    };
    expect(faultOf('')).toBe('gs1-empty 0');
    expect(faultOf('0109506000134352091234')).toBe('gs1-ai-unknown 16');
    expect(faultOf('0109506000134353')).toBe('gs1-check-digit 2');
    expect(faultOf('010950600013435210AB~C')).toBe('gs1-character 20');
    expect(faultOf('10123456789012345678901')).toBe('gs1-value-long 2');
    expect(faultOf('0012345')).toBe('gs1-value-length 2');
    expect(faultOf('010950600013435217261301')).toBe('gs1-date 18');
    expect(faultOf('7003260101246000')).toBe('gs1-time 10');
    expect(faultOf('80131987654Ad4X4bL5ttr2310cXK')).toBe('gs1-check-pair 4');
    expect(faultOf('8004ABC123')).toBe('gs1-company-prefix 4');
    expect(faultOf('422999')).toBe('gs1-value 3');
  });

  it('writes a round bracket in a value escaped', () => {
    const { elements } = parseBracketed('(10)A\\(B(11)260100');
    expect(elements[0]?.value).toBe('A(B');
    expect(formatBracketed(elements)).toBe('(10)A\\(B(11)260100');
  });

  it('bounds the number of elements', () => {
    expect(codeOf(() => parseElementString('2001'.repeat(65)))).toBe('gs1-too-many');
    expect(parseElementString('2001'.repeat(64)).elements).toHaveLength(64);
  });
});

describe('the dictionary', () => {
  // GenSpecs 7.8.5: the prefixes whose values have a predefined length, whether or not an AI uses them.
  const PREDEFINED: Record<string, number> = { '00': 20, '01': 16, '02': 16, '03': 16, '04': 18, '20': 4, '41': 16 };
  for (let prefix = 11; prefix <= 19; prefix++) PREDEFINED[prefix] = 8;
  for (let prefix = 31; prefix <= 36; prefix++) PREDEFINED[prefix] = 10;

  it('has every AI once, found by its digits, with the predefined lengths of the standard', () => {
    const ais = allAis();
    expect(ais).toHaveLength(new Set(ais.map(({ ai }) => ai)).size);
    expect(ais.length).toBeGreaterThan(500);
    for (const entry of ais) {
      expect(aiAt(`x${entry.ai}`, 1)?.ai).toBe(entry.ai);
      const predefined = PREDEFINED[entry.ai.slice(0, 2)];
      expect(`${entry.ai} ${entry.predefined}`).toBe(`${entry.ai} ${predefined !== undefined}`);
      if (predefined !== undefined) expect(entry.ai.length + entry.maxLength).toBe(predefined);
      for (const qualifier of entry.qualifiers?.flat() ?? []) expect(aiAt(qualifier, 0)?.ai).toBe(qualifier);
      for (const component of entry.components.slice(0, -1)) expect(component.min).toBe(component.max);
    }
  });

  it('gives each run its own titles and AIs', () => {
    expect(aiAt('7233', 0)?.title).toBe('CERT # 4');
    expect(aiAt('7039', 0)?.title).toBe('PROCESSOR # 9');
    expect(aiAt('3106', 0)).toBeUndefined();
    expect(aiAt('04', 0)).toBeUndefined();
    expect(aiAt('1', 0)).toBeUndefined();
  });
});

describe('Digital Link', () => {
  it.each(loadVectors<{ valid: boolean; elementString?: string }>('gs1-digital-links.json'))(
    '$name',
    ({ input, expected }) => {
      if (!expected.valid) return expect(codeOf(() => parseDigitalLink(input))).toMatch(/^gs1-/);
      expect(withFnc1(parseDigitalLink(input).elements)).toBe(expected.elementString);
    },
  );

  it('knows the stem, builds the same link again, and any domain', () => {
    const link = parseDigitalLink('HTTPS://brand.example/shop/01/9506000134352/10/L%2F1/21/A?17=270131&linkType=x');
    expect(link.stem).toBe('HTTPS://brand.example/shop');
    expect(link.pathLength).toBe(3);
    expect(formatDigitalLink(link.elements, 'https://brand.example/shop/')).toBe(
      'https://brand.example/shop/01/09506000134352/10/L%2F1/21/A?17=270131',
    );
  });

  it.each([
    ['https://a/01/09506000134352/21/A/10/L', 'gs1-link-order'],
    ['https://a/01/09506000134352/10/L/235/X', 'gs1-link-order'],
    ['https://a/01/09506000134352?10=L', 'gs1-link-query'],
    ['https://a/01/09506000134352?01=09506000134352', 'gs1-link-query'],
    ['https://a/00/106141412345678908?21=A', 'gs1-link-query'],
    ['https://a/00/106141412345678909', 'gs1-check-digit'],
    ['https://a/01/09506000134352/10/', 'gs1-value-length'],
    ['https://a/01/0950600 0134352', 'gs1-link-uri'],
  ])('refuses %s', (uri, code) => {
    expect(codeOf(() => parseDigitalLink(uri))).toBe(code);
  });

  it('leniently takes qualifiers out of the query', () => {
    const link = parseDigitalLink('https://a/01/09506000134352?21=A', { lenient: true });
    expect(formatBracketed(link.elements)).toBe('(01)09506000134352(21)A');
  });
});

describe('keys and values', () => {
  it.each(loadVectors<{ valid: boolean }>('gs1-check-pairs.json'))('check pair $name', ({ input, expected }) => {
    expect(hasGs1CheckPair(input)).toBe(expected.valid);
  });

  it('makes one GTIN-14 of every GTIN', () => {
    expect(toGtin14('02345673')).toBe('00000002345673');
    expect(toGtin14('416000336108')).toBe('00416000336108');
    expect(toGtin14('9506000134352')).toBe('09506000134352');
    expect(toGtin14('15400141288763')).toBe('15400141288763');
    expect(codeOf(() => toGtin14('9506000134353'))).toBe('gtin-check-digit');
    expect(codeOf(() => toGtin14('123'))).toBe('gtin-length');
  });

  // GenSpecs 5.2.2.4.2, one case per rule of zero suppression; 001234000057 also in the engine's UPC-E tests.
  it.each([
    ['123455', '012345000058'],
    ['01234505', '012000003455'],
    ['0123450', '012000003455'],
    ['123453', '012300000451'],
    ['123454', '012340000053'],
    ['00123457', '001234000057'],
  ])('expands UPC-E %s', (short, long) => {
    expect(expandUpcE(short)).toBe(long);
    expect(toGtin14(expandUpcE(short))).toHaveLength(14);
  });

  it.each(['', '12345', '01234506', 'A23455', '21234505', '012345678'])('refuses UPC-E %j', (text) => {
    expect(codeOf(() => expandUpcE(text))).toBe('upce-invalid');
  });

  it('reads implied decimals', () => {
    expect(decimalOf({ ai: '3302', value: '012345', title: '' })).toBe(123.45);
    expect(decimalOf({ ai: '3103', value: '001250', title: '' })).toBe(1.25);
    expect(decimalOf({ ai: '3922', value: '0299', title: '' })).toBe(2.99);
    expect(decimalOf({ ai: '3932', value: '9780299', title: '' })).toBe(2.99);
    expect(decimalOf({ ai: '4331', value: '001850-', title: '' })).toBe(-18.5);
    expect(decimalOf({ ai: '00', value: '1', title: '' })).toBeUndefined();
  });

  it('reads dates with the century of the reference year, day 00 as the end of the month', () => {
    expect(dateOf('270131', 2026)).toEqual({ date: '2027-01-31', dayStated: true });
    expect(dateOf('260200', 2026)).toEqual({ date: '2026-02-28', dayStated: false });
    expect(dateOf('240200', 2026)).toEqual({ date: '2024-02-29', dayStated: false });
    expect(dateOf('760101', 2026).date).toBe('2076-01-01');
    expect(dateOf('770101', 2026).date).toBe('1977-01-01');
    expect(dateOf('010101', 2090).date).toBe('2101-01-01');
    expect(codeOf(() => dateOf('260229', 2026))).toBe('gs1-date');
  });

  it('finds association faults over elements of several symbols', () => {
    const gtin = parseElementString('0109506000134352').elements;
    const lot = parseElementString('10L1').elements;
    expect(associationFaults([...gtin, ...lot])).toEqual([]);
  });
});
