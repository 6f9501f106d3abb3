/** A Clock that stands still until a test or a simulation moves it. Timers run in the order of their time, then of their making. */
import type { Clock, ClockState, WallTime } from './clock.ts';

export class ManualClock implements Clock {
  #nowUs = 0;
  #order = 0;
  readonly #timers = new Map<number, { atUs: number; callback: () => void }>();
  wallOffsetMs: number;
  state: ClockState = 'ntp';
  uncertaintyMs = 10;
  readonly #settle: () => Promise<void>;

  /** @param settle lets all work that needs no time come to its end, before time moves on. */
  constructor(startMs = Date.UTC(2026, 0, 1), settle = settlePromises) {
    this.wallOffsetMs = startMs;
    this.#settle = settle;
  }

  monotonicUs(): number {
    return this.#nowUs;
  }

  wall(): WallTime {
    return { wallMs: this.wallOffsetMs + this.#nowUs / 1000, state: this.state, uncertaintyMs: this.uncertaintyMs };
  }

  after(delayMs: number, callback: () => void): () => void {
    const id = this.#order++;
    this.#timers.set(id, { atUs: this.#nowUs + Math.max(0, delayMs) * 1000, callback });
    return () => this.#timers.delete(id);
  }

  get timers(): number {
    return this.#timers.size;
  }

  /** Moves time on, running what falls due on the way and letting things settle in between. */
  async advance(ms: number): Promise<void> {
    const untilUs = this.#nowUs + ms * 1000;
    for (;;) {
      await this.#settle();
      let due: { id: number; atUs: number; callback: () => void } | undefined;
      for (const [id, timer] of this.#timers) {
        if (timer.atUs <= untilUs && (!due || timer.atUs < due.atUs)) due = { id, ...timer };
      }
      if (!due) break;
      this.#timers.delete(due.id);
      this.#nowUs = Math.max(this.#nowUs, due.atUs);
      due.callback();
    }
    this.#nowUs = untilUs;
    await this.#settle();
  }
}

/** Lets promise chains run until they wait for something that only time brings. */
async function settlePromises(): Promise<void> {
  for (let turn = 0; turn < 60; turn++) await Promise.resolve();
}
