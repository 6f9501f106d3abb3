import { describe, expect, it } from 'vitest';
import { type Geofence, type LatLon, metersOutside } from '../../protocols/base/geofence.ts';
import { Motion, type MotionEvent, type MotionOptions } from './motion.ts';

const SECOND = 1_000_000;
const DEPOT = { latitude: 52.531, longitude: 13.381 };
const SHOP = { latitude: 52.56, longitude: 13.45 };
const OPTIONS: MotionOptions = {
  geofences: [
    { id: 'depot', ...DEPOT, radiusMeters: 150 },
    { id: 'shop', ...SHOP, radiusMeters: 100 },
  ],
  departAfterMs: 20_000,
  arriveAfterMs: 30_000,
  standingBelowMetersPerSecond: 1.5,
  movingAboveMetersPerSecond: 3,
  marginMeters: 30,
  stops: false,
  stopAfterMs: 180_000,
};

/** So many metres to the north and east. */
function shifted(from: LatLon, north: number, east = 0): LatLon {
  const latitude = from.latitude + north / 111_195;
  return { latitude, longitude: from.longitude + east / (111_195 * Math.cos((from.latitude * Math.PI) / 180)) };
}

class Van {
  motion: Motion;
  readonly events: MotionEvent[] = [];
  atUs = 0;

  constructor(options: Partial<MotionOptions> = {}) {
    this.motion = new Motion({ ...OPTIONS, ...options });
  }

  /** A fix a second. */
  fix(position: LatLon, more: { speed?: number | undefined; hdop?: number; deviceId?: string; own?: number } = {}) {
    this.atUs += SECOND;
    if (more.own !== undefined) this.motion.observeSpeed(more.own, this.atUs);
    const event = this.motion.observeFix({
      ...position,
      deviceId: more.deviceId ?? 'gps',
      atUs: this.atUs,
      ...(more.speed === undefined ? {} : { speedMetersPerSecond: more.speed }),
      ...(more.hdop === undefined ? {} : { hdop: more.hdop }),
    });
    if (event) this.events.push(event);
  }

  stand(position: LatLon, seconds: number, more: Parameters<Van['fix']>[1] = { speed: 0.1 }) {
    for (let n = 0; n < seconds; n++) this.fix(position, more);
  }

  /** Straight on, at 10 m/s. */
  drive(from: LatLon, to: LatLon, more: Parameters<Van['fix']>[1] = { speed: 10 }) {
    const seconds = Math.ceil(metersOutside({ id: '', ...to, radiusMeters: 0 }, from) / 10);
    for (let n = 1; n <= seconds; n++) {
      const part = n / seconds;
      const latitude = from.latitude + (to.latitude - from.latitude) * part;
      this.fix({ latitude, longitude: from.longitude + (to.longitude - from.longitude) * part }, more);
    }
  }

  /** Another process: what was stated is all that it knows. */
  restart() {
    const { stated } = this.motion;
    this.motion = new Motion(OPTIONS);
    this.motion.resume(JSON.parse(JSON.stringify(stated)));
  }

  get told(): string[] {
    return this.events.map(({ kind, facilityId }) => `${kind} ${facilityId ?? 'somewhere'}`);
  }
}

describe('a tour', () => {
  it.each([
    ['with the receiver’s speed', { speed: 10 }, { speed: 0.2 }],
    ['without any speed', {}, {}],
    ['with the vehicle’s own speed', { own: 10 }, { own: 0 }],
  ])('%s is one departure and one arrival, dated to when they began', (_, moving, standing) => {
    const van = new Van();
    van.stand(DEPOT, 60, standing);
    const leftUs = van.atUs;
    van.drive(DEPOT, SHOP, moving);
    const reachedUs = van.atUs;
    van.stand(SHOP, 60, standing);
    expect(van.told).toEqual(['arrived depot', 'departed depot', 'arrived shop']);
    const [, departed, arrived] = van.events;
    // 180 m at 10 m/s.
    expect(departed?.atUs).toBe(leftUs + 19 * SECOND);
    expect(metersOutside(OPTIONS.geofences[0] as Geofence, departed?.position as LatLon)).toBeGreaterThan(30);
    expect((arrived?.atUs ?? 0) - reachedUs).toBeLessThanOrEqual(0);
    expect(reachedUs - (arrived?.atUs ?? 0)).toBeLessThanOrEqual(11 * SECOND);
    expect(arrived?.deviceId).toBe('gps');
  });

  it('does not arrive where it passes through', () => {
    const van = new Van();
    van.drive(shifted(SHOP, -2000), shifted(SHOP, 2000));
    expect(van.events).toEqual([]);
  });

  it('arrives in a yard where it is moved about all the time', () => {
    const van = new Van();
    for (let n = 0; n < 170; n++) van.fix(shifted(DEPOT, (n % 20) * 2), { speed: 2 });
    expect(van.told).toEqual(['arrived depot']);
  });

  it('knows the vehicle’s own fence from polygons too', () => {
    const yard = [
      shifted(DEPOT, -200, -50),
      shifted(DEPOT, -200, 50),
      shifted(DEPOT, 200, 50),
      shifted(DEPOT, 200, -50),
    ];
    const van = new Van({ geofences: [{ id: 'yard', polygon: yard }] });
    van.stand(shifted(DEPOT, 190), 40);
    van.drive(shifted(DEPOT, 190), shifted(DEPOT, 190, 1000));
    expect(van.told).toEqual(['arrived yard', 'departed yard']);
  });
});

