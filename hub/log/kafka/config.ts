/**
 * What we tell librdkafka, and why. `acks`, `message.timeout.ms`, `partitioner` and `auto.offset.reset` take effect only in the
 * topic configuration.
 */
import type {
  ConsumerGlobalConfig,
  ConsumerTopicConfig,
  ProducerGlobalConfig,
  ProducerTopicConfig,
} from 'node-rdkafka';
import { MAX_RECORD_BYTES } from '../topics.ts';

export interface KafkaAddress {
  /** `host:port`, comma separated. */
  brokers: string;
  /** Further librdkafka properties for every client: `security.protocol`, `sasl.*`, `ssl.*`. */
  properties?: Readonly<Record<string, string | number | boolean>>;
}

/** Room for a record and its framing. */
const MESSAGE_BYTES = MAX_RECORD_BYTES + 64 * 1024;
/** After this the coordinator ends a transaction whose process has gone. */
export const TRANSACTION_TIMEOUT_MS = 10_000;

function common(address: KafkaAddress) {
  return {
    'metadata.broker.list': address.brokers,
    'client.id': 'milepost',
    'socket.nagle.disable': true,
    'socket.keepalive.enable': true,
    'reconnect.backoff.ms': 50,
    'reconnect.backoff.max.ms': 2_000,
    'message.max.bytes': MESSAGE_BYTES,
    // How late a client learns of a topic that was not there, or not known to its broker, when it began.
    'topic.metadata.refresh.interval.ms': 10_000,
    ...address.properties,
  };
}

function producing(address: KafkaAddress) {
  return {
    ...common(address),
    'enable.idempotence': true,
    // Batches fill by themselves while the broker is busy with the one before.
    'queue.buffering.max.ms': 1,
    'queue.buffering.max.messages': 1_000_000,
    'queue.buffering.max.kbytes': 1_048_576,
    // A transaction right after another is told to come again while the first one's markers are being written: a few ms.
    'retry.backoff.ms': 3,
    'retry.backoff.max.ms': 200,
  };
}

export function appendConfig(address: KafkaAddress): ProducerGlobalConfig {
  return { ...producing(address), dr_cb: true };
}

/**
 * How a commit learns that all messages were delivered. `calm`: through delivery reports, which wake it at once and cost JavaScript
 * some 4 µs each. `bulk`: by itself, with errors reported only; it then looks every 10 ms, which many messages share.
 */
export type Pace = 'calm' | 'bulk';

/**
 * Of a transaction under load: batches are larger, so the broker and librdkafka's thread have fewer of them. Nobody waits for it, since a commit
 * sends what is left at once.
 */
const BULK_LINGER_MS = 10;

export function transactionConfig(
  address: KafkaAddress,
  options: { transactionalId: string; pace: Pace },
): ProducerGlobalConfig {
  return {
    ...producing(address),
    'transactional.id': options.transactionalId,
    'transaction.timeout.ms': TRANSACTION_TIMEOUT_MS,
    'compression.codec': 'lz4',
    ...(options.pace === 'bulk' && { 'queue.buffering.max.ms': BULK_LINGER_MS }),
    'delivery.report.only.error': options.pace === 'bulk',
    dr_cb: true,
  };
}

export function producerTopicConfig(deliveryTimeoutMs: number): ProducerTopicConfig {
  return {
    acks: -1,
    'message.timeout.ms': deliveryTimeoutMs,
    // As the Java client places keys.
    partitioner: 'murmur2_random',
  };
}

function consuming(address: KafkaAddress, group: string) {
  return {
    ...common(address),
    'group.id': group,
    'enable.auto.commit': false,
    'enable.auto.offset.store': false,
    'isolation.level': 'read_committed',
    // The end of a partition in its committed form: behind the last record there may be a transaction's marker.
    'enable.partition.eof': true,
    // The broker answers as soon as there is a byte. How long it may wait otherwise: a dozen consumers that ask ten times a second keep a
    // quarter of a core of the broker busy with nothing. A partition that is new may wait so long for the request under way.
    'fetch.min.bytes': 1,
    'fetch.wait.max.ms': 500,
    'fetch.error.backoff.ms': 100,
    'fetch.queue.backoff.ms': 10,
    // Read ahead is bounded: several consumers live in one process.
    'queued.min.messages': 10_000,
    'queued.max.messages.kbytes': 32_768,
    'fetch.message.max.bytes': 1_048_576,
    'fetch.max.bytes': 4 * MESSAGE_BYTES,
    'receive.message.max.bytes': 5 * MESSAGE_BYTES,
    'allow.auto.create.topics': false,
  } as const;
}

/**
 * Whoever takes a group only now and then needs not be told of every record at once: the next fetch begins when what has been fetched is taken,
 * so that broker and client have some ten of them a second instead of hundreds. What is fetched then is as large as ever.
 */
const UNHURRIED = { 'queued.min.messages': 1, 'fetch.queue.backoff.ms': 50 } as const;
const UNHURRIED_MS = 100;

/**
 * Cooperative: while members come and go, partitions that stay are not stopped and keep their state. The session time-out is the
 * broker's smallest by default: another takes over a dead process's partitions within it.
 *
 * A member with a name (static membership, KIP-345) that comes back within the session time-out has its partitions again at once and
 * without a rebalance, and fences the one that had its name.
 */
export function groupConfig(
  address: KafkaAddress,
  options: {
    group: string;
    member?: string | undefined;
    groupEveryMs?: number | undefined;
    onRebalance: (error: { code: number }, partitions: { topic: string; partition: number }[]) => void;
  },
): ConsumerGlobalConfig {
  return {
    ...consuming(address, options.group),
    'partition.assignment.strategy': 'cooperative-sticky',
    'session.timeout.ms': 6_000,
    'heartbeat.interval.ms': 1_500,
    'max.poll.interval.ms': 300_000,
    ...((options.groupEveryMs ?? 0) >= UNHURRIED_MS && UNHURRIED),
    rebalance_cb: options.onRebalance,
    ...(options.member !== undefined && { 'group.instance.id': options.member }),
  };
}

/** Reads partitions by itself; the group's name is never used. */
export function readerConfig(
  address: KafkaAddress,
  isolation: 'read_committed' | 'read_uncommitted',
): ConsumerGlobalConfig {
  // It reads to an end, and learns of the end by an empty answer.
  return { ...consuming(address, 'milepost-unused'), 'isolation.level': isolation, 'fetch.wait.max.ms': 20 };
}

export const consumerTopicConfig: ConsumerTopicConfig = { 'auto.offset.reset': 'earliest' };
