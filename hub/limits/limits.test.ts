import fc from 'fast-check';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { silentLog } from '../../protocols/base/log.ts';
import { ManualClock } from '../../protocols/base/manual-clock.ts';
import type { TrackingEvent } from '../../protocols/uplink/tracking-event.ts';
import type { LogRecord, StoredRecord } from '../log/event-log.ts';
import { openPglite } from '../store/pglite.ts';
import type { Store } from '../store/store.ts';
import { Changes } from '../tracking/changes.ts';
import { trackingMigrations } from '../tracking/migrations.ts';
import { packageProjection } from '../tracking/package-projection.ts';
import { sampleEvent } from '../tracking/sample-event.ts';
import type { PackageState } from '../tracking/state.ts';
import { PlaceWatch } from './consumer.ts';
import { Judge } from './judge.ts';
import { LimitDesk, LimitError } from './limit-desk.ts';
import type { PackageLimits } from './limits.ts';
import { limitMigrations } from './migrations.ts';
import { withLimits } from './stays.ts';

const START_MS = Date.UTC(2026, 0, 5, 8);
const at = (minute: number) => new Date(START_MS + minute * 60_000).toISOString();
const ID = 'sscc:340';
const VAN = { vehicleId: 'VAN-7' };
const DOCK = { facilityId: 'HUB-A', readPoint: 'dock-4' };

let store: Store;
let clock: ManualClock;
let watch: PlaceWatch;
let judge: Judge;
let desk: LimitDesk;
let appended: LogRecord[];
let offset: number;

beforeAll(async () => {
  store = await openPglite({ migrations: [...trackingMigrations, ...limitMigrations] });
  await store.migrate();
}, 60_000);
afterAll(() => store.close());
beforeEach(() => begin());

/** @param minute What time the hub has. */
async function begin(minute = 60): Promise<void> {
  await store.query(
    `truncate package_events, packages, package_aliases, projection_offsets, projection_rejects, package_limits,
     limit_stays, limit_readings, limit_violations, limit_work, limit_outbox`,
  );
  clock = new ManualClock(START_MS + minute * 60_000);
  appended = [];
  offset = 0;
  watch = openWatch();
  const eventLog = { append: async (records: readonly LogRecord[]) => void appended.push(...records) };
  judge = new Judge({ store, eventLog, clock, log: silentLog, format: 'json' });
  desk = new LimitDesk({ store, clock });
}

const openWatch = () => new PlaceWatch({ store, clock, changes: new Changes(), log: silentLog });
const limit = (limits: PackageLimits, packageId = ID) => desk.set([{ packageId, limits }], 'ann');

let scans = 0;
const scan = (minute: number, scanType: TrackingEvent['scanType'], location: TrackingEvent['location']) =>
  sampleEvent({ packageId: ID, sequence: ++scans, occurredAt: at(minute), recordedAt: at(minute), scanType, location });
const track = (...events: TrackingEvent[]) =>
  store.transaction((sql) => withLimits(packageProjection, { clock }).apply(sql, events));

/** Telemetry as a door client sends it: its records need no batch. */
function measured(minute: number, what: { peakG: number } | { celsius: number }, location: object = VAN): StoredRecord {
  const event = {
    eventId: `${JSON.stringify(what)} ${minute} ${JSON.stringify(location)}`,
    occurredAt: at(minute),
    clock: { state: 'gps', uncertaintyMs: 5 },
    deviceId: 'sensor-1',
    location,
    ...('celsius' in what
      ? { kind: 'temperature', temperatureCelsius: what.celsius }
      : {
          kind: 'shock',
          peakG: what.peakG,
          peakXG: 0,
          peakYG: 0,
          peakZG: what.peakG,
          durationMs: 11,
          velocityChangeMetersPerSecond: 0.4,
          sampleRateHz: 1600,
          clipped: false,
        }),
  };
  return {
    topic: 'uplink',
    partition: 0,
    offset: offset++,
    key: 'van-logger',
    value: Buffer.from(JSON.stringify(event)),
    headers: { lane: 'telemetry', door: 'json', 'received-ms': String(START_MS) },
    timestampMs: START_MS + 60 * 60_000,
  };
}

/** Judges, and lets the packages know, until nothing more is said. Gives what was said. */
async function settle(): Promise<string[]> {
  const said: string[] = [];
  for (let before = -1; before !== said.length; ) {
    before = said.length;
    await watch.look();
    await judge.tick();
    const events = appended.splice(0).map(({ value }) => JSON.parse(String(value)) as TrackingEvent);
    await track(...events);
    said.push(...events.map(({ data: { exception } }) => `${exception?.phase} ${exception?.kind} ${exception?.value}`));
  }
  return said;
}

async function stateOf(packageId = ID): Promise<PackageState | undefined> {
  const [row] = await store.query<{ state: PackageState }>('select state from packages where package_id = $1', [
    packageId,
  ]);
  return row?.state;
}

