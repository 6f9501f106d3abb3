/** Which lanes the disk refuses, and how; and that it happened, once it is over. */
import type { Clock } from '../../protocols/base/clock.ts';
import type { Log } from '../../protocols/base/log.ts';
import { LANES, type Lane } from '../../protocols/uplink/identity.ts';
import type { OutboxMode } from './outbox-error.ts';

export interface LaneFault {
  mode: Exclude<OutboxMode, 'ok'>;
  detail: string;
  /** What was refused, and has to succeed for the fault to be over; `room`: within the outbox's own bounds. */
  from: 'write' | 'room' | 'save' | 'read' | 'open';
  cause?: unknown;
}

export interface OutboxFault {
  mode: Exclude<OutboxMode, 'ok'>;
  detail: string;
  /** Wall time of the box. */
  fromMs: number;
  /** Undefined while it lasts. */
  untilMs: number | undefined;
}

const WORST_FIRST = ['io-error', 'read-only', 'disk-full'] as const;

export class FaultBook {
  readonly #clock: Clock;
  readonly #log: Log;
  /** By lane and by what was refused. */
  readonly #faults = new Map<string, LaneFault & { lane: Lane }>();
  #last: OutboxFault | undefined;
  #count = 0;

  constructor(options: { clock: Clock; log: Log }) {
    this.#clock = options.clock;
    this.#log = options.log;
  }

  get mode(): { mode: OutboxMode; detail: string } {
    for (const mode of WORST_FIRST) {
      const faults = LANES.flatMap((lane) => this.of(lane)).filter((fault) => fault.mode === mode);
      const details = new Set(faults.map(({ lane, detail }) => `${lane}: ${detail}`));
      if (faults.length > 0) return { mode, detail: [...details].join('; ') };
    }
    return { mode: 'ok', detail: '' };
  }

  get last(): OutboxFault | undefined {
    return this.#last && { ...this.#last };
  }

  get count(): number {
    return this.#count;
  }

  of(lane: Lane): (LaneFault & { lane: Lane })[] {
    return [...this.#faults.values()].filter((fault) => fault.lane === lane);
  }

  set(lane: Lane, fault: LaneFault): void {
    const before = this.mode.mode;
    this.#faults.set(`${lane} ${fault.from}`, { ...fault, lane });
    this.#changed(before);
  }

  /** The lane does again what was refused. */
  clear(lane: Lane, from: LaneFault['from']): void {
    const before = this.mode.mode;
    if (this.#faults.delete(`${lane} ${from}`)) this.#changed(before);
  }

  #changed(before: OutboxMode): void {
    const { mode, detail } = this.mode;
    const nowMs = this.#clock.wall().wallMs;
    if (mode === 'ok') {
      if (this.#last) this.#last.untilMs = nowMs;
      this.#log.info({ was: before }, 'outbox writes again');
    } else if (mode !== before) {
      if (this.#last && this.#last.untilMs === undefined) this.#last.untilMs = nowMs;
      this.#last = { mode, detail, fromMs: nowMs, untilMs: undefined };
      this.#count++;
      this.#log.error({ mode, detail }, 'the disk refuses the outbox');
    } else if (this.#last) this.#last.detail = detail;
  }
}
