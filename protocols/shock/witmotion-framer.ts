/**
 * Finds WitMotion frames in a byte stream.
 *
 * 55 and 50–5F occur in data, so the header alone proves nothing: a frame counts when its sum is right, otherwise one byte
 * is skipped. The sum has 8 bits: of random bytes that look like a header one in 256 passes, which is why an impact needs
 * more than one sample (impact.ts).
 *
 * The buffer holds 10 bytes between calls: what could be the beginning of a frame.
 */
import { asBuffer } from '../base/bytes.ts';
import { type Framer, newFramerStats } from '../base/framer.ts';
import { isWitmotionType, WITMOTION_FRAME_BYTES, WITMOTION_HEADER, witmotionSum } from './witmotion.ts';

export class WitmotionFramer implements Framer<Buffer> {
  readonly stats = newFramerStats();
  private rest: Buffer = Buffer.alloc(0);

  /** Each frame is the 11 bytes for decodeWitmotion(). */
  push(chunk: Uint8Array): Buffer[] {
    this.stats.bytes += chunk.length;
    const frames: Buffer[] = [];
    // A copy, because frames are views of it that outlive the caller's chunk.
    const bytes = Buffer.concat([this.rest, asBuffer(chunk)]);
    this.rest = Buffer.from(bytes.subarray(this.scan(bytes, frames)));
    return frames;
  }

  /** What is held is shorter than a frame, so nothing whole can hide in it. */
  idle(): Buffer[] {
    this.stats.discardedBytes += this.rest.length;
    this.rest = Buffer.alloc(0);
    return [];
  }

  /** @returns where the unfinished frame starts. */
  private scan(bytes: Buffer, frames: Buffer[]): number {
    let at = 0;
    while (at < bytes.length) {
      const header = bytes[at] === WITMOTION_HEADER && (at + 1 === bytes.length || isWitmotionType(bytes[at + 1]));
      if (header && at + WITMOTION_FRAME_BYTES > bytes.length) return at;
      if (header && witmotionSum(bytes, at) === bytes[at + WITMOTION_FRAME_BYTES - 1]) {
        frames.push(bytes.subarray(at, at + WITMOTION_FRAME_BYTES));
        this.stats.frames++;
        at += WITMOTION_FRAME_BYTES;
        continue;
      }
      if (header) this.stats.checksumErrors++;
      this.stats.discardedBytes++;
      at++;
    }
    return at;
  }
}
