/**
 * Acknowledgements in the order in which their messages came, however late each becomes possible: MQTT 3.1.1, 4.6, [MQTT-4.6.0-2]. One for each
 * connection. Bounded by whoever announces: as many as are in hands.
 */
export class InOrder {
  readonly #turns: { go: (() => void) | undefined }[] = [];

  /** Whether somebody has to be waited for: if not, what is acknowledged before anything else is announced needs no place. */
  get isWaiting(): boolean {
    return this.#turns.length > 0;
  }

  /**
   * Takes the next place. What it returns is called, once, when that message may be acknowledged: `go` runs when everything that came before has
   * gone. One that is never called lets nothing behind it go.
   */
  announce(): (go: () => void) => void {
    const turn: { go: (() => void) | undefined } = { go: undefined };
    this.#turns.push(turn);
    return (go) => {
      turn.go = go;
      for (let first = this.#turns[0]; first?.go; first = this.#turns[0]) {
        this.#turns.shift();
        first.go();
      }
    };
  }
}
