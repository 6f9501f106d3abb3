/**
 * The watchdog that tells the truth: whoever supervises this process (systemd, `WatchdogSec=`) is told that it lives only while every part of it
 * makes progress. A part that has work and has stood still for longer than it may is named in the log, and nothing is told any
 * more: the supervisor then starts the daemon again. Faults of the world (no hub, a full disk, a silent reader) are no standstill:
 * the part that meets them goes on trying.
 */
import type { Clock } from '../../protocols/base/clock.ts';
import type { Log } from '../../protocols/base/log.ts';

export interface Part {
  name: string;
  /** Monotonic time since which it has had work and got nowhere; undefined while it gets on, or has nothing to do. */
  stalledSinceUs(): number | undefined;
  /** How long it may stand still. */
  limitMs: number;
}

export interface WatchdogOptions {
  clock: Clock;
  log: Log;
  parts: readonly Part[];
  /** How often the supervisor wants to hear; half of its patience. */
  everyMs: number;
  /** Tells the supervisor that all is well. */
  ping(): void;
}

/** Starts at once; the returned function stops it. */
export function startWatchdog(options: WatchdogOptions): () => void {
  const { clock, everyMs, ping, log } = options;
  let stalled = '';
  const look = () => {
    const names = standingStill(options.parts, clock.monotonicUs()).join(', ');
    if (names !== stalled) {
      if (names === '') log.warn({ was: stalled }, 'the daemon gets on again');
      else log.error({ parts: names }, 'parts of the daemon stand still: the watchdog is not answered any more');
      stalled = names;
    }
    if (names === '') ping();
    cancel = clock.after(everyMs, look);
  };
  let cancel = clock.after(0, look);
  return () => cancel();
}

/** The parts that have stood still for too long. */
function standingStill(parts: readonly Part[], nowUs: number): string[] {
  return parts
    .filter(({ stalledSinceUs, limitMs }) => {
      const sinceUs = stalledSinceUs();
      return sinceUs !== undefined && nowUs - sinceUs > limitMs * 1000;
    })
    .map(({ name }) => name);
}

/** Work in hand, by when it was begun: the oldest tells whether a part stands still. */
export class InHand {
  readonly #begunUs = new Map<number, number>();
  #next = 0;

  get oldestUs(): number | undefined {
    return this.#begunUs.values().next().value;
  }

  /** Counts `work` as in hand, begun at `nowUs`, until it is settled. */
  during<T>(nowUs: number, work: Promise<T>): Promise<T> {
    const key = this.#next++;
    this.#begunUs.set(key, nowUs);
    const end = () => {
      this.#begunUs.delete(key);
    };
    work.then(end, end);
    return work;
  }
}
