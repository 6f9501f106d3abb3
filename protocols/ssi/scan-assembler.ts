/**
 * Scans from DECODE_DATA packets and multipacket segments.
 *
 * A long code arrives either as several DECODE_DATA packets, each with its code type and all but the last with the
 * continuation bit, or as segments (opcode 73): a segment number, then its piece of
 * `F3, length (4), code type, 01, data length (2), data`. That layout is as captured from readers (fixtures/ssi.json); the guide
 * leaves it open.
 *
 * Invariants
 *  - A packet repeated because our answer was late or lost (retransmit bit, or the segment number before) is taken once; the one that ended
 *    a scan of several packets gives that whole scan again, with `retransmit`.
 *  - A piece that does not continue what is held drops what is held and is reported as `lost`, and so is what follows of a scan that did
 *    not fit: never half a code. The first piece of another scan replaces what is held: the reader has given that up.
 *  - At most 32 kB are held, and the last scan of several packets.
 */
import { type SsiCodeType, ssiCodeType } from './code-types.ts';
import type { SsiMessage } from './message.ts';

export const MAX_SSI_SCAN_BYTES = 32 * 1024;
const SEGMENT_HEADER_BYTES = 9;

export interface SsiScan extends SsiCodeType {
  kind: 'scan';
  codeType: number;
  data: Buffer;
  /** The reader sent this again, since it had no answer: the scan may have been taken before. */
  retransmit: boolean;
}

export type SsiAssembly =
  | SsiScan
  /** A part of a scan, more follow: acknowledge it. */
  | { kind: 'partial' }
  /** Pieces that did not fit together were dropped: refuse this one. */
  | { kind: 'lost'; droppedBytes: number }
  /** Not a part of a scan. */
  | { kind: 'none' };

export class SsiScanAssembler {
  private pieces: Buffer[] = [];
  private heldBytes = 0;
  private codeType: number | undefined;
  private nextSegment = 0;
  /** The rest of a scan that did not fit is on its way. */
  private skipping = false;
  private ended: { segment: number | undefined; piece: Buffer; scan: SsiScan } | undefined;

  push(message: SsiMessage): SsiAssembly {
    const { body } = message;
    if (body.kind !== 'decode-data' && body.kind !== 'multipacket-segment') return { kind: 'none' };
    const repeated = this.repeatedEnd(message, body.kind === 'decode-data' ? undefined : body.index, body.data);
    if (repeated) return repeated;
    this.ended = undefined;
    return body.kind === 'decode-data' ? this.decodeData(message, body) : this.segment(body.index, body.data);
  }

  /** The reader went silent within a scan: what it sends next begins another. */
  reset(): SsiAssembly {
    this.skipping = false;
    return this.heldBytes === 0 ? { kind: 'none' } : this.lose(0);
  }

  private repeatedEnd(message: SsiMessage, segment: number | undefined, data: Uint8Array): SsiScan | undefined {
    const { ended } = this;
    const isRepeated = segment === undefined ? message.retransmit && !message.continuation : this.nextSegment === 0;
    if (!isRepeated || ended?.segment !== segment || !ended?.piece.equals(data)) return undefined;
    return { ...ended.scan, retransmit: true };
  }

  private decodeData(message: SsiMessage, body: { codeType: number; data: Uint8Array }): SsiAssembly {
    const { codeType, data } = body;
    if (this.skipping) {
      this.skipping = message.continuation;
      return { kind: 'lost', droppedBytes: data.length };
    }
    if (this.nextSegment > 0 || (this.codeType !== undefined && this.codeType !== codeType)) this.clear();
    const repeated = message.retransmit && this.pieces.at(-1)?.equals(data) === true;
    if (!repeated && !this.hold(data)) {
      this.skipping = message.continuation;
      return this.lose(data.length);
    }
    this.codeType = codeType;
    return message.continuation ? { kind: 'partial' } : this.complete(Buffer.concat(this.pieces), message.retransmit);
  }

  private segment(index: number, data: Uint8Array): SsiAssembly {
    if (index === this.nextSegment - 1 && this.pieces.at(-1)?.equals(data)) return { kind: 'partial' };
    if (index === 0) this.clear();
    if (index !== this.nextSegment || !this.hold(data)) return this.lose(data.length);
    this.nextSegment++;
    const whole = Buffer.concat(this.pieces);
    if (index === 0) {
      if (whole.length < SEGMENT_HEADER_BYTES || whole[0] !== 0xf3) return this.lose(0);
      this.codeType = whole.readUInt8(5);
    }
    const expected = SEGMENT_HEADER_BYTES + whole.readUInt16BE(7);
    if (whole.length < expected) return { kind: 'partial' };
    return this.complete(whole.subarray(SEGMENT_HEADER_BYTES, expected), false);
  }

  private hold(data: Uint8Array): boolean {
    if (this.heldBytes + data.length > MAX_SSI_SCAN_BYTES) return false;
    this.pieces.push(Buffer.from(data));
    this.heldBytes += data.length;
    return true;
  }

  private complete(data: Buffer, retransmit: boolean): SsiScan {
    const codeType = this.codeType ?? 0;
    const scan: SsiScan = { kind: 'scan', codeType, ...ssiCodeType(codeType), data, retransmit };
    const piece = this.pieces.at(-1);
    const segment = this.nextSegment > 0 ? this.nextSegment - 1 : undefined;
    if (piece && (segment !== undefined || this.pieces.length > 1)) this.ended = { segment, piece, scan };
    this.clear();
    return scan;
  }

  private lose(extraBytes: number): SsiAssembly {
    const droppedBytes = this.heldBytes + extraBytes;
    this.clear();
    return { kind: 'lost', droppedBytes };
  }

  private clear(): void {
    this.pieces = [];
    this.heldBytes = 0;
    this.codeType = undefined;
    this.nextSegment = 0;
  }
}
