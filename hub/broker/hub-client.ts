/**
 * A hub's connection to an external broker (mqtt.js, MQTT 3.1.1): reconnects for ever, subscribes on each connection, and knows what is wrong.
 * Connects when its owner calls `client.connect()`, so that whoever takes messages is there before the first of a session comes.
 */
import type { MqttClient } from 'mqtt';
import type { Log } from '../../protocols/base/log.ts';

export interface HubClientOptions {
  url: string;
  clientId: string;
  /** False: the broker keeps subscriptions and messages for this client id while it is away. */
  clean: boolean;
  topics: readonly string[];
  /** After each subscription to `topics`. */
  onSubscribed?: () => Promise<void>;
  username?: string | undefined;
  password?: string | undefined;
  log: Log;
}

export interface HubClient {
  client: MqttClient;
  healthy(): { ok: boolean; detail: string };
}

/** A machine that vanished without a word keeps its share for one and a half of these. */
export const KEEPALIVE_S = 5;

/** A topic as the members of a share subscribe to it; without a share as everybody does. */
export function sharedTopic(share: string, topic: string): string {
  return share === '' ? topic : `$share/${share}/${topic}`;
}

export async function openHubClient(options: HubClientOptions): Promise<HubClient> {
  const mqtt = (await import('mqtt')).default;
  const { url, clientId, clean, topics, onSubscribed, username, password, log } = options;
  let fault = 'not yet connected';
  const client = mqtt.connect(url, {
    clientId,
    clean,
    keepalive: KEEPALIVE_S,
    protocolVersion: 4,
    reconnectPeriod: 1_000,
    resubscribe: false,
    manualConnect: true,
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password }),
  });
  client.on('error', (error) => {
    fault = error.message;
    log.warn({ broker: url, clientId, reason: error.message }, 'MQTT broker');
  });
  client.on('close', () => {
    if (fault === '') fault = 'the connection was closed';
  });
  client.on('connect', () => {
    (client.stream as { setNoDelay?: (on: boolean) => void }).setNoDelay?.(true);
    subscribe().catch((error: Error) => {
      fault = error.message;
      log.error({ broker: url, clientId, reason: error.message }, 'MQTT subscription refused');
    });
  });

  async function subscribe(): Promise<void> {
    const granted = await client.subscribeAsync([...topics], { qos: 1 });
    if (granted.some(({ qos }) => qos > 2)) throw new Error(`the broker refuses to share ${topics.join(', ')}`);
    fault = '';
    log.info({ broker: url, clientId, topics }, 'subscribed at the MQTT broker');
    await onSubscribed?.();
  }

  return {
    client,
    healthy: () => ({ ok: client.connected && fault === '', detail: fault || `connected to ${url} as ${clientId}` }),
  };
}
