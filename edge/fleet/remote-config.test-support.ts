/** A gateway box around RemoteConfig: disk, clock, hub and devices of which a test decides what becomes. */
import { silentLog } from '../../protocols/base/log.ts';
import { ManualClock } from '../../protocols/base/manual-clock.ts';
import { NO_SETTINGS } from '../../protocols/fleet/check-settings.ts';
import type { DesiredConfig } from '../../protocols/fleet/desired-config.ts';
import { parseReportedConfig } from '../../protocols/fleet/parse-config.ts';
import type { KeyReason, ReportedConfig } from '../../protocols/fleet/reported-config.ts';
import type { Settings } from '../../protocols/fleet/settings.ts';
import { topics } from '../../protocols/uplink/topics.ts';
import { MemoryDisk } from '../outbox/memory-disk.test-support.ts';
import type { Link } from '../uplink/link.ts';
import { RemoteConfig } from './remote-config.ts';

export const GATEWAY = 'van-7';
export const TRIAL_MS = 120_000;

/** Settings that are told apart by their scan window. */
export function settingsOf(scanWindowMs: number, rates: Settings['rates'] = {}): Settings {
  return { ...NO_SETTINGS, readPoints: { dock: { scanWindowMs } }, rates };
}

export function desired(version: number, settings: Settings, more: Partial<DesiredConfig> = {}): Buffer {
  const config: DesiredConfig = {
    ...{ schema: 1, gatewayId: GATEWAY, version, issuedAt: '2026-11-23T10:00:00Z', settings },
    ...more,
  };
  return Buffer.from(JSON.stringify(config));
}

class HubLink implements Link {
  connected = false;
  /** The broker takes nothing. */
  isDeaf = false;
  readonly reports: ReportedConfig[] = [];
  #onState: (connected: boolean) => void = () => {};
  #onMessage: (topic: string, payload: Buffer) => void = () => {};
  readonly #isAlive: () => boolean;
  retained: Buffer | undefined;

  constructor(isAlive: () => boolean) {
    this.#isAlive = isAlive;
  }

  async publish(topic: string, payload: Buffer): Promise<void> {
    if (!this.#isAlive()) return;
    if (this.isDeaf) throw new Error('connection lost');
    const { value, error } = parseReportedConfig(payload);
    if (topic !== topics.upConfig(GATEWAY) || error) throw new Error(`${topic}: ${error?.message}`);
    this.reports.push(value);
  }

  onState(listener: (connected: boolean) => void): void {
    this.#onState = listener;
  }

  onMessage(listener: (topic: string, payload: Buffer) => void): void {
    this.#onMessage = listener;
  }

  fault() {
    return undefined;
  }

  async close(): Promise<void> {}

  set(connected: boolean): void {
    this.connected = connected;
    this.#onState(connected);
    if (connected && this.retained) this.#onMessage(topics.downConfig(GATEWAY), this.retained);
  }

  send(payload: Buffer): void {
    this.retained = payload;
    if (this.connected) this.#onMessage(topics.downConfig(GATEWAY), payload);
  }
}

export class Box {
  readonly disk: MemoryDisk;
  clock = new ManualClock();
  bootId = 1;
  /** How often the daemon looks what time has brought. */
  tickMs = 250;
  readonly devices = new Map([
    ['cooler', { isOnline: true, message: '' }],
    ['scanner', { isOnline: true, message: '' }],
  ]);
  /** What the check finds wrong; what applying does. */
  check: (settings: Settings) => KeyReason[] = () => [];
  onApply: (settings: Settings) => void = () => {};
  applied: Settings[] = [];
  link = new HubLink(() => true);
  remote: RemoteConfig | undefined;
  #cancelTicks: () => void = () => {};

  constructor(disk = new MemoryDisk()) {
    this.disk = disk;
  }

  /** The daemon starts, in the same boot of the box or in a new one. */
  async start(more: { rebooted?: boolean; connected?: boolean } = {}): Promise<void> {
    this.#cancelTicks();
    if (more.rebooted) {
      this.bootId++;
      this.clock = new ManualClock();
    }
    const { clock, bootId, disk } = this;
    const retained = this.link.retained;
    const diesAt = disk.dieAt;
    this.link = new HubLink(() => disk.operations < diesAt);
    this.link.retained = retained;
    const remote = await RemoteConfig.open({
      gatewayId: GATEWAY,
      disk,
      folder: '/state',
      clock: Object.assign(Object.create(clock) as ManualClock, {
        bootId,
        monotonicUs: () => clock.monotonicUs(),
        wall: () => clock.wall(),
        after: (ms: number, callback: () => void) => clock.after(ms, callback),
      }),
      log: silentLog,
      trialMs: TRIAL_MS,
      check: (settings) => this.check(settings),
    });
    this.remote = remote;
    this.applied = [remote.settings];
    remote.listen(this.link);
    remote.start({
      apply: async (settings) => {
        this.applied.push(settings);
        this.onApply(settings);
      },
      devices: () => this.devices,
      inventory: () => ({ devices: [{ id: 'cooler', quantities: ['temperatureCelsius'] }], readPoints: ['dock'] }),
    });
    const again = () => {
      remote.tick();
      this.#cancelTicks = clock.after(this.tickMs, again);
    };
    again();
    if (more.connected ?? true) this.link.set(true);
    await clock.advance(1);
  }

  /** Without a word: crash, power cut. */
  kill(): void {
    this.#cancelTicks();
    this.#cancelTicks = () => {};
  }

  async stop(): Promise<void> {
    await this.remote?.stop();
    this.kill();
  }

  async send(payload: Buffer): Promise<void> {
    this.link.send(payload);
    await this.clock.advance(1);
  }

  /** `version state` of the last report, and of what is in force. */
  get said(): string {
    const report = this.link.reports.at(-1);
    return `${report?.inForce.version}: ${report?.last?.version ?? 'none'} ${report?.last?.state ?? ''}`.trim();
  }

  get reasons(): string[] {
    return this.link.reports.at(-1)?.last?.reasons.map(({ key, code }) => `${key} ${code}`.trim()) ?? [];
  }

  /** The scan window in force. */
  get windowMs(): number | undefined {
    return this.applied.at(-1)?.readPoints.dock?.scanWindowMs;
  }
}
