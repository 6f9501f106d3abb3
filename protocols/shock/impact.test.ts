import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type AccelerationSample,
  type Impact,
  ImpactDetector,
  type ImpactOptions,
  judgeSampling,
  MAX_PRE_TRIGGER_SAMPLES,
  MAX_PULSE_SAMPLES,
  measurePulse,
  type RefusedShock,
} from './index.ts';

interface Vector {
  name: string;
  input: { fs: number; peak_g: number; duration_ms: number; threshold_g: number };
  expected: { sampled_peak_g: number; duration_above_threshold_ms: number; delta_v_m_s: number };
}

const vectors = JSON.parse(
  readFileSync(new URL('./fixtures/impact-halfsine.json', import.meta.url), 'utf8'),
) as Vector[];

interface Pulse {
  sampleRateHz: number;
  peakG: number;
  durationMs: number;
  /** Start of the pulse; 30 ms unless told. */
  atMs?: number;
  totalMs?: number;
  axis?: 'xG' | 'yG' | 'zG';
}

/** The rule of the vectors: peak · sin(π (t − start)/D) inside the pulse, 0 outside. */
function halfSine(pulse: Pulse): AccelerationSample[] {
  const { sampleRateHz, peakG, durationMs, atMs = 30, totalMs = 100, axis = 'zG' } = pulse;
  return Array.from({ length: Math.ceil((totalMs * sampleRateHz) / 1000) }, (_, i) => {
    const ms = (i * 1000) / sampleRateHz;
    const inside = ms >= atMs && ms <= atMs + durationMs;
    const g = inside ? peakG * Math.sin((Math.PI * (ms - atMs)) / durationMs) : 0;
    return { monotonicUs: Math.round(ms * 1000), xG: 0, yG: 0, zG: 0, [axis]: g };
  });
}

function withGravity(samples: readonly AccelerationSample[]): AccelerationSample[] {
  return samples.map((sample) => ({ ...sample, zG: sample.zG + 1 }));
}

function run(options: ImpactOptions, samples: readonly AccelerationSample[]): (Impact | RefusedShock)[] {
  const detector = new ImpactDetector(options);
  return [...samples.flatMap((sample) => detector.push(sample)), ...detector.idle()];
}

function impactsOf(options: ImpactOptions, samples: readonly AccelerationSample[]): Impact[] {
  return run(options, samples).map((shock) => {
    if (shock.kind !== 'impact') throw new Error(`refused: ${shock.message}`);
    return shock;
  });
}

