/**
 * Protocol Buffers wire format (protobuf.dev, "Encoding"): a bounded reader, a growing writer, and messages described by
 * tables, so that one table serves encoder, decoder and the test against the published .proto file.
 *
 * Supported: uint32/uint64 up to 2⁵³−1 (beyond that as bigint: `varint64`), sint64 (zigzag) within ±2⁵², bool, enum (as a list of names),
 * string, bytes, double, float, sfixed32, fixed64 (as 16 hexadecimal digits), messages, repeated strings and messages. Unknown fields are skipped (evolution); zero, false
 * and empty values are written as well wherever the property is present, so that presence survives.
 */
import { CodecError } from './codec-error.ts';
import { knownString } from './known-strings.ts';

/** Its length is one byte. */
const SHORT_STRING = 64;

export class ProtoWriter {
  #buffer: Buffer;
  #at = 0;

  constructor(initialBytes = 1024) {
    this.#buffer = Buffer.allocUnsafe(initialBytes);
  }

  /** A copy of what was written; the writer is empty afterwards. */
  finish(): Buffer {
    return Buffer.from(this.view());
  }

  /** What was written, until something is written again; the writer is empty afterwards. */
  view(): Buffer {
    const bytes = this.#buffer.subarray(0, this.#at);
    this.#at = 0;
    return bytes;
  }

  varint(value: number): void {
    this.#reserve(10);
    if (value < 128) {
      this.#buffer[this.#at++] = value;
      return;
    }
    let rest = value;
    while (rest > 0x7fffffff) {
      this.#buffer[this.#at++] = (rest % 128) | 0x80;
      rest = Math.floor(rest / 128);
    }
    while (rest > 127) {
      this.#buffer[this.#at++] = (rest & 127) | 128;
      rest >>>= 7;
    }
    this.#buffer[this.#at++] = rest;
  }

  /** All 64 bits; negative numbers as int64 has them, in two's complement. */
  varint64(value: bigint): void {
    this.#reserve(10);
    let rest = BigInt.asUintN(64, value);
    while (rest > 127n) {
      this.#buffer[this.#at++] = Number(rest & 127n) | 128;
      rest >>= 7n;
    }
    this.#buffer[this.#at++] = Number(rest);
  }

  tag(field: number, wireType: number): void {
    this.varint(field * 8 + wireType);
  }

  double(value: number): void {
    this.#reserve(8);
    this.#at = this.#buffer.writeDoubleLE(value, this.#at);
  }

  float(value: number): void {
    this.#reserve(4);
    this.#at = this.#buffer.writeFloatLE(value, this.#at);
  }

  sfixed32(value: number): void {
    this.#reserve(4);
    this.#at = this.#buffer.writeInt32LE(value, this.#at);
  }

  fixed64Hex(hex: string): void {
    this.#reserve(8);
    // Protobuf is little-endian; the digits are the number as it is read.
    this.#buffer.writeUInt32LE(Number.parseInt(hex.slice(8), 16), this.#at);
    this.#buffer.writeUInt32LE(Number.parseInt(hex.slice(0, 8), 16), this.#at + 4);
    this.#at += 8;
  }

