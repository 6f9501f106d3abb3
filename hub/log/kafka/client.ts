/** Connecting and disconnecting clients of node-rdkafka, whose callbacks do not always come. */
import type { EventEmitter } from 'node:events';
import type { KafkaConsumer, Metadata, Producer } from 'node-rdkafka';
import { asked } from './native.ts';

export const CONNECT_TIMEOUT_MS = 5_000;
const DISCONNECT_TIMEOUT_MS = 8_000;

/**
 * Rejects when no broker gave its metadata in time; such a client is disconnected again, and never used.
 *
 * @param about the topic whose metadata are asked for; those of all topics without it.
 */
export async function connect(client: Producer | KafkaConsumer, about: { topic?: string } = {}): Promise<Metadata> {
  // Without a listener an EventEmitter's 'error' would be thrown; these are told by the calls that fail.
  (client as EventEmitter).on('event.error', () => {});
  return asked<Metadata>((done) => client.connect({ ...about, timeout: CONNECT_TIMEOUT_MS }, done));
}

/** Never rejects. */
export async function disconnect(client: Producer | KafkaConsumer): Promise<void> {
  if (!client.isConnected()) return;
  let timer: NodeJS.Timeout | undefined;
  await Promise.race([
    new Promise<void>((resolve) => {
      client.disconnect(() => resolve());
    }),
    new Promise<void>((resolve) => {
      timer = setTimeout(resolve, DISCONNECT_TIMEOUT_MS);
    }),
  ]);
  clearTimeout(timer);
}
