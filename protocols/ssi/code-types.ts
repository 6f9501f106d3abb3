/**
 * Code types of DECODE_DATA: the symbology a scan had, and the AIM identifier it amounts to where the code type settles it. QR and
 * Data Matrix are left without one: whether their data is GS1's only the symbol knows (set the reader to send AIM identifiers).
 *
 * Names are those of the AIM identifiers (protocols/barcode/aim.ts) where there is one.
 * Source: Simple Serial Interface Programmer's Guide 72E-40451-04EN, DECODE_DATA; ISO/IEC 15424 for the identifiers.
 */

export interface SsiCodeType {
  symbology: string;
  aim?: string;
}

const CODE_TYPES: ReadonlyMap<number, SsiCodeType> = new Map<number, SsiCodeType>([
  [0x01, { symbology: 'code39', aim: ']A0' }],
  [0x02, { symbology: 'codabar', aim: ']F0' }],
  [0x03, { symbology: 'code128', aim: ']C0' }],
  [0x04, { symbology: 'straight-2of5', aim: ']S0' }],
  [0x05, { symbology: 'straight-2of5-two-bar', aim: ']R0' }],
  [0x06, { symbology: 'itf', aim: ']I0' }],
  [0x07, { symbology: 'code93', aim: ']G0' }],
  [0x08, { symbology: 'upc-a', aim: ']E0' }],
  [0x09, { symbology: 'upc-e0', aim: ']E0' }],
  [0x0a, { symbology: 'ean-8', aim: ']E4' }],
  [0x0b, { symbology: 'ean-13', aim: ']E0' }],
  [0x0c, { symbology: 'code11', aim: ']H0' }],
  [0x0d, { symbology: 'code49', aim: ']T0' }],
  [0x0e, { symbology: 'msi', aim: ']M0' }],
  [0x0f, { symbology: 'gs1-128', aim: ']C1' }],
  [0x10, { symbology: 'upc-e1', aim: ']E0' }],
  [0x11, { symbology: 'pdf417', aim: ']L0' }],
  [0x12, { symbology: 'code16k', aim: ']K0' }],
  [0x13, { symbology: 'code39', aim: ']A4' }],
  [0x15, { symbology: 'trioptic' }],
  [0x16, { symbology: 'bookland', aim: ']E0' }],
  [0x17, { symbology: 'coupon' }],
  [0x18, { symbology: 'nw-7', aim: ']F0' }],
  [0x19, { symbology: 'isbt-128', aim: ']C0' }],
  [0x1a, { symbology: 'micro-pdf417', aim: ']L3' }],
  [0x1b, { symbology: 'datamatrix' }],
  [0x1c, { symbology: 'qr' }],
  [0x1e, { symbology: 'us-postnet' }],
  [0x1f, { symbology: 'us-planet' }],
  [0x20, { symbology: 'code32' }],
  [0x21, { symbology: 'isbt-128-concatenated', aim: ']C4' }],
  [0x22, { symbology: 'japan-postal' }],
  [0x23, { symbology: 'australia-postal' }],
  [0x24, { symbology: 'netherlands-kix' }],
  [0x25, { symbology: 'maxicode' }],
  [0x26, { symbology: 'canada-postal' }],
  [0x27, { symbology: 'uk-postal' }],
  [0x28, { symbology: 'macro-pdf417' }],
  [0x2c, { symbology: 'micro-qr' }],
  [0x2d, { symbology: 'aztec' }],
  [0x2e, { symbology: 'aztec-rune' }],
  [0x30, { symbology: 'gs1-databar', aim: ']e0' }],
  [0x31, { symbology: 'gs1-databar-limited', aim: ']e0' }],
  [0x32, { symbology: 'gs1-databar-expanded', aim: ']e0' }],
  [0x33, { symbology: 'parameter' }],
  [0x34, { symbology: 'usps-4cb' }],
  [0x35, { symbology: 'upu-fics' }],
  [0x36, { symbology: 'issn', aim: ']E0' }],
  [0x39, { symbology: 'matrix-2of5' }],
  [0x48, { symbology: 'upc-a-2', aim: ']E3' }],
  [0x4a, { symbology: 'ean-8-2' }],
  [0x4b, { symbology: 'ean-13-2', aim: ']E3' }],
  [0x72, { symbology: 'chinese-2of5' }],
  [0x73, { symbology: 'korean-3of5' }],
  [0x88, { symbology: 'upc-a-5', aim: ']E3' }],
  [0x8b, { symbology: 'ean-13-5', aim: ']E3' }],
  [0xb4, { symbology: 'gs1-databar-coupon' }],
  [0xb7, { symbology: 'han-xin' }],
]);

export function ssiCodeType(codeType: number): SsiCodeType {
  return CODE_TYPES.get(codeType) ?? { symbology: `code-type-${codeType}` };
}
