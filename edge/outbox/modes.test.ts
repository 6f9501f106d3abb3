/** What the disk can refuse, on a disk that does so on demand: modes with a way back, and alarms that are stored all the same. */
import { describe, expect, it } from 'vitest';
import { silentLog } from '../../protocols/base/log.ts';
import { ManualClock } from '../../protocols/base/manual-clock.ts';
import { LANES, type Lane } from '../../protocols/uplink/identity.ts';
import { isBalanced } from '../ops/report.ts';
import { Intake } from '../pipeline/intake.ts';
import type { DiskOperation } from './memory-disk.test-support.ts';
import { at, FOLDER, inTime, openOn, pending, put, setup, statements } from './outbox.test-support.ts';

const WRITING: readonly DiskOperation[] = ['create', 'write', 'sync', 'truncate', 'rename', 'remove'];

describe('a disk that refuses', () => {
  for (const [code, mode] of [
    ['ENOSPC', 'disk-full'],
    ['EDQUOT', 'disk-full'],
    ['EROFS', 'read-only'],
    ['EACCES', 'read-only'],
    ['EIO', 'io-error'],
  ] as const) {
    it(`${code}: is ${mode}, keeps what it has, and takes records again within 5 s, though none comes`, async () => {
      const { disk, clock, open } = setup();
      const outbox = await open();
      expect(await put(outbox, clock, 'tracking', 'tracking:1')).toBe(1);
      disk.refuse = (operation) => (WRITING.includes(operation) ? code : undefined);
      for (const lane of LANES) expect(await put(outbox, clock, lane, `${lane}:refused`)).toBe(mode);
      expect(outbox.mode.mode).toBe(mode);
      expect(outbox.mode.detail).toContain('telemetry');
      expect(await pending(outbox, 'tracking')).toEqual(new Map([[1, 'tracking:1']]));
      await clock.advance(600_000);
      expect(outbox.mode.mode).toBe(mode);
      disk.refuse = undefined;
      await clock.advance(5_000);
      expect(outbox.mode).toEqual({ mode: 'ok', detail: '' });
      expect(outbox.faults.count).toBe(1);
      expect(outbox.faults.last).toMatchObject({ mode, untilMs: expect.any(Number) });
      expect(await put(outbox, clock, 'tracking', 'tracking:2')).toBe(2);
      expect(isBalanced(outbox.ledger())).toBe(true);
    });
  }

  it('each operation, refused once: nothing is lost or doubled, and it goes on', async () => {
    for (const operation of [...WRITING, 'open', 'read', 'list'] as const) {
      for (let nth = 1; nth <= 12; nth++) {
        const what = `${operation} number ${nth}`;
        const { disk, clock, open } = setup({ segmentBytes: 300 });
        let count = 0;
        disk.refuse = (each) => (each === operation && ++count === nth ? 'EIO' : undefined);
        const outbox = await open();
        const texts: string[] = [];
        for (let n = 0; n < 12; n++) {
          const text = `tracking:${n}`;
          if (typeof (await put(outbox, clock, 'tracking', text)) === 'number') texts.push(text);
          if (n === 6) outbox.acknowledge({ epoch: outbox.epoch, lane: 'tracking', first: 1, last: 2 });
          await clock.advance(700);
          await outbox.read('tracking', 1, { records: 1, bytes: 100 }).catch(() => {});
        }
        await clock.advance(3_000);
        disk.refuse = undefined;
        expect(outbox.mode.mode, what).toBe('ok');
        const found = [...(await pending(outbox, 'tracking')).values()];
        expect(found, what).toEqual(texts.slice(texts.length - found.length));
        expect(texts.length - found.length, what).toBe(outbox.ledger().tracking.delivered);
        expect(outbox.ledger().tracking, what).toMatchObject({ evicted: 0, quarantined: 0 });
        disk.crash(() => 0);
        const nextAgain = new ManualClock();
        const again = await open(nextAgain);
        expect([...(await pending(again, 'tracking')).values()].slice(-found.length), what).toEqual(found);
      }
    }
  });

  it('never syncs the same pages again: after a failed sync a new segment begins', async () => {
    const { disk, clock, open } = setup();
    const outbox = await open();
    await put(outbox, clock, 'tracking', 'tracking:1');
    let failed = '';
    let again = false;
    disk.refuse = (operation, path) => {
      if (operation !== 'sync' || !path.endsWith('.seg')) return undefined;
      if (path === failed) again = true;
      if (failed !== '') return undefined;
      failed = path;
      return 'EIO';
    };
    expect(await put(outbox, clock, 'tracking', 'tracking:lost')).toBe('io-error');
    expect(await put(outbox, clock, 'tracking', 'tracking:2')).toBe(2);
    expect(failed).not.toBe('');
    expect(again).toBe(false);
    disk.crash(() => 0);
    const nextLater = new ManualClock();
    const later = await open(nextLater);
    expect(await pending(later, 'tracking')).toEqual(
      new Map([
        [1, 'tracking:1'],
        [2, 'tracking:2'],
      ]),
    );
  });

  it('refuses what was appended after a refused record, so that order is kept', async () => {
    const { disk, clock, open } = setup();
    const outbox = await open();
    let count = 0;
    disk.refuse = (operation, path) =>
      operation === 'write' && path.endsWith('.seg') && ++count === 2 ? 'ENOSPC' : undefined;
    const big = Buffer.alloc(200_000, 65);
    const outcomes = Array.from({ length: 10 }, () =>
      outbox.append('tracking', big, at).catch((error: { code: string }) => error.code),
    );
    await clock.advance(50);
    expect(await Promise.all(outcomes)).toEqual(Array.from({ length: 10 }, () => 'disk-full'));
    expect(await put(outbox, clock, 'tracking', 'tracking:next')).toBe(1);
  });
});

