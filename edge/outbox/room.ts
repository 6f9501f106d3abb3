/**
 * Space within `maxBytes` of all lanes: the oldest telemetry goes first, then tracking, alerts last, and never a lane for one that ranks
 * below it. `alertReserveBytes` of it are kept for alerts alone.
 */
import type { Log } from '../../protocols/base/log.ts';
import { LANES, type Lane } from '../../protocols/uplink/identity.ts';
import type { Desk, Desks } from './desk.ts';

export interface RoomOptions {
  desks: Desks;
  maxBytes: number;
  alertReserveBytes: number;
  log: Log;
}

export class Room {
  readonly #desks: Desks;
  readonly #options: RoomOptions;

  constructor(options: RoomOptions) {
    this.#desks = options.desks;
    this.#options = options;
  }

  /** Frees space for so many bytes within `maxBytes`; false when only what ranks before the lane could go. */
  async makeFor(desk: Desk, bytes: number): Promise<boolean> {
    while (this.bytesFor(desk.lane) < bytes) {
      if (await this.evictOne(desk, LANES.slice(LANES.indexOf(desk.lane)).reverse())) continue;
      // What is larger than all there is may still go into an empty outbox.
      return LANES.every((lane) => (this.#desks[lane].log?.bytes ?? 0) === 0);
    }
    return true;
  }

  /** Bytes that the lane may still take. */
  bytesFor(lane: Lane): number {
    const used = LANES.reduce((sum, each) => sum + (this.#desks[each].log?.bytes ?? 0), 0);
    return this.#options.maxBytes - (lane === 'alert' ? 0 : this.#options.alertReserveBytes) - used;
  }

  /** Gives up one segment of the first of these lanes that has one. */
  async evictOne(desk: Desk, lanes: readonly Lane[]): Promise<boolean> {
    for (const lane of lanes) {
      const victim = this.#desks[lane];
      const evict = async () => {
        const segment = victim.log?.evictable();
        if (!segment) return false;
        const { firstSequence: first, lastSequence: last } = segment;
        await victim.log?.evict(segment, `no space was left for ${desk.lane}: the oldest go first`);
        this.#options.log.warn({ lane, first, last }, 'records evicted: the outbox is full');
        return true;
      };
      // A lane waits only for lanes that rank below it, so none ever waits for itself in the end.
      if (await (victim === desk ? evict() : victim.turns.run(evict, { urgent: true }))) return true;
    }
    return false;
  }
}

/** The outbox has its bytes, of records that rank before the lane's. */
export class NoRoom extends Error {
  readonly code = 'ENOSPC';

  constructor(maxBytes: number, lane: Lane) {
    super(`the outbox has its ${maxBytes} bytes, of records that rank before ${lane}`);
  }
}
