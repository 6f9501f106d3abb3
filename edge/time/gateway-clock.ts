/**
 * The gateway's clock: monotonic time as the kernel gives it, and wall time as the best source that has spoken says (design, section 6).
 *
 * Wall time is `monotonic + offset`; the offset is learned, never read off the box's clock while that is not known to be right. Sources, best
 * first: `ntp` (the kernel says that it is disciplined), `gps` (verified, gps-time.ts), `hub` (its answer to a question, with the
 * round trip as uncertainty). Until one has spoken, wall time is what the box believes, marked `unsynced`.
 *
 * Invariants:
 *  - a step of the box's clock moves nothing by itself: the offset is held over until the new time was confirmed for
 *    `CONFIRM_MS` by a kernel that says it is disciplined;
 *  - uncertainty grows with the age of what it rests on (`DRIFT`).
 */
import type { Clock, ClockState, WallTime } from '../../protocols/base/clock.ts';
import type { Log } from '../../protocols/base/log.ts';
import type { BootClock } from '../../protocols/uplink/batch.ts';

/** A disciplined clock may be slewed, smeared over a leap second, or stepped by one; more than this is a step. */
const SLEW_MS = 2_000;
const CONFIRM_MS = 30_000;
/** Crystal oscillators of small boards stay within 100 parts per million. */
const DRIFT = 1e-4;
const RANK: Readonly<Record<ClockState, number>> = { unsynced: 0, hub: 1, gps: 2, ntp: 3 };

/** What a boot knows of the time, once it knows it. */
export type KnownTime = BootClock & { state: Exclude<ClockState, 'unsynced'> };

interface Learned {
  /** Wall time at monotonic time 0 of this boot. */
  offsetMs: number;
  state: KnownTime['state'];
  uncertaintyMs: number;
  atUs: number;
}

export class GatewayClock implements Clock {
  readonly bootId: number;
  readonly #base: Clock;
  readonly #log: Log;
  readonly #listeners = new Set<(learned: KnownTime) => void>();
  #learned: Learned | undefined;
  /** A time that contradicts what was learned, since when the kernel stands by it. */
  #doubt: { offsetMs: number; sinceUs: number } | undefined;

  constructor(options: {
    /** Monotonic time, and what the box's clock says, with `ntp` only where the kernel vouches for it. */
    base: Clock;
    bootId: number;
    log: Log;
  }) {
    this.#base = options.base;
    this.bootId = options.bootId;
    this.#log = options.log;
    this.observeSystem();
  }

  monotonicUs(): number {
    return this.#base.monotonicUs();
  }

  after(delayMs: number, callback: () => void): () => void {
    return this.#base.after(delayMs, callback);
  }

  wall(): WallTime {
    const learned = this.#learned;
    if (!learned) return { ...this.#base.wall(), state: 'unsynced', uncertaintyMs: Number.POSITIVE_INFINITY };
    const nowUs = this.monotonicUs();
    return {
      wallMs: learned.offsetMs + nowUs / 1000,
      state: learned.state,
      uncertaintyMs: this.#uncertaintyOf(learned, nowUs),
    };
  }

  /** What this boot knows of the time; undefined while it knows nothing. */
  known(): KnownTime | undefined {
    const learned = this.#learned;
    if (!learned) return undefined;
    const monotonicUs = this.monotonicUs();
    const { wallMs, uncertaintyMs } = this.wall();
    return { bootId: this.bootId, monotonicUs, wallMs, state: learned.state, uncertaintyMs };
  }

  /** Called when this boot first learns the time, and when a better kind of source speaks. */
  onLearned(listener: (learned: KnownTime) => void): void {
    this.#listeners.add(listener);
  }

  /** Looks at the box's own clock; to be called about every second. */
  observeSystem(): void {
    const nowUs = this.monotonicUs();
    const { wallMs, state, uncertaintyMs } = this.#base.wall();
    if (state !== 'ntp') {
      this.#doubt = undefined;
      return;
    }
    const offsetMs = wallMs - nowUs / 1000;
    const learned = this.#learned;
    const disagreementMs = learned ? Math.abs(offsetMs - learned.offsetMs) : 0;
    // What the hub said is as coarse as its round trip; against it the kernel's word is taken at once only where the two agree.
    const toleranceMs = learned ? Math.max(SLEW_MS, this.#uncertaintyOf(learned, nowUs)) : Number.POSITIVE_INFINITY;
    if (disagreementMs <= toleranceMs) {
      this.#doubt = undefined;
      this.#adopt({ offsetMs, state: 'ntp', uncertaintyMs, atUs: nowUs });
      return;
    }
    if (!this.#doubt || Math.abs(this.#doubt.offsetMs - offsetMs) > SLEW_MS) {
      this.#log.warn(
        { stepMs: Math.round(offsetMs - (learned?.offsetMs ?? 0)), wasFrom: learned?.state },
        'the clock of this box was stepped: the time learned before is kept until the new one is confirmed',
      );
      this.#doubt = { offsetMs, sinceUs: nowUs };
    } else if (nowUs - this.#doubt.sinceUs >= CONFIRM_MS * 1000) {
      this.#doubt = undefined;
      this.#log.warn({}, 'the stepped clock is still synchronised: its time is taken');
      this.#learned = undefined;
      this.#adopt({ offsetMs, state: 'ntp', uncertaintyMs, atUs: nowUs });
    }
  }

  /** A verified time of a GPS receiver: at `atUs` it was `utcMs`. */
  observeGps(utcMs: number, atUs: number, uncertaintyMs: number): void {
    this.#offer({ offsetMs: utcMs - atUs / 1000, state: 'gps', uncertaintyMs, atUs });
  }

  /** The hub's answer: it said `hubWallMs` between `askedUs` and `answeredUs`. */
  observeHub(hubWallMs: number, askedUs: number, answeredUs: number): void {
    const roundTripMs = (answeredUs - askedUs) / 1000;
    const uncertaintyMs = Math.max(1, roundTripMs / 2);
    const offsetMs = hubWallMs - (askedUs + answeredUs) / 2000;
    // Where the box's own clock lies within what the hub's answer allows, it is the finer of the two.
    const ownMs = this.#base.wall().wallMs - this.monotonicUs() / 1000;
    const finer = Math.abs(ownMs - offsetMs) <= uncertaintyMs ? ownMs : offsetMs;
    this.#offer({ offsetMs: finer, state: 'hub', uncertaintyMs, atUs: answeredUs });
  }

  /** Takes a source's word when it is of a better kind than what is known, or of the same kind and more certain. */
  #offer(offered: Learned): void {
    const learned = this.#learned;
    const better =
      !learned ||
      RANK[offered.state] > RANK[learned.state] ||
      (offered.state === learned.state && offered.uncertaintyMs <= this.#uncertaintyOf(learned, this.monotonicUs()));
    if (better) this.#adopt(offered);
  }

  #adopt(learned: Learned): void {
    const before = this.#learned;
    this.#learned = learned;
    if (before?.state === learned.state) return;
    this.#log.info({ from: learned.state, uncertaintyMs: learned.uncertaintyMs, was: before?.state }, 'time learned');
    const known = this.known();
    if (known) for (const listener of this.#listeners) listener(known);
  }

  #uncertaintyOf(learned: Learned, nowUs: number): number {
    return learned.uncertaintyMs + (Math.max(0, nowUs - learned.atUs) / 1000) * DRIFT;
  }
}
