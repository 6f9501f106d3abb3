/**
 * Message → bytes. Length fields are computed; reserved bits are zero; parameters are written in the order given.
 * Source: LLRP 1.0.1 and 1.1, clause 17 (binary encoding).
 */
import { CodecError } from '../base/codec-error.ts';
import { type CompiledField, compileLayout, Sink } from './fields.ts';
import { HEADER_LENGTH, MAX_MESSAGE_LENGTH } from './header.ts';
import type { MessageEntry, ParameterEntry } from './layout.ts';
import { MESSAGES, type Message } from './messages.ts';
import { PARAMETERS, type Parameter } from './parameters.ts';

/**
 * @throws CodecError `llrp-value` when a value does not fit its field (the message names it, the offset is where it would
 *   stand), or a parameter or the message gets longer than its length field can say.
 */
export function encodeMessage(message: Message): Buffer {
  const sink = new Sink();
  sink.room(HEADER_LENGTH);
  const type = message.name === 'UNKNOWN' ? message.type : MESSAGES[message.name].type;
  if (message.name === 'UNKNOWN') sink.append(message.bytes);
  else writeBody(sink, shapeOf(MESSAGE_SHAPES, message.name), message);
  const { version, id } = message;
  if (!isWhole(version, 7) || !isWhole(id, 0xffffffff) || !isWhole(type, 1023)) {
    throw bad(`${message.name}: version ${version}, type ${type} or id ${id} does not fit the header`, 0);
  }
  if (sink.length > MAX_MESSAGE_LENGTH) {
    throw bad(`${message.name} has ${sink.length} bytes, ${MAX_MESSAGE_LENGTH} are allowed`, 2);
  }
  sink.bytes.writeUInt16BE((version << 10) | type, 0);
  sink.bytes.writeUInt32BE(sink.length, 2);
  sink.bytes.writeUInt32BE(id, 6);
  return sink.bytes.subarray(0, sink.length);
}

/** The bytes of parameters alone, for example to put into a vendor's parameter. */
export function encodeParameters(parameters: readonly Parameter[]): Buffer {
  const sink = new Sink();
  writeParameters(sink, parameters);
  return sink.bytes.subarray(0, sink.length);
}

interface Shape {
  name: string;
  type: number;
  fields: CompiledField[];
  nested: boolean;
}

const MESSAGE_SHAPES = shapesOf(MESSAGES);
const PARAMETER_SHAPES = shapesOf(PARAMETERS);

function shapesOf(table: Readonly<Record<string, MessageEntry | ParameterEntry>>): Map<string, Shape> {
  return new Map(
    Object.entries(table).map(([name, { type, fields, nested }]) => [
      name,
      { name, type, fields: compileLayout(fields), nested: nested === true },
    ]),
  );
}

function shapeOf(shapes: Map<string, Shape>, name: string): Shape {
  const shape = shapes.get(name);
  if (shape === undefined) throw bad(`there is no message or parameter '${name}'`, 0);
  return shape;
}

function writeParameters(sink: Sink, parameters: readonly Parameter[]): void {
  for (const parameter of parameters) {
    if (parameter.name === 'Unknown') {
      writeTlv(sink, parameter.type, () => sink.append(parameter.bytes));
      continue;
    }
    const shape = shapeOf(PARAMETER_SHAPES, parameter.name);
    if (shape.type < 128) {
      const at = sink.room(1);
      sink.bytes[at] = 0x80 | shape.type;
      writeBody(sink, shape, parameter);
    } else {
      writeTlv(sink, shape.type, () => writeBody(sink, shape, parameter));
    }
  }
}

function writeTlv(sink: Sink, type: number, writeContent: () => void): void {
  const start = sink.room(4);
  if (!isWhole(type, 1023)) throw bad(`parameter type ${type} is not in 0–1023`, start);
  writeContent();
  const length = sink.length - start;
  if (length > 0xffff) throw bad(`parameter ${type} has ${length} bytes, at most 65535 can be said`, start);
  sink.bytes.writeUInt16BE(type, start);
  sink.bytes.writeUInt16BE(length, start + 2);
}

function writeBody(sink: Sink, shape: Shape, from: Message | Parameter): void {
  for (const { key, write } of shape.fields) {
    const value: unknown = key === undefined ? 0 : Reflect.get(from, key);
    try {
      write(sink, value as never);
    } catch (cause) {
      if (!(cause instanceof RangeError || cause instanceof TypeError)) throw cause;
      throw bad(`${shape.name}.${key}: ${cause.message}`, sink.length, cause);
    }
  }
  if (shape.nested && 'parameters' in from) writeParameters(sink, from.parameters);
}

function isWhole(value: number, max: number): boolean {
  return Number.isInteger(value) && value >= 0 && value <= max;
}

function bad(message: string, offset: number, cause?: unknown): CodecError {
  return new CodecError({ code: 'llrp-value', message, offset, cause });
}
