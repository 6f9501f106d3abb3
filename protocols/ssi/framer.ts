/**
 * Finds SSI packets in a byte stream.
 *
 * No byte marks a beginning: a packet counts when the checksum at the end of the length it announces is right, otherwise
 * one byte is skipped (hosts and readers send single zeros to wake each other, which are no length either). The first bytes
 * of noise may announce up to 257 bytes: idle(), after the inter-character time-out of 200 ms, finds what stands behind.
 * The buffer holds 257 bytes.
 */
import { type Framer, newFramerStats } from '../base/framer.ts';
import { decodeSsi, MAX_SSI_BYTES, MIN_SSI_LENGTH, type SsiPacket, ssiChecksum } from './packet.ts';

export class SsiFramer implements Framer<SsiPacket> {
  readonly stats = newFramerStats();
  private readonly buffer = Buffer.alloc(MAX_SSI_BYTES);
  private held = 0;

  /** Bytes that may be the beginning of a packet. */
  get pendingBytes(): number {
    return this.held;
  }

  push(chunk: Uint8Array): SsiPacket[] {
    this.stats.bytes += chunk.length;
    const packets: SsiPacket[] = [];
    for (let taken = 0; taken < chunk.length; ) {
      const piece = chunk.subarray(taken, taken + MAX_SSI_BYTES - this.held);
      this.buffer.set(piece, this.held);
      this.held += piece.length;
      taken += piece.length;
      this.drain(packets);
    }
    return packets;
  }

  idle(): SsiPacket[] {
    const packets: SsiPacket[] = [];
    while (this.held > 0) {
      this.drain(packets);
      if (this.held > 0) this.skipOne();
    }
    return packets;
  }

  /** Leaves fewer bytes than the packet at the front announces, so there is always room for the next byte. */
  private drain(packets: SsiPacket[]): void {
    let start = 0;
    while (start < this.held) {
      const length = this.buffer[start] ?? 0;
      const end = start + length + 2;
      if (length >= MIN_SSI_LENGTH && end > this.held) break;
      if (length < MIN_SSI_LENGTH || !this.checksumFits(start, start + length)) {
        start++;
        this.stats.discardedBytes++;
        continue;
      }
      packets.push(decodeSsi(this.buffer.subarray(start, end)));
      this.stats.frames++;
      start = end;
    }
    this.buffer.copyWithin(0, start, this.held);
    this.held -= start;
  }

  private checksumFits(start: number, end: number): boolean {
    const fits = this.buffer.readUInt16BE(end) === ssiChecksum(this.buffer, start, end);
    if (!fits) this.stats.checksumErrors++;
    return fits;
  }

  private skipOne(): void {
    this.buffer.copyWithin(0, 1, this.held);
    this.held--;
    this.stats.discardedBytes++;
  }
}
