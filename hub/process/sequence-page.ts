/**
 * What was seen of one gateway, epoch and lane. Nearly always that is one interval, which stands here as two numbers: there is a page for
 * every gateway, and it is asked for every event. What is beside it exists while it is needed.
 *
 * Invariant: highest = seen + lost + missing; a sequence is in at most one of seen and lost (what arrives after it was stated lost is seen).
 *
 * Each cold start of a gateway may skip a range and each full disk may lose one, for as long as the gateway lives, and the page is written
 * with every batch. So of ranges that were stated lost the newest `MAX_LOST` are known as such; older ones are only counted, and stand among
 * the settled: a record of theirs that came now, after so many losses since, would be taken for a duplicate.
 */
import { type Interval, IntervalSet } from '../../protocols/base/intervals.ts';
import type { Lane } from '../../protocols/uplink/identity.ts';

export interface BookKey {
  gatewayId: string;
  epoch: string;
  lane: Lane;
}

/** highest = seen + lost + missing. */
export interface HubLedger {
  highest: number;
  seen: number;
  lost: number;
  missing: number;
}

/** What gateway and hub said when it was noticed that both cannot be true (ledger-audit.ts). */
export interface Claim {
  /** The gateway: so many are delivered. */
  delivered: number;
  /** The hub: this is the highest record. */
  highest: number;
}

type Pairs = [number, number][];

export const MAX_LOST = 32;

/** A page as it is kept. */
interface StoredPage {
  /** With what is only counted of the lost. */
  seen: Pairs;
  lost: Pairs;
  /** How many of `seen` were lost. */
  settledLost?: number;
  /** Reported and still open: whoever takes the page over reports them no second time, and their end. */
  gaps?: Pairs;
  /** As well: a contradiction that was reported and stands. */
  contradicted?: Claim;
}

interface OpenGap {
  last: number;
  /** When it was first noticed, monotonic. */
  sinceMs: number;
  reported: boolean;
}

const NOTHING = new IntervalSet();
const NO_GAPS: ReadonlyMap<number, OpenGap> = new Map();

export class SequencePage {
  /** `gateway/epoch/lane`. */
  readonly name: string;
  /** Changed since this was last set to false by the owner. */
  changed = false;
  /** Seen, while it is one interval; first > last: nothing. */
  #first = 1;
  #last = 0;
  /** Seen, while it is more than one interval. */
  #pieces: IntervalSet | undefined;
  /** Stated evicted or quarantined by the gateway. */
  #lost: IntervalSet | undefined;
  /** How many of what stands as seen were lost, long ago. */
  #settledLost = 0;
  /** By their first sequence. */
  #gaps: Map<number, OpenGap> | undefined;
  #contradicted: Claim | undefined;

  constructor(name: string) {
    this.name = name;
  }

  static nameOf({ gatewayId, epoch, lane }: BookKey): string {
    return `${gatewayId}/${epoch}/${lane}`;
  }

  /** Takes up what `encode` wrote. @throws SyntaxError for what it did not: that is a bug. */
  static restore(name: string, value: Buffer): SequencePage {
    const { seen, lost, settledLost = 0, gaps = [], contradicted } = JSON.parse(value.toString('utf8')) as StoredPage;
    const page = new SequencePage(name);
    page.#setSeen(setOf(seen));
    if (lost.length > 0) page.#lost = setOf(lost);
    page.#settledLost = settledLost;
    const reported = gaps.map(([first, last]) => [first, { last, sinceMs: 0, reported: true }] as const);
    if (reported.length > 0) page.#gaps = new Map(reported);
    page.#contradicted = contradicted;
    return page;
  }

  get key(): BookKey {
    const [gatewayId, epoch, lane] = this.name.split('/') as [string, string, Lane];
    return { gatewayId, epoch, lane };
  }

  /** Of a contradiction that was reported and stands: kept with the page, so that whoever takes it over reports it no second time, and its end. */
  get contradicted(): Claim | undefined {
    return this.#contradicted;
  }

  contradict(claim: Claim | undefined): void {
    this.#contradicted = claim;
    this.changed = true;
  }

