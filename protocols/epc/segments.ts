/**
 * The coding methods of the schemes before TDS 2.0 (TDS 2.3, clauses 14.3 and 14.4): a segment of bits ↔ components of a URI.
 *
 * Invariant: `write` refuses every component that `read` could not give back.
 */
import type { BitReader, BitWriter } from './bits.ts';
import { CAGE, CHARACTERS_82, character39, character82, code39, escapeUri, unescapeUri } from './characters.ts';
import { epcFault } from './faults.ts';
import type { PartitionRow } from './partitions.ts';

export interface Segment {
  /** Components of the URI that the segment stands for. */
  parts: number;
  /** @throws CodecError when the bits are not valid for the method. */
  read(from: BitReader): string[];
  /** @throws CodecError `epc-value` or `epc-uri` when the components cannot be encoded. */
  write(to: BitWriter, parts: readonly string[]): void;
}

/** 14.3.1, 14.4.1: a numeral without leading zeros. */
export function integer(bits: number): Segment {
  return {
    parts: 1,
    read: (from) => [from.decimal(bits)],
    write(to, [part = '']) {
      if (!/^(0|[1-9]\d*)$/.test(part)) throw value(`'${part}' is not a number without leading zeros`);
      to.integer(below(part, 1n << BigInt(bits)), bits);
    },
  };
}

/** 14.3.10, 14.4.10: a numeral of as many digits as the bits can always say. */
export function fixedWidthInteger(bits: number): Segment {
  const digits = Math.floor(bits * Math.log10(2));
  const limit = 10 ** digits;
  return {
    parts: 1,
    read(from) {
      const number = from.number(bits);
      if (number >= limit) throw epcFault('epc-range', `${number} does not fit ${digits} digits`, from.at - bits);
      return [number.toString().padStart(digits, '0')];
    },
    write(to, [part = '']) {
      if (!/^\d+$/.test(part) || part.length !== digits) throw value(`'${part}' is not ${digits} digits`);
      to.number(Number(part), bits);
    },
  };
}

/** 14.3.2, 14.4.2: characters of table A-1, seven bits each, the rest zero. */
export function string(bits: number): Segment {
  const most = Math.floor(bits / 7);
  return {
    parts: 1,
    read: (from) => [escapeUri(readCharacters(from, bits, most))],
    write: (to, [part = '']) => writeCharacters(to, part, bits, most),
  };
}

/** 14.3.6, 14.4.6: digits with their leading zeros, kept by a 1 in front. */
export function numericString(bits: number, mostDigits: number): Segment {
  return {
    parts: 1,
    read(from) {
      const start = from.at;
      const numeral = from.decimal(bits);
      if (numeral[0] !== '1' || numeral.length < 2) {
        throw epcFault('epc-range', `numeric string ${numeral} does not begin with the digit 1 and go on`, start);
      }
      return [numeral.slice(1)];
    },
    write(to, [part = '']) {
      if (!/^\d+$/.test(part) || part.length > mostDigits) throw value(`'${part}' is not 1–${mostDigits} digits`);
      to.integer(BigInt(`1${part}`), bits);
    },
  };
}

/** Bits that are zero and stand for nothing. */
export function zeros(bits: number): Segment {
  return {
    parts: 0,
    read(from) {
      const start = from.at;
      if (from.integer(bits) !== 0n) throw epcFault('epc-reserved', `the ${bits} reserved bits are not zero`, start);
      return [];
    },
    write: (to) => to.integer(0n, bits),
  };
}

/** 14.3.3, 14.4.3: company prefix and a reference, whose digits together are always the same number. */
export function partition(rows: readonly PartitionRow[]): Segment {
  return {
    parts: 2,
    read(from) {
      const { row, prefix } = readPrefix(from, rows);
      const start = from.at;
      const other = from.number(row.otherBits);
      if (other >= 10 ** row.otherLength) {
        throw epcFault('epc-range', `reference ${other} does not fit ${row.otherLength} digits`, start);
      }
      return [prefix, row.otherLength === 0 ? '' : other.toString().padStart(row.otherLength, '0')];
    },
    write(to, [prefix = '', other = '']) {
      const row = writePrefix(to, rows, prefix);
      if (!/^\d*$/.test(other) || other.length !== row.otherLength) {
        throw value(`'${other}' is not ${row.otherLength} digits, as a company prefix of ${prefix.length} wants`);
      }
      to.number(Number(other), row.otherBits);
    },
  };
}

