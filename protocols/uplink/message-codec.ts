/** TrackingEvent and AlertMessage ↔ Protobuf (messages.proto), for readers of Kafka that prefer it to JSON. */
import {
  decodeMessage,
  encodeMessage,
  type FieldTable,
  type FieldType,
  type MessageTable,
  ProtoReader,
  ProtoWriter,
} from '../base/protobuf.ts';
import type { AlertMessage, TrackingEvent } from './tracking-event.ts';

type Fields = Readonly<Record<string, FieldType>>;

/** Numbered in their order; strings that messages.proto does not call optional are empty when absent. */
function table(name: string, fields: Fields, always: readonly string[] = []): MessageTable {
  const numbered = Object.entries(fields).map(([field, type], index): FieldTable => {
    const absent =
      type === 'string' ? '' : type === 'bool' ? false : typeof type === 'string' ? 0 : 'repeated' in type ? [] : {};
    return { no: index + 1, name: field, type, ...(always.includes(field) && { absent }) };
  });
  return { name, fields: numbered };
}

const LOCATION = table('Location', {
  readPoint: 'string',
  facilityId: 'string',
  vehicleId: 'string',
  latitude: 'double',
  longitude: 'double',
});
const CLOCK = table('ClockTrust', { state: 'string', uncertaintyMs: 'double', corrected: 'bool' }, [
  'uncertaintyMs',
  'corrected',
]);
const SOURCE = table(
  'Source',
  {
    gatewayId: 'string',
    deviceId: 'string',
    epoch: 'string',
    lane: 'string',
    sequence: 'uint',
    clientEventId: 'string',
  },
  ['deviceId'],
);
const EXCEPTION = table(
  'PackageException',
  {
    exceptionId: 'string',
    kind: 'string',
    phase: 'string',
    revision: 'uint',
    severity: 'string',
    quantity: 'string',
    value: 'double',
    limit: 'double',
    beganAt: 'string',
    endedAt: 'string',
    message: 'string',
  },
  ['revision', 'value', 'limit'],
);
const SCAN = table(
  'Scan',
  {
    scanned: 'string',
    aim: 'string',
    antenna: 'uint',
    rssiDbm: 'double',
    reads: 'uint',
    presentMs: 'uint',
    exception: { message: EXCEPTION },
  },
  ['scanned'],
);

const CONTEXT_VALUE = table('ContextValue', { atMs: 'sint', value: 'double' }, ['atMs', 'value']);

export const TRACKING_EVENT = table(
  'TrackingEvent',
  {
    version: 'uint',
    eventId: 'string',
    packageId: 'string',
    otherIds: { repeated: 'string' },
    eventType: 'string',
    scanType: 'string',
    businessStep: 'string',
    occurredAtMs: 'sint',
    recordedAtMs: 'sint',
    clock: { message: CLOCK },
    location: { message: LOCATION },
    vehicleId: 'string',
    employeeId: 'string',
    source: { message: SOURCE },
    data: { message: SCAN },
  },
  ['otherIds', 'businessStep', 'occurredAtMs', 'recordedAtMs', 'location'],
);

export const ALERT_MESSAGE = table(
  'Alert',
  {
    version: 'uint',
    alertId: 'string',
    eventId: 'string',
    phase: 'string',
    ruleId: 'string',
    severity: 'string',
    gatewayId: 'string',
    deviceId: 'string',
    location: { message: LOCATION },
    quantity: 'string',
    value: 'double',
    limit: 'double',
    message: 'string',
    occurredAtMs: 'sint',
    context: { repeated: { message: CONTEXT_VALUE } },
  },
  ['deviceId', 'location', 'quantity', 'value', 'limit', 'message', 'occurredAtMs'],
);

const writer = new ProtoWriter(2048);

export function encodeTrackingEvent(event: TrackingEvent): Buffer {
  const { occurredAt, recordedAt, ...rest } = event;
  const times = { occurredAtMs: Date.parse(occurredAt), recordedAtMs: Date.parse(recordedAt) };
  encodeMessage(TRACKING_EVENT, { ...rest, ...times }, writer);
  return writer.finish();
}

export function encodeAlertMessage(alert: AlertMessage): Buffer {
  const { occurredAt, ...rest } = alert;
  encodeMessage(ALERT_MESSAGE, { ...rest, occurredAtMs: Date.parse(occurredAt) }, writer);
  return writer.finish();
}

/** The properties of a TrackingEvent or an AlertMessage, as JSON would have them; not checked. @throws CodecError `protobuf-*` */
export function decodeMessageObject(table: MessageTable, bytes: Buffer): Record<string, unknown> {
  const { occurredAtMs, recordedAtMs, ...rest } = decodeMessage(table, new ProtoReader(bytes));
  return {
    ...rest,
    ...(occurredAtMs === undefined ? {} : { occurredAt: isoOf(occurredAtMs as number) }),
    ...(recordedAtMs === undefined ? {} : { recordedAt: isoOf(recordedAtMs as number) }),
  };
}

function isoOf(ms: number): string {
  return new Date(Math.min(8.64e15, Math.max(-8.64e15, ms))).toISOString();
}
