import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ManualClock } from '../../protocols/base/manual-clock.ts';
import { AddressGuard, parseNetwork } from './address-guard.ts';
import { sendWebhook, signatureOf } from './webhook.ts';

/** Published with the libraries of standardwebhooks.com; Svix prints the same one in its documentation. */
const VECTOR = {
  secret: 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw',
  deliveryId: 'msg_p5jXN8AQM9LWM0D4loKWxJek',
  timestamp: 1614265330,
  body: '{"test": 2432232314}',
  signature: 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
};

let server: Server;
let base: string;
const received: { headers: IncomingMessage['headers']; url: string | undefined; body: string }[] = [];

beforeAll(async () => {
  server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      received.push({ headers: request.headers, url: request.url, body: Buffer.concat(chunks).toString() });
      const status = Number(request.url?.slice(1));
      if (status > 0) response.writeHead(status, { location: `${base}/200`, 'retry-after': '7' }).end('x');
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

const clock = new ManualClock(VECTOR.timestamp * 1000);
const send = (url: string, { guard = new AddressGuard(['127.0.0.1']), signal = new AbortController().signal } = {}) =>
  sendWebhook({ ...VECTOR, url, signal }, { clock, guard, timeoutMs: 10_000 });

it('signs as the specification has it, also with a secret that is plain text', () => {
  expect(signatureOf(VECTOR)).toBe(VECTOR.signature);
  expect(signatureOf({ ...VECTOR, secret: 'sixteen letters!' })).not.toBe(VECTOR.signature);
});

describe('a web hook', () => {
  it('is done with 2xx, and carries id, time and signature', async () => {
    expect(await send(`${base}/204`)).toEqual({ done: true });
    expect(received.at(-1)).toMatchObject({
      body: VECTOR.body,
      headers: {
        'content-type': 'application/json',
        'webhook-id': VECTOR.deliveryId,
        'webhook-timestamp': String(VECTOR.timestamp),
        'webhook-signature': VECTOR.signature,
      },
    });
  });

  it.each([
    [500, 'webhook-refused', 7000],
    [429, 'webhook-refused', 7000],
    [404, 'webhook-refused', 7000],
    [410, 'webhook-gone', undefined],
    [302, 'webhook-redirected', undefined],
    [307, 'webhook-redirected', undefined],
  ])('that answers %i has failed, and goes nowhere else', async (status, code, retryAfterMs) => {
    const before = received.length;
    const outcome = await send(`${base}/${status}`);
    expect(outcome).toMatchObject({ done: false, code, ...(retryAfterMs && { retryAfterMs }) });
    expect(received).toHaveLength(before + 1);
  });

  it('that does not answer is given up after its time, or when the hub stops', async () => {
    const late = send(`${base}/`);
    await expect.poll(() => received.at(-1)?.url).toBe('/');
    await clock.advance(10_000);
    expect(await late).toMatchObject({ code: 'webhook-timeout' });
    const stopping = new AbortController();
    const stopped = send(`${base}/`, { signal: stopping.signal });
    stopping.abort();
    expect(await stopped).toMatchObject({ code: 'delivery-interrupted' });
    expect(clock.timers).toBe(0);
  });

  it('to nobody has failed', async () => {
    const free = createServer();
    await new Promise<void>((resolve) => free.listen(0, '127.0.0.1', resolve));
    const { port } = free.address() as AddressInfo;
    await new Promise((resolve) => free.close(resolve));
    expect(await send(`http://127.0.0.1:${port}/`)).toMatchObject({ code: 'webhook-unreachable' });
  });

  it('does not reach what is not on the public Internet, by address or by name', async () => {
    const before = received.length;
    const guard = new AddressGuard();
    expect(await send(`${base}/200`, { guard })).toMatchObject({ code: 'address-private' });
    expect(await send(`${base.replace('127.0.0.1', 'localhost')}/200`, { guard })).toMatchObject({
      code: 'address-private',
    });
    expect(received).toHaveLength(before);
  });
});

it('knows which addresses are whose', () => {
  const guard = new AddressGuard(['10.1.0.0/16', 'fd00::5']);
  const permits = (...addresses: string[]) => addresses.map((address) => guard.permits(address));
  expect(permits('93.184.216.34', '2606:2800:220:1::1', '10.1.2.3', 'fd00::5')).toEqual([true, true, true, true]);
  expect(permits('10.2.0.1', '127.0.0.1', '169.254.169.254', '192.168.1.1', '172.31.0.1')).not.toContain(true);
  expect(permits('::1', '::ffff:10.2.0.1', '::ffff:7f00:1', 'fd00::6', 'fe80::1', '0.0.0.0', 'example')).not.toContain(
    true,
  );
  expect(['10.0.0.0/8', '::1', '10.0.0.0/33', '10.0.0', 'a/8', '1.2.3.4/8/8'].map(parseNetwork)).toEqual([
    ['10.0.0.0', 8],
    ['::1', 128],
    undefined,
    undefined,
    undefined,
    undefined,
  ]);
});
