/**
 * Runs one device for as long as its signal lets it: open → driver → readings, again and again.
 *
 * Invariants:
 *  - nothing that a port or a driver does leaves this file as an exception: it becomes health, and a later attempt;
 *  - readings are handed on in order; at most READING_WINDOW of them wait for `onReading`, then the driver is not asked for more and
 *    the port's bounded queue fills, so a slow disk stops the device and loses nothing;
 *  - a device that went away is looked for at least once a second (so it reads again within two seconds of its return); a device
 *    that is there but wrong at least every five seconds; one that comes and goes, after five short lives in a row, every 30 s;
 *  - after an abort `done` resolves within STOP_LIMIT_MS, whatever the driver does.
 */
import { backoff } from '../../protocols/base/backoff.ts';
import { type Clock, sleep } from '../../protocols/base/clock.ts';
import { isCodecError } from '../../protocols/base/codec-error.ts';
import { type FramerStats, newFramerStats } from '../../protocols/base/framer.ts';
import type { Log } from '../../protocols/base/log.ts';
import { type Driver, DriverError, type Reading } from '../driver.ts';
import { type DeviceHealth, type Fault, HealthRecord } from './device-health.ts';
import { FaultLog } from './fault-log.ts';
import { LineQuality } from './line-quality.ts';
import {
  describeTransport,
  isAbsence,
  type OpenTransport,
  type Transport,
  TransportError,
  type TransportOptions,
} from './transport.ts';

const READING_WINDOW = 256;
const JUDGE_INTERVAL_MS = 1_000;
const SHORT_LIFE_US = 10_000_000;
const SHORT_LIVES = 5;
/** How long a driver may take to say goodbye, and then to notice that its transport is closed. */
const GOODBYE_MS = 1_000;
const STOP_LIMIT_MS = 3_000;

export interface SuperviseOptions<Options> {
  deviceId: string;
  driver: Driver<Options>;
  /** Checked by the driver's schema already. */
  options: Options;
  openTransport: OpenTransport;
  clock: Clock;
  log: Log;
  /** Uniform in [0, 1). */
  random: () => number;
  signal: AbortSignal;
  /** Resolves when the reading is taken care of (on disk, or dropped by intent). */
  onReading(reading: Reading): Promise<void>;
  /** Called for real changes only (device-health.ts). */
  onHealthChange(health: DeviceHealth): void;
}

export interface SupervisedDevice {
  readonly deviceId: string;
  /** As of now. */
  readonly health: DeviceHealth;
  /** Resolves after the abort, when the device is closed; never rejects. */
  readonly done: Promise<void>;
}

export function superviseDevice<Options>(options: SuperviseOptions<Options>): SupervisedDevice {
  return new Supervisor(options);
}

class Supervisor<Options> implements SupervisedDevice {
  readonly deviceId: string;
  readonly done: Promise<void>;
  readonly #o: SuperviseOptions<Options>;
  readonly #transportOptions: TransportOptions;
  readonly #log: Log;
  readonly #health: HealthRecord;
  readonly #faults = new FaultLog();
  readonly #past: FramerStats = newFramerStats();
  #current: FramerStats = newFramerStats();
  #opened = 0;
  #waiting = 0;
  #onTaken: (() => void) | undefined;

