/**
 * An external MQTT 3.1.1 broker (Mosquitto, EMQX, …) through mqtt.js. Losing it costs time, never data: gateways free nothing until a hub
 * has acknowledged. Reconnects for ever.
 */
import type { Log } from '../../protocols/base/log.ts';
import { topics } from '../../protocols/uplink/topics.ts';
import { Admission } from './admission.ts';
import type { Broker } from './broker.ts';

export interface ExternalBrokerOptions {
  url: string;
  clientId: string;
  username?: string;
  password?: string;
  log: Log;
  maxPendingBytes?: number;
}

export async function openExternalBroker(options: ExternalBrokerOptions): Promise<Broker> {
  const mqtt = (await import('mqtt')).default;
  const { url, clientId, username, password, log } = options;
  const admission = new Admission(options.maxPendingBytes ?? 64 * 1024 * 1024);
  let fault = 'not yet connected';
  let handler: ((topic: string, payload: Buffer) => Promise<void>) | undefined;
  const client = mqtt.connect(url, {
    clientId,
    // The broker keeps what arrives while this hub restarts; what it loses the gateways send again.
    clean: false,
    protocolVersion: 4,
    reconnectPeriod: 1_000,
    manualConnect: true,
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password }),
  });
  client.on('error', (error) => {
    fault = error.message;
    log.warn({ broker: url, reason: error.message }, 'MQTT broker');
  });
  client.on('close', () => {
    if (fault === '') fault = 'the connection was closed';
  });
  client.on('connect', () => {
    (client.stream as { setNoDelay?: (on: boolean) => void }).setNoDelay?.(true);
    client.subscribe(topics.allUp, { qos: 1 }, (error) => {
      fault = error ? error.message : '';
      if (error) log.error({ broker: url, reason: error.message }, 'MQTT subscription refused');
      else log.info({ broker: url }, 'subscribed at the MQTT broker');
    });
  });
  // mqtt.js waits for this callback before it acknowledges and reads on: it is where a full hub stops the flow.
  client.handleMessage = (packet, done) => {
    const payload = Buffer.isBuffer(packet.payload) ? packet.payload : Buffer.from(packet.payload);
    const take = handler;
    if (!take) return done();
    void admission.enter(payload.length).then(() => {
      done();
      return take(packet.topic, payload)
        .catch((error) => log.error({ err: error, topic: packet.topic }, 'message from a gateway not taken'))
        .finally(() => admission.leave(payload.length));
    });
  };
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
    healthy: () => ({ ok: client.connected && fault === '', detail: fault || `connected to ${url}` }),
    close: () => client.endAsync(),
  };
}
