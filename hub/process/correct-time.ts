/**
 * The true time of what a gateway recorded before its boot knew the time (design, section 6). A batch carries what the boots with records in
 * it know by now: an offset per boot. Pure. A boot that never learned the time keeps its own, marked `unsynced`: nothing is guessed.
 */
import type { BatchHeader, BootClock } from '../../protocols/uplink/batch.ts';
import type { RecordTime } from '../../protocols/uplink/record.ts';

export interface CorrectedTime {
  time: RecordTime;
  corrected: boolean;
}

export class TimeCorrection {
  readonly #clocks = new Map<number, BootClock>();

  constructor({ clock, bootClocks }: Pick<BatchHeader, 'clock' | 'bootClocks'>) {
    for (const each of [...bootClocks, clock]) if (each.state !== 'unsynced') this.#clocks.set(each.bootId, each);
  }

  apply(time: RecordTime): CorrectedTime {
    const known = time.state === 'unsynced' ? this.#clocks.get(time.bootId) : undefined;
    if (!known) return { time, corrected: false };
    const { state, uncertaintyMs } = known;
    // Whole milliseconds, as every record's: a time series refuses others.
    const wallMs = Math.round(known.wallMs + (time.monotonicUs - known.monotonicUs) / 1000);
    return { time: { ...time, wallMs, state, uncertaintyMs }, corrected: true };
  }
}
