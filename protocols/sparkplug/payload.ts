/**
 * The Sparkplug B payload (Eclipse Sparkplug 3.0.0, chapter 6 and sparkplug_b.proto): Protobuf, with values whose meaning depends on a data
 * type that may stand in an earlier message only (the birth). So a metric is decoded as it is on the wire, and `metricValue` gives its value
 * under a type.
 *
 * Data sets, templates, files and arrays are given as bytes or not at all: they are no telemetry points.
 */
import { decodeMessage, encodeMessage, type MessageTable, ProtoReader, ProtoWriter } from '../base/protobuf.ts';

/** Chapter 6.4.16, by number. */
export const DATA_TYPES = [
  'Unknown',
  'Int8',
  'Int16',
  'Int32',
  'Int64',
  'UInt8',
  'UInt16',
  'UInt32',
  'UInt64',
  'Float',
  'Double',
  'Boolean',
  'String',
  'DateTime',
  'Text',
  'UUID',
  'DataSet',
  'Bytes',
  'File',
  'Template',
  'PropertySet',
  'PropertySetList',
  'Int8Array',
  'Int16Array',
  'Int32Array',
  'Int64Array',
  'UInt8Array',
  'UInt16Array',
  'UInt32Array',
  'UInt64Array',
  'FloatArray',
  'DoubleArray',
  'BooleanArray',
  'StringArray',
  'DateTimeArray',
] as const;
export type DataType = (typeof DATA_TYPES)[number];

export interface SparkplugMetric {
  /** In births always; in data messages absent where the birth gave an alias. */
  name?: string;
  alias?: bigint;
  /** Milliseconds since 1970. */
  timestamp?: number;
  /** Number of the data type; may be absent after the birth. */
  datatype?: number;
  isHistorical?: boolean;
  isTransient?: boolean;
  isNull?: boolean;
  /** At most one of these. */
  intValue?: bigint;
  longValue?: bigint;
  floatValue?: number;
  doubleValue?: number;
  booleanValue?: boolean;
  stringValue?: string;
  bytesValue?: Buffer;
}

export interface SparkplugPayload {
  timestamp?: number;
  metrics: SparkplugMetric[];
  /** 0 … 255. */
  seq?: number;
  uuid?: string;
  body?: Buffer;
}

export type MetricValue = number | bigint | boolean | string | Buffer | null;

const METRIC: MessageTable = {
  name: 'Metric',
  fields: [
    { no: 1, name: 'name', type: 'string' },
    { no: 2, name: 'alias', type: 'varint64' },
    { no: 3, name: 'timestamp', type: 'uint' },
    { no: 4, name: 'datatype', type: 'uint' },
    { no: 5, name: 'isHistorical', type: 'bool' },
    { no: 6, name: 'isTransient', type: 'bool' },
    { no: 7, name: 'isNull', type: 'bool' },
    // 32 bits; some encoders write a negative number with all 64.
    { no: 10, name: 'intValue', type: 'varint64' },
    { no: 11, name: 'longValue', type: 'varint64' },
    { no: 12, name: 'floatValue', type: 'float' },
    { no: 13, name: 'doubleValue', type: 'double' },
    { no: 14, name: 'booleanValue', type: 'bool' },
    { no: 15, name: 'stringValue', type: 'string' },
    { no: 16, name: 'bytesValue', type: 'bytes' },
  ],
};

const PAYLOAD: MessageTable = {
  name: 'Payload',
  fields: [
    { no: 1, name: 'timestamp', type: 'uint' },
    { no: 2, name: 'metrics', type: { repeated: { message: METRIC } }, absent: [] },
    { no: 3, name: 'seq', type: 'uint' },
    { no: 4, name: 'uuid', type: 'string' },
    { no: 5, name: 'body', type: 'bytes' },
  ],
};

/** @throws CodecError `protobuf-*` */
export function decodeSparkplug(bytes: Buffer): SparkplugPayload {
  return decodeMessage(PAYLOAD, new ProtoReader(bytes)) as unknown as SparkplugPayload;
}

export function encodeSparkplug(payload: SparkplugPayload): Buffer {
  const writer = new ProtoWriter();
  encodeMessage(PAYLOAD, payload, writer);
  return writer.finish();
}

export function dataTypeName(datatype: number | undefined): DataType {
  return DATA_TYPES[datatype ?? 0] ?? 'Unknown';
}

/**
 * A metric's value under its own data type, or under the one that its birth gave. Null for a null, undefined for what this type cannot
 * be read from. Integers that a number cannot hold exactly are bigints.
 */
export function metricValue(metric: SparkplugMetric, datatype = metric.datatype): MetricValue | undefined {
  if (metric.isNull) return null;
  const { intValue, longValue, floatValue, doubleValue, booleanValue, stringValue, bytesValue } = metric;
  const integer = intValue ?? longValue;
  const type = dataTypeName(datatype);
  const bits = INTEGER_BITS[type];
  if (bits !== undefined) {
    if (integer === undefined) return undefined;
    const value = type.startsWith('Int') ? BigInt.asIntN(bits, integer) : BigInt.asUintN(bits, integer);
    return isSafe(value) ? Number(value) : value;
  }
  const rest = floatValue ?? doubleValue ?? booleanValue ?? stringValue ?? bytesValue;
  if (rest !== undefined || integer === undefined) return rest;
  // A type that nobody told: the number as it stands.
  return isSafe(integer) ? Number(integer) : integer;
}

const INTEGER_BITS: Partial<Record<DataType, number>> = {
  Int8: 8,
  Int16: 16,
  Int32: 32,
  Int64: 64,
  UInt8: 8,
  UInt16: 16,
  UInt32: 32,
  UInt64: 64,
  DateTime: 64,
};

function isSafe(value: bigint): boolean {
  return value >= BigInt(Number.MIN_SAFE_INTEGER) && value <= BigInt(Number.MAX_SAFE_INTEGER);
}
