/** A Transport for tests: the test plays the device. The framer, codec and driver under test are the real ones. */
import { IncomingBytes } from './incoming-bytes.ts';
import { type Transport, TransportError } from './transport.ts';

export class MemoryTransport implements Transport {
  readonly incoming = new IncomingBytes();
  /** Every write, in order. */
  readonly writes: Buffer[] = [];
  closed = false;
  #lost: TransportError | undefined;
  readonly #answer: ((bytes: Buffer, device: MemoryTransport) => void) | undefined;

  /** @param answer called with each write: a scripted device feeds its answer here. */
  constructor(answer?: (bytes: Buffer, device: MemoryTransport) => void) {
    this.#answer = answer;
  }

  /** The device sends bytes; cut into pieces of these sizes in turn when given. */
  feed(bytes: Uint8Array | string, pieces: readonly number[] = []): void {
    const all = Buffer.from(bytes);
    let at = 0;
    for (let turn = 0; at < all.length; turn++) {
      const size = pieces.length === 0 ? all.length : (pieces[turn % pieces.length] ?? 1);
      this.incoming.push(all.subarray(at, at + size));
      at += size;
    }
  }

  /** The device ends the connection in order. */
  end(): void {
    this.incoming.end();
  }

  /** The cable is pulled. */
  lose(): void {
    this.#lost = new TransportError({ code: 'port-lost', message: 'the test pulled the cable' });
    this.incoming.fail(this.#lost);
  }

  async write(bytes: Uint8Array): Promise<void> {
    if (this.#lost) throw this.#lost;
    if (this.closed) throw new TransportError({ code: 'port-lost', message: 'closed' });
    const copy = Buffer.from(bytes);
    this.writes.push(copy);
    this.#answer?.(copy, this);
  }

  async close(): Promise<void> {
    this.closed = true;
    this.incoming.discard();
  }
}
