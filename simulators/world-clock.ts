/**
 * The time of a simulated world: it runs `speed` times as fast as the machine's clock, and begins at a wall time of its own if told.
 *
 * With speed 1 and no start it is the machine's time. Cables and time-outs toward a host stay on the machine's clock.
 */
import type { Clock, WallTime } from '../protocols/base/clock.ts';

export interface WorldTime {
  /** 1 unless told. */
  speed?: number | undefined;
  /** Wall time at the start, milliseconds since 1970; now unless told. */
  startMs?: number | undefined;
}

export function worldClock(clock: Clock, { speed = 1, startMs }: WorldTime): Clock {
  if (speed === 1 && startMs === undefined) return clock;
  const startUs = clock.monotonicUs();
  const wallAtStart = clock.wall();
  const monotonicUs = (): number => startUs + (clock.monotonicUs() - startUs) * speed;
  return {
    monotonicUs,
    wall(): WallTime {
      const elapsedMs = (monotonicUs() - startUs) / 1000;
      return { ...wallAtStart, wallMs: (startMs ?? wallAtStart.wallMs) + elapsedMs };
    },
    after: (delayMs, callback) => clock.after(delayMs / speed, callback),
  };
}
