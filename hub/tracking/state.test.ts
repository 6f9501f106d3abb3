import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { EVENT_TYPES, type Place, SCAN_TYPES } from '../../protocols/uplink/model.ts';
import type { PackageException, TrackingEvent } from '../../protocols/uplink/tracking-event.ts';
import { sampleEvent } from './sample-event.ts';
import { BOUNDS, compareEvents, extend, fold, type PackageState } from './state.ts';

const packageId = 'sscc:003456789012345678';
let next = 0;
const at = (minute: number) => new Date(Date.UTC(2026, 0, 5, 8, minute)).toISOString();
const scan = (
  minute: number,
  scanType: TrackingEvent['scanType'],
  location: Place,
  rest: Partial<TrackingEvent> = {},
) => sampleEvent({ packageId, sequence: ++next, occurredAt: at(minute), scanType, location, ...rest });

const HUB_A = { facilityId: 'HUB-A', readPoint: 'induct' };
const DOCK = { facilityId: 'HUB-A', readPoint: 'dock-4' };
const VAN = { vehicleId: 'VAN-7' };

describe('the fold of a package', () => {
  it('has no state without events', () => {
    expect(fold([])).toBeUndefined();
  });

  it('follows a package from induction to delivery', () => {
    const events = [
      scan(0, 'INDUCTION', HUB_A, { otherIds: ['ups:1Z999AA10123456784'] }),
      scan(5, 'SORT', DOCK),
      scan(9, 'LOAD', { ...VAN, latitude: 52.1, longitude: 13.2 }, { vehicleId: 'VAN-7' }),
      scan(20, 'OUT_FOR_DELIVERY', VAN),
      scan(50, 'DELIVERY', { ...VAN, latitude: 52.2, longitude: 13.3 }),
    ];
    const statuses = events.map((_, index) => fold(events.slice(0, index + 1))?.status);
    expect(statuses).toEqual(['INDUCTED', 'IN_FACILITY', 'LOADED', 'OUT_FOR_DELIVERY', 'DELIVERED']);
    expect(fold(events)).toMatchObject({
      packageId,
      otherIds: ['ups:1Z999AA10123456784'],
      firstAt: at(0),
      lastAt: at(50),
      eventCount: 5,
      position: { latitude: 52.2, longitude: 13.3, at: at(50) },
      conflicts: [],
      stays: [
        { place: HUB_A, from: at(0), to: at(5) },
        { place: DOCK, from: at(5), to: at(9) },
        { place: VAN, from: at(9), to: at(50) },
      ],
    });
  });

  it('reopens a delivery on a RETURN only, and keeps what else was seen after it', () => {
    const delivered = [scan(0, 'OUT_FOR_DELIVERY', VAN), scan(10, 'DELIVERY', VAN)];
    const seen = scan(20, 'ARRIVAL', HUB_A);
    const after = fold([...delivered, seen]);
    expect(after).toMatchObject({ status: 'DELIVERED', lastAt: at(20), stays: [{ place: VAN, to: at(10) }] });
    expect(after?.conflicts).toMatchObject([
      { kind: 'seen-after-delivery', eventIds: [delivered[1]?.eventId, seen.eventId] },
    ]);

    const returned = fold([...delivered, scan(30, 'RETURN', HUB_A), scan(40, 'SORT', DOCK)]);
    expect(returned).toMatchObject({ status: 'IN_FACILITY', returning: true, conflicts: [] });
    expect(returned?.stays.at(-1)).toEqual({ place: DOCK, from: at(40) });
  });

  it('takes a tag that leaves an antenna for no new stage and no new place', () => {
    const state = fold([
      scan(0, 'LOAD', DOCK, { vehicleId: 'VAN-7' }),
      scan(1, 'ARRIVAL', DOCK, { eventType: 'TAG_DEPARTED' }),
    ]);
    expect(state).toMatchObject({ status: 'LOADED', eventCount: 2, stays: [{ place: VAN, from: at(0) }] });
  });

  it('leaves a package on its vehicle when its tag leaves the dock’s antenna after that', () => {
    const onVan = { vehicleId: 'VAN-7', latitude: 1, longitude: 2 };
    const state = fold([
      scan(0, 'ARRIVAL', { ...DOCK, latitude: 3, longitude: 4 }),
      scan(1, 'LOAD', onVan),
      scan(2, 'ARRIVAL', { ...DOCK, latitude: 3, longitude: 4 }, { eventType: 'TAG_DEPARTED' }),
    ]);
    expect(state).toMatchObject({
      status: 'LOADED',
      position: { latitude: 1, longitude: 2, at: at(1) },
      lastEvent: { eventType: 'TAG_DEPARTED', location: onVan },
    });
  });

  it.each([
    ['EXCEPTION_OCCURRED', 'SORT', 'EXCEPTION'],
    ['DELIVERY_ATTEMPTED', 'DELIVERY', 'DELIVERY_ATTEMPTED'],
    ['VEHICLE_DEPARTED', 'DEPARTURE', 'OUT_FOR_DELIVERY'],
    ['VEHICLE_ARRIVED', 'ARRIVAL', 'OUT_FOR_DELIVERY'],
    ['PACKAGE_SCANNED', 'INVENTORY', 'OUT_FOR_DELIVERY'],
    ['PACKAGE_SCANNED', 'UNLOAD', 'IN_FACILITY'],
  ] as const)('makes of OUT_FOR_DELIVERY and %s / %s the status %s', (eventType, scanType, status) => {
    expect(fold([scan(0, 'OUT_FOR_DELIVERY', VAN), scan(1, scanType, VAN, { eventType })])?.status).toBe(status);
  });

  it('orders by corrected time, gateway, epoch and sequence', () => {
    const events = [
      sampleEvent({ packageId, sequence: 2, occurredAt: at(1), gatewayId: 'b' }),
      sampleEvent({ packageId, sequence: 1, occurredAt: at(1), gatewayId: 'b' }),
      sampleEvent({ packageId, sequence: 9, occurredAt: at(1), gatewayId: 'a' }),
      sampleEvent({ packageId, sequence: 9, occurredAt: at(0), gatewayId: 'c' }),
      sampleEvent({ packageId, sequence: 1, occurredAt: at(1), gatewayId: 'b', epoch: '00000000000000ab' }),
    ];
    const order = [...events]
      .sort(compareEvents)
      .map(({ source }) => `${source.gatewayId}${source.epoch.at(-1)}${source.sequence}`);
    expect(order).toEqual(['ca9', 'aa9', 'ba1', 'ba2', 'bb1']);
  });
});

