/**
 * The contract between a byte stream and a codec: a framer turns chunks of any size into whole frames.
 *
 * Invariants of every framer:
 *  - the frames it gives do not depend on how the stream was cut into chunks;
 *  - its buffer is bounded by a constant that its file states;
 *  - malformed bytes are data: it skips one byte, resynchronises and counts what it skipped in `discardedBytes`;
 *  - a frame it gives is a copy or a view that stays valid (it never reuses the memory of a frame given out);
 *  - it never throws, holds no timer and does no I/O. A framing that ends a frame by silence exposes `idle()`,
 *    which the driver calls when its clock says that the line went quiet.
 */
export interface Framer<Frame> {
  /** Takes the next chunk; gives the frames it completed, in order. */
  push(chunk: Uint8Array): Frame[];
  /** The line went quiet or was lost: gives what counts as complete now and forgets the rest (counted as discarded). */
  idle(): Frame[];
  readonly stats: FramerStats;
}

export interface FramerStats {
  /** All bytes taken by push(). */
  bytes: number;
  /** Frames given out. */
  frames: number;
  /** Bytes that belonged to no valid frame. */
  discardedBytes: number;
  /** Frames whose checksum or CRC was wrong; their bytes are in `discardedBytes` as well. */
  checksumErrors: number;
}

export function newFramerStats(): FramerStats {
  return { bytes: 0, frames: 0, discardedBytes: 0, checksumErrors: 0 };
}
