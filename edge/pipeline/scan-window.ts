/**
 * Dedup of scans: a label read again at the same read point within the window is the same observation (a double trigger, a label
 * passing a tunnel's second reader). Monotonic time only.
 *
 * Bounds: `maxEntries` observations, and `TEXT_EACH` characters for each on average; when either is reached the oldest goes first, so at worst a
 * label is counted as seen anew. Memory is as much as was ever used of that.
 *
 * Everything stands in a few arrays of numbers: entries in a ring, oldest first; the characters of their texts in another; and for each bucket of
 * hashes a chain of entries, newest first. A Map of as many strings would keep the collector busier than all the rest of a scan does.
 */

/** An observation that counts, and what became of it. */
export interface Sighting {
  /** Undefined while it is on its way to the disk. */
  isStored: boolean | undefined;
  /** To be told what became of it; undefined while nobody waits. */
  waiting: ((isStored: boolean) => void)[] | undefined;
}

const STORED: Sighting = { isStored: true, waiting: undefined };
const NONE = -1;
const TEXT_EACH = 40;
/** No label that names a package is longer; what is, is never taken for a repetition. */
const LONGEST = 8192;

export class ScanWindow {
  readonly #most: number;
  readonly #untilUs: Float64Array;
  readonly #scopes: Uint32Array;
  readonly #hashes: Int32Array;
  readonly #starts: Uint32Array;
  readonly #lengths: Uint16Array;
  /** The next older entry of the same bucket. */
  readonly #older: Int32Array;
  readonly #newest: Int32Array;
  readonly #text: Uint16Array;
  /** Entries on their way to the disk, by their place in the ring. */
  readonly #underWay: (Sighting | undefined)[] = [];
  /** Counted from the first entry ever made: the oldest that is kept, and the next. The place in the ring is the remainder. */
  #first = 0;
  #next = 0;
  #textEnd = 0;

  constructor(maxEntries = 32_768) {
    this.#most = maxEntries;
    this.#untilUs = new Float64Array(maxEntries);
    this.#scopes = new Uint32Array(maxEntries);
    this.#hashes = new Int32Array(maxEntries);
    this.#starts = new Uint32Array(maxEntries);
    this.#lengths = new Uint16Array(maxEntries);
    this.#older = new Int32Array(maxEntries);
    this.#newest = new Int32Array(maxEntries).fill(NONE);
    this.#text = new Uint16Array(Math.max(2 * LONGEST, maxEntries * TEXT_EACH));
  }

  get size(): number {
    return this.#next - this.#first;
  }

  /**
   * What the observation of `text` repeats; undefined when it is new.
   * @param scope where, and as what: texts of different scopes have nothing to do with each other.
   */
  find(scope: number, text: string, atUs: number): Sighting | undefined {
    const at = this.#find(scope, text);
    return at === NONE || atUs >= (this.#untilUs[at] as number) ? undefined : (this.#underWay[at] ?? STORED);
  }

  /** Remembers a new observation; gives its name. A repetition does not prolong the window. */
  remember(observed: { scope: number; text: string; untilUs: number; sighting: Sighting }): number {
    const { scope, text, untilUs, sighting } = observed;
    if (text.length > LONGEST) return NONE;
    while (this.size >= this.#most || !this.#hasRoom(text.length)) this.#dropOldest();
    const at = this.#next++ % this.#most;
    const hash = hashOf(scope, text);
    const bucket = this.#bucketOf(hash);
    this.#untilUs[at] = untilUs;
    this.#scopes[at] = scope;
    this.#hashes[at] = hash;
    this.#older[at] = this.#newest[bucket] as number;
    this.#newest[bucket] = at;
    this.#underWay[at] = sighting.isStored ? undefined : sighting;
    this.#starts[at] = this.#textEnd;
    this.#lengths[at] = text.length;
    for (let index = 0; index < text.length; index++) this.#text[this.#textEnd++] = text.charCodeAt(index);
    return this.#next - 1;
  }

  /** What was remembered is on disk; or could not be stored, so that its repetition must count. */
  settle(name: number, isStored: boolean): void {
    if (name < this.#first) return;
    const at = name % this.#most;
    this.#underWay[at] = undefined;
    if (!isStored) this.#untilUs[at] = Number.NEGATIVE_INFINITY;
  }

  #find(scope: number, text: string): number {
    const hash = hashOf(scope, text);
    for (let at = this.#newest[this.#bucketOf(hash)] as number; at !== NONE; at = this.#older[at] as number) {
      if (this.#hashes[at] === hash && this.#scopes[at] === scope && this.#isText(at, text)) return at;
    }
    return NONE;
  }

  #isText(at: number, text: string): boolean {
    if (this.#lengths[at] !== text.length) return false;
    const start = this.#starts[at] as number;
    for (let index = 0; index < text.length; index++) {
      if (this.#text[start + index] !== text.charCodeAt(index)) return false;
    }
    return true;
  }

  /** Whether so many characters have their place, in one piece, without reaching those of the oldest entry. Goes back to the beginning at the end. */
  #hasRoom(length: number): boolean {
    if (this.size === 0) {
      this.#textEnd = 0;
      return true;
    }
    const start = this.#starts[this.#first % this.#most] as number;
    if (start >= this.#textEnd) return this.#textEnd + length < start;
    if (this.#textEnd + length <= this.#text.length) return true;
    if (length >= start) return false;
    this.#textEnd = 0;
    return true;
  }

  /** It is the last of its chain: those before it are newer. */
  #dropOldest(): void {
    const oldest = this.#first++ % this.#most;
    const bucket = this.#bucketOf(this.#hashes[oldest] as number);
    this.#underWay[oldest] = undefined;
    let at = this.#newest[bucket] as number;
    if (at === oldest) {
      this.#newest[bucket] = NONE;
      return;
    }
    while (this.#older[at] !== oldest) at = this.#older[at] as number;
    this.#older[at] = NONE;
  }

  #bucketOf(hash: number): number {
    return (hash >>> 0) % this.#most;
  }
}

/** FNV-1a over UTF-16 code units: who prints labels gains nothing by collisions but a chain as long as the window. */
function hashOf(scope: number, text: string): number {
  let hash = Math.imul(0x811c9dc5 ^ scope, 0x01000193);
  for (let index = 0; index < text.length; index++) hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  return hash ^ (hash >>> 15);
}
