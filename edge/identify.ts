/** What labels and tags name, as the pipeline wants to know it: package ids, best first. */

import { identify as identifyLabel, packageIdOf } from '../protocols/barcode/identity.ts';
import { CodecError } from '../protocols/base/codec-error.ts';
import { decodeEpc, packageIdOfEpc } from '../protocols/epc/index.ts';
import type { Identify } from './pipeline/to-payload.ts';

export const identify: Identify = (label, preference) =>
  unique(identifyLabel(label, preference as Parameters<typeof identifyLabel>[1]).candidates.map(packageIdOf));

export function identifyTag(epcHex: string): string[] {
  try {
    return [packageIdOfEpc(decodeEpc(Buffer.from(epcHex, 'hex')))];
  } catch (error) {
    if (!(error instanceof CodecError)) throw error;
    // A tag of nobody's scheme is still seen: it is named by its bits.
    return [];
  }
}

function unique(ids: string[]): string[] {
  return [...new Set(ids)];
}
