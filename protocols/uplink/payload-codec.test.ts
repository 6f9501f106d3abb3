/** Our tables against an independent Protobuf implementation (protobufjs) that reads the published uplink.proto. */
import { join } from 'node:path';
import fc from 'fast-check';
import protobuf from 'protobufjs';
import { describe, expect, it } from 'vitest';
import { CodecError } from '../base/codec-error.ts';
import { EVENT_TYPES, type Payload, SCAN_TYPES } from './model.ts';
import { decodeByTable, decodePayload, encodeByTable, encodePayload } from './payload-codec.ts';

const root = protobuf.loadSync(join(import.meta.dirname, 'uplink.proto'));
const Theirs = root.lookupType('milepost.uplink.v1.Payload');
const place = { readPoint: 'dock-4', facilityId: 'DC-1', latitude: 52.5234567, longitude: -13.1 };

const PAYLOADS: [Payload, object][] = [
  [
    {
      kind: 'tracking',
      deviceId: 's1',
      packageId: 'sscc:340123450000000001',
      otherIds: ['code:a', 'ups:1Z'],
      eventType: 'PACKAGE_SCANNED',
      scanType: 'DELIVERY',
      businessStep: 'delivering',
      place,
      employeeId: 'e7',
      scanned: '00\u001dé',
      aim: ']C1',
      antenna: 2,
      rssiDbm: -61,
      reads: 300,
    },
    {
      tracking: {
        deviceId: 's1',
        packageId: 'sscc:340123450000000001',
        otherIds: ['code:a', 'ups:1Z'],
        eventType: 'PACKAGE_SCANNED',
        scanType: 'DELIVERY',
        businessStep: 'delivering',
        employeeId: 'e7',
        scanned: '00\u001dé',
        aim: ']C1',
        antenna: 2,
        rssiDbm: -61,
        reads: 300,
        place: { readPoint: 'dock-4', facilityId: 'DC-1', latitudeE7: 525234567, longitudeE7: -131000000 },
      },
    },
  ],
  [
    { kind: 'temperature', deviceId: 't', place: {}, temperatureCelsius: -18.25 },
    { telemetry: { deviceId: 't', place: {}, temperature: { temperatureCelsius: -18.25 } } },
  ],
  [
    { kind: 'humidity', deviceId: 't', place: { vehicleId: 'v' }, relativeHumidityPercent: 0 },
    { telemetry: { deviceId: 't', place: { vehicleId: 'v' }, humidity: { relativeHumidityPercent: 0 } } },
  ],
  [
    {
      kind: 'shock',
      deviceId: 'w',
      place: {},
      peakG: 8,
      peakXG: 1,
      peakYG: -2,
      peakZG: 7,
      durationMs: 60,
      velocityChangeMetersPerSecond: 3,
      sampleRateHz: 200,
      clipped: false,
    },
    {
      telemetry: {
        deviceId: 'w',
        place: {},
        shock: {
          peakG: 8,
          peakXG: 1,
          peakYG: -2,
          peakZG: 7,
          durationMs: 60,
          velocityChangeMetersPerSecond: 3,
          sampleRateHz: 200,
          clipped: false,
        },
      },
    },
  ],
  [
    { kind: 'position', deviceId: 'g', place: {}, latitude: 1.5, longitude: -2.5, satellites: 9 },
    { telemetry: { deviceId: 'g', place: {}, position: { latitude: 1.5, longitude: -2.5, satellites: 9 } } },
  ],
  [
    { kind: 'contact', deviceId: 'd', place: {}, open: true },
    { telemetry: { deviceId: 'd', place: {}, contact: { open: true } } },
  ],
  [
    { kind: 'vibration', deviceId: 'w', place: {}, rmsG: 0.2, windowMs: 1000 },
    { telemetry: { deviceId: 'w', place: {}, vibration: { rmsG: 0.2, windowMs: 1000 } } },
  ],
  [
    { kind: 'vehicle', deviceId: 'o', place: { vehicleId: 'v' }, speedMetersPerSecond: 0, odometerMeters: 81_000_500 },
    {
      telemetry: {
        deviceId: 'o',
        place: { vehicleId: 'v' },
        vehicle: { speedMetersPerSecond: 0, odometerMeters: 81_000_500 },
      },
    },
  ],
  [
    { kind: 'vehicle', deviceId: 'o', place: {}, engineRpm: 812.25 },
    { telemetry: { deviceId: 'o', place: {}, vehicle: { engineRpm: 812.25 } } },
  ],
  [
    {
      kind: 'alert',
      alertId: 'a',
      phase: 'cleared',
      ruleId: 'r',
      severity: 'critical',
      deviceId: 't',
      place: {},
      quantity: 'temperatureCelsius',
      value: 9,
      limit: 8,
      message: 'm',
      context: [
        { offsetMs: -60_000, value: 7.5 },
        { offsetMs: -1000, value: 9 },
      ],
    },
    {
      alert: {
        alertId: 'a',
        phase: 'CLEARED',
        ruleId: 'r',
        severity: 'CRITICAL',
        deviceId: 't',
        place: {},
        quantity: 'temperatureCelsius',
        value: 9,
        limit: 8,
        message: 'm',
        context: [
          { offsetMs: -60_000, value: 7.5 },
          { offsetMs: -1000, value: 9 },
        ],
      },
    },
  ],
  [
    { kind: 'range', fate: 'quarantined', lane: 'telemetry', first: 1, last: 281474976710655, reason: 'x' },
    { range: { fate: 'QUARANTINED', lane: 'TELEMETRY', first: 1, last: 281474976710655, reason: 'x' } },
  ],
  [
    { kind: 'clock', bootId: 4294967295, monotonicUs: 9e12, wallMs: -5, state: 'gps', uncertaintyMs: 3 },
    { clock: { bootId: 4294967295, monotonicUs: 9e12, wallMs: -5, state: 'LEARNED_FROM_GPS', uncertaintyMs: 3 } },
  ],
  [
    { kind: 'device', deviceId: 's', state: 'fault', code: 'nonsense', message: 'm' },
    { device: { deviceId: 's', state: 'FAULT', code: 'nonsense', message: 'm' } },
  ],
];

