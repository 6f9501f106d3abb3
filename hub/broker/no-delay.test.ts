/**
 * TCP_NODELAY on both ends of the hub's MQTT sockets: with batches of 20 kB Nagle's algorithm and delayed acknowledgements cost 40 ms a
 * message. Whether it is switched on cannot be read from a socket, so it is watched being switched.
 */
import { Socket } from 'node:net';
import { afterEach, expect, it, vi } from 'vitest';
import { silentLog } from '../../protocols/base/log.ts';
import type { Broker } from './broker.ts';
import { openEmbeddedBroker } from './embedded.ts';
import { openExternalBroker } from './external.ts';

const open: Broker[] = [];
afterEach(async () => {
  for (const broker of open.splice(0).reverse()) await broker.close();
  vi.restoreAllMocks();
});

it('is set by the embedded broker on what it accepts, and by a hub on its connection to a broker', async () => {
  const off: Socket[] = [];
  const on: Socket[] = [];
  const { setNoDelay } = Socket.prototype;
  vi.spyOn(Socket.prototype, 'setNoDelay').mockImplementation(function (this: Socket, noDelay?: boolean) {
    (noDelay === false ? off : on).push(this);
    return setNoDelay.call(this, noDelay);
  });
  const embedded = await openEmbeddedBroker({ host: '127.0.0.1', port: 0, users: new Map(), log: silentLog });
  open.push(embedded);
  await embedded.start(async () => {});
  const url = embedded.url ?? '';
  const port = Number(new URL(url).port);
  const external = await openExternalBroker({ url, share: '', log: silentLog });
  open.push(external);
  await external.start(async () => {});
  await vi.waitFor(() => expect(external.healthy().ok).toBe(true), { timeout: 30_000, interval: 5 });
  expect(on.filter(({ localPort }) => localPort === port)).not.toEqual([]);
  expect(on.filter(({ remotePort }) => remotePort === port)).not.toEqual([]);
  expect(off).toEqual([]);
});
