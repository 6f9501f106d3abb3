import { createServer, type Server, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { openTransport } from './open.ts';
import { isOwnEnd, openTcp } from './tcp.ts';

const open: Server[] = [];
const never = new AbortController().signal;

afterEach(async () => {
  await Promise.all(open.splice(0).map((server) => new Promise((resolve) => server.close(resolve))));
});

async function listen(onConnection: (socket: Socket) => void): Promise<number> {
  const server = createServer(onConnection);
  open.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

describe('TCP transport', () => {
  it('carries bytes both ways and ends when the other side ends', async () => {
    const port = await listen((socket) => {
      socket.on('data', (chunk) => socket.end(Buffer.concat([Buffer.from('echo '), chunk])));
    });
    const transport = await openTransport({ kind: 'tcp', host: '127.0.0.1', port }, never);
    await transport.write(Buffer.from('hello'));
    let text = '';
    for await (const chunk of transport.incoming) text += Buffer.from(chunk).toString();
    expect(text).toBe('echo hello');
    await transport.close();
    await transport.close();
    await expect(transport.write(Buffer.from('x'))).rejects.toMatchObject({ code: 'connection-lost' });
  });

  it('hands over what was written before the close', async () => {
    const got = new Promise<string>((resolve) => {
      listen((socket) => {
        let text = '';
        socket.on('data', (chunk) => {
          text += chunk.toString();
        });
        socket.on('end', () => resolve(text));
      }).then(async (port) => {
        const transport = await openTcp({ kind: 'tcp', host: '127.0.0.1', port }, never);
        void transport.write(Buffer.from('goodbye'));
        await transport.close();
      }, resolve);
    });
    expect(await got).toBe('goodbye');
  });

  it('throws when the connection is reset', async () => {
    const port = await listen((socket) => socket.once('data', () => socket.resetAndDestroy()));
    const transport = await openTcp({ kind: 'tcp', host: '127.0.0.1', port }, never);
    await transport.write(Buffer.from('x'));
    await expect(transport.incoming[Symbol.asyncIterator]().next()).rejects.toMatchObject({ code: 'connection-lost' });
    await transport.close();
  });

  it('stops the flow while nobody takes, and loses nothing', async () => {
    const megabytes = 8;
    let sent = 0;
    const port = await listen((socket) => {
      const block = Buffer.alloc(64 * 1024, 7);
      const more = () => {
        while (sent < megabytes * 1024 * 1024) {
          sent += block.length;
          if (!socket.write(block)) return void socket.once('drain', more);
        }
        socket.end();
      };
      more();
    });
    const transport = await openTcp({ kind: 'tcp', host: '127.0.0.1', port }, never);
    const chunks = transport.incoming[Symbol.asyncIterator]();
    let received = (await chunks.next()).value?.length ?? 0;
    // The sender comes to rest when all buffers between the two are full.
    for (let before = -1; before !== sent; ) {
      before = sent;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    expect(sent).toBeLessThan(megabytes * 1024 * 1024);
    for (let next = await chunks.next(); !next.done; next = await chunks.next()) received += next.value.length;
    expect(received).toBe(megabytes * 1024 * 1024);
    await transport.close();
  });

  it('names what is wrong when it cannot connect', async () => {
    const port = await listen(() => {});
    const server = open.pop();
    await new Promise((resolve) => server?.close(resolve));
    await expect(openTcp({ kind: 'tcp', host: '127.0.0.1', port }, never)).rejects.toMatchObject({
      code: 'connect-refused',
      message: expect.stringContaining(`127.0.0.1:${port}`),
    });
    await expect(openTcp({ kind: 'tcp', host: 'reader.invalid', port }, never)).rejects.toMatchObject({
      code: 'host-unknown',
      message: expect.stringContaining('reader.invalid'),
    });
  });

  it('knows a connection with itself', () => {
    const ends = { localAddress: '127.0.0.1', localPort: 40_000, remoteAddress: '127.0.0.1', remotePort: 40_000 };
    expect(isOwnEnd(ends)).toBe(true);
    expect(isOwnEnd({ ...ends, localPort: 40_001 })).toBe(false);
    expect(isOwnEnd({ ...ends, localAddress: '192.0.2.1', remoteAddress: '192.0.2.2' })).toBe(false);
  });

  it('gives up connecting by time and by signal', async () => {
    const stop = new AbortController();
    // TEST-NET-1 (RFC 5737): routed nowhere, so that the attempt hangs, or is refused by this machine's own network.
    const options = { kind: 'tcp', host: '192.0.2.1', port: 5084, connectTimeoutMs: 50 } as const;
    await expect(openTcp(options, never)).rejects.toMatchObject({ code: expect.stringMatching(/^connect-/) });
    const attempt = openTcp({ ...options, connectTimeoutMs: 60_000 }, stop.signal);
    stop.abort(new Error('stopping'));
    await expect(attempt).rejects.toThrow('stopping');
    await expect(openTcp(options, stop.signal)).rejects.toThrow('stopping');
  });
});
