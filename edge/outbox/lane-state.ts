/**
 * What a lane knows of the fate of its records, and what of it is kept in `lane.json`.
 *
 * Every sequence up to `last` is a record that was accepted, or `unused`: skipped when nobody could know any more whether it had been
 * given out. A record is delivered, evicted, quarantined or pending. Invariants, checked by `violations`:
 *   accepted + unused = last; accepted = delivered + evicted + quarantined + pending
 * where all but `pending` are counted as things happen and `pending` is derived from the sets below.
 *
 * What was given up may prove delivered later (an acknowledgement that was under way): it changes sides, so that gateway and hub agree.
 * Each range given up is an obligation to tell the hub, kept until the alert record that tells it was delivered.
 */
import { type Interval, IntervalSet } from '../../protocols/base/intervals.ts';
import type { LaneLedger } from '../../protocols/uplink/gateway-status.ts';
import { LANES, type Lane } from '../../protocols/uplink/identity.ts';
import type { Mark } from './mark-file.ts';
import { sealJson, unsealJson } from './sealed-json.ts';

const FATES = ['evicted', 'quarantined', 'unused'] as const;
export type Fate = (typeof FATES)[number];

/** A loss that the hub has to be told of. */
export interface Statement {
  fate: Fate;
  first: number;
  last: number;
  reason: string;
  /** The alert record that tells it; 0 while there is none. */
  by: number;
}

export interface LaneFile {
  format: 2;
  lane: Lane;
  epoch: string;
  last: number;
  done: number;
  /** Counts up to `done`. */
  settled: Record<Fate, number>;
  /** Beyond `done`. */
  acknowledged: [number, number][];
  /** Known ranges, also below `done`, for acknowledgements that come late. */
  fates: Record<Fate, [number, number][]>;
  statements: Statement[];
}

/** Ranges of one fate that are remembered below `done`; older ones can no longer change sides. */
const MAX_REMEMBERED = 1024;
/** Beyond it, neighbouring statements of one fate are told as one. */
const MAX_STATEMENTS = 512;

