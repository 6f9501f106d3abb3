/**
 * Makers' parameters and messages: what is inside `Custom` parameters of Impinj (25882) and Zebra, whose readers still say Motorola (161).
 *
 * Sources: Impinj Octane LLRP (subtypes and fields as sllurp's and the LTK's definitions have them; units: phase in 1/4096 of a turn,
 * RSSI in 1/100 dBm, Doppler in 1/16 Hz, coordinates in millionths of a degree); Zebra interface control guide 72E-131718, with the widths
 * that an FX9600 sends (MotoTagPhase is two bytes: 0x8000 is −π). Subtypes that are not listed stay `Custom`.
 */
import { CodecError } from '../base/codec-error.ts';
import { STATUS_CODE, VENDOR } from './codes.ts';
import { decodeParameters } from './decode.ts';
import { encodeParameters } from './encode.ts';
import { type CompiledField, Cursor, compileLayout, type FieldsOf, Sink } from './fields.ts';
import type { ParameterTable } from './layout.ts';
import type { Message, MessageOf } from './messages.ts';
import { findParameter, type Nested, type ParameterOf } from './parameters.ts';

/** `type` is the vendor's subtype. */
const IMPINJ = {
  /** See IMPINJ_SEARCH_MODE. Stands in a C1G2InventoryCommand. */
  ImpinjInventorySearchMode: { type: 23, fields: { mode: 'u16' } },
  /** `mode` 1 enables. Stands in a C1G2InventoryCommand. */
  ImpinjLowDutyCycle: { type: 28, fields: { mode: 'u16', emptyFieldTimeoutMs: 'u16', fieldPingIntervalMs: 'u16' } },
  ImpinjReaderTemperature: { type: 37, fields: { celsius: 's16' } },
  /** Stands in a ROReportSpec; the next ones inside it, each with mode 1 for on. */
  ImpinjTagReportContentSelector: { type: 50, fields: {}, nested: true },
  ImpinjEnableSerializedTID: { type: 51, fields: { mode: 'u16' } },
  ImpinjEnableRFPhaseAngle: { type: 52, fields: { mode: 'u16' } },
  ImpinjEnablePeakRSSI: { type: 53, fields: { mode: 'u16' } },
  ImpinjEnableGPSCoordinates: { type: 54, fields: { mode: 'u16' } },
  ImpinjEnableRFDopplerFrequency: { type: 67, fields: { mode: 'u16' } },
  ImpinjEnableTxPower: { type: 72, fields: { mode: 'u16' } },
  /** The rest stands in a TagReportData. */
  ImpinjSerializedTID: { type: 55, fields: { words: 'u16s' } },
  ImpinjRFPhaseAngle: { type: 56, fields: { phaseAngle: 'u16' } },
  ImpinjPeakRSSI: { type: 57, fields: { rssiCentiDbm: 's16' } },
  ImpinjGPSCoordinates: { type: 58, fields: { latitudeMicrodegrees: 's32', longitudeMicrodegrees: 's32' } },
  ImpinjRFDopplerFrequency: { type: 68, fields: { dopplerSixteenthHz: 's16' } },
  ImpinjTxPower: { type: 73, fields: { transmitPowerIndex: 'u16' } },
} as const satisfies ParameterTable;

const ZEBRA = {
  MotoAntennaPhysicalPortConfig: { type: 705, fields: { transmitPort: 'u16', receivePort: 'u16' } },
  /** Stands in a ROReportSpec. */
  MotoTagReportContentSelector: {
    type: 708,
    fields: {
      enableZoneId: 'flag',
      enableZoneName: 'flag',
      enableAntennaPhysicalPort: 'flag',
      enablePhase: 'flag',
      enableGps: 'flag',
      enableMltReport: 'flag',
      _: 'pad26',
    },
  },
  /** The rest stands in a TagReportData. */
  MotoC1G2ExtendedPC: { type: 450, fields: { xpcW1: 'u16', xpcW2: 'u16' } },
  MotoTagPhase: { type: 709, fields: { phase: 's16' } },
  BrandIDCheckStatus: { type: 712, fields: { passed: 'u8' } },
} as const satisfies ParameterTable;

const TABLES = { ...IMPINJ, ...ZEBRA } as const;
type Table = typeof TABLES;

/** A vendor's parameter; `parameters` are those inside it, `Custom` themselves. */
export type VendorParameter = {
  [N in keyof Table]: { name: N } & FieldsOf<Table[N]['fields']> &
    (Table[N] extends { nested: true } ? Nested : unknown);
}[keyof Table];

