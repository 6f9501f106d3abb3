/** A Clock for tests: time passes when the test says so, and timers fire in order of their time. */
import type { Clock, WallTime } from '../../protocols/base/clock.ts';

export class ManualClock implements Clock {
  readonly #timers = new Set<{ atUs: number; callback: () => void }>();
  #nowUs: number;

  constructor(startUs = 1_000_000) {
    this.#nowUs = startUs;
  }

  monotonicUs(): number {
    return this.#nowUs;
  }

  wall(): WallTime {
    return { wallMs: 1_790_000_000_000 + this.#nowUs / 1000, state: 'ntp', uncertaintyMs: 10 };
  }

  after(delayMs: number, callback: () => void): () => void {
    const timer = { atUs: this.#nowUs + Math.max(0, delayMs) * 1000, callback };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  /** Timers that wait now. */
  get waiting(): number {
    return this.#timers.size;
  }

  /** Lets `ms` pass. Between two timers everything that is ready runs, so what a timer starts may set the next one. */
  async advance(ms: number): Promise<void> {
    const untilUs = this.#nowUs + ms * 1000;
    await settle();
    for (;;) {
      const next = [...this.#timers].sort((a, b) => a.atUs - b.atUs)[0];
      if (!next || next.atUs > untilUs) break;
      this.#timers.delete(next);
      this.#nowUs = Math.max(this.#nowUs, next.atUs);
      next.callback();
      await settle();
    }
    this.#nowUs = untilUs;
  }
}

/** Lets everything that is ready run: promises, and what they start. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 4; turn++) await new Promise((resolve) => setImmediate(resolve));
}
