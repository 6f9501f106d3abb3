/**
 * Finds scan frames and menu replies of a Honeywell scanner in framed mode.
 *
 * The buffer holds 10,020 bytes, the longest scan frame. A menu reply has at most 256 bytes. Data that a scanner sends while framed
 * mode is off is discarded: protocols/barcode has a line framer for that.
 */
import { CodecError } from '../base/codec-error.ts';
import { type Framer, newFramerStats } from '../base/framer.ts';
import { decodeHoneywell, type HoneywellMessage, honeywellFrameLength, MAX_HONEYWELL_BYTES, SYN } from './honeywell.ts';

const MAX_MENU_REPLY_BYTES = 256;

export class HoneywellFramer implements Framer<HoneywellMessage> {
  readonly stats = newFramerStats();
  private readonly buffer = Buffer.alloc(MAX_HONEYWELL_BYTES);
  private held = 0;

  push(chunk: Uint8Array): HoneywellMessage[] {
    this.stats.bytes += chunk.length;
    const messages: HoneywellMessage[] = [];
    for (let taken = 0; taken < chunk.length; ) {
      const piece = chunk.subarray(taken, taken + MAX_HONEYWELL_BYTES - this.held);
      this.buffer.set(piece, this.held);
      this.held += piece.length;
      taken += piece.length;
      this.drain(messages);
    }
    return messages;
  }

  idle(): HoneywellMessage[] {
    const messages: HoneywellMessage[] = [];
    while (this.held > 0) {
      this.drain(messages);
      if (this.held > 0) {
        this.buffer.copyWithin(0, 1, this.held);
        this.held--;
        this.stats.discardedBytes++;
      }
    }
    return messages;
  }

  private drain(messages: HoneywellMessage[]): void {
    let start = 0;
    while (start < this.held) {
      const rest = this.buffer.subarray(start, this.held);
      const length = rest[0] === SYN ? honeywellFrameLength(rest) : menuReplyLength(rest);
      if (length === undefined || length > rest.length) break;
      const message = length === 0 ? undefined : attempt(rest.subarray(0, length));
      if (message === undefined) {
        start++;
        this.stats.discardedBytes++;
        continue;
      }
      messages.push(message);
      this.stats.frames++;
      start += length;
    }
    this.buffer.copyWithin(0, start, this.held);
    this.held -= start;
  }
}

/** As honeywellFrameLength(): printable text with ACK, ENQ or NAK, then `.` or `!`. */
function menuReplyLength(bytes: Buffer): number | undefined {
  const limit = Math.min(bytes.length, MAX_MENU_REPLY_BYTES);
  let answered = false;
  for (let at = 0; at < limit; at++) {
    const byte = bytes[at] ?? 0;
    if (answered && (byte === 0x2e || byte === 0x21)) return at + 1;
    const control = byte === 0x05 || byte === 0x06 || byte === 0x15;
    if ((control && (at === 0 || answered)) || (!control && (byte < 0x20 || byte > 0x7e))) return 0;
    answered = control;
  }
  return limit === MAX_MENU_REPLY_BYTES ? 0 : undefined;
}

function attempt(bytes: Buffer): HoneywellMessage | undefined {
  try {
    return decodeHoneywell(bytes);
  } catch (error) {
    if (error instanceof CodecError) return undefined;
    throw error;
  }
}
