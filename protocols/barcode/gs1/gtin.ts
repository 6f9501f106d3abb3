/**
 * Trade item numbers as the EAN/UPC and ITF symbols carry them, and their one canonical form, the GTIN-14.
 *
 * Sources: GenSpecs 3.3.2 (GTIN formats in 14 digits), 5.2.2.4.2 (UPC-E zero suppression), 5.3 (ITF-14).
 */
import { CodecError } from '../../base/codec-error.ts';
import { gs1CheckDigit, hasGs1CheckDigit } from './check-digits.ts';
import { isDigits } from './dates.ts';

/**
 * The GTIN-14 of a GTIN-8, -12, -13 or -14.
 * @throws CodecError `gtin-length`, `gtin-check-digit`.
 */
export function toGtin14(digits: string): string {
  const { length } = digits;
  if ((length !== 8 && length !== 12 && length !== 13 && length !== 14) || !isDigits(digits)) {
    throw new CodecError({ code: 'gtin-length', message: `a GTIN has 8, 12, 13 or 14 digits: '${digits}'` });
  }
  if (!hasGs1CheckDigit(digits)) {
    const expected = gs1CheckDigit(digits, 0, length - 1);
    const message = `check digit of GTIN '${digits}' must be ${expected}`;
    throw new CodecError({ code: 'gtin-check-digit', message, offset: length - 1 });
  }
  return digits.padStart(14, '0');
}

/** Whether the text is a GTIN of 8, 12, 13 or 14 digits with its check digit. */
export function isGtin(text: string): boolean {
  const { length } = text;
  return (length === 8 || length === 12 || length === 13 || length === 14) && isDigits(text) && hasGs1CheckDigit(text);
}

/**
 * The GTIN-12 that a UPC-E symbol stands for, from its 6 digits, or 7 with number system 0 or check digit, or 8 with both.
 * @throws CodecError `upce-invalid` when it cannot be one.
 */
export function expandUpcE(digits: string): string {
  const numbered = digits.length === 8 || (digits.length === 7 && digits.startsWith('0'));
  const body = numbered ? digits.slice(1, 7) : digits.slice(0, 6);
  const system = numbered ? digits.charAt(0) : '0';
  const wrong = (message: string) => new CodecError({ code: 'upce-invalid', message });
  if (!isDigits(digits) || body.length !== 6 || digits.length > 8 || (system !== '0' && system !== '1')) {
    throw wrong(`'${digits}' is not a UPC-E number`);
  }
  const [a, b, c, d, e, last] = body as unknown as [string, string, string, string, string, string];
  let long: string;
  if (last <= '2') long = `${a}${b}${last}0000${c}${d}${e}`;
  else if (last === '3') long = `${a}${b}${c}00000${d}${e}`;
  else if (last === '4') long = `${a}${b}${c}${d}00000${e}`;
  else long = `${a}${b}${c}${d}${e}0000${last}`;
  const gtin = `${system}${long}`;
  const check = String(gs1CheckDigit(gtin));
  const hasCheck = digits.length === 8 || (digits.length === 7 && !numbered);
  if (hasCheck && !digits.endsWith(check)) throw wrong(`check digit of UPC-E '${digits}' must be ${check}`);
  return gtin + check;
}