describe('a disk that cannot be used at the start', () => {
  it.each(['EROFS', 'EACCES', 'EIO'])(
    '%s on everything: starts, says so, and finds everything when it comes back',
    async (code) => {
      const { disk, clock, open } = setup();
      const before = await open();
      await put(before, clock, 'tracking', 'tracking:1');
      await before.close();
      disk.refuse = () => code;
      const outbox = await open();
      expect(outbox.mode.mode).toBe(code === 'EIO' ? 'io-error' : 'read-only');
      expect(await put(outbox, clock, 'alert', 'alert:held')).not.toBe(1);
      await expect(outbox.read('tracking', 1, { records: 1, bytes: 100 })).rejects.toThrow('not open');
      const told: Lane[] = [];
      outbox.onAppended((lane) => told.push(lane));
      disk.refuse = undefined;
      await clock.advance(2_000);
      expect(outbox.mode.mode).toBe('ok');
      expect(outbox.epoch).toBe(before.epoch);
      expect(told).toContain('tracking');
      expect(await pending(outbox, 'tracking')).toEqual(new Map([[1, 'tracking:1']]));
      expect(await put(outbox, clock, 'tracking', 'tracking:2')).toBe(2);
      expect(outbox.unused().tracking).toBe(0);
    },
  );

  it('read-only, with records waiting: they are read and can be sent', async () => {
    const { disk, clock, open } = setup();
    const before = await open();
    await put(before, clock, 'tracking', 'tracking:1');
    disk.failWrites = 'EROFS';
    const outbox = await open();
    expect(outbox.mode.mode).toBe('read-only');
    expect(await pending(outbox, 'tracking')).toEqual(new Map([[1, 'tracking:1']]));
    outbox.acknowledge({ epoch: outbox.epoch, lane: 'tracking', first: 1, last: 1 });
    await clock.advance(3_000);
    expect(outbox.ledger().tracking).toMatchObject({ delivered: 1, pending: 0 });
  });

  it('one lane whose folder cannot be listed keeps no other from working', async () => {
    const { disk, clock, open } = setup();
    const before = await open();
    await put(before, clock, 'telemetry', 'telemetry:1');
    await before.close();
    disk.refuse = (operation, path) => (operation === 'list' && path.endsWith('/telemetry') ? 'EIO' : undefined);
    const outbox = await open();
    expect(outbox.mode.mode).toBe('io-error');
    // What the mark knows of it is not forgotten meanwhile.
    expect(outbox.ledger().telemetry).toMatchObject({ accepted: 1, pending: 1 });
    expect(await put(outbox, clock, 'alert', 'alert:1')).toBe(1);
    expect(await put(outbox, clock, 'telemetry', 'telemetry:2')).toBe('io-error');
    disk.refuse = undefined;
    await clock.advance(2_000);
    expect(outbox.mode.mode).toBe('ok');
    expect(await put(outbox, clock, 'telemetry', 'telemetry:2')).toBe(2);
    expect(await pending(outbox, 'telemetry')).toEqual(
      new Map([
        [1, 'telemetry:1'],
        [2, 'telemetry:2'],
      ]),
    );
  });

  it('a disk that never answers does not keep the daemon from starting', async () => {
    const { disk, clock } = setup();
    const list = disk.list.bind(disk);
    let answer: () => void = () => {};
    const hung = new Promise<void>((resolve) => {
      answer = resolve;
    });
    disk.list = async (folder) => {
      await hung;
      return list(folder);
    };
    const opening = openOn(disk, clock);
    await clock.advance(2_000);
    const outbox = await opening;
    expect(outbox.mode.mode).toBe('io-error');
    answer();
    await clock.advance(2_000);
    expect(outbox.mode.mode).toBe('ok');
    expect(await put(outbox, clock, 'alert', 'alert:1')).toBe(1);
  });
});

