/**
 * R200, YRM100, M100 and their relatives (MagicRF chip): serial UHF RFID modules, 115200 8N1.
 *
 * Format: `BB type command length(2) parameters sum 7E`, big-endian; sum of type to parameters, modulo 256. 7E occurs in data:
 * only the length tells the end. Source: MagicRF M100/QM100 firmware command manual V2.3.3; captures.
 */
import { asBuffer } from '../base/bytes.ts';
import { crc16Ccitt } from '../base/crc.ts';
import { badChecksum, badHeader, badLength, orUndefined } from './faults.ts';
import { ResyncFramer } from './resync-framer.ts';

const HEAD = 0xbb;
const END = 0x7e;
const OVERHEAD_BYTES = 7;
/** Far more than a tag read of the whole user memory. */
const MAX_PARAMETER_BYTES = 1024;

export const R200Command = {
  moduleInfo: 0x03,
  setRegion: 0x07,
  getRegion: 0x08,
  singlePoll: 0x22,
  multiPoll: 0x27,
  stopMultiPoll: 0x28,
  readMemory: 0x39,
  writeMemory: 0x49,
  setBaudRate: 0x11,
  setPower: 0xb6,
  getPower: 0xb7,
  error: 0xff,
} as const;

/** Region codes of the commands 07 and 08. */
export const R200_REGIONS = { 'china-900': 0x01, us: 0x02, eu: 0x03, 'china-800': 0x04, korea: 0x06 } as const;
export type R200Region = keyof typeof R200_REGIONS;

export type R200Type = 'command' | 'response' | 'notice';

export interface R200Frame {
  type: R200Type;
  command: number;
  parameters: Buffer;
}

export interface R200Tag {
  rssiDbm: number;
  /** Protocol control word: the upper five bits count the EPC's words. */
  pc: number;
  epc: Buffer;
  crc: number;
  /** The tag's own CRC-16 over PC and EPC. */
  crcOk: boolean;
}

const TYPES: readonly R200Type[] = ['command', 'response', 'notice'];

/** Error codes of the response FF. */
const ERRORS: ReadonlyMap<number, string> = new Map([
  [0x09, 'read-failed'],
  [0x10, 'write-failed'],
  [0x12, 'kill-failed'],
  [0x13, 'lock-failed'],
  [0x15, 'no-tag'],
  [0x16, 'access-failed'],
  [0x17, 'unknown-command'],
  [0x20, 'frequency-hopping-timeout'],
]);

/** Decodes exactly one frame. */
export function decodeR200(input: Uint8Array): R200Frame {
  const bytes = asBuffer(input);
  if (bytes.length < OVERHEAD_BYTES) throw badLength('R200 frame', `at least ${OVERHEAD_BYTES}`, bytes.length);
  if (bytes[0] !== HEAD) throw badHeader('R200 frame', 'BB (hex)', 0);
  const type = TYPES[bytes.readUInt8(1)];
  if (type === undefined) throw badHeader('R200 frame', 'type 00, 01 or 02', 1);
  const length = OVERHEAD_BYTES + bytes.readUInt16BE(3);
  if (bytes.length !== length) throw badLength('R200 frame', length, bytes.length);
  if (bytes[length - 1] !== END) throw badHeader('R200 frame', '7E (hex) at its end', length - 1);
  const sum = sumOf(bytes, 1, length - 2);
  if (bytes[length - 2] !== sum) throw badChecksum('R200 frame', bytes.readUInt8(length - 2), sum, length - 2);
  return { type, command: bytes.readUInt8(2), parameters: Buffer.from(bytes.subarray(5, length - 2)) };
}

export function encodeR200(frame: { type: R200Type; command: number; parameters?: Uint8Array }): Buffer {
  const parameters = frame.parameters ?? Buffer.alloc(0);
  if (parameters.length > MAX_PARAMETER_BYTES)
    throw new RangeError(`R200 frame of ${parameters.length} parameter bytes`);
  const bytes = Buffer.alloc(OVERHEAD_BYTES + parameters.length);
  bytes.set([HEAD, TYPES.indexOf(frame.type), frame.command], 0);
  bytes.writeUInt16BE(parameters.length, 3);
  bytes.set(parameters, 5);
  bytes[bytes.length - 2] = sumOf(bytes, 1, bytes.length - 2);
  bytes[bytes.length - 1] = END;
  return bytes;
}

