/**
 * GS1 check digits and characters over a range of a string. The caller has made sure that the range holds only
 * characters of the right set; nothing is allocated.
 *
 * Sources: GenSpecs 7.9.1 (modulo 10, weights 3 and 1 from the right), 7.9.5 (alphanumeric check character pair).
 */

/** The digit that makes `text[start, end)` + digit a valid GS1 number. Digits only. */
export function gs1CheckDigit(text: string, start = 0, end = text.length): number {
  let sum = 0;
  let weight = 3;
  for (let at = end - 1; at >= start; at--) {
    sum += (text.charCodeAt(at) - 48) * weight;
    weight = 4 - weight;
  }
  return (10 - (sum % 10)) % 10;
}

/** Whether the last digit of `text[start, end)` is its check digit. Digits only. */
export function hasGs1CheckDigit(text: string, start = 0, end = text.length): boolean {
  return end > start && gs1CheckDigit(text, start, end - 1) === text.charCodeAt(end - 1) - 48;
}

const SET_82 = '!"%&\'()*+,-./0123456789:;<=>?ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz';
const SET_32 = '23456789ABCDEFGHJKLMNPQRSTUVWXYZ';
const VALUE_82 = new Uint8Array(128);
for (let value = 0; value < SET_82.length; value++) VALUE_82[SET_82.charCodeAt(value)] = value;

/** Weights by distance from the right: the primes. A value has at most 90 characters. */
const PRIMES = primes(90);

/** The two check characters for `text[start, end)`, at most 90 characters of set 82. */
export function gs1CheckPair(text: string, start = 0, end = text.length): string {
  let sum = 0;
  for (let at = end - 1, rank = 0; at >= start; at--, rank++) {
    sum += (VALUE_82[text.charCodeAt(at)] ?? 0) * (PRIMES[rank] ?? 0);
  }
  sum %= 1021;
  return SET_32.charAt(sum >> 5) + SET_32.charAt(sum & 31);
}

/** Whether the last two characters of `text[start, end)` are its check pair. */
export function hasGs1CheckPair(text: string, start = 0, end = text.length): boolean {
  return end - start >= 2 && gs1CheckPair(text, start, end - 2) === text.slice(end - 2, end);
}

function primes(count: number): number[] {
  const found: number[] = [];
  for (let candidate = 2; found.length < count; candidate++) {
    if (found.every((prime) => candidate % prime !== 0)) found.push(candidate);
  }
  return found;
}
