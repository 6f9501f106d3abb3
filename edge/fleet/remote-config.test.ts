import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../protocols/base/seeded-random.ts';
import { settingsHash } from '../../protocols/fleet/canonical.ts';
import { Box, desired, settingsOf, TRIAL_MS } from './remote-config.test-support.ts';

const FILE = '/state/remote-config.json';

async function boxOn(version = 0): Promise<Box> {
  const box = new Box();
  await box.start();
  for (let each = 1; each <= version; each++) {
    await box.send(desired(each, settingsOf(each * 1000)));
    await box.clock.advance(3_000);
  }
  return box;
}

describe('a version that is good', () => {
  it('is on disk, applied at once, on trial, and applied for good after two seconds', async () => {
    const box = await boxOn();
    expect(box.said).toBe('0: none');
    await box.send(desired(1, settingsOf(1500)));
    expect([box.said, box.windowMs]).toEqual(['1: 1 trying', 1500]);
    expect(box.disk.content(FILE)?.toString()).toContain('"trial":{"version":1');
    await box.clock.advance(1_500);
    expect(box.said).toBe('1: 1 trying');
    await box.clock.advance(1_000);
    expect(box.said).toBe('1: 1 applied');
    expect(box.link.reports.at(-1)).toMatchObject({
      inForce: { hash: settingsHash(settingsOf(1500)) },
      readPoints: ['dock'],
    });
    expect(box.remote?.summary()).toMatchObject({ version: 1, state: 'applied', lastVersion: 1, reasons: [] });
  });

  it('is in force again after a restart, before a word of the hub, and is reported with the connection', async () => {
    const box = await boxOn(1);
    await box.start({ rebooted: true, connected: false });
    expect([box.windowMs, box.link.reports.length]).toEqual([1000, 0]);
    box.link.set(true);
    await box.clock.advance(1);
    expect([box.said, box.applied.length]).toEqual(['1: 1 applied', 1]);
  });

  it('waits for a gateway that was away', async () => {
    const box = await boxOn(1);
    box.link.set(false);
    box.link.send(desired(2, settingsOf(2500)));
    await box.clock.advance(60_000);
    expect(box.windowMs).toBe(1000);
    box.link.set(true);
    await box.clock.advance(3_000);
    expect([box.said, box.windowMs]).toEqual(['2: 2 applied', 2500]);
  });

  it('is passed over when it comes again, or when it is older; the report is told again', async () => {
    const box = await boxOn(2);
    const before = box.link.reports.length;
    await box.send(desired(2, settingsOf(9999)));
    await box.send(desired(1, settingsOf(9999)));
    expect([box.said, box.windowMs, box.link.reports.length - before]).toEqual(['2: 2 applied', 2000, 2]);
  });

  it('stays when the hub withdraws its message', async () => {
    const box = await boxOn(1);
    await box.send(Buffer.alloc(0));
    await box.clock.advance(200_000);
    expect([box.said, box.windowMs]).toEqual(['1: 1 applied', 1000]);
  });

  it('of several that come at once the newest is looked at', async () => {
    const box = await boxOn();
    for (const version of [1, 2, 3]) box.link.send(desired(version, settingsOf(version)));
    await box.clock.advance(3_000);
    expect([box.said, box.applied.map(({ readPoints }) => readPoints.dock?.scanWindowMs)]).toEqual([
      '3: 3 applied',
      [undefined, 3],
    ]);
  });
});

