/**
 * From acceleration samples to impacts: a pure state machine, time comes with the samples.
 *
 *   armed ── N samples in a row at or above the threshold ──► active ── below release for quietMs ──► impact, armed
 *                                                               └─ maximumMs or MAX_PULSE_SAMPLES ──► impact (truncated),
 *                                                                  holding until below release for quietMs, then armed
 * Invariants
 *  - One shaking gives one impact, however long: after a truncated one nothing triggers until it has been quiet.
 *  - A sensor that samples too slowly for the pulses it should record gives `refused` in place of an impact, with a peak
 *    that is only a lower bound: it saw something and cannot say what.
 *  - Gravity is the estimate from before the trigger, frozen during the pulse.
 *  - Bounds: 4096 samples ahead of the trigger, 16384 in a pulse. Older ones ahead of the trigger go first.
 */
import { GravityEstimator, isStill, restDirection } from './gravity.ts';
import { type AccelerationSample, measurePulse } from './pulse.ts';
import { judgeSampling, RateEstimator, SAMPLES_PER_PULSE, type SamplingVerdict } from './sampling.ts';
import { angleDegrees, magnitude, subtract, type Vector3, ZERO } from './vector3.ts';

export const MAX_PRE_TRIGGER_SAMPLES = 4096;
export const MAX_PULSE_SAMPLES = 16384;

export interface ImpactOptions {
  /** Trigger level of the vector without gravity. Above 2 g: turning the sensor over reads as 2 g until gravity is relearnt. */
  thresholdG: number;
  /** Samples in a row that trigger; 2 unless told, so that one corrupted frame is no impact. */
  triggerSamples?: number;
  /** The pulse is over below this level; half the threshold unless told. */
  releaseG?: number;
  /** For so long; 20 ms unless told. Bounces closer than this are one impact. */
  quietMs?: number;
  /** Kept from ahead of the trigger; 20 ms unless told. */
  preTriggerMs?: number;
  /** Longest impact; 1000 ms unless told. */
  maximumMs?: number;
  /** The shortest pulse this sensor is to record: with the sampling rate it decides whether it may. */
  shortestPulseMs: number;
  /** Sampling rate when the device tells it; estimated from the samples' times otherwise. */
  sampleRateHz?: number;
  /** The samples come without gravity already. */
  gravityRemoved?: boolean;
  /** A hole this long between samples ends a pulse and starts the rate estimate anew; 250 ms unless told. */
  maximumGapMs?: number;
}

export interface Impact {
  kind: 'impact';
  /** First sample at or above the threshold. */
  startMonotonicUs: number;
  /** Largest length of the acceleration vector, gravity subtracted. */
  peakG: number;
  /** Per axis the value with the largest magnitude, with its sign. */
  peakAxisG: Vector3;
  /** Time at or above the threshold. */
  durationMs: number;
  velocityChangeMetersPerSecond: number;
  sampleRateHz: number;
  /** The sensor stood at the end of its range: peak and velocity change are lower bounds. */
  clipped: boolean;
  /** Fewer than ten samples in this pulse: shorter than the sensor resolves, so the peak is a lower bound. */
  undersampled: boolean;
  /** Cut off: by maximumMs, by the bound on samples, or because the samples stopped. */
  truncated: boolean;
  /** Unit vectors away from the earth in the sensor's axes, where the sensor lay still. */
  orientationBefore?: Vector3;
  orientationAfter?: Vector3;
  /** Angle between the two. */
  tiltDegrees?: number;
  /** As sampled, gravity included, with pre-trigger and quiet end. */
  samples: readonly AccelerationSample[];
}

export interface RefusedShock {
  kind: 'refused';
  code: 'sampling-too-slow' | 'sample-rate-unknown';
  message: string;
  startMonotonicUs: number;
  /** A lower bound. */
  peakG: number;
  sampleRateHz?: number;
  requiredSampleRateHz: number;
}

