/**
 * Whether a receiver's time goes as fast as ours. A receiver with a weak battery, or whose week number rolls over, jumps by hours or by 1024
 * weeks with a good fix: such a time must set no clock. Pure.
 *
 * A time is trusted when it follows from the one before within TOLERANCE_MS; after a leap, when CALM_REPORTS in a row agree with each other.
 */
const TOLERANCE_MS = 2_000;
const CALM_REPORTS = 10;

export type TimeVerdict = { trusted: boolean; leapMs?: number };

export class TimeCheck {
  #last: { utcMs: number; monotonicUs: number } | undefined;
  #calm = CALM_REPORTS;

  judge(utcMs: number, monotonicUs: number): TimeVerdict {
    const last = this.#last;
    this.#last = { utcMs, monotonicUs };
    if (last === undefined) return { trusted: true };
    const leapMs = utcMs - last.utcMs - (monotonicUs - last.monotonicUs) / 1000;
    if (Math.abs(leapMs) > TOLERANCE_MS) {
      this.#calm = 0;
      return { trusted: false, leapMs };
    }
    this.#calm++;
    return { trusted: this.#calm > CALM_REPORTS };
  }
}
