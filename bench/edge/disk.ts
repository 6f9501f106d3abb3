/** A Disk that counts what is synced, over the real one; and what the kernel says this process has made it write. */
import { readFileSync } from 'node:fs';
import type { Disk, DiskFile } from '../../edge/outbox/disk.ts';
import { nodeDisk } from '../../edge/outbox/node-disk.ts';

export class CountingDisk implements Disk {
  /** Syncs of segments. */
  syncs = 0;
  readonly makeFolder = nodeDisk.makeFolder;
  readonly list = nodeDisk.list;
  readonly rename = nodeDisk.rename;
  readonly remove = nodeDisk.remove;
  readonly syncFolder = nodeDisk.syncFolder;
  readonly freeBytes = nodeDisk.freeBytes;

  async open(path: string, options: Parameters<Disk['open']>[1]): Promise<DiskFile> {
    const file = await nodeDisk.open(path, options);
    if (!path.endsWith('.seg')) return file;
    const sync = file.sync.bind(file);
    return Object.assign(file, {
      sync: () => {
        this.syncs++;
        return sync();
      },
    });
  }
}

/** Bytes that went to the block layer for this process (proc(5), /proc/pid/io). */
export function writtenBytes(): number {
  return Number(/write_bytes: (\d+)/.exec(readFileSync('/proc/self/io', 'utf8'))?.[1] ?? Number.NaN);
}
