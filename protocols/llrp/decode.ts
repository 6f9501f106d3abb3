/**
 * Bytes of one LLRP message → Message.
 *
 * Total: gives a message or throws a CodecError whose offset is the byte in the frame at which the fault was found.
 * Binary values (`data`, `bytes`) are views of the frame.
 * Source: LLRP 1.0.1 and 1.1, clause 17 (binary encoding).
 */
import { asBuffer } from '../base/bytes.ts';
import { CodecError } from '../base/codec-error.ts';
import { type CompiledField, Cursor, compileLayout } from './fields.ts';
import { decodeHeader, HEADER_LENGTH, SUPPORTED_VERSIONS } from './header.ts';
import type { MessageEntry, ParameterEntry } from './layout.ts';
import { MESSAGES, type Message } from './messages.ts';
import { PARAMETERS, type Parameter } from './parameters.ts';

/** No message of the standard nests deeper than nine; ParameterError, which holds itself, could go on for ever. */
const MAX_DEPTH = 32;
const TLV_HEADER_LENGTH = 4;

/**
 * @param frame exactly one message, as the framer gives it.
 * @throws CodecError `llrp-truncated`, `llrp-length`, `llrp-version`, `llrp-tv-unknown`, `llrp-trailing`, `llrp-nesting`
 */
export function decodeMessage(frame: Uint8Array): Message {
  const { version, type, length, id } = decodeHeader(frame);
  if (!SUPPORTED_VERSIONS.includes(version)) {
    throw new CodecError({
      code: 'llrp-version',
      message: `protocol version ${version} is not known: 1 (LLRP 1.0.1) or 2 (LLRP 1.1) was expected`,
      offset: 0,
    });
  }
  const bytes = asBuffer(frame);
  const shape = MESSAGE_SHAPES[type];
  if (shape === undefined) return { name: 'UNKNOWN', version, id, type, bytes: bytes.subarray(HEADER_LENGTH) };
  const cursor = new Cursor(bytes, HEADER_LENGTH, length);
  const message: Record<string, unknown> = { name: shape.name, version, id };
  readBody(cursor, shape, message, 0);
  return message as unknown as Message;
}

/** Reads parameters from `bytes[start..end)`, for example those inside a vendor's parameter. */
export function decodeParameters(bytes: Uint8Array, start = 0, end = bytes.length): Parameter[] {
  return readParameters(new Cursor(asBuffer(bytes), start, end), 0);
}

interface Shape {
  name: string;
  fields: CompiledField[];
  nested: boolean;
}

/** Indexed by type number. */
const MESSAGE_SHAPES = shapesOf(MESSAGES);
const PARAMETER_SHAPES = shapesOf(PARAMETERS);

function shapesOf(table: Readonly<Record<string, MessageEntry | ParameterEntry>>): (Shape | undefined)[] {
  const shapes = new Array<Shape | undefined>(1024).fill(undefined);
  for (const [name, { type, fields, nested }] of Object.entries(table)) {
    shapes[type] = { name, fields: compileLayout(fields), nested: nested === true };
  }
  return shapes;
}

function readBody(cursor: Cursor, shape: Shape, into: Record<string, unknown>, depth: number): void {
  for (const field of shape.fields) {
    const value = field.read(cursor);
    if (field.key !== undefined) into[field.key] = value;
  }
  if (shape.nested) into.parameters = readParameters(cursor, depth);
  else if (cursor.at !== cursor.end) {
    throw new CodecError({
      code: 'llrp-trailing',
      message: `${cursor.end - cursor.at} bytes too many in ${shape.name}`,
      offset: cursor.at,
    });
  }
}

function readParameters(cursor: Cursor, depth: number): Parameter[] {
  if (depth > MAX_DEPTH) {
    throw new CodecError({
      code: 'llrp-nesting',
      message: `parameters are nested deeper than ${MAX_DEPTH}`,
      offset: cursor.at,
    });
  }
  const parameters: Parameter[] = [];
  while (cursor.at < cursor.end) parameters.push(readParameter(cursor, depth));
  return parameters;
}

function readParameter(cursor: Cursor, depth: number): Parameter {
  const start = cursor.at;
  const first = cursor.bytes[start] as number;
  if (first & 0x80) return readTv(cursor, first & 0x7f);

  cursor.take(TLV_HEADER_LENGTH);
  const type = cursor.bytes.readUInt16BE(start) & 0x3ff;
  const length = cursor.bytes.readUInt16BE(start + 2);
  const outer = cursor.end;
  if (length < TLV_HEADER_LENGTH || start + length > outer) {
    throw new CodecError({
      code: 'llrp-length',
      message: `parameter ${PARAMETER_SHAPES[type]?.name ?? type} claims ${length} bytes, ${outer - start} are left`,
      offset: start + 2,
    });
  }
  const end = start + length;
  const shape = PARAMETER_SHAPES[type];
  // A TV's number in a TLV header is not what the standard allows; its bytes are kept.
  if (shape === undefined || type < 128) {
    cursor.at = end;
    return { name: 'Unknown', type, bytes: cursor.bytes.subarray(start + TLV_HEADER_LENGTH, end) };
  }
  const parameter: Record<string, unknown> = { name: shape.name };
  cursor.end = end;
  readBody(cursor, shape, parameter, depth + 1);
  cursor.end = outer;
  return parameter as unknown as Parameter;
}

function readTv(cursor: Cursor, type: number): Parameter {
  const shape = PARAMETER_SHAPES[type];
  if (shape === undefined) {
    throw new CodecError({
      code: 'llrp-tv-unknown',
      message: `parameter type ${type} has a one-byte header and so no length; its size is not known`,
      offset: cursor.at,
    });
  }
  cursor.at += 1;
  const parameter: Record<string, unknown> = { name: shape.name };
  for (const field of shape.fields) {
    const value = field.read(cursor);
    if (field.key !== undefined) parameter[field.key] = value;
  }
  return parameter as unknown as Parameter;
}
