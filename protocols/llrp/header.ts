/**
 * The ten-byte header of every LLRP message (LLRP 1.1, clause 17.1.1), big-endian:
 *
 *   bits 15–13 reserved | bits 12–10 version | bits 9–0 message type
 *   u32 length of the whole message, this header included
 *   u32 message id, chosen by the sender; a response repeats its request's
 */
import { CodecError } from '../base/codec-error.ts';

export const HEADER_LENGTH = 10;
/** Longest message that is taken; a length field above it counts as malformed. The longest message seen in the field is
 *  a capabilities response of some 40 kB. */
export const MAX_MESSAGE_LENGTH = 1 << 20;

/** 1 = LLRP 1.0.1, 2 = LLRP 1.1. */
export const SUPPORTED_VERSIONS: readonly number[] = [1, 2];

export interface Header {
  version: number;
  /** Message type number, 0–1023. */
  type: number;
  /** Bytes of the whole message. */
  length: number;
  id: number;
}

/**
 * Reads the header without looking at the body: enough to answer a message that cannot be decoded.
 * @throws CodecError `llrp-truncated` with fewer than ten bytes, `llrp-length` when the length field is below ten, above
 *   the bound, or not the number of bytes given.
 */
export function decodeHeader(frame: Uint8Array): Header {
  if (frame.length < HEADER_LENGTH) {
    throw new CodecError({
      code: 'llrp-truncated',
      message: `an LLRP header has ${HEADER_LENGTH} bytes, only ${frame.length} are here`,
      offset: frame.length,
    });
  }
  const header = peekHeader(frame, 0);
  if (header.length !== frame.length || header.length > MAX_MESSAGE_LENGTH) {
    throw new CodecError({
      code: 'llrp-length',
      message: `the length field says ${header.length} bytes, the frame has ${frame.length} (10 to ${MAX_MESSAGE_LENGTH} are allowed)`,
      offset: 2,
    });
  }
  return header;
}

/** The header's fields as they stand at `at`; the caller has made sure of ten bytes. Checks nothing. */
export function peekHeader(bytes: Uint8Array, at: number): Header {
  const first = byte(bytes, at);
  return {
    version: (first >> 2) & 7,
    type: ((first & 3) << 8) | byte(bytes, at + 1),
    length: u32(bytes, at + 2),
    id: u32(bytes, at + 6),
  };
}

function byte(bytes: Uint8Array, at: number): number {
  return bytes[at] as number;
}

function u32(bytes: Uint8Array, at: number): number {
  return (
    ((byte(bytes, at) << 24) | (byte(bytes, at + 1) << 16) | (byte(bytes, at + 2) << 8) | byte(bytes, at + 3)) >>> 0
  );
}
