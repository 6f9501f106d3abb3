/**
 * Tags with metadata in a Mercury module's replies: streamed one by one (22), or out of its buffer (29).
 *
 * Streamed: option, search flags(2), metadata flags(2), type (01 tag, 02 status), then the tag. Buffered: metadata flags(2), option, count, then the
 * tags. A tag is the metadata that the flags name, in the order of their bits, then length in bits(2) of PC, EPC and CRC, and those.
 * Source: the module's protocol as its maker's public API parses it; transport log of an M6E Nano (fixtures).
 */
import { CodecError } from '../base/codec-error.ts';
import { badLength } from './faults.ts';
import { type MercuryFrame, MercuryOpcode } from './mercury.ts';
import { MERCURY_GEN2, MercuryMetadata } from './mercury-commands.ts';

export interface MercuryTagRead {
  readCount?: number;
  /** Signed; the M5e gives a positive figure that is no dBm. */
  rssi?: number;
  /** The transmitting port. */
  antenna?: number;
  frequencyKhz?: number;
  /** Since the cycle began. */
  timestampMs?: number;
  phaseDegrees?: number;
  protocol?: number;
  data?: Buffer;
  gpio?: number;
  /** Protocol control word; Gen 2 only. */
  pc?: number;
  /** Extended protocol control: one or two words, not part of the EPC. */
  xpc?: Buffer;
  epc: Buffer;
  crc?: number;
}

export type MercuryStreamed =
  | { kind: 'tag'; tag: MercuryTagRead }
  /** A cycle is over (`no-tag`), or something is wrong with the module. */
  | { kind: 'status'; status: number }
  /** A report that was not asked for (temperature, antenna), or the count of a read that is no streaming. */
  | { kind: 'other' };

const TYPE_TAG = 0x01;
/** Option, search flags, metadata flags, type. */
const STREAM_HEAD_BYTES = 6;
/** A tag protocol whose records have no CRC. */
const PROTOCOL_ATA = 0x1d;
const XPC_FOLLOWS = 0x0200;
const SECOND_XPC_FOLLOWS = 0x8000;

/** What a reply 22 of streaming says; undefined for the reply to another command. */
export function mercuryStreamed(reply: MercuryFrame): MercuryStreamed | undefined {
  if (reply.opcode !== MercuryOpcode.readTagMultiple || reply.status === undefined) return undefined;
  if (reply.status !== 0) return { kind: 'status', status: reply.status };
  const { data } = reply;
  if (data.length <= STREAM_HEAD_BYTES + 2 || data.readUInt8(5) !== TYPE_TAG) return { kind: 'other' };
  const cursor = new Cursor(data, STREAM_HEAD_BYTES);
  const tag = readTag(cursor, data.readUInt16BE(3));
  cursor.finish();
  return { kind: 'tag', tag };
}

/** The tags of a reply 29; undefined for the reply to another command, or one without success. */
export function mercuryBufferedTags(reply: MercuryFrame): MercuryTagRead[] | undefined {
  if (reply.opcode !== MercuryOpcode.getTagBuffer || reply.status !== 0) return undefined;
  const cursor = new Cursor(reply.data, 0);
  const flags = cursor.uint(2);
  cursor.uint(1);
  const count = cursor.uint(1);
  const tags: MercuryTagRead[] = [];
  for (let i = 0; i < count; i++) tags.push(readTag(cursor, flags));
  cursor.finish();
  return tags;
}

/** How many tags the buffer holds after a read 22 that was no streaming; undefined for another reply, or one without success. */
export function mercuryReadCount(reply: MercuryFrame): number | undefined {
  if (reply.opcode !== MercuryOpcode.readTagMultiple || reply.status !== 0) return undefined;
  const { data } = reply;
  // Option and search flags ahead of the count, which has four bytes for large populations.
  if (data.length === 4) return data.readUInt8(3);
  if (data.length === 7) return data.readUInt32BE(3);
  throw badLength('Mercury count', '4 or 7', data.length);
}

function readTag(cursor: Cursor, flags: number): MercuryTagRead {
  const has = (flag: number): boolean => (flags & flag) !== 0;
  const tag: MercuryTagRead = { epc: Buffer.alloc(0) };
  if (has(MercuryMetadata.readCount)) tag.readCount = cursor.uint(1);
  if (has(MercuryMetadata.rssi)) tag.rssi = (cursor.uint(1) << 24) >> 24;
  if (has(MercuryMetadata.antenna)) tag.antenna = cursor.uint(1) >> 4 || 16;
  if (has(MercuryMetadata.frequency)) tag.frequencyKhz = cursor.uint(3);
  if (has(MercuryMetadata.timestamp)) tag.timestampMs = cursor.uint(4);
  if (has(MercuryMetadata.phase)) tag.phaseDegrees = cursor.uint(2);
  if (has(MercuryMetadata.protocol)) tag.protocol = cursor.uint(1);
  if (has(MercuryMetadata.data)) tag.data = cursor.bytes(Math.ceil(cursor.uint(2) / 8));
  if (has(MercuryMetadata.gpio)) tag.gpio = cursor.uint(1);
  readEpc(cursor, tag);
  return tag;
}

function readEpc(cursor: Cursor, tag: MercuryTagRead): void {
  const length = Math.ceil(cursor.uint(2) / 8);
  const start = cursor.at;
  const bytes = new Cursor(cursor.bytes(length), 0, start);
  if ((tag.protocol ?? MERCURY_GEN2) === MERCURY_GEN2) {
    tag.pc = bytes.uint(2);
    if (tag.pc & XPC_FOLLOWS) {
      const first = bytes.bytes(2);
      tag.xpc = first.readUInt16BE(0) & SECOND_XPC_FOLLOWS ? Buffer.concat([first, bytes.bytes(2)]) : first;
    }
  }
  const crcBytes = tag.protocol === PROTOCOL_ATA ? 0 : 2;
  bytes.need(crcBytes);
  tag.epc = bytes.bytes(bytes.left - crcBytes);
  if (crcBytes > 0) tag.crc = bytes.uint(2);
}

/** Reads a reply's data front to back. Offsets in faults count from the beginning of the data. */
class Cursor {
  readonly #bytes: Buffer;
  readonly #base: number;
  #at: number;

  constructor(bytes: Buffer, at: number, base = 0) {
    this.#bytes = bytes;
    this.#at = at;
    this.#base = base;
  }

  get at(): number {
    return this.#base + this.#at;
  }

  get left(): number {
    return this.#bytes.length - this.#at;
  }

  uint(length: number): number {
    return this.#take(length).readUIntBE(0, length);
  }

  bytes(length: number): Buffer {
    return length === 0 ? Buffer.alloc(0) : Buffer.from(this.#take(length));
  }

  finish(): void {
    if (this.left === 0) return;
    throw new CodecError({
      code: 'rfid-length',
      message: `${this.left} bytes behind the last Mercury tag`,
      offset: this.at,
    });
  }

  need(length: number): void {
    if (length <= this.left) return;
    throw new CodecError({
      code: 'rfid-length',
      message: `a Mercury tag ends early: ${length} more bytes were expected, ${this.left} are left`,
      offset: this.at,
    });
  }

  #take(length: number): Buffer {
    this.need(length);
    const taken = this.#bytes.subarray(this.#at, this.#at + length);
    this.#at += length;
    return taken;
  }
}
