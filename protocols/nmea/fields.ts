/**
 * Fields of an NMEA sentence, read by number. An empty or missing field is undefined; one that does not fit its format is
 * a CodecError `nmea-field` at the field's offset.
 */
import { CodecError } from '../base/codec-error.ts';
import type { CalendarDate, Coordinates } from './sentence.ts';

const DAY_MS = 86_400_000;

export class Fields {
  /** Without the address. */
  readonly all: readonly string[];
  private readonly address: string;

  constructor(body: string) {
    const [address = '', ...fields] = body.split(',');
    this.address = address;
    this.all = fields;
  }

  text(index: number): string | undefined {
    const value = this.all[index];
    return value === undefined || value === '' ? undefined : value;
  }

  number(index: number): number | undefined {
    const value = this.text(index);
    if (value === undefined) return undefined;
    if (!/^[+-]?(\d+\.?\d*|\.\d+)$/.test(value)) throw this.fault(index, 'a number');
    return Number(value);
  }

  whole(index: number): number | undefined {
    const value = this.text(index);
    if (value === undefined) return undefined;
    if (!/^[+-]?\d+$/.test(value)) throw this.fault(index, 'a whole number');
    return Number(value);
  }

  /** One of the letters, else a fault. */
  letter<T extends string>(index: number, letters: readonly T[]): T | undefined {
    const value = this.text(index);
    if (value === undefined) return undefined;
    const found = letters.find((letter) => letter === value);
    if (found === undefined) throw this.fault(index, `one of ${letters.join(', ')}`);
    return found;
  }

  /** hhmmss or hhmmss.sss; second 60 is a leap second. */
  timeOfDayMs(index: number): number | undefined {
    const value = this.text(index);
    if (value === undefined) return undefined;
    const match = /^(\d{2})(\d{2})(\d{2})(\.\d*)?$/.exec(value);
    const [hours, minutes, seconds] = [Number(match?.[1]), Number(match?.[2]), Number(match?.[3])];
    if (!match || hours > 23 || minutes > 59 || seconds > 60) throw this.fault(index, 'a time hhmmss.sss');
    const fraction = Math.round(Number(`0${match[4] ?? ''}`) * 1000);
    return Math.min(DAY_MS, ((hours * 60 + minutes) * 60 + seconds) * 1000 + fraction);
  }

  /** ddmmyy; two-digit years are 1980–2079, since GPS time starts in 1980. Zeros are a receiver without date. */
  dateDdmmyy(index: number): CalendarDate | undefined {
    const value = this.text(index);
    if (value === undefined || value === '000000') return undefined;
    const match = /^(\d{2})(\d{2})(\d{2})$/.exec(value);
    if (!match) throw this.fault(index, 'a date ddmmyy');
    const year = Number(match[3]);
    return this.checkedDate(index, year + (year < 80 ? 2000 : 1900), Number(match[2]), Number(match[1]));
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
    const northSouth = this.letter(index + 1, ['N', 'S']);
    const longitude = this.degrees(index + 2, 180);
    const eastWest = this.letter(index + 3, ['E', 'W']);
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
    const before = [this.address, ...this.all.slice(0, index)].join(',');
    return new CodecError({
      code: 'nmea-field',
      message: `field ${index + 1} is '${this.all[index] ?? ''}': ${expected} was expected`,
      // One for the start character, one for the comma.
      offset: before.length + 2,
    });
  }

  /** dddmm.mmmm. The last two digits ahead of the point are minutes, whatever zeros are left out in front. */
  private degrees(index: number, limit: number): number | undefined {
    const value = this.text(index);
    if (value === undefined) return undefined;
    const match = /^(\d{0,3}?)(\d{1,2}(?:\.\d*)?)$/.exec(value);
    const minutes = Number(match?.[2]);
    const degrees = Number(match?.[1]) + minutes / 60;
    if (!match || minutes >= 60 || degrees > limit) throw this.fault(index, `an angle dddmm.mmmm up to ${limit}`);
    return Math.round(degrees * 1e9) / 1e9;
  }

  private checkedDate(index: number, year: number, month: number, day: number): CalendarDate {
    const date = new Date(Date.UTC(year, month - 1, day));
    if (date.getUTCFullYear() !== year || date.getUTCMonth() !== month - 1 || date.getUTCDate() !== day) {
      throw this.fault(index, 'a date of the calendar');
    }
    return { year, month, day };
  }
}