describe('conflicts', () => {
  const berlin = { facilityId: 'BER', latitude: 52.52, longitude: 13.4 };
  const munich = { facilityId: 'MUC', latitude: 48.14, longitude: 11.58 };

  it.each([
    ['500 km in 10 minutes', berlin, munich, 10, 1],
    ['500 km in 40 minutes', berlin, munich, 40, 0],
    ['two facilities without positions at once', { facilityId: 'BER' }, { facilityId: 'MUC' }, 0, 1],
    ['two facilities without positions, minutes apart', { facilityId: 'BER' }, { facilityId: 'MUC' }, 5, 0],
    ['a facility and a vehicle at once', { facilityId: 'BER' }, { vehicleId: 'VAN' }, 0, 0],
  ])('%s', (_, from, to, minutes, count) => {
    expect(fold([scan(0, 'ARRIVAL', from), scan(minutes, 'ARRIVAL', to)])?.conflicts).toHaveLength(count);
  });

  it('says what cannot be, and the later event counts', () => {
    const state = fold([scan(0, 'ARRIVAL', berlin), scan(10, 'LOAD', munich)]);
    expect(state?.conflicts[0]?.detail).toBe('503.8 km within 600 s (BER → MUC)');
    expect(state).toMatchObject({ status: 'LOADED', lastEvent: { location: munich } });
  });

  it('believes no speed from a clock that knows no time or only roughly', () => {
    const unsynced = { clock: { state: 'unsynced', uncertaintyMs: 0, corrected: false } } as const;
    const rough = { clock: { state: 'ntp', uncertaintyMs: 2_000_000, corrected: false } } as const;
    expect(fold([scan(0, 'ARRIVAL', berlin, unsynced), scan(10, 'LOAD', munich)])?.conflicts).toEqual([]);
    expect(fold([scan(0, 'ARRIVAL', berlin, rough), scan(10, 'LOAD', munich)])?.conflicts).toEqual([]);
  });
});

