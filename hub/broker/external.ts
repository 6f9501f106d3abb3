/**
 * An external MQTT 3.1.1 broker (Mosquitto, EMQX, …) through mqtt.js. Several hub processes take from one broker side by side: batches come
 * through a shared subscription (docs/decisions/0007), each to one of them.
 *
 * Losing the broker, or this process, costs time, never data: gateways free nothing until a hub has acknowledged, and whatever the
 * broker had handed to a process that died comes again from the gateway. So the session is clean: a session that outlived its process
 * would go on taking its share, for nobody. Reconnects for ever. Events of the open door, which nobody sends again, have a connection and a session
 * of their own (door-link.ts).
 */
import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import type { Log } from '../../protocols/base/log.ts';
import { ALL_SPARKPLUG } from '../../protocols/sparkplug/index.ts';
import { topics } from '../../protocols/uplink/topics.ts';
import { Admission } from './admission.ts';
import { type Broker, FINISH_MS, type Handler, isAcknowledgedLate } from './broker.ts';
import { openDoorLink } from './door-link.ts';
import { openHubClient, sharedTopic } from './hub-client.ts';
import { untilTaken } from './until-taken.ts';

export interface ExternalBrokerOptions {
  url: string;
  /** No two connected clients may share it. Default: the machine's name and something random. */
  clientId?: string;
  /** Name of the shared subscription; empty: none, for a broker that knows none. Then one process must take everything. */
  share: string;
  /** Of this process over restarts, and of no other: the broker keeps for it what came by the open door. */
  name?: string;
  username?: string;
  password?: string;
  log: Log;
  maxPendingBytes?: number;
}

/** Of which the broker keeps the last one of each gateway. */
const RETAINED = [topics.upStatus('+'), topics.upConfig('+')];
/** Retained messages come right after subscribing; a subscription of our own to what others take as well is not kept. */
const RETAINED_MS = 10_000;
/** In hands, whatever their size: what a Sparkplug node says is small. */
const MAX_MESSAGES = 10_000;
/** The part of `maxPendingBytes` that the open door may have in hands: gateways' batches do not wait for it. */
const DOOR_PART = 4;

export async function openExternalBroker(options: ExternalBrokerOptions): Promise<Broker> {
  const { url, share, log } = options;
  const clientId = options.clientId ?? `milepost-hub-${hostname()}-${randomBytes(4).toString('hex')}`;
  const maxPendingBytes = options.maxPendingBytes ?? 64 * 1024 * 1024;
  const admission = new Admission(maxPendingBytes, MAX_MESSAGES);
  const closing = new AbortController();
  const taken = untilTaken({ log, signal: closing.signal });
  let handler: Handler | undefined;
  let retained: NodeJS.Timeout | undefined;
  // What a Sparkplug node says makes sense only as a whole: each process takes all of it, and what is taken twice counts once.
  const everything = [sharedTopic(share, topics.allUp), ALL_SPARKPLUG];
  const gateways = await openHubClient({
    ...options,
    clientId,
    clean: true,
    topics: everything,
    onSubscribed: async () => {
      if (share === '') return;
      // A shared subscription is given no retained messages: what gateways said while no hub was there.
      await client.subscribeAsync(RETAINED, { qos: 1 });
      clearTimeout(retained);
      retained = setTimeout(() => client.unsubscribe(RETAINED), RETAINED_MS);
    },
  });
  const { client } = gateways;
  client.on('close', () => clearTimeout(retained));
  const door = await openDoorLink({ ...options, maxPendingBytes: maxPendingBytes / DOOR_PART });

  // mqtt.js waits for this callback before it acknowledges and reads on: it is where a full hub stops the flow.
  client.handleMessage = (packet, done) => {
    const payload = Buffer.isBuffer(packet.payload) ? packet.payload : Buffer.from(packet.payload);
    const take = handler;
    if (!take) return done();
    const { topic } = packet;
    admission.enter(payload.length, () => {
      const isLate = isAcknowledgedLate(topic);
      // Without a PUBACK nobody learns how late it was taken: what comes behind does not wait for it.
      if (!isLate || packet.qos === 0) done();
      const dealtWith = isLate
        ? taken(take, topic, payload).then((isTaken) => {
            if (isTaken && packet.qos > 0) done();
          })
        : take(topic, payload).catch((error) => log.error({ err: error, topic }, 'message from a gateway not taken'));
      void dealtWith.finally(() => admission.leave(payload.length));
    });
  };

  return {
    url: undefined,
    async start(given) {
      handler = given;
      client.connect();
      door.start(given);
    },
    async publish(topic, payload, { retain = false } = {}) {
      // Acknowledgements that cannot be sent are not queued: the gateway sends its batch again and is answered then.
      if (!client.connected) throw new Error(`not connected to ${url}`);
      await client.publishAsync(topic, payload, { qos: 1, retain });
    },
    healthy() {
      const of = gateways.healthy();
      return of.ok ? door.healthy() : of;
    },
    queue() {
      const { bytes, waiting } = door.queue();
      return { bytes: admission.bytes + bytes, waiting: admission.waiting + waiting };
    },
    async close() {
      clearTimeout(retained);
      const doorClosed = door.close();
      closing.abort();
      if (client.connected) {
        // Nothing new for us from here on: the other members of the share take it.
        await Promise.race([client.unsubscribeAsync(everything).catch(() => {}), delay(FINISH_MS)]);
        await Promise.race([admission.empty(), delay(FINISH_MS)]);
      }
      await client.endAsync(!client.connected);
      await doorClosed;
    },
  };
}
