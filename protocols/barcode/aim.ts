/**
 * AIM symbology identifiers, `]cm` in front of the data: c names the symbology, m what the reader did or found.
 *
 * What matters most here: FNC1 means GS1 only where the modifier says so. The same digits under `]C0` are no element string.
 *
 * Source: ISO/IEC 15424 and the symbology specifications' annexes on symbology identifiers.
 */
import { isUtf8 } from 'node:buffer';
import { asBuffer } from '../base/bytes.ts';

/** What the modifier says about the data. */
export interface AimModifier {
  /** `gs1`: FNC1 in first position, the data is an element string; `industry`: FNC1 in second position (AIM assigned). */
  fnc1?: 'gs1' | 'industry';
  /** Extended channel interpretations are transmitted: `\nnnnnn` and doubled backslashes. */
  eci?: boolean;
  /** What became of the symbol's check character. */
  check?: 'none' | 'verified' | 'stripped';
  /** Anything else, in a few words. */
  note?: string;
}

export interface AimScan {
  /** The identifier with its `]`. */
  aim: string;
  /** Name of the symbology; `gs1-…` when the data is a GS1 element string. */
  symbology: string;
  modifier: AimModifier;
  /** What follows the identifier. */
  data: string;
}

interface Symbology {
  name: string;
  /** Name when FNC1 stands in first position. */
  gs1Name?: string;
  modifiers: Record<string, AimModifier>;
}

const GS1: AimModifier = { fnc1: 'gs1' };
const INDUSTRY: AimModifier = { fnc1: 'industry' };
const ECI: AimModifier = { eci: true };
const GS1_ECI: AimModifier = { fnc1: 'gs1', eci: true };
const INDUSTRY_ECI: AimModifier = { fnc1: 'industry', eci: true };
const NO_CHECK: AimModifier = { check: 'none' };
const VERIFIED: AimModifier = { check: 'verified' };
const STRIPPED: AimModifier = { check: 'stripped' };
const CHECKED = { 0: NO_CHECK, 1: VERIFIED, 3: STRIPPED };
const PLAIN = { 0: {} };

const SYMBOLOGIES: Record<string, Symbology> = {
  A: {
    name: 'code39',
    modifiers: {
      ...CHECKED,
      4: { ...NO_CHECK, note: 'full ASCII' },
      5: { ...VERIFIED, note: 'full ASCII' },
      7: { ...STRIPPED, note: 'full ASCII' },
    },
  },
  B: {
    name: 'telepen',
    modifiers: {
      0: { note: 'full ASCII' },
      1: { note: 'numeric' },
      2: { note: 'numeric, then ASCII' },
      4: { note: 'ASCII, then numeric' },
    },
  },
  C: {
    name: 'code128',
    gs1Name: 'gs1-128',
    modifiers: { 0: {}, 1: GS1, 2: INDUSTRY, 4: { note: 'ISBT 128 concatenation' } },
  },
  D: { name: 'code-one', modifiers: { 0: {}, 1: GS1, 2: INDUSTRY, 3: ECI, 4: GS1_ECI, 5: INDUSTRY_ECI } },
  E: {
    name: 'ean-upc',
    modifiers: {
      0: { note: 'EAN-13, UPC-A or UPC-E as 13 digits' },
      1: { note: 'two-digit add-on' },
      2: { note: 'five-digit add-on' },
      3: { note: 'EAN-13, UPC-A or UPC-E with add-on' },
      4: { note: 'EAN-8' },
    },
  },
  F: { name: 'codabar', modifiers: { 0: {}, 1: { note: 'ABC codabar' }, 2: VERIFIED, 4: STRIPPED } },
  G: { name: 'code93', modifiers: PLAIN },
  H: { name: 'code11', modifiers: { 0: VERIFIED, 1: { ...VERIFIED, note: 'two check characters' }, 3: STRIPPED } },
  I: { name: 'itf', modifiers: CHECKED },
  J: {
    name: 'dotcode',
    gs1Name: 'gs1-dotcode',
    modifiers: { 0: {}, 1: GS1, 2: INDUSTRY, 3: ECI, 4: GS1_ECI, 5: INDUSTRY_ECI },
  },
  K: { name: 'code16k', modifiers: { 0: {}, 1: GS1, 2: INDUSTRY, 4: { note: 'padded' } } },
  L: {
    name: 'pdf417',
    modifiers: {
      0: { note: 'protocol of 1994' },
      1: ECI,
      2: { note: 'backslashes not doubled' },
      3: { fnc1: 'gs1', note: 'MicroPDF417, Code 128 emulation' },
      4: { fnc1: 'industry', note: 'MicroPDF417, Code 128 emulation' },
      5: { note: 'MicroPDF417, Code 128 emulation' },
    },
  },
  M: { name: 'msi', modifiers: { 0: VERIFIED, 1: STRIPPED } },
  N: { name: 'anker', modifiers: PLAIN },
  O: {
    name: 'codablock',
    modifiers: {
      0: { note: 'Codablock 256' },
      1: { fnc1: 'gs1', note: 'Codablock 256' },
      4: { note: 'Codablock F' },
      5: { fnc1: 'gs1', note: 'Codablock F' },
      6: { note: 'Codablock A' },
    },
  },
  P: { name: 'plessey', modifiers: PLAIN },
  Q: {
    name: 'qr',
    gs1Name: 'gs1-qr',
    modifiers: { 0: { note: 'model 1' }, 1: {}, 2: ECI, 3: GS1, 4: GS1_ECI, 5: INDUSTRY, 6: INDUSTRY_ECI },
  },
  R: { name: 'straight-2of5-two-bar', modifiers: CHECKED },
  S: { name: 'straight-2of5', modifiers: PLAIN },
  T: { name: 'code49', modifiers: { 0: {}, 1: GS1, 2: INDUSTRY, 4: { note: 'group alphanumeric' } } },
  U: {
    name: 'maxicode',
    modifiers: {
      0: { note: 'mode 4 or 5' },
      1: { note: 'mode 2 or 3, structured carrier message' },
      2: { eci: true, note: 'mode 4 or 5' },
      3: { eci: true, note: 'mode 2 or 3, structured carrier message' },
    },
  },
  X: { name: 'other', modifiers: PLAIN },
  Z: {
    name: 'no-barcode',
    modifiers: { 0: {}, 1: { note: 'keyboard' }, 2: { note: 'magnetic stripe' }, 3: { note: 'radio' } },
  },
  c: { name: 'channel-code', modifiers: PLAIN },
  d: {
    name: 'datamatrix',
    gs1Name: 'gs1-datamatrix',
    modifiers: { 0: { note: 'ECC 000–140' }, 1: {}, 2: GS1, 3: INDUSTRY, 4: ECI, 5: GS1_ECI, 6: INDUSTRY_ECI },
  },
  e: {
    name: 'gs1-databar',
    gs1Name: 'gs1-databar',
    modifiers: {
      0: GS1,
      1: { note: 'composite, behind a symbol separator' },
      2: { note: 'composite, behind an escape' },
      3: { eci: true, note: 'composite, behind an escape' },
    },
  },
  g: { name: 'grid-matrix', modifiers: { 0: {}, 1: ECI, 2: GS1, 3: GS1_ECI } },
  h: { name: 'han-xin', gs1Name: 'gs1-han-xin', modifiers: { 0: {}, 1: ECI, 2: GS1, 3: { note: 'web address' } } },
  o: { name: 'ocr', modifiers: { 0: {}, 1: { note: 'OCR-A' }, 2: { note: 'OCR-B' }, 3: { note: 'MICR' } } },
  p: { name: 'posicode', modifiers: PLAIN },
  s: { name: 'supercode', modifiers: PLAIN },
  v: { name: 'vericode', modifiers: PLAIN },
  z: {
    name: 'aztec',
    gs1Name: 'gs1-aztec',
    modifiers: {
      0: {},
      1: GS1,
      2: INDUSTRY,
      3: ECI,
      4: GS1_ECI,
      5: INDUSTRY_ECI,
      6: { note: 'structured append' },
      7: { ...GS1, note: 'structured append' },
      8: { ...INDUSTRY, note: 'structured append' },
      9: { ...ECI, note: 'structured append' },
      A: { ...GS1_ECI, note: 'structured append' },
      B: { ...INDUSTRY_ECI, note: 'structured append' },
      C: { note: 'rune' },
    },
  },
};

