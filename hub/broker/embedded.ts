/**
 * The embedded broker: aedes in this process. Handlers run ahead of aedes' own routing (`authorizePublish`), which is also where a full
 * hub makes a gateway's socket wait. With users configured a client must log in, and may publish only for the gateway it is logged in as.
 *
 * aedes handles what one read of a client's socket brought side by side, so events of the open door gather in groups (hub/door/groups.ts); PUBACKs
 * go out in the order of the PUBLISHes all the same.
 */
import { timingSafeEqual } from 'node:crypto';
import { createServer, type Server, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import type { AuthenticateError, Client } from 'aedes';
import type { Log } from '../../protocols/base/log.ts';
import { commandedNode, sparkplugGatewayId } from '../../protocols/sparkplug/index.ts';
import { Admission } from './admission.ts';
import { type Broker, BrokerError, FINISH_MS, type Handler, isAcknowledgedLate, senderOf } from './broker.ts';
import { InOrder } from './in-order.ts';

export interface EmbeddedBrokerOptions {
  host: string;
  /** 0 takes a free port. */
  port: number;
  /** User name (the gateway's id) → password. Empty: anyone who reaches the port. */
  users: ReadonlyMap<string, string>;
  log: Log;
  maxPendingBytes?: number;
}

/** MQTT 3.1.1, 3.2.2.3: connection refused, bad user name or password. */
const BAD_CREDENTIALS = 4;

export async function openEmbeddedBroker(options: EmbeddedBrokerOptions): Promise<Broker> {
  const { Aedes } = await import('aedes');
  const { users, log } = options;
  const admission = new Admission(options.maxPendingBytes ?? 64 * 1024 * 1024);
  const userOf = new WeakMap<Client, string>();
  const orders = new WeakMap<Client, InOrder>();
  const sockets = new Set<Socket>();
  let handler: Handler | undefined;
  let isClosing = false;

  const aedes = await Aedes.createBroker({
    authenticate(client, username, password, done) {
      if (users.size === 0) return done(null, true);
      const expected = users.get(username ?? '');
      if (expected !== undefined && sameSecret(expected, password?.toString() ?? '')) {
        userOf.set(client, username ?? '');
        return done(null, true);
      }
      log.warn({ client: client.id, username }, 'MQTT client refused: bad user name or password');
      done(
        Object.assign(new Error('bad user name or password'), { returnCode: BAD_CREDENTIALS }) as AuthenticateError,
        false,
      );
    },
    authorizePublish(client, packet, done) {
      const user = client ? userOf.get(client) : undefined;
      if (client && users.size > 0 && senderOf(packet.topic) !== user) {
        return done(new Error(`${user ?? client.id} may not publish on ${packet.topic}`));
      }
      const take = handler;
      // No answer, and the socket is not read any further: it is closed soon.
      if (isClosing) return;
      if (!take) return done(new Error('the hub is not ready'));
      const payload = Buffer.isBuffer(packet.payload) ? packet.payload : Buffer.from(packet.payload);
      const inTurn = turnOf(client);
      const answer = (error: Error | null) => inTurn(() => done(error));
      void admission
        .enter(payload.length)
        .then(() => {
          if (isAcknowledgedLate(packet.topic)) return take(packet.topic, payload).then(() => answer(null), answer);
          answer(null);
          return take(packet.topic, payload).catch((error) =>
            log.error({ err: error, topic: packet.topic }, 'message from a gateway not taken'),
          );
        })
        .finally(() => admission.leave(payload.length));
    },
    authorizeSubscribe(client, subscription, done) {
      const [, , gatewayId] = subscription.topic.split('/');
      const node = commandedNode(subscription.topic);
      const allowed = users.size === 0 || (node ? sparkplugGatewayId(node) : gatewayId) === userOf.get(client);
      done(null, allowed ? subscription : null);
    },
  });

  function turnOf(client: Client | null): (go: () => void) => void {
    if (!client) return (go) => go();
    const order = orders.get(client) ?? new InOrder();
    orders.set(client, order);
    return order.announce();
  }

  aedes.on('clientError', (client, error) => log.debug({ client: client.id, err: error }, 'MQTT client error'));
  aedes.on('connectionError', (client, error) => log.debug({ client: client.id, err: error }, 'MQTT connection error'));

  const server = createServer((socket) => {
    socket.setNoDelay(true);
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    aedes.handle(socket);
  });
  const port = await listen(server, options);
  log.info({ host: options.host, port }, 'MQTT broker listens');

  return {
    url: `mqtt://${options.host}:${port}`,
    async start(given) {
      handler = given;
    },
    publish: (topic, payload, { retain = false } = {}) =>
      new Promise((resolve, reject) => {
        aedes.publish({ cmd: 'publish', topic, payload, qos: 1, retain, dup: false }, (error) =>
          error ? reject(error) : resolve(),
        );
      }),
    healthy: () => ({
      ok: server.listening,
      detail: `${aedes.connectedClients} clients, ${admission.bytes} bytes in hands`,
    }),
    queue: () => ({ bytes: admission.bytes, waiting: admission.waiting }),
    async close() {
      // Gateways that are connected hear what is acknowledged last; what comes on top comes again.
      isClosing = true;
      await Promise.race([admission.empty(), delay(FINISH_MS)]);
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      await new Promise<void>((resolve) => aedes.close(() => resolve()));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

function listen(server: Server, { host, port }: EmbeddedBrokerOptions): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const reason = error.code === 'EADDRINUSE' ? 'something else listens there already' : error.message;
      const message = `the MQTT broker cannot listen on ${host}:${port}: ${reason}; choose another mqtt.listen`;
      reject(new BrokerError({ code: 'broker-port', message, cause: error }));
    });
    server.listen(port, host, () => {
      const address = server.address();
      resolve(typeof address === 'object' && address !== null ? address.port : port);
    });
  });
}

function sameSecret(expected: string, given: string): boolean {
  const left = Buffer.from(expected);
  const right = Buffer.from(given);
  return left.length === right.length && timingSafeEqual(left, right);
}
