/**
 * Which client-given ids were seen within the last days, exactly, in bounded memory: dedup where no sequence can serve (open door, replayed
 * dead letters). The owner keeps it durable by writing `touched()` in the transaction that carries the effects, and builds it anew from what
 * was committed after an abort, as it does with the sequence book.
 *
 * Kept as pages of up to 512 entries, in the order of arrival; only the last page grows. Page = byte 1 (format), 6 bytes newest time (ms),
 * then entries of 24 bytes: 16 of the id's digest, 8 of the content's. In memory besides: a table of open addressing, 4 bytes a slot, at most
 * half full; so about 32 bytes an id (a Set of texts: 117).
 *
 * A page is forgotten when its newest entry is older than `keepMs`, and the oldest pages before that when there are more than `maxIds`
 * (counted in `forgotten`). 128 bits: no two ids of a network's lifetime share them by accident.
 */
import type { Lane } from '../../protocols/uplink/identity.ts';

export type Seen = 'new' | 'same' | 'other';

const PREFIX = '~ids/';
const FORMAT = 1;
const HEADER_BYTES = 7;
const ID_BYTES = 16;
const ENTRY_BYTES = 24;
const PAGE_IDS = 512;
const FIRST_SLOTS = 1024;

interface Page {
  no: number;
  count: number;
  newestMs: number;
  /** Header and entries; grows up to a full page. */
  bytes: Buffer;
}

export interface IdBookOptions {
  /** Default 7 days, as long as the log keeps what could come again. */
  keepMs?: number;
  /** Default 1,000,000 for each partition. */
  maxIds?: number;
}

/** Whether a key of the state topic is a page of this lane's book. No gateway's id begins with a tilde. */
export function isIdPage(name: string): boolean {
  return name.startsWith(PREFIX);
}

export class IdBook {
  /** Ids that had to go before their time. */
  forgotten = 0;
  readonly #lane: Lane;
  readonly #keepMs: number;
  readonly #maxIds: number;
  #pages: Page[] = [];
  #size = 0;
  /** Entry number + 1; entry n is the (n mod 512)th of page ⌊n / 512⌋. */
  #slots = new Int32Array(FIRST_SLOTS);
  readonly #touched = new Set<Page>();
  readonly #dropped: number[] = [];
  #newestMs = 0;
  /** A number is never given twice: its deletion may stand in the same transaction. */
  #lastNo = 0;

  constructor(lane: Lane, options: IdBookOptions = {}) {
    this.#lane = lane;
    this.#keepMs = options.keepMs ?? 7 * 86_400_000;
    this.#maxIds = options.maxIds ?? 1_000_000;
  }

  get size(): number {
    return this.#size;
  }

  /** Takes up what `touched` wrote earlier, in any order. */
  restore(pages: ReadonlyMap<string, Buffer>): void {
    for (const [name, bytes] of pages) {
      const [, no] = name.split('/');
      if (bytes[0] !== FORMAT) throw new Error(`page ${name} of an id book has format ${bytes[0]}, not ${FORMAT}`);
      const newestMs = bytes.readUIntBE(1, 6);
      this.#pages.push({ no: Number(no), count: (bytes.length - HEADER_BYTES) / ENTRY_BYTES, newestMs, bytes });
      this.#newestMs = Math.max(this.#newestMs, newestMs);
    }
    this.#pages.sort((a, b) => a.no - b.no);
    this.#lastNo = this.#pages.at(-1)?.no ?? 0;
    this.#rebuild();
  }

  /** The digests are 16 and at least 8 bytes. An id that is new is seen then; of one that is known the first content counts. */
  see(id: Buffer, content: Buffer, atMs: number): Seen {
    this.#newestMs = Math.max(this.#newestMs, atMs);
    const slot = this.#find(id);
    const entry = this.#slots[slot] ?? 0;
    if (entry > 0) {
      const { bytes, at } = this.#place(entry - 1);
      return bytes.compare(content, 0, 8, at + ID_BYTES, at + ENTRY_BYTES) === 0 ? 'same' : 'other';
    }
    this.#append(id, content);
    return 'new';
  }