/**
 * The tag in a notice of a poll; undefined for any other frame. A multiple poll's notices have the command of the single one (22); some
 * relatives put 27 there, as an edition of the manual does.
 */
export function r200Tag(frame: R200Frame): R200Tag | undefined {
  const { parameters } = frame;
  const isNotice = frame.command === R200Command.multiPoll && frame.type === 'notice';
  if (!isNotice && (frame.command !== R200Command.singlePoll || frame.type === 'command')) return undefined;
  if (parameters.length < 5) throw badLength('R200 tag', 'at least 5', parameters.length);
  const pc = parameters.readUInt16BE(1);
  const epcBytes = 2 * (pc >> 11);
  if (parameters.length !== 3 + epcBytes + 2) throw badLength('R200 tag', 5 + epcBytes, parameters.length);
  const crc = parameters.readUInt16BE(3 + epcBytes);
  return {
    rssiDbm: parameters.readInt8(0),
    pc,
    epc: Buffer.from(parameters.subarray(3, 3 + epcBytes)),
    crc,
    crcOk: crc === crc16Ccitt(parameters, { start: 1, end: 3 + epcBytes, xorOut: 0xffff }),
  };
}

/** The error in a response FF: `no-tag`, `unknown-command`, …; undefined for any other frame. */
export function r200Error(frame: R200Frame): string | undefined {
  if (frame.type !== 'response' || frame.command !== R200Command.error) return undefined;
  const code = frame.parameters[0] ?? 0;
  return ERRORS.get(code) ?? `error-${code}`;
}

/** Polls until stopped or `times` rounds are done. */
export function r200MultiPoll(times: number): Buffer {
  const parameters = Buffer.of(0x22, times >> 8, times & 0xff);
  return encodeR200({ type: 'command', command: R200Command.multiPoll, parameters });
}

export function r200StopMultiPoll(): Buffer {
  return encodeR200({ type: 'command', command: R200Command.stopMultiPoll });
}

export function r200SetRegion(region: R200Region): Buffer {
  return encodeR200({ type: 'command', command: R200Command.setRegion, parameters: Buffer.of(R200_REGIONS[region]) });
}

export function r200SetPower(powerDbm: number): Buffer {
  const parameters = Buffer.alloc(2);
  parameters.writeUInt16BE(Math.round(powerDbm * 100));
  return encodeR200({ type: 'command', command: R200Command.setPower, parameters });
}

/** What the module says of a tag it has seen, for simulators. */
export function r200TagNotice(tag: { rssiDbm: number; epc: Uint8Array }): Buffer {
  const parameters = Buffer.alloc(5 + tag.epc.length);
  parameters.writeInt8(tag.rssiDbm, 0);
  parameters.writeUInt16BE((tag.epc.length / 2) << 11, 1);
  parameters.set(tag.epc, 3);
  const end = 3 + tag.epc.length;
  parameters.writeUInt16BE(crc16Ccitt(parameters, { start: 1, end, xorOut: 0xffff }), end);
  return encodeR200({ type: 'notice', command: R200Command.singlePoll, parameters });
}

/** The buffer holds 1031 bytes. */
export class R200Framer extends ResyncFramer<R200Frame> {
  constructor() {
    super({
      maximumBytes: OVERHEAD_BYTES + MAX_PARAMETER_BYTES,
      lengthOf(bytes) {
        if (bytes[0] !== HEAD || (bytes[1] ?? 0) > 2) return 0;
        if (bytes.length < 5) return undefined;
        const length = bytes.readUInt16BE(3);
        return length > MAX_PARAMETER_BYTES ? 0 : OVERHEAD_BYTES + length;
      },
      decode: (bytes) => orUndefined(() => decodeR200(bytes)),
    });
  }
}

function sumOf(bytes: Buffer, start: number, end: number): number {
  let sum = 0;
  for (let i = start; i < end; i++) sum += bytes[i] ?? 0;
  return sum & 0xff;
}