describe('a segment that cannot be read', () => {
  it('is waited for while there is hope, then stated, and the lane goes on', async () => {
    const { disk, clock, open } = setup({ segmentBytes: 300 });
    const outbox = await open();
    for (let n = 0; n < 12; n++) await put(outbox, clock, 'tracking', `tracking:${n} ${'.'.repeat(40)}`);
    const [bad] = disk.paths.filter((path) => path.includes('/tracking/') && path.endsWith('.seg'));
    disk.refuse = (operation, path) => (operation === 'read' && path === bad ? 'EIO' : undefined);
    const attempt = () => outbox.read('tracking', 1, { records: 100, bytes: 1_000 }).catch(() => 'refused');
    for (let second = 0; second < 25; second++) {
      expect(await inTime(clock, attempt())).toBe('refused');
      await clock.advance(1_000);
    }
    expect(outbox.mode.mode).toBe('io-error');
    expect(outbox.ledger().tracking.quarantined).toBe(0);
    await clock.advance(60_000);
    await inTime(clock, attempt());
    await clock.advance(2_000);
    const { quarantined } = outbox.ledger().tracking;
    expect(quarantined).toBeGreaterThan(1);
    expect(outbox.mode.mode).toBe('ok');
    expect((await pending(outbox, 'tracking')).size).toBe(12 - quarantined);
    expect(statements(await pending(outbox, 'alert'))).toMatchObject([
      { lane: 'tracking', fate: 'quarantined', first: 1, last: quarantined },
    ]);
  });

  it('is not given up when the disk reads nothing at all', async () => {
    const { disk, clock, open } = setup();
    const outbox = await open();
    await put(outbox, clock, 'tracking', 'tracking:1');
    disk.refuse = (operation) => (operation === 'read' ? 'EIO' : undefined);
    for (let minute = 0; minute < 5; minute++) {
      await outbox.read('tracking', 1, { records: 1, bytes: 100 }).catch(() => {});
      await clock.advance(60_000);
    }
    disk.refuse = undefined;
    expect(await pending(outbox, 'tracking')).toEqual(new Map([[1, 'tracking:1']]));
    expect(outbox.ledger().tracking.quarantined).toBe(0);
  });
});

