/**
 * Bar code scans to tracking records: each scan is a PACKAGE_SCANNED, a repetition within the read point's scan window is none.
 *
 * Invariants
 *  - A scan's `acknowledge` is called once, and with true only when a record of it is on disk: its own, or that of the scan it repeats,
 *    for which a repetition waits.
 *  - What a device sends again for want of an answer (`resentWithinMs`) is its last scan, when label and time allow it, whatever the
 *    window. That holds across a restart of the daemon: the outbox is the memory (`remember`), so it costs no write of its own. It does
 *    not hold across a restart of the box, whose monotonic time begins anew; by then a reader has given up.
 */
import type { Reading } from '../driver.ts';
import type { Intake } from './intake.ts';
import type { ReadPoint } from './read-point.ts';
import type { StoredScan } from './recent-scans.ts';
import { ScanWindow } from './scan-window.ts';
import { type Identify, type Site, scanToPayload } from './to-payload.ts';

type Scan = Extract<Reading, { kind: 'scan' }>;

const ON_DISK = Promise.resolve(true);

export class ScanStage {
  readonly #window = new ScanWindow();
  /** By label and read point: scans on their way to the disk. */
  readonly #storing = new Map<string, Promise<boolean>>();
  /** The last scan of each device that is, or will be, on disk. */
  readonly #last = new Map<string, { label: string; atUs: number; stored: Promise<boolean> }>();
  readonly #intake: Intake;
  readonly #identify: Identify;
  readonly #site: () => Site;

  constructor(options: { intake: Intake; identify: Identify; site: () => Site }) {
    this.#intake = options.intake;
    this.#identify = options.identify;
    this.#site = options.site;
  }

  /**
   * Before the first reading: what the outbox holds of this boot's last scans, oldest first.
   * @param windowMsOf the scan window of a read point; undefined where there is none of that name any more.
   */
  remember(scans: readonly StoredScan[], windowMsOf: (readPoint: string) => number | undefined): void {
    for (const { deviceId, readPoint, monotonicUs, ...label } of scans) {
      this.#last.set(deviceId, { label: labelOf(label), atUs: monotonicUs, stored: ON_DISK });
      const windowMs = readPoint === undefined ? undefined : windowMsOf(readPoint);
      if (windowMs !== undefined) this.#window.admit(`${readPoint} ${labelOf(label)}`, monotonicUs, windowMs);
    }
  }

  /** Resolves when the scan is on disk or was given up; false when it was a repetition. */
  async take(deviceId: string, readPoint: ReadPoint, reading: Scan): Promise<boolean> {
    let isStored = false;
    try {
      const repeated = this.#repeated(deviceId, readPoint, reading);
      isStored = await (repeated ?? this.#store(deviceId, readPoint, reading));
      return repeated === undefined;
    } finally {
      reading.acknowledge?.(isStored);
    }
  }

  /** What became, or becomes, of the scan that this one repeats; undefined when it is new, and then it is remembered. */
  #repeated(deviceId: string, readPoint: ReadPoint, reading: Scan): Promise<boolean> | undefined {
    const { monotonicUs, resentWithinMs } = reading;
    const last = this.#last.get(deviceId);
    const isResent = resentWithinMs !== undefined && last?.label === labelOf(reading);
    if (isResent && monotonicUs - last.atUs <= resentWithinMs * 1000) return last.stored;
    const key = `${readPoint.id} ${labelOf(reading)}`;
    return this.#window.admit(key, monotonicUs, readPoint.scanWindowMs)
      ? undefined
      : (this.#storing.get(key) ?? ON_DISK);
  }

  async #store(deviceId: string, readPoint: ReadPoint, reading: Scan): Promise<boolean> {
    const label = labelOf(reading);
    const key = `${readPoint.id} ${label}`;
    let isStored = false;
    try {
      const options = { reading, deviceId, readPoint, site: this.#site(), identify: this.#identify };
      const stored = this.#intake.store(scanToPayload(options), reading.monotonicUs);
      this.#storing.set(key, stored);
      this.#last.set(deviceId, { label, atUs: reading.monotonicUs, stored });
      isStored = await stored;
    } finally {
      this.#storing.delete(key);
      if (!isStored) this.#forget(deviceId, key, label);
    }
    return isStored;
  }

  /** The scan could not be stored: its repetition must count. */
  #forget(deviceId: string, key: string, label: string): void {
    this.#window.forget(key);
    if (this.#last.get(deviceId)?.label === label) this.#last.delete(deviceId);
  }
}

function labelOf({ aim, text }: { aim?: string; text: string }): string {
  return `${aim ?? ''} ${text}`;
}