export class ImpactDetector {
  private readonly options: Required<Omit<ImpactOptions, 'sampleRateHz'>>;
  private readonly knownRateHz: number | undefined;
  private readonly rate = new RateEstimator();
  private readonly gravity = new GravityEstimator();
  private state: 'armed' | 'active' | 'holding' = 'armed';
  /** Pre-trigger while armed, pre-trigger and pulse while active. */
  private record: AccelerationSample[] = [];
  /** Samples in a row at or above the threshold. */
  private run = 0;
  private triggerUs = 0;
  private lastLoudUs = 0;
  private lastUs: number | undefined;

  /** @throws RangeError for options that make no sense together. */
  constructor(options: ImpactOptions) {
    this.options = {
      triggerSamples: 2,
      releaseG: options.thresholdG / 2,
      quietMs: 20,
      preTriggerMs: 20,
      maximumMs: 1000,
      gravityRemoved: false,
      maximumGapMs: 250,
      ...options,
    };
    this.knownRateHz = options.sampleRateHz;
    const { thresholdG, releaseG, triggerSamples, shortestPulseMs } = this.options;
    if (!(thresholdG > 0 && releaseG > 0 && releaseG <= thresholdG)) {
      throw new RangeError(`impact levels: 0 < release (${releaseG} g) ≤ threshold (${thresholdG} g) was expected`);
    }
    if (!Number.isInteger(triggerSamples) || triggerSamples < 1) {
      throw new RangeError(`triggerSamples ${triggerSamples}: a whole number from 1 was expected`);
    }
    if (!(shortestPulseMs > 0)) throw new RangeError(`shortestPulseMs ${shortestPulseMs}: more than 0 was expected`);
  }

  /** Whether this sensor may be called an impact recorder, as far as is known now. */
  get sampling(): SamplingVerdict {
    return judgeSampling(this.sampleRateHz, this.options.shortestPulseMs);
  }

  get sampleRateHz(): number | undefined {
    return this.knownRateHz ?? this.rate.sampleRateHz;
  }

  /** Takes the next sample; gives the shocks that ended with it (two at most: one before a hole, one after). */
  push(sample: AccelerationSample): (Impact | RefusedShock)[] {
    const ended: (Impact | RefusedShock)[] = [];
    if (this.lastUs !== undefined && sample.monotonicUs - this.lastUs > this.options.maximumGapMs * 1000) {
      ended.push(...this.idle());
    }
    this.lastUs = sample.monotonicUs;
    this.rate.add(sample.monotonicUs);
    const raw = { x: sample.xG, y: sample.yG, z: sample.zG };
    const lengthG = this.motionG(raw);
    if (lengthG >= this.options.releaseG) this.lastLoudUs = sample.monotonicUs;

    if (this.state === 'active') ended.push(...this.continuePulse(sample));
    else this.watch(sample, raw, lengthG);
    return ended;
  }

  /** The samples stopped: ends a pulse that is under way and forgets what was learnt about the rate. */
  idle(): (Impact | RefusedShock)[] {
    const ended = this.state === 'active' ? [this.finish(true)] : [];
    this.state = 'armed';
    this.record = [];
    this.run = 0;
    this.rate.reset();
    this.lastUs = undefined;
    return ended;
  }

  /**
   * Length of the vector without gravity. A sample of 1 g counts as rest: a parcel that lands on another side would
   * otherwise keep reading up to 2 g against the gravity of before, and its impact would never end.
   */
  private motionG(raw: Vector3): number {
    if (this.options.gravityRemoved) return magnitude(raw);
    return isStill(raw) ? 0 : magnitude(subtract(raw, this.gravity.vector));
  }

  private watch(sample: AccelerationSample, raw: Vector3, lengthG: number): void {
    this.remember(sample);
    if (this.state === 'holding') {
      if (this.quiet(sample)) this.state = 'armed';
      if (lengthG < this.options.releaseG) this.gravity.add(raw, this.sampleRateHz);
      return;
    }
    if (lengthG < this.options.thresholdG) {
      this.run = 0;
      this.gravity.add(raw, this.sampleRateHz);
      return;
    }
    if (++this.run < this.options.triggerSamples) return;
    this.state = 'active';
    this.run = 0;
    this.triggerUs = sample.monotonicUs;
  }