describe('a version that cannot be had', () => {
  it('is rejected with every key, and the last good one stays', async () => {
    const box = await boxOn(1);
    box.check = ({ rates }) =>
      Object.keys(rates).map((id) => ({ key: `rates/${id}`, code: 'config-unknown-device', reason: 'not here' }));
    await box.send(desired(2, settingsOf(2000, { a: {}, b: {} })));
    expect(box.said).toBe('1: 2 rejected');
    expect(box.reasons).toEqual(['rates/a config-unknown-device', 'rates/b config-unknown-device']);
    await box.start({ rebooted: true });
    expect([box.said, box.windowMs]).toEqual(['1: 2 rejected', 1000]);
    await box.send(desired(3, settingsOf(3000)));
    await box.clock.advance(3_000);
    expect([box.said, box.windowMs]).toEqual(['3: 3 applied', 3000]);
  });

  it.each<[string, Buffer, string, string]>([
    ['no JSON', Buffer.from('{"schema":1,'), '1: 0 rejected', 'config-unreadable'],
    ['settings that are none', desired(2, { rules: 7 } as never), '1: 2 rejected', 'rules rule-list'],
    ['for another gateway', desired(2, settingsOf(1), { gatewayId: 'van-8' }), '1: 0 rejected', 'config-other-gateway'],
  ])('%s', async (_what, payload, said, reason) => {
    const box = await boxOn(1);
    await box.send(payload);
    expect([box.said, box.reasons, box.windowMs]).toEqual([said, [reason], 1000]);
    // What could not be read does not stand in the way of what comes.
    await box.send(desired(3, settingsOf(3000)));
    expect(box.said).toBe('3: 3 trying');
  });

  it('is not tried while the disk refuses; it is once the disk takes it', async () => {
    const box = await boxOn(1);
    box.disk.failWrites = 'ENOSPC';
    await box.send(desired(2, settingsOf(2000)));
    expect([box.said, box.reasons, box.windowMs]).toEqual(['1: 2 rejected', ['config-not-stored'], 1000]);
    await box.clock.advance(20_000);
    expect(box.windowMs).toBe(1000);
    box.disk.failWrites = undefined;
    await box.clock.advance(10_000);
    expect([box.said, box.windowMs]).toEqual(['2: 2 applied', 2000]);
  });

  it('is given back when applying it fails', async () => {
    const box = await boxOn(1);
    box.onApply = ({ readPoints }) => {
      if (readPoints.dock?.scanWindowMs === 2000) throw new Error('a bug');
    };
    await box.send(desired(2, settingsOf(2000)));
    expect([box.said, box.reasons, box.windowMs]).toEqual(['1: 2 rolled-back', ['config-apply-failed'], 1000]);
  });
});

