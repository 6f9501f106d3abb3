import { describe, expect, it } from 'vitest';
import { Journey } from './journey.ts';

// 0.0045° of latitude is 500.4 m on a sphere of 6371 km.
const OUT_AND_BACK = [
  { stop: 'hub', stopS: 20, latitude: 50, longitude: 8, speedKmh: 36 },
  { stop: 'door', stopS: 10, latitude: 50.0045, longitude: 8, speedKmh: 36 },
];
const LEG_S = 500.4 / 10 + 10 / 1.8;

describe('Journey', () => {
  const journey = new Journey(OUT_AND_BACK);

  it('stands at its stops, says which and for how long', () => {
    expect(journey.at(5)).toMatchObject({ stop: 'hub', stopLeftS: 15, speedMetersPerSecond: 0, latitude: 50 });
    expect(journey.at(20 + LEG_S + 1)).toMatchObject({ stop: 'door', latitude: 50.0045 });
    expect(journey.periodS).toBeCloseTo(30 + 2 * LEG_S, 1);
  });

  it('speeds up, cruises, slows down, and never jumps', () => {
    expect(journey.at(21).speedMetersPerSecond).toBeCloseTo(1.8, 5);
    expect(journey.at(40)).toMatchObject({ speedMetersPerSecond: 10, courseDegrees: 0, stopLeftS: 0 });
    expect(journey.at(20 + LEG_S - 1).speedMetersPerSecond).toBeCloseTo(1.8, 1);
    let previous = journey.at(0).latitude;
    for (let atS = 0.1; atS < journey.periodS * 2; atS += 0.1) {
      const { latitude, speedMetersPerSecond } = journey.at(atS);
      expect(Math.abs(latitude - previous) * 111_195).toBeLessThan(1.01);
      expect(speedMetersPerSecond).toBeLessThanOrEqual(10);
      previous = latitude;
    }
  });

  it('drives through waypoints without stopping and comes back for ever', () => {
    const loop = new Journey([
      { stop: 'hub', stopS: 5, latitude: 50, longitude: 8 },
      { latitude: 50.002, longitude: 8.002 },
      { latitude: 50, longitude: 8.004 },
    ]);
    expect(loop.stops).toEqual(['hub']);
    expect(loop.at(loop.periodS + 2)).toEqual(loop.at(2));
    expect(loop.at(loop.periodS / 2 + 2.5).speedMetersPerSecond).toBeGreaterThan(8);
  });

  it('drives each segment at its speed, and slows down in time for the next one and for a corner', () => {
    const route = new Journey([
      { stop: 'hub', stopS: 10, latitude: 50, longitude: 8, speedKmh: 72 },
      { latitude: 50.009, longitude: 8, speedKmh: 36 },
      { latitude: 50.018, longitude: 8, passKmh: 18 },
      { stop: 'door', stopS: 10, latitude: 50.027, longitude: 8, speedKmh: 36 },
    ]);
    const states = Array.from({ length: 2000 }, (_, i) => route.at(10 + i / 10)).filter(
      ({ stop }) => stop === undefined,
    );
    const between = (from: number, to: number) =>
      states.filter(({ latitude }) => latitude > from && latitude < to).map((state) => state.speedMetersPerSecond);
    expect(Math.max(...between(50, 50.009))).toBeCloseTo(20, 5);
    expect(Math.max(...between(50.0091, 50.027))).toBeCloseTo(10, 5);
    expect(Math.min(...between(50.0175, 50.0185))).toBeCloseTo(5, 0);
    for (let i = 1; i < 1000; i++) {
      const [before, after] = [route.at(i / 10), route.at((i + 1) / 10)];
      expect(Math.abs(after.speedMetersPerSecond - before.speedMetersPerSecond)).toBeLessThan(0.1801);
      const moved = Math.abs(after.latitude - before.latitude) * 111_195;
      expect(moved).toBeCloseTo((after.speedMetersPerSecond + before.speedMetersPerSecond) / 20, 1);
    }
  });

  it('says when it arrives where', () => {
    expect(journey.arrivals).toEqual([
      { stop: 'hub', atS: 0 },
      { stop: 'door', atS: expect.closeTo(20 + LEG_S, 1) },
    ]);
  });

  it('stands still with one waypoint', () => {
    expect(new Journey([{ latitude: 1, longitude: 2, stopS: 1 }]).at(12.3)).toMatchObject({
      latitude: 1,
      longitude: 2,
    });
  });
});
