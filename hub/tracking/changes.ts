/**
 * Says what has just been committed, for live streams: inside this process, or to all processes that share a PostgreSQL server. No
 * history and no queue: whoever listens looks the state up, and whoever was not there missed nothing but the hint.
 */
import type { Sql } from '../store/store.ts';

export interface PackageChange {
  kind: 'package';
  packageId: string;
  /** Its other names. As well as what follows, only where the projection says so, and not told to other processes. */
  otherIds?: readonly string[];
  /** When its newest event happened. */
  recordedMs?: number;
}

export type Change =
  | PackageChange
  | { kind: 'alert'; alertId: string }
  | { kind: 'incident'; incidentId: string }
  | { kind: 'gateway'; gatewayId: string }
  | { kind: 'rollout'; rolloutId: string }
  /** More has changed than is told. */
  | { kind: 'many' };

export type ChangeListener = (changes: readonly Change[]) => void;

/** Where a projection says what it changes. */
export interface Announcer {
  /** Inside the projection's transaction: what is said here is heard when it commits, and never otherwise. */
  within(sql: Sql, changes: readonly Change[]): Promise<void>;
  /** After the commit. */
  committed(changes: readonly Change[]): void;
}

export class Changes implements Announcer {
  readonly #listeners = new Set<ChangeListener>();

  /** Tells every listener, at once and in order. Listeners must not throw. */
  publish(changes: readonly Change[]): void {
    if (changes.length === 0) return;
    for (const listener of this.#listeners) listener(changes);
  }

  /** The returned function ends it. */
  subscribe(listener: ChangeListener): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** Of one process, nothing has to be said inside the transaction. */
  async within(): Promise<void> {}

  committed(changes: readonly Change[]): void {
    this.publish(changes);
  }
}
