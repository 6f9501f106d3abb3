/**
 * A gateway box's disk: the outbox's MemoryDisk (which loses, tears and reorders unsynced writes when the power fails) with the time that
 * operations take, with faults of the operating system, and with damage that comes while nobody writes.
 *
 * A process sees it through `mount`: what a dead process had asked for takes effect or not, and is never answered.
 */
import { type Disk, type DiskFile, errorCode } from '../../edge/outbox/disk.ts';
import { MemoryDisk } from '../../edge/outbox/memory-disk.test-support.ts';
import type { Mutation } from './mutations.ts';
import type { SimProcess, World } from './world.ts';

export type DiskFault = 'ENOSPC' | 'EROFS' | 'EIO';

export interface DiskState {
  /** Operations that it concerns fail, `faultShare` of them. */
  fault: DiskFault | undefined;
  faultShare: number;
  /** Longest time that a sync takes. */
  slowestSyncMs: number;
}

export const CALM_DISK: DiskState = { fault: undefined, faultShare: 1, slowestSyncMs: 12 };

type Operation = 'read' | 'create' | 'write' | 'sync' | 'change';

export class SimDisk {
  readonly #world: World;
  readonly #inner = new MemoryDisk();
  readonly #random: () => number;
  readonly #mutation: Mutation | undefined;
  #state = CALM_DISK;
  #calmSinceMs = 0;
  /** Something was damaged at rest, ever. */
  damaged = false;

  constructor(world: World, name: string, mutation: Mutation | undefined) {
    this.#world = world;
    this.#random = world.random(`disk ${name}`);
    this.#mutation = mutation;
  }

  get state(): DiskState {
    return this.#state;
  }

  set state(state: DiskState) {
    if (!isCalm(this.#state) && isCalm(state)) this.#calmSinceMs = this.#world.nowMs;
    this.#state = state;
  }

  /** For how long nothing has hindered it. */
  get calmMs(): number {
    return isCalm(this.#state) ? this.#world.nowMs - this.#calmSinceMs : 0;
  }

  get paths(): string[] {
    return this.#inner.paths;
  }

  content(path: string): Buffer | undefined {
    return this.#inner.content(path);
  }

  /** The power fails. */
  powerCut(): void {
    this.#inner.crash(this.#random);
  }

  /** Bits flip, a block reads as zeros, or the end of a file is gone. */
  damage(path: string): string {
    const before = this.#inner.content(path);
    if (!before || before.length === 0) return 'nothing to damage';
    const content = Buffer.from(before);
    const at = Math.floor(this.#random() * content.length);
    const kind = this.#random();
    this.damaged = true;
    if (kind < 0.7) {
      const flips = 1 + Math.floor(this.#random() * 4);
      for (let flip = 0; flip < flips; flip++) {
        const byte = Math.min(content.length - 1, at + flip);
        content[byte] = (content[byte] as number) ^ (1 << Math.floor(this.#random() * 8));
      }
      this.#inner.tamper(path, content);
      return `${flips} bytes from ${at} of ${content.length}`;
    }
    if (kind < 0.85) {
      content.fill(0, at, Math.min(content.length, at + 64));
      this.#inner.tamper(path, content);
      return `zeros at ${at} of ${content.length}`;
    }
    this.#inner.tamper(path, content.subarray(0, at));
    return `cut to ${at} of ${content.length}`;
  }

  mount(process: SimProcess): Disk {
    const inner: Disk = this.#inner;
    return {
      makeFolder: (path) => inner.makeFolder(path),
      list: (folder) => inner.list(folder),
      open: async (path, options) => {
        if (options.create) await this.#ready('create', process);
        return this.#file(await inner.open(path, options), process);
      },
      rename: async (from, to) => {
        await this.#ready('change', process);
        await inner.rename(from, to);
      },
      remove: async (path) => {
        await this.#ready('change', process);
        await inner.remove(path);
      },
      syncFolder: async (folder) => {
        await this.#ready('sync', process);
        await inner.syncFolder(folder);
      },
      freeBytes: (folder) => inner.freeBytes(folder),
    };
  }

  #file(file: DiskFile, process: SimProcess): DiskFile {
    return {
      size: () => file.size(),
      read: async (buffer, position) => {
        await this.#ready('read', process);
        return file.read(buffer, position);
      },
      write: async (buffer, position) => {
        try {
          await this.#ready('write', process);
        } catch (error) {
          // A write that is refused may have been carried out in part.
          if (errorCode(error) !== 'EROFS') {
            await file.write(buffer.subarray(0, Math.floor(this.#random() * buffer.length)), position);
          }
          throw error;
        }
        await file.write(buffer, position);
      },
      sync: async () => {
        const saysSo = this.#random() < 0.5;
        if (!saysSo) await this.#ready('sync', process);
        if (this.#mutation !== 'disk-ignores-sync') await file.sync();
        // On disk, but the process may die before it learns of it.
        if (saysSo) await this.#world.sleep(this.#latencyMs('sync'), process);
      },
      truncate: async (bytes) => {
        await this.#ready('change', process);
        await file.truncate(bytes);
      },
      close: () => file.close(),
    };
  }

  async #ready(operation: Operation, process: SimProcess): Promise<void> {
    await this.#world.sleep(this.#latencyMs(operation), process);
    const { fault: code, faultShare } = this.state;
    if (code === undefined || !concerns(code, operation) || this.#random() >= faultShare) return;
    throw Object.assign(new Error(`simulated ${code}`), { code });
  }

  #latencyMs(operation: Operation): number {
    return operation === 'sync' ? 0.2 + this.#random() ** 4 * this.state.slowestSyncMs : this.#random() * 0.3;
  }
}

function isCalm({ fault, slowestSyncMs }: DiskState): boolean {
  return fault === undefined && slowestSyncMs === CALM_DISK.slowestSyncMs;
}

function concerns(fault: DiskFault, operation: Operation): boolean {
  if (fault === 'EIO') return true;
  return fault === 'EROFS' ? operation !== 'read' : operation === 'write' || operation === 'create';
}
