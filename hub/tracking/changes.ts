/**
 * Says inside this process what has just been committed, for live streams. No history and no queue: whoever listens
 * looks the state up, and whoever was not there missed nothing but the hint.
 */
export type Change = { kind: 'package'; packageId: string } | { kind: 'alert'; alertId: string };

export type ChangeListener = (changes: readonly Change[]) => void;

export class Changes {
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
}