describe('half-sine pulses from outside', () => {
  it.each(vectors)('$name: peak and duration as sampled', ({ input, expected }) => {
    const samples = halfSine({ sampleRateHz: input.fs, peakG: input.peak_g, durationMs: input.duration_ms });
    const pulse = measurePulse(samples, {
      thresholdG: input.threshold_g,
      releaseG: input.threshold_g / 2,
      sampleRateHz: input.fs,
    });
    expect(pulse.peakG).toBeCloseTo(expected.sampled_peak_g, 3);
    expect(pulse.durationMs).toBeCloseTo(expected.duration_above_threshold_ms, 6);
  });

  // At 200 Hz the velocity change of the analytic pulse is not in the samples: there the sensor is refused.
  it.each(vectors.filter((vector) => vector.input.fs >= 1600))('$name: an impact', ({ input, expected }) => {
    const samples = halfSine({ sampleRateHz: input.fs, peakG: input.peak_g, durationMs: input.duration_ms });
    const options = {
      thresholdG: input.threshold_g,
      shortestPulseMs: 10,
      sampleRateHz: input.fs,
      gravityRemoved: true,
    };
    const [impact, ...others] = impactsOf(options, samples);
    expect(others).toEqual([]);
    expect(impact?.peakG).toBeCloseTo(expected.sampled_peak_g, 3);
    expect(impact?.peakAxisG.z).toBeCloseTo(expected.sampled_peak_g, 3);
    expect(impact?.durationMs).toBeCloseTo(expected.duration_above_threshold_ms, 6);
    // Trapezoids over 7 samples a half-sine are 0.6 % short.
    const ratio = (impact?.velocityChangeMetersPerSecond ?? 0) / expected.delta_v_m_s;
    expect(ratio).toBeGreaterThan(0.99);
    expect(ratio).toBeLessThan(1.01);
    expect(impact).toMatchObject({ sampleRateHz: input.fs, clipped: false, truncated: false });
    // 2 ms at 3200 Hz are 7 samples, fewer than ten: measured, and said so.
    expect(impact?.undersampled).toBe(input.duration_ms === 2);
  });

  it.each(vectors.filter((vector) => vector.input.fs === 200))('$name: refused', ({ input }) => {
    const samples = halfSine({ sampleRateHz: 200, peakG: input.peak_g, durationMs: input.duration_ms });
    const options = {
      thresholdG: input.threshold_g,
      triggerSamples: 1,
      shortestPulseMs: input.duration_ms,
      sampleRateHz: 200,
      gravityRemoved: true,
    };
    expect(new ImpactDetector(options).sampling).toMatchObject({
      ok: false,
      code: 'sampling-too-slow',
      requiredSampleRateHz: 10_000 / input.duration_ms,
    });
    for (const shock of run(options, samples)) {
      expect(shock).toMatchObject({ kind: 'refused', code: 'sampling-too-slow', sampleRateHz: 200 });
    }
    // The 10 ms pulse is seen but not measured, the 2 ms pulse falls between the samples.
    expect(run(options, samples)).toHaveLength(input.duration_ms === 10 ? 1 : 0);
  });
});

describe('sampling rule', () => {
  it('wants ten samples in the shortest pulse', () => {
    expect(judgeSampling(1000, 10)).toEqual({ ok: true, sampleRateHz: 1000, requiredSampleRateHz: 1000 });
    expect(judgeSampling(200, 50).ok).toBe(true);
    expect(judgeSampling(200, 10)).toMatchObject({ ok: false, code: 'sampling-too-slow', requiredSampleRateHz: 1000 });
    expect(judgeSampling(undefined, 10)).toMatchObject({ ok: false, code: 'sample-rate-unknown' });
  });

  it('estimates the rate from times that come in bursts', () => {
    const detector = new ImpactDetector({ thresholdG: 5, shortestPulseMs: 10 });
    expect(detector.sampling).toMatchObject({ ok: false, code: 'sample-rate-unknown' });
    // 1600 Hz in bursts of 16 samples, each burst with one time.
    for (let i = 0; i < 800; i++) detector.push({ monotonicUs: Math.floor(i / 16) * 10_000, xG: 0, yG: 0, zG: 1 });
    expect(detector.sampleRateHz).toBeGreaterThan(1500);
    expect(detector.sampleRateHz).toBeLessThan(1750);
    expect(detector.sampling.ok).toBe(true);
  });

  it('refuses while the rate is unknown', () => {
    const samples = halfSine({ sampleRateHz: 1600, peakG: 30, durationMs: 2, atMs: 1, totalMs: 4 });
    expect(run({ thresholdG: 5, shortestPulseMs: 10, gravityRemoved: true }, samples)).toMatchObject([
      { kind: 'refused', code: 'sample-rate-unknown' },
    ]);
  });
});

