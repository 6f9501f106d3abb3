/**
 * Payload ↔ Protobuf. The tables below and uplink.proto say the same; payload-codec.test.ts holds them together with an
 * independent Protobuf implementation.
 */
import { CodecError } from '../base/codec-error.ts';
import { decodeMessage, encodeMessage, type MessageTable, ProtoReader, ProtoWriter } from '../base/protobuf.ts';
import { LANES } from './identity.ts';
import { ALERT_SEVERITIES, EVENT_TYPES, type Payload, type Place, SCAN_TYPES, type TrackingPayload } from './model.ts';
import { decodeTracking } from './tracking-decoder.ts';
import { encodeTracking } from './tracking-encoder.ts';

const PLACE: MessageTable = {
  name: 'Place',
  fields: [
    { no: 1, name: 'readPoint', type: 'string' },
    { no: 2, name: 'facilityId', type: 'string' },
    { no: 3, name: 'vehicleId', type: 'string' },
    // Degrees × 10⁷: 11 mm at the equator.
    { no: 4, name: 'latitudeE7', type: 'sfixed32' },
    { no: 5, name: 'longitudeE7', type: 'sfixed32' },
  ],
};

const TRACKING: MessageTable = {
  name: 'Tracking',
  fields: [
    { no: 1, name: 'deviceId', type: 'string', absent: '' },
    { no: 2, name: 'packageId', type: 'string', absent: '' },
    { no: 3, name: 'otherIds', type: { repeated: 'string' }, absent: [] },
    { no: 4, name: 'eventType', type: { enum: EVENT_TYPES } },
    { no: 5, name: 'scanType', type: { enum: SCAN_TYPES } },
    { no: 6, name: 'businessStep', type: 'string', absent: '' },
    { no: 7, name: 'place', type: { message: PLACE }, absent: {} },
    { no: 8, name: 'employeeId', type: 'string' },
    { no: 9, name: 'scanned', type: 'string', absent: '' },
    { no: 10, name: 'aim', type: 'string' },
    { no: 11, name: 'antenna', type: 'uint' },
    { no: 12, name: 'rssiDbm', type: 'sint' },
    { no: 13, name: 'reads', type: 'uint' },
    { no: 14, name: 'presentMs', type: 'uint' },
  ],
};

const doubles = (name: string, names: readonly string[]): MessageTable => ({
  name,
  fields: names.map((field, index) => ({ no: index + 1, name: field, type: 'double' })),
});

const TEMPERATURE = doubles('Temperature', ['temperatureCelsius']);
const HUMIDITY = doubles('Humidity', ['relativeHumidityPercent']);
const SHOCK: MessageTable = {
  name: 'Shock',
  fields: [
    ...doubles('', [
      'peakG',
      'peakXG',
      'peakYG',
      'peakZG',
      'durationMs',
      'velocityChangeMetersPerSecond',
      'sampleRateHz',
    ]).fields,
    { no: 8, name: 'clipped', type: 'bool' },
  ],
};
const POSITION: MessageTable = {
  name: 'Position',
  fields: [
    ...doubles('', ['latitude', 'longitude', 'altitudeMeters', 'speedMetersPerSecond', 'courseDegrees', 'hdop']).fields,
    { no: 7, name: 'satellites', type: 'uint' },
  ],
};
const CONTACT: MessageTable = { name: 'Contact', fields: [{ no: 1, name: 'open', type: 'bool' }] };
const VIBRATION = doubles('Vibration', ['rmsG', 'windowMs']);
const VEHICLE = doubles('Vehicle', ['speedMetersPerSecond', 'engineRpm', 'odometerMeters']);

/** Kinds of telemetry, their message and their field number in `Telemetry`. */
const TELEMETRY_KINDS = {
  temperature: { no: 3, table: TEMPERATURE },
  humidity: { no: 4, table: HUMIDITY },
  shock: { no: 5, table: SHOCK },
  position: { no: 6, table: POSITION },
  contact: { no: 7, table: CONTACT },
  vibration: { no: 8, table: VIBRATION },
  vehicle: { no: 9, table: VEHICLE },
} as const;
type TelemetryKind = keyof typeof TELEMETRY_KINDS;

const TELEMETRY: MessageTable = {
  name: 'Telemetry',
  fields: [
    { no: 1, name: 'deviceId', type: 'string', absent: '' },
    { no: 2, name: 'place', type: { message: PLACE }, absent: {} },
    ...Object.entries(TELEMETRY_KINDS).map(([name, { no, table }]) => ({ no, name, type: { message: table } })),
  ],
};

