/**
 * What the simulators let out, in order. Bounded: an endless run forgets its oldest entries and says how many.
 */
import type { LedgerEntry } from './simulator.ts';

const ENTRIES_MAX = 500_000;

export class Ledger {
  #entries: LedgerEntry[] = [];
  #forgotten = 0;
  readonly #onEntry: (entry: LedgerEntry) => void;

  constructor(onEntry: (entry: LedgerEntry) => void = () => {}) {
    this.#onEntry = onEntry;
  }

  get entries(): readonly LedgerEntry[] {
    return this.#entries;
  }

  get forgotten(): number {
    return this.#forgotten;
  }

  /**
   * The scans and tag sightings that a host must know, each exactly once: whole, not the repetition of another, and not left
   * unacknowledged by a reader that asks for it.
   */
  observations(): LedgerEntry[] {
    return this.#entries.filter(
      ({ kind, damage, duplicate, acknowledged }) =>
        (kind === 'scan' || kind === 'tag') && damage === undefined && !duplicate && acknowledged !== false,
    );
  }

  add(entry: LedgerEntry): void {
    this.#entries.push(entry);
    if (this.#entries.length > ENTRIES_MAX) {
      const half = ENTRIES_MAX / 2;
      this.#entries = this.#entries.slice(half);
      this.#forgotten += half;
    }
    this.#onEntry(entry);
  }
}
