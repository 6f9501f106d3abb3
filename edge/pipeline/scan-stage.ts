/**
 * Bar code scans to tracking records: each scan is a PACKAGE_SCANNED, a repetition within the read point's scan window is none.
 *
 * Invariants
 *  - A scan's `acknowledge` is called once, and with true only when a record of it is on disk: its own, or that of the scan it repeats,
 *    for which a repetition waits.
 *  - What a device sends again for want of an answer (`resentWithinMs`) is its last scan, when label and time allow it, whatever the
 *    window. That holds across a restart of the daemon: the outbox is the memory (`remember`), so it costs no write of its own. It does
 *    not hold across a restart of the box, whose monotonic time begins anew; by then a reader has given up.
 *
 * This is what the gateway does most: a scan costs one promise, and no closure but its answer.
 */
import type { Reading } from '../driver.ts';
import type { Intake } from './intake.ts';
import type { ReadPoint } from './read-point.ts';
import type { StoredScan } from './recent-scans.ts';
import { ScanWindow, type Sighting } from './scan-window.ts';
import { type Identify, type Site, scanToPayload } from './to-payload.ts';

type Scan = Extract<Reading, { kind: 'scan' }>;
/** Called once with what became of a scan; must not throw. */
type Answer = (isStored: boolean) => void;

interface LastScan {
  aim: string | undefined;
  text: string;
  atUs: number;
  sighting: Sighting;
}

export class ScanStage {
  readonly #window = new ScanWindow();
  /** The last scan of each device that is, or will be, on disk. */
  readonly #last = new Map<string, LastScan>();
  readonly #scopes = new Map<string, Map<string, number>>();
  #lastScope = 0;
  readonly #intake: Pick<Intake, 'keep'>;
  readonly #identify: Identify;
  readonly #site: () => Site;
  readonly #onRepeated: () => void;

  constructor(options: {
    intake: Pick<Intake, 'keep'>;
    identify: Identify;
    site: () => Site;
    /** Called for each scan that was a repetition. */
    onRepeated: () => void;
  }) {
    this.#onRepeated = options.onRepeated;
    this.#intake = options.intake;
    this.#identify = options.identify;
    this.#site = options.site;
  }

  /**
   * Before the first reading: what the outbox holds of this boot's last scans, oldest first.
   * @param windowMsOf the scan window of a read point; undefined where there is none of that name any more.
   */
  remember(scans: readonly StoredScan[], windowMsOf: (readPoint: string) => number | undefined): void {
    for (const { deviceId, readPoint, monotonicUs, text, aim } of scans) {
      const sighting: Sighting = { isStored: true, waiting: undefined };
      this.#last.set(deviceId, { aim, text, atUs: monotonicUs, sighting });
      const windowMs = readPoint === undefined ? undefined : windowMsOf(readPoint);
      if (readPoint === undefined || windowMs === undefined) continue;
      const scope = this.#scopeOf(readPoint, aim);
      const untilUs = monotonicUs + windowMs * 1000;
      if (!this.#window.find(scope, text, monotonicUs)) this.#window.remember({ scope, text, untilUs, sighting });
    }
  }

  /** Resolves when the scan is on disk or was given up. */
  take(deviceId: string, readPoint: ReadPoint, reading: Scan): Promise<void> {
    return new Promise((resolve, reject) => {
      // Of what comes while the disk is written nothing is kept that is not needed: it would be copied by the collector again and again.
      const { acknowledge } = reading;
      const answer: Answer = (isStored) => {
        try {
          acknowledge?.(isStored);
          resolve();
        } catch (error) {
          reject(error);
        }
      };
      try {
        const { monotonicUs, text, aim } = reading;
        const scope = this.#scopeOf(readPoint.id, aim);
        const repeated = this.#resent(deviceId, reading) ?? this.#window.find(scope, text, monotonicUs);
        if (repeated) {
          this.#onRepeated();
          whenKnown(repeated, answer);
          return;
        }
        const payload = scanToPayload({ reading, deviceId, readPoint, site: this.#site(), identify: this.#identify });
        const sighting: Sighting = { isStored: undefined, waiting: undefined };
        let name = -1;
        this.#intake.keep(payload, monotonicUs, (isStored) => {
          sighting.isStored = isStored;
          this.#window.settle(name, isStored);
          // The scan could not be stored: its repetition must count.
          if (!isStored && this.#last.get(deviceId)?.sighting === sighting) this.#last.delete(deviceId);
          answer(isStored);
          if (!sighting.waiting) return;
          for (const tell of sighting.waiting) tell(isStored);
          sighting.waiting = undefined;
        });
        if (sighting.isStored === false) return;
        name = this.#window.remember({ scope, text, untilUs: monotonicUs + readPoint.scanWindowMs * 1000, sighting });
        this.#last.set(deviceId, { aim, text, atUs: monotonicUs, sighting });
      } catch (error) {
        reject(error);
        acknowledge?.(false);
      }
    });
  }

  /** The scan that a device sends again for want of an answer. */
  #resent(deviceId: string, { monotonicUs, resentWithinMs, text, aim }: Scan): Sighting | undefined {
    if (resentWithinMs === undefined) return undefined;
    const last = this.#last.get(deviceId);
    const isSame = last?.text === text && last.aim === aim;
    return isSame && monotonicUs - last.atUs <= resentWithinMs * 1000 ? last.sighting : undefined;
  }

  /** Names a read point and a symbology; there are as many as devices and kinds of symbols. */
  #scopeOf(readPoint: string, aim = ''): number {
    let scopes = this.#scopes.get(readPoint);
    if (!scopes) {
      scopes = new Map();
      this.#scopes.set(readPoint, scopes);
    }
    const known = scopes.get(aim);
    if (known !== undefined) return known;
    scopes.set(aim, ++this.#lastScope);
    return this.#lastScope;
  }
}

function whenKnown(sighting: Sighting, answer: Answer): void {
  if (sighting.isStored !== undefined) answer(sighting.isStored);
  else if (sighting.waiting) sighting.waiting.push(answer);
  else sighting.waiting = [answer];
}