  constructor(options: SuperviseOptions<Options>) {
    this.#o = options;
    this.deviceId = options.deviceId;
    this.#transportOptions = options.driver.transport(options.options);
    this.#log = options.log.child({ device: options.deviceId, driver: options.driver.kind });
    this.#health = new HealthRecord({
      nowUs: () => options.clock.monotonicUs(),
      stats: () => sum(this.#past, this.#current),
      onChange: (health) => this.#changed(health),
      silentByNature: options.driver.silentByNature ?? false,
    });
    this.done = this.#run();
  }

  get health(): DeviceHealth {
    return this.#health.snapshot;
  }

  async #run(): Promise<void> {
    const { clock, random, signal } = this.#o;
    const fresh = () => ({
      quick: backoff({ firstMs: 200, maxMs: 1_000, floorMs: 50, random }),
      slow: backoff({ firstMs: 500, maxMs: 5_000, floorMs: 250, random }),
      flapping: backoff({ firstMs: 2_000, maxMs: 30_000, floorMs: 1_000, random }),
    });
    let delays = fresh();
    let shortLives = 0;
    while (!signal.aborted) {
      const openedBefore = this.#opened;
      const startUs = clock.monotonicUs();
      const error = await this.#connect().then(
        () => undefined,
        (reason: unknown) => ({ reason }),
      );
      if (signal.aborted || !error) break;
      this.#fail(error.reason);
      if (clock.monotonicUs() - startUs >= SHORT_LIFE_US) {
        delays = fresh();
        shortLives = 0;
      } else if (this.#opened > openedBefore) {
        shortLives++;
      }
      const kind = shortLives >= SHORT_LIVES ? 'flapping' : isAbsence(error.reason) ? 'quick' : 'slow';
      await sleep(clock, delays[kind].next().value, signal);
    }
    await this.#allTaken();
  }

  /** One connection's life. Returns only after an abort; every other end is an error. */
  async #connect(): Promise<void> {
    const transport = await this.#open();
    const stats = newFramerStats();
    this.#current = stats;
    this.#health.opened(this.#opened++ === 0);
    const over = new AbortController();
    try {
      this.#judgeLine(stats, over.signal);
      await Promise.race([this.#drive(transport, stats), this.#stopLate(transport, over.signal)]);
      if (!this.#o.signal.aborted) throw endedError(this.#transportOptions);
    } finally {
      over.abort();
      await transport.close();
      Object.assign(this.#past, sum(this.#past, stats));
      this.#current = newFramerStats();
    }
  }

  /** An attempt that outlives the abort is left alone; what it opens is closed again. */
  #open(): Promise<Transport> {
    const { openTransport, signal } = this.#o;
    return new Promise((resolve, reject) => {
      const stop = () => reject(signal.reason);
      signal.addEventListener('abort', stop, { once: true });
      // A promise chain from the start: an opener that throws instead of rejecting is the same fault.
      Promise.resolve()
        .then(() => openTransport(this.#transportOptions, signal))
        .then((transport) => (signal.aborted ? transport.close() : resolve(transport)))
        .catch(reject)
        .finally(() => signal.removeEventListener('abort', stop));
    });
  }

  async #drive(transport: Transport, stats: FramerStats): Promise<void> {
    const { driver, options, deviceId, clock, signal } = this.#o;
    const context = { deviceId, transport, clock, log: this.#log, signal, stats };
    for await (const reading of driver.run(context, options)) {
      if (reading.kind !== 'status') this.#health.reading(reading.monotonicUs);
      this.#hand(reading);
      while (this.#waiting >= READING_WINDOW) await this.#oneTaken();
    }
  }

  #hand(reading: Reading): void {
    this.#waiting++;
    // A promise chain from the start: an exception in the pipeline is not the driver's fault.
    void new Promise<void>((resolve) => resolve(this.#o.onReading(reading)))
      .catch((error: unknown) => {
        this.#logFault('reading-refused', error, 'reading was not taken: it is lost');
      })
      .then(() => {
        this.#waiting--;
        this.#onTaken?.();
        this.#onTaken = undefined;
      });
  }

  #oneTaken(): Promise<void> {
    return new Promise((resolve) => {
      this.#onTaken = resolve;
    });
  }

  /** Waits for readings under way, but not for ever: a disk that hangs must not hang the stop. */
  async #allTaken(): Promise<void> {
    let tooLate = false;
    const cancel = this.#o.clock.after(STOP_LIMIT_MS, () => {
      tooLate = true;
      this.#onTaken?.();
    });
    while (this.#waiting > 0 && !tooLate) await this.#oneTaken();
    cancel();
  }

  /** After an abort: gives the driver its time for a goodbye, then closes the transport under it, then stops waiting for it. */
  async #stopLate(transport: Transport, over: AbortSignal): Promise<void> {
    const { clock, signal } = this.#o;
    await eitherAborted(signal, over);
    await sleep(clock, GOODBYE_MS, over);
    if (over.aborted) return;
    await transport.close();
    await sleep(clock, GOODBYE_MS, over);
    if (!over.aborted) this.#log.warn({}, 'driver did not stop in time and was left behind');
  }

  #judgeLine(stats: FramerStats, over: AbortSignal): void {
    const quality = new LineQuality();
    let cancel = () => {};
    const judge = () => {
      const verdict = quality.judge(stats);
      if (verdict === 'good') this.#health.proven();
      if (verdict === 'babbling') this.#fail(nonsenseError(this.#transportOptions, this.#o.driver.kind, stats));
      cancel = this.#o.clock.after(JUDGE_INTERVAL_MS, judge);
    };
    cancel = this.#o.clock.after(JUDGE_INTERVAL_MS, judge);
    over.addEventListener('abort', () => cancel(), { once: true });
  }

  #fail(error: unknown): void {
    const fault = faultOf(error);
    this.#logFault(fault.code, error, 'device fault');
    this.#health.failed(fault);
  }

  #logFault(code: string, error: unknown, message: string): void {
    const suppressed = this.#faults.admit(code, this.#o.clock.monotonicUs());
    if (suppressed === undefined) return;
    const reason = error instanceof Error ? error.message : String(error);
    // An error without a code is a bug: its stack is wanted.
    const stack = faultOf(error).code === UNKNOWN_CODE && error instanceof Error ? error.stack : undefined;
    this.#log.warn({ code, reason, ...(suppressed > 0 && { suppressed }), ...(stack && { stack }) }, message);
  }

  #changed(health: DeviceHealth): void {
    if (health.state === 'online') this.#log.info({ reconnects: health.reconnects }, 'device online');
    try {
      this.#o.onHealthChange(health);
    } catch (error) {
      this.#logFault('health-listener-failed', error, 'health change was not taken');
    }
  }
}

