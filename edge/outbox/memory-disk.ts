/**
 * A Disk in memory for tests and the simulation: loses, tears and reorders what was not synced when it crashes, and refuses writes on
 * demand. Names are durable after syncFolder, contents after sync.
 */
import type { Disk, DiskFile } from './disk.ts';

interface Inode {
  durable: Buffer;
  /** Everything since the last sync, in order. */
  pending: ({ write: Buffer; position: number } | { truncate: number })[];
}

export class MemoryDisk implements Disk {
  /** Names as processes see them, and as they would be found after a crash. */
  #names = new Map<string, Inode>();
  #durableNames = new Map<string, Inode>();
  /** The next operations fail with this code of the operating system. */
  failWrites: string | undefined;
  /** Bytes that may still be written before ENOSPC. */
  space = Number.POSITIVE_INFINITY;
  /** Counts writes, syncs, renames and removals: the points at which a crash can come between. */
  operations = 0;
  /** Throws at this operation, and at every one after it: the process is dead. */
  dieAt = Number.POSITIVE_INFINITY;

  async makeFolder(): Promise<void> {}

  async list(folder: string): Promise<string[]> {
    const prefix = `${folder}/`;
    const names = new Set<string>();
    for (const path of this.#names.keys()) {
      if (path.startsWith(prefix)) names.add(path.slice(prefix.length).split('/')[0] as string);
    }
    return [...names].sort();
  }

  async open(path: string, { create }: { create: boolean }): Promise<DiskFile> {
    let inode = this.#names.get(path);
    if (!inode) {
      if (!create) throw Object.assign(new Error(`no file ${path}`), { code: 'ENOENT' });
      this.#step();
      inode = { durable: Buffer.alloc(0), pending: [] };
      this.#names.set(path, inode);
    }
    return this.#file(inode);
  }

  async rename(from: string, to: string): Promise<void> {
    this.#step();
    const inode = this.#names.get(from);
    if (!inode) throw Object.assign(new Error(`no file ${from}`), { code: 'ENOENT' });
    this.#names.delete(from);
    this.#names.set(to, inode);
  }

  async remove(path: string): Promise<void> {
    this.#step();
    this.#names.delete(path);
  }

  async syncFolder(folder: string): Promise<void> {
    this.#step();
    for (const names of [this.#durableNames]) {
      for (const path of [...names.keys()]) if (folderOf(path) === folder && !this.#names.has(path)) names.delete(path);
    }
    for (const [path, inode] of this.#names) if (folderOf(path) === folder) this.#durableNames.set(path, inode);
  }

  async freeBytes(): Promise<number> {
    return this.space;
  }

  /** The power fails: what was not synced is kept, lost or torn at random, and the disk is as a restart would find it. */
  crash(random: () => number): void {
    const inodes = new Set([...this.#names.values(), ...this.#durableNames.values()]);
    for (const inode of inodes) {
      for (const change of inode.pending) {
        const fate = random();
        if (fate < 0.4) continue;
        if ('write' in change && fate < 0.7) {
          const torn = Math.floor(random() * change.write.length);
          inode.durable = applied(inode.durable, { write: change.write.subarray(0, torn), position: change.position });
        } else inode.durable = applied(inode.durable, change);
      }
      inode.pending = [];
    }
    // A rename or creation that was not synced may have reached the disk or not; here each name decides for itself.
    for (const path of new Set([...this.#names.keys(), ...this.#durableNames.keys()])) {
      if (random() < 0.5) continue;
      const inode = this.#names.get(path);
      if (inode) this.#durableNames.set(path, inode);
      else this.#durableNames.delete(path);
    }
    this.#names = new Map(this.#durableNames);
    this.dieAt = Number.POSITIVE_INFINITY;
    this.failWrites = undefined;
  }

  /** What a file holds, for tests that look or damage. */
  content(path: string): Buffer | undefined {
    const inode = this.#names.get(path);
    return inode && current(inode);
  }

  /** Overwrites a file behind everyone's back; undefined takes it away. */
  tamper(path: string, content: Buffer | undefined): void {
    if (content === undefined) {
      this.#names.delete(path);
      this.#durableNames.delete(path);
      return;
    }
    const inode: Inode = { durable: content, pending: [] };
    this.#names.set(path, inode);
    this.#durableNames.set(path, inode);
  }

  get paths(): string[] {
    return [...this.#names.keys()].sort();
  }

  #step(): void {
    if (++this.operations >= this.dieAt) throw new Error('the process is dead');
    if (this.failWrites !== undefined) throw Object.assign(new Error(this.failWrites), { code: this.failWrites });
  }

  #file(inode: Inode): DiskFile {
    return {
      size: async () => current(inode).length,
      read: async (buffer, position) => current(inode).copy(buffer, 0, position),
      write: async (buffer, position) => {
        this.#step();
        if (buffer.length > this.space) throw Object.assign(new Error('no space left'), { code: 'ENOSPC' });
        this.space -= buffer.length;
        inode.pending.push({ write: Buffer.from(buffer), position });
      },
      sync: async () => {
        this.#step();
        inode.durable = current(inode);
        inode.pending = [];
      },
      truncate: async (bytes) => {
        this.#step();
        inode.pending.push({ truncate: bytes });
      },
      close: async () => {},
    };
  }
}

function folderOf(path: string): string {
  return path.slice(0, path.lastIndexOf('/'));
}

function current(inode: Inode): Buffer {
  return inode.pending.reduce(applied, inode.durable);
}

function applied(content: Buffer, change: Inode['pending'][number]): Buffer {
  if ('truncate' in change) {
    return change.truncate <= content.length
      ? content.subarray(0, change.truncate)
      : Buffer.concat([content, Buffer.alloc(change.truncate - content.length)]);
  }
  const end = change.position + change.write.length;
  const next = Buffer.alloc(Math.max(content.length, end));
  content.copy(next);
  change.write.copy(next, change.position);
  return next;
}
