/** What labels and tags name, as the pipeline wants to know it: package ids, best first. */

import { type IdentityScheme, packageIdsOf } from '../protocols/barcode/identity.ts';
import { CodecError } from '../protocols/base/codec-error.ts';
import { decodeEpc, packageIdsOfEpc } from '../protocols/epc/index.ts';
import type { Identify, IdentifyTag } from './pipeline/to-payload.ts';

export const identify: Identify = (label, preference) => packageIdsOf(label, preference as readonly IdentityScheme[]);

export const identifyTag: IdentifyTag = (epcHex, preference) => {
  try {
    return packageIdsOfEpc(decodeEpc(Buffer.from(epcHex, 'hex')), preference as readonly IdentityScheme[]);
  } catch (error) {
    if (!(error instanceof CodecError)) throw error;
    // A tag of nobody's scheme is still seen: it is named by its bits.
    return [];
  }
};
