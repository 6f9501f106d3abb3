/**
 * The coding methods introduced with TDS 2.0 (TDS 2.3, clause 14.5) that the `+` and `++` schemes use: bits ↔ the value
 * of a GS1 Application Identifier, or a part of it.
 */
import type { BitReader, BitWriter } from './bits.ts';
import { CHARACTERS_39, CHARACTERS_82 } from './characters.ts';
import { epcFault } from './faults.ts';

export interface Method {
  /** @throws CodecError when the bits are not valid for the method. */
  read(from: BitReader): string;
  /** @throws CodecError `epc-value` when the value cannot be encoded. */
  write(to: BitWriter, value: string): void;
}

export interface VariableLimits {
  /** Most characters. */
  most: number;
  /** Bits of the length indicator. */
  lengthBits: number;
  /** Fewest characters; 1 unless given. */
  least?: number;
  /** The AI's characters; set 82 unless given. */
  characters?: RegExp;
}

/** 14.5.4: four bits a digit. */
export function fixedNumeric(digits: number): Method {
  return {
    read(from) {
      let value = '';
      for (let i = 0; i < digits; i++) {
        const digit = from.number(4);
        if (digit > 9) throw epcFault('epc-character', `${digit} is not a decimal digit`, from.at - 4);
        value += digit;
      }
      return value;
    },
    write(to, value) {
      if (!/^\d+$/.test(value) || value.length !== digits) throw bad(`'${value}' is not ${digits} digits`);
      for (const digit of value) to.number(Number(digit), 4);
    },
  };
}

/** 14.5.2: a number of fixed bits and digits. */
export function fixedBitNumeric(bits: number, digits: number): Method {
  return {
    read(from) {
      const numeral = from.decimal(bits);
      if (numeral.length > digits)
        throw epcFault('epc-range', `${numeral} has more than ${digits} digits`, from.at - bits);
      return numeral.padStart(digits, '0');
    },
    write(to, value) {
      if (!/^\d+$/.test(value) || value.length !== digits) throw bad(`'${value}' is not ${digits} digits`);
      to.integer(BigInt(value), bits);
    },
  };
}

/** 14.5.6: encoding indicator, length indicator, characters. */
export function alphanumeric(limits: VariableLimits): Method {
  const { most, lengthBits, least = 1, characters = CHARACTERS_82 } = limits;
  return {
    read(from) {
      const start = from.at;
      const encoding = ENCODINGS[from.number(3)];
      if (encoding === undefined) throw epcFault('epc-reserved', 'encoding indicator 6 or 7 is reserved', start);
      const length = readLength(from, lengthBits, least, most);
      const value = encoding.read(from, length);
      if (!characters.test(value)) {
        throw epcFault('epc-character', `'${value}' holds characters that may not stand there`, start);
      }
      return value;
    },
    write(to, value) {
      if (!characters.test(value)) throw bad(`'${value}' holds characters that may not stand there`);
      const indicator = bestEncoding(value);
      to.number(indicator, 3);
      writeLength(to, value, lengthBits, least, most);
      (ENCODINGS[indicator] as Encoding).write(to, value);
    },
  };
}

/** 14.5.13: length indicator and a number, for values that are always digits. */
export function variableNumeric({ most, lengthBits, least = 1 }: VariableLimits): Method {
  return {
    read: (from) => NUMERIC.read(from, readLength(from, lengthBits, least, most)),
    write(to, value) {
      if (!/^\d*$/.test(value)) throw bad(`'${value}' is not digits`);
      writeLength(to, value, lengthBits, least, most);
      NUMERIC.write(to, value);
    },
  };
}

const DELIMITER = 0xe;
const TERMINATOR = 0xf;

/** 14.5.5: digits of four bits; then a terminator, or a delimiter and the rest as 14.5.6. */
export function delimitedNumeric(limits: VariableLimits): Method {
  const rest = alphanumeric(limits);
  const checkLength = (value: string, bitOffset: number): string => {
    if (value.length <= limits.most) return value;
    throw epcFault('epc-length', `'${value}' has more than ${limits.most} characters`, bitOffset);
  };
  return {
    read(from) {
      const start = from.at;
      let value = '';
      for (;;) {
        const nibble = from.number(4);
        if (nibble <= 9) {
          value = checkLength(value + nibble, start);
          continue;
        }
        if (value === '' || (nibble !== DELIMITER && nibble !== TERMINATOR)) {
          throw epcFault('epc-character', `${nibble} is not a decimal digit`, from.at - 4);
        }
        return nibble === TERMINATOR ? value : checkLength(value + rest.read(from), start);
      }
    },
    write(to, value) {
      const digits = /^\d*/.exec(value)?.[0] ?? '';
      if (digits === '') throw bad(`'${value}' does not begin with a digit`);
      if (value.length > limits.most) throw bad(`'${value}' has more than ${limits.most} characters`);
      for (const digit of digits) to.number(Number(digit), 4);
      to.number(digits === value ? TERMINATOR : DELIMITER, 4);
      if (digits !== value) rest.write(to, value.slice(digits.length));
    },
  };
}

