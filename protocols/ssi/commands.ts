/** Packets of both sides: the host's commands for the driver, the reader's messages for the simulator. */
import {
  decodeSsi,
  encodeSsi,
  SSI_SOURCE_DECODER,
  SSI_SOURCE_HOST,
  SSI_STATUS_PERMANENT,
  SSI_STATUS_RETRANSMIT,
  SsiOpcode,
} from './packet.ts';

const NONE = Buffer.alloc(0);

/** Parameters that decide how a reader and its host get along (guide, chapter 3; product reference guides of the readers). */
export const SsiParameterNumber = {
  /** 1: the identifier of ISO/IEC 15424 stands ahead of the data (`]C1`). */
  transmitCodeId: 0x2d,
  /** 1: the reader beeps by itself when it has decoded. */
  beepAfterDecode: 0x38,
  /** How long the reader waits for an answer, in tenths of a second; 20 unless told. */
  hostResponseTimeout: 0x9b,
  /** 1 (factory): packets are answered with ACK or NAK. */
  acknowledge: 0x9f,
  /** 1: scans come as DECODE_DATA packets and wait for ACK; with 0 (factory) they come raw and never wait. */
  decodeFormat: 0xee,
} as const;

/** A single byte that wakes a reader; it needs 10 ms then, and stays awake for a second. */
export const SSI_WAKE_UP: Buffer = Buffer.of(0);

/** NAK cause: send that again. */
export const SSI_NAK_RESEND = 0x01;
export const SSI_NAK_BAD_CONTEXT = 0x02;
export const SSI_NAK_DENIED = 0x06;

function host(opcode: number, data: Uint8Array = NONE, status = 0): Buffer {
  return encodeSsi({ opcode, source: SSI_SOURCE_HOST, status, data });
}

export function ssiAck(): Buffer {
  return host(SsiOpcode.ack);
}

export function ssiNak(cause: number): Buffer {
  return host(SsiOpcode.nak, Buffer.of(cause));
}

/** The same packet as one that is sent again for want of an answer. */
export function ssiResend(packet: Uint8Array): Buffer {
  const decoded = decodeSsi(packet);
  return encodeSsi({ ...decoded, status: decoded.status | SSI_STATUS_RETRANSMIT });
}

export function ssiMultipacketAck(): Buffer {
  return host(SsiOpcode.multipacketAck);
}

export function ssiStartSession(): Buffer {
  return host(SsiOpcode.startSession);
}

export function ssiStopSession(): Buffer {
  return host(SsiOpcode.stopSession);
}

export function ssiScanEnable(): Buffer {
  return host(SsiOpcode.scanEnable);
}

export function ssiScanDisable(): Buffer {
  return host(SsiOpcode.scanDisable);
}

export function ssiBeep(beepCode: number): Buffer {
  return host(SsiOpcode.beep, Buffer.of(beepCode));
}

export function ssiLed(on: boolean, mask = 1): Buffer {
  return host(on ? SsiOpcode.ledOn : SsiOpcode.ledOff, Buffer.of(mask));
}

export function ssiRequestRevision(): Buffer {
  return host(SsiOpcode.requestRevision);
}

/** One parameter up to EF with a value of one byte. `permanent` writes the reader's flash, which wears out. */
export function ssiSetParameter(
  number: number,
  value: number,
  options: { permanent: boolean; beepCode?: number },
): Buffer {
  if (number > 0xef) throw new RangeError(`SSI parameter ${number}: up to 239 (EF) was expected`);
  const data = Buffer.of(options.beepCode ?? 0, number, value);
  return host(SsiOpcode.parameterSend, data, options.permanent ? SSI_STATUS_PERMANENT : 0);
}

/** A scan as the reader sends it in one packet; up to 250 bytes. */
export function ssiDecodeData(codeType: number, data: Uint8Array, options: { retransmit?: boolean } = {}): Buffer {
  return encodeSsi({
    opcode: SsiOpcode.decodeData,
    source: SSI_SOURCE_DECODER,
    status: options.retransmit === true ? SSI_STATUS_RETRANSMIT : 0,
    data: Buffer.concat([Buffer.of(codeType), data]),
  });
}

/** The reader's answer to a command. */
export function ssiDecoderAck(): Buffer {
  return encodeSsi({ opcode: SsiOpcode.ack, source: SSI_SOURCE_DECODER, status: 0, data: NONE });
}

export function ssiDecoderNak(cause: number): Buffer {
  return encodeSsi({ opcode: SsiOpcode.nak, source: SSI_SOURCE_DECODER, status: 0, data: Buffer.of(cause) });
}

/** A whole scan that fits in no packet, as several DECODE_DATA packets with the continuation bit in all but the last. */
export function ssiLongDecodeData(codeType: number, data: Uint8Array): Buffer[] {
  const packets: Buffer[] = [];
  const room = 250;
  for (let at = 0; at === 0 || at < data.length; at += room) {
    packets.push(
      encodeSsi({
        opcode: SsiOpcode.decodeData,
        source: SSI_SOURCE_DECODER,
        status: at + room < data.length ? 0x02 : 0,
        data: Buffer.concat([Buffer.of(codeType), data.subarray(at, at + room)]),
      }),
    );
  }
  return packets;
}

/** Likewise as multipacket segments (layout: scan-assembler.ts). */
export function ssiMultipacket(codeType: number, data: Uint8Array): Buffer[] {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(data.length + 3);
  const size = Buffer.of(data.length >> 8, data.length & 0xff);
  const whole = Buffer.concat([Buffer.of(SsiOpcode.decodeData), length, Buffer.of(codeType, 1), size, data]);
  const room = 250;
  const packets: Buffer[] = [];
  for (let index = 0; index * room < whole.length; index++) {
    packets.push(
      encodeSsi({
        opcode: SsiOpcode.multipacketSegment,
        source: index === 0 ? 0x02 : SSI_SOURCE_DECODER,
        status: 0,
        data: Buffer.concat([Buffer.of(index), whole.subarray(index * room, (index + 1) * room)]),
      }),
    );
  }
  return packets;
}
