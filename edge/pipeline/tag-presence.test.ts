import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type PresenceChange, type PresencePoint, TagPresence, type TagRead } from './tag-presence.ts';

const SECOND = 1_000_000;
const TAG = '3074257bf7194e4000001a85';
const read = (rssiDbm?: number, more: Partial<TagRead> = {}): TagRead => ({
  epcHex: TAG,
  deviceId: 'portal',
  antenna: 1,
  reads: 1,
  ...(rssiDbm === undefined ? {} : { rssiDbm }),
  ...more,
});
const door = (more: Partial<PresencePoint> = {}): PresencePoint => ({ id: 'door', tagDepartedAfterMs: 5_000, ...more });
const told = (changes: PresenceChange[]) => changes.map(({ kind, readPoint }) => `${kind} ${readPoint}`);

/** Confirms at once what changes, as a disk that is quick does. */
class Watched {
  readonly presence: TagPresence;
  readonly changes: PresenceChange[] = [];

  constructor(points: PresencePoint[], maxTags?: number) {
    this.presence = new TagPresence(points, maxTags);
  }

  see(point: string, what: TagRead, atUs: number): string[] {
    return this.#confirm(this.presence.see(point, what, atUs));
  }

  tick(atUs: number): string[] {
    return this.#confirm(this.presence.tick(atUs));
  }

  #confirm(changes: PresenceChange[]): string[] {
    for (const change of changes) this.presence.confirm(change);
    this.changes.push(...changes);
    return told(changes);
  }
}

describe('a tag at a read point', () => {
  it('arrives once, stays while it is read, and departs after its silence', () => {
    const t = new Watched([door()]);
    expect(t.see('door', read(-60), 0)).toEqual(['arrived door']);
    for (let second = 1; second <= 20; second++) {
      expect(t.see('door', read(-70 + second, { antenna: second }), second * SECOND)).toEqual([]);
      expect(t.tick(second * SECOND)).toEqual([]);
    }
    expect(t.tick(25 * SECOND)).toEqual([]);
    expect(t.tick(25 * SECOND + 1)).toEqual(['departed door']);
    expect(t.changes[1]).toMatchObject({ reads: 21, firstUs: 0, lastUs: 20 * SECOND, rssiDbm: -50, antenna: 20 });
    expect(t.presence.size).toBe(0);
    expect(t.see('door', read(), 26 * SECOND)).toEqual(['arrived door']);
  });

  it('that is read after its silence has left and come back, even when nobody looked in between', () => {
    const t = new Watched([door()]);
    t.see('door', read(), 0);
    expect(t.see('door', read(), 60 * SECOND)).toEqual(['departed door', 'arrived door']);
  });

  it('is at two read points that are no zone', () => {
    const t = new Watched([door(), door({ id: 'belt' })]);
    expect(t.see('door', read(), 0)).toEqual(['arrived door']);
    expect(t.see('belt', read(), 0)).toEqual(['arrived belt']);
    expect(t.presence.size).toBe(2);
  });

  it('counts anew when its arrival could not be stored', () => {
    const presence = new TagPresence([door()]);
    const [arrival] = presence.see('door', read(), 0);
    expect([...presence.stays()]).toEqual([]);
    presence.takeBack(arrival as PresenceChange);
    expect(told(presence.see('door', read(), 1))).toEqual(['arrived door']);
  });

  it('does not depart before its arrival is on disk', () => {
    const presence = new TagPresence([door()]);
    const [arrival] = presence.see('door', read(), 0);
    expect(presence.tick(60 * SECOND)).toEqual([]);
    presence.confirm(arrival as PresenceChange);
    expect(told(presence.tick(60 * SECOND))).toEqual(['departed door']);
  });

  it('is among the stays until its departure is on disk, and the next tenant of its slot is not mistaken for it', () => {
    const t = new Watched([door()]);
    t.see('door', read(), 0);
    const [departure] = t.presence.tick(60 * SECOND);
    expect([...t.presence.stays()]).toMatchObject([{ epcHex: TAG, readPoint: 'door' }]);
    const [other] = t.presence.see('door', read(-40, { epcHex: 'e2' }), 61 * SECOND);
    expect(other?.slot).toBe(departure?.slot);
    t.presence.takeBack(departure as PresenceChange);
    expect([...t.presence.stays()]).toEqual([]);
    t.presence.confirm(other as PresenceChange);
    expect([...t.presence.stays()]).toMatchObject([{ epcHex: 'e2' }]);
  });

  it('does not depart while its reader is away, and has its whole silence when that is back', () => {
    const t = new Watched([door()]);
    t.see('door', read(), 0);
    t.presence.listen('door', false, SECOND);
    expect(t.tick(3600 * SECOND)).toEqual([]);
    t.presence.listen('door', true, 3600 * SECOND);
    expect(t.tick(3604 * SECOND)).toEqual([]);
    expect(t.tick(3606 * SECOND)).toEqual(['departed door']);
    expect(t.changes[1]?.lastUs).toBe(0);
  });
});

