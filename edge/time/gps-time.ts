/**
 * Verifies what GPS receivers say the time is (design, section 6: device clocks are never trusted unverified). Pure.
 *
 * A receiver is believed once its time has advanced together with monotonic time over `MIN_FIXES` fixes and `MIN_SPAN_MS`, each within
 * `TOLERANCE_MS` of the first, and lies within what this program can have lived to see: receivers without a fix count from their
 * default date, and old firmware is a multiple of 1,024 weeks behind (GPS week number rollover, IS-GPS-200, 20.3.3.3.1.1).
 */

const MIN_FIXES = 5;
const MIN_SPAN_MS = 4_000;
const TOLERANCE_MS = 1_500;
/** Fixes further apart say nothing about one another. */
const MAX_PAUSE_MS = 60_000;
/** NMEA sentences end up to a second after the moment they tell, and wait in the serial line. */
export const GPS_UNCERTAINTY_MS = 1_000;
const MAX_RECEIVERS = 16;

export interface GpsTimeOptions {
  /** No true time lies before it: when this program was built. */
  earliestMs: number;
  /** None lies after it. */
  latestMs: number;
}

interface Candidate {
  offsetMs: number;
  firstUs: number;
  lastUs: number;
  fixes: number;
}

export class GpsTime {
  readonly #candidates = new Map<string, Candidate>();
  readonly #options: GpsTimeOptions;

  constructor(options: GpsTimeOptions) {
    this.#options = options;
  }

  /** Takes a fix; true when the receiver's time is verified by now. */
  observe(deviceId: string, utcMs: number, atUs: number): boolean {
    const { earliestMs, latestMs } = this.#options;
    if (!(utcMs >= earliestMs && utcMs <= latestMs)) {
      this.#candidates.delete(deviceId);
      return false;
    }
    const offsetMs = utcMs - atUs / 1000;
    const known = this.#candidates.get(deviceId);
    const goesOn =
      known !== undefined &&
      Math.abs(offsetMs - known.offsetMs) <= TOLERANCE_MS &&
      atUs - known.lastUs <= MAX_PAUSE_MS * 1000;
    if (!goesOn) {
      if (!known && this.#candidates.size >= MAX_RECEIVERS) return false;
      this.#candidates.set(deviceId, { offsetMs, firstUs: atUs, lastUs: atUs, fixes: 1 });
      return false;
    }
    known.lastUs = atUs;
    known.fixes++;
    return known.fixes >= MIN_FIXES && atUs - known.firstUs >= MIN_SPAN_MS * 1000;
  }
}
