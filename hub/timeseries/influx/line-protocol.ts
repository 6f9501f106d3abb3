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
  let line = NEEDS_ESCAPE.test(measurement) ? measurement.replace(/[, ]/g, '\\$&') : measurement;
  for (const key in tags) {
    const value = tags[key];
    // A tag without a value is the absence of the tag.
    if (value) line += `,${escapeName(key)}=${escapeName(value)}`;
  }
  let separator = ' ';
  for (const key in fields) {
    line += `${separator}${escapeName(key)}=${fieldText(fields[key] ?? 0)}`;
    separator = ',';
  }
  return `${line} ${atMs}${String(1_000_000 + subMsNs).slice(1)}`;
}

const NEEDS_ESCAPE = /[,= ]/;

function escapeName(text: string): string {
  return NEEDS_ESCAPE.test(text) ? text.replace(/[,= ]/g, '\\$&') : text;
}

function fieldText(value: number | boolean | string): string {
  return typeof value === 'string' ? `"${value.replace(/["\\]/g, '\\$&')}"` : String(value);
}
