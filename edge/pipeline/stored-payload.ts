/** What a stored record says; undefined for one of another version of Milepost, which may be none that this one knows. Pure. */
import { isCodecError } from '../../protocols/base/codec-error.ts';
import type { Payload } from '../../protocols/uplink/model.ts';
import { decodePayload } from '../../protocols/uplink/payload-codec.ts';

export function storedPayload(bytes: Buffer): Payload | undefined {
  try {
    return decodePayload(bytes);
  } catch (error) {
    if (isCodecError(error)) return undefined;
    throw error;
  }
}
