/**
 * The open door: events of devices and partners without Milepost into the EventLog (design, section 5). Whatever way they came (MQTT,
 * HTTP, EPCIS, Sparkplug), they stand in `uplink` as JSON arrays beside the gateways' batches, so that order, dedup and replay are the same.
 *
 * `take` resolves when the log has them, and only then may anybody be told so. Keeps no state: any hub process may take any event. What comes from
 * one client while its append before is under way goes as one (groups.ts), and stands in as few records as if it had been sent as one array.
 */
import type { Clock } from '../../protocols/base/clock.ts';
import { type DoorEvent, doorLaneOf } from '../../protocols/door/door-event.ts';
import { LANES, type Lane } from '../../protocols/uplink/identity.ts';
import { type EventLog, EventLogError, type LogRecord, TOPICS } from '../log/event-log.ts';
import { Groups } from './groups.ts';
import { checkDoorEvent, type DoorFault, MAX_EVENTS, parseJson } from './validate.ts';

export interface DoorCounters {
  /** Stored in the event log, repetitions included. */
  events: number;
  /** Kept as dead letters, or told to the sender. */
  invalid: number;
  /** Appends that the event log refused; the senders know. */
  failed: number;
}

/** Well below what the log takes as one record. */
const RECORD_BYTES = 512 * 1024;
/** Of a dead letter: the log must take it, or its sender would send it for ever. */
const LETTER_BYTES = 1024 * 1024;

/** What came at once. */
interface Arrival {
  events: readonly { lane: Lane; text: string }[];
  letters: readonly LogRecord[];
  bytes: number;
}

export class Door {
  readonly counters: DoorCounters = { events: 0, invalid: 0, failed: 0 };
  readonly #eventLog: EventLog;
  readonly #clock: Clock;
  readonly #groups = new Groups<Arrival>({
    write: (client, arrivals) => this.#append(client, arrivals),
    isRefusal: (error) => error instanceof EventLogError && error.code === 'log-rejected',
  });

  constructor(options: { eventLog: EventLog; clock: Clock }) {
    this.#eventLog = options.eventLog;
    this.#clock = options.clock;
  }

  /** Rejects with an EventLogError when the log did not take all of them: send them again, each counts once. */
  take(client: string, events: readonly DoorEvent[]): Promise<void> {
    return this.#write(client, events, []);
  }

  /** A message on `milepost/v1/{client}/json`: one event or an array. What is no event becomes a dead letter, and counts as delivered. */
  async message(client: string, payload: Buffer): Promise<void> {
    const parsed = parseJson(payload);
    if (parsed.fault) return this.keep(client, payload, parsed.fault);
    const list = Array.isArray(parsed.value) ? parsed.value : [parsed.value];
    if (list.length > MAX_EVENTS) {
      const reason = `${list.length} events in one message: at most ${MAX_EVENTS}`;
      return this.keep(client, payload, { code: 'door-invalid', reason });
    }
    const events: DoorEvent[] = [];
    const letters: LogRecord[] = [];
    for (const value of list) {
      const { event, fault } = checkDoorEvent(value);
      if (event) events.push(event);
      else letters.push(this.#letter(client, Buffer.from(JSON.stringify(value)), fault));
    }
    await this.#write(client, events, letters);
  }

  /** Keeps what cannot become an event, for a person. */
  async keep(client: string, bytes: Buffer, fault: { code: string; reason: string }, door = 'json'): Promise<void> {
    await this.#write(client, [], [this.#letter(client, bytes, fault, door)]);
  }

  async #write(client: string, given: readonly DoorEvent[], letters: readonly LogRecord[]): Promise<void> {
    const events = given.map((event) => ({ lane: doorLaneOf(event), text: JSON.stringify(event) }));
    const bytes = [...events.map(({ text }) => text), ...letters.map(({ value }) => value ?? '')].reduce(
      (sum, { length }) => sum + length,
      0,
    );
    await this.#groups.add(client, { events, letters, bytes });
    this.counters.events += events.length;
    this.counters.invalid += letters.length;
  }

  #letter(
    client: string,
    value: Buffer,
    { code, reason }: DoorFault | { code: string; reason: string },
    door = 'json',
  ): LogRecord {
    const headers = { code, reason, door, 'received-ms': this.#receivedMs() };
    return { topic: TOPICS.deadLetters, key: client, value: value.subarray(0, LETTER_BYTES), headers };
  }

  async #append(client: string, arrivals: readonly Arrival[]): Promise<void> {
    const events = arrivals.flatMap((arrival) => arrival.events);
    const letters = arrivals.flatMap((arrival) => arrival.letters);
    try {
      await this.#eventLog.append([...this.#recordsOf(client, events), ...letters]);
    } catch (error) {
      this.counters.failed++;
      throw error;
    }
  }

  /** One record for each lane, since each lane has its own processor; more where they would be too large. */
  #recordsOf(client: string, events: Arrival['events']): LogRecord[] {
    const receivedMs = this.#receivedMs();
    return LANES.flatMap((lane) =>
      inRecords(events.filter((event) => event.lane === lane)).map((text) => ({
        topic: TOPICS.uplink,
        key: client,
        value: Buffer.from(text),
        headers: { door: 'json', lane, 'received-ms': receivedMs },
      })),
    );
  }

  #receivedMs(): string {
    return String(Math.round(this.#clock.wall().wallMs));
  }
}

function inRecords(events: Arrival['events']): string[] {
  const records: string[] = [];
  let texts: string[] = [];
  let length = 0;
  const close = () => {
    if (texts.length > 0) records.push(`[${texts.join()}]`);
    texts = [];
    length = 0;
  };
  for (const { text } of events) {
    if (length + text.length > RECORD_BYTES / 3) close();
    texts.push(text);
    length += text.length;
  }
  close();
  return records;
}
