/**
 * Dedup of sensor readings: a value is stored when it differs from the last stored one by at least the dead band, or when that one is older
 * than `maxIntervalMs`, so that silence and sameness stay distinguishable. Monotonic time only. One entry per device and quantity.
 */
export interface ChangeOptions {
  deadband: number;
  maxIntervalMs: number;
}

export class ChangeOnly {
  readonly #last = new Map<string, { value: number; atUs: number }>();

  /** True when the value is to be stored; it is remembered then. */
  admit(key: string, value: number, atUs: number, options: ChangeOptions): boolean {
    const last = this.#last.get(key);
    const same = last !== undefined && Math.abs(value - last.value) < options.deadband;
    if (same && atUs - last.atUs < options.maxIntervalMs * 1000) return false;
    this.#last.set(key, { value, atUs });
    return true;
  }

  /** Takes an admission back: the value could not be stored. */
  forget(key: string): void {
    this.#last.delete(key);
  }
}
