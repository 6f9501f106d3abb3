/**
 * The letter by which Honeywell's readers (and those of makers that took its numbering) name a symbology → AIM identifier, for reports that have
 * none. QR, Data Matrix and Aztec are left out: whether their data is GS1's only an AIM identifier tells.
 *
 * Source: Honeywell Xenon 1900 user's guide, symbology charts; ISO/IEC 15424.
 */
const AIM: Readonly<Record<string, string>> = {
  a: ']F0',
  b: ']A0',
  c: ']E0',
  D: ']E4',
  d: ']E0',
  E: ']E0',
  e: ']I0',
  f: ']R0',
  g: ']M0',
  h: ']H0',
  I: ']C1',
  i: ']G0',
  j: ']C0',
  r: ']L0',
  y: ']e0',
  '{': ']e0',
  '}': ']e0',
};

export function honeywellCodeId(letter: string): string | undefined {
  return AIM[letter];
}
