/**
 * A Zebra bar code reader that speaks SSI, as the guide has it (72E-40451-04EN; SE-955 Integration Guide, chapter 10).
 *
 *  - New from the factory it sends scans raw and waits for nobody; told to (parameter EE) it sends DECODE_DATA and waits for ACK: `retries`
 *    times more with the retransmit bit, each after its response time-out, then four long low beeps.
 *  - NAK "resend" has it send at once, any other NAK has it give the scan up. One scan at a time.
 *  - Long codes go as packets with the continuation bit, or as segments, each answered by itself.
 *  - A reader that sleeps (`lowPower`) loses the bytes of the first 10 ms after it was woken.
 *  - What it sounds and shows is in the log. Unplugged, it forgets scan and parameters.
 *
 * The ledger has each scan once, when its fate is known, with `acknowledged`: false is a scan that the reader complained of, which
 * the host may or may not know.
 */
import { z } from 'zod';
import type { SendResult } from '../faults.ts';
import { enterScan, type Label, labelOf } from '../scan.ts';
import { flipByte, openSerialPort, type SerialPort } from '../serial-port.ts';
import {
  type CommandArgs,
  type Fate,
  opened,
  type RunningSimulator,
  type Sighting,
  type Simulator,
  type SimulatorContext,
  SimulatorError,
  wallMs,
} from '../simulator.ts';
import {
  BEEP_AFTER_DECODE,
  DECODE_FORMAT,
  HOST_TIMEOUT,
  HostCommands,
  nak,
  SOFTWARE_HANDSHAKE,
  TRANSMIT_CODE_ID,
} from './host-commands.ts';
import { again, decodeData, type HostPacket, HostPackets, segments } from './packets.ts';

export const ssiReaderOptions = z.strictObject({
  path: z.string().min(1).optional(),
  /** As if it had been set up before; a new one sends raw. */
  packeted: z.boolean().default(false),
  /** How often an unanswered scan is sent again. */
  retries: z.int().min(0).max(10).default(2),
  longCodes: z.enum(['packets', 'segments']).default('packets'),
  lowPower: z.boolean().default(false),
  revision: z.string().max(200).default('PAASSENB-000-R00 NBRDS4308 SIM 0000'),
});
export type SsiReaderOptions = z.infer<typeof ssiReaderOptions>;

export const SSI_READER_KIND = 'zebra-ssi';

const CODE_TYPES: readonly [aim: string, codeType: number][] = [
  [']C1', 0x0f],
  [']C', 0x03],
  [']E4', 0x0a],
  [']E', 0x0b],
  [']A', 0x01],
  [']I', 0x06],
  [']L', 0x11],
  [']d', 0x1b],
  [']Q', 0x1c],
  [']U', 0x25],
  [']e', 0x30],
  [']z', 0x2d],
];
const CODE_128 = 0x03;
const AWAKE_US = 1_000_000;
const WAKING_US = 10_000;
const QUIET_US = 200_000;
const POLL_MS = 2;

export function zebraSsi(id: string, options: SsiReaderOptions, readPoint?: string): Simulator {
  return {
    kind: SSI_READER_KIND,
    id,
    start: (context) => opened(new SsiReader({ id, options, context, readPoint })),
  };
}

interface Parts {
  id: string;
  options: SsiReaderOptions;
  context: SimulatorContext;
  readPoint: string | undefined;
}

/** What became of a scan's bytes. */
interface Sent extends Partial<SendResult> {
  fate: Fate;
  acknowledged?: boolean;
}

type Answer = 'ack' | 'resend' | 'given-up' | 'none' | 'off';

class SsiReader implements RunningSimulator {
  readonly kind = SSI_READER_KIND;
  readonly id: string;
  readonly #parts: Parts;
  readonly #host = new HostPackets();
  #commands: HostCommands;
  #port: SerialPort | undefined;
  #waiting: ((answer: Answer) => void) | undefined;
  /** The scan that is under way, and those behind it. */
  #turn: Promise<unknown> = Promise.resolve();
  #heardUs = Number.NEGATIVE_INFINITY;
  #deafUntilUs = Number.NEGATIVE_INFINITY;
  #isOff = false;

  constructor(parts: Parts) {
    this.id = parts.id;
    this.#parts = parts;
    this.#commands = this.#fresh();
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
    return this.#next(sighting);
  }

  async command(name: string, args: CommandArgs = {}): Promise<void> {
    if (name === 'scan') return this.#scanOnCommand(args);
    await this.#cable().command(name, args);
    if (name === 'unplug') {
      this.#isOff = true;
      this.#waiting?.('off');
    } else if (name === 'replug' && this.#isOff) {
      this.#isOff = false;
      this.#commands = this.#fresh();
    }
  }

  async stop(): Promise<void> {
    this.#isOff = true;
    this.#waiting?.('off');
    await this.#turn;
    await this.#cable().close();
  }