describe('payload codec', () => {
  it.each(PAYLOADS)('%o', (ours, theirs) => {
    const bytes = encodePayload(ours);
    expect(Theirs.toObject(Theirs.decode(bytes), { enums: String, longs: Number })).toEqual(theirs);
    const foreign = Buffer.from(Theirs.encode(Theirs.fromObject(theirs)).finish());
    expect(decodePayload(foreign)).toEqual(ours);
    expect(decodePayload(bytes)).toEqual(ours);
  });

  it.each([
    ['payload-kind', Buffer.alloc(0)],
    ['payload-kind', Buffer.from('520100', 'hex')],
    ['payload-incomplete', Buffer.from(Theirs.encode(Theirs.fromObject({ telemetry: { vehicle: {} } })).finish())],
    ['payload-incomplete', Buffer.from(Theirs.encode(Theirs.fromObject({ tracking: { deviceId: 'x' } })).finish())],
    [
      'payload-incomplete',
      Buffer.from(
        Theirs.encode(Theirs.fromObject({ telemetry: { temperature: { temperatureCelsius: Number.NaN } } })).finish(),
      ),
    ],
    ['protobuf-truncated', Buffer.from('0a05', 'hex')],
    ['protobuf-varint', Buffer.from('ffffffffffffffffffffff', 'hex')],
    ['protobuf-enum', Buffer.from('0a022063', 'hex')],
    ['protobuf-wire-type', Buffer.from('0b', 'hex')],
  ])('%s', (code, bytes) => {
    expect(() => decodePayload(bytes)).toThrow(expect.objectContaining({ code }));
  });

  it('gives a value or a CodecError for any bytes', () => {
    const damaged = fc.tuple(
      fc.constantFrom(...PAYLOADS.map(([ours]) => encodePayload(ours))),
      fc.nat(),
      fc.integer({ min: 0, max: 255 }),
    );
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 80 }), damaged), (input) => {
        let bytes: Buffer;
        if (input instanceof Uint8Array) bytes = Buffer.from(input);
        else {
          bytes = Buffer.from(input[0]);
          bytes[input[1] % bytes.length] = input[2];
        }
        try {
          decodePayload(bytes);
        } catch (error) {
          expect(error).toBeInstanceOf(CodecError);
        }
      }),
      { seed: 20261123, numRuns: 3000 },
    );
  });
});