describe('a fragile package in a van that gets 5 g', () => {
  it('has the shock in its timeline, and is to be inspected at the next scan at a read point', async () => {
    await track(scan(0, 'ARRIVAL', DOCK), scan(10, 'LOAD', VAN));
    await limit({ fragile: true });
    await watch.look();
    await watch.take([measured(20, { peakG: 1.5 }), measured(21, { peakG: 5 })]);
    expect(await settle()).toEqual(['began EXCESSIVE_SHOCK 5', 'ended EXCESSIVE_SHOCK 5']);
    const state = await stateOf();
    expect(state).toMatchObject({
      status: 'LOADED',
      inspection: 'required',
      stays: [{ place: DOCK }, { place: VAN, from: at(10) }],
      conflicts: [],
      exceptions: [
        { kind: 'EXCESSIVE_SHOCK', severity: 'critical', value: 5, limit: 2, beganAt: at(21), endedAt: at(22) },
      ],
    });
    const [row] = await store.query<{ event: TrackingEvent }>(
      `select event from package_events where event->>'eventType' = 'EXCEPTION_OCCURRED' order by occurred_at`,
    );
    expect(row?.event).toMatchObject({
      occurredAt: at(21),
      location: VAN,
      vehicleId: 'VAN-7',
      source: { gatewayId: 'van-logger', deviceId: 'sensor-1', lane: 'telemetry' },
      data: { exception: { phase: 'began', severity: 'critical', message: expect.stringContaining('5 g') } },
    });
    // On a van nobody looks at it; a scan from before the hub knew showed nobody anything.
    await track(scan(61, 'INVENTORY', VAN), scan(40, 'ARRIVAL', DOCK));
    expect(await stateOf()).toMatchObject({ inspection: 'required' });
    const arrival = scan(70, 'ARRIVAL', DOCK);
    await track(arrival);
    const after = await stateOf();
    expect(after).not.toHaveProperty('inspection');
    expect(after?.exceptions).toMatchObject([
      { inspectedAt: { eventId: arrival.eventId, at: at(70), readPoint: 'dock-4' } },
    ]);
  });

  it('says nothing twice when records come again, or the process starts anew', async () => {
    await track(scan(10, 'LOAD', VAN));
    await limit({ fragile: true });
    await watch.look();
    const records = [measured(21, { peakG: 5 }), measured(22, { celsius: 40 })];
    await watch.take(records);
    expect(await settle()).toHaveLength(2);
    await watch.take(records);
    watch = openWatch();
    await watch.take(records.map((record) => ({ ...record, partition: 1 })));
    expect(await settle()).toEqual([]);
    expect((await stateOf())?.exceptions).toHaveLength(1);
  });

  it('gets what was measured shortly before the hub knew that it was there', async () => {
    await limit({ fragile: true });
    await watch.take([measured(21, { peakG: 5 }), measured(22, { peakG: 5 }, { vehicleId: 'VAN-8' })]);
    await track(scan(10, 'LOAD', VAN));
    expect(await settle()).toEqual(['began EXCESSIVE_SHOCK 5', 'ended EXCESSIVE_SHOCK 5']);
  });

  it('a burst ends by itself though nothing more is measured', async () => {
    await begin(21.1);
    await track(scan(10, 'LOAD', VAN));
    await limit({ maxShockG: 3 });
    await watch.look();
    await watch.take([measured(21, { peakG: 5 })]);
    expect(await settle()).toEqual(['began EXCESSIVE_SHOCK 5']);
    await clock.advance(61_000);
    expect(await settle()).toEqual(['ended EXCESSIVE_SHOCK 5']);
  });
});

