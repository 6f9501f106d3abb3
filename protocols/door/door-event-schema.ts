/**
 * The JSON Schema (2020-12) of a door event: what the hub validates with. door-event.schema.json is the same, published; a test holds
 * them together. One definition for each kind, so that a fault names the property and not a list of alternatives.
 */
import { BUSINESS_STEPS } from '../uplink/business-steps.ts';
import { EVENT_TYPES, SCAN_TYPES } from '../uplink/model.ts';
import { DOOR_KINDS, type DoorKind } from './door-event.ts';

export const DOOR_SCHEMA_ID = 'https://milepost.invalid/schemas/v1/door-event.schema.json';

type Schema = Readonly<Record<string, unknown>>;

/** No control characters and no halves of surrogates: an id with one names nothing. */
export const PRINTABLE = '^[^\\p{Cc}\\p{Cs}]+$';
const name = (maxLength: number): Schema => ({ type: 'string', minLength: 1, maxLength, pattern: PRINTABLE });
const number: Schema = { type: 'number' };
const flag: Schema = { type: 'boolean' };
const atLeastZero: Schema = { type: 'number', minimum: 0 };
const latitude: Schema = { type: 'number', minimum: -90, maximum: 90 };
const longitude: Schema = { type: 'number', minimum: -180, maximum: 180 };

const common: Readonly<Record<string, Schema>> = {
  eventId: { ...name(128), description: 'Chosen by the client; the same again counts once.' },
  occurredAt: { type: 'string', format: 'date-time', description: 'With an offset. Absent: when the hub took it.' },
  clock: {
    type: 'object',
    additionalProperties: false,
    required: ['state', 'uncertaintyMs'],
    properties: { state: { enum: ['ntp', 'gps'] }, uncertaintyMs: { type: 'number', minimum: 0, maximum: 2 ** 50 } },
  },
  deviceId: name(128),
  location: {
    type: 'object',
    additionalProperties: false,
    properties: { readPoint: name(128), facilityId: name(128), vehicleId: name(128), latitude, longitude },
    dependentRequired: { latitude: ['longitude'], longitude: ['latitude'] },
  },
};

interface Kind {
  properties: Readonly<Record<string, Schema>>;
  required?: readonly string[];
  more?: Schema;
}

const anyOf = (...names: string[]) => ({ anyOf: names.map((each) => ({ required: [each] })) });

/** All of them, as a gateway states a shock; who knows less has `metric`. */
const shock: Readonly<Record<string, Schema>> = {
  peakG: number,
  peakXG: number,
  peakYG: number,
  peakZG: number,
  durationMs: atLeastZero,
  velocityChangeMetersPerSecond: number,
  sampleRateHz: atLeastZero,
  clipped: flag,
};

const KINDS: Readonly<Record<DoorKind, Kind>> = {
  tracking: {
    properties: {
      packageId: name(200),
      scanned: { type: 'string', minLength: 1, maxLength: 4096 },
      aim: { type: 'string', pattern: '^\\]?[A-Za-z][0-9A-Za-z]$' },
      eventType: { enum: EVENT_TYPES },
      scanType: { enum: SCAN_TYPES },
      businessStep: { type: 'string', pattern: '^[a-z][a-z0-9_]{0,63}$' },
      employeeId: name(128),
    },
    more: {
      allOf: [
        anyOf('packageId', 'scanned'),
        {
          anyOf: [
            { required: ['scanType'] },
            { required: ['businessStep'], properties: { businessStep: { enum: Object.keys(BUSINESS_STEPS) } } },
          ],
        },
      ],
    },
  },
  temperature: { properties: { temperatureCelsius: number }, required: ['temperatureCelsius'] },
  humidity: { properties: { relativeHumidityPercent: number }, required: ['relativeHumidityPercent'] },
  shock: { properties: shock, required: Object.keys(shock) },
  position: {
    properties: {
      latitude,
      longitude,
      altitudeMeters: number,
      speedMetersPerSecond: number,
      courseDegrees: number,
      hdop: atLeastZero,
      satellites: { type: 'integer', minimum: 0 },
    },
    required: ['latitude', 'longitude'],
  },
  contact: { properties: { open: flag }, required: ['open'] },
  vibration: { properties: { rmsG: atLeastZero, windowMs: atLeastZero }, required: ['rmsG', 'windowMs'] },
  vehicle: {
    properties: { speedMetersPerSecond: number, engineRpm: number, odometerMeters: number },
    more: anyOf('speedMetersPerSecond', 'engineRpm', 'odometerMeters'),
  },
  metric: {
    properties: { name: name(128), value: { type: ['number', 'boolean', 'string'], maxLength: 4096 } },
    required: ['name', 'value'],
  },
};

function definition(kind: DoorKind): Schema {
  const { properties, required = [], more = {} } = KINDS[kind];
  return {
    type: 'object',
    additionalProperties: false,
    required: ['eventId', ...(kind === 'tracking' ? [] : ['kind']), ...required],
    properties: { kind: { const: kind }, ...common, ...properties },
    ...more,
  };
}

export const doorEventSchema: Schema & { $id: string } = {
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  $id: DOOR_SCHEMA_ID,
  title: 'DoorEvent',
  description:
    'One event on milepost/v1/{client}/json (or an array of them), in the body of POST /v1/events, or on a line of it. Without `kind` it is a tracking event.',
  oneOf: DOOR_KINDS.map((kind) => ({ $ref: `#/$defs/${kind}` })),
  $defs: Object.fromEntries(DOOR_KINDS.map((kind) => [kind, definition(kind)])),
};
