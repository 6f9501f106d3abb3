/** A judge that cannot find anything proves nothing: each thing that may go wrong is planted, and must be found. */
import { describe, expect, it } from 'vitest';
import type { LaneLedger } from '../../protocols/uplink/gateway-status.ts';
import { eventIdOf } from '../../protocols/uplink/identity.ts';
import { seededRandom } from '../../simulators/random.ts';
import { type Evidence, type FoundEvent, groupBy, judge } from './judge.ts';
import { planFaults } from './plan.ts';

const EPOCH = '00112233445566aa';
const ledger = (accepted: number): LaneLedger => ({
  accepted,
  delivered: accepted,
  evicted: 0,
  quarantined: 0,
  pending: 0,
});
const identity = (sequence: number) => ({ gatewayId: 'gw-1', epoch: EPOCH, lane: 'alert' as const, sequence });
const hubLane = (count: number) => ({ highest: count, seen: count, lost: 0, missing: 0 });

function event(number: number, sequence: number, change: Partial<FoundEvent> = {}): FoundEvent {
  return {
    partition: number % 2,
    offset: number,
    key: `p-${number % 2}`,
    eventId: `e-${sequence}`,
    packageId: `p-${number % 2}`,
    text: `scan-${number}`,
    source: { gatewayId: 'gw-1', deviceId: 'scanner-1', epoch: EPOCH, lane: 'tracking', sequence },
    ...change,
  };
}

/** Ten scans, of which 5 and 6 were on the wire when the daemon died; three alerts, one of them a statement; four points. */
function good() {
  const numbers = [1, 2, 3, 4, 7, 8, 9, 10];
  return {
    emissions: Array.from({ length: 10 }, (_, index) => ({
      gatewayId: 'gw-1',
      deviceId: 'scanner-1',
      text: `scan-${index + 1}`,
      atMs: (index + 1) * 100,
    })),
    gateways: [
      {
        gatewayId: 'gw-1',
        epoch: EPOCH,
        lanes: { alert: ledger(3), tracking: ledger(8), telemetry: ledger(4) },
        rejected: { alert: 0, tracking: 0, telemetry: 0 },
        balanced: true,
        deathsMs: [620],
      },
    ],
    packageEvents: numbers.map((number, index) => event(number, index + 1)),
    alertIds: [eventIdOf(identity(1)), eventIdOf(identity(3)), 'of-a-gap'],
    alertRecords: [
      { ...identity(1), kind: 'alert' },
      { ...identity(1), kind: 'alert' },
      { ...identity(2), kind: 'clock' },
      { ...identity(3), kind: 'device' },
    ] as Evidence['alertRecords'][number][],
    points: [1, 2, 3, 4].map((sequence) => ({ gatewayId: 'gw-1', sequence })),
    deadLetters: 0,
    hub: { alert: hubLane(3), tracking: hubLane(8), telemetry: hubLane(4) },
    timeline: new Map([['gw-1', 8]]),
  };
}

