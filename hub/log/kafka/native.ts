/**
 * node-rdkafka, loaded only when a configuration asks for Kafka: it is a native module that may not be compiled here.
 *
 * Its asynchronous calls run on libuv's threads, of which there are four by default: everything here asks with a time-out of zero
 * and comes again, so that no call holds one while it waits for data.
 */
import type { LibrdKafkaError } from 'node-rdkafka';
import { EventLogError } from '../event-log.ts';

export type Rdkafka = typeof import('node-rdkafka');
export type { KafkaConsumer, LibrdKafkaError, Message, Producer } from 'node-rdkafka';

export interface TopicPartitionOffset {
  topic: string;
  partition: number;
  offset: number;
}

/** @throws EventLogError `native-module-missing` */
export async function loadRdkafka(
  importModule: () => Promise<unknown> = () => import('node-rdkafka'),
): Promise<Rdkafka> {
  try {
    return ((await importModule()) as { default: Rdkafka }).default;
  } catch (error) {
    throw new EventLogError({
      code: 'native-module-missing',
      message: `Kafka needs the native module node-rdkafka, which is not compiled on this machine: run \`npm run setup:kafka\` (${(error as Error).message.split('\n')[0]})`,
      cause: error,
    });
  }
}

/** One call with a node-style callback as a promise; what is thrown at once rejects too. */
export function asked<T = void>(
  ask: (done: (error: LibrdKafkaError | null | undefined, value: T) => void) => void,
): Promise<T> {
  return new Promise((resolve, reject) => {
    ask((error, value) => (error ? reject(error) : resolve(value)));
  });
}

/** Codes of librdkafka (negative: local) and of the protocol, as far as we decide by them. */
export const CODES = {
  fatal: -150,
  allBrokersDown: -187,
  unknownTopicLocal: -188,
  unknownPartition: -190,
  queueFull: -184,
  timedOut: -185,
  revokePartitions: -174,
  assignPartitions: -175,
  unknownTopic: 3,
  messageTooLarge: 10,
  topicExists: 36,
  invalidRecord: 87,
} as const;

/** The client that this happened to does nothing any more. */
export function isFatal(error: unknown): boolean {
  const { isFatal: isSaid, code } = error as Partial<LibrdKafkaError>;
  // Calls to a client that has failed for good give only this code.
  return isSaid === true || code === CODES.fatal;
}

const REJECTED = new Set<number>([
  CODES.unknownTopicLocal,
  CODES.unknownPartition,
  CODES.unknownTopic,
  CODES.messageTooLarge,
  CODES.invalidRecord,
]);

export function kafkaError(error: unknown, doing: string): EventLogError {
  if (error instanceof EventLogError) return error;
  const { code, message } = error as Partial<LibrdKafkaError>;
  const rejected = typeof code === 'number' && REJECTED.has(code);
  return new EventLogError({
    code: rejected ? 'log-rejected' : 'log-unavailable',
    message: `Kafka: ${doing}: ${message ?? String(error)}`,
    cause: error,
  });
}
