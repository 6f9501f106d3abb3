/**
 * Content checks of element string components, by the name that the dictionary uses.
 *
 * A check sees a range of the string whose characters are already known to be of the component's set, and gives the offset
 * of the fault or -1. Nothing is allocated, so a message of ten elements costs no garbage.
 *
 * Sources: GenSpecs 3 (each AI), 7.9 (check digits), ISO 13616 (IBAN), RFC 3986 2.1 (percent-encoding).
 */
import { hasGs1CheckDigit, hasGs1CheckPair } from './check-digits.ts';
import { COUNTRIES_ALPHA2, COUNTRIES_NUMERIC, CURRENCIES_NUMERIC, PACKAGE_TYPES } from './codes.ts';
import { couponFault, couponOfferFault } from './coupon.ts';
import { isDate, isDigits, isFullDate, two } from './dates.ts';

export interface Check {
  /** Error code when it fails. */
  code: string;
  /** What was expected, for the message. */
  expected: string;
  test(text: string, start: number, end: number): number;
}

type Predicate = (text: string, start: number, end: number) => boolean;

function check(code: string, expected: string, holds: Predicate): Check {
  return { code, expected, test: (text, start, end) => (holds(text, start, end) ? -1 : start) };
}

function located(code: string, expected: string, test: Check['test']): Check {
  return { code, expected, test };
}

const CONTENT = 'gs1-value';
const number = (text: string, start: number, end: number) => Number(text.slice(start, end));
const oneOf =
  (set: string): Predicate =>
  (text, start, end) =>
    end - start === 1 && set.includes(text.charAt(start));
const listed =
  (codes: ReadonlySet<string>): Predicate =>
  (text, start, end) =>
    codes.has(text.slice(start, end));

/** A company prefix starts `skip` characters in and has at least four digits. */
function prefix(skip: number): Predicate {
  return (text, start, end) => end - start >= skip + 4 && isDigits(text, start + skip, start + skip + 4);
}

const IMPORTER = /^[-0-9A-Z_a-z]$/;
const POSITION = /^([1-9]\d*)\/([1-9]\d*)$/;
const HEX_PAIR = /^[0-9A-Fa-f]{2}$/;

export const CHECKS: Record<string, Check> = {
  sum: check('gs1-check-digit', 'another check digit', hasGs1CheckDigit),
  pair: check('gs1-check-pair', 'another check character pair', hasGs1CheckPair),
  prefix1: check('gs1-company-prefix', 'a GS1 Company Prefix at the start (four digits at least)', prefix(0)),
  prefix2: check('gs1-company-prefix', 'a GS1 Company Prefix after the first digit', prefix(1)),
  yymmdd: check('gs1-date', 'a date YYMMDD', (text, start) => isDate(text, start, false)),
  yymmd0: check('gs1-date', 'a date YYMMDD, day 00 allowed', (text, start) => isDate(text, start, true)),
  yyyymmdd: check('gs1-date', 'a date YYYYMMDD', isFullDate),
  hh: check('gs1-time', 'an hour 00–23', (text, start) => two(text, start) < 24),
  mm: check('gs1-time', '00–59', (text, start) => two(text, start) < 60),
  hhmm: check('gs1-time', 'a time hhmm', (text, start) => two(text, start) < 24 && two(text, start + 2) < 60),
  country: check(CONTENT, 'an ISO 3166-1 numeric country', listed(COUNTRIES_NUMERIC)),
  country999: check(
    CONTENT,
    'an ISO 3166-1 numeric country or 999',
    (text, start, end) => text.startsWith('999', start) || COUNTRIES_NUMERIC.has(text.slice(start, end)),
  ),
  country2: check(CONTENT, 'an ISO 3166-1 alpha-2 country', listed(COUNTRIES_ALPHA2)),
  currency: check(CONTENT, 'an ISO 4217 numeric currency', listed(CURRENCIES_NUMERIC)),
  package: check(CONTENT, 'a package type of UN/ECE Recommendation 21', listed(PACKAGE_TYPES)),
  latitude: check(CONTENT, '0–1800000000', (text, start, end) => number(text, start, end) <= 1_800_000_000),
  longitude: check(CONTENT, '0–3600000000', (text, start, end) => number(text, start, end) <= 3_600_000_000),
  flag: check(CONTENT, '0 or 1', oneOf('01')),
  sex: check(CONTENT, '0, 1, 2 or 9 (ISO/IEC 5218)', oneOf('0129')),
  winding: check(CONTENT, '0, 1 or 9', oneOf('019')),
  hyphen: check(CONTENT, 'a hyphen', oneOf('-')),
  zero: check(CONTENT, '0', oneOf('0')),
  nonzero: check(CONTENT, 'a number above zero', (text, start, end) => number(text, start, end) > 0),
  unpadded: check(CONTENT, 'no leading zero', (text, start) => text.charAt(start) !== '0'),
  nondigit: check(
    CONTENT,
    'at least one character that is no digit',
    (text, start, end) => !isDigits(text, start, end),
  ),
  importer: check(CONTENT, 'a letter, digit, - or _', (text, start, end) => IMPORTER.test(text.slice(start, end))),
  media: check(CONTENT, 'an AIDC media type', (text, start) => {
    const type = two(text, start);
    return (type >= 1 && type <= 10) || type >= 80;
  }),
  piece: check(CONTENT, 'piece and total, neither zero, piece not above total', (text, start) => {
    const piece = two(text, start);
    return piece > 0 && piece <= two(text, start + 2);
  }),
  position: check(CONTENT, 'position/end', (text, start, end) => {
    const match = POSITION.exec(text.slice(start, end));
    return match !== null && Number(match[1]) <= Number(match[2]);
  }),
  percent: located(CONTENT, 'two hexadecimal digits after %', (text, start, end) => {
    for (let at = text.indexOf('%', start); at >= 0 && at < end; at = text.indexOf('%', at + 3)) {
      if (at + 3 > end || !HEX_PAIR.test(text.slice(at + 1, at + 3))) return at;
    }
    return -1;
  }),
  iban: check(CONTENT, 'an IBAN', isIban),
  coupon: located(CONTENT, 'a coupon code (NACC)', couponFault),
  offer: located(CONTENT, 'a coupon offer code', couponOfferFault),
};

/** ISO 13616: country, then modulo 97 over the number with its first four characters moved to the end. */
function isIban(text: string, start: number, end: number): boolean {
  const length = end - start;
  if (length <= 10 || length > 34 || !COUNTRIES_ALPHA2.has(text.slice(start, start + 2))) return false;
  let remainder = 0;
  for (let step = 0; step < length; step++) {
    const code = text.charCodeAt(start + ((step + 4) % length));
    if (code >= 48 && code <= 57) remainder = (remainder * 10 + code - 48) % 97;
    else if (code >= 65 && code <= 90) remainder = (remainder * 100 + code - 55) % 97;
    else return false;
  }
  return remainder === 1;
}
