/**
 * UHFReader18 and UHFReader09 desktop and gate readers (many brands).
 *
 * Format: length, address, command, [status,] data, CRC-16/MCRF4XX (low byte first). The length counts all but itself. A command and a
 * reply look alike: only a reply has the status byte. Source: UHFReader18 user's manual V2.1, clauses 3 to 5.
 */
import { asBuffer } from '../base/bytes.ts';
import { crc16Mcrf4xx } from '../base/crc.ts';
import { badChecksum, badLength, orUndefined } from './faults.ts';
import { ResyncFramer } from './resync-framer.ts';

const MIN_LENGTH = 4;
/** What a reply holds: 255 bytes without address, command, status, count and CRC. */
const MAX_EPC_BYTES = 0xff - MIN_LENGTH - 2;

export const UhfReader18Command = {
  inventory: 0x01,
  readMemory: 0x02,
  singleInventory: 0x0f,
  readerInformation: 0x21,
  setRegion: 0x22,
  setScanTime: 0x25,
  setPower: 0x2f,
  setWorkMode: 0x35,
  getWorkMode: 0x36,
  /** Not a command: what a reader in scan or trigger mode sends unasked (clause 8.4.9). */
  tagReport: 0xee,
} as const;

/** Bands of the command 22: code in the four top bits of both limits, first frequency, step and last channel (clause 8.4.2). */
export const UHF_READER18_BANDS = {
  user: { code: 0b0000, baseKhz: 902_600, stepKhz: 400, lastChannel: 62 },
  china: { code: 0b0001, baseKhz: 920_125, stepKhz: 250, lastChannel: 19 },
  us: { code: 0b0010, baseKhz: 902_750, stepKhz: 500, lastChannel: 49 },
  korea: { code: 0b0011, baseKhz: 917_100, stepKhz: 200, lastChannel: 31 },
} as const;
export type UhfReader18Band = keyof typeof UHF_READER18_BANDS;

export interface UhfReader18Frame {
  address: number;
  command: number;
  /** Of a reply, its first byte is the status. */
  body: Buffer;
}

export interface UhfReader18Inventory {
  status: 'complete' | 'timed-out' | 'more-follows' | 'memory-full' | 'no-tag' | `status-${number}`;
  epcs: readonly Buffer[];
}

const INVENTORY_STATUS: ReadonlyMap<number, UhfReader18Inventory['status']> = new Map([
  [0x01, 'complete' as const],
  [0x02, 'timed-out' as const],
  [0x03, 'more-follows' as const],
  [0x04, 'memory-full' as const],
  [0xfb, 'no-tag' as const],
]);

const WITH_TAGS: ReadonlySet<number> = new Set([0x01, 0x02, 0x03, 0x04]);

/** Statuses of replies (clause 5), and F8 of later relatives. */
const STATUS_NAMES: ReadonlyMap<number, string> = new Map([
  [0x00, 'success'],
  [0x13, 'not-saved'],
  [0x14, 'power-not-adjustable'],
  [0xf8, 'antenna-error'],
  [0xf9, 'execution-error'],
  [0xfa, 'poor-communication'],
  [0xfb, 'no-tag'],
  [0xfc, 'tag-error'],
  [0xfd, 'wrong-length'],
  [0xfe, 'illegal-command'],
  [0xff, 'wrong-parameter'],
]);

export function uhfReader18StatusName(status: number): string {
  return STATUS_NAMES.get(status) ?? `status-${status.toString(16).padStart(2, '0')}`;
}

/** What a reader says of itself (command 21). */
export interface UhfReader18Information {
  version: string;
  type: number;
  /** As the command 22 takes them: band and channel. */
  maximumFrequency: number;
  minimumFrequency: number;
  /** Undefined: the reader does not know. */
  powerDbm: number | undefined;
  scanTimeMs: number;
}

/** Decodes exactly one frame. */
export function decodeUhfReader18(input: Uint8Array): UhfReader18Frame {
  const bytes = asBuffer(input);
  const length = bytes[0] ?? 0;
  if (length < MIN_LENGTH || bytes.length !== length + 1) {
    throw badLength('UHFReader18 frame', `its first byte + 1, and at least ${MIN_LENGTH + 1}`, bytes.length);
  }
  const at = length - 1;
  const computed = crc16Mcrf4xx(bytes, 0, at);
  const carried = bytes.readUInt16LE(at);
  if (carried !== computed) throw badChecksum('UHFReader18 frame', carried, computed, at);
  return { address: bytes.readUInt8(1), command: bytes.readUInt8(2), body: Buffer.from(bytes.subarray(3, at)) };
}

export function encodeUhfReader18(frame: { address: number; command: number; body?: Uint8Array }): Buffer {
  const body = frame.body ?? Buffer.alloc(0);
  const length = MIN_LENGTH + body.length;
  if (length > 0xff)
    throw new RangeError(`UHFReader18 frame of ${body.length} body bytes: at most ${0xff - MIN_LENGTH}`);
  const bytes = Buffer.alloc(length + 1);
  bytes.set([length, frame.address, frame.command], 0);
  bytes.set(body, 3);
  bytes.writeUInt16LE(crc16Mcrf4xx(bytes, 0, length - 1), length - 1);
  return bytes;
}

