/**
 * The open door's connection to an external broker: the JSON topic, beside the gateways' connection because it wants another session and its own
 * window (docs/decisions/0011).
 *
 * - PUBACK goes out when the handler has taken the message, never before, and in the order of the PUBLISHes ([MQTT-4.6.0-2]), while further
 *   messages are taken. What is not taken is tried again until it is, or until this process ends: then the broker still has it.
 * - With a name the session is persistent: the broker keeps this hub's part of the share while it is away, and gives again what it had not
 *   acknowledged. Without a name what was under way to a hub that dies is lost, so it is said at start.
 * - Bounds: `MAX_MESSAGES` and `maxPendingBytes` in hands; beyond that nothing is read, and the broker's own window is the bound before that.
 *
 * How mqtt.js is told not to acknowledge: an error given to the callback of `handleMessage` sends no PUBACK and reads on. The PUBACK (3.4:
 * 40 02, packet identifier) is then ours to write, and only on the connection that brought the message: on another its identifier may be somebody else's.
 */
import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import type { MqttClient } from 'mqtt';
import type { Log } from '../../protocols/base/log.ts';
import { topics } from '../../protocols/uplink/topics.ts';
import { Admission } from './admission.ts';
import { FINISH_MS, type Handler } from './broker.ts';
import { KEEPALIVE_S, openHubClient, sharedTopic } from './hub-client.ts';
import { InOrder } from './in-order.ts';
import { untilTaken } from './until-taken.ts';

export interface DoorLinkOptions {
  url: string;
  share: string;
  /** Of this hub over restarts, and of no other. */
  name?: string | undefined;
  username?: string | undefined;
  password?: string | undefined;
  log: Log;
  maxPendingBytes: number;
}

export interface DoorLink {
  start(handler: Handler): void;
  healthy(): { ok: boolean; detail: string };
  queue(): { bytes: number; waiting: number };
  /** Finishes what is in hands, acknowledges it, and disconnects. Without a name it leaves the share first, and takes what the broker has for it. */
  close(): Promise<void>;
  /** For good: out of the share, everything taken that the broker has for this name, and its session ended. */
  leave(): Promise<void>;
}

const MAX_MESSAGES = 10_000;
/** The broker sends no more when nothing has come for so long: on leaving in order, and for good. */
const QUIET_MS = 250;
const LEFT_MS = 3_000;
const PUBACK = [0x40, 0x02] as const;
const ACKNOWLEDGED_LATER = new Error('acknowledged later');

export async function openDoorLink(options: DoorLinkOptions): Promise<DoorLink> {
  const { share, name, log } = options;
  const topic = sharedTopic(share, topics.allDoors);
  const session = {
    ...options,
    clientId: doorSession(share, name ?? `${hostname()}-${randomBytes(4).toString('hex')}`),
    topics: [topic],
  };
  const { client, healthy } = await openHubClient({ ...session, clean: name === undefined });
  const admission = new Admission(options.maxPendingBytes, MAX_MESSAGES);
  const closing = new AbortController();
  const taken = untilTaken({ log, signal: closing.signal });
  let handler: Handler | undefined;
  let connection = new Connection(client);
  let cameMs = 0;
  let isLeaving = false;

  client.handleMessage = (packet, done) => {
    const take = handler;
    // Not read any further: a session that stays keeps the rest.
    if (!take || (isLeaving && name !== undefined)) return;
    cameMs = performance.now();
    // Of a session that stays messages come ahead of the event `connect`.
    if (!connection.isOf(client)) connection = new Connection(client);
    const payload = Buffer.isBuffer(packet.payload) ? packet.payload : Buffer.from(packet.payload);
    const acknowledge = packet.messageId === undefined ? () => {} : connection.came(packet.messageId);
    admission.enter(payload.length, () => {
      done(ACKNOWLEDGED_LATER);
      void taken(take, packet.topic, payload)
        .then((isTaken) => isTaken && acknowledge())
        .finally(() => admission.leave(payload.length));
    });
  };

  /** Resolves when nothing is in hands and nothing has come for `quietMs`; or after `withinMs`. */
  async function quiet(quietMs: number, withinMs: number): Promise<void> {
    cameMs = performance.now();
    const deadlineMs = cameMs + withinMs;
    const isQuiet = () => performance.now() - cameMs > quietMs && admission.bytes === 0;
    while (!isQuiet() && performance.now() < deadlineMs) await delay(QUIET_MS / 5);
  }

  async function disconnect(): Promise<void> {
    clearInterval(alive);
    closing.abort();
    connection.flush();
    await client.endAsync(!client.connected);
  }

  // While nothing is read, answers to pings are not either: it is not the broker that is silent.
  const alive = setInterval(() => {
    if (admission.waiting === 0 || !client.connected) return;
    client.sendPing();
    client.reschedulePing(true);
  }, KEEPALIVE_S * 500).unref();

  return {
    start(given) {
      handler = given;
      if (name === undefined) {
        log.warn({}, 'without a name (--instance) what the broker has under way to this hub is lost when it dies');
      }
      client.connect();
    },
    healthy,
    queue: () => ({ bytes: admission.bytes, waiting: admission.waiting }),
    async close() {
      isLeaving = true;
      const soon = delay(FINISH_MS, undefined, { ref: false });
      if (client.connected && name === undefined) {
        await Promise.race([client.unsubscribeAsync(topic).catch(() => {}), soon]);
        await quiet(QUIET_MS, FINISH_MS);
      } else await Promise.race([admission.empty(), soon]);
      await disconnect();
    },
    async leave() {
      // A connection that is new has subscribed again.
      for (let left: unknown; left !== client.stream || !client.connected; ) {
        left = client.stream;
        await client.unsubscribeAsync(topic);
        await quiet(LEFT_MS, Number.POSITIVE_INFINITY);
      }
      await disconnect();
      // A session ends when its client id comes back with a clean one (3.1.2.4).
      const { client: last } = await openHubClient({ ...session, clean: true, topics: [] });
      try {
        await new Promise<void>((resolve, reject) => {
          last.once('connect', () => resolve()).once('error', reject);
          last.connect();
        });
      } finally {
        await last.endAsync(!last.connected);
      }
    },
  };
}

/** The client id, under which the broker keeps the session of a hub with a name. */
function doorSession(share: string, name: string): string {
  return `milepost-door-${share}-${name}`;
}

/** One connection's acknowledgements. Those of one turn of the event loop are one write. */
class Connection {
  readonly #client: MqttClient;
  readonly #stream: MqttClient['stream'];
  readonly #order = new InOrder();
  #unsent: number[] = [];

  constructor(client: MqttClient) {
    this.#client = client;
    this.#stream = client.stream;
  }

  isOf({ stream }: MqttClient): boolean {
    return stream === this.#stream;
  }

  /** Notes that a message came. What it gives acknowledges it. */
  came(messageId: number): () => void {
    const turn = this.#order.announce();
    return () =>
      turn(() => {
        if (this.#unsent.length === 0) process.nextTick(() => this.flush());
        this.#unsent.push(...PUBACK, messageId >> 8, messageId & 255);
      });
  }

  flush(): void {
    const bytes = Buffer.from(this.#unsent);
    this.#unsent = [];
    if (bytes.length > 0 && this.isOf(this.#client) && this.#client.connected) this.#stream.write(bytes);
  }
}
