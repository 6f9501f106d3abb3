import { describe, expect, it } from 'vitest';
import { parseAlert, parseTrackingEvent } from './parse.ts';
import { sampleAlert, sampleEvent } from './sample-event.ts';

const bytes = (value: unknown) => Buffer.from(JSON.stringify(value));
const event = sampleEvent({ packageId: 'sscc:1', sequence: 1 });

describe('parsing', () => {
  it('takes what the hub writes, and more than it knows', () => {
    expect(parseTrackingEvent(bytes({ ...event, later: 1 })).value).toEqual({ ...event, later: 1 });
    const alert = sampleAlert({ sequence: 1, deviceId: '', location: {} });
    expect(parseAlert(bytes(alert)).value).toEqual(alert);
  });

  it('brings times into one spelling', () => {
    const parsed = parseTrackingEvent(bytes({ ...event, occurredAt: '2026-01-05T09:00:01+01:00' }));
    expect(parsed.value?.occurredAt).toBe('2026-01-05T08:00:01.000Z');
  });

  it.each([
    ['no value', null, 'no value'],
    ['no JSON', Buffer.from('{"version":1,'), 'not JSON'],
    ['a list', bytes([event]), 'not a JSON object'],
    ['another version', bytes({ ...event, version: 2 }), 'version'],
    ['an id with NUL', bytes({ ...event, packageId: 'a\u0000b' }), 'packageId'],
    ['an id with half a character', bytes({ ...event, packageId: 'a\ud800' }), 'packageId'],
    ['an id without end', bytes({ ...event, packageId: 'x'.repeat(300) }), 'packageId'],
    ['other ids that are none', bytes({ ...event, otherIds: 'x' }), 'otherIds'],
    ['an unknown event type', bytes({ ...event, eventType: 'PACKAGE_ATE' }), 'eventType'],
    ['no time', bytes({ ...event, occurredAt: 'yesterday' }), 'occurredAt'],
    [
      'a time that PostgreSQL cannot read',
      bytes({ ...event, occurredAt: '+012026-01-05T08:00:00.000Z' }),
      'occurredAt',
    ],
    ['a place off the Earth', bytes({ ...event, location: { latitude: 91, longitude: 0 } }), 'location'],
    ['no source', bytes({ ...event, source: { gatewayId: 'x' } }), 'source'],
  ])('refuses %s', (_, value, fault) => {
    expect(parseTrackingEvent(value).fault).toContain(fault);
  });

  it('refuses an alert without a known phase', () => {
    expect(parseAlert(bytes({ ...sampleAlert({ sequence: 1 }), phase: 'shouted' })).fault).toContain('phase');
  });
});

it('an exception has to be complete', () => {
  const exception = {
    exceptionId: '00000000-0000-5000-8000-000000000001',
    kind: 'EXCESSIVE_SHOCK',
    phase: 'began',
    revision: 0,
    severity: 'warning',
    beganAt: '2026-01-05T08:00:00.000Z',
  };
  const faultOf = (data: object) =>
    parseTrackingEvent(
      Buffer.from(JSON.stringify(sampleEvent({ packageId: 'p', sequence: 1, data: { scanned: '', ...data } }))),
    ).fault;
  expect(faultOf({ exception })).toBeUndefined();
  for (const wrong of [{ kind: 'X' }, { phase: 'x' }, { exceptionId: 'x' }, { revision: 0.5 }, { endedAt: 'x' }])
    expect(faultOf({ exception: { ...exception, ...wrong } })).toBe('data.exception is not complete');
});
