/**
 * Which fixes of a position receiver are to be believed: those of one receiver, exact enough, and near enough to the last one for a vehicle.
 *
 * A jump is believed when the fixes after it agree with one another for a while (a ferry, a receiver that was off, a first fix that was
 * wrong). Monotonic time only. Pure but for what it remembers.
 */
import { distanceMeters, type LatLon } from '../../protocols/base/geofence.ts';

export interface Fix extends LatLon {
  deviceId: string;
  atUs: number;
  speedMetersPerSecond?: number;
  hdop?: number;
}

/** `jump`: believed, but nothing can be said of the way between. */
export type Verdict = 'good' | 'jump' | 'ignored';

const MOST_HDOP = 5;
const FASTEST_METERS_PER_SECOND = 70;
/** Errors of two fixes. */
const SLACK_METERS = 60;
const AGREEING_FIXES = 5;
const AGREEING_US = 10_000_000;
/** A second receiver takes over when the first one was silent for so long. */
const RECEIVER_SILENT_US = 10_000_000;
/** Fixes further apart say nothing about the way between. */
const PAUSE_US = 30_000_000;

export class FixFilter {
  #last: Fix | undefined;
  #strange: { first: Fix; last: Fix; count: number } | undefined;

  judge(fix: Fix): Verdict {
    if (fix.hdop !== undefined && fix.hdop > MOST_HDOP) return 'ignored';
    const last = this.#last;
    if (!last) {
      this.#last = fix;
      return 'jump';
    }
    const pausedUs = fix.atUs - last.atUs;
    if (pausedUs < 0 || (fix.deviceId !== last.deviceId && pausedUs < RECEIVER_SILENT_US)) return 'ignored';
    if (isNear(last, fix)) {
      this.#strange = undefined;
      this.#last = fix;
      return pausedUs > PAUSE_US ? 'jump' : 'good';
    }
    const strange = this.#strange;
    if (!strange || !isNear(strange.last, fix)) {
      this.#strange = { first: fix, last: fix, count: 1 };
      return 'ignored';
    }
    strange.last = fix;
    strange.count++;
    if (strange.count < AGREEING_FIXES || fix.atUs - strange.first.atUs < AGREEING_US) return 'ignored';
    this.#strange = undefined;
    this.#last = fix;
    return 'jump';
  }
}

function isNear(from: Fix, to: Fix): boolean {
  const seconds = Math.max(0, to.atUs - from.atUs) / 1e6;
  return distanceMeters(from, to) <= SLACK_METERS + seconds * FASTEST_METERS_PER_SECOND;
}
