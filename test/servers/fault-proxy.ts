/**
 * A TCP proxy that is the bad network between two programs: it can cut, hang and slow down, and heals again.
 *
 * - `cut`: every connection is reset, bytes under way are lost, new ones are reset as soon as they come.
 * - `hang`: nothing passes and nobody is told, as behind a dead switch; connections stay, and go on after `heal`.
 * - `delay`: every byte comes later, in order.
 *
 * Invariants: it never invents, drops or reorders bytes within a connection that it does not reset; what it holds back per direction is
 * bounded by HOLD_BYTES, beyond which it stops reading.
 */
import { connect, createServer, type Server, type Socket } from 'node:net';
import { freePort, HOST } from './ports.ts';

export interface FaultProxy {
  readonly port: number;
  /** `host:port` of the proxy. */
  readonly address: string;
  /** Connections made through it so far. */
  readonly connections: number;
  cut(): void;
  hang(): void;
  delay(delayMs: number): void;
  heal(): void;
  close(): Promise<void>;
}

const HOLD_BYTES = 4 * 1024 * 1024;

/** Forwards `127.0.0.1:port` to the target. Without a port it takes a free one. */
export async function startFaultProxy(options: {
  target: { host: string; port: number };
  port?: number;
}): Promise<FaultProxy> {
  const port = options.port ?? (await freePort());
  const proxy = new TcpFaultProxy(options.target, port);
  await proxy.listen();
  return proxy;
}

class TcpFaultProxy implements FaultProxy {
  readonly port: number;
  connections = 0;
  readonly #target: { host: string; port: number };
  readonly #server: Server;
  readonly #pipes = new Set<Pipe>();
  #isCut = false;
  #isHanging = false;
  #delayMs = 0;

  constructor(target: { host: string; port: number }, port: number) {
    this.#target = target;
    this.port = port;
    this.#server = createServer({ allowHalfOpen: true, pauseOnConnect: true }, (socket) => this.#accept(socket));
  }

  get address(): string {
    return `${HOST}:${this.port}`;
  }

  listen(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(this.port, HOST, resolve);
    });
  }

  cut(): void {
    this.#isCut = true;
    for (const pipe of this.#pipes) pipe.reset();
  }

  hang(): void {
    this.#isHanging = true;
    for (const pipe of this.#pipes) pipe.hold(true);
  }

  delay(delayMs: number): void {
    this.#delayMs = delayMs;
    for (const pipe of this.#pipes) pipe.delayMs = delayMs;
  }

  heal(): void {
    this.#isCut = false;
    this.#isHanging = false;
    this.delay(0);
    for (const pipe of this.#pipes) pipe.hold(false);
  }

  async close(): Promise<void> {
    this.cut();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  #accept(client: Socket): void {
    client.on('error', () => undefined);
    if (this.#isCut) {
      client.resetAndDestroy();
      return;
    }
    this.connections++;
    const server = connect({ ...this.#target, allowHalfOpen: true });
    const pipe = new Pipe(client, server, () => this.#pipes.delete(pipe));
    pipe.delayMs = this.#delayMs;
    this.#pipes.add(pipe);
    pipe.hold(this.#isHanging);
  }
}

/** One connection: two directions that share its fate. */
class Pipe {
  delayMs = 0;
  readonly #ends: readonly [Socket, Socket];
  readonly #directions: readonly [Direction, Direction];

  constructor(client: Socket, server: Socket, onEnd: () => void) {
    this.#ends = [client, server];
    const delayMs = () => this.delayMs;
    this.#directions = [new Direction(client, server, delayMs), new Direction(server, client, delayMs)];
    let open = 2;
    for (const socket of this.#ends) {
      socket.setNoDelay(true);
      socket.on('error', () => this.reset());
      socket.on('close', () => {
        open--;
        if (open === 0) onEnd();
      });
    }
  }

  hold(on: boolean): void {
    for (const direction of this.#directions) direction.hold(on);
  }

  reset(): void {
    for (const direction of this.#directions) direction.end();
    for (const socket of this.#ends) {
      if (socket.connecting) socket.destroy();
      else socket.resetAndDestroy();
    }
  }
}

/** `undefined` stands for the end of the stream. */
interface Held {
  chunk: Buffer | undefined;
  dueMs: number;
}

class Direction {
  readonly #from: Socket;
  readonly #to: Socket;
  readonly #delayMs: () => number;
  readonly #held: Held[] = [];
  #heldBytes = 0;
  #isHolding = false;
  #isBlocked = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(from: Socket, to: Socket, delayMs: () => number) {
    this.#from = from;
    this.#to = to;
    this.#delayMs = delayMs;
    from.on('data', (chunk: Buffer) => this.#take(chunk));
    from.on('end', () => this.#take(undefined));
    to.on('drain', () => {
      this.#isBlocked = false;
      this.#pass();
    });
  }

  hold(on: boolean): void {
    this.#isHolding = on;
    this.#pass();
  }

  end(): void {
    clearTimeout(this.#timer);
    this.#held.length = 0;
    this.#isHolding = true;
  }

  #take(chunk: Buffer | undefined): void {
    const last = this.#held.at(-1)?.dueMs ?? 0;
    this.#held.push({ chunk, dueMs: Math.max(last, performance.now() + this.#delayMs()) });
    this.#heldBytes += chunk?.length ?? 0;
    this.#pass();
  }

  #pass(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    while (!this.#isHolding && !this.#isBlocked) {
      const [next] = this.#held;
      if (next === undefined) break;
      const waitMs = next.dueMs - performance.now();
      if (waitMs > 0) {
        this.#timer = setTimeout(() => this.#pass(), Math.ceil(waitMs));
        break;
      }
      this.#held.shift();
      this.#heldBytes -= next.chunk?.length ?? 0;
      if (next.chunk === undefined) this.#to.end();
      else this.#isBlocked = !this.#to.write(next.chunk);
    }
    // What is held up here holds up the sender in the end.
    if (this.#isHolding || this.#heldBytes > HOLD_BYTES) this.#from.pause();
    else this.#from.resume();
  }
}
