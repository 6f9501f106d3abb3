/**
 * Where a vehicle is: a closed route of waypoints, driven for ever, with stops on it.
 *
 * Between two stops the vehicle keeps to the speed of the segment it is on, and speeds up and slows down at ACCELERATION, in
 * time for a slower segment, a waypoint with `passKmh` (a corner, a roundabout) or the next stop. Distances are on a sphere,
 * straight between waypoints: routes of a town, not of an ocean.
 * A pure function of the time since the start: the GPS, the shock sensor and the packages on board all ask the same journey.
 */

export interface Waypoint {
  latitude: number;
  longitude: number;
  altitudeMeters?: number | undefined;
  /** Speed on the way from here on; that of the waypoint before, unless told. */
  speedKmh?: number | undefined;
  /** Not faster than this at the waypoint itself. */
  passKmh?: number | undefined;
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
  /** Speeds, in meters per second: at its two ends, and between them where it is long enough. */
  enter: number;
  top: number;
  leave: number;
  durationS: number;
}

/** From standstill to standstill. */
interface Leg {
  stopS: number;
  stop: string | undefined;
  segments: Segment[];
  driveS: number;
}

/** When a vehicle arrives at a stop for the first time, in seconds since the start. */
export interface Arrival {
  stop: string;
  atS: number;
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

  /** The stops of one round with their times; each comes again after every `periodS`. */
  get arrivals(): Arrival[] {
    let atS = 0;
    return this.#legs.flatMap(({ stop, stopS, driveS }) => {
      const arrival = stop === undefined ? [] : [{ stop, atS }];
      atS += stopS + driveS;
      return arrival;
    });
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
    const segment = segmentOf(from, to, speedKmh / 3.6);
    const last = legs.at(-1);
    if (last !== undefined && from.stopS === undefined) last.segments.push(segment);
    else legs.push({ stopS: from.stopS ?? 0, stop: from.stop, segments: [segment], driveS: 0 });
  });
  for (const leg of legs) {
    limitSpeeds(leg.segments);
    leg.driveS = leg.segments.reduce((sum, { durationS }) => sum + durationS, 0);
  }
  return legs;
}

/** Speeds at the waypoints that ACCELERATION can reach and lose again: once forward, once backward. */
function limitSpeeds(segments: readonly Segment[]): void {
  const reach = (speed: number, meters: number): number => Math.sqrt(speed ** 2 + 2 * ACCELERATION * meters);
  let speed = 0;
  segments.forEach((segment, i) => {
    segment.enter = speed;
    const next = segments[i + 1];
    const passed = next?.from.passKmh === undefined ? segment.top : next.from.passKmh / 3.6;
    speed = next === undefined ? 0 : Math.min(segment.top, next.top, passed, reach(speed, segment.lengthMeters));
    segment.leave = speed;
  });
  for (const segment of [...segments].reverse()) {
    segment.leave = Math.min(segment.leave, speed);
    segment.enter = speed = Math.min(segment.enter, reach(segment.leave, segment.lengthMeters));
    const { enter, leave, lengthMeters } = segment;
    // A short segment never reaches its speed.
    segment.top = Math.min(segment.top, Math.sqrt((2 * ACCELERATION * lengthMeters + enter ** 2 + leave ** 2) / 2));
    segment.durationS = segment.top > 0 ? rampsOf(segment).leaveS + (segment.top - leave) / ACCELERATION : 0;
  }
}

/** When, since entering it, a segment's top speed is reached and left; how far the vehicle has come then. */
function rampsOf({ enter, top, leave, lengthMeters }: Segment) {
  const reachedS = (top - enter) / ACCELERATION;
  const reachedMeters = ((top + enter) / 2) * reachedS;
  const leaveMeters = lengthMeters - (top ** 2 - leave ** 2) / (2 * ACCELERATION);
  return { reachedS, reachedMeters, leaveS: reachedS + Math.max(0, leaveMeters - reachedMeters) / top };
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
  let leftS = intoS;
  for (const segment of leg.segments) {
    if (leftS < segment.durationS || segment === leg.segments.at(-1)) {
      const { meters, speed } = progress(segment, leftS);
      const share = segment.lengthMeters > 0 ? Math.min(1, meters / segment.lengthMeters) : 0;
      return { ...between(segment, share), speedMetersPerSecond: speed, stopLeftS: 0 };
    }
    leftS -= segment.durationS;
  }
  throw new Error('a leg without segments');
}

function progress(segment: Segment, intoS: number): { meters: number; speed: number } {
  const { enter, top, leave, lengthMeters, durationS } = segment;
  const { reachedS, reachedMeters, leaveS } = rampsOf(segment);
  if (intoS < reachedS)
    return { meters: (enter + (ACCELERATION * intoS) / 2) * intoS, speed: enter + ACCELERATION * intoS };
  if (intoS < leaveS) return { meters: reachedMeters + top * (intoS - reachedS), speed: top };
  const leftS = Math.max(0, durationS - intoS);
  return { meters: lengthMeters - (leave + (ACCELERATION * leftS) / 2) * leftS, speed: leave + ACCELERATION * leftS };
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

function segmentOf(from: Waypoint, to: Waypoint, top: number): Segment {
  const radians = Math.PI / 180;
  const northMeters = (to.latitude - from.latitude) * radians * EARTH_RADIUS_METERS;
  const middle = ((from.latitude + to.latitude) / 2) * radians;
  const eastMeters = (to.longitude - from.longitude) * radians * EARTH_RADIUS_METERS * Math.cos(middle);
  const courseDegrees = (Math.atan2(eastMeters, northMeters) / radians + 360) % 360;
  const lengthMeters = Math.hypot(northMeters, eastMeters);
  return { from, to, lengthMeters, courseDegrees, enter: 0, top, leave: 0, durationS: 0 };
}
