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
   * The scans and tag sightings that a host must know, each exactly once: whole, and not the repetition of another.
   */
  observations(): LedgerEntry[] {
    return this.#entries.filter(
      ({ kind, damage, duplicate }) => (kind === 'scan' || kind === 'tag') && damage === undefined && !duplicate,
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
