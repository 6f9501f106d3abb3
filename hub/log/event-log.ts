/**
 * The EventLog port: a partitioned, durable, ordered log, as Kafka has it (design, sections 3.6 and 9).
 *
 * Implementations: log/kafka/ (node-rdkafka, transactions) and log/sql/ (tables in the Store: PGlite or PostgreSQL).
 * Both pass log/event-log.contract.ts.
 */
export const TOPICS = {
  /** Batches as gateways sent them, undecoded. Key: gateway. Headers: `lane`, `received-ms`. */
  uplink: 'uplink',
  /** Tracking events, JSON. Key: package id. */
  packageEvents: 'package-events',
  /** Alerts raised by rules on gateways and by the hub, JSON. Key: gateway. */
  alerts: 'alerts',
  /** What could not be decoded or validated. Key: gateway; headers: `code`, `reason`, identity; value: the bytes. */
  deadLetters: 'dead-letters',
  /** The state of each package after each change, JSON; compacted. Key: package id. Header: `version`. */
  packageStates: 'package-states',
  /** Sequences seen per gateway, epoch and lane; compacted; partition n belongs to partition n of `uplink`. */
  gatewaySequences: 'gateway-sequences',
  /** What each gateway last said of itself, JSON; compacted. Key: gateway. */
  gatewayStatus: 'gateway-status',
  /** What each gateway last said of its configuration, JSON; compacted. Key: gateway. */
  gatewayReports: 'gateway-reports',
  /** What each gateway shall be configured as, JSON as it goes out on `down/config`; compacted. Key: gateway. */
  gatewayConfig: 'gateway-config',
} as const;

export interface LogRecord {
  topic: string;
  /** The partition, where the caller must choose it; otherwise the key decides (murmur2, as Kafka's clients do). */
  partition?: number;
  key: string;
  /** null deletes the key from a compacted topic. */
  value: Buffer | null;
  /** Text; U+0000 in it is stored as U+FFFD. */
  headers?: Readonly<Record<string, string>>;
}

export interface StoredRecord extends LogRecord {
  partition: number;
  offset: number;
  timestampMs: number;
}

/** What a transform makes of a group of input records. */
export interface Transformed {
  /** Written in the same transaction that moves the input's offsets. */
  outputs: LogRecord[];
  /** How much there was to do, by which the next group is measured. Default: the number of outputs. */
  work?: number;
  /** Called after the commit. (After an abort the partitions are assigned anew instead.) */
  committed?: () => void;
}

export interface TransformOptions {
  /** Consumer group. */
  group: string;
  input: string;
  /** Compacted topic with as many partitions as the input, where the transform keeps its state. */
  state: string;
  /**
   * A partition is ours: `state` holds what was committed for it, by key. Called at start, after a rebalance, and again
   * after an aborted transaction, so that nothing uncommitted survives in memory.
   */
  onAssigned(partition: number, state: ReadonlyMap<string, Buffer>): void;
  onRevoked(partition: number): void;
  /**
   * One group of records, in offset order per partition, bounded by `maxRecords`. Throwing aborts the transaction: the
   * partitions are assigned anew and the records come again, after a backoff. It may be called while the group before is being
   * committed; groups are committed in order, and when one is not, those after it are not either and come again as well.
   */
  onRecords(records: readonly StoredRecord[]): Promise<Transformed>;
  /**
   * Called between groups about every `tickMs`, in its own transaction when it gives outputs; for what time brings
   * about (gaps that stay open).
   */
  onTick?: () => Transformed | undefined;
  tickMs?: number;
  maxRecords?: number;
  /** As a follower's. */
  groupEveryMs?: number;
}

export interface FollowOptions {
  /** Consumer group: followers of the same group share the partitions. Without one a follower reads all of them, whoever else does. */
  group?: string;
  topic: string;
  /** Where to go on in a partition: the first offset not yet projected (the follower stores it with its effect). */
  position(partition: number): Promise<number>;
  /** Must be durable when it resolves. A rejection is retried with the same records, after a backoff. */
  onRecords(records: readonly StoredRecord[]): Promise<void>;
  maxRecords?: number;
  /**
   * For what may be a little late: while one group holds all that waits, a group is begun only so long after the one before, so that more
   * share its cost. What comes after a silence is handed over at once. A log in the Store need not mind.
   */
  groupEveryMs?: number;
}

export interface Runner {
  /** Stops after the group in hand; resolves when nothing runs any more. */
  stop(): Promise<void>;
  /** Input records between what was committed and the end of the log; undefined while unknown. */
  lag(): number | undefined;
  /** The last fault that is being retried, if any. */
  fault(): Error | undefined;
}

export interface EventLog {
  /** Creates the topics that are missing, and gives their names. */
  setup(): Promise<string[]>;
  /** Resolves when all are durable (Kafka: acks=all and confirmed; SQL: committed). Rejects with an EventLogError otherwise. */
  append(records: readonly LogRecord[]): Promise<void>;
  transform(options: TransformOptions): Promise<Runner>;
  follow(options: FollowOptions): Promise<Runner>;
  /** Of each partition the first offset at or after a time (milliseconds since 1970), or its end. */
  positionsAt(topic: string, at: number | 'end'): Promise<Map<number, number>>;
  healthy(): Promise<{ ok: boolean; detail: string }>;
  close(): Promise<void>;
}

export class EventLogError extends Error {
  override readonly name = 'EventLogError';
  readonly code: 'log-unavailable' | 'log-rejected' | 'log-closed' | 'native-module-missing';

  constructor(fault: { code: EventLogError['code']; message: string; cause?: unknown }) {
    super(fault.message, { cause: fault.cause });
    this.code = fault.code;
  }
}
