/**
 * One sensor: the text of its file → a temperature that can be trusted, or why not. Pure.
 *
 * 85 °C exactly is what a sensor holds from power-on until its first conversion, with a right checksum: after a dip of the supply, or with too
 * weak a pull-up, it is read as a temperature. It is taken only when the temperature was near already.
 */
import { isCodecError } from '../../../protocols/base/codec-error.ts';
import { parseW1Slave, parseW1Temperature, type W1Reading } from '../../../protocols/onewire/index.ts';
import { Trouble } from '../../transport/trouble.ts';
import type { OneWireOptions } from './options.ts';

const NEAR_CELSIUS = 5;
const POWER_ON_CELSIUS = 85;

export type SensorOutcome = { ok: true; reading: W1Reading } | { ok: false; reason: string; code?: string };

export class Sensor {
  readonly rom: string;
  readonly channel: string;
  readonly trouble = new Trouble();
  /** `set`: the kernel took the resolution since the sensor came; `refused`: it did not, and is not asked again. */
  resolution: 'unset' | 'set' | 'refused' = 'unset';
  #lastCelsius: number | undefined;

  constructor(rom: string, channel: string = rom) {
    this.rom = rom;
    this.channel = channel;
  }

  get name(): string {
    return this.channel === this.rom ? this.rom : `${this.channel} (${this.rom})`;
  }

  judge(text: string, file: OneWireOptions['file']): SensorOutcome {
    let reading: W1Reading;
    try {
      reading = file === 'w1_slave' ? parseW1Slave(text) : parseW1Temperature(text);
    } catch (error) {
      if (!isCodecError(error)) throw error;
      const { code, message } = error;
      return { ok: false, reason: `${message} (${code})`, code };
    }
    const isNear = this.#lastCelsius !== undefined && POWER_ON_CELSIUS - this.#lastCelsius <= NEAR_CELSIUS;
    if (reading.suspectPowerOn && !isNear) {
      const reason = 'exactly 85 °C, its value at power-on: check supply, pull-up (4.7 kΩ) and cable';
      return { ok: false, reason };
    }
    this.#lastCelsius = reading.temperatureCelsius;
    return { ok: true, reading };
  }
}
