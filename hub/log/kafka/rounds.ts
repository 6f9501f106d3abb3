/**
 * Appends on their way through a producer that reports each message.
 *
 * They are handed over in rounds: at once while fewer than `ROUNDS` are under way, otherwise together with all that comes until one of those has
 * been confirmed, at most `MAX_HOLD_MS`. So a calm append waits for nothing; and under load a request to the broker, which has its price
 * for each request and partition, holds as many messages as came meanwhile. What is confirmed in one turn of the event loop is told in one,
 * so that whoever waits can answer together.
 *
 * Bounds: whoever adds has them (append-producer.ts).
 */
import type { Producer } from 'node-rdkafka';
import type { LogRecord } from '../event-log.ts';
import { produce } from './produce.ts';
import { Pump } from './pump.ts';

/** While the broker has one, the next is on its way to it. */
const ROUNDS = 2;
const MAX_HOLD_MS = 5;

/** Some records, and who is told when all of them are confirmed or one of them has failed. */
export class Append {
  readonly records: readonly LogRecord[];
  readonly tell: (fault: unknown) => void;
  fault: unknown;
  /** One more than messages, until all are handed over. */
  outstanding = 1;
  round: { unconfirmed: number } | undefined;

  constructor(records: readonly LogRecord[], tell: (fault: unknown) => void) {
    this.records = records;
    this.tell = tell;
  }
}

export class Rounds {
  readonly #producer: Producer;
  readonly #pump: Pump;
  readonly #untold = new Set<Append>();
  #held: Append[] = [];
  /** Runs out when what is held goes, however many rounds are under way. */
  #patience: NodeJS.Timeout | undefined;
  #underWay = 0;
  #confirmed: Append[] = [];

  constructor(producer: Producer) {
    this.#producer = producer;
    this.#pump = new Pump(producer);
  }

  add(append: Append): void {
    this.#untold.add(append);
    this.#pump.hold();
    if (this.#held.push(append) > 1) return;
    if (this.#underWay < ROUNDS) setImmediate(() => this.begin());
    else this.#patience = setTimeout(() => this.begin(), MAX_HOLD_MS);
  }

  /** Hands over what is held, whatever is under way. */
  begin(): void {
    clearTimeout(this.#patience);
    const appends = this.#held;
    if (appends.length === 0) return;
    this.#held = [];
    this.#underWay++;
    const round = { unconfirmed: appends.length };
    for (const append of appends) {
      append.round = round;
      this.reported(append, this.#handOver(append));
    }
  }

  /** What a delivery report says of one message. */
  reported(append: Append, fault: unknown): void {
    append.fault ??= fault ?? undefined;
    if (--append.outstanding > 0) return;
    if (this.#confirmed.push(append) === 1) setImmediate(() => this.#tell());
    const { round } = append;
    if (!round || --round.unconfirmed > 0) return;
    this.#underWay--;
    if (this.#held.length > 0) setImmediate(() => this.begin());
  }

  /** Nothing is reported any more: all that is left has failed. */
  end(fault: unknown): void {
    clearTimeout(this.#patience);
    this.#held = [];
    for (const append of this.#untold) this.#told(append, fault);
  }

  /** Gives what the producer refuses: then none of the records behind it is handed over. */
  #handOver(append: Append): unknown {
    for (const record of append.records) {
      try {
        produce(this.#producer, record, append);
        append.outstanding++;
      } catch (error) {
        return error;
      }
    }
    return undefined;
  }

  #tell(): void {
    const confirmed = this.#confirmed;
    this.#confirmed = [];
    for (const append of confirmed) if (this.#untold.has(append)) this.#told(append, append.fault);
  }

  #told(append: Append, fault: unknown): void {
    this.#untold.delete(append);
    this.#pump.release();
    append.tell(fault);
  }
}