  string(value: string): void {
    const { length } = value;
    if (length <= SHORT_STRING && this.#shortAscii(value)) return;
    const bytes = Buffer.byteLength(value);
    this.varint(bytes);
    this.#reserve(bytes);
    this.#at += this.#buffer.write(value, this.#at);
  }

  /** Most strings are a few characters of ASCII: written here, they spare two calls out of JavaScript. False, and nothing written, for others. */
  #shortAscii(value: string): boolean {
    const { length } = value;
    this.#reserve(length + 1);
    const buffer = this.#buffer;
    const start = this.#at + 1;
    for (let index = 0; index < length; index++) {
      const code = value.charCodeAt(index);
      if (code > 127) return false;
      buffer[start + index] = code;
    }
    buffer[this.#at] = length;
    this.#at = start + length;
    return true;
  }

  bytes(value: Uint8Array): void {
    this.varint(value.length);
    this.#reserve(value.length);
    this.#buffer.set(value, this.#at);
    this.#at += value.length;
  }

  /** Writes what `body` writes, with its length in front. */
  delimited(body: () => void): void {
    const start = this.open();
    body();
    this.close(start);
  }

  /** What is written from here on until `close` is called with what this gives has its length in front. */
  open(): number {
    this.#reserve(1);
    return this.#at++;
  }

  close(lengthAt: number): void {
    const bodyAt = lengthAt + 1;
    const length = this.#at - bodyAt;
    if (length < 128) {
      this.#buffer[lengthAt] = length;
      return;
    }
    let extra = 0;
    for (let rest = length; rest > 127; rest = Math.floor(rest / 128)) extra++;
    this.#reserve(extra);
    this.#buffer.copyWithin(bodyAt + extra, bodyAt, this.#at);
    const end = this.#at + extra;
    this.#at = lengthAt;
    this.varint(length);
    this.#at = end;
  }

  #reserve(bytes: number): void {
    if (this.#at + bytes <= this.#buffer.length) return;
    const larger = Buffer.allocUnsafe(Math.max(this.#buffer.length * 2, this.#at + bytes));
    this.#buffer.copy(larger, 0, 0, this.#at);
    this.#buffer = larger;
  }
}

export class ProtoReader {
  readonly #buffer: Buffer;
  at: number;
  readonly end: number;

  constructor(buffer: Buffer, start = 0, end = buffer.length) {
    this.#buffer = buffer;
    this.at = start;
    this.end = end;
  }

  /** @throws CodecError `protobuf-truncated`, `protobuf-varint` (over 10 bytes, or a value above 2⁵³−1). */
  varint(): number {
    if (this.at < this.end && (this.#buffer[this.at] as number) < 128) return this.#buffer[this.at++] as number;
    let value = 0;
    let scale = 1;
    for (let count = 0; count < 10; count++) {
      if (this.at >= this.end) throw this.#truncated();
      const byte = this.#buffer[this.at++] as number;
      value += (byte & 127) * scale;
      if (byte < 128) {
        if (value > Number.MAX_SAFE_INTEGER) break;
        return value;
      }
      scale *= 128;
    }
    throw new CodecError({
      code: 'protobuf-varint',
      message: `varint before byte ${this.at} is longer than 10 bytes or above 2^53-1`,
      offset: this.at,
    });
  }

  /** All 64 bits, unsigned. @throws CodecError `protobuf-truncated`, `protobuf-varint` (over 10 bytes). */
  varint64(): bigint {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      if (this.at >= this.end) throw this.#truncated();
      const byte = this.#buffer[this.at++] as number;
      value |= BigInt(byte & 127) << shift;
      if (byte < 128) return BigInt.asUintN(64, value);
    }
    throw new CodecError({
      code: 'protobuf-varint',
      message: `varint before byte ${this.at} is longer than 10 bytes`,
      offset: this.at,
    });
  }

  /** As sint64 has it. */
  zigzag(): number {
    const value = this.varint();
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
  }

  float(): number {
    const at = this.#take(4);
    return this.#buffer.readFloatLE(at);
  }

  double(): number {
    const at = this.#take(8);
    return this.#buffer.readDoubleLE(at);
  }

  sfixed32(): number {
    const at = this.#take(4);
    return this.#buffer.readInt32LE(at);
  }

  fixed64Hex(): string {
    const at = this.#take(8);
    const high = this.#buffer
      .readUInt32LE(at + 4)
      .toString(16)
      .padStart(8, '0');
    return high + this.#buffer.readUInt32LE(at).toString(16).padStart(8, '0');
  }

  string(): string {
    const length = this.varint();
    const at = this.#take(length);
    return this.#buffer.toString('utf8', at, at + length);
  }

  /** As `string`, for fields that say the same over and over. */
  knownString(): string {
    const length = this.varint();
    const at = this.#take(length);
    return knownString(this.#buffer, at, at + length);
  }

  /** A view into the input. */
  bytes(): Buffer {
    const length = this.varint();
    const at = this.#take(length);
    return this.#buffer.subarray(at, at + length);
  }

  /** A reader over a length-delimited message. */
  message(): ProtoReader {
    const length = this.varint();
    const at = this.#take(length);
    return new ProtoReader(this.#buffer, at, at + length);
  }

  skip(wireType: number): void {
    if (wireType === 0) this.varint64();
    else if (wireType === 1) this.#take(8);
    else if (wireType === 2) this.#take(this.varint());
    else if (wireType === 5) this.#take(4);
    else {
      throw new CodecError({
        code: 'protobuf-wire-type',
        message: `wire type ${wireType} before byte ${this.at} does not exist (groups are not used)`,
        offset: this.at,
      });
    }
  }

  #take(bytes: number): number {
    const at = this.at;
    if (bytes > this.end - at) throw this.#truncated();
    this.at = at + bytes;
    return at;
  }

  #truncated(): CodecError {
    return new CodecError({
      code: 'protobuf-truncated',
      message: `message ends at byte ${this.end} in the middle of a field`,
      offset: this.end,
    });
  }
}

export type FieldType =
  | 'uint'
  | 'sint'
  | 'bool'
  | 'string'
  | 'bytes'
  | 'double'
  | 'float'
  | 'varint64'
  | 'sfixed32'
  | 'fixed64hex'
  | { enum: readonly string[] }
  | { message: MessageTable }
  | { repeated: 'string' | { message: MessageTable } };

export interface FieldTable {
  no: number;
  /** Property of the value. The .proto file has it in snake_case. */
  name: string;
  type: FieldType;
  /** Decoding gives this when the field is absent; without it an absent field is an absent property. */
  absent?: unknown;
}

export interface MessageTable {
  name: string;
  fields: readonly FieldTable[];
}

const WIRE_TYPES = {
  uint: 0,
  sint: 0,
  varint64: 0,
  bool: 0,
  string: 2,
  bytes: 2,
  double: 1,
  float: 5,
  sfixed32: 5,
  fixed64hex: 1,
} as const;

function wireTypeOf(type: FieldType): number {
  if (typeof type === 'string') return WIRE_TYPES[type];
  return 'enum' in type ? 0 : 2;
}

type Values = Readonly<Record<string, unknown>>;

/** Encodes the properties that the table names; others are left out. */
export function encodeMessage(table: MessageTable, value: object, writer: ProtoWriter): void {
  const values = value as Values;
  for (const field of table.fields) {
    const item = values[field.name];
    if (item === undefined) continue;
    if (typeof field.type === 'object' && 'repeated' in field.type) {
      for (const each of item as readonly unknown[]) {
        writer.tag(field.no, 2);
        encodeItem(field.type.repeated, each, writer);
      }
      continue;
    }
    writer.tag(field.no, wireTypeOf(field.type));
    encodeItem(field.type, item, writer);
  }
}

function encodeItem(type: FieldType, item: unknown, writer: ProtoWriter): void {
  if (typeof type === 'object') {
    // Zero stays free for "unknown", as proto3 wants it of enums.
    if ('enum' in type) writer.varint(type.enum.indexOf(item as string) + 1);
    else if ('message' in type) writer.delimited(() => encodeMessage(type.message, item as object, writer));
    return;
  }
  if (type === 'string') writer.string(item as string);
  else if (type === 'uint') writer.varint(item as number);
  else if (type === 'double') writer.double(item as number);
  else if (type === 'bool') writer.varint(item ? 1 : 0);
  else if (type === 'sint') writer.varint((item as number) >= 0 ? (item as number) * 2 : -(item as number) * 2 - 1);
  else if (type === 'sfixed32') writer.sfixed32(item as number);
  else if (type === 'bytes') writer.bytes(item as Uint8Array);
  else if (type === 'varint64') writer.varint64(item as bigint);
  else if (type === 'float') writer.float(item as number);
  else writer.fixed64Hex(item as string);
}

/**
 * Decodes a message; unknown fields are skipped, the last of a repeated scalar counts.
 * @throws CodecError `protobuf-*` for what is not well-formed, `protobuf-enum` for an enum value that this version does not know.
 */
export function decodeMessage(table: MessageTable, reader: ProtoReader): Record<string, unknown> {
  const value: Record<string, unknown> = {};
  for (const field of table.fields) if (field.absent !== undefined) value[field.name] = structuredDefault(field.absent);
  while (reader.at < reader.end) {
    const tag = reader.varint();
    const no = Math.floor(tag / 8);
    const wireType = tag % 8;
    const field = fieldOf(table, no);
    if (!field || wireTypeOf(field.type) !== wireType) {
      reader.skip(wireType);
      continue;
    }
    if (typeof field.type === 'object' && 'repeated' in field.type) {
      const list = (value[field.name] ?? []) as unknown[];
      list.push(decodeItem(field.name, field.type.repeated, reader));
      value[field.name] = list;
    } else {
      value[field.name] = decodeItem(field.name, field.type, reader);
    }
  }
  return value;
}

function structuredDefault(absent: unknown): unknown {
  if (Array.isArray(absent)) return [];
  return typeof absent === 'object' && absent !== null ? {} : absent;
}

function fieldOf(table: MessageTable, no: number): FieldTable | undefined {
  const guess = table.fields[no - 1];
  return guess?.no === no ? guess : table.fields.find((field) => field.no === no);
}

function decodeItem(fieldName: string, type: FieldType, reader: ProtoReader): unknown {
  if (typeof type === 'object') {
    if ('message' in type) return decodeMessage(type.message, reader.message());
    if ('repeated' in type) throw new TypeError('a list of lists has no encoding');
    return decodeEnum(fieldName, type.enum, reader);
  }
  if (type === 'string') return reader.string();
  if (type === 'uint') return reader.varint();
  if (type === 'double') return reader.double();
  if (type === 'bool') return reader.varint() !== 0;
  if (type === 'sint') return reader.zigzag();
  if (type === 'sfixed32') return reader.sfixed32();
  if (type === 'bytes') return reader.bytes();
  if (type === 'varint64') return reader.varint64();
  if (type === 'float') return reader.float();
  return reader.fixed64Hex();
}

/** @throws CodecError `protobuf-enum` for a value that this version does not know. */
export function decodeEnum<Name extends string>(fieldName: string, names: readonly Name[], reader: ProtoReader): Name {
  const at = reader.at;
  const number = reader.varint();
  const name = names[number - 1];
  if (name === undefined) {
    throw new CodecError({
      code: 'protobuf-enum',
      message: `${fieldName} is ${number}, which this version does not know (1 to ${names.length})`,
      offset: at,
    });
  }
  return name;
}
