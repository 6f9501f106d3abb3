/**
 * One contact input: levels as they come → states that lasted. Pure; time is monotonic, in microseconds.
 *
 * A state counts when it has lasted for `debounceUs`, and dates from its first moment. A bounce that ends where it began is no change. At most
 * one change is pending, so a contact that chatters for ever gives nothing and costs nothing.
 */
export interface ContactChange {
  open: boolean;
  /** When it came to be so. */
  monotonicUs: number;
}

export class Debounce {
  readonly #debounceUs: number;
  #known: boolean | undefined;
  #pending: ContactChange | undefined;

  constructor(debounceMs: number) {
    this.#debounceUs = debounceMs * 1000;
  }

  /** When `due` has something to say; undefined while nothing is pending. */
  get dueUs(): number | undefined {
    return this.#pending && this.#pending.monotonicUs + this.#debounceUs;
  }

  /** @returns the change that had lasted long enough before this one came. */
  level(open: boolean, monotonicUs: number): ContactChange | undefined {
    const before = this.due(monotonicUs);
    if (open === this.#known) this.#pending = undefined;
    else if (this.#pending?.open !== open) this.#pending = { open, monotonicUs };
    return before;
  }

  due(nowUs: number): ContactChange | undefined {
    const pending = this.#pending;
    if (pending === undefined || nowUs - pending.monotonicUs < this.#debounceUs) return undefined;
    this.#known = pending.open;
    this.#pending = undefined;
    return pending;
  }
}
