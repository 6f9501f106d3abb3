/** Coding methods that only further data behind an EPC uses (TDS 2.3, clauses 14.5.7 and 14.5.9 to 14.5.15). */
import type { BitReader, BitWriter } from './bits.ts';
import { epcFault } from './faults.ts';
import { dateYymmdd, isDate, type Method } from './plus-methods.ts';

/** 14.5.7: 0 or 1. */
export const singleBit: Method = {
  read: (from) => from.number(1).toString(),
  write: (to, value) => to.number(['0', '1'].indexOf(checked(value, /^[01]$/, '0 or 1')), 1),
};

/** 14.5.14: nothing, or a minus sign. */
export const optionalMinus: Method = {
  read: (from) => (from.number(1) === 1 ? '-' : ''),
  write: (to, value) => to.number(checked(value, /^-?$/, 'a minus sign or nothing').length, 1),
};

/** 14.5.12: two letters of six bits. */
export const countryCode: Method = {
  read(from) {
    const start = from.at;
    const letters = [from.number(6), from.number(6)];
    if (letters.some((letter) => letter > 25)) throw epcFault('epc-character', 'a country code is two letters', start);
    return String.fromCharCode(...letters.map((letter) => letter + 65));
  },
  write(to, value) {
    for (const letter of checked(value, /^[A-Z]{2}$/, 'two letters')) to.number(letter.charCodeAt(0) - 65, 6);
  },
};

/** 14.5.15: `n/m`, each 1–9. */
export const sequenceIndicator: Method = {
  read(from) {
    const start = from.at;
    const value = `${from.number(4)}/${from.number(4)}`;
    if (!/^[1-9]\/[1-9]$/.test(value)) throw epcFault('epc-range', `'${value}' is not a sequence n/m`, start);
    return value;
  },
  write(to, value) {
    checked(value, /^[1-9]\/[1-9]$/, 'a sequence n/m');
    to.number(Number(value[0]), 4);
    to.number(Number(value[2]), 4);
  },
};

/** 14.5.9: YYMMDDhhmm in 27 bits. */
export const dateTimeYymmddhhmm: Method = {
  read: (from) => readDateTime(from, 2),
  write: (to, value) => writeDateTime(to, checked(value, /^\d{10}$/, 'YYMMDDhhmm')),
};

/** 14.5.10: a date, or a range of two. */
export const dateOrRange: Method = {
  read(from) {
    const isRange = from.number(1) === 1;
    return isRange ? dateYymmdd.read(from) + dateYymmdd.read(from) : dateYymmdd.read(from);
  },
  write(to, value) {
    checked(value, /^(\d{6}){1,2}$/, 'one or two dates YYMMDD');
    to.number(value.length === 12 ? 1 : 0, 1);
    dateYymmdd.write(to, value.slice(0, 6));
    if (value.length === 12) dateYymmdd.write(to, value.slice(6));
  },
};

/** 14.5.11: units of time after the date, by format indicator. */
const TIME_UNITS = [1, 2, 3, 0];

export const variablePrecisionDateTime: Method = {
  read: (from) => readDateTime(from, TIME_UNITS[from.number(2)] as number),
  write(to, value) {
    checked(value, /^\d{6}(\d\d){0,3}$/, 'YYMMDD, with hh, mm and ss as far as known');
    to.number(TIME_UNITS.indexOf(value.length / 2 - 3), 2);
    writeDateTime(to, value);
  },
};

const TIME_BITS = [5, 6, 6];

function readDateTime(from: BitReader, units: number): string {
  const start = from.at;
  let value = dateYymmdd.read(from);
  for (const bits of TIME_BITS.slice(0, units)) value += from.number(bits).toString().padStart(2, '0');
  if (!isTime(value.slice(6))) throw epcFault('epc-date', `'${value}' is not a date and time`, start);
  return value;
}

function writeDateTime(to: BitWriter, value: string): void {
  if (!isDate(value.slice(0, 6)) || !isTime(value.slice(6))) {
    throw epcFault('epc-value', `'${value}' is not a date and time`);
  }
  dateYymmdd.write(to, value.slice(0, 6));
  for (let at = 6; at < value.length; at += 2)
    to.number(Number(value.slice(at, at + 2)), TIME_BITS[at / 2 - 3] as number);
}

/** hh 00–24, mm and ss 00–59; 24 is the end of the day and nothing after it. */
function isTime(text: string): boolean {
  return /^((([01]\d|2[0-3])([0-5]\d){0,2})|24(00){0,2})?$/.test(text);
}

function checked(value: string, form: RegExp, what: string): string {
  if (!form.test(value)) throw epcFault('epc-value', `'${value}' is not ${what}`);
  return value;
}
