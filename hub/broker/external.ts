/**
 * An external MQTT 3.1.1 broker (Mosquitto, EMQX, …) through mqtt.js. Several hub processes take from one broker side by side: batches come
 * through a shared subscription (docs/decisions/0007), each to one of them.
 *
 * Losing the broker, or this process, costs time, never data: gateways free nothing until a hub has acknowledged, and whatever the
 * broker had handed to a process that died comes again from the gateway. So the session is clean: a session that outlived its process
 * would go on taking its share, for nobody. Reconnects for ever.
 */
import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import type { Log } from '../../protocols/base/log.ts';
import { ALL_SPARKPLUG } from '../../protocols/sparkplug/index.ts';
import { topics } from '../../protocols/uplink/topics.ts';
import { Admission } from './admission.ts';
import { type Broker, FINISH_MS, type Handler, isAcknowledgedLate } from './broker.ts';

export interface ExternalBrokerOptions {
  url: string;
  /** No two connected clients may share it. Default: the machine's name and something random. */
  clientId?: string;
  /** Name of the shared subscription; empty: none, for a broker that knows none. Then one process must take everything. */
  share: string;
  username?: string;
  password?: string;
  log: Log;
  maxPendingBytes?: number;
}

/** What hubs take, each message by one of them. */
const TAKEN = [topics.allUp, topics.allDoors];
/** Of which the broker keeps the last one of each gateway. */
const RETAINED = [topics.upStatus('+'), topics.upConfig('+')];
/** A machine that vanished without a word keeps its share for one and a half of these. */
const KEEPALIVE_S = 5;
/** Retained messages come right after subscribing; a subscription of our own to what others take as well is not kept. */
const RETAINED_MS = 10_000;
/** Between two attempts to hand on a message that nobody else will send again. */
const RETRY_MS = 1_000;

export async function openExternalBroker(options: ExternalBrokerOptions): Promise<Broker> {
  const mqtt = (await import('mqtt')).default;
  const { url, share, username, password, log } = options;
  const clientId = options.clientId ?? `milepost-hub-${hostname()}-${randomBytes(4).toString('hex')}`;
  const admission = new Admission(options.maxPendingBytes ?? 64 * 1024 * 1024);
  const closing = new AbortController();
  let fault = 'not yet connected';
  let handler: Handler | undefined;
  let retained: NodeJS.Timeout | undefined;
  const client = mqtt.connect(url, {
    clientId,
    clean: true,
    keepalive: KEEPALIVE_S,
    protocolVersion: 4,
    reconnectPeriod: 1_000,
    resubscribe: false,
    manualConnect: true,
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password }),
  });
  // What a Sparkplug node says makes sense only as a whole: each process takes all of it, and what is taken twice counts once.
  const everything = [...TAKEN.map((topic) => (share === '' ? topic : `$share/${share}/${topic}`)), ALL_SPARKPLUG];
  client.on('error', (error) => {
    fault = error.message;
    log.warn({ broker: url, reason: error.message }, 'MQTT broker');
  });
  client.on('close', () => {
    clearTimeout(retained);
    if (fault === '') fault = 'the connection was closed';
  });
  client.on('connect', () => {
    (client.stream as { setNoDelay?: (on: boolean) => void }).setNoDelay?.(true);
    subscribe().catch((error: Error) => {
      fault = error.message;
      log.error({ broker: url, reason: error.message }, 'MQTT subscription refused');
    });
  });

  async function subscribe(): Promise<void> {
    const granted = await client.subscribeAsync(everything, { qos: 1 });
    if (granted.some(({ qos }) => qos > 2)) throw new Error(`the broker refuses to share ${TAKEN.join(', ')}`);
    fault = '';
    log.info({ broker: url, clientId, share }, 'subscribed at the MQTT broker');
    if (share === '') return;
    // A shared subscription is given no retained messages: what gateways said while no hub was there.
    await client.subscribeAsync(RETAINED, { qos: 1 });
    clearTimeout(retained);
    retained = setTimeout(() => client.unsubscribe(RETAINED), RETAINED_MS);
  }

  // mqtt.js waits for this callback before it acknowledges and reads on: it is where a full hub stops the flow.
  client.handleMessage = (packet, done) => {
    const payload = Buffer.isBuffer(packet.payload) ? packet.payload : Buffer.from(packet.payload);
    const take = handler;
    if (!take) return done();
    const { topic } = packet;
    void admission
      .enter(payload.length)
      .then(async () => {
        if (isAcknowledgedLate(topic)) {
          if (await taken(take, topic, payload)) done();
          return;
        }
        done();
        await take(topic, payload).catch((error) =>
          log.error({ err: error, topic }, 'message from a gateway not taken'),
        );
      })
      .finally(() => admission.leave(payload.length));
  };

  /** False when this process ends before: the broker keeps what was not acknowledged, or its sender does. */
  async function taken(take: Handler, topic: string, payload: Buffer): Promise<boolean> {
    for (let attempt = 1; !closing.signal.aborted; attempt++) {
      try {
        await take(topic, payload);
        return true;
      } catch (error) {
        if (attempt === 1) log.warn({ err: error, topic }, 'message not taken; trying again');
        await delay(RETRY_MS, undefined, { signal: closing.signal }).catch(() => {});
      }
    }
    return false;
  }

  return {
    url: undefined,
    async start(given) {
      handler = given;
      client.connect();
    },
    async publish(topic, payload, { retain = false } = {}) {
      // Acknowledgements that cannot be sent are not queued: the gateway sends its batch again and is answered then.
      if (!client.connected) throw new Error(`not connected to ${url}`);
      await client.publishAsync(topic, payload, { qos: 1, retain });
    },
    healthy: () => ({ ok: client.connected && fault === '', detail: fault || `connected to ${url} as ${clientId}` }),
    queue: () => ({ bytes: admission.bytes, waiting: admission.waiting }),
    async close() {
      clearTimeout(retained);
      closing.abort();
      if (client.connected) {
        // Nothing new for us from here on: the other members of the share take it.
        await Promise.race([client.unsubscribeAsync(everything).catch(() => {}), delay(FINISH_MS)]);
        await Promise.race([admission.empty(), delay(FINISH_MS)]);
      }
      await client.endAsync(!client.connected);
    },
  };
}
