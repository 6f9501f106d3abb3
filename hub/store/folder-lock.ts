/**
 * One process per folder. The lock is the file `lock` with the process id and when that process started.
 *
 * A lock whose process no longer runs, or whose id now belongs to another process (it started at another time), is
 * stale and is taken over. Where the start time cannot be read (no /proc) the id alone decides.
 */
import { link, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { StoreError } from './store.ts';

export interface FolderLock {
  release(): Promise<void>;
}

/** @throws StoreError `store-in-use` */
export async function lockFolder(folder: string): Promise<FolderLock> {
  const path = join(folder, 'lock');
  const mine = `${path}.${process.pid}`;
  await writeFile(mine, `${process.pid} ${await startOf(process.pid)}\n`);
  try {
    for (let attempt = 0; attempt < 5; attempt++) {
      // link(2) is atomic and brings the content along: nobody ever sees a lock without its owner.
      if (await linked(mine, path)) return { release: () => rm(path, { force: true }) };
      const owner = await ownerOf(path);
      if (owner !== undefined) throw inUse(folder, owner);
      await rm(path, { force: true });
    }
    throw inUse(folder, undefined);
  } finally {
    await rm(mine, { force: true });
  }
}

async function linked(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

/** The id of the running process that holds the lock, if there is one. */
async function ownerOf(path: string): Promise<number | undefined> {
  const text = await readFile(path, 'utf8').catch(() => '');
  const [pidText = '', start = ''] = text.trim().split(' ');
  const pid = Number(pidText);
  if (!Number.isInteger(pid) || pid <= 0 || !runs(pid)) return undefined;
  const now = await startOf(pid);
  return start === now || now === '' ? pid : undefined;
}

function runs(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** Ticks since boot at which the process started (proc(5), stat field 22), with the boot's id; empty where unknown. */
async function startOf(pid: number): Promise<string> {
  try {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
    const boot = await readFile('/proc/sys/kernel/random/boot_id', 'utf8');
    // Field 2 is the command in parentheses, which may hold spaces; field 3 follows the last parenthesis.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return `${boot.trim()}:${fields[19] ?? ''}`;
  } catch {
    return '';
  }
}

function inUse(folder: string, pid: number | undefined): StoreError {
  return new StoreError({
    code: 'store-in-use',
    message: `${folder} is in use by ${pid === undefined ? 'another process' : `process ${pid}`}: stop it, or give this hub a folder of its own`,
  });
}