describe('a package with a range of temperature', () => {
  const limits: PackageLimits = { temperatureCelsius: { low: 2, high: 8 } };
  const warm = [
    [20, 5],
    [21, 9],
    [22, 12],
    [23, 5],
  ].map(([minute = 0, celsius = 0]) => [minute, celsius] as const);

  it('takes back what turns out not to be its own, and says it again when it is after all', async () => {
    await track(scan(10, 'LOAD', VAN));
    await limit(limits);
    await watch.look();
    await watch.take(warm.map(([minute, celsius]) => measured(minute, { celsius })));
    expect(await settle()).toEqual(['began TEMPERATURE_EXCEPTION 9', 'ended TEMPERATURE_EXCEPTION 12']);
    // A late scan: it had left the van before.
    await track(scan(15, 'UNLOAD', DOCK));
    expect(await settle()).toEqual(['retracted TEMPERATURE_EXCEPTION 9']);
    expect(await stateOf()).toMatchObject({ exceptions: [{ retracted: true }] });
    expect(await stateOf()).not.toHaveProperty('inspection');
    // Another: it was back on it.
    await track(scan(18, 'LOAD', VAN));
    expect(await settle()).toEqual(['began TEMPERATURE_EXCEPTION 9', 'ended TEMPERATURE_EXCEPTION 12']);
    expect(await stateOf()).toMatchObject({ inspection: 'required', exceptions: [{ endedAt: at(23) }] });
  });

  it('has one violation from open to ended, corrected by what is measured late', async () => {
    await track(scan(10, 'LOAD', VAN));
    await limit(limits);
    await watch.look();
    await watch.take([measured(21, { celsius: 9 }), measured(22, { celsius: 12 })]);
    expect(await settle()).toEqual(['began TEMPERATURE_EXCEPTION 9']);
    await watch.take([measured(30, { celsius: 5 })]);
    expect(await settle()).toEqual(['ended TEMPERATURE_EXCEPTION 12']);
    await watch.take([measured(25, { celsius: 4 })]);
    expect(await settle()).toEqual(['ended TEMPERATURE_EXCEPTION 12']);
    expect(await stateOf()).toMatchObject({ exceptions: [{ beganAt: at(21), endedAt: at(25), value: 12 }] });
    await watch.take([measured(20, { celsius: 9.5 })]);
    expect(await settle()).toEqual([
      'began TEMPERATURE_EXCEPTION 9.5',
      'ended TEMPERATURE_EXCEPTION 12',
      'retracted TEMPERATURE_EXCEPTION 9',
    ]);
  });

  it('says the same, whatever the order in which scans and readings come', async () => {
    const facts: (() => Promise<unknown>)[] = [
      () => track({ ...scan(10, 'LOAD', VAN), eventId: '00000000-0000-4000-8000-000000000001' }),
      () => track({ ...scan(24, 'UNLOAD', DOCK), eventId: '00000000-0000-4000-8000-000000000002' }),
      () => limit(limits),
      ...warm.map(
        ([minute, celsius]) =>
          () =>
            watch.take([measured(minute, { celsius })]),
      ),
      () => watch.take([measured(26, { celsius: 30 })]),
      () => watch.take([measured(27, { celsius: 1 }, { facilityId: 'HUB-A' })]),
    ];
    const outcomes = new Set<string>();
    await fc.assert(
      fc.asyncProperty(fc.shuffledSubarray(facts, { minLength: facts.length }), async (order) => {
        await begin();
        for (const fact of order) {
          await fact();
          await settle();
        }
        const live = (await stateOf())?.exceptions?.filter(({ retracted }) => !retracted) ?? [];
        outcomes.add(
          JSON.stringify(live.map(({ beganAt, endedAt, value }) => ({ beganAt, endedAt, value })).sort(byBegin)),
        );
      }),
      { seed: 9, numRuns: 5 },
    );
    expect([...outcomes]).toEqual([
      JSON.stringify([
        { beganAt: at(21), endedAt: at(23), value: 12 },
        { beganAt: at(27), value: 1 },
      ]),
    ]);
  }, 60_000);

  it('forgets readings after a day, but not those of what is open; what is older is not judged anew', async () => {
    await track(scan(10, 'LOAD', VAN));
    await limit(limits);
    await watch.look();
    await watch.take([measured(20, { celsius: 5 }), measured(21, { celsius: 9 })]);
    expect(await settle()).toEqual(['began TEMPERATURE_EXCEPTION 9']);
    await clock.advance(30 * 3_600_000);
    await judge.tick();
    expect(await store.query('select at_us from limit_readings')).toHaveLength(1);
    await watch.take([measured(1860, { celsius: 11 }), measured(1861, { celsius: 4 })]);
    expect(await settle()).toEqual(['ended TEMPERATURE_EXCEPTION 11']);
    await clock.advance(30 * 3_600_000);
    await judge.tick();
    await limit({ temperatureCelsius: { high: 7 } });
    expect(await settle()).toEqual([]);
  });
});

describe('limits', () => {
  it('may be given before the package is seen, and under another of its names', async () => {
    await limit({ fragile: true, maxTiltDegrees: 30 }, 'ups:1Z9');
    expect(await desk.show('ups:1Z9')).toMatchObject({ setBy: 'ann', notEvaluated: ['maxTiltDegrees'] });
    await track({ ...scan(10, 'LOAD', VAN), otherIds: ['ups:1Z9'] });
    expect(await desk.show(ID)).toMatchObject({ limits: { fragile: true } });
    expect(await desk.show('ups:1Z9')).toEqual({ packageId: 'ups:1Z9', limits: {}, notEvaluated: [] });
  });

  it('that contradict each other are refused, all of them; empty ones take a package’s away', async () => {
    const good = { packageId: 'a', limits: { fragile: true } };
    const bad = { packageId: 'b', limits: { temperatureCelsius: { low: 8, high: 2 } } };
    await expect(desk.set([good, bad], 'ann')).rejects.toThrow(LimitError);
    expect((await desk.show('a')).limits).toEqual({});
    await desk.set([good], 'ann');
    await desk.set([{ packageId: 'a', limits: {} }], 'ann');
    expect((await desk.show('a')).limits).toEqual({});
  });
});

function byBegin(a: { beganAt: string }, b: { beganAt: string }): number {
  return a.beganAt < b.beganAt ? -1 : 1;
}
