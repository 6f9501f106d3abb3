/** What an EPC says in GS1 terms: element string, keys, Digital Link (TDS 2.3, clause 7), and back to URI components. */
import { gs1CheckDigit } from '../barcode/gs1/check-digits.ts';
import { escapeUri, unescapeUri } from './characters.ts';
import { epcFault } from './faults.ts';
import type { Identity } from './schemes.ts';

export interface EpcElement {
  ai: string;
  value: string;
}

/** The values of the elements by the names of their keys. */
export interface EpcKeys {
  gtin14?: string;
  serial?: string;
  sscc?: string;
  gln?: string;
  glnExtension?: string;
  /** With the leading zero and the serial number, as AI 8003 has it. */
  grai?: string;
  giai?: string;
  gsrn?: string;
  gsrnp?: string;
  gdti?: string;
  gcn?: string;
  cpi?: string;
  cpiSerial?: string;
  itip?: string;
}

const KEY_OF_AI: Readonly<Record<string, keyof EpcKeys>> = {
  '00': 'sscc',
  '01': 'gtin14',
  '21': 'serial',
  '253': 'gdti',
  '254': 'glnExtension',
  '255': 'gcn',
  '414': 'gln',
  '8003': 'grai',
  '8004': 'giai',
  '8006': 'itip',
  '8010': 'cpi',
  '8011': 'cpiSerial',
  '8017': 'gsrnp',
  '8018': 'gsrn',
};

export function keysOf(elements: readonly EpcElement[]): EpcKeys {
  const keys: EpcKeys = {};
  for (const { ai, value } of elements) {
    const key = KEY_OF_AI[ai];
    if (key !== undefined) keys[key] = value;
  }
  return keys;
}

export function elementStringOf(elements: readonly EpcElement[]): string {
  return elements.map(({ ai, value }) => `(${ai})${value}`).join('');
}

/** @param attributes what follows as the query: dates and further data. */
export function digitalLinkOf(
  elements: readonly EpcElement[],
  attributes: readonly EpcElement[] = [],
  hostname = 'id.gs1.org',
): string {
  const path = elements.map(({ ai, value }) => `/${ai}/${percentEncode(value)}`).join('');
  const query = attributes.map(({ ai, value }) => `${ai}=${percentEncode(value)}`).join('&');
  return `https://${hostname}${path}${query === '' ? '' : `?${query}`}`;
}

/** Digital Link URI syntax: everything but the unreserved characters of RFC 3986. */
function percentEncode(value: string): string {
  return value.replace(/[^A-Za-z0-9\-._~]/g, (character) => {
    return `%${character.charCodeAt(0).toString(16).toUpperCase()}`;
  });
}

/** The elements that the components of an EPC URI stand for; none for the identities that are not GS1's. */
export function elementsOfParts(identity: Identity, parts: readonly string[]): EpcElement[] {
  const [prefix = '', reference = '', third = ''] = parts;
  const last = unescapeUri(parts.at(-1) ?? '');
  switch (identity) {
    case 'sgtin':
      return [
        { ai: '01', value: withLeadingDigit(prefix, reference) },
        { ai: '21', value: last },
      ];
    case 'itip':
      return [
        { ai: '8006', value: withLeadingDigit(prefix, reference) + third + (parts[3] ?? '') },
        { ai: '21', value: last },
      ];
    case 'sscc':
      return [{ ai: '00', value: withLeadingDigit(prefix, reference) }];
    case 'sgln': {
      const gln = { ai: '414', value: withCheckDigit(prefix + reference) };
      return last === '0' ? [gln] : [gln, { ai: '254', value: last }];
    }
    case 'grai':
      return [{ ai: '8003', value: `0${withCheckDigit(prefix + reference)}${last}` }];
    case 'giai':
      return [{ ai: '8004', value: prefix + last }];
    case 'gsrn':
      return [{ ai: '8018', value: withCheckDigit(prefix + reference) }];
    case 'gsrnp':
      return [{ ai: '8017', value: withCheckDigit(prefix + reference) }];
    case 'gdti':
      return [{ ai: '253', value: withCheckDigit(prefix + reference) + last }];
    case 'sgcn':
      return [{ ai: '255', value: withCheckDigit(prefix + reference) + last }];
    case 'cpi':
      return [
        { ai: '8010', value: prefix + unescapeUri(reference) },
        { ai: '8011', value: last },
      ];
    case 'gid':
    case 'usdod':
    case 'adi':
      return [];
  }
}

