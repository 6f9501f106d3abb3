/**
 * The Link over MQTT 3.1.1 (mqtt.js). Each connection is a client of its own with reconnecting switched off, so that nothing is
 * queued or resent by the library: the Outbox is the only queue (design, section 3.4). Reconnects for ever, exponential backoff with
 * full jitter.
 */
import type { IClientOptions, MqttClient } from 'mqtt';
import { backoff } from '../../protocols/base/backoff.ts';
import { type Clock, sleep } from '../../protocols/base/clock.ts';
import type { Log } from '../../protocols/base/log.ts';
import type { Link } from './link.ts';

export interface MqttLinkOptions {
  /** mqtt://host:port or mqtts://host:port */
  url: string;
  clientId: string;
  username?: string;
  password?: string;
  /** PEM, for mqtts. */
  ca?: string;
  cert?: string;
  key?: string;
  keepaliveSeconds: number;
  /** Topics to listen on, QoS 1. */
  subscribe: readonly string[];
  will: { topic: string; payload: Buffer };
  clock: Clock;
  random: () => number;
  log: Log;
}

const CONNECT_TIMEOUT_MS = 10_000;

export class MqttLink implements Link {
  readonly #options: MqttLinkOptions;
  readonly #stop = new AbortController();
  readonly #running: Promise<void>;
  #client: MqttClient | undefined;
  #connected = false;
  #fault: { code: string; message: string } | undefined = { code: 'hub-connecting', message: 'not yet connected' };
  readonly #stateListeners: ((connected: boolean) => void)[] = [];
  readonly #messageListeners: ((topic: string, payload: Buffer) => void)[] = [];

  constructor(options: MqttLinkOptions) {
    this.#options = options;
    this.#running = this.#run();
  }

  get connected(): boolean {
    return this.#connected;
  }

  fault() {
    return this.#fault;
  }

  async publish(topic: string, payload: Buffer, options: { retain?: boolean } = {}): Promise<void> {
    const client = this.#client;
    if (!client || !this.#connected) throw new Error('not connected');
    await client.publishAsync(topic, payload, { qos: 1, retain: options.retain ?? false });
  }

  onState(listener: (connected: boolean) => void): void {
    this.#stateListeners.push(listener);
  }

  onMessage(listener: (topic: string, payload: Buffer) => void): void {
    this.#messageListeners.push(listener);
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { clock, random, log } = this.#options;
    const { signal } = this.#stop;
    const mqtt = await import('mqtt');
    let delays = backoff({ firstMs: 250, maxMs: 30_000, floorMs: 50, random });
    while (!signal.aborted) {
      const wasUp = await this.#connectOnce(mqtt.default.connect, signal);
      if (signal.aborted) return;
      if (wasUp) delays = backoff({ firstMs: 250, maxMs: 30_000, floorMs: 50, random });
      const delayMs = delays.next().value;
      log.warn({ hub: this.#options.url, ...this.#fault, retryMs: delayMs }, 'no connection to the hub');
      await sleep(clock, delayMs, signal);
    }
  }

  /** One connection from start to end; says whether it ever stood. */
  async #connectOnce(
    connect: (url: string, options: IClientOptions) => MqttClient,
    signal: AbortSignal,
  ): Promise<boolean> {
    const { url, clientId, username, password, ca, cert, key, keepaliveSeconds, subscribe, will } = this.#options;
    const client = connect(url, {
      clientId,
      clean: true,
      protocolVersion: 4,
      reconnectPeriod: 0,
      connectTimeout: CONNECT_TIMEOUT_MS,
      keepalive: keepaliveSeconds,
      queueQoSZero: false,
      // 65,536 buffers of two bytes: megabytes, to spare one of them a message.
      writeCache: false,
      will: { topic: will.topic, payload: will.payload, qos: 1, retain: true },
      ...(username === undefined ? {} : { username }),
      ...(password === undefined ? {} : { password }),
      ...(ca === undefined ? {} : { ca }),
      ...(cert === undefined ? {} : { cert }),
      ...(key === undefined ? {} : { key }),
    });
    this.#client = client;
    let wasUp = false;
    let failure: Error | undefined;
    client.on('error', (error) => {
      failure = error;
    });
    client.on('message', (topic, payload) => {
      for (const listener of this.#messageListeners) listener(topic, payload);
    });
    client.on('connect', () => {
      // With batches of 20 kB Nagle's algorithm and delayed acknowledgements would cost 40 ms a message.
      const stream = client.stream as { setNoDelay?: (on: boolean) => void };
      stream.setNoDelay?.(true);
      client.subscribeAsync([...subscribe], { qos: 1 }).then(
        () => {
          if (client !== this.#client || !client.connected) return;
          wasUp = true;
          this.#fault = undefined;
          this.#options.log.info({ hub: url }, 'connected to the hub');
          this.#setConnected(true);
        },
        (error: Error) => {
          failure = error;
          client.end(true);
        },
      );
    });
    await new Promise<void>((resolve) => {
      client.on('close', () => resolve());
      const stop = () => {
        if (!client.connected) return resolve();
        // The will stands for a fault; an orderly stop is said by the uplink before.
        client.end(false, {}, () => resolve());
      };
      if (signal.aborted) stop();
      else signal.addEventListener('abort', stop, { once: true });
    });
    this.#fault = explain(failure, url);
    this.#setConnected(false);
    client.removeAllListeners('message');
    client.end(true);
    this.#client = undefined;
    return wasUp;
  }

  #setConnected(connected: boolean): void {
    if (connected === this.#connected) return;
    this.#connected = connected;
    for (const listener of this.#stateListeners) listener(connected);
  }
}

/** What went wrong, in the words of whoever has to mend it. */
function explain(error: (Error & { code?: unknown }) | undefined, url: string): { code: string; message: string } {
  if (!error) return { code: 'hub-lost', message: `the connection to ${url} was closed` };
  const code = error.code;
  if (code === 4 || code === 5 || code === 134 || code === 135) {
    return {
      code: 'hub-refused-credentials',
      message: `${url} refused the user name or password: check hub.username and hub.password`,
    };
  }
  if (code === 'ECONNREFUSED')
    return { code: 'hub-refused', message: `nothing listens at ${url}: is the hub running?` };
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') {
    return { code: 'hub-unknown-host', message: `the host of ${url} is not known: check hub.url and the name server` };
  }
  return { code: 'hub-unreachable', message: `${url}: ${error.message}` };
}