export class LaneState {
  #last = 0;
  #done = 0;
  readonly #counts = { accepted: 0, delivered: 0, evicted: 0, quarantined: 0, unused: 0 };
  #fates: Record<Fate, IntervalSet> = {
    evicted: new IntervalSet(),
    quarantined: new IntervalSet(),
    unused: new IntervalSet(),
  };
  #acknowledged = new IntervalSet();
  #statements: Statement[] = [];
  /** The first sequence given up since lane.json was last written. */
  #unsavedFrom = Number.POSITIVE_INFINITY;

  /** From what was found on disk; the mark is the newer of the two. */
  static restore(file: LaneFile | undefined, mark: Mark | undefined): LaneState {
    const state = new LaneState();
    if (file) {
      for (const fate of FATES) state.#fates[fate] = fromPairs(file.fates[fate]);
      state.#acknowledged = fromPairs(file.acknowledged);
      state.#statements = file.statements;
    }
    const newer = mark && mark.done >= (file?.done ?? 0) ? mark : undefined;
    const settled = newer ?? file?.settled ?? { evicted: 0, quarantined: 0, unused: 0 };
    const done = newer?.done ?? file?.done ?? 0;
    state.#done = done;
    state.#last = Math.max(done, file?.last ?? 0, mark?.last ?? 0);
    state.#acknowledged = cut(state.#acknowledged, 1, done);
    const counts = state.#counts;
    for (const fate of FATES) counts[fate] = settled[fate] + countWithin(state.#fates[fate], done + 1, state.#last);
    counts.accepted = state.#last - counts.unused;
    counts.delivered = done - settled.evicted - settled.quarantined - settled.unused + state.#acknowledged.count();
    if (mark && mark.evictedLast > 0) {
      state.giveUp('evicted', mark.evictedFirst, mark.evictedLast, 'evicted while the disk was full');
    }
    return state;
  }

  static decode(content: Buffer | undefined): LaneFile | undefined {
    const file = unsealJson(content) as Partial<LaneFile> | undefined;
    if (file?.format !== 2 || file.lane === undefined || !LANES.includes(file.lane)) return undefined;
    return file as LaneFile;
  }

  get last(): number {
    return this.#last;
  }

  /** Contiguous prefix whose fate is settled. */
  get done(): number {
    return this.#done;
  }

  get unused(): number {
    return this.#counts.unused;
  }

  get statements(): readonly Statement[] {
    return this.#statements;
  }

  encode(lane: Lane, epoch: string): Buffer {
    const file: LaneFile = {
      format: 2,
      lane,
      epoch,
      last: this.#last,
      done: this.#done,
      settled: this.#settledAt(this.#done),
      acknowledged: toPairs(this.#acknowledged),
      fates: {
        evicted: toPairs(this.#fates.evicted),
        quarantined: toPairs(this.#fates.quarantined),
        unused: toPairs(this.#fates.unused),
      },
      statements: this.#statements,
    };
    return sealJson(file);
  }

  /** lane.json holds what `encode` gave; nothing was given up since. */
  saved(): void {
    this.#unsavedFrom = Number.POSITIVE_INFINITY;
  }

  /**
   * What the mark may say: it keeps no ranges, so it does not pass a loss that lane.json does not know, unless that is the one range it
   * can carry.
   */
  mark(evicted: Interval | undefined): Omit<Mark, 'sent'> {
    const done = evicted ? this.#done : Math.min(this.#done, this.#unsavedFrom - 1);
    const beyond = evicted !== undefined && evicted.last > done;
    return {
      last: this.#last,
      done,
      ...this.#settledAt(done),
      evictedFirst: beyond ? evicted.first : 0,
      evictedLast: beyond ? evicted.last : 0,
    };
  }

  /** Records up to `sequence` are on disk. */
  accept(sequence: number): void {
    if (sequence <= this.#last) return;
    this.#counts.accepted += sequence - this.#last;
    this.#last = sequence;
  }

  /** The sequences up to `sequence` will never be given out. */
  skip(sequence: number, reason: string): void {
    const first = this.#last + 1;
    this.accept(sequence);
    this.giveUp('unused', first, sequence, reason);
  }

  /** The hub has [first, last]. Returns whether anything changed. */
  acknowledge(first: number, last: number): boolean {
    const to = Math.min(last, this.#last);
    let news = 0;
    for (const fate of FATES) {
      const known = countWithin(this.#fates[fate], first, to);
      if (known === 0) continue;
      // It was thought lost, and arrived.
      const settled = countWithin(this.#fates[fate], first, Math.min(to, this.#done));
      this.#fates[fate] = cut(this.#fates[fate], first, to);
      this.#counts[fate] -= known;
      if (fate === 'unused') this.#counts.accepted += known;
      this.#counts.delivered += settled;
      news += known;
    }
    for (const range of this.#acknowledged.missing(Math.max(first, this.#done + 1), to)) {
      const count = this.#acknowledged.add(range.first, range.last);
      this.#counts.delivered += count;
      news += count;
    }
    this.#advance();
    return news > 0;
  }

  /** [first, last] will not be delivered any more; those with a fate keep it. Returns the new ranges, each an obligation to tell. */
  giveUp(fate: Fate, first: number, last: number, reason: string): Interval[] {
    let fresh = this.#acknowledged.missing(Math.max(first, this.#done + 1), Math.min(last, this.#last));
    for (const other of FATES) {
      fresh = fresh.flatMap((range) => this.#fates[other].missing(range.first, range.last));
    }
    for (const range of fresh) {
      const count = this.#fates[fate].add(range.first, range.last);
      this.#counts[fate] += count;
      if (fate === 'unused') this.#counts.accepted -= count;
      this.#statements.push({ fate, ...range, reason, by: 0 });
      this.#unsavedFrom = Math.min(this.#unsavedFrom, range.first);
    }
    if (this.#statements.length > MAX_STATEMENTS) this.#mergeStatements();
    this.#advance();
    return fresh;
  }

  /** Forgets what was told and has arrived; `arrived` says so of an alert record, undefined when that is lost. */
  settleStatements(arrived: (by: number) => boolean | undefined): boolean {
    let changed = false;
    this.#statements = this.#statements.filter((statement) => {
      if (statement.by === 0) return true;
      const outcome = arrived(statement.by);
      if (outcome === undefined) statement.by = 0;
      changed ||= outcome !== false;
      return outcome !== true;
    });
    return changed;
  }

  /** True: delivered. False: pending. Undefined: given up. */
  outcomeOf(sequence: number): boolean | undefined {
    if (FATES.some((fate) => this.#fates[fate].has(sequence))) return undefined;
    return sequence <= this.#done || this.#acknowledged.has(sequence);
  }

  /** The first sequence at or after `from` that has no fate yet. */
  nextKept(from: number): number {
    let next = Math.max(from, this.#done + 1);
    for (;;) {
      const skip = this.#settledFrom(next);
      if (skip < next) return next;
      next = skip + 1;
    }
  }

  /** `sequence` has no fate: the last of those behind it, without a gap, that have none either. */
  keptThrough(sequence: number): number {
    const sets = [this.#acknowledged, ...FATES.map((fate) => this.#fates[fate])];
    return sets.reduce((end, set) => set.missing(sequence, end)[0]?.last ?? end, this.#last);
  }

  /** The first of the unused sequences directly before `sequence`; 0 when there is none. */
  unusedBefore(sequence: number): number {
    const run = this.#fates.unused.intervals.at(-1);
    return run && run.last === sequence - 1 ? run.first : 0;
  }

  ledger(): LaneLedger {
    const { accepted, delivered, evicted, quarantined } = this.#counts;
    return { accepted, delivered, evicted, quarantined, pending: this.#pending() };
  }

  /** What does not hold, a sentence each. */
  violations(): string[] {
    const { accepted, delivered, evicted, quarantined, unused } = this.#counts;
    const pending = this.#pending();
    const found: string[] = [];
    if (accepted + unused !== this.#last)
      found.push(`${accepted} accepted + ${unused} unused, but ${this.#last} given out`);
    if (accepted !== delivered + evicted + quarantined + pending) {
      found.push(`${accepted} accepted, but ${delivered} + ${evicted} + ${quarantined} + ${pending}`);
    }
    for (const [name, count] of Object.entries({ ...this.#counts, pending })) {
      if (count < 0) found.push(`${name} is ${count}`);
    }
    return found;
  }

  #pending(): number {
    const open = this.#last - this.#done - this.#acknowledged.count();
    return FATES.reduce((sum, fate) => sum - countWithin(this.#fates[fate], this.#done + 1, this.#last), open);
  }

  #settledAt(done: number): Record<Fate, number> {
    const upTo = (fate: Fate) => this.#counts[fate] - countWithin(this.#fates[fate], done + 1, this.#last);
    return { evicted: upTo('evicted'), quarantined: upTo('quarantined'), unused: upTo('unused') };
  }

  #settledFrom(next: number): number {
    return FATES.reduce(
      (skip, fate) => Math.max(skip, this.#fates[fate].contiguousFrom(next)),
      this.#acknowledged.contiguousFrom(next),
    );
  }

  #advance(): void {
    const before = this.#done;
    for (;;) {
      const settled = this.#settledFrom(this.#done + 1);
      if (settled <= this.#done) break;
      this.#done = settled;
    }
    if (this.#done === before) return;
    this.#acknowledged = cut(this.#acknowledged, 1, this.#done);
    for (const fate of FATES) {
      const { intervals } = this.#fates[fate];
      const surplus = intervals[intervals.length - MAX_REMEMBERED - 1];
      if (surplus && surplus.last <= this.#done) this.#fates[fate] = cut(this.#fates[fate], 1, surplus.last);
    }
  }

  #mergeStatements(): void {
    const merged: Statement[] = [];
    for (const statement of this.#statements.sort((a, b) => a.first - b.first)) {
      const previous = merged.at(-1);
      if (previous && previous.fate === statement.fate && previous.last + 1 === statement.first) {
        previous.last = statement.last;
        previous.by = 0;
      } else merged.push(statement);
    }
    this.#statements = merged;
  }
}

function fromPairs(pairs: readonly [number, number][]): IntervalSet {
  return new IntervalSet(pairs.map(([first, last]) => ({ first, last })));
}

function toPairs(set: IntervalSet): [number, number][] {
  return set.intervals.map(({ first, last }) => [first, last]);
}

/** The set without [first, last]. */
function cut(set: IntervalSet, first: number, last: number): IntervalSet {
  const kept = new IntervalSet();
  for (const interval of set.intervals) {
    kept.add(interval.first, Math.min(interval.last, first - 1));
    kept.add(Math.max(interval.first, last + 1), interval.last);
  }
  return kept;
}

function countWithin(set: IntervalSet, first: number, last: number): number {
  if (last < first) return 0;
  const absent = set.missing(first, last).reduce((sum, hole) => sum + hole.last - hole.first + 1, 0);
  return last - first + 1 - absent;
}
