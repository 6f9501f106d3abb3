/**
 * The bytes of `pipeline.state`: what a snapshot of the pipeline looks like on disk. Pure.
 *
 * Format, little-endian: "MPPS1\n", u32 CRC-32C of all that follows it, u32 length of the header, the header as JSON (`Header`), then a
 * stay after another: u16 index of the read point, u16 of the device, u16 antenna, i16 dBm (−32768: none), u32 reads,
 * f64 first and f64 last read in microseconds of the boot, u8 bytes of the EPC, the EPC.
 * A file is valid if and only if magic and CRC are right and the stays end where the file ends. Another version's is as good as none.
 */
import { crc32c } from '../../protocols/base/crc.ts';
import type { Whereabouts } from './motion.ts';
import type { Stay } from './tag-presence.ts';

const MAGIC = Buffer.from('MPPS1\n');
const CHECKED_FROM = MAGIC.length + 4;
const STAY_BYTES = 29;
const NO_RSSI = -32_768;

export interface SavedState {
  /** The boot whose monotonic time the stays are in, and that time when this was written. */
  bootId: number;
  savedUs: number;
  /** The outbox, and the last record of its tracking lane that is contained in the rest. */
  epoch: string;
  through: number;
  whereabouts?: Whereabouts;
  stays: Iterable<Stay>;
}

interface Header extends Omit<SavedState, 'stays'> {
  stays: number;
  readPoints: string[];
  devices: string[];
}

export function encodeState(state: SavedState): Buffer {
  const { stays, ...rest } = state;
  const readPoints = new Map<string, number>();
  const devices = new Map<string, number>();
  let body = Buffer.allocUnsafe(64 * 1024);
  let at = 0;
  let count = 0;
  for (const stay of stays) {
    const epcBytes = Math.ceil(stay.epcHex.length / 2);
    if (epcBytes > 255) continue;
    if (at + STAY_BYTES + epcBytes > body.length) body = Buffer.concat([body], body.length * 2);
    at = body.writeUInt16LE(indexOf(readPoints, stay.readPoint), at);
    at = body.writeUInt16LE(indexOf(devices, stay.deviceId), at);
    at = body.writeUInt16LE(Math.min(0xffff, stay.antenna), at);
    at = body.writeInt16LE(stay.rssiDbm ?? NO_RSSI, at);
    at = body.writeUInt32LE(stay.reads, at);
    at = body.writeDoubleLE(stay.firstUs, at);
    at = body.writeDoubleLE(stay.lastUs, at);
    at = body.writeUInt8(epcBytes, at);
    at += body.write(stay.epcHex, at, 'hex');
    count++;
  }
  const head: Header = { ...rest, stays: count, readPoints: [...readPoints.keys()], devices: [...devices.keys()] };
  const header = Buffer.from(JSON.stringify(head));
  const file = Buffer.concat([MAGIC, Buffer.alloc(8), header, body.subarray(0, at)]);
  file.writeUInt32LE(header.length, CHECKED_FROM);
  file.writeUInt32LE(crc32c(file, CHECKED_FROM), MAGIC.length);
  return file;
}

/** Undefined for what is no valid file. */
export function decodeState(file: Buffer): (Omit<SavedState, 'stays'> & { stays: Stay[] }) | undefined {
  if (file.length < CHECKED_FROM + 4 || !file.subarray(0, MAGIC.length).equals(MAGIC)) return undefined;
  if (crc32c(file, CHECKED_FROM) !== file.readUInt32LE(MAGIC.length)) return undefined;
  const headerEnd = CHECKED_FROM + 4 + file.readUInt32LE(CHECKED_FROM);
  const head = JSON.parse(file.toString('utf8', CHECKED_FROM + 4, headerEnd)) as Header;
  const { stays: count, readPoints, devices, ...rest } = head;
  const stays: Stay[] = [];
  let at = headerEnd;
  for (let index = 0; index < count; index++) {
    const rssiDbm = file.readInt16LE(at + 6);
    const end = at + STAY_BYTES + (file[at + 28] as number);
    stays.push({
      readPoint: readPoints[file.readUInt16LE(at)] ?? '',
      deviceId: devices[file.readUInt16LE(at + 2)] ?? '',
      antenna: file.readUInt16LE(at + 4),
      ...(rssiDbm === NO_RSSI ? {} : { rssiDbm }),
      reads: file.readUInt32LE(at + 8),
      firstUs: file.readDoubleLE(at + 12),
      lastUs: file.readDoubleLE(at + 20),
      epcHex: file.toString('hex', at + STAY_BYTES, end),
    });
    at = end;
  }
  return at === file.length ? { ...rest, stays } : undefined;
}

function indexOf(names: Map<string, number>, name: string): number {
  const index = names.get(name) ?? names.size;
  names.set(name, index);
  return index;
}
