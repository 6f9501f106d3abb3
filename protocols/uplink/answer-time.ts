/**
 * How long a gateway waits for an acknowledgement before it sends a batch again, learnt from how long answers take: a batch that went to a hub
 * that died meanwhile holds up its lane for that long.
 *
 * Source: RFC 6298 (smoothed time SRTT, its variation RTTVAR, gains 1/8 and 1/4, wait = SRTT + 4 · RTTVAR). Karn's algorithm: a batch that was sent
 * twice tells nothing, and a wait that was too short stays doubled until one that was sent once is answered. So a hub that becomes slow is not
 * asked again and again.
 *
 * Invariant: between `LEAST_MS` and half of the longest first wait; that half before the first answer. How long a batch then waits is drawn
 * between once and twice as long, and twice as long again with each repetition, up to `MOST_MS`.
 */
import { backoff } from '../base/backoff.ts';

/** Hubs answer in some ten milliseconds; one that takes a little longer need not be asked twice. */
const LEAST_MS = 500;
const MOST_MS = 60_000;
const SRTT_GAIN = 1 / 8;
const RTTVAR_GAIN = 1 / 4;
const VARIATIONS = 4;

export class AnswerTime {
  readonly #longestMs: number;
  #smoothedMs: number | undefined;
  #variationMs = 0;
  #waitMs: number;

  /** @param longestMs The longest first wait of a batch, and how long it may be while nothing is known. */
  constructor(longestMs: number) {
    this.#longestMs = longestMs / 2;
    this.#waitMs = this.#longestMs;
  }

  get waitMs(): number {
    return this.#waitMs;
  }

  /** How long a batch waits each time it was sent, in milliseconds; `random` is uniform in [0, 1). */
  delays(random: () => number): Generator<number, never, void> {
    return backoff({ firstMs: 2 * this.#waitMs, maxMs: MOST_MS, floorMs: this.#waitMs, random });
  }

  /** A batch that was sent once was answered after so long. */
  answered(tookMs: number): void {
    if (this.#smoothedMs === undefined) {
      this.#smoothedMs = tookMs;
      this.#variationMs = tookMs / 2;
    } else {
      this.#variationMs += (Math.abs(this.#smoothedMs - tookMs) - this.#variationMs) * RTTVAR_GAIN;
      this.#smoothedMs += (tookMs - this.#smoothedMs) * SRTT_GAIN;
    }
    this.#waitMs = this.#within(this.#smoothedMs + VARIATIONS * this.#variationMs);
  }

  /** A batch was not answered in time. */
  late(): void {
    this.#waitMs = this.#within(this.#waitMs * 2);
  }

  #within(ms: number): number {
    return Math.min(this.#longestMs, Math.max(LEAST_MS, ms));
  }
}
