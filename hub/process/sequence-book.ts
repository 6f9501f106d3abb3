/**
 * What the hub has seen of each gateway, epoch and lane: intervals of sequences (design, section 3.5). Pure; the owner keeps it durable by
 * writing `touched()` in the transaction that carries the effects, and throws the book away when that transaction is aborted.
 *
 * Invariant, per key: highest = seen + lost + missing; a sequence is in at most one of seen and lost (what arrives after it was stated
 * lost is seen).
 */
import { type Interval, IntervalSet } from '../../protocols/base/intervals.ts';
import type { Lane } from '../../protocols/uplink/identity.ts';

export interface BookKey {
  gatewayId: string;
  epoch: string;
  lane: Lane;
}

export interface Gap extends BookKey, Interval {}

interface Entry {
  key: BookKey;
  seen: IntervalSet;
  /** Stated evicted or quarantined by the gateway. */
  lost: IntervalSet;
  /** When (monotonic ms) each open gap was first noticed, by its first sequence, and whether it was reported. */
  gaps: Map<number, { last: number; sinceMs: number; reported: boolean }>;
}

export class SequenceBook {
  readonly #entries = new Map<string, Entry>();
  readonly #touched = new Set<string>();

  /** Takes up what `touched` wrote earlier. Unreadable values are ignored by throwing: they are ours, so it is a bug. */
  restore(name: string, value: Buffer): void {
    const [gatewayId, epoch, lane] = name.split('/') as [string, string, Lane];
    const { seen, lost } = JSON.parse(value.toString('utf8')) as { seen: [number, number][]; lost: [number, number][] };
    const set = (pairs: [number, number][]) => new IntervalSet(pairs.map(([first, last]) => ({ first, last })));
    this.#entries.set(name, { key: { gatewayId, epoch, lane }, seen: set(seen), lost: set(lost), gaps: new Map() });
  }

  /** True when the sequence is new; it is seen then. */
  see(key: BookKey, sequence: number): boolean {
    const entry = this.#entry(key);
    if (entry.seen.add(sequence) === 0) return false;
    this.#touched.add(nameOf(key));
    return true;
  }

  /** The gateway says that [first, last] will never come. Returns how many of them are news. */
  lose(key: BookKey, first: number, last: number): number {
    const entry = this.#entry(key);
    let news = 0;
    for (const range of entry.seen.missing(first, last)) news += entry.lost.add(range.first, range.last);
    if (news > 0) this.#touched.add(nameOf(key));
    return news;
  }

  /** Gaps open for at least `afterMs` that were not reported yet, and reported ones that are closed. Both are taken as told. */
  review(nowMs: number, afterMs: number): { opened: Gap[]; closed: Gap[] } {
    const opened: Gap[] = [];
    const closed: Gap[] = [];
    for (const { key, seen, lost, gaps } of this.#entries.values()) {
      const missing = holes(seen, lost);
      for (const [first, gap] of gaps) {
        const rest = missing.find((hole) => hole.first <= gap.last && hole.last >= first);
        if (rest) continue;
        gaps.delete(first);
        if (gap.reported) closed.push({ ...key, first, last: gap.last });
      }
      for (const hole of missing) {
        const known = [...gaps].find(([first, gap]) => hole.first <= gap.last && hole.last >= first);
        if (!known) gaps.set(hole.first, { last: hole.last, sinceMs: nowMs, reported: false });
      }
      for (const [first, gap] of gaps) {
        if (gap.reported || nowMs - gap.sinceMs < afterMs) continue;
        gap.reported = true;
        opened.push({ ...key, first, last: gap.last });
      }
    }
    return { opened, closed };
  }

  /** Keys and values changed since the last call. */
  touched(): { name: string; value: Buffer }[] {
    const changes = [...this.#touched].map((name) => {
      const entry = this.#entries.get(name);
      const pairs = (set: IntervalSet | undefined) => (set?.intervals ?? []).map(({ first, last }) => [first, last]);
      return { name, value: Buffer.from(JSON.stringify({ seen: pairs(entry?.seen), lost: pairs(entry?.lost) })) };
    });
    this.#touched.clear();
    return changes;
  }

  /** Per lane: highest sequences, seen, lost and missing, summed over gateways. For metrics and the conservation check. */
  ledger(): Record<Lane, { highest: number; seen: number; lost: number; missing: number }> {
    const zero = () => ({ highest: 0, seen: 0, lost: 0, missing: 0 });
    const sums = { alert: zero(), tracking: zero(), telemetry: zero() };
    for (const { key, seen, lost } of this.#entries.values()) {
      const sum = sums[key.lane];
      const overlap = lost.intervals.reduce(
        (n, { first, last }) => n + (last - first + 1 - missingCount(seen, first, last)),
        0,
      );
      sum.highest += Math.max(seen.intervals.at(-1)?.last ?? 0, lost.intervals.at(-1)?.last ?? 0);
      sum.seen += seen.count();
      sum.lost += lost.count() - overlap;
      sum.missing += holes(seen, lost).reduce((n, { first, last }) => n + last - first + 1, 0);
    }
    return sums;
  }

  #entry(key: BookKey): Entry {
    const name = nameOf(key);
    let entry = this.#entries.get(name);
    if (!entry) {
      entry = { key, seen: new IntervalSet(), lost: new IntervalSet(), gaps: new Map() };
      this.#entries.set(name, entry);
    }
    return entry;
  }
}

function nameOf(key: BookKey): string {
  return `${key.gatewayId}/${key.epoch}/${key.lane}`;
}

function missingCount(set: IntervalSet, first: number, last: number): number {
  return set.missing(first, last).reduce((n, hole) => n + hole.last - hole.first + 1, 0);
}

/** What lies below the highest known sequence and is neither seen nor lost. */
function holes(seen: IntervalSet, lost: IntervalSet): Interval[] {
  const highest = Math.max(seen.intervals.at(-1)?.last ?? 0, lost.intervals.at(-1)?.last ?? 0);
  return seen.missing(1, highest).flatMap(({ first, last }) => lost.missing(first, last));
}