  /** True when the sequence is new; it is seen then. */
  see(sequence: number): boolean {
    if (this.#pieces === undefined) {
      if (sequence === this.#last + 1) {
        this.#last = sequence;
        this.changed = true;
        return true;
      }
      if (sequence >= this.#first && sequence <= this.#last) return false;
    }
    const pieces = this.#seen();
    if (pieces.add(sequence) === 0) return false;
    this.#setSeen(pieces);
    this.changed = true;
    return true;
  }

  /** [first, last] will never come. Returns how many of them are news. */
  lose(first: number, last: number): number {
    let news = 0;
    const lost = this.#lost ?? new IntervalSet();
    for (const range of this.#seen().missing(first, last)) news += lost.add(range.first, range.last);
    if (news === 0) return 0;
    this.#lost = lost;
    if (lost.size > MAX_LOST) this.#settle(lost);
    this.changed = true;
    return news;
  }

  /** Gaps open for at least `afterMs` that were not reported yet, and reported ones that are closed; both are taken as told. */
  review(nowMs: number, afterMs: number): { opened: Interval[]; closed: Interval[] } {
    const opened: Interval[] = [];
    const closed: Interval[] = [];
    if (this.#isWhole() && this.#gaps === undefined) return { opened, closed };
    const missing = this.#holes();
    const gaps = this.#gaps ?? new Map<number, OpenGap>();
    for (const [first, gap] of gaps) {
      if (missing.some((hole) => hole.first <= gap.last && hole.last >= first)) continue;
      gaps.delete(first);
      if (gap.reported) closed.push({ first, last: gap.last });
    }
    for (const hole of missing) {
      const isKnown = [...gaps].some(([first, gap]) => hole.first <= gap.last && hole.last >= first);
      if (!isKnown) gaps.set(hole.first, { last: hole.last, sinceMs: nowMs, reported: false });
    }
    for (const [first, gap] of gaps) {
      if (gap.reported || nowMs - gap.sinceMs < afterMs) continue;
      gap.reported = true;
      opened.push({ first, last: gap.last });
    }
    this.#gaps = gaps.size > 0 ? gaps : undefined;
    if (opened.length > 0 || closed.length > 0) this.changed = true;
    return { opened, closed };
  }

  ledger(): HubLedger {
    if (this.#isWhole()) return { highest: this.#last, seen: this.#last, lost: 0, missing: 0 };
    const seen = this.#seen();
    const lost = this.#lost ?? NOTHING;
    const overlap = lost.intervals.reduce(
      (n, { first, last }) => n + (last - first + 1 - countOf(seen.missing(first, last))),
      0,
    );
    return {
      highest: this.#highest(),
      seen: seen.count() - this.#settledLost,
      lost: lost.count() - overlap + this.#settledLost,
      missing: countOf(this.#holes()),
    };
  }

  encode(): Buffer {
    const gaps = [...(this.#gaps ?? NO_GAPS)].flatMap(
      ([first, { last, reported }]): Pairs => (reported ? [[first, last]] : []),
    );
    const stored: StoredPage = {
      seen: pairsOf(this.#seen()),
      lost: pairsOf(this.#lost ?? NOTHING),
      ...(this.#settledLost > 0 && { settledLost: this.#settledLost }),
      ...(gaps.length > 0 && { gaps }),
      ...(this.#contradicted && { contradicted: this.#contradicted }),
    };
    return Buffer.from(JSON.stringify(stored));
  }

  /** Seen from the first sequence on without a hole, and nothing ever stated lost. */
  #isWhole(): boolean {
    return this.#pieces === undefined && this.#lost === undefined && this.#first === 1 && this.#settledLost === 0;
  }

  /** The oldest range that was lost is counted from here on, and no longer told from what was seen. */
  #settle(lost: IntervalSet): void {
    const [oldest, ...newer] = lost.intervals;
    if (!oldest) return;
    const seen = this.#seen();
    this.#settledLost += seen.add(oldest.first, oldest.last);
    this.#setSeen(seen);
    this.#lost = new IntervalSet(newer);
  }

  #seen(): IntervalSet {
    return this.#pieces ?? new IntervalSet([{ first: this.#first, last: this.#last }]);
  }

  #setSeen(seen: IntervalSet): void {
    const [only] = seen.intervals;
    this.#pieces = seen.size > 1 ? seen : undefined;
    if (seen.size > 1 || !only) return;
    this.#first = only.first;
    this.#last = only.last;
  }

  /** What lies below the highest known sequence and is neither seen nor lost. */
  #holes(): Interval[] {
    const lost = this.#lost ?? NOTHING;
    return this.#seen()
      .missing(1, this.#highest())
      .flatMap(({ first, last }) => lost.missing(first, last));
  }

  #highest(): number {
    return Math.max(this.#seen().intervals.at(-1)?.last ?? 0, this.#lost?.intervals.at(-1)?.last ?? 0);
  }
}

function setOf(pairs: Pairs): IntervalSet {
  return new IntervalSet(pairs.map(([first, last]) => ({ first, last })));
}

function pairsOf(set: IntervalSet): Pairs {
  return set.intervals.map(({ first, last }) => [first, last]);
}

function countOf(intervals: readonly Interval[]): number {
  return intervals.reduce((n, { first, last }) => n + last - first + 1, 0);
}
