/**
 * The package ids of a tag: those that a bar code with the same key gives, because the same function makes them
 * (protocols/barcode/candidates.ts), so that label and tag of a parcel are one parcel.
 */
import { type IdentityScheme, identifyElements, packageIdOf } from '../barcode/identity.ts';
import type { Epc } from './decode.ts';
import { digitalLinkOf } from './keys.ts';

/**
 * Best first, at least one: ids of the tag's GS1 keys in the forms of protocols/barcode/package-id.ts. What is no GS1 key (GID, USDOD,
 * ADI) is `epc:` and the pure identity URI.
 * @param preference schemes that a read point wants ahead of the others.
 */
export function packageIdsOfEpc(epc: Epc, preference: readonly IdentityScheme[] = []): string[] {
  const ids = identifyElements(epc.elements, preference).map(packageIdOf);
  return ids.length > 0 ? ids : [`epc:${epc.pureUri ?? digitalLinkOf(epc.elements)}`];
}

/** The first of them. */
export function packageIdOfEpc(epc: Epc): string {
  return packageIdsOfEpc(epc)[0] as string;
}
