/**
 * InfluxDB line protocol: `measurement,tag=value field=value timestamp`, one line per point, built once, as the bytes that are sent.
 *
 * Source: InfluxDB v2 reference, "Line protocol": measurement escapes `,` and space; tag keys, tag values and field keys
 * escape `,`, `=` and space; string values are quoted and escape `"` and `\`. Numbers are always floats, so that 21 and
 * 21.5 never are two types of one field. Points have passed faultOfPoint.
 */
import { NUMBER_BYTES, writeNumber, writePlain, writeSix } from '../../process/ascii.ts';
import type { Point } from '../time-series.ts';

const FIRST_BYTES = 65_536;
/** Beside series and fields: a timestamp, the space before it and the line feed behind. */
const REST_BYTES = 2 * NUMBER_BYTES;
const MILLION = 1_000_000;
const SPACE = 0x20;
const COMMA = 0x2c;
const LINE_FEED = 0x0a;

/** Lines one after another. Bound: its owner clears it; it keeps the memory of the most that it held. */
export class Lines {
  #bytes = Buffer.allocUnsafe(FIRST_BYTES);
  #end = 0;
  #count = 0;
  /** Behind the line feed of each line. */
  readonly #ends: number[] = [];

  get count(): number {
    return this.#count;
  }

  get byteLength(): number {
    return this.#end;
  }

  /** The line of a point, with its timestamp in nanoseconds. */
  add({ measurement, tags, fields, atMs, subMsNs }: Point): void {
    const series = seriesOf(measurement, tags);
    this.#reserve(this.#end, series.length + REST_BYTES);
    this.#bytes.set(series, this.#end);
    let at = this.#end + series.length;
    let separator = SPACE;
    for (const key in fields) {
      this.#bytes[at] = separator;
      at = this.#field(at + 1, key, fields[key] ?? 0);
      separator = COMMA;
    }
    this.#bytes[at++] = SPACE;
    at = writeMilliseconds(atMs, this.#bytes, at);
    at = writeSix(subMsNs, this.#bytes, at);
    this.#bytes[at++] = LINE_FEED;
    this.#ends[this.#count++] = at;
    this.#end = at;
  }

  /** The lines `from` to before `to`, without the last line feed; valid until `clear` or the next `add`. */
  between(from: number, to: number): Buffer {
    const start = from > 0 ? (this.#ends[from - 1] ?? 0) : 0;
    return this.#bytes.subarray(start, to > from ? (this.#ends[to - 1] ?? 1) - 1 : start);
  }

  clear(): void {
    this.#end = 0;
    this.#count = 0;
  }

  #field(start: number, key: string, value: number | boolean | string): number {
    const name = nameOf(key);
    const text = typeof value === 'string' ? `"${value.replace(/["\\]/g, '\\$&')}"` : undefined;
    // Three bytes are the most that one UTF-16 unit becomes.
    this.#reserve(start, name.length + (text === undefined ? NUMBER_BYTES : text.length * 3) + REST_BYTES);
    const bytes = this.#bytes;
    bytes.set(name, start);
    const at = start + name.length;
    if (text !== undefined) return at + bytes.write(text, at);
    return typeof value === 'number' ? writeNumber(value, bytes, at) : writePlain(String(value), bytes, at);
  }

  #reserve(at: number, bytes: number): void {
    if (at + bytes <= this.#bytes.length) return;
    const larger = Buffer.allocUnsafe(Math.max(2 * this.#bytes.length, at + bytes));
    this.#bytes.copy(larger, 0, 0, at);
    this.#bytes = larger;
  }
}

/** Measurement and tags. Points of a series mostly share their tags (to-messages.ts): what was written last of each is kept. */
function seriesOf(measurement: string, tags: Point['tags']): Buffer {
  const known = series.get(tags);
  if (known?.measurement === measurement) return known.bytes;
  let text = measurement.replace(/[, ]/g, '\\$&');
  for (const key in tags) {
    const value = tags[key];
    // A tag without a value is the absence of the tag.
    if (value) text += `,${escapeName(key)}=${escapeName(value)}`;
  }
  const bytes = Buffer.from(text);
  series.set(tags, { measurement, bytes });
  return bytes;
}

const series = new WeakMap<Point['tags'], { measurement: string; bytes: Buffer }>();

/** Of a field, with what follows it. There are few: at most `MAX_NAMES` are kept. */
function nameOf(key: string): Buffer {
  const known = names.get(key);
  if (known) return known;
  const bytes = Buffer.from(`${escapeName(key)}=`);
  if (names.size >= MAX_NAMES) names.clear();
  names.set(key, bytes);
  return bytes;
}

const MAX_NAMES = 1_000;
const names = new Map<string, Buffer>();

function escapeName(text: string): string {
  return text.replace(/[,= ]/g, '\\$&');
}

/** Thousands of seconds are the same for many points. */
function writeMilliseconds(ms: number, target: Buffer, start: number): number {
  if (ms < MILLION) return writeNumber(ms, target, start);
  const millions = Math.floor(ms / MILLION);
  if (millions !== lastMillions.value) lastMillions = { value: millions, bytes: Buffer.from(String(millions)) };
  const { bytes } = lastMillions;
  for (let at = 0; at < bytes.length; at++) target[start + at] = bytes[at] ?? 0;
  return writeSix(ms - millions * MILLION, target, start + bytes.length);
}

let lastMillions = { value: 0, bytes: Buffer.from('0') };
