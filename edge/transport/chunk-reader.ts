/**
 * Taking chunks from a transport with a time limit and a stop signal: the one loop primitive that drivers share.
 *
 * A read that ran into its time limit loses nothing: the chunk it waited for is given by the next read. One read at a time.
 */
import type { Clock } from '../../protocols/base/clock.ts';
import type { Transport } from './transport.ts';

/** A chunk, or why there is none: `end` the other side is gone in order, `stopped` by the signal, `timeout`. */
export type ReadOutcome = Uint8Array | 'end' | 'stopped' | 'timeout';

export class ChunkReader {
  readonly #chunks: AsyncIterator<Uint8Array>;
  readonly #clock: Clock;
  readonly #signal: AbortSignal;
  #pending: Promise<IteratorResult<Uint8Array>> | undefined;

  constructor(source: { transport: Transport; clock: Clock; signal: AbortSignal }) {
    this.#chunks = source.transport.incoming[Symbol.asyncIterator]();
    this.#clock = source.clock;
    this.#signal = source.signal;
  }

  /** Waits for so long, hands over what arrives meanwhile, and notices when the port ends. */
  async rest(ms: number, onChunk: (chunk: Uint8Array) => void): Promise<'rested' | 'over'> {
    const untilUs = this.#clock.monotonicUs() + ms * 1000;
    for (;;) {
      const chunk = await this.read(Math.max(0, (untilUs - this.#clock.monotonicUs()) / 1000));
      if (chunk === 'end' || chunk === 'stopped') return 'over';
      if (chunk === 'timeout') return 'rested';
      onChunk(chunk);
    }
  }

  /** @throws TransportError when the port is lost. */
  read(timeoutMs?: number): Promise<ReadOutcome> {
    return this.#read(timeoutMs, this.#signal);
  }

  /** For what the device has to say to a goodbye: reads on although the signal is aborted. */
  readAfterStop(timeoutMs: number): Promise<ReadOutcome> {
    return this.#read(timeoutMs, undefined);
  }

  #read(timeoutMs: number | undefined, signal: AbortSignal | undefined): Promise<ReadOutcome> {
    if (signal?.aborted) return Promise.resolve('stopped');
    this.#pending ??= this.#chunks.next();
    const pending = this.#pending;
    return new Promise((resolve, reject) => {
      let over = false;
      const settle = (finish: () => void) => {
        if (over) return;
        over = true;
        cancel?.();
        signal?.removeEventListener('abort', stop);
        finish();
      };
      const stop = () => settle(() => resolve('stopped'));
      const cancel =
        timeoutMs === undefined ? undefined : this.#clock.after(timeoutMs, () => settle(() => resolve('timeout')));
      signal?.addEventListener('abort', stop, { once: true });
      pending.then(
        ({ done, value }) =>
          settle(() => {
            // Only a read that is still waiting takes the chunk; after the end every read ends.
            if (!done) this.#pending = undefined;
            resolve(done ? 'end' : value);
          }),
        (error) => settle(() => reject(error)),
      );
    });
  }
}
