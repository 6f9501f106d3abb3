/** A client's side of MQTT: connects, is cut off, connects again. What it publishes while cut off without knowing is lost. */
import type { BrokerClient, Connection, SimBroker } from './sim-broker.ts';
import type { SimProcess, World } from './world.ts';

/** The cable between a box and the broker; outlives processes. */
export interface Wire {
  cut: boolean;
}

export interface SessionOptions {
  world: World;
  process: SimProcess;
  broker: SimBroker;
  wire: Wire;
  random: () => number;
  client: Pick<BrokerClient, 'name' | 'takesUplink' | 'wants' | 'persistent'>;
  onMessage(topic: string, payload: Buffer): void;
  onState(connected: boolean): void;
  /** Mutation tests look at PUBACK. */
  onPuback?(topic: string, payload: Buffer): void;
}

export class MqttSession {
  readonly #options: SessionOptions;
  #connection: Connection | undefined;
  #closed = false;
  readonly #open = new Set<(error: Error) => void>();

  constructor(options: SessionOptions) {
    this.#options = options;
    this.#options.process.onDeath.push(() => this.#hangUp());
    this.#retry();
  }

  get connected(): boolean {
    return this.#connection !== undefined;
  }

  publish(topic: string, payload: Buffer, retain = false): Promise<void> {
    const connection = this.#connection;
    if (!connection) return Promise.reject(new Error('not connected'));
    const { broker, onPuback, process } = this.#options;
    return new Promise((resolve, reject) => {
      this.#open.add(reject);
      broker.publish(connection, { topic, payload, retain }, () => {
        if (!process.alive || !this.#open.delete(reject)) return;
        onPuback?.(topic, payload);
        resolve();
      });
    });
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#hangUp();
    this.#lost();
  }

  #hangUp(): void {
    if (this.#connection) this.#options.broker.drop(this.#connection, 0);
  }

  #retry(): void {
    const { world, process, random } = this.#options;
    if (!this.#closed) world.after(20 + random() * 1_000, process, () => this.#connect());
  }

  #connect(): void {
    const { broker, wire, client, process, onMessage, onState } = this.#options;
    if (this.#closed || this.#connection) return;
    if (wire.cut || !broker.up) {
      this.#retry();
      return;
    }
    const connection = broker.connect({
      ...client,
      receive: (topic, payload) => this.#received(() => onMessage(topic, payload)),
      lost: () => {
        if (process.alive && this.#connection === connection) this.#received(() => this.#lost());
      },
    });
    this.#connection = connection;
    onState(true);
  }

  /** A paused process looks at its sockets when it goes on. */
  #received(act: () => void): void {
    const { world, process } = this.#options;
    if (process.paused) world.after(0, process, act);
    else if (process.alive) act();
  }

  #lost(): void {
    if (!this.#connection) return;
    this.#connection = undefined;
    for (const reject of this.#open) reject(new Error('connection lost'));
    this.#open.clear();
    this.#options.onState(false);
    this.#retry();
  }
}