  private continuePulse(sample: AccelerationSample): (Impact | RefusedShock)[] {
    this.record.push(sample);
    if (this.quiet(sample)) {
      const shock = this.finish(false);
      this.state = 'armed';
      return [shock];
    }
    const tooLong = sample.monotonicUs - this.triggerUs >= this.options.maximumMs * 1000;
    if (!tooLong && this.record.length < MAX_PRE_TRIGGER_SAMPLES + MAX_PULSE_SAMPLES) return [];
    const shock = this.finish(true);
    this.state = 'holding';
    return [shock];
  }

  private quiet(sample: AccelerationSample): boolean {
    return sample.monotonicUs - this.lastLoudUs >= this.options.quietMs * 1000;
  }

  /** Pre-trigger: the newest samples of the last preTriggerMs, and at least those of the run that may become a trigger. */
  private remember(sample: AccelerationSample): void {
    this.record.push(sample);
    const oldestUs = sample.monotonicUs - this.options.preTriggerMs * 1000;
    const keep = this.run + 2;
    let drop = 0;
    while (this.record.length - drop > keep && (this.record[drop]?.monotonicUs ?? 0) < oldestUs) drop++;
    drop = Math.max(drop, this.record.length - MAX_PRE_TRIGGER_SAMPLES);
    if (drop > 0) this.record.splice(0, drop);
  }

  private finish(truncated: boolean): Impact | RefusedShock {
    const samples = this.record;
    const verdict = this.sampling;
    const gravity = this.options.gravityRemoved ? ZERO : this.gravity.vector;
    const { thresholdG, releaseG } = this.options;
    const quietFrom = samples.findIndex((sample) => sample.monotonicUs > this.lastLoudUs);
    const loud = quietFrom < 0 ? samples : samples.slice(0, quietFrom + 1);
    const pulse = measurePulse(loud, { thresholdG, releaseG, gravity, sampleRateHz: this.sampleRateHz ?? Infinity });
    const before = this.options.gravityRemoved ? undefined : this.gravity.up;
    const after = truncated || this.options.gravityRemoved ? undefined : this.settle(samples.slice(pulse.endIndex));
    this.record = truncated ? [] : samples.slice(pulse.endIndex);
    const startMonotonicUs = pulse.startMonotonicUs ?? this.triggerUs;
    if (!verdict.ok) {
      const { ok: _, ...refusal } = verdict;
      return { kind: 'refused', ...refusal, startMonotonicUs, peakG: pulse.peakG };
    }
    return {
      kind: 'impact',
      startMonotonicUs,
      peakG: pulse.peakG,
      peakAxisG: pulse.peakAxisG,
      durationMs: pulse.durationMs,
      velocityChangeMetersPerSecond: pulse.velocityChangeMetersPerSecond,
      sampleRateHz: verdict.sampleRateHz,
      clipped: pulse.clipped,
      undersampled: pulse.intervals < SAMPLES_PER_PULSE,
      truncated,
      ...(before === undefined ? {} : { orientationBefore: before }),
      ...(after === undefined ? {} : { orientationAfter: after }),
      ...(before === undefined || after === undefined ? {} : { tiltDegrees: angleDegrees(before, after) }),
      samples,
    };
  }

  /** The quiet after a pulse shows how the sensor lies now. */
  private settle(quiet: readonly AccelerationSample[]): Vector3 | undefined {
    const sum = { x: 0, y: 0, z: 0 };
    for (const sample of quiet) {
      sum.x += sample.xG / quiet.length;
      sum.y += sample.yG / quiet.length;
      sum.z += sample.zG / quiet.length;
    }
    const direction = restDirection(sum);
    if (direction !== undefined) this.gravity.restart(sum);
    return direction;
  }
}