/** 14.3.4, 14.4.4: company prefix and a number without leading zeros. */
export function unpaddedPartition(rows: readonly PartitionRow[]): Segment {
  return {
    parts: 2,
    read(from) {
      const { row, prefix } = readPrefix(from, rows);
      return [prefix, from.decimal(row.otherBits)];
    },
    write(to, [prefix = '', other = '']) {
      const row = writePrefix(to, rows, prefix);
      integer(row.otherBits).write(to, [other]);
    },
  };
}

/** 14.3.5, 14.4.5: company prefix and characters of table A-1. */
export function stringPartition(rows: readonly PartitionRow[]): Segment {
  return {
    parts: 2,
    read(from) {
      const { row, prefix } = readPrefix(from, rows);
      return [prefix, escapeUri(readCharacters(from, row.otherBits, row.otherLength))];
    },
    write(to, [prefix = '', other = '']) {
      const row = writePrefix(to, rows, prefix);
      writeCharacters(to, other, row.otherBits, row.otherLength);
    },
  };
}

/** 14.3.9, 14.4.9: company prefix and characters of table G-1, six bits each, ended by six zero bits. */
export function sixBitPartition(rows: readonly PartitionRow[]): Segment {
  return {
    parts: 2,
    read(from) {
      const { row, prefix } = readPrefix(from, rows);
      return [prefix, escapeUri(readSixBit(from, 1, row.otherLength))];
    },
    write(to, [prefix = '', other = '']) {
      const row = writePrefix(to, rows, prefix);
      writeSixBit(to, unescapeUri(other), 1, row.otherLength);
    },
  };
}

/** 14.3.8, 14.4.8, for ADI: a `#` may stand only at the front of the segment that `allowsHash`. */
export function sixBitString(limits: { least: number; most: number; allowsHash: boolean }): Segment {
  const form = limits.allowsHash ? /^#?[^#]+$/ : /^[^#]*$/;
  return {
    parts: 1,
    read(from) {
      const start = from.at;
      const text = readSixBit(from, limits.least, limits.most);
      if (!form.test(text)) throw epcFault('epc-character', `'#' may not stand where it does in '${text}'`, start);
      return [escapeUri(text)];
    },
    write(to, [part = '']) {
      const text = unescapeUri(part);
      if (!form.test(text)) throw value(`'#' may not stand where it does in '${text}'`);
      writeSixBit(to, text, limits.least, limits.most);
    },
  };
}

/** 14.3.7, 14.4.7: CAGE code (five characters, 100000 in front) or DoDAAC (six), six bits each. */
export function sixBitCage(): Segment {
  const FIVE = 0x20;
  return {
    parts: 1,
    read(from) {
      const start = from.at;
      let text = '';
      for (let i = 0; i < 6; i++) {
        const code = from.number(6);
        if (i === 0 && code === FIVE) continue;
        text += character39(code) ?? '?';
      }
      return [checkCage(text, start)];
    },
    write(to, [part = '']) {
      if (!CAGE.test(part)) throw value(`'${part}' is neither a CAGE code nor a DoDAAC`);
      if (part.length === 5) to.number(FIVE, 6);
      for (const character of part) to.number(code39(character), 6);
    },
  };
}

/** US DoD supplier's guide: the same in six characters of eight bits, a space in front of five. */
export function asciiCage(): Segment {
  return {
    parts: 1,
    read(from) {
      const start = from.at;
      const text = String.fromCharCode(...Array.from({ length: 6 }, () => from.number(8)));
      return [checkCage(text.replace(/^ /, ''), start)];
    },
    write(to, [part = '']) {
      if (!CAGE.test(part)) throw value(`'${part}' is neither a CAGE code nor a DoDAAC`);
      for (const character of part.padStart(6, ' ')) to.number(character.charCodeAt(0), 8);
    },
  };
}

