/**
 * A Honeywell bar code scanner on a serial line (RS-232 or USB CDC), as its user's guides have it (Xenon 1900, chapter 11).
 *
 * New from the factory it sends the data and CR. With the decode header on (`DECHDR1`) each scan is `SYN FE`, length (4, little-endian), CR,
 * `MSGGET`, four digits, Honeywell id, AIM identifier without its bracket, GS, data, CR. Menu commands are answered (menu.ts), `SYN T CR`
 * and `SYN U CR` pull and release the trigger, `SYN BEL CR` beeps. There is no acknowledgement of scans. Beeps are in the log.
 */
import { z } from 'zod';
import { enterScan, type Label, labelOf, scanLost } from '../scan.ts';
import { flipByte, openSerialPort, type SerialPort } from '../serial-port.ts';
import {
  type CommandArgs,
  type Fate,
  opened,
  type RunningSimulator,
  type Sighting,
  type Simulator,
  type SimulatorContext,
} from '../simulator.ts';
import { Menu } from './menu.ts';

export const honeywellOptions = z.strictObject({
  path: z.string().min(1).optional(),
  /** The decode header was switched on before, and stored. */
  framed: z.boolean().default(false),
});
export type HoneywellOptions = z.infer<typeof honeywellOptions>;

export const HONEYWELL_KIND = 'honeywell';

/** Honeywell's letter for a symbology, by the beginning of its AIM identifier. */
const LETTERS: readonly [aim: string, letter: string][] = [
  [']C1', 'I'],
  [']C', 'j'],
  [']E4', 'D'],
  [']E', 'd'],
  [']A', 'b'],
  [']I', 'e'],
  [']L', 'r'],
  [']d', 'w'],
  [']Q', 's'],
  [']U', 'x'],
  [']e', 'y'],
  [']z', 'z'],
];
const UNKNOWN_AIM = ']X0';
/** Where the separator stands in a frame: a scan without it is none. */
const SEPARATOR_AT = 20;
const COMMAND_MAX = 1_024;
const SYN = '\x16';
const BEL = '\x07';
const POLL_MS = 5;

export function honeywell(id: string, options: HoneywellOptions, readPoint?: string): Simulator {
  return {
    kind: HONEYWELL_KIND,
    id,
    start: (context) => opened(new Scanner({ id, options, context, readPoint })),
  };
}

interface Parts {
  id: string;
  options: HoneywellOptions;
  context: SimulatorContext;
  readPoint: string | undefined;
}

class Scanner implements RunningSimulator {
  readonly kind = HONEYWELL_KIND;
  readonly id: string;
  readonly #parts: Parts;
  readonly #menu: Menu;
  #port: SerialPort | undefined;
  #heard = '';

  constructor(parts: Parts) {
    this.id = parts.id;
    this.#parts = parts;
    this.#menu = new Menu(parts.options.framed ? { DECHDR: 1 } : {});
  }

  async open(): Promise<void> {
    const { context, options } = this.#parts;
    const onData = (bytes: Buffer) => this.#take(bytes);
    this.#port = await openSerialPort(context, { id: this.id, path: options.path, onData, pollMs: POLL_MS });
  }

  get address(): string {
    return this.#cable().address;
  }

  observe(sighting: Sighting): Promise<Fate> {
    return this.#scan(sighting);
  }

  async command(name: string, args: CommandArgs = {}): Promise<void> {
    if (name === 'unplug') this.#menu.powerOff();
    if (name !== 'scan') return this.#cable().command(name, args);
    if ((await this.#scan(labelOf(this.id, args))) === 'lost') throw scanLost(this);
  }

  stop(): Promise<void> {
    return this.#cable().close();
  }

  async #scan(label: Label): Promise<Fate> {
    const { context, readPoint } = this.#parts;
    const isFramed = this.#menu.value('DECHDR') === 1;
    if (this.#menu.value('BEPBEP') === 1) context.log.info({ beep: 'good read' }, 'beep');
    const sent = await this.#cable().send(isFramed ? framed(label) : Buffer.from(`${label.text}\r`, 'latin1'), {
      corrupt: (bytes) => flipByte(bytes, isFramed ? SEPARATOR_AT : 0),
      terminated: !isFramed,
    });
    const aim = isFramed ? label.aim : '';
    if (sent.fate !== 'lost') enterScan(context, { simulator: this.id, label, aim, readPoint, sent });
    return sent.fate;
  }

  #take(bytes: Buffer): void {
    this.#heard = (this.#heard + bytes.toString('latin1')).slice(-COMMAND_MAX);
    while (this.#takeCommand()) {}
  }

  /** SYN, a letter, CR, and for a menu command its text. What stands ahead of a SYN belongs to none. */
  #takeCommand(): boolean {
    const start = this.#heard.indexOf(SYN);
    if (start < 0 || this.#heard.length < start + 3) return false;
    const [letter, end] = [this.#heard[start + 1], this.#heard[start + 2]];
    const rest = this.#heard.slice(start + 3);
    if (end !== '\r') {
      this.#heard = this.#heard.slice(start + 1);
      return true;
    }
    if (letter === 'M') {
      const length = rest.search(/[.!]/) + 1;
      if (length === 0) return false;
      this.#heard = rest.slice(length);
      this.#reply(Buffer.from(this.#menu.answer(rest.slice(0, length)), 'latin1'));
      return true;
    }
    this.#heard = rest;
    const { log } = this.#parts.context;
    if (letter === BEL) log.info({ beep: 'host' }, 'beep');
    else if (letter === 'T' || letter === 'U') log.info({ trigger: letter === 'T' ? 'pulled' : 'released' }, 'trigger');
    return true;
  }

  #reply(frame: Buffer): void {
    const sent = this.#cable().send(frame, { corrupt: (bytes) => flipByte(bytes, -2) });
    sent.catch((error: unknown) => this.#parts.context.log.error({ err: error }, 'an answer could not be sent'));
  }

  #cable(): SerialPort {
    if (!this.#port) throw new Error(`${this.id} is not connected`);
    return this.#port;
  }
}

function framed({ aim, text }: Label): Buffer {
  const identifier = aim === '' ? UNKNOWN_AIM : aim;
  const letter = LETTERS.find(([start]) => identifier.startsWith(start))?.[1] ?? 'j';
  const data = Buffer.from(`${text}\r`, 'latin1');
  const count = String(data.length).padStart(4, '0');
  const body = Buffer.concat([Buffer.from(`MSGGET${count}${letter}${identifier.slice(1)}\x1d`, 'latin1'), data]);
  const head = Buffer.from([0x16, 0xfe, 0, 0, 0, 0, 0x0d]);
  head.writeUInt32LE(body.length, 2);
  return Buffer.concat([head, body]);
}
