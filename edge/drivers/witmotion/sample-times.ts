/**
 * Times of samples that arrived together. A USB adapter hands over several frames at once: the last one is new, the ones ahead of it
 * are each a sample period older. Without a known rate all count as new. Never before a sample that came earlier. Pure.
 */
export function sampleTimes(arrival: {
  monotonicUs: number;
  count: number;
  /** Time of the latest sample so far. */
  afterUs: number;
  sampleRateHz: number | undefined;
}): number[] {
  const periodUs = arrival.sampleRateHz ? 1e6 / arrival.sampleRateHz : 0;
  return Array.from({ length: arrival.count }, (_, index) => {
    const ageUs = Math.round((arrival.count - 1 - index) * periodUs);
    return Math.max(arrival.afterUs, arrival.monotonicUs - ageUs);
  });
}
