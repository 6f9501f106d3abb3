/** A clock for tests of what reads and writes: between two timers the event loop turns, so that input, output and long chains of promises end. */
import { ManualClock } from '../../protocols/base/manual-clock.ts';

const TURNS = 4;

export class EventLoopClock extends ManualClock {
  constructor() {
    super(Date.UTC(2026, 0, 1), settle);
  }
}

/** Lets everything that is ready run: promises, and what they start. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < TURNS; turn++) await new Promise((resolve) => setImmediate(resolve));
}
