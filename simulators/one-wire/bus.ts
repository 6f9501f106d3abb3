/**
 * A 1-Wire bus with thermometers, as the kernel shows it: a folder with `28-…/w1_slave` for each sensor, written once a second.
 *
 * Each file is replaced as a whole, so a reader never sees half of one, as with the kernel. The bytes are put together here and not by the
 * decoder's module. Source: kernel documentation w1_therm; data sheet of the DS18B20.
 *
 * Commands: `excursion [sensor=…] to=… [rampS=…] [holdS=…] [recoverS=…]` (sensors count from 1), `power-on [sensor=…]` (85 °C until the next second),
 * `remove sensor=…` and `attach sensor=…`; `unplug` and `replug` take the whole bus away. Faults: `checksum` (the kernel says NO), `silence` (an
 * empty file), `torn`, `noise`; `duplicate` and `drip` mean nothing here. `chatter` is a file of random bytes.
 */
import { mkdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { Faults, numberArg } from '../faults.ts';
import { climateAt, type Excursion, endOf } from '../modbus-thermometer/climate.ts';
import { unknownCommand } from '../serial-port.ts';
import {
  type CommandArgs,
  opened,
  placeOf,
  type RunningSimulator,
  type Simulator,
  type SimulatorContext,
  SimulatorError,
  wallMs,
} from '../simulator.ts';

const CONVERSION_MS = 1_000;
const CHATTER_BYTES = 40;
/** What the folder of a bus always has; how a folder that a killed simulator left is known. */
const MASTER = 'w1_bus_master1';

export const oneWireOptions = z.strictObject({
  path: z.string().min(1).optional(),
  roms: z
    .array(z.string().regex(/^(10|22|28|3b|42)-[0-9a-f]{12}$/, 'a ROM id such as 28-0316a2795aff'))
    .min(1)
    .max(32)
    .default(['28-0316a2795aff', '28-000005e2fdc3']),
  baseCelsius: z.number().min(-55).max(125).default(4),
  swingCelsius: z.number().min(0).default(0.6),
  periodS: z.number().positive().default(120),
  noiseCelsius: z.number().min(0).default(0.05),
});
export type OneWireOptions = z.infer<typeof oneWireOptions>;

export const ONE_WIRE_KIND = 'one-wire';

export function oneWire(id: string, options: OneWireOptions): Simulator {
  return {
    kind: ONE_WIRE_KIND,
    id,
    start: (context) => opened(new Bus({ id, options, context, folder: placeOf(context, options.path ?? id) })),
  };
}

interface Parts {
  id: string;
  options: OneWireOptions;
  context: SimulatorContext;
  folder: string;
}

interface Thermometer {
  rom: string;
  attached: boolean;
  poweredOn: boolean;
  excursions: Excursion[];
}

class Bus implements RunningSimulator {
  readonly kind = ONE_WIRE_KIND;
  readonly id: string;
  readonly #parts: Parts;
  readonly #faults: Faults;
  readonly #sensors: readonly Thermometer[];
  readonly #startUs: number;
  #cancel: () => void = () => {};
  #plugged = false;
  /** Everything that touches the folder, one after the other. */
  #work: Promise<void> = Promise.resolve();

  constructor(parts: Parts) {
    this.id = parts.id;
    this.#parts = parts;
    this.#faults = new Faults(parts.context.random.fork('faults'));
    this.#startUs = parts.context.clock.monotonicUs();
    this.#sensors = parts.options.roms.map((rom) => ({ rom, attached: true, poweredOn: false, excursions: [] }));
  }

  async open(): Promise<void> {
    const { folder } = this.#parts;
    const exists = await stat(folder).catch(() => undefined);
    if (exists && !(await stat(join(folder, MASTER)).catch(() => undefined))) {
      throw new SimulatorError({
        code: 'sim-path-occupied',
        message: `${folder} exists and is not a simulated 1-Wire bus: choose another path`,
      });
    }
    await this.#do(() => this.#plug());
    this.#schedule();
  }

  get address(): string {
    return this.#parts.folder;
  }

  async command(name: string, args: CommandArgs = {}): Promise<void> {
    const { context, folder } = this.#parts;
    switch (name) {
      case 'excursion':
        return this.#startExcursion(args);
      case 'power-on':
        this.#sensor(name, args).poweredOn = true;
        return await this.#do(() => this.#convert());
      case 'remove':
      case 'attach':
        this.#sensor(name, args).attached = name === 'attach';
        return await this.#do(() => this.#convert());
      case 'unplug':
        return await this.#do(() => this.#unplug());
      case 'replug':
        return await this.#do(() => this.#plug());
      case 'chatter': {
        const bytes = context.random.fork(`chatter ${context.clock.monotonicUs()}`).bytes(CHATTER_BYTES);
        const file = join(folder, this.#sensors[0]?.rom ?? '', 'w1_slave');
        return await this.#do(() => (this.#plugged ? replace(file, bytes) : Promise.resolve()));
      }
      default:
        if (!this.#faults.command(name, args)) throw unknownCommand(this.id, name);
    }
  }

  async stop(): Promise<void> {
    this.#cancel();
    await this.#do(() => this.#unplug());
  }

  #do(work: () => Promise<void>): Promise<void> {
    const done = this.#work.then(work);
    this.#work = done.catch(() => {});
    return done;
  }

  async #plug(): Promise<void> {
    this.#plugged = true;
    await mkdir(join(this.#parts.folder, MASTER), { recursive: true });
    await this.#convert();
  }

  async #unplug(): Promise<void> {
    this.#plugged = false;
    await rm(this.#parts.folder, { recursive: true, force: true });
  }

  #schedule(): void {
    const { clock, log } = this.#parts.context;
    this.#cancel = clock.after(CONVERSION_MS, () => {
      this.#schedule();
      this.#do(() => this.#convert()).catch((error: unknown) => {
        log.error({ simulator: this.id, err: error }, 'a sensor’s file could not be written');
      });
    });
  }

  async #convert(): Promise<void> {
    if (!this.#plugged) return;
    for (const sensor of this.#sensors) {
      const folder = join(this.#parts.folder, sensor.rom);
      if (!sensor.attached) {
        await rm(folder, { recursive: true, force: true });
        continue;
      }
      await mkdir(folder, { recursive: true });
      await replace(join(folder, 'w1_slave'), this.#spoilt(this.#measure(sensor)));
      sensor.poweredOn = false;
    }
  }

  #measure(sensor: Thermometer): Buffer {
    if (sensor.poweredOn) return w1Slave(85 * 16, true);
    const { options, context } = this.#parts;
    const atS = this.#nowS();
    sensor.excursions = sensor.excursions.filter((excursion) => endOf(excursion) > atS);
    const { temperatureCelsius } = climateAt(atS, {
      options: { ...options, humidityPercent: 50 },
      excursions: sensor.excursions,
      random: context.random.fork(sensor.rom),
    });
    const sixteenths = Math.round(Math.min(125, Math.max(-55, temperatureCelsius)) * 16);
    // 85 °C exactly is what it must never say by chance.
    return w1Slave(sixteenths === 85 * 16 ? sixteenths + 1 : sixteenths, !this.#faults.strikes('checksum'));
  }

  #spoilt(file: Buffer): Buffer {
    if (this.#faults.strikes('silence')) return Buffer.alloc(0);
    if (this.#faults.strikes('torn')) return file.subarray(0, this.#faults.cut(file.length));
    return this.#faults.strikes('noise') ? Buffer.concat([this.#faults.noise(), file]) : file;
  }

  #startExcursion(args: CommandArgs): void {
    const sensor = this.#sensor('excursion', args);
    const toCelsius = numberArg(args, 'to', this.#parts.options.baseCelsius + 8);
    const rampS = numberArg(args, 'rampS', 5);
    const holdS = numberArg(args, 'holdS', 20);
    const recoverS = numberArg(args, 'recoverS', rampS);
    if (!(toCelsius >= -55 && toCelsius <= 125) || !(rampS > 0) || !(holdS >= 0) || !(recoverS > 0)) {
      throw new SimulatorError({
        code: 'sim-command-invalid',
        message: `excursion ${this.id}: to is −55 to 125 °C, rampS and recoverS above 0, holdS 0 or more`,
      });
    }
    sensor.excursions.push({ startS: this.#nowS(), toCelsius, rampS, holdS, recoverS });
    const { clock, emit } = this.#parts.context;
    const detail = { rom: sensor.rom, toCelsius, rampS, holdS };
    emit({ simulator: this.id, kind: 'excursion', atMs: wallMs(clock), detail });
  }

  #sensor(command: string, args: CommandArgs): Thermometer {
    const number = numberArg(args, 'sensor', 1);
    const sensor = this.#sensors[number - 1];
    if (sensor) return sensor;
    throw new SimulatorError({
      code: 'sim-command-invalid',
      message: `${command} ${this.id}: sensor is 1 to ${this.#sensors.length}`,
    });
  }

  #nowS(): number {
    return (this.#parts.context.clock.monotonicUs() - this.#startUs) / 1e6;
  }
}

/** The two lines of a DS18B20 at 12 bits: temperature, alarm limits, configuration, three bytes of its own, CRC. */
function w1Slave(sixteenths: number, rightCrc: boolean): Buffer {
  const scratchpad = [sixteenths & 0xff, (sixteenths >> 8) & 0xff, 0x4b, 0x46, 0x7f, 0xff, 0x0c, 0x10];
  const crc = scratchpad.reduce((sum, byte) => maximCrc(sum, byte), 0);
  const carried = rightCrc ? crc : crc ^ 0x55;
  const hex = [...scratchpad, carried].map((byte) => byte.toString(16).padStart(2, '0')).join(' ');
  const kernels = crc.toString(16).padStart(2, '0');
  const millidegrees = Math.trunc((sixteenths * 1000) / 16);
  return Buffer.from(`${hex} : crc=${kernels} ${rightCrc ? 'YES' : 'NO'}\n${hex} t=${millidegrees}\n`);
}

/** x⁸ + x⁵ + x⁴ + 1, least significant bit first (data sheet, "CRC generation"). */
function maximCrc(crc: number, byte: number): number {
  let value = crc ^ byte;
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >> 1) ^ 0x8c : value >> 1;
  return value;
}

async function replace(file: string, content: Uint8Array): Promise<void> {
  await writeFile(`${file}.new`, content);
  await rename(`${file}.new`, file);
}
