/**
 * Curves through the Cache: a page that many people look at asks the time series database once in a while, not once each. Writing goes
 * straight through.
 */
import type { CurveQuery, TimeSeries } from '../timeseries/time-series.ts';
import type { Cache } from './cache.ts';

/** A curve may be this old: shorter than what a page's reader notices. */
const TTL_MS = 2_000;

export function cachedCurves(timeSeries: TimeSeries, cache: Cache): TimeSeries {
  return {
    setup: () => timeSeries.setup(),
    write: (points) => timeSeries.write(points),
    async curves(query: CurveQuery) {
      const key = `curves:${JSON.stringify(query)}`;
      const known = await cache.get(key);
      if (known !== undefined) return JSON.parse(known) as Awaited<ReturnType<TimeSeries['curves']>>;
      const curves = await timeSeries.curves(query);
      await cache.set(key, JSON.stringify(curves), { ttlMs: TTL_MS });
      return curves;
    },
    scan: (query) => timeSeries.scan(query),
    healthy: () => timeSeries.healthy(),
    close: () => timeSeries.close(),
  };
}
