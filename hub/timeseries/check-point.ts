/**
 * What no implementation stores, said before anything is sent: a point must come back as it was written, and one bad
 * point must not cost its batch a round trip.
 */
import type { Point } from './time-series.ts';

/** Control characters and lone surrogates: neither the line protocol nor PostgreSQL's jsonb carries all of them. */
const UNPRINTABLE = /[\p{Cc}\p{Cs}]/u;
/** Timestamps are 64-bit nanoseconds: 2262-04-11. */
const MAX_AT_MS = 9_223_372_036_853;

/** Why a point cannot be stored; undefined when it can. */
export function faultOfPoint(point: Point): string | undefined {
  const { atMs, subMsNs } = point;
  if (!Number.isInteger(atMs) || atMs <= 0 || atMs > MAX_AT_MS) return `time ${atMs} ms cannot be stored`;
  if (!Number.isInteger(subMsNs) || subMsNs < 0 || subMsNs > 999_999)
    return `${subMsNs} is no number of nanoseconds below a millisecond`;
  return faultOfSeries(point) ?? faultOfFields(point.fields);
}

/** Points of a series mostly share their tags (to-messages.ts): with which measurement nothing was wrong with them is remembered. */
function faultOfSeries({ measurement, tags }: Point): string | undefined {
  if (soundSeries.get(tags) === measurement) return undefined;
  const fault = (isSound(measurement) ? undefined : faultOfName('measurement', measurement)) ?? faultOfTags(tags);
  if (fault === undefined) soundSeries.set(tags, measurement);
  return fault;
}

const soundSeries = new WeakMap<Point['tags'], string>();

function faultOfTags(tags: Point['tags']): string | undefined {
  for (const key in tags) {
    const value = tags[key] ?? '';
    if (isSound(key) && (value === '' || isSound(value))) continue;
    const fault = faultOfName('tag', key) ?? (value === '' ? undefined : faultOfName(`tag ${key}`, value));
    if (fault !== undefined) return fault;
  }
  return undefined;
}

function faultOfFields(fields: Point['fields']): string | undefined {
  let count = 0;
  for (const key in fields) {
    count++;
    const value = fields[key];
    const fault = isSound(key) ? undefined : faultOfName('field', key);
    if (fault !== undefined) return fault;
    if (typeof value === 'number' && !Number.isFinite(value)) return `field ${key} is ${value}`;
    if (typeof value === 'string' && UNPRINTABLE.test(value)) return `field ${key} holds a control character`;
  }
  return count === 0 ? 'no field' : undefined;
}

/** Names and tags come again and again: those that nothing was wrong with are remembered, `MAX_SOUND` of them. */
function isSound(text: string): boolean {
  if (sound.has(text)) return true;
  if (faultOfName('name', text) !== undefined) return false;
  if (sound.size >= MAX_SOUND) sound.clear();
  sound.add(text);
  return true;
}

const MAX_SOUND = 10_000;
const sound = new Set<string>();

/**
 * The line protocol cannot escape a backslash in a name or tag, only what follows one: at the end or before a separator
 * it would swallow the separator.
 */
function faultOfName(what: string, text: string): string | undefined {
  if (text === '') return `${what} is empty`;
  if (UNPRINTABLE.test(text)) return `${what} holds a control character`;
  if (text.includes('\\') && /\\(?:[,= ]|$)/.test(text))
    return `${what} holds a backslash before a separator or at its end`;
  return undefined;
}
