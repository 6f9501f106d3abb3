import { expect, it } from 'vitest';
import { silentLog } from '../../protocols/base/log.ts';
import { ManualClock } from '../../protocols/base/manual-clock.ts';
import type { Payload } from '../../protocols/uplink/model.ts';
import { decodePayload } from '../../protocols/uplink/payload-codec.ts';
import { type Appender, Intake } from './intake.ts';

const reading = (deviceId: string): Payload => ({ kind: 'contact', deviceId, place: {}, open: true });
const alert = (deviceId: string): Payload => ({
  kind: 'device',
  deviceId,
  state: 'offline',
  code: 'port-missing',
  message: '',
});

function setup(maxHeld?: number) {
  const clock = new ManualClock();
  const stored: string[] = [];
  const disk = { full: false };
  const put: Appender['put'] = (_lane, bytes, time, settle) => {
    const payload = Buffer.from(bytes);
    const { deviceId } = decodePayload(payload) as { deviceId: string };
    queueMicrotask(() => {
      if (disk.full) settle({ error: Object.assign(new Error('full'), { code: 'disk-full' }), payload, time });
      else settle(stored.push(deviceId));
    });
  };
  const intake = new Intake({
    appender: { put },
    clock,
    log: silentLog,
    ...(maxHeld === undefined ? {} : { maxHeld }),
  });
  return { clock, stored, disk, intake };
}

it('holds what the disk refuses and stores it in order when there is space', async () => {
  const { clock, stored, disk, intake } = setup();
  disk.full = true;
  const outcomes = ['1', '2', '3'].map((id) => intake.store(reading(id), 0));
  await clock.advance(5_000);
  expect(intake.held()).toBe(3);
  disk.full = false;
  outcomes.push(intake.store(reading('4'), 0));
  await clock.advance(1_500);
  expect(await Promise.all(outcomes)).toEqual([true, true, true, true]);
  expect(stored).toEqual(['1', '2', '3', '4']);
  expect(intake.rejected).toEqual({ alert: 0, tracking: 0, telemetry: 0 });
});

it('gives up the oldest telemetry first when it holds too much, and counts it', async () => {
  const { clock, stored, disk, intake } = setup(2);
  disk.full = true;
  const first = intake.store(reading('old'), 0);
  await clock.advance(0);
  void intake.store(reading('new'), 0);
  void intake.store(alert('alarm'), 0);
  await clock.advance(0);
  expect(await first).toBe(false);
  expect(intake.rejected.telemetry).toBe(1);
  disk.full = false;
  await clock.advance(1_000);
  expect(stored.sort()).toEqual(['alarm', 'new']);
});

it('settles everything when it stops', async () => {
  const { clock, disk, intake } = setup();
  disk.full = true;
  const outcome = intake.store(reading('1'), 0);
  await clock.advance(100);
  intake.stop();
  expect(await outcome).toBe(false);
  expect(clock.timers).toBe(0);
});

it('asks a refusing disk with one payload, not with all that it holds', async () => {
  const clock = new ManualClock();
  let asked = 0;
  const put: Appender['put'] = (_lane, bytes, time, settle) => {
    asked++;
    const payload = Buffer.from(bytes);
    queueMicrotask(() => settle({ error: Object.assign(new Error('full'), { code: 'disk-full' }), payload, time }));
  };
  const intake = new Intake({ appender: { put }, clock, log: silentLog });
  for (let n = 0; n < 100; n++) void intake.store(reading(`${n}`), 0);
  await clock.advance(0);
  expect(asked).toBe(100);
  await clock.advance(5_000);
  expect(intake.held()).toBe(100);
  expect(asked).toBe(110);
});

it('holds no more bytes than it may', async () => {
  const clock = new ManualClock();
  const put: Appender['put'] = (_lane, payload, time, settle) =>
    settle({ error: Object.assign(new Error('full'), { code: 'read-only' }), payload: Buffer.from(payload), time });
  const intake = new Intake({ appender: { put }, clock, log: silentLog, maxHeldBytes: 100 });
  for (let n = 0; n < 20; n++) void intake.store(reading(`device-${n}`), 0);
  await clock.advance(0);
  expect(intake.held() + intake.rejected.telemetry).toBe(20);
  expect(intake.held()).toBeGreaterThan(2);
  expect(intake.held()).toBeLessThan(8);
});
