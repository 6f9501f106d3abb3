/**
 * What a port has read and its driver has not yet taken: a bounded queue between the two, with one reader.
 *
 * Invariants:
 *  - at most `limitBytes` plus one chunk are held, as long as the port waits for `whenRoom()` before it reads on;
 *  - chunks come out in the order they went in, and all of them before `end` or `fail` shows;
 *  - `discard` is for a close by ourselves: it forgets what is held and ends.
 */
const DEFAULT_LIMIT_BYTES = 256 * 1024;

export class IncomingBytes implements AsyncIterable<Uint8Array>, AsyncIterator<Uint8Array> {
  readonly #limitBytes: number;
  readonly #chunks: Uint8Array[] = [];
  #heldBytes = 0;
  #over: { error?: unknown } | undefined;
  #reader: { resolve(result: IteratorResult<Uint8Array>): void; reject(error: unknown): void } | undefined;
  #room: PromiseWithResolvers | undefined;

  constructor(limitBytes: number = DEFAULT_LIMIT_BYTES) {
    this.#limitBytes = limitBytes;
  }

  [Symbol.asyncIterator](): AsyncIterator<Uint8Array> {
    return this;
  }

  get isFull(): boolean {
    return this.#heldBytes >= this.#limitBytes;
  }

  /** Takes a chunk; its memory belongs to the queue from now on. Ignored once it is over. */
  push(chunk: Uint8Array): void {
    if (this.#over || chunk.length === 0) return;
    if (this.#reader) {
      this.#takeReader()?.resolve({ done: false, value: chunk });
      return;
    }
    this.#chunks.push(chunk);
    this.#heldBytes += chunk.length;
  }

  /** Resolves when another chunk is welcome, or when it is over: the port looks at its own state then. */
  whenRoom(): Promise<void> {
    if (!this.isFull || this.#over) return Promise.resolve();
    this.#room ??= withResolvers();
    return this.#room.promise;
  }

  /** The other side ended in order. */
  end(): void {
    this.#finish({});
  }

  /** The port was lost. */
  fail(error: unknown): void {
    this.#finish({ error });
  }

  /** Closed by ourselves. */
  discard(): void {
    this.#chunks.length = 0;
    this.#heldBytes = 0;
    this.#finish({});
    this.#over = {};
  }

  next(): Promise<IteratorResult<Uint8Array>> {
    const chunk = this.#chunks.shift();
    if (chunk) {
      this.#heldBytes -= chunk.length;
      if (!this.isFull) this.#giveRoom();
      return Promise.resolve({ done: false, value: chunk });
    }
    if (this.#over) {
      const { error } = this.#over;
      this.#over = {}; // the error is thrown once, as by a generator
      return error === undefined ? Promise.resolve({ done: true, value: undefined }) : Promise.reject(error);
    }
    if (this.#reader) return Promise.reject(new Error('incoming has one reader, and it is waiting already'));
    return new Promise((resolve, reject) => {
      this.#reader = { resolve, reject };
    });
  }

  return(): Promise<IteratorResult<Uint8Array>> {
    this.discard();
    return Promise.resolve({ done: true, value: undefined });
  }

  #finish(over: { error?: unknown }): void {
    if (this.#over) return;
    this.#over = over;
    this.#giveRoom();
    const reader = this.#takeReader();
    if (!reader) return;
    this.#over = {};
    if (over.error === undefined) reader.resolve({ done: true, value: undefined });
    else reader.reject(over.error);
  }

  #takeReader() {
    const reader = this.#reader;
    this.#reader = undefined;
    return reader;
  }

  #giveRoom(): void {
    this.#room?.resolve();
    this.#room = undefined;
  }
}

interface PromiseWithResolvers {
  promise: Promise<void>;
  resolve(): void;
}

function withResolvers(): PromiseWithResolvers {
  let resolve: () => void = () => {};
  const promise = new Promise<void>((done) => {
    resolve = done;
  });
  return { promise, resolve };
}
