/**
 * Carries out the commands of a scenario's script, of standard input and of the control socket.
 *
 * Most of them are the device's own. Three have an end and are made of others, for every kind of device:
 *  - `unplug` with `forS=`: pulled, and plugged in again after that time;
 *  - a fault with `forS=`: ends after that time;
 *  - `storm [perSecond=] [forS=]`: a reader gets packages in front of it at that rate, each with a number of its own; any other
 *    serial device chatters, one burst of meaningless bytes each.
 *
 * A newer command of the same name for the same device replaces the older one's end. Bounds: RATE_MAX, TIME_MAX_S, and so many
 * sightings of a storm at once as BUSY_MAX; what exceeds that is left out, as a reader that cannot keep up would.
 */
import type { Clock } from '../protocols/base/clock.ts';
import type { Log } from '../protocols/base/log.ts';
import { isFault, numberArg } from './faults.ts';
import { makeParcel } from './parcels.ts';
import type { Random } from './random.ts';
import { type CommandArgs, type RunningSimulator, SimulatorError } from './simulator.ts';

const RATE_MAX = 1000;
const TIME_MAX_S = 86_400;
const BUSY_MAX = 2000;
const TICK_MS = 20;
const STORM_PER_S = 20;
const STORM_S = 10;
const STORM_DWELL_MS = 400;
/** Packages of a storm have numbers that no scenario's flow gives: GS1's prefix for restricted circulation. */
const STORM_PREFIX = '0299999';
const STORM_EXTENSION = 9;

export interface OrdersOptions {
  devices: ReadonlyMap<string, RunningSimulator>;
  clock: Clock;
  random: Random;
  log: Log;
}

export class Orders {
  readonly #options: OrdersOptions;
  /** What ends a command that has a time, by device and command. */
  readonly #ends = new Map<string, () => void>();
  readonly #sightings = new Set<Promise<unknown>>();
  #serial: number;
  #finished = false;

  constructor(options: OrdersOptions) {
    this.#options = options;
    this.#serial = options.random.integer(1, 99_999) * 10_000;
  }

  /** @throws SimulatorError `sim-device-unknown`, `sim-command-unknown`, `sim-command-invalid`, `sim-not-heard` */
  async give(deviceId: string, name: string, args: CommandArgs = {}): Promise<void> {
    const { devices } = this.#options;
    const device = devices.get(deviceId);
    if (device) return this.#carryOut(device, name, args);
    if (deviceId !== 'all') {
      throw new SimulatorError({
        code: 'sim-device-unknown',
        message: `there is no device '${deviceId}': this scenario has ${[...devices.keys()].join(', ')}`,
      });
    }
    for (const each of devices.values()) await this.#carryOut(each, name, args);
  }

  /** No storm goes on; resolves when readers are done with what it showed them. Cables that are due are still plugged in again. */
  async finish(): Promise<void> {
    this.#finished = true;
    await Promise.all(this.#sightings);
  }

  stop(): void {
    this.#finished = true;
    for (const end of this.#ends.values()) end();
    this.#ends.clear();
  }

  async #carryOut(device: RunningSimulator, name: string, { forS, ...args }: CommandArgs): Promise<void> {
    const key = `${device.id} ${name}`;
    if (name === 'storm') return this.#storm(device, key, { ...args, ...(forS !== undefined && { forS }) });
    const seconds = forS === undefined || !(isFault(name) || name === 'unplug') ? undefined : timeOf(forS);
    await device.command(name, forS === undefined || seconds !== undefined ? args : { forS, ...args });
    if (isFault(name) || name === 'unplug') this.#cancel(key);
    if (name === 'replug') this.#cancel(`${device.id} unplug`);
    if (seconds === undefined) return;
    this.#endAfter(key, seconds, () => {
      const ended = name === 'unplug' ? device.command('replug') : device.command('clear', { fault: name });
      ended.catch((error: unknown) =>
        this.#options.log.error({ err: error, device: device.id }, 'a fault did not end'),
      );
    });
  }

  async #storm(device: RunningSimulator, key: string, args: CommandArgs): Promise<void> {
    const perSecond = numberArg(args, 'perSecond', STORM_PER_S);
    if (!(perSecond > 0 && perSecond <= RATE_MAX)) {
      throw invalid(`storm ${device.id}: perSecond is above 0, at most ${RATE_MAX}`);
    }
    const seconds = timeOf(args.forS ?? STORM_S);
    // Refused here and now by a device that has neither.
    if (device.observe === undefined) await device.command('chatter');
    else this.#show(device);
    const { clock } = this.#options;
    const startUs = clock.monotonicUs();
    let shown = 1;
    let cancel: () => void = () => {};
    const tick = (): void => {
      cancel = clock.after(TICK_MS, () => {
        const passedS = (clock.monotonicUs() - startUs) / 1e6;
        for (const due = Math.ceil(Math.min(passedS, seconds) * perSecond); shown < due; shown++) this.#show(device);
        if (passedS < seconds && !this.#finished) tick();
        else this.#ends.delete(key);
      });
    };
    this.#cancel(key);
    this.#ends.set(key, () => cancel());
    tick();
  }

  #show(device: RunningSimulator): void {
    if (this.#finished || this.#sightings.size >= BUSY_MAX) return;
    const parcel = () =>
      makeParcel({ companyPrefix: STORM_PREFIX, extensionDigit: STORM_EXTENSION, serial: this.#serial++ });
    const work: Promise<unknown> = (
      device.observe?.({ ...parcel(), dwellMs: STORM_DWELL_MS }) ?? device.command('chatter')
    )
      .catch((error: unknown) => this.#options.log.error({ err: error, device: device.id }, 'a storm abated'))
      .finally(() => this.#sightings.delete(work));
    this.#sightings.add(work);
  }

  #endAfter(key: string, seconds: number, end: () => void): void {
    const cancel = this.#options.clock.after(seconds * 1000, () => {
      this.#ends.delete(key);
      end();
    });
    this.#ends.set(key, cancel);
  }

  #cancel(key: string): void {
    this.#ends.get(key)?.();
    this.#ends.delete(key);
  }
}

function timeOf(forS: CommandArgs[string]): number {
  const seconds = numberArg({ forS }, 'forS', 0);
  if (!(seconds > 0 && seconds <= TIME_MAX_S)) throw invalid(`forS ${forS}: above 0, at most ${TIME_MAX_S}`);
  return seconds;
}

function invalid(message: string): SimulatorError {
  return new SimulatorError({ code: 'sim-command-invalid', message });
}
