/** Time as one boot of a box sees it: its own monotonic origin, and a wall clock that may be wrong, stepped or not yet set. */
import type { Clock, ClockState, WallTime } from '../../protocols/base/clock.ts';
import type { SimProcess, World } from './world.ts';

/** True time at the start of every simulation. */
export const START_WALL_MS = Date.UTC(2026, 5, 1);

/** The hardware clock of a box: outlives its boots. */
export interface WallState {
  /** What is wrong with it. */
  offsetMs: number;
  state: ClockState;
}

export class BootClock implements Clock {
  readonly #world: World;
  readonly #process: SimProcess;
  readonly #wall: WallState;
  readonly #bootUs: number;

  constructor(world: World, process: SimProcess, wall: WallState) {
    this.#world = world;
    this.#process = process;
    this.#wall = wall;
    this.#bootUs = world.nowUs;
  }

  monotonicUs(): number {
    return this.#world.nowUs - this.#bootUs;
  }

  wall(): WallTime {
    const { state, offsetMs } = this.#wall;
    return {
      wallMs: START_WALL_MS + this.#world.nowMs + offsetMs,
      state,
      uncertaintyMs: state === 'unsynced' ? Number.POSITIVE_INFINITY : 10,
    };
  }

  after(delayMs: number, callback: () => void): () => void {
    return this.#world.after(delayMs, this.#process, callback);
  }
}
