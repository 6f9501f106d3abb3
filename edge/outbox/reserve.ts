/**
 * The alert lane's reserve: a file of zeros that was really written while there was space. When the disk is full it becomes the lane's next segment,
 * and alerts are written over the zeros, which takes no space, so nobody else who fills the disk can take it away.
 */
import type { Disk, DiskFile } from './disk.ts';
import { RESERVE_FILE } from './survey.ts';

const CHUNK_BYTES = 64 * 1024;

export class Reserve {
  readonly #disk: Disk;
  readonly #folder: string;
  readonly wantedBytes: number;
  /** Bytes that lie ready. */
  bytes = 0;
  #making: Promise<void> | undefined;

  constructor(options: { disk: Disk; folder: string; wantedBytes: number }) {
    this.#disk = options.disk;
    this.#folder = options.folder;
    this.wantedBytes = options.wantedBytes;
  }

  /** Finds one that an earlier run left. */
  async find(): Promise<void> {
    try {
      const file = await this.#disk.open(this.#path, { create: false, readOnly: true });
      this.bytes = await file.size().finally(() => file.close());
    } catch {
      this.bytes = 0;
    }
  }

  /** Writes it, if it is missing. Rejects when the disk refuses. */
  ensure(): Promise<void> {
    if (this.bytes >= this.wantedBytes) return Promise.resolve();
    this.#making ??= this.#make().finally(() => {
      this.#making = undefined;
    });
    return this.#making;
  }

  /** Gives the file away as a segment of this name. Nothing of it is durable yet. */
  async take(path: string): Promise<{ file: DiskFile; bytes: number }> {
    const { bytes } = this;
    this.bytes = 0;
    await this.#disk.rename(this.#path, path);
    await this.#disk.syncFolder(this.#folder);
    return { file: await this.#disk.open(path, { create: false }), bytes };
  }

  async #make(): Promise<void> {
    const temporary = `${this.#path}.new`;
    try {
      const file = await this.#disk.open(temporary, { create: true });
      try {
        await file.truncate(0);
        const zeros = Buffer.alloc(CHUNK_BYTES);
        for (let at = 0; at < this.wantedBytes; at += CHUNK_BYTES) {
          await file.write(zeros.subarray(0, Math.min(CHUNK_BYTES, this.wantedBytes - at)), at);
        }
        await file.sync();
      } finally {
        await file.close();
      }
      await this.#disk.rename(temporary, this.#path);
      await this.#disk.syncFolder(this.#folder);
      this.bytes = this.wantedBytes;
    } catch (error) {
      await this.#disk.remove(temporary).catch(() => {});
      throw error;
    }
  }

  get #path(): string {
    return `${this.#folder}/${RESERVE_FILE}`;
  }
}
