/**
 * Scans from DECODE_DATA packets and multipacket segments.
 *
 * A long code arrives either as several DECODE_DATA packets, each with its code type and all but the last with the
 * continuation bit, or as segments (opcode 73): a segment number, then its piece of
 * `F3, length (4), code type, 01, data length (2), data`. That layout is as captured from readers (fixtures/ssi.json); the guide
 * leaves it open.
 *
 * Invariants
 *  - A packet repeated because our answer was late (retransmit bit, or the segment number before) is taken once.
 *  - A piece that does not continue what is held drops what is held and is reported as `lost`: never half a code. The first
 *    piece of another scan replaces what is held: the reader has given that up.
 *  - At most 32 kB are held.
 */
import { type SsiCodeType, ssiCodeType } from './code-types.ts';
import type { SsiMessage } from './message.ts';

export const MAX_SSI_SCAN_BYTES = 32 * 1024;
const SEGMENT_HEADER_BYTES = 9;

export interface SsiScan extends SsiCodeType {
  kind: 'scan';
  codeType: number;
  data: Buffer;
  /** The reader sent this again: the scan may have been taken before, if it came in one packet. */
  retransmit: boolean;
}

export type SsiAssembly =
  | SsiScan
  /** A part of a scan, more follow: acknowledge it. */
  | { kind: 'partial' }
  /** Pieces that did not fit together were dropped: ask for them again. */
  | { kind: 'lost'; droppedBytes: number }
  /** Not a part of a scan. */
  | { kind: 'none' };

export class SsiScanAssembler {
  private pieces: Buffer[] = [];
  private heldBytes = 0;
  private codeType: number | undefined;
  private nextSegment = 0;

  push(message: SsiMessage): SsiAssembly {
    if (message.body.kind === 'decode-data') return this.decodeData(message);
    if (message.body.kind === 'multipacket-segment') return this.segment(message.body.index, message.body.data);
    return { kind: 'none' };
  }

  /** The reader went silent within a scan. */
  reset(): SsiAssembly {
    return this.heldBytes === 0 ? { kind: 'none' } : this.lose(0);
  }

  private decodeData(message: SsiMessage): SsiAssembly {
    if (message.body.kind !== 'decode-data') return { kind: 'none' };
    const { codeType, data } = message.body;
    if (this.nextSegment > 0 || (this.codeType !== undefined && this.codeType !== codeType)) this.clear();
    const repeated = message.retransmit && this.pieces.at(-1)?.equals(data) === true;
    if (!repeated && !this.hold(data)) return this.lose(data.length);
    this.codeType = codeType;
    return message.continuation ? { kind: 'partial' } : this.complete(Buffer.concat(this.pieces), message.retransmit);
  }

  private segment(index: number, data: Uint8Array): SsiAssembly {
    if (index === 0 && this.nextSegment !== 1) this.clear();
    else if (index === this.nextSegment - 1) return { kind: 'partial' };
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
    this.clear();
    return { kind: 'scan', codeType, ...ssiCodeType(codeType), data, retransmit };
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
