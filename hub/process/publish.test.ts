import { expect, it } from 'vitest';
import { parseAlert, parseTrackingEvent } from '../tracking/parse.ts';
import { sampleAlert, sampleEvent } from '../tracking/sample-event.ts';
import { alertRecord, eventRecord, MESSAGE_FORMATS } from './publish.ts';

const event = sampleEvent({
  packageId: 'sscc:1',
  sequence: 7,
  occurredAt: '2026-01-05T08:00:00.000Z',
  scanType: 'LOAD',
});
const alert = sampleAlert({ sequence: 3, alertId: 'a-1', phase: 'raised', occurredAt: '2026-01-05T08:00:00.000Z' });

it.each(MESSAGE_FORMATS)(
  '%s: what is published is what the projections read, with its identity in headers',
  (format) => {
    const record = eventRecord(event, format);
    expect(record).toMatchObject({
      topic: 'package-events',
      key: 'sscc:1',
      headers: {
        identity: `${event.source.gatewayId}/${event.source.epoch}/tracking/7`,
        schema: `tracking-event/1+${format}`,
      },
    });
    expect(parseTrackingEvent(record.value, record)).toEqual({ value: event });
    const raised = alertRecord(alert, format);
    expect(raised.headers).toEqual({ identity: alert.eventId, schema: `alert/1+${format}` });
    expect(parseAlert(raised.value, raised)).toEqual({ value: alert });
  },
);

it('bytes that are no Protobuf are kept aside with the reason', () => {
  const record = { value: Buffer.from([0x0a, 0x7f]), headers: { schema: 'tracking-event/1+protobuf' } };
  expect(parseTrackingEvent(record.value, record).fault).toContain('Protobuf');
});