interface Shape {
  name: string;
  vendorId: number;
  subtype: number;
  fields: CompiledField[];
  nested: boolean;
}

const SHAPES: Shape[] = [...shapesOf(IMPINJ, VENDOR.impinj), ...shapesOf(ZEBRA, VENDOR.motorola)];
const BY_NUMBER = new Map(SHAPES.map((shape) => [`${shape.vendorId} ${shape.subtype}`, shape]));
const BY_NAME = new Map(SHAPES.map((shape) => [shape.name, shape]));

function shapesOf(table: ParameterTable, vendorId: number): Shape[] {
  return Object.entries(table).map(([name, { type, fields, nested }]) => ({
    name,
    vendorId,
    subtype: type,
    fields: compileLayout(fields),
    nested: nested === true,
  }));
}

/** What a `Custom` parameter says; undefined where it is another vendor's, or one that is not known. Bytes behind the known fields are let be. */
export function decodeVendorParameter(custom: ParameterOf<'Custom'>): VendorParameter | undefined {
  const shape = BY_NUMBER.get(`${custom.vendorId} ${custom.subtype}`);
  if (!shape) return undefined;
  const bytes = Buffer.from(custom.data.buffer, custom.data.byteOffset, custom.data.byteLength);
  const cursor = new Cursor(bytes, 0, bytes.length);
  const found: Record<string, unknown> = { name: shape.name };
  for (const { key, read } of shape.fields) {
    const value = read(cursor);
    if (key !== undefined) found[key] = value;
  }
  if (shape.nested) found.parameters = decodeParameters(bytes, cursor.at);
  return found as unknown as VendorParameter;
}

/** @throws CodecError `llrp-value` when a value does not fit its field. */
export function encodeVendorParameter(parameter: VendorParameter): ParameterOf<'Custom'> {
  const shape = BY_NAME.get(parameter.name) as Shape;
  const sink = new Sink();
  for (const { key, write } of shape.fields) {
    const value: unknown = key === undefined ? 0 : Reflect.get(parameter, key);
    try {
      write(sink, value as never);
    } catch (cause) {
      if (!(cause instanceof RangeError || cause instanceof TypeError)) throw cause;
      throw new CodecError({ code: 'llrp-value', message: `${parameter.name}.${key}: ${cause.message}`, cause });
    }
  }
  if ('parameters' in parameter) sink.append(encodeParameters(parameter.parameters));
  return {
    name: 'Custom',
    vendorId: shape.vendorId,
    subtype: shape.subtype,
    data: sink.bytes.subarray(0, sink.length),
  };
}

/** ImpinjInventorySearchMode.mode */
export const IMPINJ_SEARCH_MODE = {
  readerSelected: 0,
  singleTarget: 1,
  dualTarget: 2,
  singleTargetSuppressed: 3,
  singleTargetReset: 5,
  dualTargetSelect: 6,
} as const;

const ENABLE_EXTENSIONS = 21;
const ENABLE_EXTENSIONS_RESPONSE = 22;

/** Asks an Impinj reader to take and send Impinj's parameters; without it they are refused. */
export const impinjEnableExtensions = {
  name: 'CUSTOM_MESSAGE',
  vendorId: VENDOR.impinj,
  subtype: ENABLE_EXTENSIONS,
  // 32 reserved bits.
  data: Buffer.alloc(4),
} as const;

export function isImpinjEnableExtensions(message: Message): boolean {
  return isImpinj(message) && message.subtype === ENABLE_EXTENSIONS;
}

export function impinjEnableExtensionsResponse(
  envelope: { version: number; id: number },
  status: ParameterOf<'LLRPStatus'>,
): MessageOf<'CUSTOM_MESSAGE'> {
  const data = encodeParameters([status]);
  return { name: 'CUSTOM_MESSAGE', ...envelope, vendorId: VENDOR.impinj, subtype: ENABLE_EXTENSIONS_RESPONSE, data };
}

/** The status of the answer to impinjEnableExtensions; undefined for any other message. */
export function impinjExtensionsStatus(message: Message): ParameterOf<'LLRPStatus'> | undefined {
  if (!isImpinj(message) || message.subtype !== ENABLE_EXTENSIONS_RESPONSE) return undefined;
  const status = findParameter(decodeParameters(message.data), 'LLRPStatus');
  return status ?? { name: 'LLRPStatus', statusCode: STATUS_CODE.M_Success, errorDescription: '', parameters: [] };
}

function isImpinj(message: Message): message is MessageOf<'CUSTOM_MESSAGE'> {
  return message.name === 'CUSTOM_MESSAGE' && message.vendorId === VENDOR.impinj;
}
