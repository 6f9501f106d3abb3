/**
 * An ELM327 adapter in a vehicle on its route (data sheet v2.x): text commands that end with CR, answers that end with a prompt.
 *
 * It echoes, spaces and adds line feeds until it is told otherwise, looks for the bus at the first question (`SEARCHING...`), and gives up what it does when
 * a byte comes before the prompt (`STOPPED`). `copy` makes it one of the many copies: it refuses ATS0 and ATL0, and knows no odometer.
 *
 * Commands: `ignition on=true|false` (off: the vehicle does not answer) · `complain text=…` (says that in place of its next answer from the bus) · those
 * of every serial device; `replug` is a power-up.
 */
import { z } from 'zod';
import type { Drive } from '../journey.ts';
import { openSerialPort, type SerialPort } from '../serial-port.ts';
import {
  type CommandArgs,
  opened,
  type RunningSimulator,
  type Simulator,
  type SimulatorContext,
  SimulatorError,
} from '../simulator.ts';
import { type BusMessage, VehicleBus } from './vehicle-bus.ts';

const POLL_MS = 4;
const ANSWER_MS = 20;
const RESET_MS = 500;
const SEARCH_MS = 300;
const DRIVE_MS = 200;
const GREETING = 'ELM327 v1.5';
/** What was typed is lost beyond that. */
const LINE_MAX = 128;
const CR = 0x0d;

export const adapterOptions = z.strictObject({
  path: z.string().min(1).optional(),
  copy: z.boolean().default(false),
  odometerKm: z.number().min(0).default(84_210),
  /** Control modules that answer. */
  modules: z.literal([1, 2]).default(1),
});
export type AdapterOptions = z.infer<typeof adapterOptions>;

export const ELM327_KIND = 'elm327';

export function elm327(id: string, options: AdapterOptions, drive: Drive): Simulator {
  return {
    kind: ELM327_KIND,
    id,
    start: (context) => opened(new Adapter({ id, options, context, drive })),
  };
}

interface Parts {
  id: string;
  options: AdapterOptions;
  context: SimulatorContext;
  drive: Drive;
}

interface Settings {
  echo: boolean;
  lineFeeds: boolean;
  spaces: boolean;
  /** Messages are shown with who sent them and their length. */
  headers: boolean;
  /** The bus was found. */
  connected: boolean;
}

const fresh = (): Settings => ({ echo: true, lineFeeds: true, spaces: true, headers: false, connected: false });

class Adapter implements RunningSimulator {
  readonly kind = ELM327_KIND;
  readonly id: string;
  readonly #parts: Parts;
  readonly #bus: VehicleBus;
  #settings = fresh();
  #line = '';
  /** Ends what the adapter does at the moment. */
  #cancelAnswer: (() => void) | undefined;
  #cancelDrive: () => void = () => {};
  #port: SerialPort | undefined;
  #sending: Promise<unknown> = Promise.resolve();
  #ignition = true;
  #complaint: string | undefined;

  constructor(parts: Parts) {
    this.id = parts.id;
    this.#parts = parts;
    const { odometerKm, copy, modules } = parts.options;
    this.#bus = new VehicleBus({ odometerKm, hasOdometer: !copy, modules });
  }

  async open(): Promise<void> {
    const { context, id, options } = this.#parts;
    const onData = (bytes: Buffer) => this.#take(bytes);
    this.#port = await openSerialPort(context, { id, path: options.path, onData, pollMs: POLL_MS });
    this.#drive();
  }

  get address(): string {
    return this.#serial.address;
  }

  async command(name: string, args: CommandArgs = {}): Promise<void> {
    if (name === 'ignition') {
      this.#ignition = String(args.on ?? 'true') === 'true';
      this.#settings.connected = false;
    } else if (name === 'complain') {
      if (args.text === undefined) {
        throw new SimulatorError({ code: 'sim-command-invalid', message: `complain ${this.id}: text=… is missing` });
      }
      this.#complaint = String(args.text).replaceAll('_', ' ');
    } else {
      await this.#serial.command(name, args);
      if (name === 'replug') this.#powerUp();
    }
  }

  async stop(): Promise<void> {
    this.#cancelDrive();
    this.#cancelAnswer?.();
    await this.#serial.close();
    await this.#sending;
  }

  get #serial(): SerialPort {
    if (this.#port === undefined) throw new Error('the adapter was not opened');
    return this.#port;
  }