const UNKNOWN_CODE = 'driver-failed';

function faultOf(error: unknown): Fault {
  if (error instanceof TransportError) {
    const state = isAbsence(error) ? 'offline' : 'fault';
    return { state, code: error.code, message: error.message, clearedByOpening: true };
  }
  const known = error instanceof DriverError || isCodecError(error);
  const message = error instanceof Error ? error.message : String(error);
  return { state: 'fault', code: known ? error.code : UNKNOWN_CODE, message, clearedByOpening: false };
}

function endedError(options: TransportOptions): TransportError {
  const code = options.kind === 'tcp' ? 'connection-lost' : 'port-lost';
  return new TransportError({ code, message: `${describeTransport(options)}: the device ended the connection` });
}

function nonsenseError(options: TransportOptions, kind: string, stats: FramerStats): DriverError {
  const where = describeTransport(options);
  const speed = options.kind === 'serial' ? `the baud rate (${options.baudRate} is configured) and ` : '';
  return new DriverError({
    code: 'nonsense',
    message:
      `${where}: bytes arrive, but most are no frames that '${kind}' knows (${stats.discardedBytes} of ${stats.bytes} discarded): ` +
      `check ${speed}that the right driver is configured`,
  });
}

function sum(a: FramerStats, b: FramerStats): FramerStats {
  return {
    bytes: a.bytes + b.bytes,
    frames: a.frames + b.frames,
    discardedBytes: a.discardedBytes + b.discardedBytes,
    checksumErrors: a.checksumErrors + b.checksumErrors,
  };
}

/** Resolves when either is aborted, and leaves no listener behind. */
function eitherAborted(a: AbortSignal, b: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      a.removeEventListener('abort', done);
      b.removeEventListener('abort', done);
      resolve();
    };
    if (a.aborted || b.aborted) return resolve();
    a.addEventListener('abort', done);
    b.addEventListener('abort', done);
  });
}
