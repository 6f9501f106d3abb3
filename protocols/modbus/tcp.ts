/**
 * Modbus TCP frame (MBAP header) ↔ value, and its framer.
 *
 * Format: transaction id (2), protocol id 0 (2), length (2: unit id and PDU), unit id (1), PDU; big-endian, no checksum;
 * 8–260 bytes. Source: MODBUS Messaging on TCP/IP Implementation Guide V1.0b, clause 3.1.3.
 * The framer's buffer holds 260 bytes. A header that cannot be one is skipped byte by byte; on a connection that gave
 * such bytes the peer is not a Modbus server, and a driver does well to reconnect.
 */
import { asBuffer } from '../base/bytes.ts';
import { CodecError } from '../base/codec-error.ts';
import { type Framer, newFramerStats } from '../base/framer.ts';
import { tooShort, wrongLength } from './faults.ts';
import { MAX_PDU_BYTES } from './pdu.ts';

const HEADER_BYTES = 7;
const MAX_TCP_BYTES = HEADER_BYTES + MAX_PDU_BYTES;

export interface TcpFrame {
  /** Echoed by the server: an answer belongs to the request with the same id. */
  transactionId: number;
  unitId: number;
  pdu: Uint8Array;
}

export function encodeTcp(frame: TcpFrame): Buffer {
  if (frame.pdu.length < 1 || frame.pdu.length > MAX_PDU_BYTES) {
    throw new RangeError(`Modbus PDU of ${frame.pdu.length} bytes: 1–${MAX_PDU_BYTES}`);
  }
  const bytes = Buffer.alloc(HEADER_BYTES + frame.pdu.length);
  bytes.writeUInt16BE(frame.transactionId, 0);
  bytes.writeUInt16BE(1 + frame.pdu.length, 4);
  bytes.writeUInt8(frame.unitId, 6);
  bytes.set(frame.pdu, HEADER_BYTES);
  return bytes;
}

/** Decodes exactly one frame. The PDU is a copy. */
export function decodeTcp(input: Uint8Array): TcpFrame {
  const bytes = asBuffer(input);
  if (bytes.length < HEADER_BYTES + 1) throw tooShort('TCP frame', HEADER_BYTES + 1, bytes.length, 0);
  const protocolId = bytes.readUInt16BE(2);
  if (protocolId !== 0) {
    throw new CodecError({
      code: 'modbus-protocol-id',
      message: `TCP frame: protocol id ${protocolId}, 0 was expected`,
      offset: 2,
    });
  }
  const length = bytes.readUInt16BE(4);
  if (length < 2 || length > 1 + MAX_PDU_BYTES) {
    throw new CodecError({
      code: 'modbus-length',
      message: `TCP frame: length field ${length}, 2–${1 + MAX_PDU_BYTES} was expected`,
      offset: 4,
    });
  }
  if (bytes.length !== 6 + length) throw wrongLength('TCP frame', 6 + length, bytes.length, 0);
  return {
    transactionId: bytes.readUInt16BE(0),
    unitId: bytes.readUInt8(6),
    pdu: Buffer.from(bytes.subarray(HEADER_BYTES)),
  };
}

export class ModbusTcpFramer implements Framer<TcpFrame> {
  readonly stats = newFramerStats();
  private readonly buffer = Buffer.alloc(MAX_TCP_BYTES);
  private held = 0;

  push(chunk: Uint8Array): TcpFrame[] {
    this.stats.bytes += chunk.length;
    const frames: TcpFrame[] = [];
    for (let taken = 0; taken < chunk.length; ) {
      const piece = chunk.subarray(taken, taken + MAX_TCP_BYTES - this.held);
      this.buffer.set(piece, this.held);
      this.held += piece.length;
      taken += piece.length;
      this.drain(frames);
    }
    return frames;
  }

  /** The connection is gone: an unfinished frame goes with it. */
  idle(): TcpFrame[] {
    this.stats.discardedBytes += this.held;
    this.held = 0;
    return [];
  }

  private drain(frames: TcpFrame[]): void {
    let start = 0;
    while (this.held - start >= 6) {
      const length = this.buffer.readUInt16BE(start + 4);
      if (this.buffer.readUInt16BE(start + 2) !== 0 || length < 2 || length > 1 + MAX_PDU_BYTES) {
        start++;
        this.stats.discardedBytes++;
        continue;
      }
      if (this.held - start < 6 + length) break;
      frames.push(decodeTcp(this.buffer.subarray(start, start + 6 + length)));
      this.stats.frames++;
      start += 6 + length;
    }
    this.buffer.copyWithin(0, start, this.held);
    this.held -= start;
  }
}
