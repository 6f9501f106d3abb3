/**
 * A lane's `quarantine/`: what could not be read is kept here and never deleted by us. Nothing here may keep a lane from opening: when the disk
 * refuses, what lies where stays there (files) or is not copied (damaged bytes, whose sequences are stated all the same).
 *
 * Bound: copies of damaged bytes take `maxBytes` at most, beyond it they are not kept; files put aside are moved, which takes no space.
 */
import type { Log } from '../../protocols/base/log.ts';
import { type Disk, type DiskFile, replaceFile } from './disk.ts';

export class Quarantine {
  readonly #disk: Disk;
  readonly #folder: string;
  readonly #log: Log;
  readonly #maxBytes: number;
  #bytes: number | undefined;

  /** @param options.folder The lane's. */
  constructor(options: { disk: Disk; folder: string; log: Log; maxBytes: number }) {
    this.#disk = options.disk;
    this.#folder = `${options.folder}/quarantine`;
    this.#log = options.log;
    this.#maxBytes = options.maxBytes;
  }

  /** Moves a file or folder here; false when that is not possible, and it stays where it is. */
  async putAside(path: string, why: string): Promise<boolean> {
    try {
      await this.#disk.makeFolder(this.#folder);
      const taken = new Set(await this.#disk.list(this.#folder));
      const name = path.slice(path.lastIndexOf('/') + 1);
      let free = name;
      for (let copy = 2; taken.has(free); copy++) free = `${name}.${copy}`;
      await this.#disk.rename(path, `${this.#folder}/${free}`);
      await this.#disk.syncFolder(path.slice(0, path.lastIndexOf('/')));
      await this.#disk.syncFolder(this.#folder);
      this.#log.warn({ path, why }, 'file in the outbox put aside');
      return true;
    } catch (error) {
      this.#log.warn({ err: error, path, why }, 'file in the outbox is not used, and cannot be put aside');
      return false;
    }
  }

  /** Keeps a copy of damaged bytes. Zeros hold nothing, and are not kept. */
  async keep(file: DiskFile, name: string, damage: { start: number; end: number }): Promise<void> {
    try {
      await this.#disk.makeFolder(this.#folder);
      this.#bytes ??= await this.#used();
      const length = damage.end - damage.start;
      if (this.#bytes + length > this.#maxBytes) throw new Error(`the quarantine has its ${this.#maxBytes} bytes`);
      const bytes = Buffer.alloc(length);
      const content = bytes.subarray(0, await file.read(bytes, damage.start));
      if (content.every((byte) => byte === 0)) return;
      await replaceFile(this.#disk, this.#folder, `${name}-${damage.start}.bin`, content);
      this.#bytes += content.length;
    } catch (error) {
      this.#log.warn({ err: error, segment: name, ...damage }, 'damaged bytes could not be kept');
    }
  }

  async #used(): Promise<number> {
    let bytes = 0;
    for (const name of await this.#disk.list(this.#folder)) {
      if (!name.endsWith('.bin')) continue;
      const file = await this.#disk.open(`${this.#folder}/${name}`, { create: false, readOnly: true });
      bytes += await file.size().finally(() => file.close());
    }
    return bytes;
  }
}