const CONTEXT_VALUE: MessageTable = {
  name: 'ContextValue',
  fields: [
    { no: 1, name: 'offsetMs', type: 'sint', absent: 0 },
    { no: 2, name: 'value', type: 'double', absent: 0 },
  ],
};

const ALERT: MessageTable = {
  name: 'Alert',
  fields: [
    { no: 1, name: 'alertId', type: 'string', absent: '' },
    { no: 2, name: 'phase', type: { enum: ['raised', 'cleared', 'retracted'] } },
    { no: 3, name: 'ruleId', type: 'string', absent: '' },
    { no: 4, name: 'severity', type: { enum: ALERT_SEVERITIES } },
    { no: 5, name: 'deviceId', type: 'string', absent: '' },
    { no: 6, name: 'place', type: { message: PLACE }, absent: {} },
    { no: 7, name: 'quantity', type: 'string', absent: '' },
    { no: 8, name: 'value', type: 'double', absent: 0 },
    { no: 9, name: 'limit', type: 'double', absent: 0 },
    { no: 10, name: 'message', type: 'string', absent: '' },
    { no: 11, name: 'context', type: { repeated: { message: CONTEXT_VALUE } } },
  ],
};

const RANGE: MessageTable = {
  name: 'Range',
  fields: [
    { no: 1, name: 'fate', type: { enum: ['evicted', 'quarantined', 'unused'] } },
    { no: 2, name: 'lane', type: { enum: LANES } },
    { no: 3, name: 'first', type: 'uint', absent: 0 },
    { no: 4, name: 'last', type: 'uint', absent: 0 },
    { no: 5, name: 'reason', type: 'string', absent: '' },
  ],
};

const CLOCK: MessageTable = {
  name: 'ClockLearned',
  fields: [
    { no: 1, name: 'bootId', type: 'uint', absent: 0 },
    { no: 2, name: 'monotonicUs', type: 'uint', absent: 0 },
    { no: 3, name: 'wallMs', type: 'sint', absent: 0 },
    { no: 4, name: 'state', type: { enum: ['ntp', 'gps', 'hub'] } },
    { no: 5, name: 'uncertaintyMs', type: 'double', absent: 0 },
  ],
};

const DEVICE: MessageTable = {
  name: 'DeviceState',
  fields: [
    { no: 1, name: 'deviceId', type: 'string', absent: '' },
    { no: 2, name: 'state', type: { enum: ['online', 'offline', 'fault'] } },
    { no: 3, name: 'code', type: 'string', absent: '' },
    { no: 4, name: 'message', type: 'string', absent: '' },
  ],
};

/** The `oneof` of `Payload`; the field's name is the payload's kind, except for telemetry. */
const PAYLOAD: MessageTable = {
  name: 'Payload',
  fields: [
    { no: 1, name: 'tracking', type: { message: TRACKING } },
    { no: 2, name: 'telemetry', type: { message: TELEMETRY } },
    { no: 3, name: 'alert', type: { message: ALERT } },
    { no: 4, name: 'range', type: { message: RANGE } },
    { no: 5, name: 'clock', type: { message: CLOCK } },
    { no: 6, name: 'device', type: { message: DEVICE } },
  ],
};

/** Field 1, length-delimited. */
const TRACKING_TAG = 10;
const TRACKING_REQUIRED = ['packageId', 'eventType', 'scanType'] as const;

/** Properties without which a payload of that kind says nothing. */
const REQUIRED: Record<string, readonly string[]> = {
  tracking: TRACKING_REQUIRED,
  temperature: ['temperatureCelsius'],
  humidity: ['relativeHumidityPercent'],
  shock: [...SHOCK.fields.map((field) => field.name)],
  position: ['latitude', 'longitude'],
  contact: ['open'],
  vibration: ['rmsG', 'windowMs'],
  alert: ['alertId', 'phase', 'severity', 'ruleId'],
  range: ['fate', 'lane', 'first', 'last'],
  clock: ['bootId', 'wallMs', 'state'],
  device: ['deviceId', 'state'],
};

/** Kinds of which one of these properties is enough. */
const ONE_OF: Record<string, readonly string[]> = { vehicle: VEHICLE.fields.map((field) => field.name) };

const writer = new ProtoWriter(4096);

export function encodePayload(payload: Payload): Buffer {
  return Buffer.from(encodedPayload(payload));
}

