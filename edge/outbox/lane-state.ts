/**
 * What a lane knows of the fate of its records, and the small file that keeps it: `lane.json`.
 *
 * Invariants: every sequence up to `doneThrough` has exactly one fate (delivered, evicted or quarantined); beyond it, only the
 * ranges in `lost` have one. So accepted = delivered + evicted + quarantined + pending holds by construction:
 *   delivered = doneThrough − (evicted and quarantined up to there), pending = last − doneThrough − (lost beyond it).
 */
import { IntervalSet } from '../../protocols/base/intervals.ts';
import type { LaneLedger } from '../../protocols/uplink/gateway-status.ts';

export type Fate = 'evicted' | 'quarantined';

interface LaneFile {
  format: 1;
  /** Highest sequence known when the file was written: never given out again, whatever happens to the segments. */
  last: number;
  doneThrough: number;
  evicted: number;
  quarantined: number;
  lost: { fate: Fate; first: number; last: number }[];
}

export class LaneState {
  /** Contiguous prefix whose fate is settled. */
  doneThrough = 0;
  /** Highest sequence that the file knew of when it was read. */
  lastAtSave = 0;
  /** Counts up to and including `doneThrough`. */
  #settled = { evicted: 0, quarantined: 0 };
  /** Beyond `doneThrough`. */
  readonly #lost = { evicted: new IntervalSet(), quarantined: new IntervalSet() };
  #acknowledged = new IntervalSet();

  static decode(content: Buffer | undefined): LaneState {
    const state = new LaneState();
    if (!content) return state;
    try {
      const file = JSON.parse(content.toString('utf8')) as LaneFile;
      const counts = [
        file.last,
        file.doneThrough,
        file.evicted,
        file.quarantined,
        ...file.lost.flatMap(({ first, last }) => [first, last]),
      ];
      if (file.format !== 1 || !counts.every((count) => Number.isSafeInteger(count) && count >= 0)) return state;
      state.doneThrough = file.doneThrough;
      state.lastAtSave = Math.max(file.last, file.doneThrough);
      state.#settled = { evicted: file.evicted, quarantined: file.quarantined };
      for (const { fate, first, last } of file.lost) state.#lost[fate].add(first, last);
    } catch {
      // A file that cannot be read costs sending again, never data: the hub knows what it has seen.
    }
    return state;
  }

  encode(lastSequence: number): Buffer {
    const lost = (['evicted', 'quarantined'] as const).flatMap((fate) =>
      this.#lost[fate].intervals.map(({ first, last }) => ({ fate, first, last })),
    );
    const file: LaneFile = { format: 1, last: lastSequence, doneThrough: this.doneThrough, ...this.#settled, lost };
    return Buffer.from(JSON.stringify(file));
  }

  /** The hub has [first, last]. Returns whether the settled prefix grew. What was given up before keeps its fate. */
  acknowledge(first: number, last: number): boolean {
    if (last <= this.doneThrough) return false;
    this.#acknowledged.add(Math.max(first, this.doneThrough + 1), last);
    return this.#advance();
  }

  /** [first, last] will not be delivered any more; those acknowledged or given up before keep their fate. Returns the new ranges. */
  giveUp(fate: Fate, first: number, last: number): { first: number; last: number }[] {
    const other = fate === 'evicted' ? 'quarantined' : 'evicted';
    const fresh = this.#lost[fate]
      .missing(Math.max(first, this.doneThrough + 1), last)
      .flatMap((range) => this.#lost[other].missing(range.first, range.last))
      .flatMap((range) => this.#acknowledged.missing(range.first, range.last));
    for (const range of fresh) this.#lost[fate].add(range.first, range.last);
    this.#advance();
    return fresh;
  }

  /** The first sequence at or after `from` that has no fate yet. */
  nextKept(from: number): number {
    let next = Math.max(from, this.doneThrough + 1);
    for (;;) {
      const skip = Math.max(
        this.#acknowledged.contiguousFrom(next),
        this.#lost.evicted.contiguousFrom(next),
        this.#lost.quarantined.contiguousFrom(next),
      );
      if (skip < next) return next;
      next = skip + 1;
    }
  }

  ledger(lastSequence: number): LaneLedger {
    const evicted = this.#settled.evicted + this.#lost.evicted.count();
    const quarantined = this.#settled.quarantined + this.#lost.quarantined.count();
    const beyond = this.#acknowledged.count();
    const delivered = this.doneThrough - this.#settled.evicted - this.#settled.quarantined + beyond;
    const lostBeyond = this.#lost.evicted.count() + this.#lost.quarantined.count();
    const pending = lastSequence - this.doneThrough - beyond - lostBeyond;
    return { accepted: lastSequence, delivered, evicted, quarantined, pending };
  }

  #advance(): boolean {
    const before = this.doneThrough;
    for (;;) {
      const next = this.doneThrough + 1;
      const acknowledged = this.#acknowledged.contiguousFrom(next);
      const evicted = this.#lost.evicted.contiguousFrom(next);
      const quarantined = this.#lost.quarantined.contiguousFrom(next);
      const last = Math.max(acknowledged, evicted, quarantined);
      if (last < next) break;
      if (evicted === last) this.#settled.evicted += last - next + 1;
      else if (quarantined === last) this.#settled.quarantined += last - next + 1;
      this.doneThrough = last;
    }
    if (this.doneThrough === before) return false;
    this.#acknowledged = dropThrough(this.#acknowledged, this.doneThrough);
    for (const fate of ['evicted', 'quarantined'] as const) {
      const kept = dropThrough(this.#lost[fate], this.doneThrough);
      this.#lost[fate] = kept;
    }
    return true;
  }
}

function dropThrough(set: IntervalSet, through: number): IntervalSet {
  const kept = new IntervalSet();
  for (const { first, last } of set.intervals) kept.add(Math.max(first, through + 1), last);
  return kept;
}
