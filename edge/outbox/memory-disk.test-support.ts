/**
 * A Disk in memory for tests and the simulation. Content is durable after sync, names after syncFolder; a crash loses, tears and reorders
 * what was not synced, sector by sector, as a disk may. Renames, creations and removals are atomic each, but may be lost or
 * reordered. Refuses operations on demand, and counts space.
 */
import type { Disk, DiskFile } from './disk.ts';

const SECTOR_BYTES = 512;
/** Unsynced writes of a file that are remembered one by one; older ones are taken as written back, as a kernel does in time. */
const MAX_UNSYNCED = 64;

export type DiskOperation = 'open' | 'create' | 'read' | 'write' | 'sync' | 'truncate' | 'rename' | 'remove' | 'list';

type Change = { write: Buffer; position: number } | { truncate: number };

interface Inode {
  live: Content;
  durable: Content;
  /** Everything since the last sync, in order. */
  unsynced: Change[];
}

interface NameChange {
  set: [path: string, inode: Inode][];
  gone: string[];
}

export class MemoryDisk implements Disk {
  /** Names as processes see them, and as they would be found after a crash. */
  #names = new Map<string, Inode>();
  #durableNames = new Map<string, Inode>();
  #unsyncedNames: NameChange[] = [];
  /** Operations that change anything fail with this code of the operating system. */
  failWrites: string | undefined;
  /** Gives the code with which an operation fails. */
  refuse: ((operation: DiskOperation, path: string) => string | undefined) | undefined;
  /** Bytes that may still be written before ENOSPC. Removing and cutting gives back. */
  space = Number.POSITIVE_INFINITY;
  /** Counts writes, syncs, renames and removals: the points at which a crash can come between. */
  operations = 0;
  /** Throws at this operation, and at every one after it: the process is dead. */
  dieAt = Number.POSITIVE_INFINITY;

  async makeFolder(_path?: string): Promise<void> {}

  async list(folder: string): Promise<string[]> {
    this.#check('list', folder);
    const prefix = `${folder}/`;
    const names = new Set<string>();
    for (const path of this.#names.keys()) {
      if (path.startsWith(prefix)) names.add(path.slice(prefix.length).split('/')[0] as string);
    }
    return [...names].sort();
  }

