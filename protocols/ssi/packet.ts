/**
 * Zebra Simple Serial Interface packet ↔ value.
 *
 * Format: length, opcode, source, status, data, checksum (2, big-endian). The length counts all but the checksum, 4–255. A packet is
 * valid if and only if its length fits and the checksum is the two's complement of the 16-bit sum of the bytes ahead of it.
 * Source: Simple Serial Interface Programmer's Guide 72E-40451-04EN, chapters 1 and 2.
 */
import { asBuffer } from '../base/bytes.ts';
import { CodecError } from '../base/codec-error.ts';

export const MIN_SSI_LENGTH = 4;
const MAX_SSI_LENGTH = 255;
const CHECKSUM_BYTES = 2;
export const MAX_SSI_BYTES = MAX_SSI_LENGTH + CHECKSUM_BYTES;
const MAX_SSI_DATA_BYTES = MAX_SSI_LENGTH - MIN_SSI_LENGTH;

export const SsiOpcode = {
  multipacketSegment: 0x73,
  multipacketAck: 0x74,
  management: 0x80,
  replyRevision: 0xa4,
  requestRevision: 0xa3,
  parameterSend: 0xc6,
  parameterRequest: 0xc7,
  parameterDefaults: 0xc8,
  ack: 0xd0,
  nak: 0xd1,
  flushQueue: 0xd2,
  capabilitiesRequest: 0xd3,
  capabilitiesReply: 0xd4,
  startSession: 0xe4,
  stopSession: 0xe5,
  beep: 0xe6,
  ledOn: 0xe7,
  ledOff: 0xe8,
  scanEnable: 0xe9,
  scanDisable: 0xea,
  sleep: 0xeb,
  decodeData: 0xf3,
  event: 0xf6,
} as const;

const OPCODE_NAMES: ReadonlyMap<number, string> = new Map([
  [0x73, 'MULTIPACKET_SEGMENT'],
  [0x74, 'MULTIPACKET_ACK'],
  [0x80, 'SSI_MGMT_COMMAND'],
  [0xa3, 'REQUEST_REVISION'],
  [0xa4, 'REPLY_REVISION'],
  [0xb0, 'IMAGE_DATA'],
  [0xb4, 'VIDEO_DATA'],
  [0xc0, 'ILLUMINATION_OFF'],
  [0xc1, 'ILLUMINATION_ON'],
  [0xc4, 'AIM_OFF'],
  [0xc5, 'AIM_ON'],
  [0xc6, 'PARAM_SEND'],
  [0xc7, 'PARAM_REQUEST'],
  [0xc8, 'PARAM_DEFAULTS'],
  [0xc9, 'CHANGE_ALL_CODE_TYPES'],
  [0xca, 'PAGE_MOTOR_ACTIVATION'],
  [0xd0, 'CMD_ACK'],
  [0xd1, 'CMD_NAK'],
  [0xd2, 'FLUSH_QUEUE'],
  [0xd3, 'CAPABILITIES_REQUEST'],
  [0xd4, 'CAPABILITIES_REPLY'],
  [0xd5, 'BATCH_REQUEST'],
  [0xd6, 'BATCH_DATA'],
  [0xe4, 'START_SESSION'],
  [0xe5, 'STOP_SESSION'],
  [0xe6, 'BEEP'],
  [0xe7, 'LED_ON'],
  [0xe8, 'LED_OFF'],
  [0xe9, 'SCAN_ENABLE'],
  [0xea, 'SCAN_DISABLE'],
  [0xeb, 'SLEEP'],
  [0xf3, 'DECODE_DATA'],
  [0xf6, 'EVENT'],
  [0xf7, 'IMAGER_MODE'],
]);

export function ssiOpcodeName(opcode: number): string {
  return OPCODE_NAMES.get(opcode) ?? `OPCODE_${opcode.toString(16).toUpperCase().padStart(2, '0')}`;
}

/** Bits of the status byte. */
export const SSI_STATUS_RETRANSMIT = 0x01;
export const SSI_STATUS_CONTINUATION = 0x02;
export const SSI_STATUS_PERMANENT = 0x08;

export const SSI_SOURCE_DECODER = 0x00;
export const SSI_SOURCE_HOST = 0x04;

export interface SsiPacket {
  opcode: number;
  /** 0 decoder (the reader), 4 host. The first segment of a multipacket has 2. */
  source: number;
  status: number;
  data: Uint8Array;
}

export function ssiChecksum(bytes: Uint8Array, start = 0, end = bytes.length): number {
  let sum = 0;
  for (let i = start; i < end; i++) sum += bytes[i] ?? 0;
  return -sum & 0xffff;
}

export function encodeSsi(packet: SsiPacket): Buffer {
  if (packet.data.length > MAX_SSI_DATA_BYTES) {
    throw new RangeError(`SSI packet of ${packet.data.length} data bytes: at most ${MAX_SSI_DATA_BYTES}`);
  }
  const length = MIN_SSI_LENGTH + packet.data.length;
  const bytes = Buffer.alloc(length + CHECKSUM_BYTES);
  bytes.set([length, packet.opcode, packet.source, packet.status], 0);
  bytes.set(packet.data, MIN_SSI_LENGTH);
  bytes.writeUInt16BE(ssiChecksum(bytes, 0, length), length);
  return bytes;
}

/** Decodes exactly one packet. The data is a copy. */
export function decodeSsi(input: Uint8Array): SsiPacket {
  const bytes = asBuffer(input);
  const length = bytes[0] ?? 0;
  if (bytes.length === 0 || length < MIN_SSI_LENGTH || bytes.length !== length + CHECKSUM_BYTES) {
    throw new CodecError({
      code: 'ssi-length',
      message: `packet of ${bytes.length} bytes whose length byte is ${length}: length byte + 2, and at least 6, were expected`,
      offset: 0,
    });
  }
  const computed = ssiChecksum(bytes, 0, length);
  if (bytes.readUInt16BE(length) !== computed) {
    throw new CodecError({
      code: 'ssi-checksum',
      message: `packet carries checksum ${bytes.readUInt16BE(length)}, its bytes give ${computed}`,
      offset: length,
    });
  }
  return {
    opcode: bytes.readUInt8(1),
    source: bytes.readUInt8(2),
    status: bytes.readUInt8(3),
    data: Buffer.from(bytes.subarray(MIN_SSI_LENGTH, length)),
  };
}