  async #scanOnCommand(args: CommandArgs): Promise<void> {
    if ((await this.#next(labelOf(this.id, args))) === 'intact') return;
    throw new SimulatorError({
      code: 'sim-not-heard',
      message: `${this.id}: the scan was not acknowledged: is a host there that speaks SSI on ${this.address}?`,
    });
  }

  #next(label: Label): Promise<Fate> {
    const done = this.#turn.then(() => this.#scan(label));
    this.#turn = done;
    return done;
  }

  async #scan(label: Label): Promise<Fate> {
    const { context, readPoint } = this.#parts;
    const commands = this.#commands;
    if (this.#isOff || !commands.isEnabled) return 'lost';
    if (commands.isOn(BEEP_AFTER_DECODE)) context.log.info({ beep: 'decode' }, 'beep');
    const atMs = wallMs(context.clock);
    const aim = commands.isOn(TRANSMIT_CODE_ID) ? label.aim : '';
    const data = Buffer.from(aim + label.text, 'latin1');
    const sent = commands.isOn(DECODE_FORMAT) ? await this.#sendPackets(label, data) : await this.#sendRaw(data);
    if (sent.fate !== 'lost') enterScan(context, { simulator: this.id, label, aim, readPoint, sent, atMs });
    return sent.fate;
  }

  #sendRaw(data: Buffer): Promise<Sent> {
    return this.#cable().send(data, { corrupt: (bytes) => flipByte(bytes, -1), terminated: true });
  }

  async #sendPackets(label: Label, data: Buffer): Promise<Sent> {
    const codeType = CODE_TYPES.find(([aim]) => label.aim.startsWith(aim))?.[1] ?? CODE_128;
    const isLong = data.length > 250;
    const packets =
      isLong && this.#parts.options.longCodes === 'segments' ? segments(codeType, data) : decodeData(codeType, data);
    let left = false;
    for (const packet of packets) {
      const { answer, wasHeard } = await this.#sendOne(packet);
      left ||= wasHeard;
      if (answer === 'ack') continue;
      if (answer === 'none') this.#parts.context.log.info({ beep: 'transmission error' }, 'beep');
      return { fate: left ? 'damaged' : 'lost', acknowledged: false };
    }
    return { fate: 'intact', acknowledged: true };
  }

  /** One packet, until it is answered or sent often enough. `wasHeard`: some copy left for somebody. */
  async #sendOne(packet: Buffer): Promise<{ answer: Answer; wasHeard: boolean }> {
    let wasHeard = false;
    let answer: Answer = 'none';
    for (let sending = 0; sending <= this.#parts.options.retries; sending++) {
      const answered = this.#answer();
      const { fate } = await this.#cable().send(sending === 0 ? packet : again(packet), {
        corrupt: (bytes) => flipByte(bytes, -1),
      });
      wasHeard ||= fate !== 'lost';
      if (!this.#commands.isOn(SOFTWARE_HANDSHAKE)) this.#waiting?.('ack');
      answer = await answered;
      if (answer !== 'none' && answer !== 'resend') break;
    }
    return { answer: answer === 'resend' ? 'none' : answer, wasHeard };
  }

  /** Waits for the host's word, for as long as the host response time-out says. */
  #answer(): Promise<Answer> {
    const { wireClock } = this.#parts.context;
    const waitMs = (this.#commands.parameters.get(HOST_TIMEOUT) ?? 20) * 100;
    return new Promise((resolve) => {
      const settle = (answer: Answer) => {
        cancel();
        this.#waiting = undefined;
        resolve(answer);
      };
      const cancel = wireClock.after(waitMs, () => settle('none'));
      this.#waiting = settle;
    });
  }

  #take(bytes: Buffer): void {
    const nowUs = this.#parts.context.wireClock.monotonicUs();
    const sinceUs = nowUs - this.#heardUs;
    this.#heardUs = nowUs;
    if (sinceUs > QUIET_US) this.#host.forget();
    const isAsleep = this.#parts.options.lowPower && sinceUs > AWAKE_US && this.#waiting === undefined;
    if (isAsleep) this.#deafUntilUs = nowUs + WAKING_US;
    if (isAsleep || nowUs < this.#deafUntilUs || this.#isOff) return;
    for (const packet of this.#host.push(bytes)) this.#fromHost(packet);
  }

  #fromHost(packet: HostPacket | undefined): void {
    switch (packet?.opcode) {
      case 0xd0:
      case 0x74:
        this.#waiting?.('ack');
        return;
      case 0xd1:
        this.#waiting?.(packet.data[0] === 1 ? 'resend' : 'given-up');
        return;
      default: {
        const answer = packet === undefined ? nak(1) : this.#commands.answer(packet);
        this.#reply(answer);
      }
    }
  }

  #reply(frame: Buffer): void {
    const sent = this.#cable().send(frame, { corrupt: (bytes) => flipByte(bytes, -1) });
    sent.catch((error: unknown) => this.#parts.context.log.error({ err: error }, 'an answer could not be sent'));
  }

  #fresh(): HostCommands {
    const { context, options } = this.#parts;
    return new HostCommands({ log: context.log, revision: options.revision, packeted: options.packeted });
  }

  #cable(): SerialPort {
    if (!this.#port) throw new Error(`${this.id} is not connected`);
    return this.#port;
  }
}
