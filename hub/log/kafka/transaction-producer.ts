/**
 * Read-process-write: outputs and consumed offsets in one transaction.
 *
 * `run` either commits or throws; after a throw nothing of it is or will become visible, unless the commit's own outcome is unknown:
 * then `usable` is false, and a new producer with the same transactional id finds out (initTransactions ends the transaction one
 * way or the other before it returns). Whoever retries asks the group for its committed offsets first.
 */
import type { KafkaConsumer, LibrdKafkaError, Producer } from 'node-rdkafka';
import type { LogRecord } from '../event-log.ts';
import { connect, disconnect } from './client.ts';
import {
  type KafkaAddress,
  type Pace,
  producerTopicConfig,
  TRANSACTION_TIMEOUT_MS,
  transactionConfig,
} from './config.ts';
import { asked, isFatal, type Rdkafka, type TopicPartitionOffset } from './native.ts';
import { produce } from './produce.ts';
import { Pump } from './pump.ts';

/** How long a call may take; librdkafka retries inside. */
const CALL_TIMEOUT_MS = TRANSACTION_TIMEOUT_MS;
/** A commit that timed out may be asked for again. */
const COMMIT_ATTEMPTS = 3;

export interface TransactionWork {
  outputs: readonly LogRecord[];
  offsets: TopicPartitionOffset[];
  /** Whose group's offsets they are: its generation fences processes that have lost the partitions. */
  consumer: KafkaConsumer;
  /** Called when librdkafka has all outputs: what remains is waiting, and the JavaScript thread is free. Not called after a failure. */
  onHandedOver?: () => void;
}

export class TransactionProducer {
  readonly transactionalId: string;
  readonly #producer: Producer;
  readonly #pump: Pump;
  #usable = true;

  /** Ends what an earlier producer of this id left open, and fences it. */
  static async open(options: {
    rdkafka: Rdkafka;
    address: KafkaAddress;
    transactionalId: string;
    pace: Pace;
  }): Promise<TransactionProducer> {
    const producer = new options.rdkafka.Producer(
      transactionConfig(options.address, options),
      producerTopicConfig(TRANSACTION_TIMEOUT_MS),
    );
    const opened = new TransactionProducer(producer, options.transactionalId);
    producer.on('event.error', (error) => {
      if (isFatal(error)) opened.#usable = false;
    });
    await connect(producer);
    try {
      await asked((done) => producer.initTransactions(CALL_TIMEOUT_MS, done));
    } catch (error) {
      await disconnect(producer);
      throw error;
    }
    return opened;
  }

  private constructor(producer: Producer, transactionalId: string) {
    this.transactionalId = transactionalId;
    this.#producer = producer;
    this.#pump = new Pump(producer);
  }

  get usable(): boolean {
    return this.#usable;
  }

  async run(work: TransactionWork): Promise<void> {
    const producer = this.#producer;
    this.#pump.hold();
    try {
      await asked((done) => producer.beginTransaction(done));
      // The broker answers while outputs are handed over, so that the commit can begin right after.
      const offsets = this.#sendOffsets(work);
      offsets.catch(() => {});
      try {
        for (const record of work.outputs) produce(producer, record);
        work.onHandedOver?.();
      } finally {
        // One call at a time: also an abort waits for it.
        await offsets;
      }
      await this.#commit();
    } catch (error) {
      await this.#abort(error as LibrdKafkaError);
      throw error;
    } finally {
      this.#pump.release();
    }
  }

