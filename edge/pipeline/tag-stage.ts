/**
 * RFID tags to tracking records: each arrival of a tag at a read point is a PACKAGE_SCANNED, each departure a TAG_DEPARTED, which says how
 * long the tag was there, how often it was read, and where and how strongly it was read best.
 */
import type { Clock } from '../../protocols/base/clock.ts';
import type { TrackingPayload } from '../../protocols/uplink/model.ts';
import type { Reading } from '../driver.ts';
import type { ReadPoint } from './read-point.ts';
import { type PresenceChange, type Stay, TagPresence } from './tag-presence.ts';
import { type IdentifyTag, type Site, type Store, tagToPayload } from './to-payload.ts';

/** A device that reads tags, and its read points. */
export interface TagDevice {
  id: string;
  /** An antenna that is not listed belongs to `readPoint`. */
  readPoint?: ReadPoint;
  antennas?: ReadonlyMap<number, ReadPoint>;
}

export class TagStage {
  #points: ReadonlyMap<string, ReadPoint>;
  /** Devices that read at a point, by the point's id. */
  readonly #readers = new Map<string, Set<string>>();
  readonly #away = new Set<string>();
  readonly #presence: TagPresence;
  readonly #keep: Store;
  readonly #clock: Clock;
  readonly #identify: IdentifyTag;
  readonly #site: () => Site;

  constructor(options: {
    devices: readonly TagDevice[];
    store: Store;
    clock: Clock;
    identify: IdentifyTag;
    site: () => Site;
    maxTags?: number;
  }) {
    for (const device of options.devices) {
      for (const { id } of pointsOf(device)) {
        this.#readers.set(id, (this.#readers.get(id) ?? new Set()).add(device.id));
      }
    }
    this.#points = pointsById(options.devices);
    this.#presence = new TagPresence([...this.#points.values()], options.maxTags);
    this.#keep = options.store;
    this.#clock = options.clock;
    this.#identify = options.identify;
    this.#site = options.site;
  }

  /** The same devices and read points with other settings: every tag stays where it is. */
  configure(devices: readonly TagDevice[]): void {
    this.#points = pointsById(devices);
    this.#presence.configure([...this.#points.values()]);
  }

  /** Tags that are present. */
  get size(): number {
    return this.#presence.size;
  }

  /** Grow with what a snapshot would hold. */
  get counts(): Readonly<TagPresence['counts']> {
    return this.#presence.counts;
  }

  /** Resolves when what follows from the read is on disk or was given up; false when it was a repetition. */
  async take(device: TagDevice, reading: Extract<Reading, { kind: 'tag' }>): Promise<boolean> {
    if (this.#away.has(device.id)) this.listen(device.id, true);
    const readPoint = device.antennas?.get(reading.antenna) ?? device.readPoint;
    if (!readPoint) return false;
    const { epcHex, antenna, rssiDbm, reads, monotonicUs } = reading;
    const read = { epcHex, antenna, reads, deviceId: device.id, ...(rssiDbm === undefined ? {} : { rssiDbm }) };
    const changes = this.#presence.see(readPoint.id, read, monotonicUs);
    await this.#store(changes);
    return changes.length > 0;
  }

  /** To be called several times a second. */
  tick(): void {
    const changes = this.#presence.tick(this.#clock.monotonicUs());
    if (changes.length > 0) void this.#store(changes);
  }

  /** Whether a reader is heard. While none of a read point's is, nothing departs there. */
  listen(deviceId: string, isHeard: boolean): void {
    if (isHeard) this.#away.delete(deviceId);
    else this.#away.add(deviceId);
    for (const [point, readers] of this.#readers) {
      if (!readers.has(deviceId)) continue;
      const isAnyHeard = [...readers].some((reader) => !this.#away.has(reader));
      this.#presence.listen(point, isAnyHeard, this.#clock.monotonicUs());
    }
  }

  stays(): Iterable<Stay> {
    return this.#presence.stays();
  }

  /** A stay from before a restart: it lasts until its reader was heard and the tag was silent. */
  restore(stay: Stay): boolean {
    return this.#presence.restore(stay, this.#clock.monotonicUs());
  }

  /** An arrival or departure of before the restart. */
  replay(payload: TrackingPayload, atUs: number): void {
    const { deviceId, scanned, antenna = 0, rssiDbm, reads = 1, place, eventType } = payload;
    const readPoint = place.readPoint ?? '';
    this.#presence.remove(readPoint, scanned);
    if (eventType !== 'PACKAGE_SCANNED') return;
    const strongest = rssiDbm === undefined ? {} : { rssiDbm };
    this.restore({ readPoint, epcHex: scanned, deviceId, antenna, reads, firstUs: atUs, lastUs: atUs, ...strongest });
  }

  async #store(changes: readonly PresenceChange[]): Promise<void> {
    await Promise.all(changes.map((change) => this.#storeOne(change)));
  }

  async #storeOne(change: PresenceChange): Promise<void> {
    const readPoint = this.#points.get(change.readPoint);
    if (!readPoint || (change.kind === 'departed' && !readPoint.tagDepartures)) return this.#presence.confirm(change);
    const packageIds = this.#identify(change.epcHex, readPoint.identities);
    const payload = tagToPayload({ change, readPoint, site: this.#site(), packageIds });
    const observedUs = change.kind === 'arrived' ? change.firstUs : change.lastUs;
    await this.#keep(payload, observedUs, (isStored) => {
      if (isStored) this.#presence.confirm(change);
      else this.#presence.takeBack(change);
    });
  }
}

function pointsOf({ readPoint, antennas }: TagDevice): ReadPoint[] {
  return [...(antennas?.values() ?? []), ...(readPoint ? [readPoint] : [])];
}

function pointsById(devices: readonly TagDevice[]): ReadonlyMap<string, ReadPoint> {
  return new Map(devices.flatMap((device) => pointsOf(device).map((point) => [point.id, point] as const)));
}
