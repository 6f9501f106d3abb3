/**
 * Readings to records: normalise, dedup, rules, intake (design, section 1). One instance per gateway; knows no driver and no disk.
 */
import type { Clock } from '../../protocols/base/clock.ts';
import type { Log } from '../../protocols/base/log.ts';
import type { TrackingPayload } from '../../protocols/uplink/model.ts';
import type { Reading } from '../driver.ts';
import type { RuleRunner } from '../rules/rule-runner.ts';
import { ChangeOnly, type ChangeOptions } from './change-only.ts';
import type { Intake } from './intake.ts';
import type { MotionOptions, Whereabouts } from './motion.ts';
import { MotionStage } from './motion-stage.ts';
import type { ReadPoint } from './read-point.ts';
import type { StoredScan } from './recent-scans.ts';
import { ScanStage } from './scan-stage.ts';
import type { Stay } from './tag-presence.ts';
import { TagStage } from './tag-stage.ts';
import {
  type Identify,
  type IdentifyTag,
  placeOf,
  quantitiesOf,
  type Site,
  type Store,
  sensorToPayload,
} from './to-payload.ts';

export interface PipelineDevice {
  id: string;
  /** Where the device observes. */
  readPoint?: ReadPoint;
  /** RFID: read points by antenna; an antenna that is not listed belongs to `readPoint`. */
  antennas?: ReadonlyMap<number, ReadPoint>;
  /** Dead bands by quantity. */
  changes?: ReadonlyMap<string, ChangeOptions>;
}

export interface PipelineOptions {
  devices: readonly PipelineDevice[];
  /** Looks at every sensor reading. */
  rules?: Pick<RuleRunner, 'observe' | 'tick'>;
  site: Site;
  /** Departures and arrivals, where the gateway rides in a vehicle. */
  motion?: MotionOptions;
  intake: Intake;
  /** The last sequence of the tracking lane that is on disk; needed for snapshots alone. */
  lastSequence?: () => number;
  identify: Identify;
  identifyTag: IdentifyTag;
  clock: Clock;
  log: Log;
}

export interface PipelineCounters {
  readings: number;
  /** Scans and tag reads that were repetitions. */
  repeated: number;
  /** Sensor values within their dead band. */
  unchanged: number;
}

/** What outlives the daemon, besides the records themselves. */
export interface PipelineSnapshot {
  /** It holds all that tracking records up to this sequence say, and perhaps more. */
  through: number;
  stays: Iterable<Stay>;
  whereabouts?: Whereabouts;
}

const DEFAULT_CHANGE: ChangeOptions = { deadband: 0, maxIntervalMs: 0 };
const POSITION_IS_CURRENT_US = 120_000_000;

export class Pipeline {
  readonly counters: PipelineCounters = { readings: 0, repeated: 0, unchanged: 0 };
  readonly #options: PipelineOptions;
  #devices: ReadonlyMap<string, PipelineDevice>;
  readonly #scans: ScanStage;
  readonly #tags: TagStage;
  readonly #motion: MotionStage | undefined;
  readonly #changes = new ChangeOnly();
  /** Facts on their way to the disk, oldest first, and the last sequence on disk when each was sent there. */
  readonly #flights = new Set<{ after: number }>();
  #position: { site: Site; atUs: number } | undefined;

  constructor(options: PipelineOptions) {
    this.#options = options;
    this.#devices = new Map(options.devices.map((device) => [device.id, device]));
    const { devices, intake, clock, identify, identifyTag } = options;
    const site = () => this.#site();
    const store: Store = (...fact) => this.#storeFact(...fact);
    this.#scans = new ScanStage({ intake, identify, site, onRepeated: () => this.counters.repeated++ });
    this.#tags = new TagStage({ devices, store, clock, identify: identifyTag, site });
    const { vehicleId } = options.site;
    const { motion } = options;
    this.#motion = motion && vehicleId !== undefined ? new MotionStage({ motion, vehicleId, store }) : undefined;
  }

  /** New windows, departure times and dead bands of the same devices and read points: what is known of labels and tags stays. */
  configure(devices: readonly PipelineDevice[]): void {
    this.#devices = new Map(devices.map((device) => [device.id, device]));
    this.#tags.configure(devices);
  }

  /** Live tag presences. */
  tagsPresent(): number {
    return this.#tags.size;
  }

  /** Resolves when what follows from the reading is on disk or was given up. */
  take(deviceId: string, reading: Reading): Promise<void> {
    const device = this.#devices.get(deviceId);
    if (!device) return Promise.reject(new Error(`device ${deviceId} is not in the pipeline's configuration`));
    this.counters.readings++;
    if (reading.kind !== 'scan') return this.#takeOther(device, reading);
    const { readPoint } = device;
    if (!readPoint) return Promise.reject(new Error(`device ${device.id} has no read point`));
    return this.#scans.take(device.id, readPoint, reading);
  }