describe('ImpactDetector', () => {
  const options = { thresholdG: 5, shortestPulseMs: 10 };
  const rest = { sampleRateHz: 1600, peakG: 0, durationMs: 1, totalMs: 500 };

  /** Rest at +1 g on z, a pulse on x, then rest with 1 g along `after`. */
  function fall(after: 'xG' | 'yG' | 'zG', sign: 1 | -1): AccelerationSample[] {
    const pulse = halfSine({ sampleRateHz: 1600, peakG: -30, durationMs: 10, atMs: 500, totalMs: 800, axis: 'xG' });
    return pulse.map((sample) => {
      const side = sample.monotonicUs < 510_000 ? { zG: sample.zG + 1 } : { [after]: sample[after] + sign };
      return { ...sample, ...side };
    });
  }

  it('subtracts gravity, measures and tells the orientation before and after', () => {
    const [impact, ...others] = impactsOf(options, fall('yG', -1));
    expect(others).toEqual([]);
    expect(impact?.peakG).toBeCloseTo(30, 1);
    expect(impact?.peakAxisG.x).toBeCloseTo(-30, 1);
    expect(impact?.durationMs).toBeCloseTo(9.375, 1);
    expect(impact?.velocityChangeMetersPerSecond).toBeCloseTo(1.873, 1);
    expect(impact?.orientationBefore).toEqual({ x: 0, y: 0, z: 1 });
    expect(impact?.orientationAfter?.y).toBeCloseTo(-1, 6);
    expect(impact?.tiltDegrees).toBeCloseTo(90, 3);
    expect(impact?.startMonotonicUs).toBeGreaterThanOrEqual(500_000);
    expect(impact?.startMonotonicUs).toBeLessThan(501_500);
  });

  it('keeps the pre-trigger', () => {
    const [impact] = impactsOf({ ...options, preTriggerMs: 15 }, fall('zG', 1));
    const first = impact?.samples[0]?.monotonicUs ?? 0;
    expect((impact?.startMonotonicUs ?? 0) - first).toBeGreaterThan(13_000);
    expect((impact?.startMonotonicUs ?? 0) - first).toBeLessThan(17_000);
  });

  it('a parcel that lands upside down ends its impact and is measured again from there', () => {
    const low = { thresholdG: 2.5, shortestPulseMs: 10 };
    const first = fall('zG', -1);
    const second = first
      .filter((sample) => sample.monotonicUs >= 520_000)
      .map((sample) => ({ ...sample, monotonicUs: sample.monotonicUs + 280_000 }))
      .map((sample, i) => ({ ...sample, yG: i >= 200 && i <= 216 ? 20 * Math.sin((Math.PI * (i - 200)) / 16) : 0 }));
    const impacts = impactsOf(low, [...first, ...second]);
    expect(impacts.map((impact) => impact.truncated)).toEqual([false, false]);
    expect(impacts[0]?.tiltDegrees).toBeCloseTo(180, 3);
    expect(impacts[1]?.peakG).toBeCloseTo(20, 1);
    expect(impacts[1]?.orientationBefore?.z).toBeCloseTo(-1, 3);
  });

  it('one sample is no impact, two are', () => {
    const spike = (length: number) =>
      withGravity(halfSine(rest)).map((sample, i) => (i >= 400 && i < 400 + length ? { ...sample, yG: 12 } : sample));
    expect(impactsOf(options, spike(1))).toEqual([]);
    expect(impactsOf(options, spike(2))).toHaveLength(1);
    expect(impactsOf({ ...options, triggerSamples: 1 }, spike(1))).toHaveLength(1);
  });

  it('bounces within the quiet time are one impact, later ones another', () => {
    const two = (apartMs: number) => {
      const first = halfSine({ sampleRateHz: 1600, peakG: 20, durationMs: 10, atMs: 200, totalMs: 500 });
      const second = halfSine({ sampleRateHz: 1600, peakG: 12, durationMs: 10, atMs: 210 + apartMs, totalMs: 500 });
      return withGravity(first.map((sample, i) => ({ ...sample, zG: sample.zG + (second[i]?.zG ?? 0) })));
    };
    expect(impactsOf(options, two(10))).toHaveLength(1);
    expect(impactsOf(options, two(60)).map((impact) => Math.round(impact.peakG))).toEqual([20, 12]);
  });

  it('long shaking is one truncated impact', () => {
    const shaking = withGravity(halfSine({ ...rest, totalMs: 5000 })).map((sample, i) =>
      i > 800 && i < 7200 ? { ...sample, xG: i % 2 === 0 ? 8 : -8 } : sample,
    );
    const impacts = impactsOf(options, shaking);
    expect(impacts).toHaveLength(1);
    expect(impacts[0]).toMatchObject({ truncated: true, peakAxisG: { y: 0 } });
    expect(impacts[0]?.durationMs).toBeCloseTo(1000, -1);
  });

  it('triggers again after a long shaking has ended', () => {
    const shaking = withGravity(halfSine({ ...rest, totalMs: 5000 })).map((sample, i) =>
      (i > 800 && i < 4000) || (i > 6000 && i < 6020) ? { ...sample, xG: i % 2 === 0 ? 8 : -8 } : sample,
    );
    expect(impactsOf(options, shaking).map((impact) => impact.truncated)).toEqual([true, false]);
  });

  it('passes clipping on', () => {
    const samples = fall('zG', 1).map((sample) => (sample.xG < -16 ? { ...sample, xG: -16, clipped: true } : sample));
    expect(impactsOf(options, samples)[0]).toMatchObject({ clipped: true, peakAxisG: { x: -16 } });
  });

  it('a hole in the samples ends a pulse as truncated', () => {
    const before = fall('zG', 1).filter((sample) => sample.monotonicUs <= 505_000);
    const later = withGravity(halfSine(rest)).map((sample) => ({
      ...sample,
      monotonicUs: sample.monotonicUs + 2_000_000,
    }));
    const impacts = impactsOf(options, [...before, ...later]);
    expect(impacts).toHaveLength(1);
    expect(impacts[0]).toMatchObject({ truncated: true });
    expect(impacts[0]?.orientationAfter).toBeUndefined();
  });

  it('holds no more than its bounds', () => {
    const detector = new ImpactDetector({
      ...options,
      maximumMs: 1e9,
      preTriggerMs: 1e9,
      sampleRateHz: 1600,
      gravityRemoved: true,
    });
    const found: (Impact | RefusedShock)[] = [];
    for (let i = 0; i < 30_000; i++)
      found.push(...detector.push({ monotonicUs: i * 625, xG: i < 6000 ? 0 : 9, yG: 0, zG: 0 }));
    expect(found).toHaveLength(1);
    expect(found[0]?.kind === 'impact' && found[0].samples.length).toBe(MAX_PRE_TRIGGER_SAMPLES + MAX_PULSE_SAMPLES);
  });

  it('refuses options that contradict each other', () => {
    expect(() => new ImpactDetector({ ...options, releaseG: 6 })).toThrow(RangeError);
    expect(() => new ImpactDetector({ ...options, triggerSamples: 0 })).toThrow(RangeError);
    expect(() => new ImpactDetector({ ...options, shortestPulseMs: 0 })).toThrow(RangeError);
  });

  it('measures half-sines of any size at any phase of the sampling', () => {
    fc.assert(
      fc.property(
        fc.double({ min: 12, max: 200, noNaN: true }),
        fc.double({ min: 5, max: 30, noNaN: true }),
        fc.double({ min: 30, max: 31, noNaN: true }),
        (peakG, durationMs, atMs) => {
          const samples = withGravity(halfSine({ sampleRateHz: 3200, peakG, durationMs, atMs, totalMs: 120 }));
          const [impact, ...others] = impactsOf({ thresholdG: 5, shortestPulseMs: 4, sampleRateHz: 3200 }, samples);
          expect(others).toEqual([]);
          expect(impact?.peakG).toBeGreaterThan(0.98 * peakG);
          expect(impact?.peakG).toBeLessThanOrEqual(peakG + 1e-9);
          const analytic = (2 / Math.PI) * peakG * 9.80665 * (durationMs / 1000);
          expect((impact?.velocityChangeMetersPerSecond ?? 0) / analytic).toBeGreaterThan(0.95);
          expect((impact?.velocityChangeMetersPerSecond ?? 0) / analytic).toBeLessThan(1.02);
        },
      ),
      { seed: 20261122, numRuns: 200 },
    );
  });
});
