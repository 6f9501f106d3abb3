/** The bad network itself: nothing lost unless it cuts, nothing in another order, and each fault is what it says. */
import { connect, createServer, type Server, type Socket } from 'node:net';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { type FaultProxy, startFaultProxy } from './fault-proxy.ts';
import { HOST } from './ports.ts';

let echo: Server;
let proxy: FaultProxy;
let clients: Socket[];

beforeEach(async () => {
  clients = [];
  echo = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on('error', () => undefined);
    socket.pipe(socket);
  });
  await new Promise<void>((resolve) => echo.listen(0, HOST, resolve));
  const address = echo.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  proxy = await startFaultProxy({ target: { host: HOST, port: address.port } });
});

afterEach(async () => {
  for (const socket of clients) socket.destroy();
  await proxy.close();
  await new Promise<void>((resolve) => echo.close(() => resolve()));
});

interface Client {
  socket: Socket;
  received(): Buffer;
  ended(): string;
}

async function client(): Promise<Client> {
  const chunks: Buffer[] = [];
  let ended = '';
  const socket = connect(proxy.port, HOST);
  clients.push(socket);
  socket.on('data', (chunk) => chunks.push(chunk));
  socket.on('error', (error: NodeJS.ErrnoException) => {
    ended = error.code ?? error.message;
  });
  socket.on('end', () => {
    ended ||= 'end';
  });
  await new Promise<void>((resolve) => {
    socket.once('connect', resolve);
    socket.once('close', resolve);
  });
  return { socket, received: () => Buffer.concat(chunks), ended: () => ended };
}

const until = (check: () => void) => vi.waitFor(check, { timeout: 15_000, interval: 5 });

it('passes megabytes unchanged, and the end of each side', async () => {
  const { socket, received, ended } = await client();
  const sent = Buffer.from(Array.from({ length: 9_000_000 }, (_, at) => at % 251));
  socket.end(sent);
  await until(() => expect(ended()).toBe('end'));
  expect(received().equals(sent)).toBe(true);
});

it('holds everything back while it hangs, on old and new connections, and passes it in order afterwards', async () => {
  const old = await client();
  old.socket.write('before ');
  await until(() => expect(old.received().toString()).toBe('before '));
  proxy.hang();
  old.socket.write('while ');
  const young = await client();
  young.socket.write('young');
  await new Promise((resolve) => setTimeout(resolve, 200));
  expect(old.received().toString()).toBe('before ');
  expect(young.received()).toHaveLength(0);
  expect(old.ended()).toBe('');
  proxy.heal();
  old.socket.write('after');
  await until(() => expect(old.received().toString()).toBe('before while after'));
  await until(() => expect(young.received().toString()).toBe('young'));
});

it('delays each way, in order', async () => {
  const { socket, received } = await client();
  proxy.delay(150);
  const sentMs = performance.now();
  socket.write('one ');
  await new Promise((resolve) => setTimeout(resolve, 30));
  socket.write('two ');
  proxy.delay(0);
  socket.write('three');
  await until(() => expect(received().toString()).toBe('one two three'));
  expect(performance.now() - sentMs).toBeGreaterThanOrEqual(145);
});

it('cuts: both ends are reset, new connections too, until it heals', async () => {
  const old = await client();
  old.socket.write('x');
  await until(() => expect(old.received()).toHaveLength(1));
  proxy.cut();
  await until(() => expect(old.ended()).toBe('ECONNRESET'));
  const refused = await client();
  await until(() => expect(refused.ended()).not.toBe(''));
  expect(proxy.connections).toBe(1);
  proxy.heal();
  const again = await client();
  again.socket.write('y');
  await until(() => expect(again.received().toString()).toBe('y'));
});

it('resets the client when nothing listens behind it', async () => {
  await new Promise<void>((resolve) => echo.close(() => resolve()));
  const { ended } = await client();
  await until(() => expect(ended()).toBe('ECONNRESET'));
});
