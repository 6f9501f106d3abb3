/**
 * Where a vehicle is: its departures from and arrivals at facilities, from position, speed and geofences.
 *
 *  - Arrived: inside a fence, and standing there for `arriveAfterMs` (passing through is no arrival); or inside for five times as long.
 *  - Departed: outside by more than a margin for `departAfterMs`, and either seen moving or too far away for an error of the receiver. A
 *    vehicle whose own speed says that it stands has not departed, whatever the receiver says.
 *  - With `stops`, standing for `stopAfterMs` outside of all fences is an arrival without facility.
 *  - Both are dated back to the fix that began them. Monotonic time only; a pause or a jump of the receiver begins every wait anew.
 *
 * What was stated is remembered over restarts (`stated`, `resume`); what was not yet decided is not.
 */

import {
  distanceMeters,
  fenceAround,
  type Geofence,
  type LatLon,
  metersOutside,
} from '../../protocols/base/geofence.ts';
import { type Fix, FixFilter } from './fix-filter.ts';

export interface MotionOptions {
  geofences: readonly Geofence[];
  departAfterMs: number;
  arriveAfterMs: number;
  /** Slower than this it stands, faster than that it moves. */
  standingBelowMetersPerSecond: number;
  movingAboveMetersPerSecond: number;
  marginMeters: number;
  /** Stops outside of all fences are arrivals too. */
  stops: boolean;
  stopAfterMs: number;
}

/** Where the vehicle stands, as was stated: at a facility, at a stop (coordinates only), or nowhere (under way). */
export interface Whereabouts {
  facilityId?: string;
  stop?: LatLon;
}

export interface MotionEvent {
  kind: 'departed' | 'arrived';
  /** Absent for a stop outside of all fences. */
  facilityId?: string;
  position: LatLon;
  deviceId: string;
  atUs: number;
}

const STOP_RADIUS_METERS = 50;
/** Beyond fence and margin by this much it is no error of a receiver. */
const FAR_METERS = 250;
const MIN_FIXES = 3;
/** Inside a fence for so many times `arriveAfterMs` is an arrival, moving about in the yard or not. */
const LINGERING = 5;
/** What the vehicle says of its speed holds for so long. */
const SPEED_HOLDS_US = 10_000_000;

interface Wait {
  /** The fence entered or left; a stop has the empty id. */
  fence: Geofence;
  begin: Fix;
  fixes: number;
  hasMoved: boolean;
  /** Since when it stands. */
  standingUs: number | undefined;
}

export class Motion {
  readonly #options: MotionOptions;
  readonly #filter = new FixFilter();
  #here: Geofence | undefined;
  #wait: Wait | undefined;
  #last: Fix | undefined;
  #ownSpeed: { metersPerSecond: number; atUs: number } | undefined;

  constructor(options: MotionOptions) {
    this.#options = options;
  }

  /** Where it is, by what was stated. */
  get stated(): Whereabouts {
    return whereaboutsOf(this.#here);
  }

  /** Goes on from what was stated earlier: after a restart, or because an event could not be stored. */
  resume(whereabouts: Whereabouts): void {
    const { facilityId, stop } = whereabouts;
    this.#here = stop ? stopAt(stop) : this.#options.geofences.find(({ id }) => id === facilityId);
    this.#wait = undefined;
  }

  /** The vehicle's own speed, from its wheels. */
  observeSpeed(metersPerSecond: number, atUs: number): void {
    this.#ownSpeed = { metersPerSecond, atUs };
  }

  observeFix(fix: Fix): MotionEvent | undefined {
    const verdict = this.#filter.judge(fix);
    if (verdict === 'ignored') return undefined;
    const speed = this.#speedAt(fix, verdict === 'good' ? this.#last : undefined);
    this.#last = fix;
    if (verdict === 'jump') this.#wait = undefined;
    return this.#here ? this.#leaving(this.#here, fix, speed) : this.#arriving(fix, speed);
  }

  #leaving(here: Geofence, fix: Fix, speed: number | undefined): MotionEvent | undefined {
    const { marginMeters, departAfterMs, movingAboveMetersPerSecond } = this.#options;
    const meters = metersOutside(here, fix) - marginMeters;
    if (meters <= 0 || this.#saysItStands(fix.atUs)) {
      this.#wait = undefined;
      return undefined;
    }
    const wait = this.#waitFor(here, fix);
    if (speed !== undefined && speed > movingAboveMetersPerSecond) wait.hasMoved = true;
    if (wait.fixes < MIN_FIXES || fix.atUs - wait.begin.atUs < departAfterMs * 1000) return undefined;
    if (!wait.hasMoved && meters < FAR_METERS) return undefined;
    this.#here = undefined;
    this.#wait = undefined;
    return eventOf('departed', here, wait.begin);
  }

