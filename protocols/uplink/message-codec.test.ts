/** Our tables against protobufjs, which reads the published messages.proto. */
import { join } from 'node:path';
import protobuf from 'protobufjs';
import { expect, it } from 'vitest';
import {
  ALERT_MESSAGE,
  decodeMessageObject,
  encodeAlertMessage,
  encodeTrackingEvent,
  TRACKING_EVENT,
} from './message-codec.ts';
import type { AlertMessage, TrackingEvent } from './tracking-event.ts';

const root = protobuf.loadSync(join(import.meta.dirname, 'messages.proto'));

const event: TrackingEvent = {
  version: 1,
  eventId: '6f1c2b7e-9d4b-4f0a-a3c8-5d1e7b902f46',
  packageId: 'sscc:340123450000000001',
  otherIds: ['code:a', 'ups:1Z'],
  eventType: 'PACKAGE_SCANNED',
  scanType: 'ARRIVAL',
  businessStep: 'receiving',
  occurredAt: '2026-01-05T08:00:00.123Z',
  recordedAt: '2026-01-05T08:00:01.000Z',
  clock: { state: 'ntp', uncertaintyMs: 4, corrected: false },
  location: { readPoint: 'dock-4', facilityId: 'DC-1', latitude: 52.5, longitude: -13.4 },
  employeeId: 'e7',
  source: { gatewayId: 'gw', deviceId: 's1', epoch: '00000000000000aa', lane: 'tracking', sequence: 2 ** 47 },
  data: {
    scanned: '00\u001dé',
    rssiDbm: -61.5,
    reads: 3,
    exception: {
      exceptionId: '6f1c2b7e-9d4b-5f0a-a3c8-5d1e7b902f47',
      kind: 'TEMPERATURE_EXCEPTION',
      phase: 'began',
      revision: 0,
      severity: 'critical',
      quantity: 'temperatureCelsius',
      value: -1.5,
      limit: 0,
      beganAt: '2026-01-05T08:00:00.123Z',
      message: 'too cold',
    },
  },
};
const alert: AlertMessage = {
  version: 1,
  alertId: 'a',
  eventId: '6f1c2b7e-9d4b-4f0a-a3c8-5d1e7b902f46',
  phase: 'raised',
  ruleId: 'cold',
  severity: 'critical',
  gatewayId: 'gw',
  deviceId: '',
  location: {},
  quantity: 'temperatureCelsius',
  value: 9.5,
  limit: 8,
  message: 'too warm',
  occurredAt: '1969-12-31T23:59:59.000Z',
  context: [
    { atMs: -31_000, value: 7.5 },
    { atMs: -1_000, value: 9.5 },
  ],
};

it.each([
  ['TrackingEvent', encodeTrackingEvent(event), TRACKING_EVENT, event],
  ['Alert', encodeAlertMessage(alert), ALERT_MESSAGE, alert],
])('%s: others read it as the .proto says, and it comes back as it was', (name, bytes, table, value) => {
  const theirs = root.lookupType(`milepost.messages.v1.${name}`);
  const seen = theirs.toObject(theirs.decode(bytes), { longs: Number });
  const { occurredAt, recordedAt, ...rest } = value as TrackingEvent;
  // It leaves out what is empty or false where the .proto says no presence.
  expect({
    ...rest,
    occurredAtMs: Date.parse(occurredAt),
    ...(recordedAt === undefined ? {} : { recordedAtMs: Date.parse(recordedAt) }),
  }).toMatchObject(seen);
  expect(Object.keys(seen).length).toBeGreaterThan(10);
  expect(decodeMessageObject(table, bytes)).toEqual(value);
  // What another encoder leaves out because it is empty or zero is there again.
  const others = Buffer.from(theirs.encode(theirs.fromObject(seen)).finish());
  expect(decodeMessageObject(table, others)).toEqual(value);
});
