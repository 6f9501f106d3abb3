/**
 * Is a sensor fast enough to measure a pulse, and how fast is it?
 *
 * The rule: at least ten samples in the shortest pulse, rate ≥ 10/D. Below that a half-sine's peak falls between samples: at
 * 200 Hz a pulse of 100 g and 2 ms can read as nothing at all. (Practice of package testing, ASTM D3332 and D6537.)
 */

export const SAMPLES_PER_PULSE = 10;

export type SamplingVerdict =
  | { ok: true; sampleRateHz: number; requiredSampleRateHz: number }
  | {
      ok: false;
      code: 'sampling-too-slow' | 'sample-rate-unknown';
      message: string;
      sampleRateHz?: number;
      requiredSampleRateHz: number;
    };

/** May a sensor with this rate be called an impact recorder for pulses down to `shortestPulseMs`? */
export function judgeSampling(sampleRateHz: number | undefined, shortestPulseMs: number): SamplingVerdict {
  const requiredSampleRateHz = (SAMPLES_PER_PULSE * 1000) / shortestPulseMs;
  if (sampleRateHz === undefined) {
    return {
      ok: false,
      code: 'sample-rate-unknown',
      message: 'too few samples so far to know the sampling rate',
      requiredSampleRateHz,
    };
  }
  if (sampleRateHz >= requiredSampleRateHz * (1 - RATE_TOLERANCE))
    return { ok: true, sampleRateHz, requiredSampleRateHz };
  return {
    ok: false,
    code: 'sampling-too-slow',
    message: `${sampleRateHz.toFixed(0)} Hz cannot record pulses of ${shortestPulseMs} ms: ${requiredSampleRateHz.toFixed(0)} Hz are needed`,
    sampleRateHz,
    requiredSampleRateHz,
  };
}

/** An oscillator may be off by this much, and an estimate as well. */
const RATE_TOLERANCE = 0.05;

/** Fewest intervals that make an estimate. */
const MIN_INTERVALS = 16;
/** Timestamps held: 2 kB. */
const MAX_TIMESTAMPS = 256;

/**
 * Estimates a rate from arrival times. Serial samples arrive in bursts, so single intervals mean nothing: the estimate is the
 * mean over up to 256 samples. reset() after a hole, or the hole counts as a slow sensor.
 */
export class RateEstimator {
  private readonly timesUs = new Float64Array(MAX_TIMESTAMPS);
  private next = 0;
  private count = 0;

  add(monotonicUs: number): void {
    this.timesUs[this.next] = monotonicUs;
    this.next = (this.next + 1) % MAX_TIMESTAMPS;
    this.count = Math.min(this.count + 1, MAX_TIMESTAMPS);
  }

  reset(): void {
    this.count = 0;
  }

  get sampleRateHz(): number | undefined {
    if (this.count <= MIN_INTERVALS) return undefined;
    const newest = this.timesUs[(this.next + MAX_TIMESTAMPS - 1) % MAX_TIMESTAMPS] ?? 0;
    const oldest = this.timesUs[(this.next + MAX_TIMESTAMPS - this.count) % MAX_TIMESTAMPS] ?? 0;
    return newest > oldest ? ((this.count - 1) * 1e6) / (newest - oldest) : undefined;
  }
}
