/**
 * Keeps a fault that repeats from flooding the log: it is logged at once, then after one minute, two, four, … at most an hour, each time
 * with how often it happened in between. A fault that stayed away for as long as an hour is new again.
 *
 * Bound: one entry per code; codes are constants of the program.
 */
const FIRST_QUIET_US = 60_000_000;
const LONGEST_QUIET_US = 3_600_000_000;

export class FaultLog {
  readonly #known = new Map<string, { lastUs: number; quietUntilUs: number; quietUs: number; suppressed: number }>();

  /** How many of this fault were kept quiet since it was last logged, or undefined when this one is to be kept quiet too. */
  admit(code: string, nowUs: number): number | undefined {
    const entry = this.#known.get(code);
    if (!entry || nowUs - entry.lastUs > LONGEST_QUIET_US) {
      this.#known.set(code, {
        lastUs: nowUs,
        quietUntilUs: nowUs + FIRST_QUIET_US,
        quietUs: FIRST_QUIET_US,
        suppressed: 0,
      });
      return 0;
    }
    entry.lastUs = nowUs;
    if (nowUs < entry.quietUntilUs) {
      entry.suppressed++;
      return undefined;
    }
    const { suppressed } = entry;
    entry.suppressed = 0;
    entry.quietUs = Math.min(LONGEST_QUIET_US, entry.quietUs * 2);
    entry.quietUntilUs = nowUs + entry.quietUs;
    return suppressed;
  }
}