/**
 * The pure identity URI of a GS1 key: what TDS needs beyond the key is the length of its company prefix.
 * @param key for example `{ sscc: '195211412345678900' }` or `{ gtin14: '09521141123454', serial: '4711' }`.
 * @throws CodecError `epc-value` when the key is not valid, lacks its serial number, or has no EPC.
 */
export function pureUriOfKey(key: EpcKeys, companyPrefixLength: number): string {
  const { identity, parts } = partsOfKey(key, companyPrefixLength);
  return `urn:epc:id:${identity}:${parts.join('.')}`;
}

function partsOfKey(key: EpcKeys, length: number): { identity: Identity; parts: string[] } {
  if (!Number.isInteger(length) || length < 6 || length > 12) {
    throw epcFault('epc-value', `a company prefix of ${length} digits: 6–12 were expected`);
  }
  const serial = (value: string | undefined, name: string): string => {
    if (value === undefined || value === '') throw epcFault('epc-value', `${name} needs a serial number to be an EPC`);
    return escapeUri(value);
  };
  if (key.sscc !== undefined) return { identity: 'sscc', parts: leading(key.sscc, 18, length) };
  if (key.itip !== undefined) {
    const gtin = leading(key.itip.slice(0, 14), 14, length);
    const pieces = [key.itip.slice(14, 16), key.itip.slice(16, 18)];
    return { identity: 'itip', parts: [...gtin, ...pieces, serial(key.serial, 'an ITIP')] };
  }
  if (key.gtin14 !== undefined) {
    return { identity: 'sgtin', parts: [...leading(key.gtin14, 14, length), serial(key.serial, 'a GTIN')] };
  }
  if (key.gln !== undefined) {
    return { identity: 'sgln', parts: [...split(key.gln, 13, length), escapeUri(key.glnExtension ?? '0')] };
  }
  if (key.grai !== undefined) {
    return {
      identity: 'grai',
      parts: [...split(key.grai.slice(1, 14), 13, length), serial(key.grai.slice(14), 'a GRAI')],
    };
  }
  if (key.gdti !== undefined) {
    return {
      identity: 'gdti',
      parts: [...split(key.gdti.slice(0, 13), 13, length), serial(key.gdti.slice(13), 'a GDTI')],
    };
  }
  if (key.gcn !== undefined) {
    return {
      identity: 'sgcn',
      parts: [...split(key.gcn.slice(0, 13), 13, length), serial(key.gcn.slice(13), 'a GCN')],
    };
  }
  if (key.gsrn !== undefined) return { identity: 'gsrn', parts: split(key.gsrn, 18, length) };
  if (key.gsrnp !== undefined) return { identity: 'gsrnp', parts: split(key.gsrnp, 18, length) };
  if (key.giai !== undefined) {
    return { identity: 'giai', parts: [key.giai.slice(0, length), serial(key.giai.slice(length), 'a GIAI')] };
  }
  if (key.cpi !== undefined) {
    return {
      identity: 'cpi',
      parts: [key.cpi.slice(0, length), escapeUri(key.cpi.slice(length)), serial(key.cpiSerial, 'a CPI')],
    };
  }
  throw epcFault('epc-value', 'no key that has an EPC');
}

function withCheckDigit(digits: string): string {
  return digits + gs1CheckDigit(digits).toString();
}

/** Indicator or extension digit: first of the reference in the URI, first of all in the key. */
function withLeadingDigit(prefix: string, reference: string): string {
  return withCheckDigit(reference.slice(0, 1) + prefix + reference.slice(1));
}

function leading(key: string, digits: number, prefixLength: number): string[] {
  const body = checked(key, digits);
  return [body.slice(1, 1 + prefixLength), body.slice(0, 1) + body.slice(1 + prefixLength)];
}

function split(key: string, digits: number, prefixLength: number): string[] {
  const body = checked(key, digits);
  return [body.slice(0, prefixLength), body.slice(prefixLength)];
}

/** The key without its check digit. */
function checked(key: string, digits: number): string {
  if (!/^\d+$/.test(key) || key.length !== digits || withCheckDigit(key.slice(0, -1)) !== key) {
    throw epcFault('epc-value', `'${key}' is not a key of ${digits} digits with a valid check digit`);
  }
  return key.slice(0, -1);
}
