/** What the hub publishes against the published JSON Schemas, with an independent validator. */
import { readFileSync } from 'node:fs';
import { Ajv2020 } from 'ajv/dist/2020.js';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { RecordIdentity } from '../../protocols/uplink/identity.ts';
import type { AlertPayload, TrackingPayload } from '../../protocols/uplink/model.ts';
import { trackingEventJson } from './event-json.ts';
import { deviceToAlert, gapToAlert, toAlert, toTrackingEvent } from './to-messages.ts';

const ajv = new Ajv2020({
  strict: false,
  formats: {
    uuid: /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/,
    'date-time': (text: string) => !Number.isNaN(Date.parse(text)),
  },
});
const schema = (name: string) =>
  ajv.compile(JSON.parse(readFileSync(new URL(`../../protocols/uplink/${name}.schema.json`, import.meta.url), 'utf8')));
const event = schema('tracking-event');
const alert = schema('alert');

const identity: RecordIdentity = { gatewayId: 'gw', epoch: '00000000000000aa', lane: 'tracking', sequence: 9 };
const time = {
  bootId: 1,
  monotonicUs: 1,
  wallMs: 1e30,
  state: 'unsynced',
  uncertaintyMs: Number.POSITIVE_INFINITY,
} as const;
const source = { identity, time, corrected: false, receivedMs: 0 };
const place = { readPoint: 'd', vehicleId: 'v', latitude: 1, longitude: 2 };
const tracking: TrackingPayload = {
  kind: 'tracking',
  deviceId: 's',
  packageId: 'p',
  otherIds: ['q'],
  eventType: 'PACKAGE_SCANNED',
  scanType: 'SORT',
  businessStep: 'picking',
  place,
  employeeId: 'e',
  scanned: 'x',
  aim: ']C1',
  antenna: 1,
  rssiDbm: -60,
  reads: 2,
  presentMs: 5_000,
};
const raised: AlertPayload = {
  kind: 'alert',
  alertId: 'a',
  phase: 'raised',
  ruleId: 'r',
  severity: 'info',
  deviceId: 'd',
  place,
  quantity: 'peakG',
  value: 9,
  limit: 5,
  message: 'm',
};
const valid = (validate: typeof event, value: unknown) => {
  validate(JSON.parse(JSON.stringify(value)));
  return validate.errors;
};

it('what is published is what the schemas say', () => {
  expect(valid(event, toTrackingEvent(tracking, source))).toBeNull();
  expect(valid(alert, toAlert(raised, source))).toBeNull();
  expect(
    valid(
      alert,
      deviceToAlert({ kind: 'device', deviceId: 'd', state: 'fault', code: 'nonsense', message: '' }, source),
    ),
  ).toBeNull();
  expect(valid(alert, gapToAlert({ ...identity, first: 1, last: 2 }, 'raised', 0))).toBeNull();
});

it('the readings around an alert have times of their own, as far from it as they were', () => {
  const context = [
    { offsetMs: -1_500, value: 3 },
    { offsetMs: 0, value: 9 },
  ];
  const message = toAlert({ ...raised, context }, source);
  expect(valid(alert, message)).toBeNull();
  const atMs = Date.parse(message.occurredAt);
  expect(message.context).toEqual([
    { atMs: atMs - 1_500, value: 3 },
    { atMs, value: 9 },
  ]);
});

it('the schemas refuse what is not', () => {
  expect(valid(event, { ...toTrackingEvent(tracking, source), scanType: 'TELEPORT' })).not.toBeNull();
  expect(valid(alert, { ...toAlert(raised, source), more: 1 })).not.toBeNull();
});

it('writes JSON as JSON.stringify does', () => {
  const text = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 12 }),
    fc.constantFrom('dock', '"', '\\', '\ud800', '\u0007', 'ü'),
  );
  const number = fc.double({ noNaN: true, noDefaultInfinity: true });
  const full = fc.record(
    { readPoint: text, facilityId: text, vehicleId: text, latitude: number, longitude: number },
    { requiredKeys: ['latitude', 'longitude'] },
  );
  const options = {
    employeeId: text,
    aim: text,
    antenna: fc.nat(),
    rssiDbm: fc.integer(),
    reads: fc.nat(),
    presentMs: fc.nat(),
  };
  const payload = fc.record(
    {
      packageId: text,
      otherIds: fc.array(text, { maxLength: 2 }),
      place: fc.oneof(full, fc.constant({})),
      scanned: text,
      ...options,
    },
    { requiredKeys: ['packageId', 'otherIds', 'place', 'scanned'] },
  );
  fc.assert(
    fc.property(
      payload,
      fc.option(text, { nil: undefined }),
      fc.integer({ min: -1e12, max: 1e13 }),
      (some, client, wallMs) => {
        const from = {
          ...source,
          time: { ...time, wallMs },
          ...(client === undefined ? {} : { clientEventId: client }),
        };
        const made = toTrackingEvent({ ...tracking, ...some }, from);
        expect(trackingEventJson(made)).toBe(JSON.stringify(made));
        expect(made.occurredAt).toBe(new Date(wallMs).toISOString());
      },
    ),
    { seed: 20261123, numRuns: 500 },
  );
});
