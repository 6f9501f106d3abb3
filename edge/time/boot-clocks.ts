/**
 * What earlier boots of this box knew of the time, kept in `clocks.json` beside the outbox: their records may still be waiting, and go
 * with the offset of their own boot (design, section 6). The last `MAX_BOOTS` boots are kept. Loss of the file costs the correction of
 * records of earlier boots, which then stay marked `unsynced`; nothing else.
 */
import type { Log } from '../../protocols/base/log.ts';
import type { BootClock } from '../../protocols/uplink/batch.ts';
import { bootIdsIn } from '../../protocols/uplink/record.ts';
import { type Disk, readWhole, replaceFile } from '../outbox/disk.ts';

const FILE = 'clocks.json';
const MAX_BOOTS = 32;

export class BootClocks {
  readonly #clocks: Map<number, BootClock>;
  readonly #at: { disk: Disk; folder: string; log: Log };
  #saving: Promise<void> = Promise.resolve();

  private constructor(clocks: Map<number, BootClock>, at: { disk: Disk; folder: string; log: Log }) {
    this.#clocks = clocks;
    this.#at = at;
  }

  /** Never rejects: a file that cannot be read is as good as none. */
  static async open(at: { disk: Disk; folder: string; log: Log }): Promise<BootClocks> {
    const content = await readWhole(at.disk, `${at.folder}/${FILE}`).catch(() => undefined);
    return new BootClocks(new Map(parse(content).map((clock) => [clock.bootId, clock])), at);
  }

  /** A boot knows the time. Kept on disk as soon as the disk lets. */
  learn(clock: BootClock): void {
    this.#clocks.delete(clock.bootId);
    this.#clocks.set(clock.bootId, clock);
    for (const oldest of this.#clocks.keys()) {
      if (this.#clocks.size <= MAX_BOOTS) break;
      this.#clocks.delete(oldest);
    }
    const { disk, folder, log } = this.#at;
    const content = Buffer.from(JSON.stringify({ format: 1, boots: [...this.#clocks.values()] }));
    this.#saving = this.#saving
      .then(() => replaceFile(disk, folder, FILE, content))
      .catch((error: Error) => log.warn({ err: error }, 'what this boot knows of the time is not on disk'));
  }

  /** The clocks of boots other than `currentBootId` that have records among these (concatenated, as in the Outbox). */
  of(records: Buffer, currentBootId: number): BootClock[] {
    return [...bootIdsIn(records)].flatMap((bootId) => {
      const clock = bootId === currentBootId ? undefined : this.#clocks.get(bootId);
      return clock ? [clock] : [];
    });
  }

  /** Resolves when what was learned is on disk, or was refused. */
  settled(): Promise<void> {
    return this.#saving;
  }
}

function parse(content: Buffer | undefined): BootClock[] {
  if (!content) return [];
  try {
    const { format, boots } = JSON.parse(content.toString('utf8')) as { format?: unknown; boots?: unknown };
    return format === 1 && Array.isArray(boots) ? boots.filter(isBootClock).slice(-MAX_BOOTS) : [];
  } catch {
    return [];
  }
}

function isBootClock(value: unknown): value is BootClock {
  const clock = value as Partial<BootClock> | null;
  return (
    [clock?.bootId, clock?.monotonicUs, clock?.wallMs, clock?.uncertaintyMs].every(Number.isFinite) &&
    ['ntp', 'gps', 'hub'].includes(clock?.state ?? '')
  );
}
