/**
 * What is known about a device, and when it is worth saying.
 *
 * Invariants:
 *  - a device is online when it has proven itself by a good frame or reading; one that is silent by nature when its port opens;
 *  - a fault is cleared only by what contradicts it: an absent port by opening it, a silent or babbling device by a frame or
 *    reading that is good. So a device that is opened again and again in vain is not reported as online in between;
 *  - `onChange` is called for a change of state (not to `connecting`, which is no news), and for another code only once per outage: two
 *    faults that take turns are told once each, however long they go on.
 */
import type { FramerStats } from '../../protocols/base/framer.ts';

/**
 * `connecting`: not opened yet since the start, or open and not yet proven. `offline`: the device is not there, and comes back by
 * itself. `fault`: someone has to look at it.
 */
export type DeviceState = 'connecting' | 'online' | 'offline' | 'fault';

export interface DeviceHealth {
  state: DeviceState;
  /** Kebab-case code of the fault; empty when online or connecting. */
  code: string;
  message: string;
  /** Monotonic time of the last change of state. */
  sinceUs: number;
  /** How often the port was opened again after the first time. */
  reconnects: number;
  lastReadingUs: number | undefined;
  /** Over all connections since the start. */
  stats: FramerStats;
}

export interface Fault {
  state: 'offline' | 'fault';
  code: string;
  message: string;
  /** Opening the port is enough to clear it. */
  clearedByOpening: boolean;
}

export class HealthRecord {
  readonly #onChange: (health: DeviceHealth) => void;
  readonly #nowUs: () => number;
  readonly #readStats: () => FramerStats;
  readonly #silentByNature: boolean;
  /** Codes told in this outage, and the state told last. */
  readonly #told = new Set<string>();
  #toldState: DeviceState = 'connecting';
  /** The fault that opening does not clear, until a good frame or reading does. */
  #standing: Fault | undefined;
  #health: Omit<DeviceHealth, 'stats'>;

  constructor(source: {
    onChange(health: DeviceHealth): void;
    nowUs(): number;
    stats(): FramerStats;
    silentByNature: boolean;
  }) {
    this.#onChange = source.onChange;
    this.#nowUs = source.nowUs;
    this.#readStats = source.stats;
    this.#silentByNature = source.silentByNature;
    this.#health = {
      state: 'connecting',
      code: '',
      message: '',
      sinceUs: source.nowUs(),
      reconnects: 0,
      lastReadingUs: undefined,
    };
  }

  get snapshot(): DeviceHealth {
    return { ...this.#health, stats: this.#readStats() };
  }

  opened(first: boolean): void {
    if (!first) this.#health.reconnects++;
    if (this.#standing) this.#show(this.#standing);
    else if (this.#silentByNature) this.proven();
    else this.#enter({ state: 'connecting', code: '', message: '' });
  }

  /** A frame or reading proves that the device is there and understood. */
  proven(): void {
    this.#standing = undefined;
    if (this.#health.state === 'online') return;
    this.#told.clear();
    this.#enter({ state: 'online', code: '', message: '' });
    this.#tell();
  }

  reading(monotonicUs: number): void {
    this.#health.lastReadingUs = monotonicUs;
    this.proven();
  }

  failed(fault: Fault): void {
    if (!fault.clearedByOpening) this.#standing = fault;
    this.#show(fault);
  }

  #show({ state, code, message }: Fault): void {
    this.#enter({ state, code, message });
    const isNews = state !== this.#toldState || !this.#told.has(code);
    this.#told.add(code);
    if (isNews) this.#tell();
  }

  #enter(now: Pick<DeviceHealth, 'state' | 'code' | 'message'>): void {
    const sinceUs = now.state === this.#health.state ? this.#health.sinceUs : this.#nowUs();
    this.#health = { ...this.#health, ...now, sinceUs };
  }

  #tell(): void {
    this.#toldState = this.#health.state;
    this.#onChange(this.snapshot);
  }
}
