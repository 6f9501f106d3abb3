/**
 * Dedup of RFID reads: a tag in the field of a read point is one presence, from its first read until it was not read for a while. Monotonic
 * time only. Bound: `maxTags` live presences; when it is reached the one unseen for longest is given up (stated as departed).
 */
export interface Presence {
  readPoint: string;
  epcHex: string;
  firstUs: number;
  lastUs: number;
  reads: number;
  /** Strongest so far. */
  rssiDbm?: number;
  antenna: number;
}

export interface TagRead {
  epcHex: string;
  antenna: number;
  rssiDbm?: number;
  reads: number;
}

export class TagPresence {
  /** In the order of the last read: the first has been unseen for longest. */
  readonly #present = new Map<string, Presence & { departedAfterUs: number }>();
  readonly #maxTags: number;

  constructor(maxTags = 50_000) {
    this.#maxTags = maxTags;
  }

  get size(): number {
    return this.#present.size;
  }

  /** Takes a read; gives the presence when it is a new one. */
  see(readPoint: { id: string; tagDepartedAfterMs: number }, read: TagRead, atUs: number): Presence | undefined {
    const key = presenceKey(readPoint.id, read.epcHex);
    const known = this.#present.get(key);
    if (known && atUs - known.lastUs <= known.departedAfterUs) {
      known.lastUs = Math.max(known.lastUs, atUs);
      known.reads += read.reads;
      if (read.rssiDbm !== undefined && (known.rssiDbm === undefined || read.rssiDbm > known.rssiDbm)) {
        known.rssiDbm = read.rssiDbm;
        known.antenna = read.antenna;
      }
      this.#present.delete(key);
      this.#present.set(key, known);
      return undefined;
    }
    const presence = {
      readPoint: readPoint.id,
      epcHex: read.epcHex,
      firstUs: atUs,
      lastUs: atUs,
      reads: read.reads,
      antenna: read.antenna,
      ...(read.rssiDbm === undefined ? {} : { rssiDbm: read.rssiDbm }),
      departedAfterUs: readPoint.tagDepartedAfterMs * 1000,
    };
    this.#present.delete(key);
    this.#present.set(key, presence);
    return presence;
  }

  /** The presences that have ended by `nowUs`, and those above the bound; they are forgotten. */
  departed(nowUs: number): Presence[] {
    const gone: Presence[] = [];
    for (const [key, presence] of this.#present) {
      const over = this.#present.size > this.#maxTags;
      // Read points may wait for different times, so one that waits longer does not hide those behind it.
      if (!over && nowUs - presence.lastUs <= presence.departedAfterUs) continue;
      this.#present.delete(key);
      gone.push(presence);
    }
    return gone;
  }

  /** Takes a presence back: it could not be stored, so the next read of the tag must count. */
  forget(readPoint: string, epcHex: string): void {
    this.#present.delete(presenceKey(readPoint, epcHex));
  }
}

function presenceKey(readPoint: string, epcHex: string): string {
  return `${readPoint} ${epcHex}`;
}
