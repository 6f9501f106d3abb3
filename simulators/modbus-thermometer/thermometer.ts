/**
 * A temperature and humidity module (XY-MD02) on a Modbus RTU line, on Modbus TCP as well if asked (modbus-slave.ts).
 *
 * Commands: `excursion to=… [rampS=…] [holdS=…] [recoverS=…] [limit=…]` (the ledger then says when the limit is passed), and
 * those of every serial device.
 */
import { z } from 'zod';
import { numberArg } from '../faults.ts';
import { type ModbusSlave, openModbusSlave } from '../modbus-slave.ts';
import {
  type CommandArgs,
  opened,
  type RunningSimulator,
  type Simulator,
  type SimulatorContext,
  SimulatorError,
  wallMs,
} from '../simulator.ts';
import { beyond, type Climate, climateAt, type Excursion, endOf } from './climate.ts';
import { BAUD_RATES, Registers } from './registers.ts';

export const thermometerOptions = z.strictObject({
  path: z.string().min(1).optional(),
  unitId: z.int().min(1).max(247).default(1),
  baudRate: z.literal(BAUD_RATES).default(9600),
  registers: z.enum(['xy-md02', 'xy-md02-clone']).default('xy-md02'),
  /** Listen on Modbus TCP too; 0 takes any free port. */
  tcpPort: z.int().min(0).max(65535).optional(),
  host: z.string().default('127.0.0.1'),
  baseCelsius: z.number().min(-40).max(125).default(4),
  swingCelsius: z.number().min(0).default(0.6),
  periodS: z.number().positive().default(120),
  noiseCelsius: z.number().min(0).default(0.05),
  humidityPercent: z.number().min(0).max(100).default(62),
});
export type ThermometerOptions = z.infer<typeof thermometerOptions>;

export const THERMOMETER_KIND = 'modbus-thermometer';

export function modbusThermometer(id: string, options: ThermometerOptions): Simulator {
  return {
    kind: THERMOMETER_KIND,
    id,
    start: (context) => opened(new Thermometer(id, options, context)),
  };
}

class Thermometer implements RunningSimulator {
  readonly kind = THERMOMETER_KIND;
  readonly id: string;
  readonly #options: ThermometerOptions;
  readonly #context: SimulatorContext;
  readonly #registers: Registers;
  readonly #startUs: number;
  #slave: ModbusSlave | undefined;
  #excursions: Excursion[] = [];

  constructor(id: string, options: ThermometerOptions, context: SimulatorContext) {
    this.id = id;
    this.#options = options;
    this.#context = context;
    this.#registers = new Registers(options.registers, options.unitId, options.baudRate);
    this.#startUs = context.clock.monotonicUs();
  }

  async open(): Promise<void> {
    const { path, tcpPort, host } = this.#options;
    this.#slave = await openModbusSlave(this.#context, {
      id: this.id,
      path,
      tcpPort,
      host,
      unitId: () => this.#registers.unitId,
      answer: (pdu) => this.#registers.answer(pdu, this.#climate()),
    });
  }

  get address(): string {
    return this.#bus.address;
  }

  get otherAddresses(): readonly string[] {
    return this.#bus.otherAddresses;
  }

  async command(name: string, args: CommandArgs = {}): Promise<void> {
    if (name === 'excursion') this.#startExcursion(args);
    else await this.#bus.command(name, args);
  }

  stop(): Promise<void> {
    return this.#bus.close();
  }

  get #bus(): ModbusSlave {
    if (this.#slave === undefined) throw new Error('the thermometer was not opened');
    return this.#slave;
  }

  #climate(): Climate {
    const atS = this.#nowS();
    this.#excursions = this.#excursions.filter((excursion) => endOf(excursion) > atS);
    return climateAt(atS, { options: this.#options, excursions: this.#excursions, random: this.#context.random });
  }

  #startExcursion(args: CommandArgs): void {
    const toCelsius = numberArg(args, 'to', this.#options.baseCelsius + 8);
    const rampS = numberArg(args, 'rampS', 5);
    const holdS = numberArg(args, 'holdS', 20);
    const recoverS = numberArg(args, 'recoverS', rampS);
    if (!(toCelsius >= -40 && toCelsius <= 125) || !(rampS > 0) || !(holdS >= 0) || !(recoverS > 0)) {
      throw new SimulatorError({
        code: 'sim-command-invalid',
        message: `excursion ${this.id}: to is −40 to 125 °C, rampS and recoverS above 0, holdS 0 or more`,
      });
    }
    const excursion = { startS: this.#nowS(), toCelsius, rampS, holdS, recoverS };
    const detail = { toCelsius, rampS, holdS, recoverS, ...this.#beyondLimit(excursion, args) };
    this.#excursions.push(excursion);
    this.#context.emit({ simulator: this.id, kind: 'excursion', atMs: wallMs(this.#context.clock), detail });
  }

  #beyondLimit(excursion: Excursion, args: CommandArgs) {
    if (args.limit === undefined) return {};
    const limitCelsius = numberArg(args, 'limit', 0);
    const { baseCelsius } = this.#options;
    const times = beyond(excursion, { baseCelsius, limitCelsius });
    if (times === undefined) {
      throw new SimulatorError({
        code: 'sim-command-invalid',
        message: `excursion ${this.id}: limit ${limitCelsius} is not between ${baseCelsius} and ${excursion.toCelsius} °C`,
      });
    }
    const atMs = (s: number): number => Math.round(wallMs(this.#context.clock) + (s - excursion.startS) * 1000);
    return { limitCelsius, beyondFromMs: atMs(times.fromS), beyondUntilMs: atMs(times.untilS) };
  }

  #nowS(): number {
    return (this.#context.clock.monotonicUs() - this.#startUs) / 1e6;
  }
}
