/**
 * Carriers' tracking numbers: which formats a text fits, with check digits. A text may fit several carriers (twelve digits
 * are FedEx or Purolator); all of them are given, best first, and choosing is the caller's.
 *
 * White space inside the text is ignored, as people and some bar codes group the digits.
 */
import { checkCharacterOf } from './checksums.ts';
import { CARRIER_FORMATS, type CarrierFormat, type Courier, type Parts } from './formats.ts';

export interface TrackingMatch {
  courier: Courier;
  /** Id of the format, for example `usps_impb_c`. */
  format: string;
  /** Name of the format. */
  name: string;
  /** The parcel's number in the carrier's one form: without routing, without white space. */
  number: string;
  parts: Parts;
  /** Whether the format has a check digit (which then is right). */
  checked: boolean;
  /** How unlikely another text would look like this one, 0–100. */
  weight: number;
}

export type TrackingVerdict =
  | { valid: true; match: TrackingMatch }
  | { valid: false; reason: 'format'; parts: Parts }
  | { valid: false; reason: 'check-digit' | 'not-listed'; parts: Parts };

/** Formats by the length of the text without white space. */
const BY_LENGTH: CarrierFormat[][] = [];
for (const format of CARRIER_FORMATS) {
  for (let length = format.lengths[0]; length <= format.lengths[1]; length++) {
    const formats = BY_LENGTH[length] ?? [];
    formats.push(format);
    BY_LENGTH[length] = formats;
  }
}
for (const formats of BY_LENGTH) formats?.sort((a, b) => b.weight - a.weight);

const BY_ID = new Map(CARRIER_FORMATS.map((format) => [format.id, format]));
const NO_PARTS: Parts = {};

/** Every format that the text is a valid number of, best first. */
export function matchTracking(text: string): TrackingMatch[] {
  const compact = withoutSpace(text);
  const matches: TrackingMatch[] = [];
  for (const format of BY_LENGTH[compact.length] ?? []) {
    const verdict = judge(format, compact);
    if (verdict.valid) matches.push(verdict.match);
  }
  return matches;
}

/** Judges a text as a number of one format; undefined when there is no such format. */
export function checkTracking(formatId: string, text: string): TrackingVerdict | undefined {
  const format = BY_ID.get(formatId);
  return format && judge(format, withoutSpace(text));
}

function judge(format: CarrierFormat, compact: string): TrackingVerdict {
  const parts = format.pattern.exec(compact)?.groups as Record<string, string | undefined> | undefined;
  if (!parts) return { valid: false, reason: 'format', parts: NO_PARTS };
  const { checksum, listed } = format;
  const serial = parts.SerialNumber ?? '';
  if (checksum && checkCharacterOf(serial, checksum) !== parts.CheckDigit) {
    return { valid: false, reason: 'check-digit', parts: present(parts) };
  }
  if (listed && !listed.values.has(parts[listed.part] ?? '')) {
    return { valid: false, reason: 'not-listed', parts: present(parts) };
  }
  const found = present(parts);
  const { id, courier, name, weight } = format;
  const number = format.number?.(found, compact) ?? compact;
  return {
    valid: true,
    match: { courier, format: id, name, number, parts: found, checked: checksum !== undefined, weight },
  };
}

function present(parts: Record<string, string | undefined>): Parts {
  const found: Record<string, string> = {};
  for (const name in parts) {
    const value = parts[name];
    if (value !== undefined) found[name] = value;
  }
  return found;
}

const SPACE = /\s/;
const SPACES = /\s+/g;

function withoutSpace(text: string): string {
  return SPACE.test(text) ? text.replace(SPACES, '') : text;
}
