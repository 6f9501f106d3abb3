/** What an Outbox is opened with, and what holds where nothing is said. */
import type { Clock } from '../../protocols/base/clock.ts';
import type { Log } from '../../protocols/base/log.ts';
import type { Disk } from './disk.ts';

export interface OutboxOptions {
  disk: Disk;
  folder: string;
  clock: Clock;
  log: Log;
  /** Names this boot in every record; random. */
  bootId: number;
  /** 16 hexadecimal digits, used when the outbox is created. */
  newEpoch: () => string;
  /** Bytes on disk, all lanes. Default 1 GiB. */
  maxBytes?: number;
  /** Of `maxBytes`, kept for alerts alone. Default a sixteenth. */
  alertReserveBytes?: number;
  /** Written ahead for alerts on a full disk, beside `maxBytes`. Default 256 KiB, or `alertReserveBytes` if that is less. */
  diskReserveBytes?: number;
  /** Default 4 MiB. */
  segmentBytes?: number;
  /** How long the first append of a group waits for company; 0 to 20. Default 4. */
  commitDelayMs?: number;
  maxQueuedRecords?: number;
  maxQueuedBytes?: number;
  /**
   * Names this run of the operating system (Linux: /proc/sys/kernel/random/boot_id). When it is another than the one in which
   * the outbox was last written, and that was not closed in order, the power may have failed, and a disk may have lost what it said was
   * synced: sequences are then skipped, so that none is given out twice. Without it such a disk is trusted.
   */
  hostRun?: string;
}

export type OutboxSettings = Required<Omit<OutboxOptions, 'hostRun'>> & { hostRun: string | undefined };

export function settingsOf(given: OutboxOptions): OutboxSettings {
  const maxBytes = given.maxBytes ?? 1024 * 1024 * 1024;
  const alertReserveBytes = given.alertReserveBytes ?? Math.floor(maxBytes / 16);
  return {
    maxBytes,
    alertReserveBytes,
    diskReserveBytes: Math.min(256 * 1024, alertReserveBytes),
    segmentBytes: Math.min(4 * 1024 * 1024, Math.floor(maxBytes / 16)),
    commitDelayMs: 4,
    maxQueuedRecords: 100_000,
    maxQueuedBytes: 32 * 1024 * 1024,
    hostRun: undefined,
    ...given,
  };
}
