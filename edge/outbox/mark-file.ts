/**
 * `outbox.mark`: how far each lane has promised, written in place after every commit and before the promise is given.
 *
 * A file of fixed size that is never extended again, so it can be written on a full disk. Two slots of 512 bytes per lane, used in turn by
 * generation; a slot is valid if and only if its magic, version, lane and CRC are right, and the newest valid one counts. Slot,
 * little-endian: 0 magic "MPMK", 4 version u8 = 1, 5 lane u8, 6 flags (1: the outbox was closed in order), 8 epoch 8 bytes,
 * 16 run of the operating system 8 bytes (zero: unknown), then u48 each: 24 generation, 30 last, 36 done, 42 evicted, 48 quarantined,
 * 54 unused, 60 sent, 66 and 72 evicted range not yet in lane.json; 78 CRC-32C of bytes 0 … 77.
 *
 * It is not synced with each commit (that would double the wear of the medium), so after a power failure it may be behind: what it
 * says was promised, was. When only the process died it is exact. `trust` says which of the two holds.
 */
import { createHash } from 'node:crypto';
import { crc32c } from '../../protocols/base/crc.ts';
import { LANES, type Lane } from '../../protocols/uplink/identity.ts';
import { type Disk, type DiskFile, errorCode, readWhole } from './disk.ts';

export interface Mark {
  /** Highest sequence that was given out: accepted, or skipped. */
  last: number;
  /** Contiguous prefix whose fate is settled, and what became of it; the rest of the prefix was delivered. */
  done: number;
  evicted: number;
  quarantined: number;
  unused: number;
  /** First sequence of the last segment that was read for sending. */
  sent: number;
  /** Evicted beyond `done`, and lane.json could not be written; none when last < first. */
  evictedFirst: number;
  evictedLast: number;
}

/**
 * `exact`: nothing was promised beyond it. `bound`: more may have been, the power may have failed since. `lost`: there is no mark, or
 * not where it should be.
 */
export type Trust = 'exact' | 'bound' | 'lost';

interface Slot extends Mark {
  generation: number;
  closed: boolean;
  epoch: string;
  host: string;
}

export interface FoundMark {
  mark: Mark;
  epoch: string;
  trust: Exclude<Trust, 'lost'>;
  /** The operating system has been started since, so the power may have failed; or a slot was damaged while it ran. */
  suspicious: boolean;
}

const SLOT_BYTES = 512;
const FILE_BYTES = SLOT_BYTES * 2 * LANES.length;
const MAGIC = 0x4b4d504d; // "MPMK"
const CRC_AT = 78;
const FIELDS = [
  'generation',
  'last',
  'done',
  'evicted',
  'quarantined',
  'unused',
  'sent',
  'evictedFirst',
  'evictedLast',
] as const;
const UNKNOWN_HOST = '0000000000000000';

export class MarkFile {
  readonly #disk: Disk;
  readonly #folder: string;
  readonly #host: string;
  readonly #found: Partial<Record<Lane, FoundMark>> = {};
  readonly #generations: Record<Lane, number> = { alert: 0, tracking: 0, telemetry: 0 };
  #file: Promise<DiskFile> | undefined;
  #whole = false;

  private constructor(disk: Disk, folder: string, host: string) {
    this.#disk = disk;
    this.#folder = folder;
    this.#host = host;
  }

  /** As if there were none. */
  static lost(disk: Disk, folder: string, hostRun: string | undefined): MarkFile {
    return new MarkFile(disk, folder, hostOf(hostRun));
  }

  /**
   * Rejects when there may be a mark and the disk refuses to read it.
   * @param hostRun Names this run of the operating system; undefined when nobody knows.
   */
  static async open(disk: Disk, folder: string, hostRun: string | undefined): Promise<MarkFile> {
    const mark = new MarkFile(disk, folder, hostOf(hostRun));
    await mark.#load();
    return mark;
  }

  found(lane: Lane): FoundMark | undefined {
    return this.#found[lane];
  }

  /** Makes the marks of a new outbox durable. */
  async begin(epoch: string): Promise<void> {
    const nothing = {
      last: 0,
      done: 0,
      evicted: 0,
      quarantined: 0,
      unused: 0,
      sent: 0,
      evictedFirst: 0,
      evictedLast: 0,
    };
    for (const lane of LANES) {
      const fault = await this.write(lane, { ...nothing, epoch }, { sync: true });
      if (fault !== undefined) throw fault;
      this.#found[lane] = { mark: nothing, epoch, trust: 'exact', suspicious: false };
    }
  }

