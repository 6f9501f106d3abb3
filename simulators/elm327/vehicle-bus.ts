/**
 * What the modules of a vehicle answer to a diagnostic question (mode 01), from where the vehicle is on its journey. Pure, but for the odometer, which
 * counts the way that it is told of.
 *
 * Formulas: SAE J1979. The engine's module answers all; a second one, where there is one, knows the bitmap of speed alone and says 0.
 */
import { encodeObdRaw } from '../../protocols/elm327/index.ts';

const ENGINE_MODULE = '7E8';
const GEARBOX_MODULE = '7E9';
const SPEED = 0x0d;
const ENGINE_SPEED = 0x0c;
const COOLANT = 0x05;
const SINCE_CLEARED = 0x31;
const ODOMETER = 0xa6;
const IDLE_RPM = 800;
const RPM_PER_METER_PER_SECOND = 95;
const COOLANT_RAW = 83 + 40;
/** Distance from the faults that a workshop cleared to now. */
const SINCE_CLEARED_KM = 1_234;

export interface BusOptions {
  odometerKm: number;
  hasOdometer: boolean;
  modules: 1 | 2;
}

export interface BusMessage {
  /** Identifier on a CAN bus with 11 bits (ISO 15765-4): who answers. */
  header: string;
  /** `41 0D 32` */
  text: string;
}

export class VehicleBus {
  readonly #options: BusOptions;
  #speedMetersPerSecond = 0;
  #drivenMeters = 0;

  constructor(options: BusOptions) {
    this.#options = options;
  }

  /** The vehicle went on at this speed for so long. */
  drive(speedMetersPerSecond: number, seconds: number): void {
    this.#drivenMeters += ((this.#speedMetersPerSecond + speedMetersPerSecond) / 2) * seconds;
    this.#speedMetersPerSecond = speedMetersPerSecond;
  }

  get odometerMeters(): number {
    return this.#options.odometerKm * 1000 + this.#drivenMeters;
  }

  /** A message for each module that answers. Empty: no data. */
  answers(pid: number): BusMessage[] {
    const messages = this.#engineModule(pid).map((text) => ({ header: ENGINE_MODULE, text }));
    if (this.#options.modules === 2 && pid === SPEED) {
      messages.push({ header: GEARBOX_MODULE, text: encodeObdRaw(SPEED, 0) });
    }
    return messages;
  }

  #engineModule(pid: number): string[] {
    if (pid % 0x20 === 0) return this.#bitmap(pid);
    const raw = this.#raw(pid);
    return raw === undefined ? [] : [encodeObdRaw(pid, raw)];
  }

  #raw(pid: number): number | undefined {
    switch (pid) {
      case SPEED:
        return Math.min(255, Math.round(this.#speedMetersPerSecond * 3.6));
      case ENGINE_SPEED:
        return Math.round((IDLE_RPM + RPM_PER_METER_PER_SECOND * this.#speedMetersPerSecond) * 4);
      case COOLANT:
        return COOLANT_RAW;
      case SINCE_CLEARED:
        return Math.min(0xffff, Math.floor(SINCE_CLEARED_KM + this.#drivenMeters / 1000));
      case ODOMETER:
        return this.#options.hasOdometer ? Math.floor(this.odometerMeters / 100) : undefined;
      default:
        return undefined;
    }
  }

  #bitmap(base: number): string[] {
    const known = [COOLANT, ENGINE_SPEED, SPEED, SINCE_CLEARED, ...(this.#options.hasOdometer ? [ODOMETER] : [])];
    const last = Math.max(...known);
    let bits = 0n;
    for (let i = 0; i < 32; i++) {
      const pid = base + 1 + i;
      // The last bit says that the next bitmap has something.
      if (known.includes(pid) || (i === 31 && last > pid)) bits |= 1n << BigInt(31 - i);
    }
    if (bits === 0n) return [];
    const digits = (base.toString(16).padStart(2, '0') + bits.toString(16).padStart(8, '0')).toUpperCase();
    return [`41 ${digits.replace(/..(?=.)/g, '$& ')}`];
  }
}
