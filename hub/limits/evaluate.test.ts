import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { placeOf, placesOf } from './places.ts';
import { evaluateOf, MINUTE_US, START_US, shock, temperature, VAN } from './sample-readings.test-support.ts';

const found = (...args: Parameters<typeof evaluateOf>) =>
  evaluateOf(...args).map(({ kind, beganUs, endedUs, worst, first }) => ({
    kind,
    from: (beganUs - START_US) / MINUTE_US,
    to: endedUs === undefined ? undefined : (endedUs - START_US) / MINUTE_US,
    worst,
    sequence: first.sequence,
  }));
const cold = { temperatureCelsius: { low: 2, high: 8 } };

describe('a temperature range', () => {
  it('is broken from the first reading beyond it until one is back inside, with the worst value', () => {
    const readings = [5, 8, 8.1, 12, 7.8, 7.4, 5, 1, 1.8, 3].map((celsius, minute) => temperature(minute, celsius));
    expect(found(cold, [{ readings }])).toEqual([
      { kind: 'TEMPERATURE_EXCEPTION', from: 2, to: 5, worst: 12, sequence: 3 },
      { kind: 'TEMPERATURE_EXCEPTION', from: 7, to: 9, worst: 1, sequence: 8 },
    ]);
  });

  it('is no longer broken where the package has left, and stays broken while it has not', () => {
    const readings = [temperature(1, 10), temperature(2, 11)];
    expect(found(cold, [{ readings, toMinute: 2.5 }])).toMatchObject([{ from: 1, to: 2.5, worst: 11 }]);
    expect(found(cold, [{ readings }])).toMatchObject([{ from: 1, to: undefined }]);
  });

  it('broken on two sensors of one van at once is one violation', () => {
    const two = [
      temperature(1, 10, { deviceId: 'front' }),
      temperature(2, 14, { deviceId: 'rear' }),
      temperature(3, 5, { deviceId: 'front' }),
      temperature(4, 5, { deviceId: 'rear' }),
    ];
    expect(found(cold, [{ readings: two }])).toEqual([
      { kind: 'TEMPERATURE_EXCEPTION', from: 1, to: 4, worst: 14, sequence: 2 },
    ]);
  });
});

describe('a fragile package', () => {
  it('takes less than 2 g; what falls and bounces is one shock, over a minute after the last', () => {
    const readings = [shock(1, 1.9), shock(2, 5), shock(2.5, 7), shock(3.4, 2), shock(30, 2)];
    expect(found({ fragile: true }, [{ readings }])).toEqual([
      { kind: 'EXCESSIVE_SHOCK', from: 2, to: 4.4, worst: 7, sequence: 201 },
      { kind: 'EXCESSIVE_SHOCK', from: 30, to: 31, worst: 2, sequence: 3001 },
    ]);
    expect(found({ fragile: true, maxShockG: 6 }, [{ readings }])).toMatchObject([{ from: 2.5, worst: 7 }]);
    expect(found(cold, [{ readings }])).toEqual([]);
  });
});

it('the same, whatever the order in which readings came', () => {
  const point = fc.record({ minute: fc.integer({ min: 0, max: 60 }), value: fc.integer({ min: -5, max: 15 }) });
  fc.assert(
    fc.property(fc.uniqueArray(point, { selector: ({ minute }) => minute, maxLength: 30 }), (points) => {
      const readings = points.map(({ minute, value }) => temperature(minute, value));
      const sorted = [...readings].sort((a, b) => a.atUs - b.atUs);
      const violations = found(cold, [{ readings: sorted }]);
      // An excursion begins beyond the limits, and only there.
      const beyond = sorted.filter(({ value }) => value < 2 || value > 8);
      expect(violations.length > 0).toBe(beyond.length > 0);
      for (const { from } of violations)
        expect(beyond.some(({ atUs }) => atUs === START_US + from * MINUTE_US)).toBe(true);
      for (const { atUs } of beyond) {
        const at = (atUs - START_US) / MINUTE_US;
        expect(violations.some(({ from, to }) => from <= at && (to === undefined || at <= to))).toBe(true);
      }
    }),
    { seed: 3, numRuns: 150 },
  );
});

it('readings count for those whose place they tell of', () => {
  const dock = { facilityId: 'HUB-A', readPoint: 'dock-4' };
  expect(placesOf(VAN)).toEqual([placeOf({ ...VAN, readPoint: 'tailgate' })]);
  expect(placesOf(dock)).toContain(placeOf(dock));
  expect(placesOf(dock)).toContain(placeOf({ facilityId: 'HUB-A' }));
  expect(placesOf(dock)).not.toContain(placeOf({ ...dock, readPoint: 'dock-5' }));
  expect(placesOf({ facilityId: 'HUB-A' })).toEqual([placeOf({ facilityId: 'HUB-A' })]);
  expect(placesOf({})).toEqual([]);
  expect(placeOf({ readPoint: 'nowhere' })).toBeUndefined();
});
