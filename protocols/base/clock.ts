/**
 * Time as everything below a composition root sees it: passed in, never taken from the process.
 *
 * Monotonic time orders and measures within one boot (windows, dwell, debounce, time-outs); wall time only labels.
 * The implementation over the operating system is cli/system-clock.ts; tests and the simulation bring their own.
 */
/** Before this moment no clock that reports it can have been set: the year of this program. */
export const EARLIEST_WALL_MS = Date.UTC(2025, 0, 1);

export type ClockState = 'unsynced' | 'ntp' | 'gps' | 'hub';

export interface WallTime {
  /** Milliseconds since 1970-01-01T00:00:00Z, as this box believes. */
  wallMs: number;
  state: ClockState;
  /** Half-width of the interval that the true time is believed to lie in. */
  uncertaintyMs: number;
}

export interface Clock {
  /** Microseconds since an arbitrary moment of this boot; never steps back. */
  monotonicUs(): number;
  wall(): WallTime;
  /** Calls `callback` once after `delayMs` of monotonic time; the returned function cancels. */
  after(delayMs: number, callback: () => void): () => void;
}

/** Resolves after `delayMs`, or at once when the signal is aborted: callers look at the signal. Never rejects. */
export function sleep(clock: Clock, delayMs: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) return resolve();
    const done = () => {
      cancel();
      signal?.removeEventListener('abort', done);
      resolve();
    };
    const cancel = clock.after(delayMs, done);
    signal?.addEventListener('abort', done, { once: true });
  });
}

/** Resolves when the signal is aborted; at once when it is already. Never rejects. */
export function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
