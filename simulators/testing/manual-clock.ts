/**
 * Time that stands still until a test moves it. Callbacks run in order of their due time, and between two of them
 * promises get their turn, so that what a callback started has happened before the next one.
 */
import type { Clock, WallTime } from '../../protocols/base/clock.ts';

interface Timer {
  dueUs: number;
  order: number;
  callback: () => void;
}

export class ManualClock implements Clock {
  #nowUs = 0;
  #order = 0;
  readonly #startWallMs: number;
  readonly #timers = new Set<Timer>();

  constructor(startWallMs = Date.UTC(2026, 10, 23, 8, 0, 0)) {
    this.#startWallMs = startWallMs;
  }

  monotonicUs(): number {
    return this.#nowUs;
  }

  wall(): WallTime {
    return { wallMs: this.#startWallMs + Math.floor(this.#nowUs / 1000), state: 'ntp', uncertaintyMs: 1 };
  }

  after(delayMs: number, callback: () => void): () => void {
    const timer = { dueUs: this.#nowUs + Math.max(0, delayMs) * 1000, order: this.#order++, callback };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  /** How many callbacks are waiting; 0 after everything was stopped. */
  get pending(): number {
    return this.#timers.size;
  }

  async advance(ms: number): Promise<void> {
    const endUs = this.#nowUs + ms * 1000;
    await settle();
    for (let next = this.#nextUntil(endUs); next; next = this.#nextUntil(endUs)) {
      this.#timers.delete(next);
      this.#nowUs = Math.max(this.#nowUs, next.dueUs);
      next.callback();
      await settle();
    }
    this.#nowUs = endUs;
  }

  #nextUntil(endUs: number): Timer | undefined {
    let first: Timer | undefined;
    for (const timer of this.#timers) {
      if (timer.dueUs > endUs) continue;
      if (!first || timer.dueUs < first.dueUs || (timer.dueUs === first.dueUs && timer.order < first.order))
        first = timer;
    }
    return first;
  }
}

/** Enough turns for the longest chain of promises between a timer and its effect. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 24; turn++) await Promise.resolve();
}
