/** The link's socket, at a broker that says just what MQTT 3.1.1 wants said. The link at real brokers: test/e2e. */
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createServer, Socket } from 'node:net';
import { expect, it, vi } from 'vitest';
import { silentLog } from '../../protocols/base/log.ts';
import { ManualClock } from '../../protocols/base/manual-clock.ts';
import { MqttLink } from './mqtt-link.ts';

const CONNACK = Buffer.from('20020000', 'hex');
/** First octet of CONNECT and SUBSCRIBE. */
const CONNECT = 0x10;
const SUBSCRIBE = 0x82;

it('sends at once what is to be sent: TCP_NODELAY is on before the link is up', async () => {
  const server = createServer((socket) => {
    socket.on('data', (bytes) => {
      if (bytes[0] === CONNECT) socket.write(CONNACK);
      // SUBACK: the packet identifier, and QoS 1 granted.
      if (bytes[0] === SUBSCRIBE) socket.write(Buffer.from([0x90, 3, bytes[2] ?? 0, bytes[3] ?? 0, 1]));
    });
    socket.on('error', () => {});
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const on: (number | undefined)[] = [];
  const { setNoDelay } = Socket.prototype;
  const spy = vi.spyOn(Socket.prototype, 'setNoDelay').mockImplementation(function (this: Socket, noDelay?: boolean) {
    if (noDelay !== false) on.push(this.remotePort);
    return setNoDelay.call(this, noDelay);
  });
  const link = new MqttLink({
    url: `mqtt://127.0.0.1:${port}`,
    clientId: 'gw',
    keepaliveSeconds: 30,
    subscribe: ['t'],
    will: { topic: 'w', payload: Buffer.alloc(0) },
    clock: new ManualClock(),
    random: () => 0,
    log: silentLog,
  });
  try {
    await vi.waitFor(() => expect(link.connected).toBe(true), { timeout: 30_000, interval: 5 });
    expect(on).toContain(port);
  } finally {
    await link.close();
    spy.mockRestore();
    server.close();
  }
});
