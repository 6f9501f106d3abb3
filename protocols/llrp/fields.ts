/**
 * The field types of LLRP (LLRP 1.1, clause 17.1) and how each is read and written.
 *
 * A message or parameter is described by an object of `name: field type` in wire order; the TypeScript type of its value
 * follows from that object, so there is one statement of the format. Names that begin with `_` are reserved bits: written
 * as zero, ignored when read.
 *
 * Invariant: a Cursor never reads at or beyond `end`; it throws `llrp-truncated` with the offset instead.
 */
import { CodecError } from '../base/codec-error.ts';

/** A run of bits (u1v on the wire): `hex` holds ceil(bits / 8) bytes, left-aligned, lower case. */
export interface BitArray {
  bits: number;
  hex: string;
}

interface FieldValues {
  /** One bit. */
  flag: boolean;
  bits2: number;
  u8: number;
  s8: number;
  u16: number;
  s16: number;
  u32: number;
  s32: number;
  u64: bigint;
  /** Twelve bytes as lower-case hexadecimal. */
  epc96: string;
  /** u16 count of bits, then the bits. */
  bitArray: BitArray;
  /** u16 count of bytes, then UTF-8. Bytes that are not UTF-8 become U+FFFD: a reader's text is no reason to lose a message. */
  text: string;
  /** u16 count, then the elements. */
  u8s: number[];
  u16s: number[];
  u32s: number[];
  /** All bytes up to the end of the parameter. */
  rest: Uint8Array;
}

export type FieldType = keyof FieldValues;
export type Layout = Readonly<Record<string, FieldType | `pad${number}`>>;

/** The value that a layout describes. */
export type FieldsOf<L> = {
  -readonly [K in keyof L as K extends `_${string}` ? never : K]: L[K] extends FieldType ? FieldValues[L[K]] : never;
};

export type FieldValue = FieldValues[FieldType];

/** Reads fields from `bytes`, from `at` up to `end`. */
export class Cursor {
  readonly bytes: Buffer;
  at: number;
  end: number;
  /** Bits of the byte at `at` that have been read, 0–7. */
  bit = 0;

  constructor(bytes: Buffer, at: number, end: number) {
    this.bytes = bytes;
    this.at = at;
    this.end = end;
  }

  /** Claims `count` whole bytes and gives the offset of the first. */
  take(count: number): number {
    const start = this.at;
    if (start + count > this.end) {
      throw new CodecError({
        code: 'llrp-truncated',
        message: `a field of ${count} bytes at offset ${start} runs beyond offset ${this.end}, where its parameter or message ends`,
        offset: start,
      });
    }
    this.at = start + count;
    return start;
  }

  bits(count: number): number {
    let value = 0;
    for (let left = count; left > 0; ) {
      if (this.bit === 0) {
        this.take(1);
        this.at -= 1;
      }
      const here = Math.min(left, 8 - this.bit);
      const byte = this.bytes[this.at] as number;
      value = (value << here) | ((byte >> (8 - this.bit - here)) & ((1 << here) - 1));
      left -= here;
      this.bit += here;
      if (this.bit === 8) {
        this.bit = 0;
        this.at += 1;
      }
    }
    return value;
  }

  u16(): number {
    return this.bytes.readUInt16BE(this.take(2));
  }
}

/** Collects the bytes of one message; grows by doubling. */
export class Sink {
  bytes: Buffer = Buffer.allocUnsafe(256);
  length = 0;
  bit = 0;

  /** Makes room for `count` bytes and gives the offset of the first. `bytes` may be another Buffer afterwards. */
  room(count: number): number {
    const start = this.length;
    if (start + count > this.bytes.length) {
      const larger = Buffer.allocUnsafe(Math.max(this.bytes.length * 2, start + count));
      this.bytes.copy(larger, 0, 0, start);
      this.bytes = larger;
    }
    this.length = start + count;
    return start;
  }

  append(bytes: Uint8Array): void {
    const at = this.room(bytes.length);
    this.bytes.set(bytes, at);
  }

  bits(count: number, value: number): void {
    for (let left = count - 1; left >= 0; left--) {
      if (this.bit === 0) {
        const fresh = this.room(1);
        this.bytes[fresh] = 0;
      }
      const at = this.length - 1;
      this.bytes[at] = (this.bytes[at] as number) | (((value >>> left) & 1) << (7 - this.bit));
      this.bit = (this.bit + 1) % 8;
    }
  }

  u16(value: number): void {
    const at = this.room(2);
    this.bytes.writeUInt16BE(value, at);
  }
}

interface FieldCodec<T> {
  read(from: Cursor): T;
  /** @throws RangeError or TypeError for what does not fit the field; encode.ts names the field. */
  write(to: Sink, value: T): void;
}

