/**
 * append(): an idempotent producer, acks=all, a delivery report for every message.
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
import { produce } from './produce.ts';
import { Pump } from './pump.ts';

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
  pump: Pump;
  waiting: Set<Ticket>;
}

/** One append: resolved when none of its messages is outstanding. */
interface Ticket {
  outstanding: number;
  fault: unknown;
  settle(): void;
}

export class AppendProducer {
  readonly #options: AppendProducerOptions;
  #connected: Promise<Connected> | undefined;
  #inFlightBytes = 0;

  constructor(options: AppendProducerOptions) {
    this.#options = options;
  }

  async append(records: readonly LogRecord[], bytes: number): Promise<void> {
    if (this.#inFlightBytes > 0 && this.#inFlightBytes + bytes > MAX_IN_FLIGHT_BYTES) {
      const message = `Kafka: ${this.#inFlightBytes} bytes wait for confirmation already`;
      throw new EventLogError({ code: 'log-unavailable', message });
    }
    this.#inFlightBytes += bytes;
    try {
      await this.#send(await this.connected(), records);
    } finally {
      this.#inFlightBytes -= bytes;
    }
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
    this.#connected = undefined;
    if (connected) await this.#end(connected, new EventLogError({ code: 'log-closed', message: 'the log is closed' }));
  }

  async #connect(): Promise<Connected> {
    const { rdkafka, address, deliveryTimeoutMs, log } = this.#options;
    const producer = new rdkafka.Producer(appendConfig(address), producerTopicConfig(deliveryTimeoutMs));
    const connected = { producer, pump: new Pump(producer), waiting: new Set<Ticket>() };
    producer.on('delivery-report', (error, report) => delivered(error, report));
    producer.on('event.error', (error) => {
      if (!isFatal(error)) return;
      log.warn({ error: error.message }, 'Kafka producer failed for good; it is replaced');
      this.#connected = undefined;
      void this.#end(connected, kafkaError(error, 'appending'));
    });
    await connect(producer);
    return connected;
  }

  #send(connected: Connected, records: readonly LogRecord[]): Promise<void> {
    const { producer, pump, waiting } = connected;
    return new Promise((resolve, reject) => {
      const ticket: Ticket = {
        // One more than messages, until all are handed over.
        outstanding: 1,
        fault: undefined,
        settle() {
          if (--ticket.outstanding > 0) return;
          waiting.delete(ticket);
          pump.release();
          if (ticket.fault === undefined) resolve();
          else reject(kafkaError(ticket.fault, 'appending'));
        },
      };
      waiting.add(ticket);
      pump.hold();
      for (const record of records) {
        ticket.outstanding++;
        try {
          produce(producer, record, ticket);
        } catch (error) {
          ticket.fault ??= error;
          ticket.settle();
          break;
        }
      }
      ticket.settle();
    });
  }

  async #end({ producer, waiting }: Connected, fault: EventLogError): Promise<void> {
    await disconnect(producer);
    for (const ticket of [...waiting]) {
      ticket.fault ??= fault;
      ticket.outstanding = 1;
      ticket.settle();
    }
  }
}

function delivered(error: LibrdKafkaError | null | undefined, report: DeliveryReport): void {
  const ticket = report.opaque as Ticket;
  if (error) ticket.fault ??= error;
  ticket.settle();
}
