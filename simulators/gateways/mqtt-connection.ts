/**
 * HubConnection over MQTT 3.1.1. Each connection is a client of its own, without a queue and without the library's reconnecting, as
 * a gateway's is; it comes back for ever, with exponential backoff and full jitter.
 */
import type { IClientOptions, MqttClient } from 'mqtt';
import { backoff } from '../../protocols/base/backoff.ts';
import { aborted, type Clock, sleep } from '../../protocols/base/clock.ts';
import type { HubConnection, HubConnectionOptions, OpenHubConnection } from './hub-connection.ts';

const CONNECT_TIMEOUT_MS = 20_000;
const KEEPALIVE_S = 60;
const RETRY = { firstMs: 500, maxMs: 15_000, floorMs: 50 };

export interface MqttOptions {
  /** mqtt:// or mqtts://, with user name and password where the broker wants them. */
  url: string;
  clock: Clock;
  random: () => number;
  /** Why a connection did not come about or ended. */
  onFault(message: string): void;
}

type Connect = (url: string, options: IClientOptions) => MqttClient;

/** Loads mqtt.js and gives what opens connections with it. */
export async function mqttConnections(options: MqttOptions): Promise<OpenHubConnection> {
  const { default: mqtt } = await import('mqtt');
  return (connection) => new MqttConnection({ ...options, ...connection, connect: mqtt.connect });
}

class MqttConnection implements HubConnection {
  readonly #options: MqttOptions & HubConnectionOptions & { connect: Connect };
  readonly #stop = new AbortController();
  readonly #running: Promise<void>;
  #client: MqttClient | undefined;
  #connected = false;
  /** When it may come back, after it left. */
  #backUs = 0;

  constructor(options: MqttOptions & HubConnectionOptions & { connect: Connect }) {
    this.#options = options;
    this.#running = this.#run();
  }

  get connected(): boolean {
    return this.#connected;
  }

  async publish(topic: string, payload: Buffer, options: { retain?: boolean } = {}): Promise<void> {
    const client = this.#client;
    if (!client || !this.#connected) throw new Error('not connected');
    await client.publishAsync(topic, payload, { qos: 1, retain: options.retain ?? false });
  }

  cut(): void {
    this.#client?.stream.destroy();
  }

  leave(forMs: number): void {
    this.#backUs = this.#options.clock.monotonicUs() + forMs * 1000;
    this.#client?.end(false);
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { clock, random, startAfterMs } = this.#options;
    const { signal } = this.#stop;
    await sleep(clock, startAfterMs, signal);
    let delays = backoff({ ...RETRY, random });
    while (!signal.aborted) {
      if (await this.#connectOnce(signal)) delays = backoff({ ...RETRY, random });
      const awayMs = (this.#backUs - clock.monotonicUs()) / 1000;
      if (awayMs === Number.POSITIVE_INFINITY) await aborted(signal);
      else if (!signal.aborted) await sleep(clock, Math.max(awayMs, delays.next().value), signal);
    }
  }

  /** One connection from start to end; says whether it ever stood. */
  async #connectOnce(signal: AbortSignal): Promise<boolean> {
    const { url, connect, clientId, subscribe, will, events, onFault } = this.#options;
    const client = connect(url, {
      clientId,
      clean: true,
      protocolVersion: 4,
      reconnectPeriod: 0,
      connectTimeout: CONNECT_TIMEOUT_MS,
      keepalive: KEEPALIVE_S,
      queueQoSZero: false,
      will: { ...will, qos: 1, retain: true },
    });
    this.#client = client;
    let wasUp = false;
    client.on('error', (error) => onFault(error.message));
    client.on('message', events.onMessage);
    client.on('connect', () => {
      const stream = client.stream as { setNoDelay?: (on: boolean) => void };
      stream.setNoDelay?.(true);
      client.subscribeAsync([...subscribe], { qos: 1 }).then(
        () => {
          if (client !== this.#client || !client.connected) return;
          wasUp = true;
          this.#connected = true;
          events.onConnected();
        },
        (error: Error) => {
          onFault(error.message);
          client.end(true);
        },
      );
    });
    await new Promise<void>((resolve) => {
      const stop = (): void => {
        if (client.connected) client.end(false, {}, () => resolve());
        else resolve();
      };
      client.on('close', () => {
        signal.removeEventListener('abort', stop);
        resolve();
      });
      if (signal.aborted) stop();
      else signal.addEventListener('abort', stop, { once: true });
    });
    client.removeAllListeners('message');
    client.end(true);
    this.#client = undefined;
    if (this.#connected) {
      this.#connected = false;
      events.onDisconnected();
    }
    return wasUp;
  }
}
