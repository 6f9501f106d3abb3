/**
 * append(): an idempotent producer, acks=all, a delivery report for every message; handed over in rounds (rounds.ts).
 *
 * Bound: `MAX_IN_FLIGHT_BYTES` not yet confirmed; what comes on top is refused with `log-unavailable`, so that a Kafka that is away
 * stops the flow back to the gateways, whose disks are the buffer.
 *
 * A fatal error of the producer (it cannot keep order and uniqueness any more) fails what is in flight; the next append has a
 * new producer.
 */
import type { DeliveryReport, LibrdKafkaError, Producer } from 'node-rdkafka';
import type { Log } from '../../../protocols/base/log.ts';
import { EventLogError, type LogRecord } from '../event-log.ts';
import { connect, disconnect } from './client.ts';
import { appendConfig, type KafkaAddress, producerTopicConfig } from './config.ts';
import { isFatal, kafkaError, type Rdkafka } from './native.ts';
import { Append, Rounds } from './rounds.ts';

export interface AppendProducerOptions {
  rdkafka: Rdkafka;
  address: KafkaAddress;
  log: Log;
  /** After this a message that is not confirmed has failed. */
  deliveryTimeoutMs: number;
}

const MAX_IN_FLIGHT_BYTES = 64 * 1024 * 1024;

interface Connected {
  producer: Producer;
  rounds: Rounds;
}

export class AppendProducer {
  readonly #options: AppendProducerOptions;
  #connected: Promise<Connected> | undefined;
  /** Of the connected one, so that an append need not wait for a promise. */
  #rounds: Rounds | undefined;
  #inFlightBytes = 0;

  constructor(options: AppendProducerOptions) {
    this.#options = options;
  }

  append(records: readonly LogRecord[], bytes: number): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#inFlightBytes > 0 && this.#inFlightBytes + bytes > MAX_IN_FLIGHT_BYTES) {
        const message = `Kafka: ${this.#inFlightBytes} bytes wait for confirmation already`;
        throw new EventLogError({ code: 'log-unavailable', message });
      }
      this.#inFlightBytes += bytes;
      const append = new Append(records, (fault) => {
        this.#inFlightBytes -= bytes;
        if (fault === undefined) resolve();
        else reject(kafkaError(fault, 'appending'));
      });
      if (this.#rounds) this.#rounds.add(append);
      else this.connected().then(({ rounds }) => rounds.add(append), append.tell);
    });
  }

  /** The producer, connected; also for metadata. */
  connected(): Promise<Connected> {
    this.#connected ??= this.#connect().catch((error: unknown) => {
      this.#connected = undefined;
      throw kafkaError(error, `connecting to ${this.#options.address.brokers}`);
    });
    return this.#connected;
  }

  async close(): Promise<void> {
    const connected = await this.#connected?.catch(() => undefined);
    this.#forget();
    if (connected) await end(connected, new EventLogError({ code: 'log-closed', message: 'the log is closed' }));
  }

  async #connect(): Promise<Connected> {
    const { rdkafka, address, deliveryTimeoutMs, log } = this.#options;
    const producer = new rdkafka.Producer(appendConfig(address), producerTopicConfig(deliveryTimeoutMs));
    const rounds = new Rounds(producer);
    const connected = { producer, rounds };
    producer.on('delivery-report', (error: LibrdKafkaError | null | undefined, { opaque }: DeliveryReport) =>
      rounds.reported(opaque as Append, error),
    );
    producer.on('event.error', (error) => {
      if (!isFatal(error)) return;
      log.warn({ error: error.message }, 'Kafka producer failed for good; it is replaced');
      this.#forget();
      void end(connected, kafkaError(error, 'appending'));
    });
    await connect(producer);
    this.#rounds = rounds;
    return connected;
  }

  #forget(): void {
    this.#connected = undefined;
    this.#rounds = undefined;
  }
}

async function end({ producer, rounds }: Connected, fault: EventLogError): Promise<void> {
  // Disconnecting waits a while for what has been handed over.
  rounds.begin();
  await disconnect(producer);
  rounds.end(fault);
}
