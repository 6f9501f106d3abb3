/**
 * Frames of plain serial bar code readers: an optional prefix, the payload, a terminator or silence.
 *
 *   frame = prefix payload ( suffix₁ | suffix₂ | … | silence )
 *
 * Invariants:
 *  - payloads are given untouched: GS, RS, EOT and other control characters belong to GS1 and ISO/IEC 15434 data;
 *  - an empty payload is no frame: CRLF counts once when CR, LF and CRLF all end a line, however it is cut into chunks;
 *  - at most `maxLength` + the longest suffix bytes are held; a longer line is discarded up to its terminator and counted;
 *  - with a prefix, bytes between frames are discarded and counted (CR, LF and NUL there are padding, not counted); a
 *    prefix of control characters inside a payload means that a terminator was lost: the frame starts again there.
 *
 * Source: readers' manuals (STX … ETX, CR, LF, CRLF, TAB, ETX and combinations are what they can be set to).
 */
import type { Framer, FramerStats } from '../base/framer.ts';
import { newFramerStats } from '../base/framer.ts';

/** Names of what readers send around data. */
export const LINE_CONTROLS = {
  stx: [0x02],
  etx: [0x03],
  eot: [0x04],
  tab: [0x09],
  lf: [0x0a],
  cr: [0x0d],
  crlf: [0x0d, 0x0a],
  lfcr: [0x0a, 0x0d],
  'etx-crlf': [0x03, 0x0d, 0x0a],
  nul: [0x00],
  space: [0x20],
} as const satisfies Record<string, readonly number[]>;

export type LineControl = keyof typeof LINE_CONTROLS;

export interface LineFramerOptions {
  /** What stands before every payload; without it everything between two terminators is payload. */
  prefix?: LineControl | Uint8Array;
  /** What may end a payload, in any number of alternatives. Default: CR, LF, CRLF. May be empty when `idle` is set. */
  suffixes?: readonly (LineControl | Uint8Array)[];
  /** Longest payload in bytes. Default 4096, more than any symbol holds. */
  maxLength?: number;
  /** Whether silence on the line ends a frame: for readers that send no terminator. Default false. */
  idle?: boolean;
}

/** Control characters that data may hold, so that they do not tell of a lost terminator. */
const DATA_CONTROLS = new Set([0x04, 0x09, 0x0a, 0x0d, 0x1c, 0x1d, 0x1e, 0x1f]);
const PADDING = new Set([0x00, 0x0a, 0x0d]);

export class LineFramer implements Framer<Buffer> {
  readonly stats: FramerStats = newFramerStats();
  readonly #prefix: Uint8Array;
  readonly #suffixes: readonly Uint8Array[];
  /** 1 for each byte that ends a suffix: all others need no comparison. */
  readonly #ends = new Uint8Array(256);
  readonly #maxLength: number;
  readonly #longestSuffix: number;
  readonly #idle: boolean;
  readonly #restarts: boolean;
  readonly #held: Uint8Array;
  #length = 0;
  /** How much of the prefix has been seen; the whole of it means: in a payload. */
  #prefixMatched = 0;
  #overlong = false;
  /** What is left of a longer suffix whose beginning already ended the frame: CRLF after CR. */
  #rest: Uint8Array = new Uint8Array(0);
  #restMatched = 0;

