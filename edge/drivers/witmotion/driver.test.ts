import { describe, expect, it } from 'vitest';
import { MemoryTransport } from '../../transport/memory-transport.test-support.ts';
import { runDriver } from '../../transport/run-driver.test-support.ts';
import { driver } from './driver.ts';
import vectors from './fixtures/frames.json' with { type: 'json' };
import { sampleTimes } from './sample-times.ts';
import { VibrationMeter } from './vibration.ts';

const OPTIONS = { path: '/dev/serial/by-id/usb-x' };
const REST = '5551000000000008c4097b';

/** A frame of acceleration, by the data sheet's formula; `frames.json` proves it below. */
function frame(xG: number, yG: number, zG: number): Buffer {
  const bytes = Buffer.alloc(11);
  bytes.writeUInt16BE(0x5551, 0);
  for (const [index, g] of [xG, yG, zG].entries()) {
    bytes.writeInt16LE(Math.min(32767, Math.round((g / 16) * 32768)), 2 + 2 * index);
  }
  bytes.writeInt16LE(2500, 8);
  bytes[10] = bytes.subarray(0, 10).reduce((sum, byte) => sum + byte, 0) & 0xff;
  return bytes;
}

/** Half a sine of this peak and length along x, one g along z, with rest before and after. */
function halfSine(pulse: { peakG: number; durationMs: number; rateHz: number }): Buffer[] {
  const pulseSamples = Math.round((pulse.durationMs / 1000) * pulse.rateHz);
  const rest = Array.from({ length: pulse.rateHz * 2 }, () => frame(0, 0, 1));
  const shock = Array.from({ length: pulseSamples }, (_, n) =>
    frame(pulse.peakG * Math.sin((Math.PI * n) / pulseSamples), 0, 1),
  );
  return [...rest, ...shock, ...rest];
}

async function play(frames: Buffer[], rateHz: number, options: object = {}, perChunk = 1) {
  const device = new MemoryTransport();
  const run = runDriver(driver, { ...OPTIONS, ...options }, device);
  for (let at = 0; at < frames.length; at += perChunk) {
    await run.clock.advance((1000 / rateHz) * perChunk);
    device.feed(Buffer.concat(frames.slice(at, at + perChunk)));
  }
  await run.clock.advance(1);
  return { run, device };
}

