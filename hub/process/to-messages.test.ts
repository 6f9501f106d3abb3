/** What the hub publishes against the published JSON Schemas, with an independent validator. */
import { readFileSync } from 'node:fs';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { expect, it } from 'vitest';
import type { RecordIdentity } from '../../protocols/uplink/identity.ts';
import type { AlertPayload, TrackingPayload } from '../../protocols/uplink/model.ts';
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
const source = { identity, time, receivedMs: 0 };
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

it('the schemas refuse what is not', () => {
  expect(valid(event, { ...toTrackingEvent(tracking, source), scanType: 'TELEPORT' })).not.toBeNull();
  expect(valid(alert, { ...toAlert(raised, source), more: 1 })).not.toBeNull();
});