  /** Resolves with the fault, if there was one. It is none of the commit's: what was promised is on disk. */
  async write(
    lane: Lane,
    content: Mark & { epoch: string; closed?: boolean },
    options: { sync: boolean },
  ): Promise<unknown> {
    const generation = ++this.#generations[lane];
    const slot: Slot = { ...content, closed: content.closed ?? false, host: this.#host, generation };
    const offset = (LANES.indexOf(lane) * 2 + (generation & 1)) * SLOT_BYTES;
    try {
      this.#file ??= this.#openForWriting();
      const file = await this.#file;
      await file.write(encodeSlot(lane, slot), offset);
      if (options.sync) await file.sync();
      return undefined;
    } catch (error) {
      await this.close();
      return error;
    }
  }

  /** Whether the disk reads at all. */
  async isReadable(): Promise<boolean> {
    try {
      return (await readWhole(this.#disk, this.#path)) !== undefined;
    } catch {
      return false;
    }
  }

  async close(): Promise<void> {
    const file = this.#file;
    this.#file = undefined;
    await file?.then((open) => open.close()).catch(() => {});
  }

  async #load(): Promise<void> {
    const bytes = Buffer.alloc(FILE_BYTES);
    try {
      const found = await readWhole(this.#disk, this.#path);
      this.#whole = found?.copy(bytes) === FILE_BYTES;
    } catch (error) {
      if (errorCode(error) !== 'EISDIR') throw error;
      await this.#disk.rename(this.#path, `${this.#path}.aside`);
    }
    for (const [index, lane] of LANES.entries()) {
      const slots = [0, 1].map((half) =>
        bytes.subarray((index * 2 + half) * SLOT_BYTES, (index * 2 + half + 1) * SLOT_BYTES),
      );
      const valid = slots.map((slot) => decodeSlot(lane, slot)).filter((slot) => slot !== undefined);
      const newest = valid.sort((a, b) => b.generation - a.generation)[0];
      if (!newest) continue;
      this.#generations[lane] = newest.generation;
      const other = slots[(newest.generation + 1) & 1] as Buffer;
      const intact = newest.generation === 1 ? other.every((byte) => byte === 0) : valid.length === 2;
      const sameRun = newest.host !== UNKNOWN_HOST && newest.host === this.#host;
      this.#found[lane] = {
        mark: newest,
        epoch: newest.epoch,
        trust: intact && (newest.closed || sameRun) ? 'exact' : 'bound',
        suspicious: newest.closed || sameRun ? !intact : newest.host !== this.#host,
      };
    }
  }

  async #openForWriting(): Promise<DiskFile> {
    const file = await this.#disk.open(this.#path, { create: true });
    try {
      if (!this.#whole) {
        const bytes = Buffer.alloc(FILE_BYTES);
        await file.read(bytes, 0);
        await file.write(bytes, 0);
      }
      // Also what a killed process left: its name may not be on disk yet.
      await file.sync();
      await this.#disk.syncFolder(this.#folder);
      this.#whole = true;
      return file;
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  get #path(): string {
    return `${this.#folder}/outbox.mark`;
  }
}

function hostOf(hostRun: string | undefined): string {
  return hostRun === undefined ? UNKNOWN_HOST : createHash('sha256').update(hostRun).digest('hex').slice(0, 16);
}

function encodeSlot(lane: Lane, slot: Slot): Buffer {
  const bytes = Buffer.alloc(SLOT_BYTES);
  bytes.writeUInt32LE(MAGIC, 0);
  bytes[4] = 1;
  bytes[5] = LANES.indexOf(lane);
  bytes[6] = slot.closed ? 1 : 0;
  bytes.write(slot.epoch, 8, 'hex');
  bytes.write(slot.host, 16, 'hex');
  for (const [index, field] of FIELDS.entries()) bytes.writeUIntLE(slot[field], 24 + index * 6, 6);
  bytes.writeUInt32LE(crc32c(bytes, 0, CRC_AT), CRC_AT);
  return bytes;
}

function decodeSlot(lane: Lane, bytes: Buffer): Slot | undefined {
  if (bytes.readUInt32LE(0) !== MAGIC || bytes[4] !== 1 || bytes[5] !== LANES.indexOf(lane)) return undefined;
  if (crc32c(bytes, 0, CRC_AT) !== bytes.readUInt32LE(CRC_AT)) return undefined;
  const [generation, last, done, evicted, quarantined, unused, sent, evictedFirst, evictedLast] = FIELDS.map(
    (_, index) => bytes.readUIntLE(24 + index * 6, 6),
  ) as [number, number, number, number, number, number, number, number, number];
  return {
    generation,
    last,
    done,
    evicted,
    quarantined,
    unused,
    sent,
    evictedFirst,
    evictedLast,
    closed: bytes[6] === 1,
    epoch: bytes.toString('hex', 8, 16),
    host: bytes.toString('hex', 16, 24),
  };
}