describe('witmotion', () => {
  it('builds test frames as the vectors have them', () => {
    expect(frame(0, 0, 1).toString('hex')).toBe(REST);
  });

  it('reads the outside frames split at every offset, and counts what is wrong', async () => {
    const stream = Buffer.from(vectors.map(({ input }) => input).join(''), 'hex');
    const good = vectors.filter(({ expected }) => expected.checksumOk !== false).length;
    for (let at = 1; at < stream.length; at += 3) {
      const device = new MemoryTransport();
      const run = runDriver(driver, OPTIONS, device);
      device.feed(stream, [at, 999]);
      await run.clock.advance(10);
      expect(run.stats).toMatchObject({
        bytes: stream.length,
        frames: good,
        discardedBytes: stream.length - 11 * good,
      });
      await run.stop();
    }
  });

  it.each([1, 7])('measures a shock that a 200 Hz sensor can measure, %i frames at a time', async (perChunk) => {
    const { run } = await play(halfSine({ peakG: 12, durationMs: 60, rateHz: 200 }), 200, {}, perChunk);
    const shocks = run.readings.filter(({ kind }) => kind === 'shock');
    expect(shocks).toHaveLength(1);
    expect(shocks[0]).toMatchObject({ clipped: false });
    const [shock] = shocks;
    if (shock?.kind !== 'shock') throw new Error('no shock');
    expect(shock.peakG).toBeCloseTo(12, 1);
    expect(shock.peakXG).toBeCloseTo(12, 1);
    expect(shock.peakZG).toBeCloseTo(0, 1);
    expect(shock.sampleRateHz).toBeCloseTo(200, -1);
    // 2/π · 12 g · 60 ms
    expect(shock.velocityChangeMetersPerSecond).toBeGreaterThan(4.495 * 0.95);
    expect(shock.velocityChangeMetersPerSecond).toBeLessThan(4.495 * 1.05);
    // It began after two seconds at rest.
    expect(shock.monotonicUs / 1e6).toBeCloseTo(2, 1);
    await run.stop();
  });

  it('marks a shock at the end of the range, and one too short to be measured', async () => {
    const clipped = await play(halfSine({ peakG: 16, durationMs: 60, rateHz: 200 }), 200);
    expect(clipped.run.measured()).toContainEqual(expect.objectContaining({ kind: 'shock', clipped: true }));
    await clipped.run.stop();
    const short = await play(halfSine({ peakG: 12, durationMs: 25, rateHz: 200 }), 200);
    expect(short.run.measured()).toContainEqual(expect.objectContaining({ kind: 'shock', clipped: true }));
    await short.run.stop();
  });

  it('refuses to measure shocks at a slow rate: says so once, and that it felt one', async () => {
    const { run } = await play(
      [
        ...halfSine({ peakG: 8, durationMs: 200, rateHz: 100 }),
        ...halfSine({ peakG: 8, durationMs: 200, rateHz: 100 }),
      ],
      100,
    );
    expect(run.readings.filter(({ kind }) => kind === 'shock')).toEqual([]);
    expect(run.statuses()).toEqual([
      expect.stringMatching(/^shock-refused: felt a shock of at least 8\.\d g/),
      expect.stringMatching(/^sampling-too-slow: 100 Hz cannot record pulses of 50 ms: 200 Hz are needed/),
    ]);
    await run.stop();
  });

  it('gives vibration as RMS without gravity, once per window', async () => {
    // ±0.2 g around rest: the RMS of a square wave is its amplitude.
    const frames = Array.from({ length: 500 }, (_, n) => frame(n % 2 ? 0.2 : -0.2, 0, 1));
    const { run } = await play(frames, 200, { vibrationWindowMs: 1_000 });
    const values = run.readings.filter(({ kind }) => kind === 'vibration');
    expect(values).toHaveLength(2);
    for (const value of values) expect(value).toMatchObject({ rmsG: expect.closeTo(0.2, 3), windowMs: 1_000 });
    await run.stop();
  });

  it('says when the device sends no acceleration', async () => {
    // 55 53: angles only.
    const angles = vectors
      .filter(({ input }) => input.startsWith('5553'))
      .map(({ input }) => Buffer.from(input, 'hex'));
    expect(angles.length).toBeGreaterThan(0);
    const { run } = await play(
      Array.from({ length: 500 }, () => angles[0] ?? Buffer.alloc(0)),
      200,
    );
    expect(run.statuses()).toEqual([expect.stringMatching(/^acceleration-missing: /)]);
    await run.stop();
  });

  it('ends with device-silent when nothing comes', async () => {
    const { run, device } = await play([frame(0, 0, 1)], 200, { silenceMs: 2_000 });
    await run.clock.advance(1_900);
    device.feed(frame(0, 0, 1));
    await run.clock.advance(1_900);
    await run.clock.advance(200);
    expect(await run.ended).toMatchObject({ code: 'device-silent' });
  });
});

describe('sample times', () => {
  it('spreads a burst back from its arrival, and never before an earlier sample', () => {
    const at = (more: object) =>
      sampleTimes({ monotonicUs: 100_000, count: 3, afterUs: 0, sampleRateHz: 200, ...more });
    expect(at({})).toEqual([90_000, 95_000, 100_000]);
    expect(at({ afterUs: 97_000 })).toEqual([97_000, 97_000, 100_000]);
    expect(at({ sampleRateHz: undefined })).toEqual([100_000, 100_000, 100_000]);
  });
});

describe('vibration', () => {
  it('says nothing about a window with a handful of samples', () => {
    const meter = new VibrationMeter(100);
    const values = [0, 50, 100, 150, 200, 250].map((ms) =>
      meter.push({ monotonicUs: ms * 1000, xG: ms, yG: 0, zG: 1 }),
    );
    expect(values.filter(Boolean)).toEqual([]);
  });
});
