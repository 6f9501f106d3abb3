/**
 * Where a vehicle is: a closed route of waypoints, driven for ever, with stops on it.
 *
 * Between two stops the vehicle speeds up and slows down at ACCELERATION and keeps to the leg's speed in between; turns
 * are driven at speed. Distances are on a sphere, straight between waypoints: routes of a town, not of an ocean.
 * A pure function of the time since the start: the GPS, the shock sensor and the packages on board all ask the same journey.
 */

export interface Waypoint {
  latitude: number;
  longitude: number;
  altitudeMeters?: number | undefined;
  /** Speed on the way from here on; that of the waypoint before, unless told. */
  speedKmh?: number | undefined;
  /** The vehicle stands here for so long. */
  stopS?: number | undefined;
  /** Name of the stop, for the flow's `at`: `hub`, `delivery-1`. */
  stop?: string | undefined;
}

export interface VehicleState {
  latitude: number;
  longitude: number;
  altitudeMeters: number;
  speedMetersPerSecond: number;
  courseDegrees: number;
  /** Where it stands; absent while driving. */
  stop?: string;
  /** Seconds until it drives on; 0 while driving. */
  stopLeftS: number;
}

/** A vehicle that may be asked where it is now. */
export interface Drive {
  now(): VehicleState;
}

const EARTH_RADIUS_METERS = 6_371_000;
const ACCELERATION = 1.8;
const DEFAULT_SPEED_KMH = 40;

interface Segment {
  from: Waypoint;
  to: Waypoint;
  lengthMeters: number;
  courseDegrees: number;
}

/** From standstill to standstill. */
interface Leg {
  stopS: number;
  stop: string | undefined;
  segments: Segment[];
  lengthMeters: number;
  speed: number;
  driveS: number;
}

export class Journey {
  readonly #legs: Leg[];
  readonly #periodS: number;

  /** @param waypoints at least one, the first of them a stop; the route leads from the last back to the first. */
  constructor(waypoints: readonly Waypoint[]) {
    this.#legs = legsOf(waypoints);
    this.#periodS = this.#legs.reduce((sum, leg) => sum + leg.stopS + leg.driveS, 0);
  }

  /** Seconds for once around. */
  get periodS(): number {
    return this.#periodS;
  }

  get stops(): string[] {
    return this.#legs.flatMap((leg) => (leg.stop === undefined ? [] : [leg.stop]));
  }

  at(sinceStartS: number): VehicleState {
    let leftS = this.#periodS > 0 ? sinceStartS % this.#periodS : 0;
    for (const leg of this.#legs) {
      if (leftS < leg.stopS) return standing(leg, leg.stopS - leftS);
      leftS -= leg.stopS;
      if (leftS < leg.driveS) return driving(leg, leftS);
      leftS -= leg.driveS;
    }
    const first = this.#legs[0] as Leg;
    return standing(first, first.stopS);
  }
}

function legsOf(waypoints: readonly Waypoint[]): Leg[] {
  const legs: Leg[] = [];
  let speedKmh = DEFAULT_SPEED_KMH;
  waypoints.forEach((from, i) => {
    const to = waypoints[(i + 1) % waypoints.length] as Waypoint;
    speedKmh = from.speedKmh ?? speedKmh;
    const segment = segmentOf(from, to);
    const last = legs.at(-1);
    if (last !== undefined && from.stopS === undefined) {
      last.segments.push(segment);
      last.lengthMeters += segment.lengthMeters;
      last.speed = Math.max(last.speed, speedKmh / 3.6);
    } else {
      legs.push({
        stopS: from.stopS ?? 0,
        stop: from.stop,
        segments: [segment],
        lengthMeters: segment.lengthMeters,
        speed: speedKmh / 3.6,
        driveS: 0,
      });
    }
  });
  for (const leg of legs) {
    // A short leg never reaches its speed.
    leg.speed = Math.min(leg.speed, Math.sqrt(ACCELERATION * leg.lengthMeters));
    leg.driveS = leg.speed > 0 ? leg.lengthMeters / leg.speed + leg.speed / ACCELERATION : 0;
  }
  return legs;
}

function standing(leg: Leg, stopLeftS: number): VehicleState {
  const { from, courseDegrees } = leg.segments[0] as Segment;
  return {
    latitude: from.latitude,
    longitude: from.longitude,
    altitudeMeters: from.altitudeMeters ?? 0,
    speedMetersPerSecond: 0,
    courseDegrees,
    ...(leg.stop !== undefined && { stop: leg.stop }),
    stopLeftS,
  };
}

function driving(leg: Leg, intoS: number): VehicleState {
  const rampS = leg.speed / ACCELERATION;
  const leftS = leg.driveS - intoS;
  let speed = leg.speed;
  let meters = leg.speed * (intoS - rampS / 2);
  if (intoS < rampS) {
    speed = ACCELERATION * intoS;
    meters = (ACCELERATION * intoS ** 2) / 2;
  } else if (leftS < rampS) {
    speed = ACCELERATION * leftS;
    meters = leg.lengthMeters - (ACCELERATION * leftS ** 2) / 2;
  }
  for (const segment of leg.segments) {
    if (meters <= segment.lengthMeters || segment === leg.segments.at(-1)) {
      const share = segment.lengthMeters > 0 ? Math.min(1, meters / segment.lengthMeters) : 0;
      return { ...between(segment, share), speedMetersPerSecond: speed, stopLeftS: 0 };
    }
    meters -= segment.lengthMeters;
  }
  throw new Error('a leg without segments');
}

function between({ from, to, courseDegrees }: Segment, share: number) {
  const mix = (a: number, b: number): number => a + (b - a) * share;
  return {
    latitude: mix(from.latitude, to.latitude),
    longitude: mix(from.longitude, to.longitude),
    altitudeMeters: mix(from.altitudeMeters ?? 0, to.altitudeMeters ?? 0),
    courseDegrees,
  };
}

function segmentOf(from: Waypoint, to: Waypoint): Segment {
  const radians = Math.PI / 180;
  const northMeters = (to.latitude - from.latitude) * radians * EARTH_RADIUS_METERS;
  const middle = ((from.latitude + to.latitude) / 2) * radians;
  const eastMeters = (to.longitude - from.longitude) * radians * EARTH_RADIUS_METERS * Math.cos(middle);
  const courseDegrees = (Math.atan2(eastMeters, northMeters) / radians + 360) % 360;
  return { from, to, lengthMeters: Math.hypot(northMeters, eastMeters), courseDegrees };
}
