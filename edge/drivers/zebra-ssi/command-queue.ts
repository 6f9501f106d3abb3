/**
 * The host's commands: one at a time, each sent up to three times (with the retransmit bit from the second on) until the reader answers
 * (guide 72E-40451, CMD_ACK, "Host requirements").
 *
 * The owner calls `advance` when nothing of the reader's is open, and hands every answer to `take`. A reader may sleep: it is woken by
 * a single zero byte, at least 10 ms ahead of the command, unless bytes went to and fro a moment ago (guide, WAKEUP).
 */
import { SSI_NAK_RESEND, SSI_WAKE_UP, type SsiBody, ssiResend } from '../../../protocols/ssi/index.ts';

export interface HostCommand {
  /** For people. */
  name: string;
  packet: Buffer;
  /** `ack`: CMD_ACK; `revision`: REPLY_REVISION, which is the answer by itself. */
  answer: 'ack' | 'revision';
}

export type CommandOutcome = { command: HostCommand; outcome: 'done' | 'refused' | 'silent' };

const TRIES = 3;
const WAKING_US = 15_000;
/** A reader stays awake for a second; some of it is spent on the way. */
const AWAKE_US = 700_000;

export class CommandQueue {
  readonly #write: (bytes: Uint8Array) => Promise<void>;
  readonly #timeoutUs: number;
  readonly #wakes: boolean;
  #waiting: HostCommand[] = [];
  #tries = 0;
  #dueUs = 0;
  #awake = false;
  #trafficUs = Number.NEGATIVE_INFINITY;

  constructor(options: { write: (bytes: Uint8Array) => Promise<void>; timeoutMs: number; wakeUp: boolean }) {
    this.#write = options.write;
    this.#timeoutUs = options.timeoutMs * 1000;
    this.#wakes = options.wakeUp;
  }

  get isEmpty(): boolean {
    return this.#waiting.length === 0;
  }

  add(commands: readonly HostCommand[]): void {
    this.#waiting.push(...commands);
  }

  /** The reader said something: it is awake. */
  heard(nowUs: number): void {
    this.#trafficUs = nowUs;
  }

  /** When `advance` has something to do. */
  get dueUs(): number {
    return this.isEmpty ? Number.POSITIVE_INFINITY : this.#dueUs;
  }

  /** Sends what is due. Gives the command that was sent often enough without an answer. @throws TransportError */
  async advance(nowUs: number): Promise<CommandOutcome | undefined> {
    const [command] = this.#waiting;
    if (!command || nowUs < this.#dueUs) return undefined;
    if (this.#tries === TRIES) return this.#end(command, 'silent');
    if (this.#wakes && !this.#awake && nowUs - this.#trafficUs > AWAKE_US) {
      this.#awake = true;
      this.#dueUs = nowUs + WAKING_US;
      await this.#write(SSI_WAKE_UP);
      return undefined;
    }
    this.#awake = false;
    this.#trafficUs = nowUs;
    this.#dueUs = nowUs + this.#timeoutUs;
    await this.#write(this.#tries++ === 0 ? command.packet : ssiResend(command.packet));
    return undefined;
  }

  /** An ACK, NAK or revision from the reader; undefined when it answers none of these commands. */
  take(body: SsiBody): CommandOutcome | undefined {
    const [command] = this.#waiting;
    if (!command || this.#tries === 0) return undefined;
    if (body.kind === command.answer) return this.#end(command, 'done');
    if (body.kind !== 'nak') return undefined;
    if (body.causeCode !== SSI_NAK_RESEND) return this.#end(command, 'refused');
    this.#dueUs = 0;
    return undefined;
  }

  #end(command: HostCommand, outcome: CommandOutcome['outcome']): CommandOutcome {
    this.#waiting.shift();
    this.#tries = 0;
    this.#dueUs = 0;
    this.#awake = false;
    return { command, outcome };
  }
}