describe('no departure', () => {
  const parked = (options: Partial<MotionOptions> = {}) => {
    const van = new Van(options);
    van.stand(DEPOT, 60);
    expect(van.told).toEqual(['arrived depot']);
    return van;
  };

  it('from a receiver that wanders under a roof', () => {
    const van = parked();
    for (let n = 0; n < 600; n++) van.fix(shifted(DEPOT, 180 + (n % 7) * 10), { speed: 0.6 });
    expect(van.told).toEqual(['arrived depot']);
  });

  it('from a receiver that is far off while the wheels stand', () => {
    const van = parked();
    for (let n = 0; n < 300; n++) van.fix(shifted(DEPOT, 200 + n * 3), { speed: 5, own: 0 });
    expect(van.told).toEqual(['arrived depot']);
  });

  it('from fixes that the receiver itself calls bad', () => {
    const van = parked();
    for (let n = 0; n < 300; n++) van.fix(shifted(DEPOT, 900), { speed: 12, hdop: 20 });
    expect(van.told).toEqual(['arrived depot']);
  });

  it('from single jumps over any distance', () => {
    const van = parked();
    for (let n = 0; n < 600; n++) {
      if (n % 10 === 0) van.fix({ latitude: n % 90, longitude: n % 180 }, { speed: 40 });
      else van.fix(DEPOT, { speed: 0 });
    }
    expect(van.told).toEqual(['arrived depot']);
  });

  it('from a receiver that starts anew with a wrong place', () => {
    const van = parked();
    van.atUs += 600 * SECOND;
    van.stand({ latitude: 0.001, longitude: 0.001 }, 4);
    van.stand(DEPOT, 60);
    expect(van.told).toEqual(['arrived depot']);
  });

  it('across the border and back', () => {
    const van = parked();
    for (let round = 0; round < 20; round++) {
      van.drive(DEPOT, shifted(DEPOT, 260));
      van.drive(shifted(DEPOT, 260), DEPOT);
    }
    expect(van.told).toEqual(['arrived depot']);
  });

  it('from fixes with long pauses between them', () => {
    const van = parked();
    for (let n = 0; n < 20; n++) {
      van.atUs += 60 * SECOND;
      van.fix(shifted(DEPOT, 200), { speed: 4 });
    }
    expect(van.told).toEqual(['arrived depot']);
  });

  it('from a second receiver that sees it elsewhere', () => {
    const van = parked();
    for (let n = 0; n < 100; n++) {
      van.fix(DEPOT, { speed: 0 });
      van.fix(shifted(DEPOT, 900), { speed: 10, deviceId: 'other' });
    }
    expect(van.told).toEqual(['arrived depot']);
  });
});

describe('a departure in the end', () => {
  it('of a vehicle that was carried away while its receiver was off', () => {
    const van = new Van();
    van.stand(DEPOT, 60);
    van.atUs += 3600 * SECOND;
    van.stand(SHOP, 90);
    expect(van.told).toEqual(['arrived depot', 'departed depot', 'arrived shop']);
  });

  it('of one whose receiver told of an impossible jump and stays with it', () => {
    const van = new Van();
    van.stand(DEPOT, 60);
    van.stand({ latitude: 48, longitude: 11 }, 90);
    expect(van.told).toEqual(['arrived depot', 'departed depot']);
  });
});

describe('over a restart', () => {
  it('says nothing twice', () => {
    const van = new Van();
    van.stand(DEPOT, 60);
    van.restart();
    van.stand(DEPOT, 60);
    van.drive(DEPOT, shifted(DEPOT, 1000));
    van.restart();
    van.drive(shifted(DEPOT, 1000), SHOP);
    van.stand(SHOP, 60);
    expect(van.told).toEqual(['arrived depot', 'departed depot', 'arrived shop']);
  });

  it('notices that the vehicle has left meanwhile', () => {
    const van = new Van();
    van.stand(DEPOT, 60);
    van.restart();
    van.drive(shifted(DEPOT, 3000), shifted(DEPOT, 4000));
    expect(van.told).toEqual(['arrived depot', 'departed depot']);
  });
});

describe('stops outside of all fences', () => {
  const corner = shifted(DEPOT, 5000);

  it('are stated when they are asked for', () => {
    const van = new Van({ stops: true });
    van.stand(corner, 170);
    expect(van.events).toEqual([]);
    van.stand(corner, 20);
    expect(van.motion.stated.stop?.latitude).toBeCloseTo(corner.latitude, 9);
    van.drive(corner, shifted(corner, 800));
    expect(van.told).toEqual(['arrived somewhere', 'departed somewhere']);
  });

  it('are none at a red light, and none unless asked for', () => {
    const van = new Van({ stops: true });
    van.stand(corner, 100);
    van.drive(corner, shifted(corner, 300));
    van.stand(shifted(corner, 300), 100);
    expect(van.events).toEqual([]);
    const silent = new Van();
    silent.stand(corner, 600);
    expect(silent.events).toEqual([]);
  });
});

describe('geofences', () => {
  it('measure to the border, and across the date line', () => {
    const circle: Geofence = { id: 'f', latitude: 0, longitude: 179.999, radiusMeters: 100 };
    expect(metersOutside(circle, { latitude: 0, longitude: -179.999 })).toBeCloseTo(122.4, 0);
    const square = [
      shifted(DEPOT, -100, -100),
      shifted(DEPOT, -100, 100),
      shifted(DEPOT, 100, 100),
      shifted(DEPOT, 100, -100),
    ];
    const fence: Geofence = { id: 's', polygon: square };
    expect(metersOutside(fence, DEPOT)).toBeCloseTo(-100, 0);
    expect(metersOutside(fence, shifted(DEPOT, 0, 150))).toBeCloseTo(50, 0);
    expect(metersOutside(fence, shifted(DEPOT, 130, 140))).toBeCloseTo(50, 0);
  });
});
