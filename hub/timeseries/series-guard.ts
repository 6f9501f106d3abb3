/**
 * Keeps the number of series bounded: a tag that explodes (a device id made of a counter, a read point made of a time) would fill the index of
 * any time series database, and its memory with it. Points of series beyond the limit are refused; those of known series go on.
 *
 * A series counts in the half of `WINDOW_MS` in which it was last written and in the one after, so that what is gone makes room. Limits are
 * per gateway and measurement, since tags come from a gateway's configuration, and over all of them for the memory of this process.
 *
 * Bound: `max` numbers of four bytes for each half, in sets; a set of `maxPerGateway` for each gateway and measurement.
 */
import { overriding } from '../ops/overriding.ts';
import type { Point, Rejected, TimeSeries } from './time-series.ts';

export interface SeriesLimits {
  /** Series of one measurement that one gateway may have. */
  maxPerGateway: number;
  /** Series that this process writes, of all gateways. */
  max: number;
}

export const DEFAULT_LIMITS: SeriesLimits = { maxPerGateway: 1_000, max: 500_000 };

const WINDOW_MS = 24 * 3_600_000;

interface Family {
  /** Hashes of tag sets. A collision lets one series more pass. */
  current: Set<number>;
  before: Set<number>;
  /** Of the last series that was let in: what differs from it names the tag at fault. */
  tags: Point['tags'];
}

export class SeriesGuard {
  readonly #limits: SeriesLimits;
  readonly #families = new Map<string, Family>();
  #size = 0;
  #turnMs = Number.NEGATIVE_INFINITY;
  /** Points of a series mostly share their tags (to-messages.ts): with which measurement they were let in since the last turn. */
  #letIn = new WeakMap<Point['tags'], string>();

  constructor(limits: SeriesLimits = DEFAULT_LIMITS) {
    this.#limits = limits;
  }

  /** Series that are remembered. */
  get size(): number {
    return this.#size;
  }

  /** Why a point is refused; undefined when it may pass. `nowMs` is monotonic. */
  refuse({ measurement, tags }: Point, nowMs: number): string | undefined {
    if (nowMs - this.#turnMs >= WINDOW_MS / 2) this.#turn(nowMs);
    if (this.#letIn.get(tags) === measurement) return undefined;
    const reason = this.#refuse(measurement, tags);
    if (reason === undefined) this.#letIn.set(tags, measurement);
    return reason;
  }

  #refuse(measurement: string, tags: Point['tags']): string | undefined {
    const name = `${measurement}/${tags.gateway ?? ''}`;
    let family = this.#families.get(name);
    const hash = hashOf(tags);
    if (family?.current.has(hash)) return undefined;
    const isKnown = family?.before.delete(hash) ?? false;
    if (!isKnown) {
      const { maxPerGateway, max } = this.#limits;
      const count = family ? family.current.size + family.before.size : 0;
      if (family && count >= maxPerGateway)
        return `${count} series of ${measurement} are the limit of one gateway, and ${difference(tags, family.tags)} would be another`;
      if (this.#size >= max)
        return `${max} series are the limit of this hub process, and ${difference(tags, family?.tags ?? {})} would be another`;
      this.#size++;
    }
    if (!family) {
      family = { current: new Set(), before: new Set(), tags };
      this.#families.set(name, family);
    }
    family.current.add(hash);
    family.tags = tags;
    return undefined;
  }

  #turn(nowMs: number): void {
    this.#turnMs = nowMs;
    this.#letIn = new WeakMap();
    for (const [name, family] of this.#families) {
      this.#size -= family.before.size;
      family.before = family.current;
      family.current = new Set();
      if (family.before.size === 0) this.#families.delete(name);
    }
  }
}

/** A TimeSeries that writes only what the guard lets pass. */
export function guarded(timeSeries: TimeSeries, guard: SeriesGuard, nowMs: () => number): TimeSeries {
  return overriding(timeSeries, {
    async write(points) {
      const now = nowMs();
      const refused: Rejected[] = [];
      let index = 0;
      for (const point of points) {
        const reason = guard.refuse(point, now);
        if (reason !== undefined) refused.push({ index, reason, code: 'series-limit' });
        index++;
      }
      if (refused.length === 0) return timeSeries.write(points);
      const without = new Set(refused.map((each) => each.index));
      const places = [...points.keys()].filter((place) => !without.has(place));
      const passing = points.filter((_, place) => !without.has(place));
      const rejected = passing.length > 0 ? await timeSeries.write(passing) : [];
      for (const each of rejected) refused.push({ ...each, index: places[each.index] ?? each.index });
      return refused.sort((a, b) => a.index - b.index);
    },
  });
}

/** FNV-1a over tags as they stand, 31 bits, so that V8 keeps it without a box. The gateway is the family's. */
function hashOf(tags: Point['tags']): number {
  let hash = 0x811c9dc5;
  for (const key in tags) {
    if (key === 'gateway') continue;
    hash = mix(mix(hash, key), tags[key] ?? '');
  }
  return hash >>> 1;
}

function mix(seed: number, text: string): number {
  let hash = seed;
  for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  // Ends a text, so that `ab`,`c` and `a`,`bc` differ.
  return Math.imul(hash ^ 0x10000, 0x01000193);
}

function difference(tags: Point['tags'], others: Point['tags']): string {
  const differing = Object.entries(tags).filter(([key, value]) => others[key] !== value);
  return differing.map(([key, value]) => `${key}=${value.slice(0, 100)}`).join(', ') || 'this one';
}
