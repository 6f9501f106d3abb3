/**
 * A set of whole numbers kept as disjoint, sorted, non-adjacent closed intervals (normally one).
 *
 * Used for the sequences a hub has seen, the ranges a gateway knows to be acknowledged, and eviction statements.
 * Bound: the number of intervals, not of members; a caller that fears fragmentation looks at `size`.
 */
export interface Interval {
  first: number;
  last: number;
}

export class IntervalSet {
  readonly #intervals: Interval[] = [];

  constructor(intervals: Iterable<Interval> = []) {
    for (const { first, last } of intervals) this.add(first, last);
  }

  /** The intervals, ascending. Do not change them. */
  get intervals(): readonly Readonly<Interval>[] {
    return this.#intervals;
  }

  /** Number of intervals. */
  get size(): number {
    return this.#intervals.length;
  }

  has(value: number): boolean {
    const at = this.#find(value);
    const interval = this.#intervals[at];
    return interval !== undefined && interval.first <= value;
  }

  /** Adds every number from `first` to `last`; returns how many of them were new. An empty range (last < first) adds none. */
  add(first: number, last: number = first): number {
    if (last < first) return 0;
    const from = this.#find(first - 1);
    let to = from;
    let low = first;
    let high = last;
    let known = 0;
    for (let interval = this.#intervals[to]; interval && interval.first <= last + 1; interval = this.#intervals[++to]) {
      known += Math.max(0, Math.min(interval.last, last) - Math.max(interval.first, first) + 1);
      low = Math.min(low, interval.first);
      high = Math.max(high, interval.last);
    }
    this.#intervals.splice(from, to - from, { first: low, last: high });
    return last - first + 1 - known;
  }

  /** The numbers in [first, last] that are not in the set, as intervals. */
  missing(first: number, last: number): Interval[] {
    const gaps: Interval[] = [];
    let next = first;
    for (let at = this.#find(first); next <= last; at++) {
      const interval = this.#intervals[at];
      if (!interval || interval.first > last) {
        gaps.push({ first: next, last });
        break;
      }
      if (interval.first > next) gaps.push({ first: next, last: interval.first - 1 });
      next = Math.max(next, interval.last + 1);
    }
    return gaps;
  }

  /** The largest number n such that all of [from, n] is in the set; from − 1 when `from` is not. */
  contiguousFrom(from: number): number {
    const interval = this.#intervals[this.#find(from)];
    return interval && interval.first <= from ? interval.last : from - 1;
  }

  /** How many numbers are in the set. */
  count(): number {
    return this.#intervals.reduce((sum, { first, last }) => sum + last - first + 1, 0);
  }

  clone(): IntervalSet {
    const copy = new IntervalSet();
    for (const interval of this.#intervals) copy.#intervals.push({ ...interval });
    return copy;
  }

  /** Index of the first interval whose last ≥ value. */
  #find(value: number): number {
    let low = 0;
    let high = this.#intervals.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#intervals[middle] as Interval).last < value) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
