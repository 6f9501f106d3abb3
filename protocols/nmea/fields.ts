/**
 * Fields of an NMEA sentence, read by number. An empty or missing field is undefined; one that does not fit its format is
 * a CodecError `nmea-field` at the field's offset.
 */
import { CodecError } from '../base/codec-error.ts';
import type { CalendarDate, Coordinates } from './sentence.ts';

const DAY_MS = 86_400_000;

export const EAST_WEST = ['E', 'W'] as const;
const NORTH_SOUTH = ['N', 'S'] as const;
/** Digits that a double holds exactly, whatever they are. */
const EXACT_DIGITS = 15;
const POWERS_OF_TEN = Array.from({ length: EXACT_DIGITS + 1 }, (_, exponent) => 10 ** exponent);
const POINT = 0x2e;
const PLUS = 0x2b;
const MINUS = 0x2d;

export class Fields {
  private readonly sentence: string;
  private readonly ends: readonly number[];

  /** @param ends of the address and of each field (envelope.ts); numbers are read in place, which is quicker than cutting the text up */
  constructor(sentence: string, ends: readonly number[]) {
    this.sentence = sentence;
    this.ends = ends;
  }

  get address(): string {
    return this.sentence.slice(1, this.ends[0]);
  }

  /** How many there are, without the address. */
  get count(): number {
    return this.ends.length - 1;
  }

  get all(): readonly string[] {
    return this.ends.slice(1).map((end, index) => this.sentence.slice(this.startOf(index), end));
  }

  text(index: number): string | undefined {
    const start = this.startOf(index);
    const end = this.endOf(index);
    return end > start ? this.sentence.slice(start, end) : undefined;
  }

  number(index: number): number | undefined {
    const start = this.startOf(index);
    const end = this.endOf(index);
    if (end <= start) return undefined;
    const number = signed(this.sentence, start, end, true);
    if (Number.isNaN(number)) throw this.fault(index, 'a number');
    return number;
  }

  whole(index: number): number | undefined {
    const start = this.startOf(index);
    const end = this.endOf(index);
    if (end <= start) return undefined;
    const number = signed(this.sentence, start, end, false);
    if (Number.isNaN(number)) throw this.fault(index, 'a whole number');
    return number;
  }

  /** One of the letters, else a fault. */
  letter<T extends string>(index: number, letters: readonly T[]): T | undefined {
    const start = this.startOf(index);
    const end = this.endOf(index);
    if (end <= start) return undefined;
    for (const letter of letters) if (end === start + 1 && this.sentence[start] === letter) return letter;
    throw this.fault(index, `one of ${letters.join(', ')}`);
  }

  /** hhmmss or hhmmss.sss; second 60 is a leap second. */
  timeOfDayMs(index: number): number | undefined {
    const start = this.startOf(index);
    const end = this.endOf(index);
    if (end <= start) return undefined;
    const { sentence } = this;
    const whole = this.sixDigits(start, end);
    const seconds = whole % 100;
    const minutes = Math.floor(whole / 100) % 100;
    const hours = Math.floor(whole / 10_000);
    const point = start + 6;
    // A point alone is a fraction of nothing.
    const fraction = end <= point + 1 ? 0 : unsigned(sentence, point, end, true);
    const fits = hours <= 23 && minutes <= 59 && seconds <= 60 && fraction < 1;
    if (!fits || (end > point && sentence.charCodeAt(point) !== POINT)) throw this.fault(index, 'a time hhmmss.sss');
    return Math.min(DAY_MS, ((hours * 60 + minutes) * 60 + seconds) * 1000 + Math.round(fraction * 1000));
  }

  /** ddmmyy; two-digit years are 1980–2079, since GPS time starts in 1980. Zeros are a receiver without date. */
  dateDdmmyy(index: number): CalendarDate | undefined {
    const start = this.startOf(index);
    const end = this.endOf(index);
    if (end <= start) return undefined;
    const digits = end === start + 6 ? this.sixDigits(start, end) : Number.NaN;
    if (digits === 0) return undefined;
    if (Number.isNaN(digits)) throw this.fault(index, 'a date ddmmyy');
    const year = digits % 100;
    const month = Math.floor(digits / 100) % 100;
    return this.checkedDate(index, year + (year < 80 ? 2000 : 1900), month, Math.floor(digits / 10_000));
  }