describe('any order of arrival', () => {
  const arbitraryPlace: fc.Arbitrary<Place> = fc.constantFrom(
    { facilityId: 'BER', latitude: 52.52, longitude: 13.4 },
    { facilityId: 'MUC', readPoint: 'dock-1', latitude: 48.14, longitude: 11.58 },
    { facilityId: 'MUC', readPoint: 'dock-2' },
    { vehicleId: 'VAN-7' },
    {},
  );
  const arbitraryEvents = fc
    .array(
      fc.record({
        minute: fc.nat(30),
        gatewayId: fc.constantFrom('gw-1', 'gw-2'),
        eventType: fc.constantFrom(...EVENT_TYPES, 'PACKAGE_SCANNED' as const),
        scanType: fc.constantFrom(...SCAN_TYPES),
        location: arbitraryPlace,
        otherIds: fc.subarray(['a:1', 'b:2', 'c:3']),
      }),
      { minLength: 1, maxLength: 25 },
    )
    .map((drafts) =>
      drafts.map(({ minute, ...draft }, index) =>
        sampleEvent({ packageId, sequence: index + 1, occurredAt: at(minute), ...draft }),
      ),
    );

  const shuffled = arbitraryEvents.chain((events) =>
    fc.tuple(fc.constant(events), fc.shuffledSubarray(events, { minLength: events.length }), fc.nat(events.length)),
  );

  it('gives the same state, also when events come twice', () => {
    fc.assert(
      fc.property(shuffled, ([events, arrival, again]) => {
        expect(fold([...arrival, ...events.slice(0, again)])).toEqual(fold(events));
      }),
      { seed: 20260105, numRuns: 400 },
    );
  });

  it('gives the same state when a stored state goes on with later events', () => {
    fc.assert(
      fc.property(shuffled, ([events, , cut]) => {
        const sorted = [...events].sort(compareEvents);
        const stored = extend(undefined, sorted.slice(0, cut));
        const before = structuredClone(stored);
        const gone = extend(stored && (JSON.parse(JSON.stringify(stored)) as PackageState), sorted.slice(cut));
        expect(gone).toEqual(fold(events));
        extend(stored, sorted.slice(cut));
        expect(stored, 'a state is never changed').toEqual(before);
      }),
      { seed: 20260105, numRuns: 400 },
    );
  });

  it('names the set of events in its version', () => {
    const events = Array.from({ length: 6 }, (_, index) => scan(index, 'SORT', DOCK));
    const versions = new Set(events.map((left) => fold(events.filter((event) => event !== left))?.version));
    expect(versions.size).toBe(6);
    expect(fold(events)?.version).toMatch(/^6-[0-9a-f]{32}$/);
  });

  it('keeps bounded lists and counts what fell out', () => {
    const places = Array.from({ length: BOUNDS.stays + 10 }, (_, index) =>
      scan(index, 'SORT', { facilityId: 'F', readPoint: `${index}` }),
    );
    const state = fold(places);
    expect(state?.stays).toHaveLength(BOUNDS.stays);
    expect(state?.stays.at(-1)?.place.readPoint).toBe(`${BOUNDS.stays + 9}`);
    expect(state?.dropped).toEqual({ otherIds: 0, stays: 10, conflicts: 0 });
  });
});

describe('an exception by the package’s own limits', () => {
  const said = (phase: PackageException['phase'], revision: number, minute: number, exceptionId = 'x-1') =>
    sampleEvent({
      packageId,
      sequence: ++next,
      occurredAt: at(minute),
      recordedAt: at(minute + 1),
      eventType: 'EXCEPTION_OCCURRED',
      location: VAN,
      data: {
        scanned: '',
        exception: {
          exceptionId,
          kind: 'EXCESSIVE_SHOCK',
          phase,
          revision,
          severity: 'warning',
          quantity: 'peakG',
          value: 5,
          limit: 2,
          beganAt: at(20),
          ...(phase === 'ended' && { endedAt: at(minute) }),
          message: '5 g',
        },
      },
    });

  it('moves nothing, and wants an inspection until a read point of a facility has seen the package', () => {
    const load = scan(10, 'LOAD', VAN);
    const began = said('began', 0, 20);
    const flagged = fold([load, began, said('ended', 1, 21)]);
    expect(flagged).toMatchObject({
      status: 'LOADED',
      inspection: 'required',
      stays: [{ place: VAN, from: at(10) }],
      exceptions: [{ endedAt: at(21), revision: 1, knownAt: at(21) }],
    });
    const early = scan(20.5, 'ARRIVAL', DOCK);
    const arrival = scan(30, 'ARRIVAL', DOCK);
    expect(fold([load, began, scan(25, 'INVENTORY', VAN), early])?.inspection).toBe('required');
    const inspected = fold([load, began, early, arrival]);
    expect(inspected).not.toHaveProperty('inspection');
    expect(inspected?.exceptions).toMatchObject([{ inspectedAt: { eventId: arrival.eventId, readPoint: 'dock-4' } }]);
    expect(fold([load, began, said('retracted', 1, 40)])).not.toHaveProperty('inspection');
  });

  it('says nothing of how far the package has come in the meantime', () => {
    const events = [scan(0, 'SORT', HUB_A), said('began', 0, 60), scan(60.5, 'ARRIVAL', { facilityId: 'HUB-B' })];
    expect(fold(events)?.conflicts).toEqual([]);
    const delivered = [scan(0, 'DELIVERY', VAN), said('began', 0, 1), scan(2, 'ARRIVAL', HUB_A)];
    expect(fold(delivered)?.conflicts).toMatchObject([{ eventIds: [delivered[0]?.eventId, delivered[2]?.eventId] }]);
  });

  it('is the same, whatever the order of arrival and however it is folded', () => {
    const events = [
      scan(0, 'INDUCTION', HUB_A),
      scan(10, 'LOAD', VAN),
      said('began', 0, 20),
      said('ended', 1, 20),
      said('retracted', 2, 40),
      said('began', 3, 20),
      said('began', 0, 22, 'x-2'),
      scan(35, 'ARRIVAL', DOCK),
      scan(50, 'DELIVERY', VAN),
    ];
    fc.assert(
      fc.property(fc.shuffledSubarray(events, { minLength: events.length }), fc.nat(events.length), (order, cut) => {
        const sorted = [...order].sort(compareEvents);
        expect(fold(order)).toEqual(fold(events));
        expect(extend(fold(sorted.slice(0, cut)), sorted.slice(cut))).toEqual(fold(events));
      }),
      { seed: 13, numRuns: 60 },
    );
  });
});
