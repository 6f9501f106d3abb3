/** Calls poll() of a producer every `POLL_MS` while anything is in flight, and never otherwise. */
import type { Producer } from 'node-rdkafka';

const POLL_MS = 2;

export class Pump {
  readonly #producer: Producer;
  #users = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(producer: Producer) {
    this.#producer = producer;
  }

  hold(): void {
    this.#users++;
    this.#timer ??= setInterval(() => this.poll(), POLL_MS);
  }

  release(): void {
    this.#users--;
    if (this.#users > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  poll(): void {
    // poll() throws once the client is disconnected: there is nothing to learn from it then.
    if (this.#producer.isConnected()) this.#producer.poll();
  }
}