describe('adaptive silence', () => {
  const adaptive = door({ tagDepartedAfterMs: 'adaptive' });

  it.each([
    ['read ten times a second', 0.1, 1],
    ['read every two seconds', 2, 6],
    ['read every twenty seconds', 20, 30],
  ])('of a tag that is %s', (_, everySeconds, silenceSeconds) => {
    const t = new Watched([adaptive]);
    let atUs = 0;
    t.presence.listen('door', false, 0);
    while (atUs < 200 * SECOND) {
      t.see('door', read(), atUs);
      atUs += everySeconds * SECOND;
    }
    const lastUs = atUs - everySeconds * SECOND;
    t.presence.listen('door', true, lastUs);
    expect(t.tick(lastUs + silenceSeconds * SECOND * 0.99)).toEqual([]);
    expect(t.tick(lastUs + silenceSeconds * SECOND * 1.01)).toEqual(['departed door']);
  });

  it('bridges the pause of a reader that goes round its antennas', () => {
    const t = new Watched([adaptive]);
    for (let round = 0; round < 30; round++) {
      for (let n = 0; n < 20; n++) t.see('door', read(), round * 2 * SECOND + n * 10_000);
      t.tick(round * 2 * SECOND + 1.9 * SECOND);
    }
    expect(told(t.changes)).toEqual(['arrived door']);
  });

  it('waits five seconds where it knows nothing, also after a restart', () => {
    const t = new Watched([adaptive]);
    t.see('door', read(), 0);
    expect(t.tick(4 * SECOND)).toEqual([]);
    const again = new Watched([adaptive]);
    for (const stay of t.presence.stays()) again.presence.restore({ ...stay, reads: 99 }, 100 * SECOND);
    expect(again.tick(104.9 * SECOND)).toEqual([]);
    expect(again.tick(105.1 * SECOND)).toEqual(['departed door']);
  });
});

describe('read points of one zone', () => {
  const points = [door({ id: 'door-1', zone: 'dock' }), door({ id: 'door-2', zone: 'dock' })];
  const hear = (t: Watched, fromUs: number, toUs: number, rssi: { 'door-1'?: number; 'door-2'?: number }) => {
    for (let atUs = fromUs; atUs < toUs; atUs += 50_000) {
      for (const [point, dbm] of Object.entries(rssi)) {
        t.see(point, read(dbm, { antenna: point === 'door-1' ? 1 : 2, deviceId: `reader of ${point}` }), atUs);
      }
      t.tick(atUs);
    }
  };

  it('see a tag at the one with the stronger signal, though the other one saw it first', () => {
    const t = new Watched(points);
    t.see('door-1', read(-72), 0);
    hear(t, 10_000, 2 * SECOND, { 'door-1': -72, 'door-2': -50 });
    expect(told(t.changes)).toEqual(['arrived door-2']);
    expect(t.changes[0]).toMatchObject({ firstUs: 0, antenna: 2, rssiDbm: -50, deviceId: 'reader of door-2' });
  });

  it('decide by time alone for a tag that was read once', () => {
    const t = new Watched(points);
    t.see('door-1', read(-72), 0);
    expect(t.tick(0.4 * SECOND)).toEqual([]);
    expect(t.tick(0.6 * SECOND)).toEqual(['arrived door-1']);
    expect(t.tick(10 * SECOND)).toEqual(['departed door-1']);
  });

  it('do not let a tag between them flap', () => {
    const t = new Watched(points);
    for (let second = 0; second < 60; second++) {
      const swing = second % 2 === 0 ? 2 : -2;
      hear(t, second * SECOND, (second + 1) * SECOND, { 'door-1': -60 + swing, 'door-2': -60 - swing });
    }
    expect(t.changes).toHaveLength(1);
  });

  it('follow a tag from one to the other: it departs here and arrives there', () => {
    const t = new Watched(points);
    hear(t, 0, 5 * SECOND, { 'door-1': -50, 'door-2': -75 });
    hear(t, 5 * SECOND, 10 * SECOND, { 'door-1': -75, 'door-2': -50 });
    expect(told(t.changes)).toEqual(['arrived door-1', 'departed door-1', 'arrived door-2']);
    const [, departed, arrived] = t.changes;
    expect(departed).toMatchObject({ antenna: 1, rssiDbm: -50, lastUs: arrived?.firstUs });
    expect(arrived).toMatchObject({ antenna: 2, rssiDbm: -50, deviceId: 'reader of door-2' });
    expect(arrived?.firstUs).toBeLessThan(8 * SECOND);
    expect(t.presence.size).toBe(1);
  });

  it('weigh reads without RSSI by their number', () => {
    const t = new Watched(points);
    t.see('door-1', read(undefined, { reads: 2 }), 0);
    t.see('door-2', read(undefined, { reads: 9 }), 1000);
    expect(t.tick(SECOND)).toEqual(['arrived door-2']);
  });
});

