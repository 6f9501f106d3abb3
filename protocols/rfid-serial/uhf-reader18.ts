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
/** Address FF: any reader answers. */
export const UHF_READER18_BROADCAST = 0xff;

export const UhfReader18Command = {
  inventory: 0x01,
  readMemory: 0x02,
  singleInventory: 0x0f,
  readerInformation: 0x21,
  setPower: 0x2f,
  setWorkMode: 0x76,
} as const;

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
  const count = body[1] ?? 0;
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

/** The reply to an inventory, for simulators. */
export function uhfReader18InventoryReply(address: number, epcs: readonly Uint8Array[]): Buffer {
  const body =
    epcs.length === 0
      ? Buffer.of(0xfb)
      : Buffer.concat([
          Buffer.of(0x01, epcs.length),
          ...epcs.map((epc) => Buffer.concat([Buffer.of(epc.length), epc])),
        ]);
  return encodeUhfReader18({ address, command: UhfReader18Command.inventory, body });
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
