/** The custom hostname at the end of the `++` schemes (TDS 2.3, clause 14.5.16). `https://` is implied. */
import type { BitReader, BitWriter } from './bits.ts';
import { CHARACTERS_82 } from './characters.ts';
import { epcFault } from './faults.ts';
import { FOURTEEN_BIT_SEQUENCES, SEVEN_BIT_SEQUENCES } from './hostname-tables.ts';
import { URN_CODE_40 } from './plus-methods.ts';

/** Also the most that the six-bit length indicator can say. */
const MAX_LENGTH = 63;

export function readHostname(from: BitReader): string {
  const isAscii = from.number(1) === 1;
  const length = from.number(6);
  if (!isAscii) return URN_CODE_40.read(from, length);
  let hostname = '';
  // The length counts 7-bit groups; a sequence of fourteen bits is two of them.
  for (let group = 0; group < length; group++) {
    const start = from.at;
    const first = from.number(7);
    const table = FOURTEEN_BIT_SEQUENCES[first];
    if (table === undefined) {
      hostname += SEVEN_BIT_SEQUENCES.get(first) ?? character(first, start);
      continue;
    }
    group += 1;
    const sequence = group < length ? table[from.number(7)] : undefined;
    if (sequence === undefined) throw epcFault('epc-reserved', 'a reserved hostname sequence', start);
    hostname += sequence;
  }
  return hostname;
}

/** @throws CodecError `epc-value` for a name that is empty, longer than 63, or holds other characters than set 82. */
export function writeHostname(to: BitWriter, hostname: string): void {
  if (!CHARACTERS_82.test(hostname) || hostname.length < 1 || hostname.length > MAX_LENGTH) {
    throw epcFault('epc-value', `'${hostname}' is not a hostname of 1–${MAX_LENGTH} characters`);
  }
  const groups = groupsOf(hostname);
  if (URN_CODE_40.fits.test(hostname) && URN_CODE_40.bits(hostname.length) < groups.length * 7) {
    to.number(0, 1);
    to.number(hostname.length, 6);
    URN_CODE_40.write(to, hostname);
    return;
  }
  to.number(1, 1);
  to.number(groups.length, 6);
  for (const group of groups) to.number(group, 7);
}

/** Text that a sequence stands for, and its 7-bit groups; the longest first. */
const SEQUENCES: readonly { text: string; groups: number[] }[] = [
  ...[...SEVEN_BIT_SEQUENCES].map(([group, text]) => ({ text, groups: [group] })),
  ...FOURTEEN_BIT_SEQUENCES.flatMap((table, first) => table.map((text, row) => ({ text, groups: [first, row] }))),
].sort((a, b) => b.text.length - a.text.length);

function groupsOf(hostname: string): number[] {
  const groups: number[] = [];
  for (let at = 0; at < hostname.length; ) {
    const sequence = SEQUENCES.find(({ text }) => hostname.startsWith(text, at));
    groups.push(...(sequence?.groups ?? [hostname.charCodeAt(at)]));
    at += sequence?.text.length ?? 1;
  }
  return groups;
}

function character(code: number, bitOffset: number): string {
  const text = String.fromCharCode(code);
  if (CHARACTERS_82.test(text) || text === '#') return text;
  throw epcFault('epc-reserved', `7-bit value ${code} is reserved in a hostname`, bitOffset);
}