interface Identifier {
  symbology: string;
  modifier: AimModifier;
}

/** Every identifier of the table, `]C1` and so on. */
const IDENTIFIERS = new Map<string, Identifier>();
for (const [code, { name, gs1Name, modifiers }] of Object.entries(SYMBOLOGIES)) {
  for (const [modifier, meaning] of Object.entries(modifiers)) {
    const symbology = meaning.fnc1 === 'gs1' ? (gs1Name ?? name) : name;
    IDENTIFIERS.set(`]${code}${modifier}`, { symbology, modifier: meaning });
  }
}

const SHAPE = /^\][A-Za-z][0-9A-Z]/;

/** Parses `]cm` + data; undefined when the text does not start with an identifier. Unknown ones have symbology `unknown`. */
export function parseAim(text: string): AimScan | undefined {
  if (text.charCodeAt(0) !== 93 || !SHAPE.test(text)) return undefined;
  return aimScan(text.slice(0, 3), text.slice(3));
}

/** The same from an identifier that the reader sent apart (with or without `]`), and its data. */
export function aimScan(identifier: string, data: string): AimScan {
  const aim = identifier.startsWith(']') ? identifier : `]${identifier}`;
  const { symbology, modifier } = IDENTIFIERS.get(aim) ?? unlisted(aim);
  return { aim, symbology, modifier, data };
}

/** Modifiers we do not know still leave the symbology known. */
function unlisted(aim: string): Identifier {
  return { symbology: SYMBOLOGIES[aim.charAt(1)]?.name ?? 'unknown', modifier: {} };
}

/** Data without ECI sequences `\nnnnnn`, doubled backslashes made single (AIM ITS/04-001). */
export function stripEci(data: string): string {
  return data.includes('\\') ? data.replace(/\\(?:\d{6}|(\\))/g, '$1') : data;
}

/** Bytes of a scan as text: UTF-8 where they are, else ISO 8859-1, which loses no byte. */
export function scanText(bytes: Uint8Array): string {
  return asBuffer(bytes).toString(isUtf8(bytes) ? 'utf8' : 'latin1');
}