const CODECS: { [T in FieldType]: FieldCodec<FieldValues[T]> } = {
  flag: { read: (from) => from.bits(1) === 1, write: (to, value) => to.bits(1, value ? 1 : 0) },
  bits2: { read: (from) => from.bits(2), write: (to, value) => to.bits(2, within(value, 3)) },
  u8: sized(
    1,
    (bytes, at) => bytes[at] as number,
    (bytes, at, value: number) => bytes.writeUInt8(whole(value), at),
  ),
  s8: sized(
    1,
    (bytes, at) => bytes.readInt8(at),
    (bytes, at, value: number) => bytes.writeInt8(whole(value), at),
  ),
  u16: { read: (from) => from.u16(), write: (to, value) => to.u16(whole(value)) },
  s16: sized(
    2,
    (bytes, at) => bytes.readInt16BE(at),
    (bytes, at, value: number) => bytes.writeInt16BE(whole(value), at),
  ),
  u32: sized(
    4,
    (bytes, at) => bytes.readUInt32BE(at),
    (bytes, at, value: number) => bytes.writeUInt32BE(whole(value), at),
  ),
  s32: sized(
    4,
    (bytes, at) => bytes.readInt32BE(at),
    (bytes, at, value: number) => bytes.writeInt32BE(whole(value), at),
  ),
  u64: sized(
    8,
    (bytes, at) => bytes.readBigUInt64BE(at),
    (bytes, at, value: bigint) => bytes.writeBigUInt64BE(value, at),
  ),
  epc96: {
    read: (from) => hexAt(from, 12),
    write: (to, value) => writeHex(to, value, 12),
  },
  bitArray: {
    read(from) {
      const bits = from.u16();
      return { bits, hex: hexAt(from, (bits + 7) >> 3) };
    },
    write(to, value) {
      to.u16(whole(value.bits));
      writeHex(to, value.hex, (value.bits + 7) >> 3);
    },
  },
  text: {
    read(from) {
      const length = from.u16();
      const start = from.take(length);
      return from.bytes.toString('utf8', start, start + length);
    },
    write(to, value) {
      const length = Buffer.byteLength(value);
      to.u16(length);
      const start = to.room(length);
      to.bytes.write(value, start, 'utf8');
    },
  },
  u8s: list(
    1,
    (bytes, at) => bytes[at] as number,
    (bytes, at, value) => bytes.writeUInt8(value, at),
  ),
  u16s: list(
    2,
    (bytes, at) => bytes.readUInt16BE(at),
    (bytes, at, value) => bytes.writeUInt16BE(value, at),
  ),
  u32s: list(
    4,
    (bytes, at) => bytes.readUInt32BE(at),
    (bytes, at, value) => bytes.writeUInt32BE(value, at),
  ),
  rest: {
    read(from) {
      const start = from.take(from.end - from.at);
      return from.bytes.subarray(start, from.end);
    },
    write: (to, value) => to.append(value),
  },
};

/** One field of a compiled layout; `key` is absent for reserved bits. */
export interface CompiledField {
  key: string | undefined;
  read(from: Cursor): FieldValue;
  write(to: Sink, value: never): void;
}

export function compileLayout(layout: Layout): CompiledField[] {
  return Object.entries(layout).map(([key, type]): CompiledField => {
    if (isFieldType(type)) return { key, read: CODECS[type].read, write: CODECS[type].write };
    const count = Number(type.slice(3));
    return { key: undefined, read: (from) => from.bits(count), write: (to) => to.bits(count, 0) };
  });
}

function isFieldType(type: string): type is FieldType {
  return Object.hasOwn(CODECS, type);
}

function sized<T>(
  size: number,
  read: (bytes: Buffer, at: number) => T,
  write: (bytes: Buffer, at: number, value: T) => void,
): FieldCodec<T> {
  return {
    read: (from) => read(from.bytes, from.take(size)),
    write(to, value) {
      const at = to.room(size);
      write(to.bytes, at, value);
    },
  };
}

function list(
  size: number,
  read: (bytes: Buffer, at: number) => number,
  write: (bytes: Buffer, at: number, value: number) => void,
): FieldCodec<number[]> {
  return {
    read(from) {
      const count = from.u16();
      const start = from.take(count * size);
      const values = new Array<number>(count);
      for (let i = 0; i < count; i++) values[i] = read(from.bytes, start + i * size);
      return values;
    },
    write(to, values) {
      to.u16(values.length);
      const start = to.room(values.length * size);
      values.forEach((value, i) => {
        write(to.bytes, start + i * size, whole(value));
      });
    },
  };
}

function hexAt(from: Cursor, length: number): string {
  const start = from.take(length);
  return from.bytes.toString('hex', start, start + length);
}

function writeHex(to: Sink, hex: string, length: number): void {
  if (hex.length !== length * 2 || !/^[0-9a-f]*$/i.test(hex)) {
    throw new RangeError(`'${hex}' is not ${length} bytes of hexadecimal`);
  }
  const start = to.room(length);
  to.bytes.write(hex, start, 'hex');
}

function whole(value: number): number {
  if (!Number.isInteger(value)) throw new RangeError(`${value} is not a whole number`);
  return value;
}

function within(value: number, max: number): number {
  if (!Number.isInteger(value) || value < 0 || value > max) throw new RangeError(`${value} is not in 0–${max}`);
  return value;
}
