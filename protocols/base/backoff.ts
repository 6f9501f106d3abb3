/**
 * Exponential backoff with full jitter as a pure, endless iterable: the n-th delay is uniform in
 * [0, min(maxMs, firstMs · 2ⁿ)], and never below `floorMs`.
 */
export function* backoff(options: {
  firstMs: number;
  maxMs: number;
  floorMs?: number;
  /** Uniform in [0, 1). */
  random: () => number;
}): Generator<number, never, void> {
  const floorMs = options.floorMs ?? 0;
  for (let ceilingMs = options.firstMs; ; ceilingMs = Math.min(options.maxMs, ceilingMs * 2)) {
    yield Math.max(floorMs, Math.round(options.random() * Math.min(ceilingMs, options.maxMs)));
  }
}