  /**
   * Ends what this id left open in these partitions although the coordinator takes it for ended (a broker that was killed can leave such a
   * transaction hanging: nobody who reads committed passes it). A partition ends it at the next marker of the same producer id, and a
   * marker is written where a transaction wrote: so one writes a record everywhere and is aborted.
   */
  async sweep(records: readonly LogRecord[]): Promise<void> {
    this.#pump.hold();
    try {
      await this.leaveOpen(records);
      await asked((done) => this.#producer.abortTransaction(CALL_TIMEOUT_MS, done));
    } catch (error) {
      this.#usable = false;
      throw error;
    } finally {
      this.#pump.release();
    }
  }

  /** What a process does that dies before its commit: for tests. */
  async leaveOpen(records: readonly LogRecord[]): Promise<void> {
    await asked((done) => this.#producer.beginTransaction(done));
    for (const record of records) produce(this.#producer, record);
    await asked((done) => this.#producer.flush(CALL_TIMEOUT_MS, done));
  }

  async close(): Promise<void> {
    await disconnect(this.#producer);
  }

  async #sendOffsets({ offsets, consumer }: TransactionWork): Promise<void> {
    if (offsets.length === 0) return;
    await asked((done) => this.#producer.sendOffsetsToTransaction(offsets, consumer, CALL_TIMEOUT_MS, done));
  }

  async #commit(): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await asked((done) => this.#producer.commitTransaction(CALL_TIMEOUT_MS, done));
      } catch (error) {
        const { isRetriable, isTxnRequiresAbort } = error as LibrdKafkaError;
        if (isTxnRequiresAbort) throw error;
        if (!isRetriable || attempt === COMMIT_ATTEMPTS) {
          this.#usable = false;
          throw error;
        }
      }
    }
  }

  async #abort(reason: LibrdKafkaError): Promise<void> {
    if (isFatal(reason)) this.#usable = false;
    if (!this.#usable) return;
    try {
      await asked((done) => this.#producer.abortTransaction(CALL_TIMEOUT_MS, done));
    } catch {
      this.#usable = false;
    }
  }
}

/** What each producer of a transform is called, and its pace. */
const SEATS = { calm: 'calm', 'calm-2': 'calm', bulk: 'bulk' } as const satisfies Record<string, Pace>;
type Seat = keyof typeof SEATS;

/** With what the producers of a transform were opened of which this id is one. */
export function prefixOf(transactionalId: string): string {
  return transactionalId.slice(0, transactionalId.lastIndexOf('.'));
}

/**
 * The producers of one transform, opened when needed and replaced when they cannot go on.
 *
 * Calm transactions take turns between two: a commit returns while its markers are still being written, and a producer whose last transaction
 * is not completed is told to come again, which librdkafka does after 20 ms. Transactions still follow each other: one is begun when the one
 * before is committed, and partitions keep their order.
 */
export class TransactionProducers {
  readonly prefix: string;
  readonly #options: { rdkafka: Rdkafka; address: KafkaAddress };
  readonly #open = new Map<Seat, TransactionProducer>();
  readonly #opening = new Map<Seat, Promise<TransactionProducer>>();
  #last: Seat = 'calm-2';

  constructor({ prefix, ...options }: { rdkafka: Rdkafka; address: KafkaAddress; prefix: string }) {
    this.prefix = prefix;
    this.#options = options;
  }

  /** Whose turn it is. */
  next(pace: Pace): Promise<TransactionProducer> {
    if (pace === 'bulk') this.#last = 'bulk';
    else this.#last = this.#last === 'calm' ? 'calm-2' : 'calm';
    return this.#usable(this.#last);
  }

  /** Opens them all: what earlier ones of the same names left open is ended then, and they are fenced. */
  async fence(): Promise<void> {
    const opened = await Promise.allSettled((Object.keys(SEATS) as Seat[]).map((seat) => this.#usable(seat)));
    for (const each of opened) if (each.status === 'rejected') throw each.reason;
  }

  async close(): Promise<void> {
    await Promise.allSettled(this.#opening.values());
    await Promise.all([...this.#open.values()].map((producer) => producer.close()));
    this.#open.clear();
  }

  /** Whoever asks while it is being opened waits for the same one: two of a name would fence each other. */
  #usable(seat: Seat): Promise<TransactionProducer> {
    const producer = this.#open.get(seat);
    if (producer?.usable) return Promise.resolve(producer);
    const opening = this.#opening.get(seat) ?? this.#reopen(seat).finally(() => this.#opening.delete(seat));
    this.#opening.set(seat, opening);
    return opening;
  }

  async #reopen(seat: Seat): Promise<TransactionProducer> {
    const producer = this.#open.get(seat);
    this.#open.delete(seat);
    await producer?.close();
    const opened = await TransactionProducer.open({
      ...this.#options,
      transactionalId: `${this.prefix}.${seat}`,
      pace: SEATS[seat],
    });
    this.#open.set(seat, opened);
    return opened;
  }
}
