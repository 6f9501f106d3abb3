/** A tag with the metadata that was asked for, as the module puts it into a frame. Layout as in the transport log of an M6E Nano. */
import { crc16Ccitt } from '../../protocols/base/crc.ts';
import { MERCURY_GEN2, MercuryMetadata } from '../../protocols/rfid-serial/index.ts';

const FREQUENCY_KHZ = 866_900;

export interface RecordedTag {
  epc: Buffer;
  antenna: number;
  rssiDbm: number;
  count: number;
  sinceCycleMs: number;
}

export function tagRecord(tag: RecordedTag, flags: number): Buffer {
  const pc = (tag.epc.length / 2) << 11;
  const told = Buffer.concat([uint(pc, 2), tag.epc]);
  const epc = Buffer.concat([told, uint(crc16Ccitt(told, { xorOut: 0xffff }), 2)]);
  const fields: [flag: number, bytes: Buffer][] = [
    [MercuryMetadata.readCount, uint(Math.min(tag.count, 0xff), 1)],
    [MercuryMetadata.rssi, uint(tag.rssiDbm & 0xff, 1)],
    // Sending and receiving port.
    [MercuryMetadata.antenna, uint(((tag.antenna & 0x0f) << 4) | (tag.antenna & 0x0f), 1)],
    [MercuryMetadata.frequency, uint(FREQUENCY_KHZ, 3)],
    [MercuryMetadata.timestamp, uint(tag.sinceCycleMs, 4)],
    [MercuryMetadata.phase, uint(0, 2)],
    [MercuryMetadata.protocol, uint(MERCURY_GEN2, 1)],
    [MercuryMetadata.data, uint(0, 2)],
    [MercuryMetadata.gpio, uint(0x0f, 1)],
  ];
  const metadata = fields.filter(([flag]) => flags & flag).map(([, bytes]) => bytes);
  return Buffer.concat([...metadata, uint(epc.length * 8, 2), epc]);
}

function uint(value: number, length: number): Buffer {
  const bytes = Buffer.alloc(length);
  bytes.writeUIntBE(value, 0, length);
  return bytes;
}
