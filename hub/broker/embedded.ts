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
import type { Aedes, AuthenticateError, Client } from 'aedes';
import type { Log } from '../../protocols/base/log.ts';
import { commandedNode, sparkplugGatewayId } from '../../protocols/sparkplug/index.ts';
import { Admission } from './admission.ts';
import { type Broker, BrokerError, FINISH_MS, type Handler, isAcknowledgedLate, senderOf } from './broker.ts';
import { InOrder } from './in-order.ts';
import { Listeners } from './listeners.ts';

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
/** Who numbered a message, in place of the broker. */
const SHORT_WAY = 'hub';

export async function openEmbeddedBroker(options: EmbeddedBrokerOptions): Promise<Broker> {
  const { Aedes } = await import('aedes');
  const { users, log } = options;
  const admission = new Admission(options.maxPendingBytes ?? 64 * 1024 * 1024);
  const userOf = new WeakMap<Client, string>();
  const orders = new WeakMap<Client, InOrder>();
  const listeners = new Listeners();
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
      const { topic } = packet;
      if (isAcknowledgedLate(topic)) return takeLate(take, { topic, payload, order: orderOf(client), done });
      // Nothing that came before waits for its acknowledgement, and what comes behind is let in behind it: it needs no turn then.
      const order = client ? orders.get(client) : undefined;
      const inTurn = order?.isWaiting ? order.announce() : undefined;
      admission.enter(payload.length, () => {
        if (inTurn) inTurn(() => done(null));
        else done(null);
        take(topic, payload).then(
          () => admission.leave(payload.length),
          (error) => {
            log.error({ err: error, topic }, 'message from a gateway not taken');
            admission.leave(payload.length);
          },
        );
      });
    },
    authorizeSubscribe(client, subscription, done) {
      const [, , gatewayId] = subscription.topic.split('/');
      const node = commandedNode(subscription.topic);
      const allowed = users.size === 0 || (node ? sparkplugGatewayId(node) : gatewayId) === userOf.get(client);
      if (allowed && !client.clean) listeners.keep(subscription.topic);
      done(null, allowed ? subscription : null);
    },
  });

  const publish = shortWay(aedes, listeners);

  /** A will has no client any more that others of its messages could come from. */
  function orderOf(client: Client | null): InOrder {
    const order = (client ? orders.get(client) : undefined) ?? new InOrder();
    if (client) orders.set(client, order);
    return order;
  }

  function takeLate(
    take: Handler,
    message: { topic: string; payload: Buffer; order: InOrder; done: (error: Error | null) => void },
  ): void {
    const { topic, payload, order, done } = message;
    const inTurn = order.announce();
    const answer = (error: Error | null) => inTurn(() => done(error));
    admission.enter(payload.length, () => {
      void take(topic, payload)
        .then(() => answer(null), answer)
        .finally(() => admission.leave(payload.length));
    });
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
    publish: (topic, payload, { retain = false } = {}) => publish(topic, payload, retain),
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

/**
 * Spares aedes' routing where `listeners` know who hears a message: what a client publishes and nobody hears is not routed, and what the hub
 * publishes goes to its subscribers as if the routing had found them. Gives the hub's own publish; QoS 1.
 */
function shortWay(
  aedes: Aedes,
  listeners: Listeners,
): (topic: string, payload: Buffer, retain: boolean) => Promise<void> {
  const { publish, subscribe, unsubscribe } = aedes;
  aedes.subscribe = (filter, deliver, done) => {
    listeners.add(filter, deliver);
    subscribe.call(aedes, filter, deliver, done);
  };
  aedes.unsubscribe = (filter, deliver, done) => {
    listeners.remove(filter, deliver);
    unsubscribe.call(aedes, filter, deliver, done);
  };
  // With the client, where there is one, between the packet and what is called at the end.
  aedes.publish = (packet, ...rest: unknown[]) => {
    const done = rest.at(-1);
    const isHeard = packet.retain || packet.topic.startsWith('$') || listeners.of(packet.topic)?.size !== 0;
    if (isHeard || typeof done !== 'function') Reflect.apply(publish, aedes, [packet, ...rest]);
    else done();
  };
  let count = 0;
  return (topic, payload, retain) => {
    const packet = { cmd: 'publish', topic, payload, qos: 1, retain, dup: false } as const;
    const hearing = retain ? undefined : listeners.of(topic);
    return new Promise((resolve, reject) => {
      if (!hearing) return aedes.publish(packet, (error) => (error ? reject(error) : resolve()));
      let waiting = hearing.size;
      if (waiting === 0) return resolve();
      // Numbered by themselves: what a client gets out of turn it takes for a repetition, and routing takes its time.
      count++;
      for (const deliver of hearing) {
        deliver({ ...packet, brokerId: SHORT_WAY, brokerCounter: count }, () => {
          if (--waiting === 0) resolve();
        });
      }
    });
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