const DAYS_IN_MONTH = [0, 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

/** 14.5.8: YYMMDD in 7, 4 and 5 bits; day 00 stands for no day. */
export const dateYymmdd: Method = {
  read(from) {
    const start = from.at;
    const value = [7, 4, 5].map((bits) => from.number(bits).toString().padStart(2, '0')).join('');
    if (!isDate(value)) throw epcFault('epc-date', `${value} is not a date YYMMDD`, start);
    return value;
  },
  write(to, value) {
    if (!isDate(value)) throw bad(`'${value}' is not a date YYMMDD`);
    [7, 4, 5].forEach((bits, i) => {
      to.number(Number(value.slice(i * 2, i * 2 + 2)), bits);
    });
  },
};

export function isDate(value: string): boolean {
  const days = DAYS_IN_MONTH[Number(value.slice(2, 4))];
  return /^\d{6}$/.test(value) && days !== undefined && value.slice(2, 4) !== '00' && Number(value.slice(4)) <= days;
}

/** Bits that a number of so many digits takes: ceil(digits · log2 10). */
export function bitsOfDigits(digits: number): number {
  return digits === 0 ? 0 : (10n ** BigInt(digits) - 1n).toString(2).length;
}

/** How 14.5.6 writes characters under one encoding indicator. */
interface Encoding {
  fits: RegExp;
  bits(length: number): number;
  read(from: BitReader, length: number): string;
  write(to: BitWriter, value: string): void;
}

/** 14.5.6.1 */
const NUMERIC: Encoding = {
  fits: /^\d*$/,
  bits: bitsOfDigits,
  read(from, length) {
    if (length === 0) return '';
    const bits = bitsOfDigits(length);
    const numeral = from.decimal(bits);
    if (numeral.length > length) {
      throw epcFault('epc-range', `${numeral} has more than ${length} digits`, from.at - bits);
    }
    return numeral.padStart(length, '0');
  },
  write: (to, value) => to.integer(BigInt(value === '' ? 0 : value), bitsOfDigits(value.length)),
};

/** 14.5.6.5: three characters in sixteen bits; index 0 pads. */
export const URN_CODE_40: Encoding = {
  fits: /^[A-Z\-.:0-9]*$/,
  bits: (length) => Math.ceil(length / 3) * 16,
  read(from, length) {
    let value = '';
    while (value.length < length) {
      const start = from.at;
      const packed = from.number(16) - 1;
      const indices = [Math.floor(packed / 1600), Math.floor(packed / 40) % 40, packed % 40];
      const wanted = Math.min(3, length - value.length);
      indices.forEach((index, i) => {
        const character = CODE_40[index];
        if (packed < 0 || character === undefined || (index === 0) !== i >= wanted) {
          throw epcFault('epc-character', `${packed + 1} is not ${wanted} characters of URN Code 40`, start);
        }
        value += i < wanted ? character : '';
      });
    }
    return value;
  },
  write(to, value) {
    for (let at = 0; at < value.length; at += 3) {
      const [first = 0, second = 0, third = 0] = [...value.slice(at, at + 3)].map((c) => CODE_40.indexOf(c));
      to.number(1600 * first + 40 * second + third + 1, 16);
    }
  },
};

const CODE_40 = '\0ABCDEFGHIJKLMNOPQRSTUVWXYZ-.:0123456789';
const BASE_64 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';

/** 14.5.6.2–4: an alphabet whose index is the value. */
function alphabet(characters: string, bits: number, fits: RegExp): Encoding {
  return {
    fits,
    bits: (length) => length * bits,
    read: (from, length) => Array.from({ length }, () => characters[from.number(bits)] as string).join(''),
    write(to, value) {
      for (const character of value) to.number(characters.indexOf(character), bits);
    },
  };
}

/** 14.5.6.6: ASCII. Which characters may stand is the AI's matter. */
const ASCII: Encoding = {
  fits: /^[!-\x7e]*$/,
  bits: (length) => length * 7,
  read(from, length) {
    let value = '';
    while (value.length < length) {
      const character = String.fromCharCode(from.number(7));
      if (!CHARACTERS_82.test(character) && !CHARACTERS_39.test(character)) {
        throw epcFault('epc-character', `a 7-bit value that is not in table 14-9`, from.at - 7);
      }
      value += character;
    }
    return value;
  },
  write(to, value) {
    for (const character of value) to.number(character.charCodeAt(0), 7);
  },
};

/** Table E: by encoding indicator. */
const ENCODINGS: readonly (Encoding | undefined)[] = [
  NUMERIC,
  alphabet('0123456789ABCDEF', 4, /^[0-9A-F]*$/),
  alphabet('0123456789abcdef', 4, /^[0-9a-f]*$/),
  alphabet(BASE_64, 6, /^[A-Za-z0-9\-_]*$/),
  ASCII,
  URN_CODE_40,
];

/** The indicator of the encoding that takes the fewest bits. */
function bestEncoding(value: string): number {
  let best = 4;
  ENCODINGS.forEach((encoding, indicator) => {
    if (encoding === undefined || !encoding.fits.test(value)) return;
    if (encoding.bits(value.length) < (ENCODINGS[best] as Encoding).bits(value.length)) best = indicator;
  });
  return best;
}

function readLength(from: BitReader, bits: number, least: number, most: number): number {
  const start = from.at;
  const length = from.number(bits);
  if (length < least || length > most) {
    throw epcFault('epc-length', `a length of ${length}: ${least}–${most} were expected`, start);
  }
  return length;
}

function writeLength(to: BitWriter, value: string, bits: number, least: number, most: number): void {
  if (value.length < least || value.length > most) throw bad(`'${value}' is not ${least}–${most} characters long`);
  to.number(value.length, bits);
}

function bad(message: string) {
  return epcFault('epc-value', message);
}
