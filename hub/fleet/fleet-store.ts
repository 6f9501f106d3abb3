/** The Store as the fleet writes it: one change at a time, whichever process makes it, and told to who watches when it is committed. */
import type { Clock } from '../../protocols/base/clock.ts';
import type { Sql, Store } from '../store/store.ts';
import type { Announcer, Change } from '../tracking/changes.ts';
import { lockFleet, tryLockFleet } from './desired.ts';

export interface FleetPorts {
  store: Store;
  clock: Clock;
  /** Told of gateways and rollouts that change. */
  changes: Announcer;
}

/** A change being made. */
export interface FleetWork {
  sql: Sql;
  nowMs: number;
  /** Notes what changed. */
  tell(...changes: Change[]): void;
}

export class FleetStore {
  readonly #ports: FleetPorts;

  constructor(ports: FleetPorts) {
    this.#ports = ports;
  }

  get sql(): Sql {
    return this.#ports.store;
  }

  /** In one transaction, after everybody else's. */
  async change<T>(work: (at: FleetWork) => Promise<T>): Promise<T> {
    return this.#transact(async (at) => {
      await lockFleet(at.sql);
      return work(at);
    });
  }

  /** The same, unless another process is at it at this moment: then undefined. */
  async tryChange<T>(work: (at: FleetWork) => Promise<T>): Promise<T | undefined> {
    return this.#transact(async (at) => ((await tryLockFleet(at.sql)) ? work(at) : undefined));
  }

  async #transact<T>(work: (at: FleetWork) => Promise<T>): Promise<T> {
    const { store, clock, changes } = this.#ports;
    let told: Change[] = [];
    const result = await store.transaction(async (sql) => {
      told = [];
      const made = await work({ sql, nowMs: clock.wall().wallMs, tell: (...some) => void told.push(...some) });
      await changes.within(sql, told);
      return made;
    });
    changes.committed(told);
    return result;
  }
}
