/**
 * Client side of Modbus RTU: finds the answer to one request in the bytes of the line.
 *
 * The line ends a frame by 3.5 characters of silence, which no JavaScript timer can see. But the client knows what it
 * asked, hence the only two lengths an answer can have: that of the agreement and the 5 bytes of an exception.
 *
 * Invariants
 *  - A frame is given if and only if the last bytes taken are the primed unit, the primed function (with the exception
 *    bit for 5 bytes), the byte count that the request implies, and a right CRC. Looking backwards from each byte means
 *    that noise ahead of the answer, or an adapter that echoes the request, can never swallow it.
 *  - At most one frame per prime(); without prime() every byte is discarded.
 *  - The buffer is as long as the expected answer, at most 256 bytes.
 *
 * Two writes look alike in both directions (05, 06: the answer equals the request): on an adapter that echoes, the driver
 * must read its own bytes back first. RTU has no transaction number either: after a time-out call idle() and leave the
 * line quiet before the next request, or a late answer passes for the next one.
 */
import { type Framer, newFramerStats } from '../base/framer.ts';
import { EXCEPTION_BIT } from './function-codes.ts';
import { type ModbusRequest, responsePduLength } from './pdu.ts';
import { hasRtuCrc, MAX_RTU_BYTES, type RtuFrame } from './rtu.ts';

const EXCEPTION_FRAME_BYTES = 5;

interface Expectation {
  unitId: number;
  functionCode: number;
  frameBytes: number;
  /** The third byte of an answer to a read; a write's answer has none. */
  byteCount: number | undefined;
}

export class RtuResponseFramer implements Framer<RtuFrame> {
  readonly stats = newFramerStats();
  private readonly window = Buffer.alloc(MAX_RTU_BYTES);
  private held = 0;
  private expected: Expectation | undefined;

  /** Forgets what is held and expects the answer to this request from now on. */
  prime(unitId: number, request: ModbusRequest): void {
    if (unitId === 0) throw new RangeError('Modbus unit 0 is the broadcast: nobody answers it');
    this.forget();
    const pduBytes = responsePduLength(request);
    this.expected = {
      unitId,
      functionCode: request.functionCode,
      frameBytes: pduBytes + 3,
      byteCount: request.kind === 'read' ? pduBytes - 2 : undefined,
    };
  }

  /** True between prime() and the answer. */
  get waiting(): boolean {
    return this.expected !== undefined;
  }

  push(chunk: Uint8Array): RtuFrame[] {
    this.stats.bytes += chunk.length;
    if (this.held === 0 && this.expected !== undefined) {
      const frame = this.whole(chunk, this.expected);
      if (frame !== undefined) return [frame];
    }
    for (let i = 0; i < chunk.length; i++) {
      if (this.expected === undefined) {
        this.stats.discardedBytes += chunk.length - i;
        break;
      }
      const frame = this.take(chunk[i] ?? 0, this.expected);
      // Whatever follows the answer belongs to nobody.
      if (frame !== undefined) {
        this.stats.discardedBytes += chunk.length - i - 1;
        return [frame];
      }
    }
    return [];
  }

  idle(): RtuFrame[] {
    this.forget();
    this.expected = undefined;
    return [];
  }

  /**
   * The usual case, an answer at the beginning of a chunk: what take() would give, without looking backwards from each byte. Where an
   * exception may begin before the answer ends, take() decides.
   */
  private whole(chunk: Uint8Array, expected: Expectation): RtuFrame | undefined {
    const { unitId, functionCode, frameBytes, byteCount } = expected;
    if (chunk.length < frameBytes || chunk[0] !== unitId || chunk[1] !== functionCode) return undefined;
    if (byteCount !== undefined && chunk[2] !== byteCount) return undefined;
    for (let i = 2; i < frameBytes; i++) if (chunk[i] === (functionCode | EXCEPTION_BIT)) return undefined;
    if (!hasRtuCrc(chunk, 0, frameBytes)) return undefined;
    const pdu = Buffer.allocUnsafe(frameBytes - 3);
    for (let i = 0; i < pdu.length; i++) pdu[i] = chunk[i + 1] as number;
    this.stats.discardedBytes += chunk.length - frameBytes;
    this.stats.frames++;
    this.expected = undefined;
    return { unitId, pdu };
  }

  private take(byte: number, expected: Expectation): RtuFrame | undefined {
    const capacity = Math.max(expected.frameBytes, EXCEPTION_FRAME_BYTES);
    if (this.held === capacity) {
      this.window.copyWithin(0, 1, this.held);
      this.held--;
      this.stats.discardedBytes++;
    }
    this.window[this.held++] = byte;
    const length = this.isAnswer(expected)
      ? expected.frameBytes
      : this.isException(expected)
        ? EXCEPTION_FRAME_BYTES
        : 0;
    if (length === 0) return undefined;
    const start = this.held - length;
    const pdu = Buffer.from(this.window.subarray(start + 1, this.held - 2));
    this.stats.discardedBytes += start;
    this.stats.frames++;
    this.held = 0;
    this.expected = undefined;
    return { unitId: expected.unitId, pdu };
  }

  private isAnswer(expected: Expectation): boolean {
    const start = this.held - expected.frameBytes;
    return (
      start >= 0 &&
      this.window[start] === expected.unitId &&
      this.window[start + 1] === expected.functionCode &&
      (expected.byteCount === undefined || this.window[start + 2] === expected.byteCount) &&
      this.crcFits(start)
    );
  }

  private isException(expected: Expectation): boolean {
    const start = this.held - EXCEPTION_FRAME_BYTES;
    return (
      start >= 0 &&
      this.window[start] === expected.unitId &&
      this.window[start + 1] === (expected.functionCode | EXCEPTION_BIT) &&
      this.crcFits(start)
    );
  }

  private crcFits(start: number): boolean {
    const fits = hasRtuCrc(this.window, start, this.held);
    if (!fits) this.stats.checksumErrors++;
    return fits;
  }

  private forget(): void {
    this.stats.discardedBytes += this.held;
    this.held = 0;
  }
}
