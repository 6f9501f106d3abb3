/**
 * Bounds what is in hands: `enter` resolves at once while fewer than `maxBytes` are, and otherwise when enough have left. First come, first
 * served. One message larger than the bound passes when nothing else is in hands.
 */
export class Admission {
  readonly #maxBytes: number;
  #bytes = 0;
  readonly #waiting: { bytes: number; go: () => void }[] = [];
  #onEmpty: (() => void)[] = [];

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Callers that wait to enter. */
  get waiting(): number {
    return this.#waiting.length;
  }

  enter(bytes: number): Promise<void> {
    if (this.#waiting.length === 0 && this.#fits(bytes)) {
      this.#bytes += bytes;
      return Promise.resolve();
    }
    return new Promise((go) => this.#waiting.push({ bytes, go }));
  }

  leave(bytes: number): void {
    this.#bytes -= bytes;
    for (let next = this.#waiting[0]; next && this.#fits(next.bytes); next = this.#waiting[0]) {
      this.#waiting.shift();
      this.#bytes += next.bytes;
      next.go();
    }
    if (this.#bytes === 0) for (const resolve of this.#onEmpty.splice(0)) resolve();
  }

  /** Resolves when nothing is in hands. */
  empty(): Promise<void> {
    return this.#bytes === 0 ? Promise.resolve() : new Promise((resolve) => this.#onEmpty.push(resolve));
  }

  #fits(bytes: number): boolean {
    return this.#bytes === 0 || this.#bytes + bytes <= this.#maxBytes;
  }
}