describe('a version on trial', () => {
  it('goes back after 120 s when a device does not return, says which, and is not tried again', async () => {
    const box = await boxOn(1);
    const cooler = box.devices.get('cooler');
    box.onApply = () => Object.assign(cooler ?? {}, { isOnline: false, message: 'the device says nothing' });
    await box.send(desired(2, settingsOf(2000, { cooler: { options: { intervalMs: 1 } } })));
    await box.clock.advance(TRIAL_MS - 1_000);
    expect([box.said, box.windowMs]).toEqual(['2: 2 trying', 2000]);
    await box.clock.advance(2_000);
    expect([box.said, box.reasons, box.windowMs]).toEqual([
      '1: 2 rolled-back',
      ['rates/cooler config-device-lost'],
      1000,
    ]);
    expect(box.link.reports.at(-1)?.last?.reasons[0]?.reason).toContain('the device says nothing');
    Object.assign(cooler ?? {}, { isOnline: true });
    box.onApply = () => {};
    await box.send(desired(2, settingsOf(2000)));
    await box.start({ rebooted: true });
    expect([box.said, box.windowMs]).toEqual(['1: 2 rolled-back', 1000]);
    await box.send(desired(3, settingsOf(2000)));
    await box.clock.advance(3_000);
    expect(box.said).toBe('3: 3 applied');
  });

  it('waits for a device that returns, and asks nothing of one that was away before', async () => {
    const box = await boxOn(1);
    const cooler = { isOnline: true, message: '' };
    box.devices.set('cooler', cooler).set('scanner', { isOnline: false, message: 'no such port' });
    box.onApply = () => Object.assign(cooler, { isOnline: false });
    await box.send(desired(2, settingsOf(2000)));
    await box.clock.advance(100_000);
    Object.assign(cooler, { isOnline: true });
    await box.clock.advance(1_000);
    // A moment is no proof.
    Object.assign(cooler, { isOnline: false });
    await box.clock.advance(1_500);
    Object.assign(cooler, { isOnline: true });
    await box.clock.advance(1_500);
    expect(box.said).toBe('2: 2 trying');
    await box.clock.advance(1_000);
    expect(box.said).toBe('2: 2 applied');
  });

  it('goes back when the uplink does not return, and is reported when it does', async () => {
    const box = await boxOn(1);
    box.onApply = () => box.link.set(false);
    box.link.retained = undefined;
    await box.send(desired(2, settingsOf(2000)));
    box.onApply = () => {};
    await box.clock.advance(TRIAL_MS + 1_000);
    expect(box.windowMs).toBe(1000);
    box.link.set(true);
    await box.clock.advance(1);
    expect([box.said, box.reasons]).toEqual(['1: 2 rolled-back', ['config-uplink-lost']]);
  });

  it('has no proof in a connection over which nothing goes', async () => {
    const box = await boxOn(1);
    box.link.isDeaf = true;
    await box.send(desired(2, settingsOf(2000)));
    await box.clock.advance(TRIAL_MS + 1_000);
    expect(box.windowMs).toBe(1000);
    expect(box.remote?.summary()).toMatchObject({ state: 'rolled-back', reasons: [{ code: 'config-uplink-lost' }] });
  });

  it('is followed by a newer one, which has to bring back what it lost', async () => {
    const box = await boxOn(1);
    const cooler = box.devices.get('cooler') ?? { isOnline: true, message: '' };
    box.onApply = () => Object.assign(cooler, { isOnline: false });
    await box.send(desired(2, settingsOf(2000)));
    await box.send(desired(3, settingsOf(3000)));
    await box.clock.advance(60_000);
    expect(box.said).toBe('3: 3 trying');
    await box.clock.advance(TRIAL_MS);
    expect([box.said, box.windowMs]).toEqual(['1: 3 rolled-back', 1000]);
  });

  it('goes on though a newer one is rejected, and becomes good', async () => {
    const box = await boxOn(1);
    await box.send(desired(2, settingsOf(2000)));
    await box.send(desired(3, { rules: 7 } as never));
    expect(box.said).toBe('2: 3 rejected');
    await box.clock.advance(3_000);
    expect(box.said).toBe('2: 3 rejected');
    await box.start({ rebooted: true });
    expect([box.said, box.windowMs]).toEqual(['2: 3 rejected', 2000]);
  });

  it('goes back though the disk refuses', async () => {
    const box = await boxOn(1);
    box.onApply = () => box.devices.set('cooler', { isOnline: false, message: '' });
    await box.send(desired(2, settingsOf(2000)));
    box.disk.failWrites = 'EIO';
    await box.clock.advance(TRIAL_MS + 1_000);
    expect([box.said, box.windowMs]).toEqual(['1: 2 rolled-back', 1000]);
    box.disk.failWrites = undefined;
    await box.clock.advance(10_000);
    expect(box.disk.content(FILE)?.toString()).not.toContain('"trial"');
  });

  it('is not called good before the disk has it', async () => {
    const box = await boxOn(1);
    await box.send(desired(2, settingsOf(2000)));
    box.disk.failWrites = 'EIO';
    await box.clock.advance(TRIAL_MS * 2);
    expect([box.said, box.windowMs]).toEqual(['2: 2 trying', 2000]);
    box.disk.failWrites = undefined;
    await box.clock.advance(10_000);
    expect(box.said).toBe('2: 2 applied');
  });
});

