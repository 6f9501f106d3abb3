/**
 * Check digits of carriers' numbers. Each gives the character that belongs behind a serial number.
 *
 * Sources: carriers' label specifications as restated by jkeen/tracking_number_data; UPU S10; ISO/IEC 7064 MOD 37,36 (DPD);
 * USPS Publication 199 (IMpb).
 */
export type Checksum =
  /** Modulo 10; even and odd positions (from 0 at the left) weigh so; letters count (code − 3) mod 10; no digits folded. */
  | { kind: 'mod10'; even: number; odd: number; prepend?: string }
  /** The serial number modulo 7. */
  | { kind: 'mod7' }
  /** Weighted sum modulo 11, 10 counts as 0. */
  | { kind: 'weighted'; weights: readonly number[] }
  | { kind: 's10' }
  | { kind: 'luhn' }
  | { kind: 'mod37-36' };

/** The check character of a serial number of digits and upper-case letters. */
export function checkCharacterOf(serial: string, checksum: Checksum): string {
  switch (checksum.kind) {
    case 'mod10':
      return mod10(withPrefix(serial, checksum.prepend), checksum.even, checksum.odd);
    case 'mod7':
      return String(Number(serial) % 7);
    case 'weighted':
      return String((weightedSum(serial, checksum.weights) % 11) % 10);
    case 's10':
      return s10(serial);
    case 'luhn':
      return luhn(serial);
    case 'mod37-36':
      return mod3736(serial);
  }
}

function withPrefix(serial: string, prefix: string | undefined): string {
  return prefix === undefined || serial.startsWith(prefix) ? serial : prefix + serial;
}

function mod10(serial: string, even: number, odd: number): string {
  let sum = 0;
  for (let at = 0; at < serial.length; at++) {
    const code = serial.charCodeAt(at);
    const value = code <= 57 ? code - 48 : (code - 3) % 10;
    sum += value * (at % 2 === 0 ? even : odd);
  }
  return String((10 - (sum % 10)) % 10);
}

function weightedSum(serial: string, weights: readonly number[]): number {
  let sum = 0;
  for (let at = 0; at < serial.length; at++) sum += (serial.charCodeAt(at) - 48) * (weights[at] ?? 0);
  return sum;
}

const S10_WEIGHTS = [8, 6, 4, 2, 3, 5, 9, 7];

function s10(serial: string): string {
  const check = 11 - (weightedSum(serial, S10_WEIGHTS) % 11);
  if (check === 10) return '0';
  return check === 11 ? '5' : String(check);
}

function luhn(serial: string): string {
  let sum = 0;
  for (let at = serial.length - 1, double = true; at >= 0; at--, double = !double) {
    const digit = serial.charCodeAt(at) - 48;
    const doubled = digit * 2;
    sum += double ? (doubled > 9 ? doubled - 9 : doubled) : digit;
  }
  return String((10 - (sum % 10)) % 10);
}

function mod3736(serial: string): string {
  let check = 36;
  for (let at = 0; at < serial.length; at++) {
    const code = serial.charCodeAt(at);
    check += code <= 57 ? code - 48 : code - 55;
    if (check > 36) check -= 36;
    check *= 2;
    if (check > 36) check -= 37;
  }
  return ((37 - check) % 36).toString(36).toUpperCase();
}
