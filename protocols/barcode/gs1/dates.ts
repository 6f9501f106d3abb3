/**
 * Dates and times of element strings: YYMMDD with a century from a reference year (GenSpecs 7.12), day 00 for "the whole
 * month" (GenSpecs 3.4), hours and minutes. No clock: the reference year is given.
 */
import { CodecError } from '../../base/codec-error.ts';

export function isDigits(text: string, start = 0, end = text.length): boolean {
  for (let at = start; at < end; at++) {
    const code = text.charCodeAt(at);
    if (code < 48 || code > 57) return false;
  }
  return end > start;
}

/** The number that the two digits at `at` write. */
export function two(text: string, at: number): number {
  return (text.charCodeAt(at) - 48) * 10 + text.charCodeAt(at + 1) - 48;
}

const DAYS = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

function isDay(month: number, day: number, leap: boolean, dayZero: boolean): boolean {
  const days = DAYS[month - 1];
  if (days === undefined) return false;
  if (day === 0) return dayZero;
  return day <= (month === 2 && !leap ? 28 : days);
}

/**
 * Whether the six digits at `at` are a date; `dayZero` allows day 00. Within reach of the sliding century (1951–2150)
 * 2100 would be the one year divisible by 4 that is no leap year: YY 00 is 2000 until 2050.
 */
export function isDate(text: string, at: number, dayZero: boolean): boolean {
  return isDay(two(text, at + 2), two(text, at + 4), two(text, at) % 4 === 0, dayZero);
}

/** Whether the eight digits at `at` are a date YYYYMMDD. */
export function isFullDate(text: string, at: number): boolean {
  const year = two(text, at) * 100 + two(text, at + 2);
  const leap = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
  return isDay(two(text, at + 4), two(text, at + 6), leap, false);
}

export interface Gs1Date {
  /** ISO 8601 calendar date; for day 00 the last day of the month, which is what the day means for an expiry. */
  date: string;
  /** False when the day was 00: only the month is stated. */
  dayStated: boolean;
}

/**
 * A YYMMDD value as a date. The century is the one that puts the year between 49 before and 50 after `referenceYear`.
 * @throws CodecError `gs1-date` when it is no date.
 */
export function dateOf(value: string, referenceYear: number): Gs1Date {
  if (value.length < 6 || !isDigits(value, 0, 6) || !isDate(value, 0, true)) {
    throw new CodecError({ code: 'gs1-date', message: `'${value}' is not a date YYMMDD` });
  }
  const century = referenceYear - (referenceYear % 100);
  let year = century + two(value, 0);
  if (year - referenceYear > 50) year -= 100;
  else if (year - referenceYear < -49) year += 100;
  const month = two(value, 2);
  const day = two(value, 4);
  const leap = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
  const last = month === 2 && !leap ? 28 : (DAYS[month - 1] as number);
  const pad = (number: number) => String(number).padStart(2, '0');
  return { date: `${year}-${pad(month)}-${pad(day === 0 ? last : day)}`, dayStated: day !== 0 };
}
