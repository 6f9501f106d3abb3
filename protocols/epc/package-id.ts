/** The package id of a tag: the same form that a bar code with the same key gives. */
import type { Epc } from './decode.ts';
import { digitalLinkOf } from './keys.ts';

/**
 * `sscc:<18 digits>` for an SSCC, `sgtin:<gtin14>.<serial>` for a serialised trade item, else `epc:` and the pure identity
 * URI; schemes that have none give their key as a canonical Digital Link, without hostname, date and further data.
 */
export function packageIdOfEpc(epc: Epc): string {
  const { sscc, gtin14, serial } = epc.keys;
  if (sscc !== undefined) return `sscc:${sscc}`;
  if (gtin14 !== undefined && serial !== undefined) return `sgtin:${gtin14}.${serial}`;
  return `epc:${epc.pureUri ?? digitalLinkOf(epc.elements)}`;
}
