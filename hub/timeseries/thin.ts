/** Thinning of curves, as CurveQuery promises it, for implementations whose server does not do it. Pure. */
import type { Curve, CurveQuery } from './time-series.ts';

type Points = Curve['points'];

/** At most `maxPoints` of the points, which are ascending by time. */
export function thin(points: Points, query: CurveQuery): Points {
  if (points.length <= query.maxPoints) return points;
  const widthMs = sliceWidthMs(query);
  const kept: Points = [];
  for (let start = 0; start < points.length; ) {
    const slice = Math.floor(((points[start]?.atMs ?? 0) - query.fromMs) / widthMs);
    let end = start + 1;
    while (end < points.length && Math.floor(((points[end]?.atMs ?? 0) - query.fromMs) / widthMs) === slice) end++;
    kept.push(...representatives(points.slice(start, end), query.fields.length === 1));
    start = end;
  }
  return kept;
}

/** How wide a slice is of which two points are kept, so that no more than `maxPoints` are. */
export function sliceWidthMs({ fromMs, toMs, maxPoints }: CurveQuery): number {
  const slices = Math.max(1, Math.floor(maxPoints / 2));
  return Math.max(1, Math.ceil((toMs - fromMs + 1) / slices));
}

function representatives(slice: Points, extremes: boolean): Points {
  let [low, high] = [0, extremes ? 0 : slice.length - 1];
  if (extremes) {
    for (const [index, point] of slice.entries()) {
      const value = point.values[0] ?? 0;
      if (value < (slice[low]?.values[0] ?? 0)) low = index;
      if (value > (slice[high]?.values[0] ?? 0)) high = index;
    }
  }
  return [...new Set([Math.min(low, high), Math.max(low, high)])].flatMap((index) => slice[index] ?? []);
}
