import { describe, expect, it } from 'vitest';
import type { Drive } from '../journey.ts';
import { testContext } from '../testing/context.ts';
import type { MemoryLine } from '../testing/memory-line.ts';
import { type WitmotionOptions, witmotion, witmotionOptions } from './sensor.ts';

const at = (speedMetersPerSecond: number): Drive => ({
  now: () => ({ latitude: 0, longitude: 0, altitudeMeters: 0, courseDegrees: 0, stopLeftS: 0, speedMetersPerSecond }),
});

async function started(options: Partial<WitmotionOptions> = {}, speed = 0) {
  const test = testContext();
  const sensor = await witmotion('w1', witmotionOptions.parse({ noiseG: 0, ...options }), at(speed)).start(
    test.context,
  );
  return { ...test, sensor, line: test.line('w1') };
}

/** WIT protocol by hand: 55 51, three axes of int16 over 32768 × 16 g, the sum of the first ten bytes. */
function samples(line: MemoryLine): { x: number; y: number; z: number }[] {
  const bytes = Buffer.concat(line.sent);
  expect(bytes.length % 11).toBe(0);
  const found: { x: number; y: number; z: number }[] = [];
  for (let i = 0; i < bytes.length; i += 11) {
    const frame = bytes.subarray(i, i + 11);
    expect(frame.subarray(0, 2).toString('hex')).toBe('5551');
    expect(frame.subarray(0, 10).reduce((sum, byte) => sum + byte, 0) & 0xff).toBe(frame[10]);
    const g = (offset: number): number => (frame.readInt16LE(offset) / 32768) * 16;
    found.push({ x: g(2), y: g(4), z: g(6) });
  }
  return found;
}

describe('WitMotion accelerometer', () => {
  it('streams 200 samples a second in batches, at rest 1 g downwards', async () => {
    const { clock, line } = await started();
    await clock.advance(1000);
    const found = samples(line);
    expect(found).toHaveLength(201);
    expect(found.every(({ x, y, z }) => x === 0 && y === 0 && z === 1)).toBe(true);
    expect(line.sent.length).toBe(50);
  });

  it('writes the frame of the published parser test for 1 g at 25 °C', async () => {
    const { clock, line } = await started({ temperatureCelsius: 25 });
    await clock.advance(20);
    expect(line.sent[0]?.subarray(0, 11).toString('hex')).toBe('5551000000000008c4097b');
  });

  it('feels a half-sine shock: its peak, and its velocity change 2/π · A · g · D', async () => {
    const { clock, line, sensor, ledger } = await started();
    await clock.advance(500);
    line.sent.length = 0;
    await sensor.command('shock', { peakG: 8, durationMs: 60, axis: 'x' });
    expect(ledger).toMatchObject([{ kind: 'shock', detail: { peakG: 8, durationMs: 60, axis: 'x' } }]);
    await clock.advance(500);
    const along = samples(line).map(({ x }) => x);
    expect(Math.max(...along)).toBeCloseTo(8, 1);
    const velocityChange = along.reduce((sum, g) => sum + g * 9.80665 * 0.005, 0);
    expect(velocityChange).toBeCloseTo((2 / Math.PI) * 8 * 9.80665 * 0.06, 1);
    expect(along.filter((g) => g > 0.001).length).toBeLessThanOrEqual(12);
  });

  it('clips at the end of its range', async () => {
    const { clock, line, sensor } = await started();
    await sensor.command('shock', { peakG: 100, durationMs: 50 });
    await clock.advance(100);
    expect(Math.max(...samples(line).map(({ z }) => z))).toBeCloseTo(16, 2);
  });

  it('shakes more the faster the vehicle goes, the same for the same seed', async () => {
    const deviation = async (speed: number): Promise<{ rms: number; sent: string }> => {
      const { clock, line } = await started({ roadG: 0.1 }, speed);
      await clock.advance(2000);
      const found = samples(line);
      const rms = Math.sqrt(found.reduce((sum, { z }) => sum + (z - 1) ** 2, 0) / found.length);
      return { rms, sent: Buffer.concat(line.sent).toString('hex') };
    };
    const [slow, fast, again] = [await deviation(3), await deviation(14), await deviation(14)];
    expect(fast.rms).toBeCloseTo(0.1, 1);
    expect(slow.rms).toBeLessThan(fast.rms / 3);
    expect(again.sent).toBe(fast.sent);
  });

  it('takes the rate that the host sets', async () => {
    const { clock, line } = await started();
    line.fromHost(Buffer.from('ffaa69', 'hex'));
    line.fromHost(Buffer.from('88b5ffaa03', 'hex'));
    line.fromHost(Buffer.from('0600', 'hex'));
    await clock.advance(100);
    line.sent.length = 0;
    await clock.advance(2000);
    expect(samples(line)).toHaveLength(20);
  });

  it('gives no backlog to a host that comes later', async () => {
    const { clock, line } = await started();
    line.hostListens = false;
    await clock.advance(60_000);
    line.hostListens = true;
    await clock.advance(100);
    expect(samples(line).length).toBeLessThan(30);
  });

  it('refuses a rate that the baud rate cannot carry, and shocks that make no sense', async () => {
    expect(witmotionOptions.safeParse({ rateHz: 200, baudRate: 9600 }).success).toBe(false);
    const { sensor } = await started();
    await expect(sensor.command('shock', { axis: 'w' })).rejects.toMatchObject({ code: 'sim-command-invalid' });
  });

  it('leaves no timer behind', async () => {
    const { clock, sensor } = await started();
    await clock.advance(50);
    await sensor.stop();
    await clock.advance(100);
    expect(clock.timers).toBe(0);
  });
});