describe('a daemon that ends in mid-trial', () => {
  const lost = async () => {
    const box = await boxOn(1);
    box.onApply = () => box.devices.set('cooler', { isOnline: false, message: '' });
    await box.send(desired(2, settingsOf(2000)));
    await box.clock.advance(100_000);
    return box;
  };

  it('goes on with what remains of the time, in the same boot', async () => {
    const box = await lost();
    await box.start();
    expect([box.said, box.windowMs]).toEqual(['2: 2 trying', 2000]);
    await box.clock.advance(21_000);
    expect([box.said, box.windowMs]).toEqual(['1: 2 rolled-back', 1000]);
  });

  it('goes on with the whole time after a power cut, and may still prove itself', async () => {
    const box = await lost();
    await box.start({ rebooted: true });
    await box.clock.advance(60_000);
    expect(box.said).toBe('2: 2 trying');
    box.devices.set('cooler', { isOnline: true, message: '' });
    await box.clock.advance(3_000);
    expect([box.said, box.windowMs]).toEqual(['2: 2 applied', 2000]);
  });

  it('has failed with the second crash', async () => {
    const box = await lost();
    await box.start({ rebooted: true });
    await box.clock.advance(1_000);
    await box.start({ rebooted: true });
    expect([box.said, box.reasons, box.windowMs]).toEqual(['1: 2 rolled-back', ['config-restarted'], 1000]);
  });

  it('may be stopped in order as often as one likes', async () => {
    const box = await lost();
    for (let times = 0; times < 4; times++) {
      await box.stop();
      await box.start({ rebooted: true });
    }
    expect(box.said).toBe('2: 2 trying');
  });

  it('goes back where the disk does not let the crash be counted', async () => {
    const box = await lost();
    box.disk.failWrites = 'EROFS';
    await box.start();
    expect([box.said, box.reasons, box.windowMs]).toEqual(['1: 2 rolled-back', ['config-not-stored'], 1000]);
  });
});

describe('a start', () => {
  it('takes the file alone where the good version does not fit it any more, and the version again when it does', async () => {
    const box = await boxOn(1);
    box.check = ({ readPoints }) =>
      Object.keys(readPoints).map((id) => ({ key: `readPoints/${id}`, code: 'config-unknown-read-point', reason: '' }));
    await box.start({ rebooted: true });
    expect([box.said, box.windowMs]).toEqual(['0: 1 rejected', undefined]);
    expect(box.reasons).toEqual(['readPoints/dock config-unknown-read-point']);
    box.check = () => [];
    await box.start({ rebooted: true });
    expect([box.said, box.windowMs]).toEqual(['1: 1 applied', 1000]);
  });

  it.each([
    ['is damaged', Buffer.from('{"format":1,"good":{"version":1}}')],
    ['is gone', undefined],
  ])('takes the file alone where what was kept %s; the hub’s message brings it back', async (_what, content) => {
    const box = await boxOn(1);
    box.disk.tamper(FILE, content);
    await box.start({ rebooted: true, connected: false });
    expect(box.windowMs).toBeUndefined();
    box.link.set(true);
    await box.clock.advance(3_000);
    expect([box.said, box.windowMs]).toEqual(['1: 1 applied', 1000]);
  });
});

it('a crash at any operation on the disk leaves one version whole, and what was called good', async () => {
  /** Whether the daemon died there. */
  const crashAt = async (operation: number, seed: number): Promise<boolean> => {
    const box = await boxOn(1);
    box.disk.dieAt = box.disk.operations + operation;
    await box.start();
    const told = box.link.reports;
    await box.send(desired(2, settingsOf(2000)));
    await box.clock.advance(3_000);
    const died = box.disk.operations >= box.disk.dieAt;
    const wasGood = told.some(({ last }) => last?.version === 2 && last.state === 'applied');
    box.kill();
    box.disk.crash(seededRandom(operation * 100 + seed));
    await box.start({ rebooted: true, connected: false });
    expect([1000, 2000]).toContain(box.windowMs);
    if (wasGood) expect(box.remote?.summary()).toMatchObject({ version: 2, state: 'applied' });
    box.link.set(true);
    await box.clock.advance(3_000);
    expect([operation, seed, box.said, box.windowMs]).toEqual([operation, seed, '2: 2 applied', 2000]);
    return died;
  };
  let operations = 0;
  for (let died = true; died; operations++) {
    for (let seed = 1; seed <= 6; seed++) died = await crashAt(operations + 1, seed);
  }
  // Two transitions: a trial, and its good end.
  expect(operations).toBeGreaterThan(10);
});
