/**
 * What a reader does with the host's commands, and the parameters they change. Changes last until it loses its power, as with commands whose
 * status byte does not say "permanent".
 */
import type { Log } from '../../protocols/base/log.ts';
import { type HostPacket, packet } from './packets.ts';

const ACK = 0xd0;
const NAK = 0xd1;
const BAD_CONTEXT = 2;
const DENIED = 6;
const BEEPS = 26;

/** Parameter numbers that make a difference here; the others are accepted and kept. */
export const TRANSMIT_CODE_ID = 0x2d;
export const BEEP_AFTER_DECODE = 0x38;
export const HOST_TIMEOUT = 0x9b;
export const SOFTWARE_HANDSHAKE = 0x9f;
export const DECODE_FORMAT = 0xee;

/** Opcodes that only want an ACK: aim, session, sleep, illumination, flush, defaults. */
const PLAIN = new Set([0xc0, 0xc1, 0xc4, 0xc5, 0xc8, 0xd2, 0xe4, 0xe5, 0xeb]);

export class HostCommands {
  readonly parameters: Map<number, number>;
  isEnabled = true;
  readonly #log: Log;
  readonly #revision: string;

  /** @param source `packeted`: as if the reader was set up before; the factory sends raw. */
  constructor(source: { log: Log; revision: string; packeted: boolean }) {
    this.#log = source.log;
    this.#revision = source.revision;
    this.parameters = new Map([
      [TRANSMIT_CODE_ID, 0],
      [BEEP_AFTER_DECODE, 1],
      [HOST_TIMEOUT, 20],
      [SOFTWARE_HANDSHAKE, 1],
      [DECODE_FORMAT, source.packeted ? 1 : 0],
    ]);
  }

  isOn(parameter: number): boolean {
    return this.parameters.get(parameter) === 1;
  }

  answer({ opcode, data }: HostPacket): Buffer {
    switch (opcode) {
      case 0xa3:
        return packet(0xa4, Buffer.from(this.#revision));
      case 0xc6:
        return this.#set(data);
      case 0xe6:
        if ((data[0] ?? BEEPS) >= BEEPS) return nak(DENIED);
        this.#log.info({ beep: data[0] }, 'beep');
        return packet(ACK);
      case 0xe7:
      case 0xe8:
        this.#log.info({ light: opcode === 0xe7 ? 'on' : 'off' }, 'light');
        return packet(ACK);
      case 0xe9:
      case 0xea:
        this.isEnabled = opcode === 0xe9;
        return packet(ACK);
      default:
        return PLAIN.has(opcode) ? packet(ACK) : nak(BAD_CONTEXT);
    }
  }

  /** PARAM_SEND: beep code, then number and value, a byte each (numbers above EF take more, and are accepted unread). */
  #set(data: Buffer): Buffer {
    if (data.length < 3) return nak(DENIED);
    for (let at = 1; at + 1 < data.length && data.readUInt8(at) < 0xf0; at += 2) {
      this.parameters.set(data.readUInt8(at), data.readUInt8(at + 1));
    }
    return packet(ACK);
  }
}

export function nak(cause: number): Buffer {
  return packet(NAK, Buffer.of(cause));
}