  #arriving(fix: Fix, speed: number | undefined): MotionEvent | undefined {
    const { geofences, arriveAfterMs, stopAfterMs, stops, standingBelowMetersPerSecond } = this.#options;
    const stands = speed !== undefined && speed < standingBelowMetersPerSecond;
    const fence = fenceAround(geofences, fix) ?? (stops && stands ? this.#stopAround(fix) : undefined);
    if (!fence) {
      this.#wait = undefined;
      return undefined;
    }
    const wait = this.#waitFor(fence, fix);
    if (!stands) wait.standingUs = undefined;
    wait.standingUs ??= stands ? fix.atUs : undefined;
    if (wait.fixes < MIN_FIXES) return undefined;
    const neededUs = (fence.id === '' ? stopAfterMs : arriveAfterMs) * 1000;
    const hasStood = wait.standingUs !== undefined && fix.atUs - wait.standingUs >= neededUs;
    const lingers = fence.id !== '' && fix.atUs - wait.begin.atUs >= neededUs * LINGERING;
    if (!hasStood && !lingers) return undefined;
    this.#here = fence;
    this.#wait = undefined;
    return eventOf('arrived', fence, wait.begin);
  }

  /** The stop that is being waited for while the vehicle is still there, else a new one. */
  #stopAround(fix: Fix): Geofence {
    const fence = this.#wait?.fence;
    return fence?.id === '' && metersOutside(fence, fix) <= 0 ? fence : stopAt(fix);
  }

  #waitFor(fence: Geofence, fix: Fix): Wait {
    const wait =
      this.#wait?.fence === fence
        ? this.#wait
        : { fence, begin: fix, fixes: 0, hasMoved: false, standingUs: undefined };
    wait.fixes++;
    this.#wait = wait;
    return wait;
  }

  /** The vehicle's own, else the receiver's, else from the way since the last fix. */
  #speedAt(fix: Fix, last: Fix | undefined): number | undefined {
    const own = this.#ownSpeed;
    if (own && fix.atUs - own.atUs <= SPEED_HOLDS_US) return own.metersPerSecond;
    if (fix.speedMetersPerSecond !== undefined) return fix.speedMetersPerSecond;
    if (!last || fix.atUs <= last.atUs) return undefined;
    return (distanceMeters(last, fix) / (fix.atUs - last.atUs)) * 1e6;
  }

  #saysItStands(nowUs: number): boolean {
    const own = this.#ownSpeed;
    if (!own || nowUs - own.atUs > SPEED_HOLDS_US) return false;
    return own.metersPerSecond < this.#options.standingBelowMetersPerSecond && this.#wait?.hasMoved !== true;
  }
}

function stopAt({ latitude, longitude }: LatLon): Geofence {
  return { id: '', latitude, longitude, radiusMeters: STOP_RADIUS_METERS };
}

function whereaboutsOf(fence: Geofence | undefined): Whereabouts {
  if (!fence) return {};
  if (fence.id !== '' || 'polygon' in fence) return { facilityId: fence.id };
  return { stop: { latitude: fence.latitude, longitude: fence.longitude } };
}

function eventOf(kind: MotionEvent['kind'], fence: Geofence, fix: Fix): MotionEvent {
  const { latitude, longitude, deviceId, atUs } = fix;
  const facility = fence.id === '' ? {} : { facilityId: fence.id };
  return { kind, ...facility, position: { latitude, longitude }, deviceId, atUs };
}
