/**
 * Server side of Modbus RTU: finds requests in the bytes of the line.
 *
 * The function code decides how long a request is (MODBUS Application Protocol V1.1b3, clause 6, all public functions, so
 * that a server can answer "illegal function" to those it lacks); the CRC decides whether it is one.
 *
 * Invariants
 *  - Frames are found in order of their first byte. A byte that starts no frame with a right CRC is skipped alone.
 *  - The buffer holds 256 bytes, the longest RTU frame.
 *  - A torn request may hold up what follows it until its length is filled: idle() (3.5 characters of silence, or a few
 *    milliseconds) gives the whole requests that stand behind it.
 */
import { type Framer, newFramerStats } from '../base/framer.ts';
import { hasRtuCrc, MAX_RTU_BYTES, type RtuFrame } from './rtu.ts';

/** Frame length not yet known: more bytes are needed. */
const UNDECIDED = -1;
/** No request starts like this. */
const IMPOSSIBLE = 0;

export class RtuRequestFramer implements Framer<RtuFrame> {
  readonly stats = newFramerStats();
  private readonly buffer = Buffer.alloc(MAX_RTU_BYTES);
  private held = 0;

  push(chunk: Uint8Array): RtuFrame[] {
    this.stats.bytes += chunk.length;
    const frames: RtuFrame[] = [];
    for (let taken = 0; taken < chunk.length; ) {
      const piece = chunk.subarray(taken, taken + MAX_RTU_BYTES - this.held);
      this.buffer.set(piece, this.held);
      this.held += piece.length;
      taken += piece.length;
      this.drain(frames);
    }
    return frames;
  }

  idle(): RtuFrame[] {
    const frames: RtuFrame[] = [];
    while (this.held > 0) {
      this.drain(frames);
      if (this.held > 0) this.drop(1);
    }
    return frames;
  }

  /** Leaves fewer bytes than the frame at the front needs, so there is always room for the next byte. */
  private drain(frames: RtuFrame[]): void {
    let start = 0;
    while (start < this.held) {
      const length = requestFrameLength(this.buffer.subarray(start, this.held));
      if (length === UNDECIDED || start + length > this.held) break;
      if (length === IMPOSSIBLE || !this.crcFits(start, start + length)) {
        start++;
        this.stats.discardedBytes++;
        continue;
      }
      frames.push({
        unitId: this.buffer.readUInt8(start),
        pdu: Buffer.from(this.buffer.subarray(start + 1, start + length - 2)),
      });
      this.stats.frames++;
      start += length;
    }
    this.buffer.copyWithin(0, start, this.held);
    this.held -= start;
  }

  private crcFits(start: number, end: number): boolean {
    const fits = hasRtuCrc(this.buffer, start, end);
    if (!fits) this.stats.checksumErrors++;
    return fits;
  }

  private drop(count: number): void {
    this.buffer.copyWithin(0, count, this.held);
    this.held -= count;
    this.stats.discardedBytes += count;
  }
}

/** Length of the request frame that starts here, CRC included; UNDECIDED or IMPOSSIBLE. */
function requestFrameLength(bytes: Buffer): number {
  const functionCode = bytes[1];
  switch (functionCode) {
    case undefined:
      return UNDECIDED;
    case 0x07:
    case 0x0b:
    case 0x0c:
    case 0x11:
      return 4;
    case 0x18:
      return 6;
    case 0x01:
    case 0x02:
    case 0x03:
    case 0x04:
    case 0x05:
    case 0x06:
    case 0x08:
      return 8;
    case 0x16:
      return 10;
    case 0x0f:
    case 0x10:
      return countedLength(bytes, 6);
    case 0x14:
    case 0x15:
      return countedLength(bytes, 2);
    case 0x17:
      return countedLength(bytes, 10);
    case 0x2b: {
      // Only Read Device Identification (MEI type 0E) has a fixed length.
      const meiType = bytes[2];
      if (meiType === undefined) return UNDECIDED;
      return meiType === 0x0e ? 7 : IMPOSSIBLE;
    }
    default:
      return IMPOSSIBLE;
  }
}

function countedLength(bytes: Buffer, countAt: number): number {
  const count = bytes[countAt];
  if (count === undefined) return UNDECIDED;
  const length = countAt + 1 + count + 2;
  return length > MAX_RTU_BYTES ? IMPOSSIBLE : length;
}