function checkCage(text: string, bitOffset: number): string {
  if (!CAGE.test(text)) throw epcFault('epc-character', `'${text}' is neither a CAGE code nor a DoDAAC`, bitOffset);
  return text;
}

function readPrefix(from: BitReader, rows: readonly PartitionRow[]): { row: PartitionRow; prefix: string } {
  const start = from.at;
  const partitionValue = from.number(3);
  const row = rows[partitionValue];
  if (row === undefined) throw epcFault('epc-partition', `partition value ${partitionValue} is not 0–6`, start);
  const prefix = from.number(row.prefixBits);
  if (prefix >= 10 ** row.prefixDigits) {
    throw epcFault('epc-range', `company prefix ${prefix} does not fit ${row.prefixDigits} digits`, start + 3);
  }
  return { row, prefix: prefix.toString().padStart(row.prefixDigits, '0') };
}

function writePrefix(to: BitWriter, rows: readonly PartitionRow[], prefix: string): PartitionRow {
  const partitionValue = rows.findIndex(({ prefixDigits }) => prefixDigits === prefix.length);
  const row = rows[partitionValue];
  if (row === undefined || !/^\d+$/.test(prefix)) throw value(`company prefix '${prefix}' is not 6–12 digits`);
  to.number(partitionValue, 3);
  to.number(Number(prefix), row.prefixBits);
  return row;
}

function readCharacters(from: BitReader, bits: number, most: number): string {
  const start = from.at;
  let text = '';
  let ended = false;
  for (let left = bits; left > 0; left -= 7) {
    const width = Math.min(7, left);
    const code = from.number(width);
    if (code === 0) {
      ended = true;
      continue;
    }
    const character = width === 7 ? character82(code) : undefined;
    if (ended || character === undefined) {
      const fault = ended || width < 7 ? 'epc-padding' : 'epc-character';
      throw epcFault(fault, `7-bit value ${code} at bit ${from.at - width} may not stand there`, from.at - width);
    }
    text += character;
  }
  if (text.length === 0) throw epcFault('epc-padding', 'a string of no characters', start);
  if (text.length > most) throw epcFault('epc-length', `'${text}' has more than ${most} characters`, start);
  return text;
}

function writeCharacters(to: BitWriter, part: string, bits: number, most: number): void {
  const text = unescapeUri(part);
  if (!CHARACTERS_82.test(text) || text.length < 1 || text.length > most) {
    throw value(`'${text}' is not 1–${most} characters of table A-1`);
  }
  for (const character of text) to.number(character.charCodeAt(0), 7);
  to.integer(0n, bits - text.length * 7);
}

function readSixBit(from: BitReader, least: number, most: number): string {
  const start = from.at;
  let text = '';
  for (let code = from.number(6); code !== 0; code = from.number(6)) {
    const character = character39(code);
    if (character === undefined) {
      throw epcFault('epc-character', `6-bit value ${code} is not in table G-1`, from.at - 6);
    }
    text += character;
    if (text.length > most) throw epcFault('epc-length', `'${text}' has more than ${most} characters`, start);
  }
  if (text.length < least) throw epcFault('epc-length', `a string of less than ${least} characters`, start);
  return text;
}

function writeSixBit(to: BitWriter, text: string, least: number, most: number): void {
  const valid = [...text].every((character) => character39(code39(character)) === character);
  if (!valid || text.length < least || text.length > most) {
    throw value(`'${text}' is not ${least}–${most} characters of table G-1`);
  }
  for (const character of text) to.number(code39(character), 6);
  to.number(0, 6);
}

function below(numeral: string, limit: bigint): bigint {
  const number = BigInt(numeral);
  if (number >= limit) throw value(`${numeral} is not below ${limit}`);
  return number;
}

function value(message: string) {
  return epcFault('epc-value', message);
}
