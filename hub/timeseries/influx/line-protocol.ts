/**
 * InfluxDB line protocol: `measurement,tag=value field=value timestamp`, one line per point, built once.
 *
 * Source: InfluxDB v2 reference, "Line protocol": measurement escapes `,` and space; tag keys, tag values and field keys
 * escape `,`, `=` and space; string values are quoted and escape `"` and `\`. Numbers are always floats, so that 21 and
 * 21.5 never are two types of one field. The point has passed faultOfPoint.
 */
import type { Point } from '../time-series.ts';

/** The line of a point, with its timestamp in nanoseconds and without a line feed. */
export function lineOf({ measurement, tags, fields, atMs, subMsNs }: Point): string {
  let line = seriesOf(measurement, tags);
  let separator = ' ';
  for (const key in fields) {
    line += `${separator}${escapeName(key)}=${fieldText(fields[key] ?? 0)}`;
    separator = ',';
  }
  return `${line} ${millisecondsText(atMs)}${sixDigits(subMsNs)}`;
}

/** Measurement and tags. Points of a series often share their tags (to-messages.ts): what was written last of each is kept. */
function seriesOf(measurement: string, tags: Point['tags']): string {
  const known = series.get(tags);
  if (known?.measurement === measurement) return known.text;
  let text = NEEDS_ESCAPE.test(measurement) ? measurement.replace(/[, ]/g, '\\$&') : measurement;
  for (const key in tags) {
    const value = tags[key];
    // A tag without a value is the absence of the tag.
    if (value) text += `,${escapeName(key)}=${escapeName(value)}`;
  }
  series.set(tags, { measurement, text });
  return text;
}

const series = new WeakMap<Point['tags'], { measurement: string; text: string }>();

/** Small numbers become text several times as fast, and thousands of seconds are the same for many points. */
function millisecondsText(ms: number): string {
  if (ms < MILLION) return String(ms);
  const millions = Math.floor(ms / MILLION);
  if (millions !== lastMillions.value) lastMillions = { value: millions, text: String(millions) };
  return lastMillions.text + sixDigits(ms - millions * MILLION);
}

const MILLION = 1_000_000;
let lastMillions = { value: 0, text: '0' };

function sixDigits(value: number): string {
  return String(MILLION + value).slice(1);
}

const NEEDS_ESCAPE = /[,= ]/;

function escapeName(text: string): string {
  return NEEDS_ESCAPE.test(text) ? text.replace(/[,= ]/g, '\\$&') : text;
}

function fieldText(value: number | boolean | string): string {
  return typeof value === 'string' ? `"${value.replace(/["\\]/g, '\\$&')}"` : String(value);
}
