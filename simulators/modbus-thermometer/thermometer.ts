/**
 * A temperature and humidity module (XY-MD02) on a Modbus RTU line, on Modbus TCP as well if asked.
 *
 * It behaves as a slave on a shared bus: it answers its own unit address only, executes broadcasts (unit 0) in silence, says
 * nothing to frames with a wrong CRC, and takes a silent line as the end of a torn frame.
 *
 * Commands: `excursion to=… [rampS=…] [holdS=…]`, and those of every serial device; `checksum` spoils the CRC of answers,
 * `silence` keeps them back.
 */
import type { Socket } from 'node:net';
import { z } from 'zod';
import { sleep } from '../../protocols/base/clock.ts';
import {
  encodeRtu,
  encodeTcp,
  ModbusTcpFramer,
  type RtuFrame,
  RtuRequestFramer,
} from '../../protocols/modbus/index.ts';
import { numberArg, sendThroughFaults } from '../faults.ts';
import { flipByte, openSerialPort, type SerialPort } from '../serial-port.ts';
import {
  type CommandArgs,
  type RunningSimulator,
  type Simulator,
  type SimulatorContext,
  SimulatorError,
  wallMs,
} from '../simulator.ts';
import { openTcpListener, type TcpListener } from '../tcp-listener.ts';
import { type Climate, climateAt, type Excursion, endOf } from './climate.ts';
import { BAUD_RATES, Registers } from './registers.ts';

/** Well above 3.5 characters at 9600 baud: no host pauses that long within a frame. */
const SILENCE_MS = 50;
/** Between request and answer; the module needs a few milliseconds, and 3.5 characters of silence must pass. */
const TURNAROUND_MS = 5;
const POLL_MS = 4;

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
    async start(context) {
      const thermometer = new Thermometer(id, options, context);
      await thermometer.open();
      return thermometer;
    },
  };
}

class Thermometer implements RunningSimulator {
  readonly kind = THERMOMETER_KIND;
  readonly id: string;
  readonly #options: ThermometerOptions;
  readonly #context: SimulatorContext;
  readonly #registers: Registers;
  readonly #framer = new RtuRequestFramer();
  readonly #startUs: number;
  #port: SerialPort | undefined;
  #listener: TcpListener | undefined;
  #excursions: Excursion[] = [];
  #cancelSilence: () => void = () => {};
  #stopped = false;

  constructor(id: string, options: ThermometerOptions, context: SimulatorContext) {
    this.id = id;
    this.#options = options;
    this.#context = context;
    this.#registers = new Registers(options.registers, options.unitId, options.baudRate);
    this.#startUs = context.clock.monotonicUs();
  }

  async open(): Promise<void> {
    const { path, tcpPort, host } = this.#options;
    const onData = (bytes: Buffer) => this.#take(bytes);
    this.#port = await openSerialPort(this.#context, { id: this.id, path, onData, pollMs: POLL_MS });
    if (tcpPort === undefined) return;
    try {
      this.#listener = await openTcpListener({ host, port: tcpPort, onConnection: (socket) => this.#serve(socket) });
    } catch (error) {
      await this.#port.close();
      throw error;
    }
  }

  get address(): string {
    return this.#serial.address;
  }

  get otherAddresses(): readonly string[] {
    return this.#listener ? [this.#listener.address] : [];
  }

  async command(name: string, args: CommandArgs = {}): Promise<void> {
    if (name === 'excursion') return this.#startExcursion(args);
    await this.#serial.command(name, args);
    if (name === 'unplug') await this.#listener?.unplug();
    if (name === 'replug') await this.#listener?.replug();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#cancelSilence();
    await this.#listener?.unplug();
    await this.#serial.close();
  }

  get #serial(): SerialPort {
    if (this.#port === undefined) throw new Error('the thermometer was not opened');
    return this.#port;
  }

  #take(bytes: Buffer): void {
    this.#cancelSilence();
    for (const frame of this.#framer.push(bytes)) this.#answer(frame);
    this.#cancelSilence = this.#context.clock.after(SILENCE_MS, () => {
      for (const frame of this.#framer.idle()) this.#answer(frame);
    });
  }

  #answer(request: RtuFrame): void {
    const broadcast = request.unitId === 0;
    if (!broadcast && request.unitId !== this.#registers.unitId) return;
    const pdu = this.#registers.answer(request.pdu, this.#climate());
    if (broadcast) return;
    const frame = encodeRtu({ unitId: request.unitId, pdu });
    this.#send(frame).catch((error: unknown) => {
      this.#context.log.error({ simulator: this.id, err: error }, 'a Modbus answer could not be sent');
    });
  }

  async #send(frame: Buffer): Promise<void> {
    await sleep(this.#context.clock, TURNAROUND_MS);
    if (!this.#stopped) await this.#serial.send(frame, { corrupt: (bytes) => flipByte(bytes, -1) });
  }

  #serve(socket: Socket): void {
    const framer = new ModbusTcpFramer();
    const { clock } = this.#context;
    const write = (bytes: Uint8Array): Promise<boolean> =>
      new Promise((resolve) => socket.write(bytes, (error) => resolve(!error)));
    socket.on('data', (chunk: Buffer) => {
      for (const { transactionId, unitId, pdu } of framer.push(chunk)) {
        // Over TCP 0 and 255 stand for the device itself (MODBUS Messaging on TCP/IP V1.0b, clause 4.4.2.1).
        if (unitId !== this.#registers.unitId && unitId !== 0 && unitId !== 255) continue;
        const answer = this.#registers.answer(pdu, this.#climate());
        const frame = encodeTcp({ transactionId, unitId, pdu: answer });
        // Modbus TCP has no checksum: a wrong length field is what a client can notice.
        const corrupt = (bytes: Buffer) => flipByte(bytes, 5);
        sendThroughFaults(frame, { faults: this.#serial.faults, clock, write, corrupt }).catch((error: unknown) => {
          this.#context.log.error({ simulator: this.id, err: error }, 'a Modbus answer could not be sent');
        });
      }
    });
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
    if (!(toCelsius >= -40 && toCelsius <= 125) || !(rampS > 0) || !(holdS >= 0)) {
      throw new SimulatorError({
        code: 'sim-command-invalid',
        message: `excursion ${this.id}: to is −40 to 125 °C, rampS above 0, holdS 0 or more`,
      });
    }
    this.#excursions.push({ startS: this.#nowS(), toCelsius, rampS, holdS });
    this.#context.emit({
      simulator: this.id,
      kind: 'excursion',
      atMs: wallMs(this.#context.clock),
      detail: { toCelsius, rampS, holdS },
    });
  }

  #nowS(): number {
    return (this.#context.clock.monotonicUs() - this.#startUs) / 1e6;
  }
}