  #powerUp(): void {
    this.#cancelAnswer?.();
    this.#cancelAnswer = undefined;
    this.#settings = fresh();
    this.#line = '';
  }

  #drive(): void {
    this.#cancelDrive = this.#parts.context.clock.after(DRIVE_MS, () => {
      this.#bus.drive(this.#parts.drive.now().speedMetersPerSecond, DRIVE_MS / 1000);
      this.#drive();
    });
  }

  #take(bytes: Buffer): void {
    for (const byte of bytes) {
      if (this.#cancelAnswer) {
        // The byte that interrupts is swallowed, and so is the rest of its command.
        this.#cancelAnswer();
        this.#cancelAnswer = undefined;
        this.#line = '';
        this.#say(['STOPPED'], '');
        return;
      }
      if (byte !== CR) {
        if (this.#line.length < LINE_MAX) this.#line += String.fromCharCode(byte);
        continue;
      }
      const typed = this.#line;
      this.#line = '';
      this.#execute(typed);
    }
  }

  #execute(typed: string): void {
    const command = typed.replace(/[\s\0]/g, '').toUpperCase();
    const echo = this.#settings.echo ? `${typed}\r` : '';
    if (command.startsWith('AT')) {
      const isReset = command === 'ATZ';
      this.#later(isReset ? RESET_MS : ANSWER_MS, () => this.#say([this.#configure(command)], echo));
      return;
    }
    const pid = /^01([0-9A-F]{2})[0-9A-F]?$/.exec(command)?.[1];
    if (pid === undefined) {
      this.#later(ANSWER_MS, () => this.#say([/^[0-9A-F]+$/.test(command) ? 'NO DATA' : '?'], echo));
      return;
    }
    const isSearch = !this.#settings.connected;
    this.#later(isSearch ? SEARCH_MS : ANSWER_MS, () =>
      this.#say(this.#askBus(Number.parseInt(pid, 16), isSearch), echo),
    );
  }

  #configure(command: string): string {
    switch (command) {
      case 'ATZ':
        this.#settings = fresh();
        return GREETING;
      case 'ATI':
        return GREETING;
      case 'ATRV':
        return this.#ignition ? '14.1V' : '12.4V';
      case 'ATE0':
      case 'ATE1':
        this.#settings.echo = command.endsWith('1');
        return 'OK';
      case 'ATL0':
      case 'ATL1':
        if (this.#parts.options.copy) return '?';
        this.#settings.lineFeeds = command.endsWith('1');
        return 'OK';
      case 'ATS0':
      case 'ATS1':
        if (this.#parts.options.copy) return '?';
        this.#settings.spaces = command.endsWith('1');
        return 'OK';
      case 'ATH0':
      case 'ATH1':
        this.#settings.headers = command.endsWith('1');
        return 'OK';
      case 'ATDPN':
        return 'A6';
    }
    if (/^ATSP[0-9A-C]$/.test(command)) {
      this.#settings.connected = false;
      return 'OK';
    }
    return /^AT(AT[012]|ST[0-9A-F]{2}|D|CAF1|M0|PC|SH[0-9A-F]{3,6})$/.test(command) ? 'OK' : '?';
  }

  #askBus(pid: number, isSearch: boolean): string[] {
    const search = isSearch ? ['SEARCHING...'] : [];
    const complaint = this.#complaint;
    this.#complaint = undefined;
    if (complaint !== undefined) return [...search, complaint];
    if (!this.#ignition) return isSearch ? [...search, 'UNABLE TO CONNECT'] : ['NO DATA'];
    this.#settings.connected = true;
    const answers = this.#bus.answers(pid).map((message) => this.#shown(message));
    return [...search, ...(answers.length > 0 ? answers : ['NO DATA'])];
  }

  /** With headers: identifier, length (a single frame of ISO 15765-2), then the message. */
  #shown({ header, text }: BusMessage): string {
    const { headers, spaces } = this.#settings;
    const bytes = text.split(' ');
    const shown = headers ? [header, bytes.length.toString(16).toUpperCase().padStart(2, '0'), ...bytes] : bytes;
    return shown.join(spaces ? ' ' : '');
  }

  #later(ms: number, act: () => void): void {
    this.#cancelAnswer = this.#parts.context.wireClock.after(ms, () => {
      this.#cancelAnswer = undefined;
      act();
    });
  }

  #say(lines: readonly string[], echo: string): void {
    const end = this.#settings.lineFeeds ? '\r\n' : '\r';
    const frame = Buffer.from(`${echo}${lines.join(end)}${end}${end}>`, 'latin1');
    const send = () => this.#serial.send(frame, { corrupt: dataError });
    this.#sending = this.#sending.then(send).catch((error: unknown) => {
      this.#parts.context.log.error({ simulator: this.id, err: error }, 'an ELM327 answer could not be sent');
    });
  }
}

/** How the chip shows an answer whose checksum on the bus was wrong. */
function dataError(frame: Buffer): Buffer {
  return Buffer.from(frame.toString('latin1').replace(/[\r\n]*>$/, ' <DATA ERROR\r\r>'), 'latin1');
}
