/**
 * North American coupon codes in AI 8110 (NACC, "North American Coupon Application Guideline Using GS1 DataBar Expanded")
 * and AI 8112 ("GS1 AI (8112) Coupon Data Specification"): lengths given in the data, optional fields by their number.
 *
 * Both functions give the offset of the first character that does not fit, or -1.
 */
import { isDate, isDigits } from './dates.ts';

/** Walks over digits; `at` is where reading stopped, `failed` that something did not fit there. */
class DigitReader {
  at: number;
  failed = false;
  readonly #text: string;
  readonly #end: number;

  constructor(text: string, start: number, end: number) {
    this.#text = text;
    this.at = start;
    this.#end = end;
  }

  get done(): boolean {
    return this.at >= this.#end;
  }

  /** One digit out of `allowed`; -1 when it is another or missing. */
  pick(allowed: string): number {
    if (this.failed || this.done || !allowed.includes(this.#text.charAt(this.at))) {
      this.failed = true;
      return -1;
    }
    return this.#text.charCodeAt(this.at++) - 48;
  }

  /** `count` digits of any value; gives where they started. */
  take(count: number): number {
    const start = this.at;
    if (this.failed || this.at + count > this.#end) this.failed = true;
    else this.at += count;
    return start;
  }

  /** A length digit out of `allowed`, then as many digits plus `extra`. */
  sized(allowed: string, extra: number): void {
    const length = this.pick(allowed);
    if (!this.failed) this.take(length + extra);
  }

  /** Takes the number of an optional field when that field comes next. */
  field(number: string): boolean {
    if (this.failed || this.done || this.#text.charAt(this.at) !== number) return false;
    this.at++;
    return true;
  }

  /** A purchase: requirement, its code, family code. */
  purchase(): void {
    this.sized('12345', 0);
    this.pick('012349');
    this.take(3);
  }

  /** The company prefix of a further purchase; 9 stands for none. */
  furtherPrefix(): void {
    if (!this.field('9')) this.sized('0123456', 6);
  }

  date(): string {
    const start = this.take(6);
    if (!this.failed && !isDate(this.#text, start, false)) {
      this.failed = true;
      this.at = start;
    }
    return this.#text.slice(start, start + 6);
  }
}

export function couponFault(text: string, start: number, end: number): number {
  if (!isDigits(text, start, end)) return start;
  const reader = new DigitReader(text, start, end);
  reader.sized('0123456', 6); // company prefix
  reader.take(6); // offer code
  reader.sized('12345', 0); // save value
  reader.purchase();
  if (reader.field('1')) {
    reader.pick('0123');
    reader.purchase();
    reader.furtherPrefix();
  }
  if (reader.field('2')) {
    reader.purchase();
    reader.furtherPrefix();
  }
  const expires = reader.field('3') ? reader.date() : '999999';
  if (reader.field('4') && reader.date() > expires) reader.failed = true;
  if (reader.field('5')) reader.sized('0123456789', 6);
  if (reader.field('6')) reader.sized('1234567', 6);
  if (reader.field('9')) {
    reader.pick('01256');
    reader.pick('012');
    reader.take(1);
    reader.pick('01');
  }
  return reader.failed || !reader.done ? reader.at : -1;
}

export function couponOfferFault(text: string, start: number, end: number): number {
  if (!isDigits(text, start, end)) return start;
  const reader = new DigitReader(text, start, end);
  reader.pick('01'); // format
  reader.sized('0123456', 6); // funder
  reader.take(6); // offer code
  reader.sized('0123456789', 6); // serial number
  return reader.failed || !reader.done ? reader.at : -1;
}
