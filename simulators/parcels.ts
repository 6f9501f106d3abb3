/**
 * Parcels with a logistic label: SSCC, the GS1-128 symbol that is printed, the SSCC-96 tag behind it.
 *
 * Sources: GS1 General Specifications 7.9.1 (check digit: weights 3 and 1 from the right), 3.2 (AI 00); GS1 TDS 2.x,
 * clause 14.6.2 (SSCC-96: header 31, filter 3 bits, partition 3 bits, company prefix, serial reference with the extension
 * digit in front, 24 zero bits; the check digit is not in the tag). The encoding is written here a second time on
 * purpose: a fault in the decoder under test must not hide behind the same fault in its simulator.
 */

/** Company prefix bits by partition; 12 − partition digits. TDS 2.x, table 14-7. */
const COMPANY_PREFIX_BITS = [40n, 37n, 34n, 30n, 27n, 24n, 20n] as const;
const PREFIX_AND_SERIAL_BITS = 58n;
const FILTER_ALL_OTHERS = 0n;

export interface Parcel {
  /** 18 digits. */
  sscc: string;
  aim: string;
  /** GS1 element string: AI 00 and the SSCC. */
  text: string;
  epcHex: string;
}

export function makeParcel(options: { companyPrefix: string; extensionDigit: number; serial: number }): Parcel {
  const { companyPrefix, extensionDigit, serial } = options;
  const serialDigits = 16 - companyPrefix.length;
  const body = `${extensionDigit}${companyPrefix}${String(serial % 10 ** serialDigits).padStart(serialDigits, '0')}`;
  const sscc = `${body}${gs1CheckDigit(body)}`;
  return { sscc, aim: ']C1', text: `00${sscc}`, epcHex: sscc96(sscc, companyPrefix.length) };
}

export function gs1CheckDigit(digits: string): number {
  let sum = 0;
  for (let i = 0; i < digits.length; i++) sum += Number(digits.at(-1 - i)) * (i % 2 === 0 ? 3 : 1);
  return (10 - (sum % 10)) % 10;
}

/** The EPC of an SSCC whose company prefix has that many digits (6–12), as lower-case hexadecimal. */
export function sscc96(sscc: string, companyPrefixLength: number): string {
  const partition = 12 - companyPrefixLength;
  const prefixBits = COMPANY_PREFIX_BITS[partition];
  if (prefixBits === undefined) throw new RangeError(`a company prefix has 6 to 12 digits, not ${companyPrefixLength}`);
  const companyPrefix = BigInt(sscc.slice(1, 1 + companyPrefixLength));
  const serialReference = BigInt(sscc.slice(0, 1) + sscc.slice(1 + companyPrefixLength, 17));
  let bits = 0x31n;
  bits = (bits << 3n) | FILTER_ALL_OTHERS;
  bits = (bits << 3n) | BigInt(partition);
  bits = (bits << prefixBits) | companyPrefix;
  bits = (bits << (PREFIX_AND_SERIAL_BITS - prefixBits)) | serialReference;
  return (bits << 24n).toString(16).padStart(24, '0');
}