describe('the bound', () => {
  it('gives up those unseen for longest, and says so', () => {
    const t = new Watched([door()], 128);
    for (let n = 0; n < 200; n++) t.see('door', read(-60, { epcHex: n.toString(16).padStart(24, '0') }), n);
    expect(t.presence.size).toBeLessThanOrEqual(128);
    const departed = t.changes.filter(({ kind }) => kind === 'departed').map(({ lastUs }) => lastUs);
    expect(departed).toEqual(departed.map((_, index) => index));
    expect(departed.length + t.presence.size).toBe(200);
  });

  it('holds while the disk takes no arrivals: the tags count from a later read', () => {
    const presence = new TagPresence([door()], 4);
    for (let n = 0; n < 10; n++) presence.see('door', read(-60, { epcHex: `0${n}` }), n);
    expect(presence.size).toBe(4);
  });
});

it('whatever is read and whenever: arrivals and departures of a tag take turns at each read point', () => {
  const points = [door(), door({ id: 'a', zone: 'z', tagDepartedAfterMs: 'adaptive' }), door({ id: 'b', zone: 'z' })];
  const step = fc.record({
    point: fc.constantFrom('door', 'a', 'b'),
    tag: fc.constantFrom('01', '02', '03'),
    rssi: fc.option(fc.integer({ min: -90, max: -20 }), { nil: undefined }),
    passedUs: fc.constantFrom(0, 1000, 100_000, 700_000, 3 * SECOND, 20 * SECOND),
    fate: fc.constantFrom('stored', 'stored', 'refused', 'later'),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 120 }), (steps) => {
      const presence = new TagPresence(points, 16);
      const present = new Map<string, boolean>();
      const later: PresenceChange[] = [];
      let atUs = 0;
      for (const { point, tag, rssi, passedUs, fate } of steps) {
        atUs += passedUs;
        const changes = [...presence.tick(atUs), ...presence.see(point, read(rssi, { epcHex: tag }), atUs)];
        for (const change of changes) {
          const key = `${change.readPoint} ${change.epcHex}`;
          expect(present.get(key) ?? false).toBe(change.kind === 'departed');
          expect(change.firstUs).toBeLessThanOrEqual(change.lastUs);
          present.set(key, change.kind === 'arrived');
          if (fate === 'later') later.push(change);
          else if (fate === 'stored' || change.kind === 'departed') presence.confirm(change);
          else {
            presence.takeBack(change);
            present.set(key, false);
          }
        }
        if (fate === 'stored') for (const change of later.splice(0)) presence.confirm(change);
      }
      for (const change of later.splice(0)) presence.confirm(change);
      const stays = [...presence.stays()].map(({ readPoint, epcHex }) => `${readPoint} ${epcHex}`).sort();
      expect(stays).toEqual([...present].flatMap(([key, isPresent]) => (isPresent ? key : [])).sort());
    }),
    { seed: 20261123, numRuns: 300 },
  );
});
