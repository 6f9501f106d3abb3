/**
 * Package ids: the one spelling under which everything that names a package is known.
 *
 *   sscc:<18 digits>                      sgtin:<GTIN-14>.<serial>
 *   gtin:<14 digits>                      itip:<GTIN-14><piece><total>.<serial>
 *   grai:<13 digits>.<serial>             giai:<value>
 *   gsin:<17 digits>                      ginc:<value>
 *   cpi:<part>.<serial>                   gdti:<13 digits>.<serial>
 *   gcn:<13 digits>.<serial>              gln:<13 digits>[.<extension>]
 *   gsrn:<18 digits>                      gsrnp:<18 digits>
 *   license-plate:<value after the DI>    package-serial:<value after the DI>
 *   <carrier>:<number>                    carriers are the couriers of carriers/formats.ts: ups, fedex, usps, s10, …
 *   code:<text>                           anything else
 *
 * Values of GS1 keys stand as they are in the symbol (they are printable ASCII without space). Other text is trimmed of
 * spaces, and control characters, `%` and what is not ASCII are percent-encoded as UTF-8, so an id is printable ASCII and
 * its text can be had back. Text of more than 120 characters so written is shortened to its first 80, `~` and 32 hexadecimal
 * digits of its SHA-256: an id is a key of messages and indexes and must stay short.
 */
import { createHash } from 'node:crypto';
import { CodecError } from '../base/codec-error.ts';
import { COURIERS } from './carriers/formats.ts';

/** What kind of identity; also the names that a read point's preference uses. */
export const IDENTITY_SCHEMES = [
  'sscc',
  'sgtin',
  'itip',
  'grai',
  'giai',
  'gsin',
  'ginc',
  'gtin',
  'cpi',
  'gdti',
  'gcn',
  'gsrn',
  'gsrnp',
  'gln',
  'license-plate',
  'package-serial',
  ...COURIERS,
  'plain',
] as const;
export type IdentityScheme = (typeof IDENTITY_SCHEMES)[number];

const PLAIN_PREFIX = 'code';
const LONGEST = 120;
const KEPT = 80;

export function isIdentityScheme(text: string): text is IdentityScheme {
  return (IDENTITY_SCHEMES as readonly string[]).includes(text);
}

/** The package id of a value in a scheme. */
export function formatPackageId(scheme: IdentityScheme, value: string): string {
  return `${scheme === 'plain' ? PLAIN_PREFIX : scheme}:${value}`;
}

/**
 * Scheme and value of a package id.
 * @throws CodecError `package-id` when it is none.
 */
export function parsePackageId(packageId: string): { scheme: IdentityScheme; value: string } {
  const colon = packageId.indexOf(':');
  const prefix = packageId.slice(0, Math.max(0, colon));
  const scheme = prefix === PLAIN_PREFIX ? 'plain' : prefix;
  const value = packageId.slice(colon + 1);
  if (scheme === '' || (prefix === 'plain' && scheme === 'plain') || !isIdentityScheme(scheme) || value === '') {
    throw new CodecError({ code: 'package-id', message: `'${packageId.slice(0, 40)}' is no package id` });
  }
  return { scheme, value };
}

const HEX = '0123456789ABCDEF';
const PRINTABLE = /^[\x20-\x24\x26-\x7e]*$/;
const UNPRINTABLE = /[^\x20-\x24\x26-\x7e]/gu;

/** The value under which free text is known: see above. Empty for text of spaces alone. */
export function textValue(text: string): string {
  const spaced = text.charCodeAt(0) === 0x20 || text.charCodeAt(text.length - 1) === 0x20;
  const trimmed = spaced ? text.replace(/^ +| +$/g, '') : text;
  const written = PRINTABLE.test(trimmed) ? trimmed : trimmed.replace(UNPRINTABLE, percentEncode);
  if (written.length <= LONGEST) return written;
  return `${written.slice(0, KEPT)}~${createHash('sha256').update(written).digest('hex').slice(0, 32)}`;
}

function percentEncode(character: string): string {
  const code = character.charCodeAt(0);
  if (code < 0x80) return `%${HEX.charAt(code >> 4)}${HEX.charAt(code & 15)}`;
  let encoded = '';
  for (const byte of Buffer.from(character, 'utf8')) encoded += `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
  return encoded;
}
