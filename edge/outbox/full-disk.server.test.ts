/** The outbox on a real file system of four megabytes that somebody else fills. */
import { execFileSync } from 'node:child_process';
import { mkdtemp, rm, unlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { systemClock } from '../../cli/system-clock.ts';
import { silentLog } from '../../protocols/base/log.ts';
import { describeWith } from '../../test/servers/needs.ts';
import { nodeDisk } from './node-disk.ts';
import { at, pending } from './outbox.test-support.ts';
import { Outbox } from './outbox.ts';

describeWith(['tmpfs'], 'the outbox on a file system that is full', () => {
  let folder: string;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'milepost-full-'));
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=4m', 'tmpfs', folder]);
  });

  afterEach(async () => {
    execFileSync('umount', ['-l', folder]);
    await rm(folder, { recursive: true, force: true });
  });

  const open = () =>
    Outbox.open({
      disk: nodeDisk,
      folder: join(folder, 'outbox'),
      clock: systemClock(),
      log: silentLog,
      bootId: 1,
      newEpoch: () => '00000000000000aa',
      diskReserveBytes: 64 * 1024,
      segmentBytes: 256 * 1024,
      commitDelayMs: 1,
    });
  const put = (outbox: Outbox, lane: 'alert' | 'tracking', text: string) =>
    outbox.append(lane, Buffer.from(text), at).catch((error: { code: string }) => error.code);

  it('stores alarms in its reserve, and everything again once there is space', async () => {
    const outbox = await open();
    expect(await put(outbox, 'alert', 'alert:1')).toBe(1);
    await expect.poll(() => outbox.reserveBytes, { timeout: 30_000 }).toBe(64 * 1024);
    const hog = join(folder, 'hog');
    // Writes until there is no space left.
    await writeFile(hog, Buffer.alloc(8 * 1024 * 1024)).catch(() => {});
    await expect
      .poll(() => put(outbox, 'tracking', `tracking:${'.'.repeat(5_000)}`), { timeout: 30_000 })
      .toBe('disk-full');
    const stored = outbox.lastSequence('tracking');
    for (let n = 2; n <= 200; n++) expect(await put(outbox, 'alert', `alert:${n} ${'.'.repeat(200)}`)).toBe(n);
    expect(outbox.mode.mode).toBe('disk-full');
    await unlink(hog);
    await expect.poll(() => outbox.mode.mode, { timeout: 30_000 }).toBe('ok');
    expect(await put(outbox, 'tracking', 'tracking:again')).toBe(stored + 1);
    expect(await outbox.verify()).toEqual([]);
    await outbox.close();
    const later = await open();
    expect((await pending(later, 'alert')).size).toBe(200);
    expect((await pending(later, 'tracking')).size).toBe(stored + 1);
    expect(later.unused()).toEqual({ alert: 0, tracking: 0, telemetry: 0 });
    await later.close();
  });

  it('read-only: starts, says so, gives what it has, and takes records again when it is writable', async () => {
    const before = await open();
    expect(await put(before, 'tracking', 'tracking:1')).toBe(1);
    await before.close();
    execFileSync('mount', ['-o', 'remount,ro', folder]);
    const outbox = await open();
    expect(outbox.mode.mode).toBe('read-only');
    expect(await put(outbox, 'alert', 'alert:1')).toBe('read-only');
    expect([...(await pending(outbox, 'tracking')).values()]).toEqual(['tracking:1']);
    execFileSync('mount', ['-o', 'remount,rw', folder]);
    await expect.poll(() => outbox.mode.mode, { timeout: 30_000 }).toBe('ok');
    expect(await put(outbox, 'alert', 'alert:1')).toBe(1);
    await outbox.close();
  });
});
