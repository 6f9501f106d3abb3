/**
 * What an SSI packet says: its data by opcode. Packets Milepost has no use for stay raw.
 *
 * Parameters: number and value in a byte each; number F0, F1 or F2 adds 256, 512 or 768 to the number in the byte after it; F4 ahead of
 * them says that the value has two bytes, F8 that the number has two (Simple Serial Interface Programmer's Guide, PARAM_SEND).
 */
import { CodecError } from '../base/codec-error.ts';
import { ssiCodeType } from './code-types.ts';
import {
  MIN_SSI_LENGTH,
  SSI_STATUS_CONTINUATION,
  SSI_STATUS_PERMANENT,
  SSI_STATUS_RETRANSMIT,
  SsiOpcode,
  type SsiPacket,
  ssiOpcodeName,
} from './packet.ts';

export interface SsiParameter {
  number: number;
  /** Absent in a request. */
  value?: number;
}

export type SsiBody =
  | { kind: 'decode-data'; codeType: number; symbology: string; aim?: string; data: Uint8Array }
  | { kind: 'multipacket-segment'; index: number; data: Uint8Array }
  | { kind: 'ack' }
  | { kind: 'nak'; cause: string; causeCode: number }
  | { kind: 'parameters'; beepCode: number; parameters: readonly SsiParameter[] }
  | { kind: 'event'; event: number }
  | { kind: 'revision'; text: string }
  | { kind: 'beep'; beepCode: number }
  | { kind: 'led'; on: boolean; mask: number }
  | { kind: 'other'; data: Uint8Array };

export interface SsiMessage {
  opcode: number;
  opcodeName: string;
  source: 'decoder' | 'host' | number;
  status: number;
  /** The same packet as before, sent again because no answer came. */
  retransmit: boolean;
  /** More packets follow. */
  continuation: boolean;
  /** A parameter change that survives power off. */
  permanent: boolean;
  body: SsiBody;
}

const NAK_CAUSES: ReadonlyMap<number, string> = new Map([
  [1, 'resend'],
  [2, 'bad-context'],
  [6, 'denied'],
  [10, 'undesired-message'],
]);

/** @throws CodecError for data that its opcode does not allow; offsets count from the packet's first byte. */
export function interpretSsi(packet: SsiPacket): SsiMessage {
  const { opcode, status } = packet;
  return {
    opcode,
    opcodeName: ssiOpcodeName(opcode),
    source: packet.source === 0 ? 'decoder' : packet.source === 4 ? 'host' : packet.source,
    status,
    retransmit: (status & SSI_STATUS_RETRANSMIT) !== 0,
    continuation: (status & SSI_STATUS_CONTINUATION) !== 0,
    permanent: (status & SSI_STATUS_PERMANENT) !== 0,
    body: bodyOf(packet),
  };
}

function bodyOf({ opcode, data }: SsiPacket): SsiBody {
  switch (opcode) {
    case SsiOpcode.decodeData: {
      const codeType = byteAt(data, 0);
      return { kind: 'decode-data', codeType, ...ssiCodeType(codeType), data: data.subarray(1) };
    }
    case SsiOpcode.multipacketSegment:
      return { kind: 'multipacket-segment', index: byteAt(data, 0), data: data.subarray(1) };
    case SsiOpcode.ack:
    case SsiOpcode.multipacketAck:
      return { kind: 'ack' };
    case SsiOpcode.nak: {
      const causeCode = byteAt(data, 0);
      return { kind: 'nak', cause: NAK_CAUSES.get(causeCode) ?? `cause-${causeCode}`, causeCode };
    }
    case SsiOpcode.parameterSend:
      return { kind: 'parameters', beepCode: byteAt(data, 0), parameters: parameters(data) };
    case SsiOpcode.event:
      return { kind: 'event', event: byteAt(data, 0) };
    case SsiOpcode.replyRevision:
      return { kind: 'revision', text: Buffer.from(data).toString('latin1') };
    case SsiOpcode.beep:
      return { kind: 'beep', beepCode: byteAt(data, 0) };
    case SsiOpcode.ledOn:
    case SsiOpcode.ledOff:
      return { kind: 'led', on: opcode === SsiOpcode.ledOn, mask: byteAt(data, 0) };
    default:
      return { kind: 'other', data };
  }
}

function parameters(data: Uint8Array): SsiParameter[] {
  const found: SsiParameter[] = [];
  let at = 1;
  while (at < data.length) {
    let first = byteAt(data, at);
    let wide = false;
    if (first === 0xf4) {
      wide = true;
      first = byteAt(data, ++at);
    }
    let number = first;
    if (first === 0xf8) {
      number = byteAt(data, at + 1) * 256 + byteAt(data, at + 2);
      at += 3;
    } else if (first >= 0xf0 && first <= 0xf2) {
      number = (first - 0xf0 + 1) * 256 + byteAt(data, at + 1);
      at += 2;
    } else {
      at += 1;
    }
    const value = wide ? byteAt(data, at) * 256 + byteAt(data, at + 1) : byteAt(data, at);
    at += wide ? 2 : 1;
    found.push({ number, value });
  }
  return found;
}

function byteAt(data: Uint8Array, index: number): number {
  const byte = data[index];
  if (byte === undefined) {
    throw new CodecError({
      code: 'ssi-too-short',
      message: `packet data of ${data.length} bytes, at least ${index + 1} were expected`,
      offset: MIN_SSI_LENGTH + data.length,
    });
  }
  return byte;
}
