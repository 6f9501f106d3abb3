/**
 * Acceleration samples → shock, vibration and status readings. No I/O; time comes with the samples.
 *
 * Invariants:
 *  - a sensor that samples too slowly never emits a shock: it says once that it cannot (`sampling-too-slow`), and at most once a
 *    minute that it felt one (`shock-refused`);
 *  - a shock shorter than ten samples is emitted with `clipped`: its peak and velocity change are lower bounds.
 */
import {
  type Impact,
  ImpactDetector,
  type RefusedShock,
  type WitmotionAcceleration,
} from '../../../protocols/shock/index.ts';
import type { Reading } from '../../driver.ts';
import type { WitmotionOptions } from './options.ts';
import { sampleTimes } from './sample-times.ts';
import { VibrationMeter } from './vibration.ts';

const REFUSAL_INTERVAL_US = 60_000_000;
/** Samples after which the estimated rate is a mean over a full window. */
const VERDICT_SAMPLES = 256;

export class ShockSensor {
  readonly #detector: ImpactDetector;
  readonly #vibration: VibrationMeter;
  #lastUs = 0;
  #samples = 0;
  #tooSlow = false;
  #refusedUs = Number.NEGATIVE_INFINITY;

  constructor(options: WitmotionOptions) {
    const { thresholdG, triggerSamples, quietMs, maximumMs, shortestPulseMs, gravityRemoved, sampleRateHz } = options;
    this.#detector = new ImpactDetector({
      thresholdG,
      triggerSamples,
      quietMs,
      maximumMs,
      shortestPulseMs,
      gravityRemoved,
      ...(sampleRateHz !== undefined && { sampleRateHz }),
    });
    this.#vibration = new VibrationMeter(options.vibrationWindowMs);
  }

  /** Samples that arrived together at this time. */
  *push(samples: readonly WitmotionAcceleration[], monotonicUs: number): Iterable<Reading> {
    const { sampleRateHz } = this.#detector;
    const times = sampleTimes({ monotonicUs, count: samples.length, afterUs: this.#lastUs, sampleRateHz });
    for (const [index, { xG, yG, zG, clipped }] of samples.entries()) {
      const sample = { monotonicUs: times[index] ?? monotonicUs, xG, yG, zG, clipped };
      this.#lastUs = sample.monotonicUs;
      this.#samples++;
      for (const shock of this.#detector.push(sample)) {
        if (shock.kind === 'impact') yield shockReading(shock);
        else yield* this.#refuse(shock);
      }
      const vibration = this.#vibration.push(sample);
      if (vibration) yield { kind: 'vibration', monotonicUs: sample.monotonicUs, ...vibration };
    }
    if (this.#samples >= VERDICT_SAMPLES) yield* this.#judge(monotonicUs);
  }

  *#judge(monotonicUs: number): Iterable<Reading> {
    const verdict = this.#detector.sampling;
    const tooSlow = !verdict.ok && verdict.code === 'sampling-too-slow';
    if (tooSlow === this.#tooSlow || (!tooSlow && !verdict.ok)) return;
    this.#tooSlow = tooSlow;
    if (!verdict.ok) {
      const advice =
        'raise the output rate of the device and its baud rate, or shortestPulseMs; until then no shocks are reported';
      yield { kind: 'status', code: 'sampling-too-slow', message: `${verdict.message}: ${advice}`, monotonicUs };
    } else {
      const message = `samples at ${verdict.sampleRateHz.toFixed(0)} Hz now: shocks are reported`;
      yield { kind: 'status', code: 'sampling-recovered', message, monotonicUs };
    }
  }

  *#refuse(shock: RefusedShock): Iterable<Reading> {
    const monotonicUs = shock.startMonotonicUs;
    if (monotonicUs - this.#refusedUs < REFUSAL_INTERVAL_US) return;
    this.#refusedUs = monotonicUs;
    const message = `felt a shock of at least ${shock.peakG.toFixed(1)} g, but cannot measure it: ${shock.message}`;
    yield { kind: 'status', code: 'shock-refused', message, monotonicUs };
  }
}

function shockReading(impact: Impact): Reading {
  return {
    kind: 'shock',
    monotonicUs: impact.startMonotonicUs,
    peakG: impact.peakG,
    peakXG: impact.peakAxisG.x,
    peakYG: impact.peakAxisG.y,
    peakZG: impact.peakAxisG.z,
    durationMs: impact.durationMs,
    velocityChangeMetersPerSecond: impact.velocityChangeMetersPerSecond,
    sampleRateHz: impact.sampleRateHz,
    clipped: impact.clipped || impact.undersampled,
  };
}
