/**
 * What the framers of the three serial reader families share: a frame says its own length, a check says whether it is one, and
 * what is none costs one byte. A false start may hold up what follows it until its length is filled: idle() finds what stands behind.
 */
import { type Framer, newFramerStats } from '../base/framer.ts';

export interface FrameFormat<Frame> {
  /** Bound of the buffer. */
  maximumBytes: number;
  /** Length of the frame that starts here; undefined while more bytes are needed to know, 0 if none starts here. */
  lengthOf(bytes: Buffer): number | undefined;
  /** Undefined if the check fails. The bytes are only valid during the call. */
  decode(bytes: Buffer): Frame | undefined;
}

export class ResyncFramer<Frame> implements Framer<Frame> {
  readonly stats = newFramerStats();
  private readonly format: FrameFormat<Frame>;
  private readonly buffer: Buffer;
  private held = 0;

  constructor(format: FrameFormat<Frame>) {
    this.format = format;
    this.buffer = Buffer.alloc(format.maximumBytes);
  }

  push(chunk: Uint8Array): Frame[] {
    this.stats.bytes += chunk.length;
    const frames: Frame[] = [];
    for (let taken = 0; taken < chunk.length; ) {
      const piece = chunk.subarray(taken, taken + this.buffer.length - this.held);
      this.buffer.set(piece, this.held);
      this.held += piece.length;
      taken += piece.length;
      this.drain(frames);
    }
    return frames;
  }

  idle(): Frame[] {
    const frames: Frame[] = [];
    while (this.held > 0) {
      this.drain(frames);
      if (this.held > 0) {
        this.buffer.copyWithin(0, 1, this.held);
        this.held--;
        this.stats.discardedBytes++;
      }
    }
    return frames;
  }

  /** Leaves fewer bytes than the frame at the front needs, so there is always room for the next byte. */
  private drain(frames: Frame[]): void {
    let start = 0;
    while (start < this.held) {
      const rest = this.buffer.subarray(start, this.held);
      const length = this.format.lengthOf(rest);
      if (length === undefined || (length > rest.length && length <= this.buffer.length)) break;
      const whole = length > 0 && length <= rest.length;
      const frame = whole ? this.format.decode(rest.subarray(0, length)) : undefined;
      if (frame === undefined) {
        if (whole) this.stats.checksumErrors++;
        this.stats.discardedBytes++;
        start++;
        continue;
      }
      frames.push(frame);
      this.stats.frames++;
      start += length;
    }
    this.buffer.copyWithin(0, start, this.held);
    this.held -= start;
  }
}
