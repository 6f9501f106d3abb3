/** What happened, as lines of text: always as a hash (the same seed gives the same one), and whole when it is to be read. */
export class Trace {
  readonly #lines: string[] | undefined;
  #hash = 0x811c9dc5;
  #hash2 = 0x01234567;

  constructor(keep: boolean) {
    this.#lines = keep ? [] : undefined;
  }

  add(atUs: number, text: string): void {
    const line = `${(atUs / 1e6).toFixed(6).padStart(11)}  ${text}`;
    for (let at = 0; at < line.length; at++) {
      const code = line.charCodeAt(at);
      this.#hash = Math.imul(this.#hash ^ code, 0x01000193);
      this.#hash2 = (Math.imul(this.#hash2, 31) + code) | 0;
    }
    this.#lines?.push(line);
  }

  /** 16 hexadecimal digits that stand for every line so far. */
  hash(): string {
    return [this.#hash, this.#hash2].map((half) => (half >>> 0).toString(16).padStart(8, '0')).join('');
  }

  lines(): readonly string[] {
    return this.#lines ?? [];
  }
}