  async open(path: string, { create, readOnly }: { create: boolean; readOnly?: boolean }): Promise<DiskFile> {
    let inode = this.#names.get(path);
    if (!inode) {
      if (!create) {
        const isFolder = [...this.#names.keys()].some((name) => name.startsWith(`${path}/`));
        const code = isFolder ? 'EISDIR' : 'ENOENT';
        throw Object.assign(new Error(`${code}: ${path}`), { code });
      }
      this.#step('create', path);
      inode = { live: new Content(), durable: new Content(), unsynced: [] };
      this.#change({ set: [[path, inode]], gone: [] });
    }
    this.#check('open', path);
    if (!readOnly && this.failWrites === 'EROFS') throw Object.assign(new Error('EROFS'), { code: 'EROFS' });
    return this.#file(inode, path);
  }

  async rename(from: string, to: string): Promise<void> {
    this.#step('rename', from);
    const moved: [string, Inode][] = [];
    for (const [path, inode] of this.#names) {
      if (path === from || path.startsWith(`${from}/`)) moved.push([to + path.slice(from.length), inode]);
    }
    if (moved.length === 0) throw Object.assign(new Error(`no file ${from}`), { code: 'ENOENT' });
    const replaced = this.#names.get(to);
    this.#change({ set: moved, gone: moved.map(([path]) => from + path.slice(to.length)) });
    if (replaced) this.#release(replaced);
  }

  async remove(path: string): Promise<void> {
    this.#step('remove', path);
    const inode = this.#names.get(path);
    if (!inode) throw Object.assign(new Error(`no file ${path}`), { code: 'ENOENT' });
    this.#change({ set: [], gone: [path] });
    this.#release(inode);
  }

  async syncFolder(folder: string): Promise<void> {
    this.#step('sync', folder);
    const concerns = ({ set, gone }: NameChange) =>
      [...set.map(([path]) => path), ...gone].some((path) => folderOf(path) === folder);
    for (const change of this.#unsyncedNames.filter(concerns)) apply(this.#durableNames, change);
    this.#unsyncedNames = this.#unsyncedNames.filter((change) => !concerns(change));
  }

  async freeBytes(_folder?: string): Promise<number> {
    return this.space;
  }

  /** The power fails: what was not synced is kept, lost or torn at random, and the disk is as a restart would find it. */
  crash(random: () => number): void {
    for (const inode of new Set([...this.#names.values(), ...this.#durableNames.values()])) {
      for (const change of inode.unsynced) {
        const fate = random();
        if (fate < 0.4) continue;
        if ('write' in change && fate < 0.75) tear(inode.durable, change, random);
        else inode.durable.apply(change);
      }
      inode.unsynced = [];
      inode.live = inode.durable.copy();
    }
    for (const change of this.#unsyncedNames) if (random() < 0.5) apply(this.#durableNames, change);
    this.#unsyncedNames = [];
    this.#names = new Map(this.#durableNames);
    this.dieAt = Number.POSITIVE_INFINITY;
    this.failWrites = undefined;
    this.refuse = undefined;
  }

  /** What a file holds, for tests that look or damage. */
  content(path: string): Buffer | undefined {
    return this.#names.get(path)?.live.bytes;
  }

  /** Overwrites a file behind everyone's back; undefined takes it away. */
  tamper(path: string, content: Buffer | undefined): void {
    const change: NameChange = { set: [], gone: [path] };
    if (content !== undefined) {
      change.set.push([path, { live: new Content(content), durable: new Content(content), unsynced: [] }]);
    }
    apply(this.#names, change);
    apply(this.#durableNames, change);
  }

  /** A disk with the same files, everything on it durable. */
  copy(): MemoryDisk {
    const copy = new MemoryDisk();
    for (const [path, { live }] of this.#names) copy.tamper(path, live.bytes);
    return copy;
  }

  get paths(): string[] {
    return [...this.#names.keys()].sort();
  }

  #change(change: NameChange): void {
    apply(this.#names, change);
    this.#unsyncedNames.push(change);
  }

  #step(operation: DiskOperation, path: string): void {
    if (++this.operations >= this.dieAt) throw new Error('the process is dead');
    if (this.failWrites !== undefined) throw Object.assign(new Error(this.failWrites), { code: this.failWrites });
    this.#check(operation, path);
  }

  #check(operation: DiskOperation, path: string): void {
    const code = this.refuse?.(operation, path);
    if (code !== undefined) throw Object.assign(new Error(`${code}: ${operation} ${path}`), { code });
  }

  #release(inode: Inode): void {
    if (![...this.#names.values()].includes(inode)) this.space += inode.live.length;
  }

  #file(inode: Inode, path: string): DiskFile {
    return {
      size: async () => inode.live.length,
      read: async (buffer, position) => {
        this.#check('read', path);
        return position >= inode.live.length ? 0 : inode.live.bytes.copy(buffer, 0, position);
      },
      write: async (buffer, position) => {
        this.#step('write', path);
        const growth = Math.max(0, position + buffer.length - inode.live.length);
        if (growth > this.space) throw Object.assign(new Error('no space left'), { code: 'ENOSPC' });
        this.space -= growth;
        const change = { write: Buffer.from(buffer), position };
        inode.live.apply(change);
        inode.unsynced.push(change);
        if (inode.unsynced.length > MAX_UNSYNCED) inode.durable.apply(inode.unsynced.shift() as Change);
      },
      sync: async () => {
        this.#step('sync', path);
        for (const change of inode.unsynced) inode.durable.apply(change);
        inode.unsynced = [];
      },
      truncate: async (bytes) => {
        this.#step('truncate', path);
        this.space += inode.live.length - bytes;
        inode.live.apply({ truncate: bytes });
        inode.unsynced.push({ truncate: bytes });
      },
      close: async () => {},
    };
  }
}

/** Bytes that grow at the end without being copied each time. */
class Content {
  #bytes: Buffer;
  length: number;

  constructor(content: Buffer = Buffer.alloc(0)) {
    this.#bytes = Buffer.from(content);
    this.length = content.length;
  }

  get bytes(): Buffer {
    return this.#bytes.subarray(0, this.length);
  }

  copy(): Content {
    return new Content(this.bytes);
  }

  apply(change: Change): void {
    if ('truncate' in change) {
      this.#reserve(change.truncate);
      if (change.truncate < this.length) this.#bytes.fill(0, change.truncate, this.length);
      this.length = change.truncate;
      return;
    }
    const end = change.position + change.write.length;
    this.#reserve(end);
    change.write.copy(this.#bytes, change.position);
    this.length = Math.max(this.length, end);
  }

  #reserve(bytes: number): void {
    if (bytes <= this.#bytes.length) return;
    const larger = Buffer.alloc(Math.max(bytes, 2 * this.#bytes.length));
    this.#bytes.copy(larger, 0, 0, this.length);
    this.#bytes = larger;
  }
}

/** Some sectors of a write arrive; the file may have been extended by all of it even so, and reads as zeros there. */
function tear(content: Content, { write, position }: { write: Buffer; position: number }, random: () => number): void {
  const before = content.length;
  const inOrder = random() < 0.5;
  const cut = Math.floor(random() * (write.length + 1));
  for (let at = 0; at < write.length; ) {
    const end = Math.min(write.length, at + SECTOR_BYTES - ((position + at) % SECTOR_BYTES));
    if (inOrder) {
      if (at < cut) content.apply({ write: write.subarray(at, Math.min(end, cut)), position: position + at });
    } else if (random() < 0.5) content.apply({ write: write.subarray(at, end), position: position + at });
    at = end;
  }
  const extended = position + write.length;
  if (random() < 0.3 && extended > before) content.apply({ truncate: Math.max(content.length, extended) });
}

function apply(names: Map<string, Inode>, { set, gone }: NameChange): void {
  for (const path of gone) names.delete(path);
  for (const [path, inode] of set) names.set(path, inode);
}

function folderOf(path: string): string {
  return path.slice(0, path.lastIndexOf('/'));
}
