/**
 * Counts observations in fixed buckets, as Prometheus' histograms are. Observing allocates nothing.
 *
 * `observe` takes the unit that `bounds` are in; what cannot be measured (NaN) is left out, what is negative (clocks differ) counts as 0.
 */
export interface HistogramSnapshot {
  /** Upper bounds, ascending; beyond the last one is one more bucket. */
  bounds: readonly number[];
  /** One more than bounds; not cumulative. */
  counts: readonly number[];
  sum: number;
}

/** From a quarter of a millisecond to an hour, in seconds. */
export const SECONDS = [
  0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 3600,
] as const;
/** Numbers of things. */
export const COUNTS = [1, 3, 10, 30, 100, 300, 1000, 3000, 10_000] as const;

export class Histogram implements HistogramSnapshot {
  readonly bounds: readonly number[];
  readonly counts: number[];
  sum = 0;

  constructor(bounds: readonly number[]) {
    this.bounds = bounds;
    this.counts = Array.from({ length: bounds.length + 1 }, () => 0);
  }

  observe(value: number): void {
    if (Number.isNaN(value)) return;
    const observed = Math.max(0, value);
    let at = 0;
    while (at < this.bounds.length && observed > (this.bounds[at] ?? 0)) at++;
    this.counts[at] = (this.counts[at] ?? 0) + 1;
    this.sum += observed;
  }
}
