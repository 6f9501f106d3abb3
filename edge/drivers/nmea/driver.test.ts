import { describe, expect, it } from 'vitest';
import { named } from '../../../protocols/base/outside-bytes.test-support.ts';
import { MemoryTransport } from '../../transport/memory-transport.test-support.ts';
import { runDriver } from '../../transport/run-driver.test-support.ts';
import { driver } from './driver.ts';
import vectors from './fixtures/sentences.json' with { type: 'json' };

const OPTIONS = { path: '/dev/serial/by-id/usb-gps' };

function sentence(name: string): string {
  return `${named(vectors, name).input}\r\n`;
}

/** RMC and VTG, GGA and so on of one receiver at one time: the classic second of 1994 has GGA alone, so two come from it. */
const CLASSIC = sentence('GGA classic') + sentence('VTG classic') + sentence('GSA 3D') + sentence('GSV 1/2');
const CLASSIC_READING = {
  kind: 'position',
  latitude: expect.closeTo(48.1173, 6),
  longitude: expect.closeTo(11.5166667, 6),
  altitudeMeters: 545.4,
  speedMetersPerSecond: expect.closeTo(10.2 / 3.6, 6),
  courseDegrees: 54.7,
  hdop: 0.9,
  satellites: 8,
};
const VOID = sentence('RMC void no date') + sentence('GGA no fix') + sentence('GSA no fix') + sentence('GLL void');

describe('nmea', () => {
  it('merges a burst into one position, split at every offset', async () => {
    for (let at = 1; at < CLASSIC.length; at++) {
      const device = new MemoryTransport();
      const run = runDriver(driver, OPTIONS, device);
      device.feed(CLASSIC.slice(0, at));
      await run.clock.advance(5);
      device.feed(CLASSIC.slice(at));
      await run.clock.advance(150);
      expect(run.measured()).toEqual([CLASSIC_READING]);
      expect(run.stats).toMatchObject({ bytes: CLASSIC.length, frames: 4, discardedBytes: 0, checksumErrors: 0 });
      await run.stop();
    }
  });

  it.each(vectors.filter(({ expected }) => 'lat' in expected && expected.checksumOk !== false))(
    'reads $name as it is: $input',
    async ({ input, expected }) => {
      const device = new MemoryTransport();
      const run = runDriver(driver, { ...OPTIONS, requireChecksum: input.includes('*') }, device);
      device.feed(`${input}\r\n`);
      await run.clock.advance(150);
      const place = expected.lat === null ? [] : [{ latitude: expected.lat ?? 0, longitude: expected.lon ?? 0 }];
      expect(run.measured()).toEqual(
        place.map(({ latitude, longitude }) =>
          expect.objectContaining({ latitude: expect.closeTo(latitude, 5), longitude: expect.closeTo(longitude, 5) }),
        ),
      );
      await run.stop();
    },
  );

  it.each(vectors.filter(({ name }) => name.startsWith('NEG')))('takes nothing from $name', async ({ input, name }) => {
    const device = new MemoryTransport();
    const run = runDriver(driver, OPTIONS, device);
    device.feed(`${input}\r\n`);
    await run.clock.advance(150);
    // Two sentences ran into each other: the second one is whole and right.
    expect(run.measured()).toHaveLength(name.includes('merged') ? 1 : 0);
    expect(run.stats.discardedBytes).toBeGreaterThan(0);
    await run.stop();
  });

  it('gives the receiver’s time with the moment at which its burst began', async () => {
    const device = new MemoryTransport();
    const run = runDriver(driver, OPTIONS, device);
    await run.clock.advance(3_000);
    const beganUs = run.clock.monotonicUs();
    device.feed(sentence('GNSS talker RMC'));
    await run.clock.advance(50);
    device.feed(sentence('GN GSA glonass'));
    await run.clock.advance(1_000);
    expect(run.readings).toEqual([
      expect.objectContaining({ monotonicUs: beganUs, utcMs: Date.UTC(2017, 0, 10, 0, 10, 31), hdop: 1.09 }),
    ]);
    await run.stop();
  });

  it('emits no position without a fix: a status once, and once that it is back', async () => {
    const device = new MemoryTransport();
    const run = runDriver(driver, OPTIONS, device);
    for (let second = 0; second < 10; second++) {
      device.feed(VOID);
      await run.clock.advance(1_000);
    }
    expect(run.measured()).toEqual([]);
    expect(run.statuses()).toEqual([expect.stringMatching(/^position-void: .*\(0 satellites used\).*sky/)]);
    device.feed(CLASSIC);
    await run.clock.advance(1_000);
    expect(run.measured()).toHaveLength(1);
    expect(run.statuses().slice(1)).toEqual([expect.stringMatching(/^position-recovered: /)]);
    // A tunnel a moment later is not worth a message.
    device.feed(VOID);
    await run.clock.advance(1_000);
    device.feed(CLASSIC);
    await run.clock.advance(1_000);
    expect(run.statuses()).toHaveLength(2);
    await run.stop();
  });

  it('emits at most one position per interval, and is not thrown by a late one', async () => {
    const device = new MemoryTransport();
    const run = runDriver(driver, { ...OPTIONS, intervalMs: 2_000 }, device);
    for (let second = 0; second < 10; second++) {
      device.feed(CLASSIC);
      await run.clock.advance(second % 2 ? 990 : 1_000);
    }
    expect(run.measured()).toHaveLength(5);
    await run.stop();
  });

  it('needs no quiet between bursts', async () => {
    const device = new MemoryTransport();
    const run = runDriver(driver, { ...OPTIONS, intervalMs: 0 }, device);
    for (let tenth = 0; tenth < 20; tenth++) {
      device.feed(sentence(tenth % 2 ? 'RMC southern/eastern' : 'RMC mode field'));
      await run.clock.advance(50);
    }
    expect(run.measured()).toHaveLength(19);
    await run.stop();
  });

  it('ends with device-silent when nothing comes', async () => {
    const device = new MemoryTransport();
    const run = runDriver(driver, { ...OPTIONS, silenceMs: 3_000 }, device);
    device.feed(CLASSIC);
    await run.clock.advance(2_900);
    expect(run.measured()).toHaveLength(1);
    await run.clock.advance(1_000);
    expect(await run.ended).toMatchObject({ code: 'device-silent', message: expect.stringContaining('9600') });
  });

  it('ends in order when the port ends', async () => {
    const device = new MemoryTransport();
    const run = runDriver(driver, OPTIONS, device);
    device.end();
    expect(await run.ended).toBeUndefined();
  });
});