describe('the judge', () => {
  it('finds nothing where nothing is wrong', () => {
    expect(judge(good())).toMatchObject({
      ok: true,
      notAccepted: 2,
      lanes: {
        alert: { accepted: 3, delivered: 3 },
        tracking: { emitted: 10, accepted: 8, delivered: 8, duplicates: 0, missing: 0 },
        telemetry: { accepted: 4, delivered: 4 },
      },
    });
  });

  type Planted = ReturnType<typeof good>;
  const edge = (evidence: Planted) => evidence.gateways[0] as Planted['gateways'][number];

  it.each<[string, (evidence: Planted) => void, RegExp]>([
    ['a lost event', (e) => e.packageEvents.splice(3, 1), /tracking: missing 4/],
    ['an event twice', (e) => e.packageEvents.push(event(4, 4, { offset: 5 })), /tracking: doubled 4/],
    ['an event that was never accepted', (e) => e.packageEvents.push(event(11, 9)), /never accepted, but delivered 9/],
    ['a scan nobody wrote', (e) => e.packageEvents.splice(0, 1, event(99, 1)), /nobody wrote: scan-99/],
    ['one scan as two records', (e) => e.packageEvents.splice(0, 1, event(2, 1)), /one scan, two records/],
    [
      'an event of another epoch',
      (e) => Object.assign(e.packageEvents[0]?.source ?? {}, { epoch: 'x' }),
      /from nowhere/,
    ],
    ['an event under another key', (e) => e.packageEvents.splice(0, 1, event(1, 1, { key: '?' })), /its key is \?/],
    ['events in another order', (e) => e.packageEvents.splice(0, 1, event(1, 1, { offset: 20 })), /behind later ones/],
    ['a hole where no daemon died', (e) => edge(e).deathsMs.splice(0, 1, 250), /2 scans before scan-7 were never/],
    ['a scan lost at the end', (e) => e.emissions.push({ ...(e.emissions[9] ?? fail()), text: 'late' }), /the last 1/],
    ['an alert lost', (e) => e.alertIds.shift(), /alert: missing 1/],
    ['an alert twice', (e) => e.alertIds.push(eventIdOf(identity(3))), /alert: doubled 3/],
    ['an alert record that never came', (e) => e.alertRecords.splice(2, 1), /alert: missing 2/],
    ['a point lost', (e) => e.points.pop(), /telemetry: missing 4/],
    ['a point under two times', (e) => e.points.push({ gatewayId: 'gw-1', sequence: 2 }), /telemetry: doubled 2/],
    [
      'something pending',
      (e) => Object.assign(edge(e).lanes.alert, { delivered: 2, pending: 1 }),
      /pending 1 does not/,
    ],
    ['a rejected reading', (e) => Object.assign(edge(e).rejected, { tracking: 1 }), /1 readings were rejected/],
    ['an edge out of balance', (e) => Object.assign(edge(e), { balanced: false }), /says itself/],
    [
      'a hub that has seen less',
      (e) => Object.assign(e.hub.tracking, { seen: 7, missing: 1 }),
      /hub tracking: highest 8/,
    ],
    ['a dead letter', (e) => Object.assign(e, { deadLetters: 1 }), /dead-letters holds 1/],
    ['a timeline with one event more', (e) => e.timeline.set('gw-1', 9), /timeline has 9 events, not 8/],
  ])('finds %s', (_, plant, expected) => {
    const evidence = good();
    plant(evidence);
    const { ok, differences } = judge(evidence);
    expect(ok).toBe(false);
    expect(differences.join('\n')).toMatch(expected);
  });

  it('takes what a gateway stated as lost for lost, and nothing else', () => {
    const evidence = good();
    evidence.packageEvents.splice(0, 1);
    Object.assign(edge(evidence).lanes.tracking, { delivered: 7, evicted: 1 });
    evidence.hub.tracking = { highest: 8, seen: 7, lost: 1, missing: 0 };
    evidence.timeline.set('gw-1', 7);
    expect(judge(evidence).differences).toEqual(['gw-1 tracking: missing 1']);
    evidence.alertRecords.splice(2, 1, {
      ...identity(2),
      kind: 'range',
      statement: { fate: 'evicted', lane: 'tracking', first: 1, last: 1 },
    });
    expect(judge(evidence)).toMatchObject({ differences: [], lanes: { tracking: { delivered: 7, evicted: 1 } } });
  });

  it('knows that a sequence which was skipped is no record', () => {
    const evidence = good();
    for (const found of evidence.packageEvents) found.source.sequence += 1;
    evidence.hub.tracking = { highest: 9, seen: 8, lost: 1, missing: 0 };
    expect(judge(evidence).differences).toEqual([
      'gw-1 tracking: missing 1',
      'gw-1 tracking: never accepted, but delivered 9',
      expect.stringContaining('hub tracking'),
    ]);
    const statement = { fate: 'unused' as const, lane: 'tracking' as const, first: 1, last: 1 };
    evidence.alertRecords.splice(2, 1, { ...identity(2), kind: 'range', statement });
    expect(judge(evidence)).toMatchObject({ differences: [], lanes: { tracking: { delivered: 8, unused: 1 } } });
  });
});

function fail(): never {
  throw new Error('no such scan');
}

describe('the plan', () => {
  const targets = [
    { name: 'hub-1', kinds: ['kill', 'freeze'] as const },
    { name: 'broker', kinds: ['kill', 'restart'] as const },
    { name: 'gw-1 → broker', kinds: ['cut', 'hang', 'delay'] as const },
  ];
  const plan = (seed: number) =>
    planFaults({ targets, durationMs: 120_000, meanGapMs: 2_000, random: seededRandom(seed) });

  it('follows from the seed alone, and deals every fault', () => {
    expect(plan(1)).toEqual(plan(1));
    expect(plan(1)).not.toEqual(plan(2));
    expect(new Set(plan(1).map(({ target, kind }) => `${target} ${kind}`)).size).toBe(7);
  });

  it('overlaps faults, but never two on one target', () => {
    const faults = plan(3);
    const endMs = ({ atMs, forMs }: { atMs: number; forMs: number }) => atMs + forMs;
    const overlapping = faults.filter((fault, at) => faults.slice(0, at).some((other) => endMs(other) > fault.atMs));
    expect(overlapping.length).toBeGreaterThan(10);
    for (const ofTarget of groupBy(faults, ({ target }) => target).values()) {
      ofTarget.forEach((fault, at) => {
        expect(fault.atMs).toBeGreaterThan(at === 0 ? -1 : endMs(ofTarget[at - 1] ?? fault));
      });
    }
  });
});
