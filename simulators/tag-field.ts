/**
 * The tags in front of the antennas, and what has been reported of them.
 *
 * A tag stays for its dwell time and is read in every round with READ_PROBABILITY. Its stay is settled when it has left
 * and none of its reads wait for a report any more; it stands in the ledger once per read point, from the moment a report with
 * it went out whole.
 */
import type { Random } from './random.ts';
import type { Fate, Sighting } from './simulator.ts';

const READ_PROBABILITY = 0.85;
/** How long a tag stays unless told. */
export const DEFAULT_DWELL_MS = 3_000;
/** More tags than a portal ever sees at once; further ones are refused as lost. */
const FIELD_MAX = 2000;

export interface TagInField {
  readonly sighting: Sighting;
  readonly untilUs: number;
  /** Mean signal per antenna, dBm. */
  readonly rssiDbm: ReadonlyMap<number, number>;
  /** Read points at which an intact report of it went out. */
  readonly reportedAt: Set<string>;
  readonly settle: (fate: Fate) => void;
}

export class TagField {
  readonly #tags = new Map<string, TagInField>();
  /** Out of the field, with reads that still wait for their report. */
  readonly #leaving = new Set<TagInField>();
  readonly #random: Random;
  readonly #antennas: number;
  readonly #isWaiting: (tag: TagInField) => boolean;

  /** @param isWaiting whether reads of the tag wait for a report. */
  constructor(options: { random: Random; antennas: number; isWaiting: (tag: TagInField) => boolean }) {
    this.#random = options.random;
    this.#antennas = options.antennas;
    this.#isWaiting = options.isWaiting;
  }

  /** Resolves when the tag has left. */
  enter(sighting: Sighting, nowUs: number): Promise<Fate> {
    if (this.#tags.size >= FIELD_MAX || this.#tags.has(sighting.epcHex)) return Promise.resolve('lost');
    const antennas = sighting.antennas ?? Array.from({ length: this.#antennas }, (_, i) => i + 1);
    return new Promise((settle) => {
      this.#tags.set(sighting.epcHex, {
        sighting,
        untilUs: nowUs + (sighting.dwellMs ?? DEFAULT_DWELL_MS) * 1000,
        rssiDbm: new Map(antennas.map((antenna) => [antenna, this.#random.between(-68, -44)])),
        reportedAt: new Set(),
        settle,
      });
    });
  }

  /** Takes out those whose time is over, and settles what can be settled. */
  leave(nowUs: number): void {
    for (const tag of this.#tags.values()) {
      if (tag.untilUs > nowUs) continue;
      this.#tags.delete(tag.sighting.epcHex);
      this.#leaving.add(tag);
    }
    for (const tag of this.#leaving) if (!this.#isWaiting(tag)) this.#settle(tag);
  }

  clear(): void {
    for (const tag of [...this.#tags.values(), ...this.#leaving]) this.#settle(tag);
  }

  /** One inventory round of one antenna: the tags it read, with the signal of this read. */
  round(antenna: number): { tag: TagInField; rssiDbm: number }[] {
    const reads: { tag: TagInField; rssiDbm: number }[] = [];
    for (const tag of this.#tags.values()) {
      const mean = tag.rssiDbm.get(antenna);
      if (mean === undefined || this.#random.next() >= READ_PROBABILITY) continue;
      reads.push({ tag, rssiDbm: Math.round(mean + 2 * this.#random.gaussian()) });
    }
    return reads;
  }

  #settle(tag: TagInField): void {
    this.#tags.delete(tag.sighting.epcHex);
    this.#leaving.delete(tag);
    tag.settle(tag.reportedAt.size > 0 ? 'intact' : 'lost');
  }
}
