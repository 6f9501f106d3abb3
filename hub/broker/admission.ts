/**
 * Bounds what is in hands: `enter` lets go at once while fewer than `maxBytes` in fewer than `maxMessages` are, and otherwise when enough have left.
 * First come, first served. One message larger than the bound passes when nothing else is in hands.
 */
export class Admission {
  readonly #maxBytes: number;
  readonly #maxMessages: number;
  #bytes = 0;
  #messages = 0;
  readonly #waiting: { bytes: number; go: () => void }[] = [];
  #onEmpty: (() => void)[] = [];

  constructor(maxBytes: number, maxMessages = Number.POSITIVE_INFINITY) {
    this.#maxBytes = maxBytes;
    this.#maxMessages = maxMessages;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Callers that wait to enter. */
  get waiting(): number {
    return this.#waiting.length;
  }

  /** Calls `go` as soon as there is room: now, where there is. A promise for each message would be a good part of what one costs. */
  enter(bytes: number, go: () => void): void {
    if (this.#waiting.length > 0 || !this.#fits(bytes)) {
      this.#waiting.push({ bytes, go });
      return;
    }
    this.#bytes += bytes;
    this.#messages++;
    go();
  }

  leave(bytes: number): void {
    this.#bytes -= bytes;
    this.#messages--;
    for (let next = this.#waiting[0]; next && this.#fits(next.bytes); next = this.#waiting[0]) {
      this.#waiting.shift();
      this.#bytes += next.bytes;
      this.#messages++;
      next.go();
    }
    if (this.#messages === 0) for (const resolve of this.#onEmpty.splice(0)) resolve();
  }

  /** Resolves when nothing is in hands. */
  empty(): Promise<void> {
    return this.#messages === 0 ? Promise.resolve() : new Promise((resolve) => this.#onEmpty.push(resolve));
  }

  #fits(bytes: number): boolean {
    return this.#messages === 0 || (this.#messages < this.#maxMessages && this.#bytes + bytes <= this.#maxBytes);
  }
}
