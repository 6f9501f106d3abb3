/**
 * The reader's end of its one client connection: ordered writes through the faults, keepalives, and the framing of
 * what comes in.
 *
 * A client that leaves MISSED_KEEPALIVES keepalives unanswered, or takes nothing while SEND_BUFFER_MAX bytes wait, is given up:
 * the reader closes the connection so that another client may come.
 */
import type { Socket } from 'node:net';
import type { Clock } from '../../protocols/base/clock.ts';
import { encodeMessage, LlrpFramer, type Message } from '../../protocols/llrp/index.ts';
import { type Faults, type SendResult, sendThroughFaults } from '../faults.ts';
import { flipByte } from '../serial-port.ts';

const MISSED_KEEPALIVES = 5;
const SEND_BUFFER_MAX = 1 << 20;

export interface ClientOptions {
  socket: Socket;
  clock: Clock;
  faults: Faults;
  keepalive(): Message;
  onFrame(frame: Buffer): void;
  onGone(): void;
}

export class Client {
  /** Events and reports wait for ENABLE_EVENTS_AND_REPORTS. */
  holding = false;
  readonly #options: ClientOptions;
  readonly #framer = new LlrpFramer();
  #queue: Promise<unknown> = Promise.resolve();
  #unanswered = 0;
  #cancelKeepalive: () => void = () => {};

  constructor(options: ClientOptions) {
    this.#options = options;
    const { socket } = options;
    socket.on('data', (chunk: Buffer) => {
      for (const frame of this.#framer.push(chunk)) options.onFrame(frame);
    });
    socket.once('close', () => {
      this.#cancelKeepalive();
      options.onGone();
    });
  }

  /** Sends in the order of calls. `lost` when the connection is gone. */
  send(message: Message): Promise<SendResult> {
    const { faults, clock, socket } = this.#options;
    const frame = encodeMessage(message);
    const sent = this.#queue.then(async () => {
      const result = await sendThroughFaults(frame, {
        faults,
        clock,
        write: (bytes) => this.#write(bytes),
        // LLRP has no checksum: a message type that does not exist is what a client can notice.
        corrupt: (bytes) => flipByte(bytes, 1),
        terminated: true,
      });
      // After bytes that are no message nothing on this connection can be understood any more.
      if (result.damage === 'torn' || result.damage === 'noise') socket.resetAndDestroy();
      return result;
    });
    this.#queue = sent;
    return sent;
  }

  setKeepalive(periodMs: number | undefined): void {
    this.#cancelKeepalive();
    this.#unanswered = 0;
    if (periodMs === undefined) return;
    const tick = (): void => {
      if (this.#unanswered >= MISSED_KEEPALIVES) {
        this.#options.socket.destroy();
        return;
      }
      this.#unanswered++;
      this.#sendKeepalive();
      this.#cancelKeepalive = this.#options.clock.after(periodMs, tick);
    };
    this.#cancelKeepalive = this.#options.clock.after(periodMs, tick);
  }

  keepaliveAcknowledged(): void {
    this.#unanswered = 0;
  }

  /** After everything that was sent before. */
  async close(): Promise<void> {
    await this.#queue;
    this.#options.socket.end();
  }

  #sendKeepalive(): void {
    // A failed write shows as 'close' of the socket; send() itself does not reject.
    void this.send(this.#options.keepalive());
  }

  #write(bytes: Uint8Array): Promise<boolean> {
    const { socket } = this.#options;
    if (socket.destroyed || !socket.writable) return Promise.resolve(false);
    if (socket.writableLength > SEND_BUFFER_MAX) {
      socket.destroy();
      return Promise.resolve(false);
    }
    return new Promise((resolve) => socket.write(bytes, (error) => resolve(!error)));
  }
}