  /** Day, month and four-digit year in fields of their own. */
  dateOfFields(index: number): CalendarDate | undefined {
    const [day, month, year] = [this.whole(index), this.whole(index + 1), this.whole(index + 2)];
    if (day === undefined || month === undefined || year === undefined) return undefined;
    return day === 0 && month === 0 ? undefined : this.checkedDate(index, year, month, day);
  }

  /** Latitude, N or S, longitude, E or W. */
  coordinates(index: number): Coordinates | undefined {
    const latitude = this.degrees(index, 90);
    const northSouth = this.letter(index + 1, NORTH_SOUTH);
    const longitude = this.degrees(index + 2, 180);
    const eastWest = this.letter(index + 3, EAST_WEST);
    if (latitude === undefined || longitude === undefined) return undefined;
    if (northSouth === undefined) throw this.fault(index + 1, 'N or S');
    if (eastWest === undefined) throw this.fault(index + 3, 'E or W');
    // Zero stays +0: a position on the equator is not "minus nothing".
    return {
      latitude: northSouth === 'S' && latitude !== 0 ? -latitude : latitude,
      longitude: eastWest === 'W' && longitude !== 0 ? -longitude : longitude,
    };
  }

  fault(index: number, expected: string): CodecError {
    return new CodecError({
      code: 'nmea-field',
      message: `field ${index + 1} is '${this.text(index) ?? ''}': ${expected} was expected`,
      offset: this.startOf(index),
    });
  }

  /** dddmm.mmmm. The last two digits ahead of the point are minutes, whatever zeros are left out in front. */
  private degrees(index: number, limit: number): number | undefined {
    const start = this.startOf(index);
    const end = this.endOf(index);
    if (end <= start) return undefined;
    const { sentence } = this;
    let point = start;
    while (point < end && sentence.charCodeAt(point) !== POINT) point++;
    const minutesAt = Math.max(start, point - 2);
    const minutes = unsigned(sentence, minutesAt, end, true);
    const degrees = (minutesAt === start ? 0 : unsigned(sentence, start, minutesAt, false)) + minutes / 60;
    if (!(point > start && point <= start + 5 && minutes < 60 && degrees <= limit)) {
      throw this.fault(index, `an angle dddmm.mmmm up to ${limit}`);
    }
    return Math.round(degrees * 1e9) / 1e9;
  }

  /** NaN when the field does not begin with six digits. */
  private sixDigits(start: number, end: number): number {
    return end < start + 6 ? Number.NaN : unsigned(this.sentence, start, start + 6, false);
  }

  private startOf(index: number): number {
    const comma = this.ends[index];
    return comma === undefined ? this.endOf(index) : comma + 1;
  }

  /** A field that is not there ends where the sentence does, and is empty. */
  private endOf(index: number): number {
    return this.ends[index + 1] ?? this.ends[this.ends.length - 1] ?? 0;
  }

  private checkedDate(index: number, year: number, month: number, day: number): CalendarDate {
    if (!(year >= 1000 && year <= 9999 && month >= 1 && month <= 12 && day >= 1 && day <= daysOf(year, month))) {
      throw this.fault(index, 'a date of the calendar');
    }
    return { year, month, day };
  }
}

function signed(text: string, start: number, end: number, fraction: boolean): number {
  const first = text.charCodeAt(start);
  if (first === MINUS) return -unsigned(text, start + 1, end, fraction);
  return unsigned(text, first === PLUS ? start + 1 : start, end, fraction);
}

/**
 * Digits from `start` to `end`, with one point among them if a fraction is allowed; NaN for anything else. Both the digits and a power of
 * ten of that size are exact, so their quotient is the double nearest to the decimal number: what Number() gives.
 */
function unsigned(text: string, start: number, end: number, fraction: boolean): number {
  let mantissa = 0;
  let digits = 0;
  let point = -1;
  for (let at = start; at < end; at++) {
    const code = text.charCodeAt(at);
    if (code >= 0x30 && code <= 0x39) {
      mantissa = mantissa * 10 + code - 0x30;
      digits++;
    } else if (code === POINT && fraction && point < 0) point = at;
    else return Number.NaN;
  }
  if (digits === 0) return Number.NaN;
  if (digits > EXACT_DIGITS) return Number(text.slice(start, end));
  return point < 0 ? mantissa : mantissa / (POWERS_OF_TEN[end - 1 - point] ?? 1);
}

function daysOf(year: number, month: number): number {
  if (month === 2) return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28;
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31;
}
