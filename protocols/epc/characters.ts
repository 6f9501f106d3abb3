/**
 * The characters of EPCs and how URIs write them (TDS 2.3, clause 5, tables A-1 and G-1).
 *
 * Invariant: `escapeUri` and `unescapeUri` are inverse on strings of the 82 characters of table A-1 and `#`.
 */
import { epcFault } from './faults.ts';

/** Table A-1: the GS1 AI encodable character set 82; the 7-bit value is the ASCII code. */
export const CHARACTERS_82 = /^[!"%&'()*+,\-./0-9:;<=>?A-Z_a-z]*$/;
/** Table G-1, and set 39 of the General Specifications: component and part references. */
export const CHARACTERS_39 = /^[#\-/0-9A-Z]*$/;
/** CAGE code or DoDAAC: no I, no O (clause 6.3.17). */
export const CAGE = /^[0-9A-HJ-NP-Z]{5,6}$/;

const ESCAPED = /["#%&/<>?]/g;

/** The URI form of a value: what URNs may not hold becomes `%XX`. */
export function escapeUri(value: string): string {
  return value.replace(ESCAPED, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`);
}

/** @throws CodecError `epc-uri` for a character that must be escaped, or an escape that is none. */
export function unescapeUri(part: string): string {
  const value = part.replace(/%([0-9A-Fa-f]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  const bare = part.replace(/%[0-9A-Fa-f]{2}/g, '');
  if (/["#%&/<>?]/.test(bare)) throw epcFault('epc-uri', `'${part}' holds a character that a URN writes as %XX`);
  return value;
}

/** One character of table A-1 for its 7-bit value; `undefined` for a value that has none. */
export function character82(code: number): string | undefined {
  const character = String.fromCharCode(code);
  return code > 0 && CHARACTERS_82.test(character) ? character : undefined;
}

/** One character of table G-1 for its 6-bit value: the lower six bits of the ASCII code. */
export function character39(code: number): string | undefined {
  const character = String.fromCharCode(code < 32 ? code + 64 : code);
  return CHARACTERS_39.test(character) ? character : undefined;
}

export function code39(character: string): number {
  return character.charCodeAt(0) & 0x3f;
}