describe('the reserve', () => {
  const OPTIONS = { diskReserveBytes: 4_096, segmentBytes: 2_000 };

  it('takes alarms while the disk is full, says so, and is there again when there is space', async () => {
    const { disk, clock, open } = setup(OPTIONS);
    const outbox = await open();
    await put(outbox, clock, 'alert', 'alert:1');
    await clock.advance(2_000);
    expect(outbox.reserveBytes).toBe(4_096);
    disk.space = 10;
    expect(await put(outbox, clock, 'tracking', 'tracking:refused')).toBe('disk-full');
    for (let n = 2; n <= 30; n++) expect(await put(outbox, clock, 'alert', `alert:${n} ${'.'.repeat(40)}`)).toBe(n);
    expect(outbox.mode.mode).toBe('disk-full');
    expect(outbox.mode.detail).toContain('reserve');
    expect(outbox.reserveBytes).toBeLessThan(3_000);
    // It survives a crash, the zeros behind it are no records, and it goes on being used.
    disk.crash(() => 0);
    const nextAgain = new ManualClock();
    const again = await open(nextAgain);
    expect((await pending(again, 'alert')).size).toBe(30);
    expect(await put(again, nextAgain, 'alert', 'alert:31')).toBe(31);
    disk.space = 1_000_000;
    await nextAgain.advance(40_000);
    expect(again.mode.mode).toBe('ok');
    expect(again.reserveBytes).toBe(4_096);
    expect(await put(again, nextAgain, 'tracking', 'tracking:1')).toBe(1);
    expect((await pending(again, 'alert')).size).toBe(31);
  });

  it('when it is used up, alarms take the room of telemetry', async () => {
    const { disk, clock, open } = setup(OPTIONS);
    const outbox = await open();
    for (let n = 0; n < 60; n++) await put(outbox, clock, 'telemetry', `telemetry:${n} ${'.'.repeat(60)}`);
    await clock.advance(2_000);
    disk.space = 0;
    let stored = 0;
    for (let n = 1; n <= 120; n++) {
      if (typeof (await put(outbox, clock, 'alert', `alert:${n} ${'.'.repeat(20)}`)) === 'number') stored++;
    }
    expect(stored).toBe(120);
    const { telemetry } = outbox.ledger();
    expect(telemetry.evicted).toBeGreaterThan(0);
    disk.crash(() => 0);
    const nextAgain = new ManualClock();
    const again = await open(nextAgain);
    disk.space = 1_000_000;
    await nextAgain.advance(5_000);
    expect(again.ledger().telemetry.evicted).toBe(telemetry.evicted);
    const evicted = statements(await pending(again, 'alert')).filter(({ fate }) => fate === 'evicted');
    expect(evicted.reduce((sum, { first, last }) => sum + last - first + 1, 0)).toBe(telemetry.evicted);
  });

  it('a full disk is emptied by acknowledgements, though nothing new can be written', async () => {
    const { disk, clock, open } = setup({ ...OPTIONS, diskReserveBytes: 0 });
    const outbox = await open();
    for (let n = 0; n < 60; n++) await put(outbox, clock, 'tracking', `tracking:${n} ${'.'.repeat(60)}`);
    await clock.advance(1_000);
    disk.space = 0;
    expect(await put(outbox, clock, 'tracking', 'tracking:refused')).toBe('disk-full');
    outbox.acknowledge({ epoch: outbox.epoch, lane: 'tracking', first: 1, last: 60 });
    await clock.advance(3_000);
    expect(disk.space).toBeGreaterThan(2_000);
    disk.crash(() => 0);
    const nextAgain = new ManualClock();
    const again = await open(nextAgain);
    expect(again.ledger().tracking).toMatchObject({ delivered: 60, quarantined: 0, pending: 0 });
  });

  it('the intake gives everything over when there is space, in order', async () => {
    const { disk, clock, open } = setup(OPTIONS);
    const outbox = await open();
    await clock.advance(2_000);
    const intake = new Intake({ appender: outbox, clock, log: silentLog });
    disk.space = 0;
    const outcomes = Array.from({ length: 50 }, (_, n) =>
      intake.store({ kind: 'contact', deviceId: `door-${n}`, place: {}, open: true }, 0),
    );
    await clock.advance(30_000);
    expect(intake.held()).toBe(50);
    disk.space = 1_000_000;
    await clock.advance(5_000);
    expect(intake.held()).toBe(0);
    expect((await Promise.all(outcomes)).every(Boolean)).toBe(true);
    const stored = [...(await pending(outbox, 'telemetry')).values()];
    expect(stored.map((text) => /door-\d+/.exec(text)?.[0])).toEqual(Array.from({ length: 50 }, (_, n) => `door-${n}`));
  });
});

it('a loss that could not be stated is stated when the disk is back, also after a crash in between', async () => {
  const { disk, clock, open } = setup({ segmentBytes: 300 });
  const outbox = await open();
  for (let n = 0; n < 12; n++) await put(outbox, clock, 'tracking', `tracking:${n} ${'.'.repeat(40)}`);
  const [second] = disk.paths.filter((path) => path.includes('/tracking/') && path.endsWith('.seg')).slice(1);
  disk.tamper(second as string, undefined);
  disk.refuse = (operation, path) => (operation === 'write' && path.includes('/alert/') ? 'EIO' : undefined);
  const given = await pending(outbox, 'tracking');
  await clock.advance(3_000);
  const { quarantined } = outbox.ledger().tracking;
  expect(quarantined).toBe(12 - given.size);
  expect(outbox.ledger().alert.accepted).toBe(0);
  disk.crash(() => 0);
  const nextAgain = new ManualClock();
  const again = await open(nextAgain);
  await nextAgain.advance(2_000);
  const stated = statements(await pending(again, 'alert'));
  expect(stated.reduce((sum, { first, last }) => sum + last - first + 1, 0)).toBe(quarantined);
  // Told once the alert has arrived, and never again.
  again.acknowledge({ epoch: again.epoch, lane: 'alert', first: 1, last: again.lastSequence('alert') });
  await nextAgain.advance(2_000);
  await again.close();
  const nextLast = new ManualClock();
  const last = await open(nextLast);
  await nextLast.advance(2_000);
  expect(last.lastSequence('alert')).toBe(again.lastSequence('alert'));
  expect(disk.paths.some((path) => path.startsWith(`${FOLDER}/alert/`))).toBe(true);
});
