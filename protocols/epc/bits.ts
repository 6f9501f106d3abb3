/** Bit strings, most significant bit first: reading with a bound, writing with growth. */
import { epcFault } from './faults.ts';

export class BitReader {
  readonly #bytes: Uint8Array;
  /** Bits that may be read. */
  readonly end: number;
  at = 0;

  constructor(bytes: Uint8Array, end: number) {
    this.#bytes = bytes;
    this.end = end;
  }

  get left(): number {
    return this.end - this.at;
  }

  /** The next `count` bits as an unsigned number; at most 48. */
  number(count: number): number {
    this.#claim(count);
    let value = 0;
    for (let left = count; left > 0; ) {
      const inByte = this.at & 7;
      const take = Math.min(left, 8 - inByte);
      const byte = this.#bytes[this.at >> 3] as number;
      value = value * 2 ** take + ((byte >> (8 - inByte - take)) & ((1 << take) - 1));
      this.at += take;
      left -= take;
    }
    return value;
  }

  /** The next `count` bits as an unsigned integer of any size. */
  integer(count: number): bigint {
    this.#claim(count);
    let value = 0n;
    for (let left = count; left > 0; ) {
      const take = Math.min(left, 32);
      value = (value << BigInt(take)) | BigInt(this.number(take));
      left -= take;
    }
    return value;
  }

  /** The next `count` bits as a decimal numeral without leading zeros. */
  decimal(count: number): string {
    return count <= 48 ? this.number(count).toString() : this.integer(count).toString();
  }

  #claim(count: number): void {
    if (this.at + count > this.end) {
      throw epcFault('epc-truncated', `${count} bits were expected at bit ${this.at}, ${this.left} are left`, this.at);
    }
  }
}

export class BitWriter {
  #bytes: number[] = [];
  /** Bits written. */
  length = 0;

  /** The caller has made sure that `value` fits `count` bits. */
  number(value: number, count: number): void {
    this.integer(BigInt(value), count);
  }

  integer(value: bigint, count: number): void {
    for (let bit = count - 1; bit >= 0; bit--) {
      if ((this.length & 7) === 0) this.#bytes.push(0);
      const at = this.length >> 3;
      if ((value >> BigInt(bit)) & 1n) this.#bytes[at] = (this.#bytes[at] as number) | (0x80 >> (this.length & 7));
      this.length += 1;
    }
  }

  /** What was written, with zero bits up to a multiple of `unit` bits. */
  toBytes(unit = 16): Buffer {
    const bytes = Buffer.alloc((Math.ceil(this.length / unit) * unit + 7) >> 3);
    bytes.set(this.#bytes);
    return bytes;
  }
}