  has(id: Buffer): boolean {
    return (this.#slots[this.#find(id)] ?? 0) > 0;
  }

  /** Lets go of what is too old or too much; call it now and then. How many had to go before their time. */
  forget(): number {
    const oldMs = this.#newestMs - this.#keepMs;
    let old = this.#pages.findIndex(({ newestMs }) => newestMs >= oldMs);
    if (old < 0) old = this.#pages.length;
    // The table is built anew for it: not for a page or two of many.
    if (old * 8 < this.#pages.length) old = 0;
    const tooMany = this.#size - this.#maxIds;
    const crowded = tooMany > 0 ? Math.ceil((tooMany + this.#maxIds / 8) / PAGE_IDS) : 0;
    const gone = this.#pages.splice(0, Math.max(old, crowded));
    if (gone.length === 0) return 0;
    const before = this.forgotten;
    for (const page of gone) {
      if (page.newestMs >= oldMs) this.forgotten += page.count;
      this.#touched.delete(page);
      this.#dropped.push(page.no);
    }
    this.#rebuild();
    return this.forgotten - before;
  }

  /** Pages changed or gone since the last call; null deletes. */
  touched(): { name: string; value: Buffer | null }[] {
    const name = (no: number) => `${PREFIX}${no}/${this.#lane}`;
    const changes = [
      ...[...this.#touched].map(({ no, count, bytes }) => ({
        name: name(no),
        value: Buffer.from(bytes.subarray(0, HEADER_BYTES + count * ENTRY_BYTES)),
      })),
      ...this.#dropped.splice(0).map((no) => ({ name: name(no), value: null })),
    ];
    this.#touched.clear();
    return changes;
  }

  #append(id: Buffer, content: Buffer): void {
    let page = this.#pages.at(-1);
    if (!page || page.count === PAGE_IDS) {
      page = { no: ++this.#lastNo, count: 0, newestMs: 0, bytes: Buffer.alloc(HEADER_BYTES) };
      this.#pages.push(page);
    }
    const end = HEADER_BYTES + page.count * ENTRY_BYTES;
    if (page.bytes.length < end + ENTRY_BYTES) {
      const larger = Buffer.alloc(HEADER_BYTES + ENTRY_BYTES * Math.min(PAGE_IDS, Math.max(8, page.count * 2)));
      page.bytes.copy(larger, 0, 0, end);
      page.bytes = larger;
    }
    id.copy(page.bytes, end, 0, ID_BYTES);
    content.copy(page.bytes, end + ID_BYTES, 0, ENTRY_BYTES - ID_BYTES);
    page.count++;
    page.newestMs = Math.max(page.newestMs, this.#newestMs);
    page.bytes[0] = FORMAT;
    page.bytes.writeUIntBE(page.newestMs, 1, 6);
    this.#touched.add(page);
    this.#size++;
    if (this.#size * 2 > this.#slots.length) this.#rebuild();
    else this.#slots[this.#find(id)] = (this.#pages.length - 1) * PAGE_IDS + page.count;
  }

  #rebuild(): void {
    this.#size = this.#pages.reduce((sum, { count }) => sum + count, 0);
    let slots = FIRST_SLOTS;
    while (slots < this.#size * 4) slots *= 2;
    this.#slots = new Int32Array(slots);
    for (const [index, page] of this.#pages.entries()) {
      for (let nth = 0; nth < page.count; nth++) {
        const at = HEADER_BYTES + nth * ENTRY_BYTES;
        this.#slots[this.#find(page.bytes.subarray(at, at + ID_BYTES))] = index * PAGE_IDS + nth + 1;
      }
    }
  }

  /** The slot of an id, or the free one where it would stand. The digest is random already: its first bytes are the hash. */
  #find(id: Buffer): number {
    const mask = this.#slots.length - 1;
    for (let slot = id.readUInt32LE(0) & mask; ; slot = (slot + 1) & mask) {
      const entry = this.#slots[slot] ?? 0;
      if (entry === 0) return slot;
      const { bytes, at } = this.#place(entry - 1);
      if (bytes.compare(id, 0, ID_BYTES, at, at + ID_BYTES) === 0) return slot;
    }
  }

  #place(entry: number): { bytes: Buffer; at: number } {
    const { bytes } = this.#pages[Math.floor(entry / PAGE_IDS)] as Page;
    return { bytes, at: HEADER_BYTES + (entry % PAGE_IDS) * ENTRY_BYTES };
  }
}
