/**
 * A device's TCP port. `unplug()` resets every connection and stops listening, `replug()` listens on the same port again.
 */
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { SimulatorError } from './simulator.ts';

export interface TcpListener {
  readonly address: string;
  unplug(): Promise<void>;
  replug(): Promise<void>;
}

export interface TcpListenerOptions {
  host: string;
  /** 0 takes any free port, once. */
  port: number;
  onConnection(socket: Socket): void;
}

export async function openTcpListener(options: TcpListenerOptions): Promise<TcpListener> {
  const { host } = options;
  const sockets = new Set<Socket>();
  let server: Server | undefined;
  let port = options.port;

  async function replug(): Promise<void> {
    if (server) return;
    const opened = createServer({ noDelay: true }, (socket) => {
      sockets.add(socket);
      socket.once('close', () => sockets.delete(socket));
      // A reset by the client is an ordinary end of a connection here; 'close' follows it.
      socket.on('error', () => {});
      options.onConnection(socket);
    });
    await listen(opened, host, port);
    port = (opened.address() as AddressInfo).port;
    server = opened;
  }

  async function unplug(): Promise<void> {
    const closing = server;
    if (!closing) return;
    server = undefined;
    const closed = new Promise<void>((resolve) => closing.close(() => resolve()));
    for (const socket of sockets) socket.resetAndDestroy();
    await closed;
  }

  await replug();
  return { address: `${host}:${port}`, unplug, replug };
}

function listen(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause) => {
      reject(
        new SimulatorError({
          code: 'sim-port-taken',
          message: `${host}:${port} cannot be listened on: ${cause.message}; choose another port, or 0 for any`,
          cause,
        }),
      );
    });
    server.listen(port, host, resolve);
  });
}
