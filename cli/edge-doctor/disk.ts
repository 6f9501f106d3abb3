/**
 * The disk under the state folder: there, writable, room for the outbox, and how long it takes until bytes are on it. Each record waits for
 * such a sync, so a slow card shows as slow scans.
 */
import { open, readdir, stat, statfs, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { type CheckResult, fail, messageOf, ok, warn } from './check.ts';

const SYNCS = 20;
const SYNC_BYTES = 4_096;
const SLOW_MS = 50;
const VERY_SLOW_MS = 500;
/** Below it not even the state files are safe. */
const LEAST_FREE_BYTES = 64 * 1024 * 1024;

export interface DiskOptions {
  stateDir: string;
  /** What the outbox may grow to. */
  maxOutboxBytes: number;
  nowMs: () => number;
}

export async function checkDisk(options: DiskOptions): Promise<CheckResult[]> {
  const { stateDir } = options;
  // Made here it would belong to whoever runs this, and not to the daemon.
  if (!(await stat(stateDir).catch(() => undefined))?.isDirectory()) {
    return [warn('disk', `${stateDir} does not exist yet, so the disk was not looked at`, ownerAdvice(stateDir))];
  }
  return [await checkRoom(options), await checkSync(options)];
}

async function checkRoom({ stateDir, maxOutboxBytes }: DiskOptions): Promise<CheckResult> {
  const { bavail, bsize } = await statfs(stateDir);
  const freeBytes = bavail * bsize;
  const wantedBytes = maxOutboxBytes - (await sizeOf(join(stateDir, 'outbox')));
  const message = `${size(freeBytes)} free in ${stateDir}; the outbox may still grow by ${size(Math.max(0, wantedBytes))}`;
  const advice = `free space ('du -xh / | sort -h | tail'), or lower outbox.maxSize`;
  if (freeBytes < LEAST_FREE_BYTES) return fail('disk space', message, advice);
  return freeBytes < wantedBytes ? warn('disk space', message, advice) : ok('disk space', message);
}

async function checkSync({ stateDir, nowMs }: DiskOptions): Promise<CheckResult> {
  const path = join(stateDir, `doctor-${process.pid}.tmp`);
  const times: number[] = [];
  try {
    const file = await open(path, 'wx');
    try {
      for (let turn = 0; turn < SYNCS; turn++) {
        await file.write(Buffer.alloc(SYNC_BYTES, turn));
        const startMs = nowMs();
        await file.datasync();
        times.push(nowMs() - startMs);
      }
    } finally {
      await file.close();
    }
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const advice =
      code === 'EROFS' ? "mount the file system writable; see 'dmesg' for why it is not" : ownerAdvice(stateDir);
    return fail('disk', `${stateDir} cannot be written to: ${messageOf(error)}`, advice);
  } finally {
    await unlink(path).catch(() => {});
  }
  times.sort((a, b) => a - b);
  const [median = 0, worst = 0] = [times[SYNCS >> 1], times.at(-1)];
  const message = `writable; a sync takes ${median.toFixed(1)} ms (median of ${SYNCS}), at worst ${worst.toFixed(1)} ms`;
  if (median > VERY_SLOW_MS) return fail('disk', message, 'the medium is failing or worn out: replace it');
  if (median > SLOW_MS) return warn('disk', message, 'scans wait for it: an SSD, or an industrial card, is quicker');
  return ok('disk', message);
}

async function sizeOf(folder: string): Promise<number> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  const sizes = await Promise.all(
    entries.map(async (entry) => {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) return await sizeOf(path);
      return await stat(path).then(
        ({ size: bytes }) => bytes,
        () => 0,
      );
    }),
  );
  return sizes.reduce((sum, bytes) => sum + bytes, 0);
}

function ownerAdvice(stateDir: string): string {
  return `give the folder to the daemon's user: 'install -d -o milepost -g milepost -m 750 ${stateDir}'; run this as that user`;
}

function size(bytes: number): string {
  const gibibytes = bytes / 2 ** 30;
  return gibibytes >= 1 ? `${gibibytes.toFixed(1)} GiB` : `${Math.round(bytes / 2 ** 20)} MiB`;
}
