/**
 * Readings to records: normalise, dedup, rules, intake (design, section 1). One instance per gateway; knows no driver and no disk.
 */
import type { Clock } from '../../protocols/base/clock.ts';
import type { Log } from '../../protocols/base/log.ts';
import type { Reading } from '../driver.ts';
import { type Threshold, ThresholdRule } from '../rules/threshold.ts';
import { ChangeOnly, type ChangeOptions } from './change-only.ts';
import type { Intake } from './intake.ts';
import type { ReadPoint } from './read-point.ts';
import { ScanWindow } from './scan-window.ts';
import { TagPresence } from './tag-presence.ts';
import {
  type Identify,
  outcomeToPayload,
  placeOf,
  quantitiesOf,
  type Site,
  scanToPayload,
  sensorToPayload,
  tagToPayload,
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
  thresholds: readonly Threshold[];
  site: Site;
  intake: Intake;
  identify: Identify;
  /** Package ids of an EPC in hexadecimal, best first. */
  identifyTag: (epcHex: string) => string[];
  clock: Clock;
  log: Log;
  newId: () => string;
}

export interface PipelineCounters {
  readings: number;
  /** Scans and tag reads that were repetitions. */
  repeated: number;
  /** Sensor values within their dead band. */
  unchanged: number;
  alerts: number;
}

const DEFAULT_CHANGE: ChangeOptions = { deadband: 0, maxIntervalMs: 0 };
const POSITION_IS_CURRENT_US = 120_000_000;

export class Pipeline {
  readonly counters: PipelineCounters = { readings: 0, repeated: 0, unchanged: 0, alerts: 0 };
  readonly #options: PipelineOptions;
  readonly #devices: ReadonlyMap<string, PipelineDevice>;
  readonly #rules = new Map<string, ThresholdRule[]>();
  readonly #scans = new ScanWindow();
  readonly #tags = new TagPresence();
  readonly #changes = new ChangeOnly();
  #position: { latitude: number; longitude: number; atUs: number } | undefined;

  constructor(options: PipelineOptions) {
    this.#options = options;
    this.#devices = new Map(options.devices.map((device) => [device.id, device]));
    for (const threshold of options.thresholds) {
      const key = `${threshold.deviceId} ${threshold.quantity}`;
      const rules = this.#rules.get(key) ?? [];
      rules.push(new ThresholdRule(threshold, options.newId));
      this.#rules.set(key, rules);
    }
  }

  /** Live tag presences. */
  tagsPresent(): number {
    return this.#tags.size;
  }

  /** Resolves when what follows from the reading is on disk or was given up. */
  async take(deviceId: string, reading: Reading): Promise<void> {
    const device = this.#devices.get(deviceId);
    if (!device) throw new Error(`device ${deviceId} is not in the pipeline's configuration`);
    this.counters.readings++;
    if (reading.kind === 'scan') await this.#scan(device, reading);
    else if (reading.kind === 'tag') await this.#tag(device, reading);
    else if (reading.kind === 'status') await this.#status(device, reading);
    else await this.#sensor(device, reading);
  }

  /** Forgets tags that have left; to be called about once a second. */
  tick(): void {
    this.#tags.departed(this.#options.clock.monotonicUs());
  }

  /** Where the gateway is now: a vehicle's last fix, while it is recent. */
  #site(): Site {
    const { site, clock } = this.#options;
    const position = this.#position;
    if (!position || clock.monotonicUs() - position.atUs > POSITION_IS_CURRENT_US) return site;
    return { ...site, latitude: position.latitude, longitude: position.longitude };
  }

  async #scan(device: PipelineDevice, reading: Extract<Reading, { kind: 'scan' }>): Promise<void> {
    const { readPoint } = device;
    if (!readPoint) throw new Error(`device ${device.id} has no read point`);
    const key = `${readPoint.id} ${reading.aim ?? ''} ${reading.text}`;
    if (!this.#scans.admit(key, reading.monotonicUs, readPoint.scanWindowMs)) {
      this.counters.repeated++;
      reading.acknowledge?.(true);
      return;
    }
    const { identify, intake } = this.#options;
    const payload = scanToPayload({ reading, deviceId: device.id, readPoint, site: this.#site(), identify });
    const accepted = await intake.store(payload, reading.monotonicUs);
    if (!accepted) this.#scans.forget(key);
    reading.acknowledge?.(accepted);
  }

  async #tag(device: PipelineDevice, reading: Extract<Reading, { kind: 'tag' }>): Promise<void> {
    const readPoint = device.antennas?.get(reading.antenna) ?? device.readPoint;
    if (!readPoint) return;
    const presence = this.#tags.see(readPoint, reading, reading.monotonicUs);
    if (!presence) {
      this.counters.repeated++;
      return;
    }
    const packageIds = this.#options.identifyTag(presence.epcHex);
    const payload = tagToPayload({ presence, deviceId: device.id, readPoint, site: this.#site(), packageIds });
    const accepted = await this.#options.intake.store(payload, reading.monotonicUs);
    if (!accepted) this.#tags.forget(readPoint.id, presence.epcHex);
  }

  async #sensor(device: PipelineDevice, reading: Exclude<Reading, { kind: 'scan' | 'tag' | 'status' }>): Promise<void> {
    if (reading.kind === 'position') {
      this.#position = { latitude: reading.latitude, longitude: reading.longitude, atUs: reading.monotonicUs };
    }
    const place = placeOf(this.#site(), device.readPoint);
    const sensorId = reading.channel === undefined ? device.id : `${device.id}/${reading.channel}`;
    const quantities = quantitiesOf(reading);
    const stored: Promise<unknown>[] = [];
    // Rules see every value; only what is stored is thinned.
    for (const [quantity, value] of quantities) {
      for (const rule of this.#rules.get(`${sensorId} ${quantity}`) ?? []) {
        const outcomes = [
          rule.evaluate(value, reading.monotonicUs),
          reading.kind === 'shock' ? rule.end(0) : undefined,
        ];
        for (const outcome of outcomes) {
          if (!outcome) continue;
          this.counters.alerts++;
          stored.push(this.#options.intake.store(outcomeToPayload(outcome, place), reading.monotonicUs));
        }
      }
    }
    if (this.#changed({ device, sensorId, reading, quantities })) {
      const payload = sensorToPayload(reading, sensorId, place);
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