describe('the short way for tracking', () => {
  const text = fc.oneof(fc.string({ maxLength: 40 }), fc.constantFrom('dock-4', 'DC-1', 'é', ''));
  const number = fc.integer({ min: 0, max: 2 ** 40 });
  const coordinates = {
    latitudeE7: fc.integer({ min: -9e8, max: 9e8 }),
    longitudeE7: fc.integer({ min: -18e8, max: 18e8 }),
  };
  const wirePlace = fc.record(
    { readPoint: text, facilityId: text, vehicleId: text, ...coordinates },
    { requiredKeys: [] },
  );
  const fields = {
    deviceId: text,
    packageId: text,
    otherIds: fc.array(text, { maxLength: 3 }),
    eventType: fc.integer({ min: 0, max: 8 }),
    scanType: fc.integer({ min: 0, max: 12 }),
    businessStep: text,
    place: wirePlace,
    employeeId: text,
    scanned: text,
    aim: text,
    antenna: number,
    rssiDbm: fc.integer({ min: -(2 ** 40), max: 2 ** 40 }),
    reads: number,
    presentMs: number,
  };

  const outcome = (decode: (bytes: Buffer) => Payload, bytes: Buffer): unknown => {
    try {
      return decode(bytes);
    } catch (error) {
      if (error instanceof CodecError) return error.code;
      throw error;
    }
  };

  it('knows every field that the published message has', () => {
    expect(Object.keys(fields).sort()).toEqual(
      Object.keys(root.lookupType('milepost.uplink.v1.Tracking').fields).sort(),
    );
  });

  it('gives what the table gives, also for messages that are damaged, cut or written by hand', () => {
    const input = fc.tuple(
      fc.record(fields, { requiredKeys: [] }),
      fc.option(fc.tuple(fc.nat(), fc.nat(255))),
      fc.nat(3),
    );
    fc.assert(
      fc.property(input, ([tracking, damage, cut]) => {
        const bytes = Buffer.from(Theirs.encode(Theirs.create({ tracking })).finish());
        if (damage && bytes.length > 0) bytes[damage[0] % bytes.length] = damage[1];
        const whole = bytes.subarray(0, bytes.length - (cut === 3 ? 1 : 0));
        expect(outcome(decodePayload, whole)).toStrictEqual(outcome(decodeByTable, whole));
      }),
      { seed: 20261123, numRuns: 2000 },
    );
  });

  it('writes what the table writes', () => {
    const place = fc.record(
      {
        readPoint: text,
        facilityId: text,
        vehicleId: text,
        latitude: fc.double({ min: -90, max: 90, noNaN: true }),
        longitude: fc.double({ min: -180, max: 180, noNaN: true }),
      },
      { requiredKeys: [] },
    );
    const payload = fc.record(
      {
        kind: fc.constant('tracking' as const),
        deviceId: text,
        packageId: fc.oneof(text, fc.string({ minLength: 60, maxLength: 300, unit: 'binary' })),
        otherIds: fields.otherIds,
        eventType: fc.constantFrom(...EVENT_TYPES),
        scanType: fc.constantFrom(...SCAN_TYPES),
        businessStep: text,
        place,
        employeeId: text,
        scanned: text,
        aim: text,
        antenna: number,
        rssiDbm: fields.rssiDbm,
        reads: number,
        presentMs: number,
      },
      {
        requiredKeys: [
          'kind',
          'deviceId',
          'packageId',
          'otherIds',
          'eventType',
          'scanType',
          'businessStep',
          'place',
          'scanned',
        ],
      },
    );
    fc.assert(
      fc.property(payload, (tracking) => {
        const bytes = encodePayload(tracking as Payload);
        expect(bytes.toString('hex')).toBe(encodeByTable(tracking as Payload).toString('hex'));
      }),
      { seed: 20261123, numRuns: 1000 },
    );
  });
});
