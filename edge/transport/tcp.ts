/**
 * A TCP connection as a Transport. Nagle is off (small requests and acknowledgements must not wait for each other), keepalive is
 * on so that a silent peer that lost power is found in the end; a driver whose protocol has its own liveness is quicker.
 */
import { connect, type Socket } from 'node:net';
import { IncomingBytes } from './incoming-bytes.ts';
import { type TcpOptions, type Transport, TransportError, type TransportErrorCode } from './transport.ts';

const CONNECT_TIMEOUT_MS = 5_000;
const KEEPALIVE_IDLE_MS = 15_000;

export async function openTcp(options: TcpOptions, signal: AbortSignal): Promise<Transport> {
  const socket = await connectSocket(options, signal);
  const where = `${options.host}:${options.port}`;
  const incoming = new IncomingBytes();
  const lost = (cause: Error) =>
    new TransportError({
      code: 'connection-lost',
      message: `${where}: the connection was lost (${cause.message})`,
      cause,
    });

  socket.on('data', (chunk: Buffer) => {
    incoming.push(chunk);
    if (!incoming.isFull) return;
    socket.pause();
    void incoming.whenRoom().then(() => socket.resume());
  });
  socket.on('end', () => incoming.end());
  socket.on('error', (error) => incoming.fail(lost(error)));
  socket.on('close', () => incoming.end());

  return {
    incoming,
    write: (bytes) =>
      new Promise((resolve, reject) => {
        socket.write(bytes, (error) => (error ? reject(lost(error)) : resolve()));
      }),
    close: () =>
      new Promise((resolve) => {
        incoming.discard();
        if (socket.closed) return resolve();
        socket.once('close', () => resolve());
        // end() hands over what was written; destroySoon closes after that, without waiting for the other side.
        socket.destroySoon();
      }),
  };
}

function connectSocket(options: TcpOptions, signal: AbortSignal): Promise<Socket> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason);
    const timeoutMs = options.connectTimeoutMs ?? CONNECT_TIMEOUT_MS;
    const socket = connect({
      host: options.host,
      port: options.port,
      noDelay: true,
      keepAlive: true,
      keepAliveInitialDelay: KEEPALIVE_IDLE_MS,
    });
    const fail = (error: unknown) => {
      settle();
      socket.on('error', () => {}); // whatever it still says concerns nobody
      socket.destroy();
      reject(error);
    };
    const onError = (error: NodeJS.ErrnoException) => fail(connectError(options, error));
    const onAbort = () => fail(signal.reason);
    const onConnect = () => {
      if (isOwnEnd(socket)) return fail(refused(options));
      settle();
      resolve(socket);
    };
    const timer = setTimeout(() => {
      fail(
        new TransportError({
          code: 'connect-timeout',
          message: `${options.host}:${options.port} did not answer within ${timeoutMs} ms: is it switched on, and is this box on its network?`,
        }),
      );
    }, timeoutMs);
    const settle = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', onAbort);
      socket.off('error', onError);
      socket.off('connect', onConnect);
    };
    socket.once('error', onError);
    socket.once('connect', onConnect);
    signal.addEventListener('abort', onAbort, { once: true });
  });
}

/**
 * Nobody listens, yet the connection stands: on one machine the system may choose the very port that is called as the caller's own, and
 * TCP then connects the socket with itself. Kept, it would also keep the device's port from whoever wants to listen there.
 */
export function isOwnEnd(ends: Pick<Socket, 'localAddress' | 'localPort' | 'remoteAddress' | 'remotePort'>): boolean {
  return ends.localPort === ends.remotePort && ends.localAddress === ends.remoteAddress;
}

function refused({ host, port }: TcpOptions, cause?: unknown): TransportError {
  const message = `${host}:${port} refused the connection: nothing listens on port ${port} there`;
  return new TransportError({ code: 'connect-refused', message, cause });
}

function connectError(options: TcpOptions, cause: NodeJS.ErrnoException): TransportError {
  const where = `${options.host}:${options.port}`;
  const fault = (code: TransportErrorCode, message: string) => new TransportError({ code, message, cause });
  switch (cause.code) {
    case 'ECONNREFUSED':
      return refused(options, cause);
    case 'ETIMEDOUT':
      return fault('connect-timeout', `${where} did not answer: is it switched on, and is this box on its network?`);
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
    case 'EAI_FAIL':
    case 'EAI_NONAME':
    case 'EAI_NODATA':
      return fault(
        'host-unknown',
        `the name '${options.host}' cannot be resolved (${cause.code}): check its spelling and this box's DNS`,
      );
    default:
      return fault(
        'connect-failed',
        `${where} cannot be reached (${cause.code ?? cause.message}): check cable, address and route`,
      );
  }
}
