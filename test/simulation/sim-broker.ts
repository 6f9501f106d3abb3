/**
 * An MQTT broker that keeps the letter of QoS 1 and nothing more: PUBACK means "I have it". It may lose what it has (a queue limit, a
 * restart), deliver twice, and deliver late. In memory only: a restart loses sessions, queues and retained messages.
 *
 * Subscribers that ask for `up` topics share them, as several hubs do; everyone else is told what is for them alone.
 */
import type { World } from './world.ts';

export interface BrokerClient {
  name: string;
  /** Gets its share of everything that gateways send. */
  takesUplink: boolean;
  wants(topic: string): boolean;
  /** The broker keeps what comes for it while it is away. */
  persistent: boolean;
  receive(topic: string, payload: Buffer): void;
  lost(): void;
}

/** A connection as the broker sees it. Each direction keeps its order. */
export interface Connection {
  client: BrokerClient;
  open: boolean;
  toBrokerUs: number;
  toClientUs: number;
  /** Handed to the network and not yet with the client. */
  underWay: Set<{ topic: string; payload: Buffer }>;
}

export interface BrokerFaults {
  /** Shares of messages that are lost after PUBACK, that come twice, and that come late and out of order. */
  loss: number;
  doubling: number;
  straying: number;
  /** Share of PUBACKs that never come. */
  silence: number;
  maxLatencyMs: number;
}

export const CALM: BrokerFaults = { loss: 0, doubling: 0, straying: 0, silence: 0, maxLatencyMs: 15 };

const QUEUE_LIMIT = 20;
const STRAY_MS = 3_000;

export class SimBroker {
  faults: BrokerFaults = CALM;
  up = true;
  readonly #world: World;
  readonly #random: () => number;
  #connections = new Set<Connection>();
  /** What waits for persistent clients that are away. */
  #queues = new Map<string, { topic: string; payload: Buffer }[]>();
  #retained = new Map<string, Buffer>();

  constructor(world: World) {
    this.#world = world;
    this.#random = world.random('broker');
  }

  connect(client: BrokerClient): Connection {
    for (const known of this.#connections) if (known.client.name === client.name) this.drop(known, 0);
    const connection: Connection = { client, open: true, toBrokerUs: 0, toClientUs: 0, underWay: new Set() };
    this.#connections.add(connection);
    for (const [topic, payload] of this.#retained) {
      if (client.takesUplink && client.wants(topic)) this.#send(connection, topic, payload);
    }
    if (client.persistent) {
      for (const { topic, payload } of this.#queues.get(client.name) ?? []) this.#send(connection, topic, payload);
      this.#queues.set(client.name, []);
    }
    return connection;
  }

  /** The connection ends; the client learns of it after `noticeMs`. */
  drop(connection: Connection, noticeMs: number): void {
    if (!connection.open) return;
    connection.open = false;
    this.#connections.delete(connection);
    const { client } = connection;
    const queue = client.persistent ? this.#queues.get(client.name) : undefined;
    queue?.push(...connection.underWay);
    connection.underWay.clear();
    this.#world.after(noticeMs, undefined, () => client.lost());
  }

  dropClient(name: string, noticeMs: number): void {
    for (const connection of this.#connections) if (connection.client.name === name) this.drop(connection, noticeMs);
  }

  restart(downMs: number): void {
    this.#world.note(`broker restarts, away ${Math.round(downMs)} ms`);
    this.up = false;
    this.#queues.clear();
    this.#retained.clear();
    for (const connection of [...this.#connections]) this.drop(connection, this.#random() * 200);
    this.#world.after(downMs, undefined, () => {
      this.up = true;
    });
  }

  /** A message on its way from a client; `acknowledged` is PUBACK. */
  publish(
    from: Connection,
    message: { topic: string; payload: Buffer; retain: boolean },
    acknowledged: () => void,
  ): void {
    const { after, atUs } = this.#arrival(from.toBrokerUs);
    from.toBrokerUs = atUs;
    after(() => {
      if (!from.open) return;
      if (message.retain) this.#retained.set(message.topic, message.payload);
      this.#route(message.topic, message.payload);
      if (this.#random() < this.faults.silence) return;
      const back = this.#arrival(from.toClientUs);
      from.toClientUs = back.atUs;
      back.after(() => {
        if (from.open) acknowledged();
      });
    });
  }

  #route(topic: string, payload: Buffer): void {
    if (this.#random() < this.faults.loss) {
      this.#world.note(`broker loses ${topic} (${payload.length} bytes)`);
      return;
    }
    const copies = this.#random() < this.faults.doubling ? 2 : 1;
    for (let copy = 0; copy < copies; copy++) {
      if (copy > 0 || this.#random() < this.faults.straying) {
        this.#world.after(this.#random() * STRAY_MS, undefined, () => this.#deliver(topic, payload));
      } else this.#deliver(topic, payload);
    }
  }

  #deliver(topic: string, payload: Buffer): void {
    if (!this.up) return;
    const wanting = [...this.#connections].filter(({ client }) => client.wants(topic));
    const sharing = wanting.filter(({ client }) => client.takesUplink);
    const chosen = sharing[Math.floor(this.#random() * sharing.length)];
    for (const connection of wanting) {
      if (!connection.client.takesUplink || connection === chosen) this.#send(connection, topic, payload);
    }
    if (wanting.length === 0 && topic.includes('/up/')) this.#keepFor(topic, payload);
  }

  /** For a hub that is away; beyond the limit it is dropped, though PUBACK was sent. */
  #keepFor(topic: string, payload: Buffer): void {
    const [queue] = this.#queues.values();
    if (queue && queue.length < QUEUE_LIMIT) queue.push({ topic, payload });
    else this.#world.note(`broker drops ${topic}: nobody there`);
  }

  #send(connection: Connection, topic: string, payload: Buffer): void {
    const { after, atUs } = this.#arrival(connection.toClientUs);
    connection.toClientUs = atUs;
    const message = { topic, payload };
    connection.underWay.add(message);
    after(() => {
      if (!connection.underWay.delete(message) || !connection.open) return;
      connection.client.receive(topic, payload);
    });
  }

  #arrival(notBeforeUs: number) {
    const atUs = Math.max(
      notBeforeUs + 1,
      this.#world.nowUs + 200 + Math.round(this.#random() * this.faults.maxLatencyMs * 1000),
    );
    const after = (run: () => void) => this.#world.after((atUs - this.#world.nowUs) / 1000, undefined, run);
    return { atUs, after };
  }
}
