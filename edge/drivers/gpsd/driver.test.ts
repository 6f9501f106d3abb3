import { describe, expect, it } from 'vitest';
import { named } from '../../../protocols/base/outside-bytes.test-support.ts';
import { MemoryTransport } from '../../transport/memory-transport.test-support.ts';
import { runDriver } from '../../transport/run-driver.test-support.ts';
import { driver } from './driver.ts';
import vectors from './fixtures/reports.json' with { type: 'json' };

const OPTIONS = { host: 'localhost' };

function line(name: string): string {
  return `${named(vectors, name).input.replaceAll('\n', '')}\r\n`;
}

const GREETING = line('greeting') + line('devices, one open') + line('watch');
const SKY = line('sky with satellites in use');
const FIX = line('position in three dimensions');
const VOID = line('no fix');
const PLACE = { kind: 'position', latitude: 52.531, longitude: 13.381 };
const READING = {
  ...PLACE,
  altitudeMeters: 545.4,
  speedMetersPerSecond: 5.402,
  courseDegrees: 54.7,
  hdop: 1.3,
  satellites: 5,
  utcMs: Date.UTC(2026, 10, 23, 13, 5, 20),
};

/** The fix, so many seconds later by the receiver's clock. */
function later(seconds: number, device = '/dev/pts/1'): string {
  const time = new Date(Date.UTC(2026, 10, 23, 13, 5, 20) + seconds * 1000).toISOString();
  return FIX.replace('2026-11-23T13:05:20.000Z', time).replace('/dev/pts/1', device);
}

function start(options: object = {}) {
  const device = new MemoryTransport();
  return { device, run: runDriver(driver, { ...OPTIONS, ...options }, device) };
}

describe('gpsd', () => {
  it('asks for reports and reads positions, split at every offset', async () => {
    const said = GREETING + SKY + FIX;
    for (let at = 1; at < said.length; at += 7) {
      const { device, run } = start();
      device.feed(said.slice(0, at));
      await run.clock.advance(5);
      device.feed(said.slice(at));
      await run.clock.advance(5);
      expect(device.writes.map(String)).toEqual(['?WATCH={"enable":true,"json":true};\n']);
      expect(run.measured()).toEqual([READING]);
      expect(run.stats).toMatchObject({ bytes: said.length, frames: 5, discardedBytes: 0 });
      await run.stop();
    }
  });

  it('takes a solution that comes in pieces once, when it is whole', async () => {
    const { device, run } = start({ intervalMs: 0 });
    device.feed(line('position in two dimensions'));
    device.feed(FIX.replace('13:05:20', '13:05:19'));
    device.feed(FIX.replace('13:05:20', '13:05:19'));
    await run.clock.advance(1_000);
    expect(run.measured()).toEqual([expect.objectContaining({ ...PLACE, altitudeMeters: 545.4 })]);
    await run.stop();
  });

  it('does not wait long for an altitude that never comes', async () => {
    const { device, run } = start();
    device.feed(line('position in two dimensions'));
    await run.clock.advance(240);
    expect(run.measured()).toEqual([]);
    await run.clock.advance(20);
    expect(run.measured()).toEqual([expect.not.objectContaining({ altitudeMeters: expect.anything() })]);
    expect(run.measured()).toEqual([expect.objectContaining(PLACE)]);
    await run.stop();
  });

  it('emits no position below mode 2: a status once, and once that it is back', async () => {
    const { device, run } = start();
    for (let second = 0; second < 5; second++) {
      device.feed(VOID.replace('"ept":0.005', '"lat":52.5,"lon":13.4'));
      await run.clock.advance(1_000);
    }
    expect(run.measured()).toEqual([]);
    expect(run.statuses()).toEqual([expect.stringMatching(/^position-void: /)]);
    device.feed(FIX);
    await run.clock.advance(1_000);
    expect(run.measured()).toHaveLength(1);
    expect(run.statuses()).toHaveLength(2);
    await run.stop();
  });

  it('leaves the time out after a leap, and takes it again when it goes steadily', async () => {
    const { device, run } = start();
    const weeks = 1024 * 7 * 86_400;
    for (let second = 0; second < 30; second++) {
      device.feed(later(second < 5 ? second : second - weeks));
      await run.clock.advance(1_000);
    }
    const times = run.measured().map((reading) => 'utcMs' in reading);
    expect(times).toEqual([...Array(5).fill(true), ...Array(11).fill(false), ...Array(14).fill(true)]);
    expect(run.statuses()).toEqual([expect.stringMatching(/^position-time-leap: .* leapt back by 6193152\d\d s/)]);
    await run.stop();
  });

  it('follows one of several receivers, and another when the first has lost its fix for a while', async () => {
    const { device, run } = start();
    for (let second = 0; second < 20; second++) {
      device.feed(second < 3 ? later(second) : VOID);
      device.feed(later(second, '/dev/ttyUSB7').replace('52.531', '40.1'));
      await run.clock.advance(1_000);
    }
    const latitudes = run.measured().map((reading) => (reading as { latitude: number }).latitude);
    expect(latitudes.slice(0, 3)).toEqual([52.531, 52.531, 52.531]);
    expect(new Set(latitudes.slice(3))).toEqual(new Set([40.1]));
    expect(latitudes).toHaveLength(10);
    await run.stop();
  });

  it('takes the receiver that is configured, and no other', async () => {
    const { device, run } = start({ receiver: '/dev/ttyUSB7' });
    for (let second = 0; second < 3; second++) {
      device.feed(later(second) + later(second, '/dev/ttyUSB7').replace('52.531', '40.1'));
      await run.clock.advance(1_000);
    }
    expect(run.measured()).toEqual(Array(3).fill(expect.objectContaining({ latitude: 40.1 })));
    await run.stop();
  });

  it.each([
    ['nothing was attached to it', GREETING.replace(/\[\{.*\}\]/, '[]'), {}, /no receiver: name one/],
    ['its receiver is mute', GREETING, {}, /\/dev\/pts\/1\) say nothing/],
    ['it has another one', GREETING, { receiver: '/dev/ttyUSB7' }, /not '\/dev\/ttyUSB7'/],
  ])('ends with device-silent when %s', async (_, greeting, options, message) => {
    const { device, run } = start({ silenceMs: 5_000, ...options });
    device.feed(greeting);
    await run.clock.advance(4_900);
    // Being told again that it is there is no sign of life of a receiver.
    device.feed(line('watch'));
    await run.clock.advance(200);
    expect(await run.ended).toMatchObject({ code: 'device-silent', message: expect.stringMatching(message) });
  });

  it('counts what it cannot read, and says what gpsd complains of once', async () => {
    const { device, run } = start();
    device.feed(`{"class":\r\n${line('error')}${line('error')}`);
    await run.clock.advance(10);
    expect(run.stats).toMatchObject({ discardedBytes: 9 });
    expect(run.statuses()).toEqual([expect.stringMatching(/^gpsd-error: gpsd: Unrecognized/)]);
    await run.stop();
  });

  it('ends in order when gpsd ends', async () => {
    const { device, run } = start();
    device.end();
    expect(await run.ended).toBeUndefined();
  });
});
