/**
 * SSI packets as a reader makes and reads them: written here a second time, so that a fault in the codec under test cannot hide behind itself.
 *
 * Length (all but the checksum), opcode, source (0 reader, 4 host), status (bit 0 sent again, bit 1 more follow), data, two's complement of the
 * sum, big-endian. Source: Simple Serial Interface Programmer's Guide 72E-40451-04EN, chapter 1.
 */

export interface HostPacket {
  opcode: number;
  data: Buffer;
}

const READER = 0x00;
const FIRST_SEGMENT = 0x02;
const DATA_MAX = 250;

export function packet(
  opcode: number,
  data: Uint8Array = Buffer.alloc(0),
  more: { status?: number; source?: number } = {},
) {
  const body = Buffer.from([4 + data.length, opcode, more.source ?? READER, more.status ?? 0, ...data]);
  return Buffer.concat([body, checksum(body)]);
}

/** The same, sent again. */
export function again(sent: Buffer): Buffer {
  const body = Buffer.from(sent.subarray(0, -2));
  body[3] = (body[3] ?? 0) | 0x01;
  return Buffer.concat([body, checksum(body)]);
}

/** A scan as DECODE_DATA, in as many packets as it takes. */
export function decodeData(codeType: number, data: Buffer): Buffer[] {
  const pieces = split(data);
  return pieces.map((piece, index) => {
    const status = index < pieces.length - 1 ? 0x02 : 0;
    return packet(0xf3, Buffer.concat([Buffer.of(codeType), piece]), { status });
  });
}

/** A scan as multipacket segments, laid out as readers were seen to do it (protocols/ssi/fixtures). */
export function segments(codeType: number, data: Buffer): Buffer[] {
  const head = Buffer.of(
    0xf3,
    0,
    0,
    (data.length + 3) >> 8,
    data.length + 3,
    codeType,
    1,
    data.length >> 8,
    data.length,
  );
  return split(Buffer.concat([head, data])).map((piece, index) =>
    packet(0x73, Buffer.concat([Buffer.of(index), piece]), { source: index === 0 ? FIRST_SEGMENT : READER }),
  );
}

/** Takes the host's packets out of what arrives; `undefined` stands for one with a wrong checksum. Holds less than one packet. */
export class HostPackets {
  #held = Buffer.alloc(0);

  push(bytes: Buffer): (HostPacket | undefined)[] {
    this.#held = Buffer.concat([this.#held, bytes]);
    const found: (HostPacket | undefined)[] = [];
    while (this.#held.length > 0) {
      const length = this.#held.readUInt8(0);
      if (length < 4) {
        this.#held = this.#held.subarray(1);
        continue;
      }
      if (this.#held.length < length + 2) break;
      const body = this.#held.subarray(0, length);
      const isRight = checksum(body).equals(this.#held.subarray(length, length + 2));
      found.push(isRight ? { opcode: body.readUInt8(1), data: Buffer.from(body.subarray(4)) } : undefined);
      this.#held = this.#held.subarray(length + 2);
    }
    return found;
  }

  /** The line was quiet: what is left belongs to nothing. */
  forget(): void {
    this.#held = Buffer.alloc(0);
  }
}

function split(data: Buffer): Buffer[] {
  const count = Math.max(1, Math.ceil(data.length / DATA_MAX));
  return Array.from({ length: count }, (_, index) => data.subarray(index * DATA_MAX, (index + 1) * DATA_MAX));
}

function checksum(body: Uint8Array): Buffer {
  const sum = Buffer.alloc(2);
  sum.writeUInt16BE(-body.reduce((total, byte) => total + byte, 0) & 0xffff);
  return sum;
}
