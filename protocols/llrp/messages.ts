/**
 * Every message of LLRP 1.0.1 and 1.1 (LLRP 1.1, clause 17.1) as one discriminated union over `name`.
 *
 * A message is a flat object: `name`, `version`, `id`, its fields and, where parameters may follow, `parameters`. Message
 * types that the table does not know are kept as `UNKNOWN` with their bytes.
 */
import type { FieldsOf } from './fields.ts';
import type { MessageTable } from './layout.ts';
import type { Nested } from './parameters.ts';

const ROSPEC_ID = { roSpecId: 'u32' } as const;
const ACCESSSPEC_ID = { accessSpecId: 'u32' } as const;

export const MESSAGES = {
  /** `requestedData`: 0 all, 1 general, 2 LLRP, 3 regulatory, 4 air protocol. */
  GET_READER_CAPABILITIES: { type: 1, fields: { requestedData: 'u8' }, nested: true, answer: 11 },
  GET_READER_CAPABILITIES_RESPONSE: { type: 11, fields: {}, nested: true },
  /** `requestedData`: see CONFIG_DATA. */
  GET_READER_CONFIG: {
    type: 2,
    fields: { antennaId: 'u16', requestedData: 'u8', gpiPort: 'u16', gpoPort: 'u16' },
    nested: true,
    answer: 12,
  },
  GET_READER_CONFIG_RESPONSE: { type: 12, fields: {}, nested: true },
  SET_READER_CONFIG: { type: 3, fields: { resetToFactoryDefault: 'flag', _: 'pad7' }, nested: true, answer: 13 },
  SET_READER_CONFIG_RESPONSE: { type: 13, fields: {}, nested: true },
  CLOSE_CONNECTION: { type: 14, fields: {}, answer: 4 },
  CLOSE_CONNECTION_RESPONSE: { type: 4, fields: {}, nested: true },

  ADD_ROSPEC: { type: 20, fields: {}, nested: true, answer: 30 },
  ADD_ROSPEC_RESPONSE: { type: 30, fields: {}, nested: true },
  /** ROSpec 0 stands for all of them, here and in the next four. */
  DELETE_ROSPEC: { type: 21, fields: ROSPEC_ID, answer: 31 },
  DELETE_ROSPEC_RESPONSE: { type: 31, fields: {}, nested: true },
  START_ROSPEC: { type: 22, fields: ROSPEC_ID, answer: 32 },
  START_ROSPEC_RESPONSE: { type: 32, fields: {}, nested: true },
  STOP_ROSPEC: { type: 23, fields: ROSPEC_ID, answer: 33 },
  STOP_ROSPEC_RESPONSE: { type: 33, fields: {}, nested: true },
  ENABLE_ROSPEC: { type: 24, fields: ROSPEC_ID, answer: 34 },
  ENABLE_ROSPEC_RESPONSE: { type: 34, fields: {}, nested: true },
  DISABLE_ROSPEC: { type: 25, fields: ROSPEC_ID, answer: 35 },
  DISABLE_ROSPEC_RESPONSE: { type: 35, fields: {}, nested: true },
  GET_ROSPECS: { type: 26, fields: {}, answer: 36 },
  GET_ROSPECS_RESPONSE: { type: 36, fields: {}, nested: true },

  ADD_ACCESSSPEC: { type: 40, fields: {}, nested: true, answer: 50 },
  ADD_ACCESSSPEC_RESPONSE: { type: 50, fields: {}, nested: true },
  DELETE_ACCESSSPEC: { type: 41, fields: ACCESSSPEC_ID, answer: 51 },
  DELETE_ACCESSSPEC_RESPONSE: { type: 51, fields: {}, nested: true },
  ENABLE_ACCESSSPEC: { type: 42, fields: ACCESSSPEC_ID, answer: 52 },
  ENABLE_ACCESSSPEC_RESPONSE: { type: 52, fields: {}, nested: true },
  DISABLE_ACCESSSPEC: { type: 43, fields: ACCESSSPEC_ID, answer: 53 },
  DISABLE_ACCESSSPEC_RESPONSE: { type: 53, fields: {}, nested: true },
  GET_ACCESSSPECS: { type: 44, fields: {}, answer: 54 },
  GET_ACCESSSPECS_RESPONSE: { type: 54, fields: {}, nested: true },
  CLIENT_REQUEST_OP: { type: 45, fields: {}, nested: true, answer: 55 },
  CLIENT_REQUEST_OP_RESPONSE: { type: 55, fields: {}, nested: true },

  /** This and the next three are LLRP 1.1. */
  GET_SUPPORTED_VERSION: { type: 46, fields: {}, answer: 56 },
  GET_SUPPORTED_VERSION_RESPONSE: {
    type: 56,
    fields: { currentVersion: 'u8', supportedVersion: 'u8' },
    nested: true,
  },
  SET_PROTOCOL_VERSION: { type: 47, fields: { protocolVersion: 'u8' }, answer: 57 },
  SET_PROTOCOL_VERSION_RESPONSE: { type: 57, fields: {}, nested: true },

  /** Answered by reports, not by a response. */
  GET_REPORT: { type: 60, fields: {} },
  RO_ACCESS_REPORT: { type: 61, fields: {}, nested: true },
  KEEPALIVE: { type: 62, fields: {}, answer: 72 },
  KEEPALIVE_ACK: { type: 72, fields: {} },
  READER_EVENT_NOTIFICATION: { type: 63, fields: {}, nested: true },
  ENABLE_EVENTS_AND_REPORTS: { type: 64, fields: {} },
  ERROR_MESSAGE: { type: 100, fields: {}, nested: true },
  /** A vendor's message: `data` is everything after the subtype. */
  CUSTOM_MESSAGE: { type: 1023, fields: { vendorId: 'u32', subtype: 'u8', data: 'rest' } },
} as const satisfies MessageTable;

type Table = typeof MESSAGES;

export interface Envelope {
  /** 1 = LLRP 1.0.1, 2 = LLRP 1.1. */
  version: number;
  id: number;
}

/** A message whose type the table does not know: `bytes` is what follows its ten-byte header. */
export interface UnknownMessage extends Envelope {
  name: 'UNKNOWN';
  type: number;
  bytes: Uint8Array;
}

type Known = {
  [N in keyof Table]: { name: N } & Envelope &
    FieldsOf<Table[N]['fields']> &
    (Table[N] extends { nested: true } ? Nested : unknown);
};

interface ByName extends Known {
  UNKNOWN: UnknownMessage;
}

export type MessageName = keyof ByName;
export type Message = ByName[MessageName];
/** One member of the union, for example `MessageOf<'RO_ACCESS_REPORT'>`. */
export type MessageOf<N extends MessageName> = ByName[N];

/** The type number that answers a message of this type, where the standard names one. */
export function answerTypeOf(type: number): number | undefined {
  return ANSWERS.get(type);
}

const ANSWERS = new Map<number, number>(
  Object.values(MESSAGES).flatMap((entry) => ('answer' in entry ? [[entry.type, entry.answer] as const] : [])),
);
