/** What a group of batches turns into: collected here, written and committed by the processor. */
import type { Log } from '../../protocols/base/log.ts';
import type { RecordView } from '../../protocols/uplink/record.ts';
import type { AlertMessage } from '../../protocols/uplink/tracking-event.ts';
import { letterHeaders } from '../dead-letters/letter.ts';
import { type LogRecord, TOPICS } from '../log/event-log.ts';
import type { Point } from '../timeseries/time-series.ts';
import { alertRecord, type MessageFormat } from './publish.ts';
import type { Source } from './to-messages.ts';

export interface ProcessorCounters {
  records: number;
  duplicates: number;
  deadLetters: number;
  packageEvents: number;
  alerts: number;
  points: number;
  gaps: number;
  /** Events of the open door under an id that was used before for another; the first one counts. */
  conflicts: number;
}

/** What was recorded, in the batch that it came in; `payload` makes a view of it. */
export type Recorded = Pick<RecordView, 'bytes' | 'payloadAt' | 'end' | 'payload'>;

/** Where something came from. */
export interface Origin {
  source: Source;
  recorded: Pick<Recorded, 'payload'>;
}

export interface PointOf extends Origin {
  point: Point;
  partition: number;
}

type Letter = { key: string; value: Buffer } & Parameters<typeof letterHeaders>[0];

export const zeroCounters = (): ProcessorCounters => ({
  records: 0,
  duplicates: 0,
  deadLetters: 0,
  packageEvents: 0,
  alerts: 0,
  points: 0,
  gaps: 0,
  conflicts: 0,
});

export class Work {
  readonly outputs: LogRecord[] = [];
  /** Still to be written to the time series. */
  readonly points: PointOf[] = [];
  readonly counters = zeroCounters();
  /** Of each batch: when its oldest record was recorded, and when it came into the log. Milliseconds since 1970. */
  readonly times: { recordedMs: number; loggedMs: number }[] = [];
  readonly #format: MessageFormat;
  readonly #log: Log;

  constructor(options: { format: MessageFormat; log: Log }) {
    this.#format = options.format;
    this.#log = options.log;
  }

  event(record: LogRecord): void {
    this.counters.packageEvents++;
    this.outputs.push(record);
  }

  /** @param source The record that it came in; the hub's own alerts have none. */
  alert(alert: AlertMessage, source?: Source): void {
    this.counters.alerts++;
    this.outputs.push(alertRecord(alert, this.#format, source));
  }

  deadLetter(letter: Letter): void {
    const { key, value, code, reason, identity = letter.source?.identity } = letter;
    this.counters.deadLetters++;
    this.#log.warn({ gateway: key, ...identity, code, reason }, 'record goes to dead-letters');
    this.outputs.push({ topic: TOPICS.deadLetters, key, value, headers: letterHeaders(letter) });
  }

  /** What the processor keeps of a partition. */
  state(partition: number, changes: Iterable<{ name: string; value: Buffer | null }>): void {
    for (const { name, value } of changes)
      this.outputs.push({ topic: TOPICS.gatewaySequences, partition, key: name, value });
  }
}
