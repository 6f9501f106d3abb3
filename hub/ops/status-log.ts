/**
 * What gateways say of themselves, from the ingest process that heard it to every process that needs it (the API, the ledger audit, the fleet):
 * through the compacted topics `gateway-status` and `gateway-reports`.
 *
 * Bound: one message for each gateway waits at most, the newest; an older one is worth nothing.
 */
import { type Clock, sleep } from '../../protocols/base/clock.ts';
import type { Log } from '../../protocols/base/log.ts';
import { type GatewayStatus, parseGatewayStatus } from '../../protocols/uplink/gateway-status.ts';
import { type EventLog, type Runner, TOPICS } from '../log/event-log.ts';
import { MAX_GATEWAYS } from './gateways.ts';

const RETRY_MS = 1_000;
const MAX_PER_APPEND = 500;

export class StatusLog<T extends { gatewayId: string } = GatewayStatus> {
  readonly #eventLog: Pick<EventLog, 'append'>;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #signal: AbortSignal;
  readonly #topic: string;
  readonly #waiting = new Map<string, T>();
  #writing: Promise<void> | undefined;

  /** @param options.topic By default `gateway-status`. */
  constructor(options: {
    eventLog: Pick<EventLog, 'append'>;
    clock: Clock;
    log: Log;
    signal: AbortSignal;
    topic?: string;
  }) {
    this.#topic = options.topic ?? TOPICS.gatewayStatus;
    this.#eventLog = options.eventLog;
    this.#clock = options.clock;
    this.#log = options.log;
    this.#signal = options.signal;
  }

  /** Keeps it for the log. */
  write(status: T): void {
    if (!this.#waiting.has(status.gatewayId) && this.#waiting.size >= MAX_GATEWAYS) return;
    this.#waiting.set(status.gatewayId, status);
    this.#writing ??= this.#write().finally(() => {
      this.#writing = undefined;
    });
  }

  /** How many wait to be written. */
  get waiting(): number {
    return this.#waiting.size;
  }

  /** Resolves when nothing is being written. */
  async settled(): Promise<void> {
    await this.#writing;
  }

  async #write(): Promise<void> {
    while (this.#waiting.size > 0 && !this.#signal.aborted) {
      const group = [...this.#waiting].slice(0, MAX_PER_APPEND);
      for (const [gatewayId] of group) this.#waiting.delete(gatewayId);
      try {
        await this.#eventLog.append(
          group.map(([key, status]) => ({
            topic: this.#topic,
            key,
            value: Buffer.from(JSON.stringify(status)),
          })),
        );
      } catch (error) {
        this.#log.debug(
          { err: error, topic: this.#topic, messages: group.length },
          'messages of gateways not written; trying again',
        );
        // What came meanwhile is newer.
        for (const [gatewayId, status] of group)
          if (!this.#waiting.has(gatewayId)) this.#waiting.set(gatewayId, status);
        await sleep(this.#clock, RETRY_MS, this.#signal);
      }
    }
  }
}

/** Every status, the stored ones first; `heardMs` is when a hub heard it, milliseconds since 1970. */
export function followStatuses(
  eventLog: Pick<EventLog, 'follow'>,
  onStatus: (status: GatewayStatus, heardMs: number) => void,
): Promise<Runner> {
  return eventLog.follow({
    topic: TOPICS.gatewayStatus,
    position: async () => 0,
    onRecords: async (records) => {
      for (const { value, timestampMs } of records) {
        const status = value && parseGatewayStatus(value.toString('utf8'));
        if (status) onStatus(status, timestampMs);
      }
    },
  });
}