  /** @throws TypeError for options that can frame nothing. */
  constructor(options: LineFramerOptions = {}) {
    const suffixes = (options.suffixes ?? ['cr', 'lf', 'crlf']).map(bytesOf);
    this.#prefix = options.prefix === undefined ? new Uint8Array(0) : bytesOf(options.prefix);
    this.#idle = options.idle ?? false;
    this.#maxLength = options.maxLength ?? 4096;
    if (suffixes.some((suffix) => suffix.length === 0)) throw new TypeError('a suffix must have at least one byte');
    if (suffixes.length === 0 && !this.#idle) throw new TypeError('without a suffix, silence must end a frame (idle)');
    if (!Number.isInteger(this.#maxLength) || this.#maxLength < 1) {
      throw new TypeError(`maxLength must be a whole number above 0, not ${this.#maxLength}`);
    }
    this.#suffixes = suffixes.sort((a, b) => b.length - a.length);
    for (const suffix of suffixes) this.#ends[suffix.at(-1) as number] = 1;
    this.#longestSuffix = suffixes[0]?.length ?? 0;
    this.#restarts = this.#prefix.length > 0 && this.#prefix.every((byte) => byte < 0x20 && !DATA_CONTROLS.has(byte));
    this.#held = new Uint8Array(this.#maxLength + this.#longestSuffix + 1);
  }

  push(chunk: Uint8Array): Buffer[] {
    this.stats.bytes += chunk.length;
    const frames: Buffer[] = [];
    for (let at = 0; at < chunk.length; at++) this.#take(chunk[at] as number, frames);
    return frames;
  }

  idle(): Buffer[] {
    const frames: Buffer[] = [];
    if (this.#idle && !this.#overlong && this.#length > 0) this.#give(this.#length, frames);
    else this.stats.discardedBytes += this.#length;
    if (this.#inPrefix) this.stats.discardedBytes += this.#prefixMatched;
    this.#startOver();
    this.#rest = this.#rest.subarray(0, 0);
    return frames;
  }

  get #inPrefix(): boolean {
    return this.#prefixMatched < this.#prefix.length;
  }

  #take(byte: number, frames: Buffer[]): void {
    if (this.#rest.length > 0 && this.#takeRest(byte, frames)) return;
    if (this.#inPrefix) this.#takePrefix(byte);
    else this.#takePayload(byte, frames);
  }

  /** True when the byte continued the longer suffix; else the bytes that did so far are data after all. */
  #takeRest(byte: number, frames: Buffer[]): boolean {
    const rest = this.#rest;
    if (rest[this.#restMatched] === byte) {
      if (++this.#restMatched === rest.length) this.#rest = rest.subarray(0, 0);
      return true;
    }
    this.#rest = rest.subarray(0, 0);
    for (const held of rest.subarray(0, this.#restMatched)) this.#take(held, frames);
    return false;
  }

  #takePrefix(byte: number): void {
    if (byte === this.#prefix[this.#prefixMatched]) {
      this.#prefixMatched++;
      return;
    }
    // Skip one byte and look again: the prefix may start among those already matched.
    const seen = [...this.#prefix.subarray(0, this.#prefixMatched), byte];
    this.#prefixMatched = 0;
    for (let from = 1; from <= seen.length; from++) {
      const skipped = seen[from - 1] as number;
      if (!PADDING.has(skipped)) this.stats.discardedBytes++;
      if (seen.slice(from).every((next, index) => next === this.#prefix[index])) {
        this.#prefixMatched = seen.length - from;
        return;
      }
    }
  }

  #takePayload(byte: number, frames: Buffer[]): void {
    if (this.#length === this.#held.length) this.#overflow();
    this.#held[this.#length++] = byte;
    const ended = this.#ends[byte] === 1 ? this.#suffixes.find((suffix) => this.#endsWith(suffix)) : undefined;
    if (ended) {
      this.#terminate(ended, frames);
    } else if (this.#restarts && this.#endsWith(this.#prefix)) {
      this.stats.discardedBytes += this.#length - this.#prefix.length;
      this.#length = 0;
      this.#overlong = false;
    }
  }

  /** Keeps only what a suffix could still end with. */
  #overflow(): void {
    const keep = Math.max(0, Math.max(this.#longestSuffix, this.#prefix.length) - 1);
    this.stats.discardedBytes += this.#length - keep;
    this.#held.copyWithin(0, this.#length - keep, this.#length);
    this.#length = keep;
    this.#overlong = true;
  }

  #endsWith(tail: Uint8Array): boolean {
    const start = this.#length - tail.length;
    if (start < 0) return false;
    for (let at = 0; at < tail.length; at++) if (this.#held[start + at] !== tail[at]) return false;
    return true;
  }

  #terminate(suffix: Uint8Array, frames: Buffer[]): void {
    const payload = this.#length - suffix.length;
    if (this.#overlong || payload > this.#maxLength) this.stats.discardedBytes += this.#length;
    else if (payload > 0) this.#give(payload, frames);
    else if (this.#prefix.length > 0) this.stats.discardedBytes += this.#prefix.length + suffix.length;
    const longer = this.#suffixes.find(
      (other) => other.length > suffix.length && suffix.every((byte, index) => byte === other[index]),
    );
    this.#startOver();
    this.#rest = longer ? longer.subarray(suffix.length) : this.#rest.subarray(0, 0);
    this.#restMatched = 0;
  }

  #give(length: number, frames: Buffer[]): void {
    frames.push(Buffer.from(this.#held.subarray(0, length)));
    this.stats.frames++;
  }

  #startOver(): void {
    this.#length = 0;
    this.#overlong = false;
    this.#prefixMatched = 0;
  }
}

function bytesOf(bytes: LineControl | Uint8Array): Uint8Array {
  return typeof bytes === 'string' ? Uint8Array.from(LINE_CONTROLS[bytes]) : Uint8Array.from(bytes);
}
