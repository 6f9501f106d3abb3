/** A vehicle's departures and arrivals as tracking records of the vehicle itself (`vehicle:<id>`), from what its sensors observe. */
import type { TrackingPayload } from '../../protocols/uplink/model.ts';
import type { Reading } from '../driver.ts';
import { Motion, type MotionEvent, type MotionOptions, type Whereabouts } from './motion.ts';
import type { Store } from './to-payload.ts';

export class MotionStage {
  readonly #motion: Motion;
  readonly #vehicleId: string;
  readonly #store: Store;
  /** What is on disk. */
  #stored: Whereabouts = {};
  /** Events stored since the beginning. */
  changes = 0;

  constructor(options: { motion: MotionOptions; vehicleId: string; store: Store }) {
    this.#motion = new Motion(options.motion);
    this.#vehicleId = options.vehicleId;
    this.#store = options.store;
  }

  /** Resolves when what follows from the reading is on disk or was given up. */
  async take(deviceId: string, reading: Reading): Promise<void> {
    const event = this.#observe(deviceId, reading);
    if (!event) return;
    const whereabouts = this.#motion.stated;
    await this.#store(this.#payload(event), event.atUs, (isStored) => {
      if (!isStored) return this.#motion.resume(this.#stored);
      this.#stored = whereabouts;
      this.changes++;
    });
  }

  /** Where the vehicle is, by what is on disk. */
  get whereabouts(): Whereabouts {
    return this.#stored;
  }

  /** Where it was stated to be before a restart. */
  restore(whereabouts: Whereabouts): void {
    this.#stored = whereabouts;
    this.#motion.resume(whereabouts);
  }

  /** An event of before the restart. */
  replay({ eventType, place }: TrackingPayload): void {
    if (eventType === 'VEHICLE_DEPARTED') this.restore({});
    if (eventType === 'VEHICLE_ARRIVED') this.restore(whereaboutsAt(place));
  }

  #observe(deviceId: string, reading: Reading): MotionEvent | undefined {
    if (reading.kind === 'vehicle' && reading.speedMetersPerSecond !== undefined) {
      this.#motion.observeSpeed(reading.speedMetersPerSecond, reading.monotonicUs);
    }
    if (reading.kind !== 'position') return undefined;
    const { latitude, longitude, speedMetersPerSecond, hdop, monotonicUs } = reading;
    return this.#motion.observeFix({
      deviceId,
      latitude,
      longitude,
      atUs: monotonicUs,
      ...(speedMetersPerSecond === undefined ? {} : { speedMetersPerSecond }),
      ...(hdop === undefined ? {} : { hdop }),
    });
  }

  #payload({ kind, facilityId, position, deviceId }: MotionEvent): TrackingPayload {
    const hasLeft = kind === 'departed';
    return {
      kind: 'tracking',
      deviceId,
      packageId: `vehicle:${this.#vehicleId}`,
      otherIds: [],
      eventType: hasLeft ? 'VEHICLE_DEPARTED' : 'VEHICLE_ARRIVED',
      scanType: hasLeft ? 'DEPARTURE' : 'ARRIVAL',
      businessStep: hasLeft ? 'departing' : 'arriving',
      place: { ...(facilityId === undefined ? {} : { facilityId }), vehicleId: this.#vehicleId, ...position },
      scanned: this.#vehicleId,
    };
  }
}

function whereaboutsAt({ facilityId, latitude, longitude }: TrackingPayload['place']): Whereabouts {
  if (facilityId !== undefined) return { facilityId };
  return latitude === undefined || longitude === undefined ? {} : { stop: { latitude, longitude } };
}
