/**
 * The devices of a running daemon. A new configuration restarts those whose driver options have changed, one by one and each by itself; the others
 * do not notice.
 */
import { canonicalJson } from '../../protocols/base/canonical-json.ts';
import type { DeviceConfig } from '../config.ts';
import type { SupervisedDevice } from '../transport/supervisor.ts';

export interface RunningDevice {
  config: DeviceConfig;
  device: SupervisedDevice;
}

export class RunningDevices {
  readonly #start: (config: DeviceConfig, signal: AbortSignal) => SupervisedDevice;
  readonly #onStop: (deviceId: string) => void;
  readonly #signal: AbortSignal;
  readonly #running = new Map<string, RunningDevice & { stop: AbortController }>();
  readonly #open = new Set<Promise<void>>();

  constructor(options: {
    start(config: DeviceConfig, signal: AbortSignal): SupervisedDevice;
    /** Nothing is heard of the device until it is online again. */
    onStop(deviceId: string): void;
    /** Ends all of them. */
    signal: AbortSignal;
  }) {
    this.#start = options.start;
    this.#onStop = options.onStop;
    this.#signal = options.signal;
  }

  get list(): RunningDevice[] {
    return [...this.#running.values()];
  }

  /**
   * The whole list, always of the same devices. Resolves when what had to be stopped is closed and started again. @returns ids of what was
   * restarted.
   */
  async configure(wanted: readonly DeviceConfig[]): Promise<string[]> {
    const changed = wanted.filter((config) => this.#running.has(config.id) && !this.#runsWith(config));
    for (const config of wanted) {
      const running = this.#running.get(config.id);
      if (!running) this.#run(config);
      else if (!changed.includes(config)) running.config = config;
    }
    await Promise.all(changed.map((config) => this.#restart(config)));
    return changed.map(({ id }) => id);
  }

  /** Resolves after the signal, when all are closed. */
  async done(): Promise<void> {
    while (this.#open.size > 0) await Promise.all(this.#open);
  }

  #runsWith(config: DeviceConfig): boolean {
    const running = this.#running.get(config.id);
    return canonicalJson(running?.config.writtenOptions) === canonicalJson(config.writtenOptions);
  }

  async #restart(config: DeviceConfig): Promise<void> {
    const running = this.#running.get(config.id);
    this.#onStop(config.id);
    running?.stop.abort();
    await running?.device.done;
    this.#run(config);
  }

  #run(config: DeviceConfig): void {
    if (this.#signal.aborted) return;
    const stop = new AbortController();
    const device = this.#start(config, AbortSignal.any([this.#signal, stop.signal]));
    this.#running.set(config.id, { config, device, stop });
    this.#open.add(device.done);
    void device.done.finally(() => this.#open.delete(device.done));
  }
}
