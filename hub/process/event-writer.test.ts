/** The short way to a record of `package-events` gives what the long way gives. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { TrackingPayload } from '../../protocols/uplink/model.ts';
import { EventWriter } from './event-writer.ts';
import { eventRecord } from './publish.ts';
import { type Source, toTrackingEvent } from './to-messages.ts';

const text = fc.oneof(
  fc.constantFrom('dock-1', 'dock-2', 'größe', '"', '\\', '\ud800', '\u0007', '\u0000', '宅配便', '\u007f'),
  fc.string({ unit: 'binary', maxLength: 8 }),
);
const place = fc.record(
  { readPoint: text, facilityId: text, vehicleId: text, latitude: fc.constantFrom(1.5, -7), longitude: fc.constant(2) },
  { requiredKeys: [] },
);
const payloads = fc.record(
  {
    kind: fc.constant('tracking' as const),
    deviceId: text,
    packageId: text,
    otherIds: fc.array(text, { maxLength: 2 }),
    eventType: fc.constantFrom('PACKAGE_SCANNED' as const, 'TAG_DEPARTED' as const),
    scanType: fc.constantFrom('LOAD' as const, 'SORT' as const),
    businessStep: text,
    place,
    scanned: text,
    employeeId: text,
    aim: text,
    antenna: fc.nat(),
    rssiDbm: fc.integer(),
    reads: fc.nat(),
    presentMs: fc.nat(),
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
) as fc.Arbitrary<TrackingPayload>;
const sources: fc.Arbitrary<Source> = fc
  .record({
    gatewayId: fc.constantFrom('gw-1', 'gw-2', 'tür'),
    epoch: fc.constantFrom('00000000000000aa', '00000000000000ab'),
    lane: fc.constantFrom('tracking' as const, 'alert' as const),
    sequence: fc.integer({ min: 1, max: 2 ** 48 - 1 }),
    state: fc.constantFrom('unsynced' as const, 'gps' as const),
    uncertaintyMs: fc.constantFrom(0, 8, Number.POSITIVE_INFINITY),
    corrected: fc.boolean(),
    wallMs: fc.integer({ min: -1e12, max: 1e13 }),
    receivedMs: fc.constantFrom(0, 1_700_000_000_123),
    clientEventId: fc.option(text, { nil: undefined }),
  })
  .map(({ gatewayId, epoch, lane, sequence, state, uncertaintyMs, corrected, wallMs, receivedMs, clientEventId }) => ({
    identity: { gatewayId, epoch, lane, sequence },
    time: { bootId: 1, monotonicUs: 1, wallMs, state, uncertaintyMs },
    corrected,
    receivedMs,
    ...(clientEventId === undefined ? {} : { clientEventId }),
  }));

it('gives the record that is made by way of a TrackingEvent, byte for byte', () => {
  const writer = new EventWriter();
  fc.assert(
    fc.property(payloads, sources, (payload, source) => {
      expect(writer.record(payload, source)).toEqual(eventRecord(toTrackingEvent(payload, source), 'json'));
    }),
    { seed: 20261123, numRuns: 200 },
  );
});

/** Of one device: what differs from event to event, and now and then something that should not. */
const next = fc.record(
  {
    packageId: fc.oneof(fc.string(), text),
    scanned: fc.oneof(fc.string(), text),
    sequence: fc.integer({ min: 1, max: 2 ** 48 - 1 }),
    wallMs: fc.oneof(
      fc.integer({ min: 0, max: 4e12 }),
      fc.constantFrom(-1, 0.5, -6.3e13, 253_402_300_799_999, 253_402_300_800_000, 8.64e15),
    ),
    receivedMs: fc.integer({ min: 0, max: 4e12 }),
    antenna: fc.nat(),
    rssiDbm: fc.integer(),
    otherIds: fc.array(text, { maxLength: 1 }),
    employeeId: text,
    aim: text,
    clientEventId: text,
  },
  { requiredKeys: ['packageId', 'scanned', 'sequence', 'wallMs', 'receivedMs'] },
);

it('gives the same for events of one device after another, which it copies from the first', () => {
  fc.assert(
    fc.property(payloads, sources, fc.array(next, { minLength: 2, maxLength: 6 }), (payload, source, events) => {
      const writer = new EventWriter();
      const plain: TrackingPayload = { ...payload, otherIds: [] };
      const { clientEventId: _, ...first } = source;
      for (const { sequence, wallMs, receivedMs, clientEventId, ...rest } of events) {
        const at: Source = {
          ...first,
          identity: { ...first.identity, sequence },
          time: { ...first.time, wallMs },
          receivedMs,
          ...(clientEventId === undefined ? {} : { clientEventId }),
        };
        const event = { ...plain, ...rest };
        expect(writer.record(event, at)).toEqual(eventRecord(toTrackingEvent(event, at), 'json'));
      }
    }),
    { seed: 20261123, numRuns: 150 },
  );
});

it('leaves what it gave alone when a chunk is full', () => {
  const writer = new EventWriter();
  const [payload] = fc.sample(payloads, { seed: 1, numRuns: 1 }) as [TrackingPayload];
  const [source] = fc.sample(sources, { seed: 1, numRuns: 1 }) as [Source];
  const long = { ...payload, scanned: 'ü'.repeat(300_000) };
  const records = Array.from({ length: 5 }, () => writer.record(long, source));
  const expected = eventRecord(toTrackingEvent(long, source), 'json');
  for (const record of records) expect(record.value?.equals(expected.value as Buffer)).toBe(true);
});