/** The tags in the reply to an inventory; undefined for the reply to another command. */
export function uhfReader18Inventory(reply: UhfReader18Frame): UhfReader18Inventory | undefined {
  const { body } = reply;
  if (reply.command !== UhfReader18Command.inventory && reply.command !== UhfReader18Command.singleInventory) {
    return undefined;
  }
  const code = body[0];
  if (code === undefined) throw badLength('UHFReader18 inventory', 'at least 1', 0);
  const status = INVENTORY_STATUS.get(code) ?? `status-${code}`;
  const epcs: Buffer[] = [];
  // Other statuses have something else behind them: FC the tag's error code.
  const count = WITH_TAGS.has(code) ? (body[1] ?? 0) : 0;
  let at = 2;
  for (let i = 0; i < count; i++) {
    const length = body[at];
    if (length === undefined || at + 1 + length > body.length) {
      throw badLength('UHFReader18 inventory', at + 1 + (length ?? 0), body.length);
    }
    epcs.push(Buffer.from(body.subarray(at + 1, at + 1 + length)));
    at += 1 + length;
  }
  return { status, epcs };
}

/** The EPC that a reader in scan mode reports unasked; undefined for any other frame. */
export function uhfReader18Report(frame: UhfReader18Frame): Buffer | undefined {
  if (frame.command !== UhfReader18Command.tagReport || frame.body[0] !== 0 || frame.body.length < 2) return undefined;
  return Buffer.from(frame.body.subarray(1));
}

/** Undefined for the reply to another command, or one without success. */
export function uhfReader18Information(reply: UhfReader18Frame): UhfReader18Information | undefined {
  const { body } = reply;
  if (reply.command !== UhfReader18Command.readerInformation || body[0] !== 0) return undefined;
  if (body.length < 9) throw badLength('UHFReader18 reader information', 'at least 9', body.length);
  const power = body.readUInt8(7);
  return {
    version: `${body.readUInt8(1)}.${body.readUInt8(2)}`,
    type: body.readUInt8(3),
    maximumFrequency: body.readUInt8(5),
    minimumFrequency: body.readUInt8(6),
    powerDbm: power === 0xff ? undefined : power,
    scanTimeMs: body.readUInt8(8) * 100,
  };
}

/** The six bytes that the command 35 takes; undefined for the reply to another command, or one without success. */
export function uhfReader18WorkMode(reply: UhfReader18Frame): Buffer | undefined {
  const { body } = reply;
  if (reply.command !== UhfReader18Command.getWorkMode || body[0] !== 0) return undefined;
  if (body.length < 11) throw badLength('UHFReader18 work mode', 'at least 11', body.length);
  return Buffer.from(body.subarray(5, 11));
}

/** The two limits of a band, all of its channels unless told: as the command 22 takes them and the reader tells them. */
export function uhfReader18Region(
  band: UhfReader18Band,
  channels: { first?: number; last?: number } = {},
): { maximumFrequency: number; minimumFrequency: number } {
  const { code, lastChannel } = UHF_READER18_BANDS[band];
  const { first = 0, last = lastChannel } = channels;
  return { maximumFrequency: ((code >> 2) << 6) | last, minimumFrequency: ((code & 0b11) << 6) | first };
}

/** Replies to an inventory, for simulators: as many frames as the EPCs need, all but the last saying that more follows. */
export function uhfReader18InventoryReplies(address: number, epcs: readonly Uint8Array[]): Buffer[] {
  const command = UhfReader18Command.inventory;
  if (epcs.length === 0) return [encodeUhfReader18({ address, command, body: Buffer.of(0xfb) })];
  const groups: Uint8Array[][] = [];
  let room = 0;
  for (const epc of epcs) {
    if (epc.length + 1 > room) {
      groups.push([]);
      room = MAX_EPC_BYTES;
    }
    groups.at(-1)?.push(epc);
    room -= epc.length + 1;
  }
  return groups.map((group, index) => {
    const entries = group.map((epc) => Buffer.concat([Buffer.of(epc.length), epc]));
    const status = index === groups.length - 1 ? 0x01 : 0x03;
    return encodeUhfReader18({
      address,
      command,
      body: Buffer.concat([Buffer.of(status, group.length), ...entries]),
    });
  });
}

/** The buffer holds 256 bytes. */
export class UhfReader18Framer extends ResyncFramer<UhfReader18Frame> {
  constructor() {
    super({
      maximumBytes: 256,
      lengthOf: (bytes) => ((bytes[0] ?? 0) < MIN_LENGTH ? 0 : (bytes[0] ?? 0) + 1),
      decode: (bytes) => orUndefined(() => decodeUhfReader18(bytes)),
    });
  }
}