/** As `encodePayload`, but valid only until the next payload is encoded. */
export function encodedPayload(payload: Payload): Buffer {
  if (payload.kind !== 'tracking') return encodeByTable(payload);
  writer.varint(TRACKING_TAG);
  const message = writer.open();
  encodeTracking(payload, writer);
  writer.close(message);
  return writer.view();
}

/** As `encodedPayload`, of any kind. */
export function encodeByTable(payload: Payload): Buffer {
  const { kind } = payload;
  if (kind in TELEMETRY_KINDS) {
    const { deviceId, place, ...value } = payload as Extract<Payload, { kind: TelemetryKind }>;
    encodeMessage(PAYLOAD, { telemetry: { deviceId, place: placeToWire(place), [kind]: value } }, writer);
  } else if ('place' in payload) {
    encodeMessage(PAYLOAD, { [kind]: { ...payload, place: placeToWire(payload.place) } }, writer);
  } else {
    encodeMessage(PAYLOAD, { [kind]: payload }, writer);
  }
  return writer.view();
}

/**
 * The payload in bytes `start` to `end`.
 *
 * @throws CodecError `protobuf-*` when the bytes are not well-formed, `payload-kind` when no kind that this version knows is in
 *   them, `payload-incomplete` when a property that the kind requires is missing or not finite.
 */
export function decodePayload(bytes: Buffer, start = 0, end = bytes.length): Payload {
  return trackingAlone(bytes, start, end) ?? decodeByTable(bytes, start, end);
}

/** A record of one Tracking message and nothing beside it; undefined when it is anything else. */
function trackingAlone(bytes: Buffer, start: number, end: number): Payload | undefined {
  if (start >= end || bytes[start] !== TRACKING_TAG) return undefined;
  const outer = new ProtoReader(bytes, start + 1, end);
  const inner = outer.message();
  if (inner.end !== end) return undefined;
  const message = decodeTracking(inner);
  for (const property of TRACKING_REQUIRED) if (!isStated(message[property])) throw incomplete('tracking', property);
  return message as TrackingPayload;
}

/** @throws CodecError as decodePayload does. */
export function decodeByTable(bytes: Buffer, start = 0, end = bytes.length): Payload {
  const message = decodeMessage(PAYLOAD, new ProtoReader(bytes, start, end));
  const [name] = Object.keys(message);
  let value = name === undefined ? undefined : (message[name] as Record<string, unknown>);
  if (name === undefined || value === undefined) throw unknownKind();
  let kind = name;
  if (name === 'telemetry') {
    const found = Object.keys(TELEMETRY_KINDS).find((candidate) => value?.[candidate] !== undefined);
    if (found === undefined) throw unknownKind();
    kind = found;
    value = { deviceId: value.deviceId, place: value.place, ...(value[found] as object) };
  }
  for (const property of REQUIRED[kind] ?? []) {
    if (!isStated(value[property])) throw incomplete(kind, property);
  }
  const choice = ONE_OF[kind];
  if (choice && !choice.some((property) => isStated(value[property]))) throw incomplete(kind, choice.join(' or '));
  if (value.place !== undefined) value.place = placeFromWire(value.place as Record<string, unknown>);
  return { kind, ...value } as unknown as Payload;
}

function isStated(item: unknown): boolean {
  return item !== undefined && item !== '' && (typeof item !== 'number' || Number.isFinite(item));
}

function incomplete(kind: string, property: string): CodecError {
  return new CodecError({ code: 'payload-incomplete', message: `a ${kind} record needs ${property}` });
}

function unknownKind(): CodecError {
  return new CodecError({
    code: 'payload-kind',
    message: 'the record holds no kind of payload that this version knows; the gateway may be newer than the hub',
  });
}

/** Built field by field: every record has one, and taking an object apart costs more than the rest of its encoding. */
function placeToWire({ readPoint, facilityId, vehicleId, latitude, longitude }: Place): object {
  const isFixed = latitude !== undefined && longitude !== undefined;
  return {
    readPoint,
    facilityId,
    vehicleId,
    latitudeE7: isFixed ? Math.round(latitude * 1e7) : undefined,
    longitudeE7: isFixed ? Math.round(longitude * 1e7) : undefined,
  };
}

function placeFromWire(wire: Record<string, unknown>): Place {
  const { latitudeE7, longitudeE7, ...place } = wire;
  if (typeof latitudeE7 !== 'number' || typeof longitudeE7 !== 'number') return place as Place;
  return { ...(place as Place), latitude: latitudeE7 / 1e7, longitude: longitudeE7 / 1e7 };
}
