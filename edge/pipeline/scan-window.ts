/**
 * Dedup of scans: a label read again at the same read point within the window is the same observation (a double trigger, a label
 * passing a tunnel's second reader). Monotonic time only. Bound: `maxEntries`; when it is reached the oldest entry goes first, so
 * at worst a label is counted as seen anew.
 */
/**
 * A Map steps over what was deleted at its front each time it is walked, so it is walked seldom: once in so many admissions, and when full a
 * part of this size goes at once.
 */
const LOOK_EVERY = 64;

export class ScanWindow {
  readonly #seen = new Map<string, number>();
  readonly #maxEntries: number;
  #admitted = 0;

  constructor(maxEntries = 100_000) {
    this.#maxEntries = maxEntries;
  }

  /** True when the observation is new; it is remembered then. A repetition does not prolong the window. */
  admit(key: string, atUs: number, windowMs: number): boolean {
    const until = this.#seen.get(key);
    if (until !== undefined && atUs < until) return false;
    this.#seen.delete(key);
    this.#seen.set(key, atUs + windowMs * 1000);
    if (++this.#admitted % LOOK_EVERY === 0 || this.#seen.size > this.#maxEntries) this.#evict(atUs);
    return true;
  }

  /** Takes an admission back: the observation could not be stored, so its repetition must count. */
  forget(key: string): void {
    this.#seen.delete(key);
  }

  get size(): number {
    return this.#seen.size;
  }

  #evict(nowUs: number): void {
    const isFull = this.#seen.size > this.#maxEntries;
    const most = isFull ? this.#maxEntries - Math.floor(this.#maxEntries / LOOK_EVERY) : this.#maxEntries;
    for (const [key, until] of this.#seen) {
      if (until > nowUs && this.#seen.size <= most) return;
      this.#seen.delete(key);
    }
  }
}
