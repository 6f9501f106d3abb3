/**
 * One thing at a time, in turn: a lane's files, cursor and counters stay in step without locks. Urgent work (a commit that somebody waits for)
 * goes before what else waits. Bound: each caller waits for its own work, so there are no more entries than callers.
 */
export class Turns {
  readonly #urgent: (() => Promise<void>)[] = [];
  readonly #waiting: (() => Promise<void>)[] = [];
  #busy = false;

  run<T>(work: () => Promise<T>, options: { urgent?: boolean } = {}): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const turn = () => work().then(resolve, reject);
      (options.urgent ? this.#urgent : this.#waiting).push(turn);
      if (!this.#busy) void this.#go();
    });
  }

  async #go(): Promise<void> {
    this.#busy = true;
    for (let turn = this.#next(); turn; turn = this.#next()) await turn();
    this.#busy = false;
  }

  #next(): (() => Promise<void>) | undefined {
    return this.#urgent.shift() ?? this.#waiting.shift();
  }
}
