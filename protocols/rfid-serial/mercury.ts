/**
 * ThingMagic Mercury serial protocol (M5e, M6e, Nano modules).
 *
 * Format: `FF length opcode [status(2)] data CRC(2)`, big-endian. The length counts the data alone; only the module's replies have a status. The
 * CRC covers all between FF and itself. Source: ThingMagic serial protocol as its public API speaks it; captures of an M5e.
 * A module starts in its boot loader and refuses reading with status 0101 until the firmware is booted (opcode 04).
 */
import { asBuffer } from '../base/bytes.ts';
import { badChecksum, badHeader, badLength, orUndefined } from './faults.ts';
import { ResyncFramer } from './resync-framer.ts';

const HEAD = 0xff;
const MAX_DATA_BYTES = 250;

export const MercuryOpcode = {
  getVersion: 0x03,
  bootFirmware: 0x04,
  getCurrentProgram: 0x0c,
  readTagSingle: 0x21,
  readTagMultiple: 0x22,
  getTagBuffer: 0x29,
  clearTagBuffer: 0x2a,
  multiProtocolTagOperation: 0x2f,
  getAntennaPort: 0x61,
  getTxPower: 0x62,
  getTagProtocol: 0x63,
  getRegion: 0x67,
  getPowerMode: 0x68,
  setAntennaPort: 0x91,
  setTxPower: 0x92,
  setTagProtocol: 0x93,
  setRegion: 0x97,
  setReaderOption: 0x9a,
} as const;

export type MercuryDirection = 'command' | 'reply';

export interface MercuryFrame {
  opcode: number;
  /** Of a reply; 0 is success. */
  status?: number;
  data: Buffer;
}

const STATUS_NAMES: ReadonlyMap<number, string> = new Map([
  [0x0000, 'success'],
  [0x0100, 'wrong-data-length'],
  [0x0101, 'invalid-opcode'],
  [0x0102, 'unimplemented-opcode'],
  [0x0103, 'power-too-high'],
  [0x0105, 'invalid-parameter'],
  [0x0104, 'invalid-frequency'],
  [0x0106, 'power-too-low'],
  [0x0109, 'unimplemented-feature'],
  [0x010a, 'invalid-baud-rate'],
  [0x010b, 'invalid-region'],
  [0x0302, 'flash-undefined-error'],
  [0x0400, 'no-tag'],
  [0x0401, 'no-protocol'],
  [0x0402, 'invalid-protocol'],
  [0x0500, 'invalid-frequency-for-region'],
  [0x0501, 'channel-occupied'],
  [0x0502, 'transmitter-on'],
  [0x0503, 'antenna-not-connected'],
  [0x0504, 'module-too-hot'],
  [0x0505, 'antenna-high-return-loss'],
  [0x0507, 'invalid-antenna'],
  [0x0509, 'input-voltage'],
  [0x0600, 'buffer-not-enough-tags'],
  [0x0601, 'buffer-full'],
  [0x0602, 'buffer-repeated-tag'],
  [0x7f00, 'system-unknown-error'],
]);

export function mercuryStatusName(status: number): string {
  return STATUS_NAMES.get(status) ?? `status-${status.toString(16).padStart(4, '0')}`;
}

/**
 * CRC-16, polynomial 1021, init FFFF, in the form that shifts the message into the register's low end and appends no zeros. It is
 * *not* the catalogue's CCITT-FALSE, which disagrees with every capture.
 */
function mercuryCrc(bytes: Uint8Array, start = 0, end = bytes.length): number {
  let crc = 0xffff;
  for (let i = start; i < end; i++) {
    const byte = bytes[i] ?? 0;
    for (let bit = 7; bit >= 0; bit--) {
      const carry = crc & 0x8000;
      crc = ((crc << 1) & 0xffff) | ((byte >> bit) & 1);
      if (carry) crc ^= 0x1021;
    }
  }
  return crc;
}

/** Decodes exactly one frame. Nothing in it says its direction. */
export function decodeMercury(input: Uint8Array, direction: MercuryDirection): MercuryFrame {
  const bytes = asBuffer(input);
  const dataAt = direction === 'reply' ? 5 : 3;
  if (bytes.length < dataAt + 2) throw badLength('Mercury frame', `at least ${dataAt + 2}`, bytes.length);
  if (bytes[0] !== HEAD) throw badHeader('Mercury frame', 'FF (hex)', 0);
  const end = dataAt + bytes.readUInt8(1);
  if (bytes.length !== end + 2) throw badLength('Mercury frame', end + 2, bytes.length);
  const computed = mercuryCrc(bytes, 1, end);
  const carried = bytes.readUInt16BE(end);
  if (carried !== computed) throw badChecksum('Mercury frame', carried, computed, end);
  return {
    opcode: bytes.readUInt8(2),
    ...(direction === 'reply' ? { status: bytes.readUInt16BE(3) } : {}),
    data: Buffer.from(bytes.subarray(dataAt, end)),
  };
}

/** A frame with a status is a reply. */
export function encodeMercury(frame: { opcode: number; status?: number; data?: Uint8Array }): Buffer {
  const data = frame.data ?? Buffer.alloc(0);
  if (data.length > MAX_DATA_BYTES) throw new RangeError(`Mercury frame of ${data.length} data bytes`);
  const dataAt = frame.status === undefined ? 3 : 5;
  const bytes = Buffer.alloc(dataAt + data.length + 2);
  bytes.set([HEAD, data.length, frame.opcode], 0);
  if (frame.status !== undefined) bytes.writeUInt16BE(frame.status, 3);
  bytes.set(data, dataAt);
  const end = dataAt + data.length;
  bytes.writeUInt16BE(mercuryCrc(bytes, 1, end), end);
  return bytes;
}

/** EPC of the reply to a single read; undefined when there was no tag or the reply is another's. */
export function mercuryTag(reply: MercuryFrame): { epc: Buffer; crc: number } | undefined {
  if (reply.opcode !== MercuryOpcode.readTagSingle || reply.status !== 0) return undefined;
  if (reply.data.length < 2) throw badLength('Mercury tag', 'at least 2', reply.data.length);
  const end = reply.data.length - 2;
  return { epc: Buffer.from(reply.data.subarray(0, end)), crc: reply.data.readUInt16BE(end) };
}

export function mercuryReadTagSingle(timeoutMs: number): Buffer {
  return encodeMercury({ opcode: MercuryOpcode.readTagSingle, data: Buffer.of(timeoutMs >> 8, timeoutMs & 0xff) });
}

/** The buffer holds 257 bytes. A host reads replies, a simulator commands. */
export class MercuryFramer extends ResyncFramer<MercuryFrame> {
  constructor(direction: MercuryDirection) {
    const overhead = direction === 'reply' ? 7 : 5;
    super({
      maximumBytes: overhead + MAX_DATA_BYTES,
      lengthOf(bytes) {
        if (bytes[0] !== HEAD || (bytes[1] ?? 0) > MAX_DATA_BYTES) return 0;
        return bytes[1] === undefined ? undefined : overhead + bytes[1];
      },
      decode: (bytes) => orUndefined(() => decodeMercury(bytes, direction)),
    });
  }
}
