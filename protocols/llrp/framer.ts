/**
 * Byte stream of an LLRP connection → whole messages.
 *
 * A frame begins with a plausible header and has the number of bytes that its length field says. Plausible: the three
 * reserved bits are zero, the version is not zero, the length is 10 to 1 MiB. While searching (at the start, and after bytes
 * had to be discarded) a header must also carry a known message type and a supported version, since in the middle of a
 * message runs of zeros are common; in step, any type passes, so that what is unsupported can be answered.
 *
 * Bound: at most MAX_MESSAGE_LENGTH bytes wait between two calls. Frames are copies.
 */
import type { Framer, FramerStats } from '../base/framer.ts';
import { newFramerStats } from '../base/framer.ts';
import { HEADER_LENGTH, type Header, MAX_MESSAGE_LENGTH, peekHeader, SUPPORTED_VERSIONS } from './header.ts';
import { MESSAGES } from './messages.ts';

const KNOWN_TYPES: ReadonlySet<number> = new Set(Object.values(MESSAGES).map((entry) => entry.type));

export class LlrpFramer implements Framer<Buffer> {
  readonly stats: FramerStats = newFramerStats();
  /** Bytes [start, end) of #buffer wait for the rest of their message. */
  #buffer: Buffer = Buffer.alloc(0);
  #start = 0;
  #end = 0;
  #searching = true;

  push(chunk: Uint8Array): Buffer[] {
    this.stats.bytes += chunk.length;
    this.#append(chunk);
    const frames: Buffer[] = [];
    while (this.#end - this.#start >= HEADER_LENGTH) {
      const header = peekHeader(this.#buffer, this.#start);
      if (!this.#isPlausible(header)) {
        this.#start += 1;
        this.stats.discardedBytes += 1;
        this.#searching = true;
        continue;
      }
      if (this.#end - this.#start < header.length) break;
      frames.push(Buffer.from(this.#buffer.subarray(this.#start, this.#start + header.length)));
      this.#start += header.length;
      this.#searching = false;
    }
    this.stats.frames += frames.length;
    return frames;
  }

  /** The connection ended: a message that is not whole can never be completed. */
  idle(): Buffer[] {
    this.stats.discardedBytes += this.#end - this.#start;
    this.#buffer = Buffer.alloc(0);
    this.#start = 0;
    this.#end = 0;
    this.#searching = true;
    return [];
  }

  #isPlausible(header: Header): boolean {
    if ((this.#buffer[this.#start] as number) >> 5 !== 0 || header.version === 0) return false;
    if (header.length < HEADER_LENGTH || header.length > MAX_MESSAGE_LENGTH) return false;
    return !this.#searching || (KNOWN_TYPES.has(header.type) && SUPPORTED_VERSIONS.includes(header.version));
  }

  #append(chunk: Uint8Array): void {
    const waiting = this.#end - this.#start;
    if (waiting + chunk.length > this.#buffer.length - this.#start) {
      const needed = waiting + chunk.length;
      // Doubling keeps a large message in small chunks linear; moving to the front reuses what is there.
      const target =
        needed > this.#buffer.length ? Buffer.allocUnsafe(Math.max(needed, 4096, waiting * 2)) : this.#buffer;
      this.#buffer.copy(target, 0, this.#start, this.#end);
      this.#buffer = target;
      this.#start = 0;
      this.#end = waiting;
    }
    this.#buffer.set(chunk, this.#end);
    this.#end += chunk.length;
  }
}