  async #takeOther(device: PipelineDevice, reading: Exclude<Reading, { kind: 'scan' }>): Promise<void> {
    if (reading.kind === 'tag') {
      if (!(await this.#tags.take(device, reading))) this.counters.repeated++;
    } else if (reading.kind === 'status') await this.#status(device, reading);
    else await Promise.all([this.#motion?.take(device.id, reading), this.#sensor(device, reading)]);
  }

  /** Before the first reading: what the outbox holds of this boot's last scans, oldest first. */
  remember(scans: readonly StoredScan[]): void {
    const windows = new Map(
      [...this.#devices.values()].flatMap(({ readPoint }) =>
        readPoint ? [[readPoint.id, readPoint.scanWindowMs]] : [],
      ),
    );
    this.#scans.remember(scans, (readPoint) => windows.get(readPoint));
  }

  /** What a daemon that is started again has to know of tags and vehicle: what of it is on disk. */
  snapshot(): PipelineSnapshot {
    const [oldest] = this.#flights;
    return {
      through: oldest?.after ?? this.#lastSequence(),
      stays: this.#tags.stays(),
      ...(this.#motion ? { whereabouts: this.#motion.whereabouts } : {}),
    };
  }

  /** Grows with each change of what a snapshot holds, and with each read of a tag. */
  get changes(): { facts: number; reads: number } {
    const { changes, reads } = this.#tags.counts;
    return { facts: changes + (this.#motion?.changes ?? 0), reads };
  }

  /** Before the first reading: the snapshot of the daemon before. Returns how many of its stays have their place still. */
  restore(snapshot: Omit<PipelineSnapshot, 'through'>): number {
    if (snapshot.whereabouts) this.#motion?.restore(snapshot.whereabouts);
    let restored = 0;
    for (const stay of snapshot.stays) if (this.#tags.restore(stay)) restored++;
    return restored;
  }

  /** Before the first reading, oldest first: tracking records that were stored after that snapshot. */
  replay(payload: TrackingPayload, atUs: number): void {
    if (payload.packageId.startsWith('vehicle:')) this.#motion?.replay(payload);
    else if (payload.antenna !== undefined) this.#tags.replay(payload, atUs);
  }

  /** What time alone brings about; to be called several times a second. */
  tick(): void {
    this.#tags.tick();
    this.#options.rules?.tick();
  }

  /** Whether a device is heard: while a reader is not, no tag departs from it. */
  listen(deviceId: string, isHeard: boolean): void {
    this.#tags.listen(deviceId, isHeard);
  }

  /** Stores what a snapshot holds, and knows from which sequence on the record stands. */
  async #storeFact(...[payload, observedUs, settle]: Parameters<Store>): Promise<void> {
    const flight = { after: this.#lastSequence() };
    this.#flights.add(flight);
    settle(await this.#options.intake.store(payload, observedUs));
    this.#flights.delete(flight);
  }

  #lastSequence(): number {
    return this.#options.lastSequence?.() ?? 0;
  }

  /** Where the gateway is now: a vehicle's last fix, while it is recent. */
  #site(): Site {
    const { site, clock } = this.#options;
    const position = this.#position;
    if (!position || clock.monotonicUs() - position.atUs > POSITION_IS_CURRENT_US) return site;
    return position.site;
  }

  async #sensor(device: PipelineDevice, reading: Exclude<Reading, { kind: 'scan' | 'tag' | 'status' }>): Promise<void> {
    if (reading.kind === 'position') {
      const { latitude, longitude, monotonicUs: atUs } = reading;
      this.#position = { site: { ...this.#options.site, latitude, longitude }, atUs };
    }
    const place = placeOf(this.#site(), device.readPoint);
    const sensorId = reading.channel === undefined ? device.id : `${device.id}/${reading.channel}`;
    const payload = sensorToPayload(reading, sensorId, place);
    const stored: Promise<unknown>[] = [];
    // Rules see every value; only what is stored is thinned.
    const alerts = this.#options.rules?.observe(payload, reading.monotonicUs);
    if (alerts) stored.push(alerts);
    const quantities = quantitiesOf(reading);
    if (this.#changed({ device, sensorId, reading, quantities })) {
      const storing = this.#options.intake.store(payload, reading.monotonicUs).then((accepted) => {
        if (!accepted) for (const [quantity] of quantities) this.#changes.forget(`${sensorId} ${quantity}`);
      });
      stored.push(storing);
    } else {
      this.counters.unchanged++;
    }
    await Promise.all(stored);
  }

  /** Whether any of the reading's quantities has to be stored. Shocks always are: each is an event. */
  #changed(at: {
    device: PipelineDevice;
    sensorId: string;
    reading: Reading;
    quantities: readonly [string, number][];
  }): boolean {
    const { device, sensorId, reading, quantities } = at;
    if (reading.kind === 'shock') return true;
    let changed = false;
    for (const [quantity, value] of quantities) {
      const options = device.changes?.get(quantity) ?? DEFAULT_CHANGE;
      if (this.#changes.admit(`${sensorId} ${quantity}`, value, reading.monotonicUs, options)) changed = true;
    }
    return changed;
  }

  async #status(device: PipelineDevice, reading: Extract<Reading, { kind: 'status' }>): Promise<void> {
    this.#options.log.warn({ device: device.id, code: reading.code }, reading.message);
    const { code, message } = reading;
    await this.#options.intake.store(
      { kind: 'device', deviceId: device.id, state: 'fault', code, message },
      reading.monotonicUs,
    );
  }
}
