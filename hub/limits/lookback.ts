/**
 * The last readings of all places, for the moment at which a place begins to matter: a scan that says "on this van" comes a little later than
 * the readings of that van. In memory; a process that starts fills it again from the log.
 *
 * Bounds: AGE_MS by the time of arrival, and MOST readings; beyond either the oldest go.
 */
import type { Reading } from './reading.ts';

export const LOOKBACK_MS = 300_000;
const MOST = 500_000;
/** Readings that go at once: so many, of so long. */
const CHUNK = 1_000;
const CHUNK_MS = 10_000;

interface Chunk {
  firstMs: number;
  lastMs: number;
  readings: Reading[];
}

export class Lookback {
  readonly #most: number;
  #chunks: Chunk[] = [];
  #count = 0;

  constructor(most = MOST) {
    this.#most = most;
  }

  get count(): number {
    return this.#count;
  }

  /** @param arrivedMs When the log took them; does not go back. */
  add(readings: readonly Reading[], arrivedMs: number): void {
    for (const reading of readings) {
      let last = this.#chunks.at(-1);
      if (!last || last.readings.length >= CHUNK || arrivedMs - last.firstMs > CHUNK_MS) {
        last = { firstMs: arrivedMs, lastMs: arrivedMs, readings: [] };
        this.#chunks.push(last);
      }
      last.lastMs = Math.max(last.lastMs, arrivedMs);
      last.readings.push(reading);
      this.#count++;
    }
    for (let [first] = this.#chunks; first; [first] = this.#chunks) {
      if (first.lastMs >= arrivedMs - LOOKBACK_MS && this.#count <= this.#most) break;
      this.#count -= first.readings.length;
      this.#chunks.shift();
    }
  }

  /** Those of some places. */
  of(places: ReadonlySet<string>): Reading[] {
    return this.#chunks.flatMap(({ readings }) => readings.filter(({ place }) => places.has(place)));
  }
}
