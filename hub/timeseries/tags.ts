/** Sets of tags as keys, and the order of curves. */
import type { Curve } from './time-series.ts';

/** By their tags, so that the order of curves does not depend on the server. */
export function byTags(a: Curve, b: Curve): number {
  const [left, right] = [tagsKey(a.tags), tagsKey(b.tags)];
  return left < right ? -1 : left > right ? 1 : 0;
}

/** One text for one set of tags. */
export function tagsKey(tags: Readonly<Record<string, string>>): string {
  return JSON.stringify(Object.entries(tags).sort(([a], [b]) => (a < b ? -1 : 1)));
}
