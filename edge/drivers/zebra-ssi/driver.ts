/**
 * A Zebra (Symbol, Motorola) bar code reader over the Simple Serial Interface, with acknowledgement: the reader gets ACK for a scan, and
 * beeps, only when the scan is on disk (design, section 3, point 2).
 *
 * What reaches the reader, and when
 *  - ACK for a scan: when its `acknowledge(true)` was called and the reader still waits (open-scan.ts); NAK "denied" when it was given up. No
 *    answer while the disk does not take it: the reader sends the scan twice more and then beeps its transmission error.
 *  - NAK "resend" for bytes that were no packet, at most NAKS_IN_A_ROW times until a good packet comes; NAK "bad context" for packets that
 *    make no sense here; ACK for parts of a scan, events and parameters.
 *  - Commands (set-up, presence) and feedback: only while no scan is open.
 * Source: Simple Serial Interface Programmer's Guide 72E-40451-04EN; SE-955 Integration Guide 72E-72322, chapter 10.
 */
import { isCodecError } from '../../../protocols/base/codec-error.ts';
import {
  interpretSsi,
  SSI_NAK_BAD_CONTEXT,
  SSI_NAK_DENIED,
  SSI_NAK_RESEND,
  SsiFramer,
  type SsiMessage,
  type SsiPacket,
  type SsiScan,
  SsiScanAssembler,
  ssiAck,
  ssiMultipacketAck,
  ssiNak,
} from '../../../protocols/ssi/index.ts';
import { type Driver, type DriverContext, DriverError, type Reading } from '../../driver.ts';
import { ChunkReader } from '../../transport/chunk-reader.ts';
import { FaultLog } from '../../transport/fault-log.ts';
import { serialTransport } from '../../transport/options.ts';
import { type CommandOutcome, CommandQueue } from './command-queue.ts';
import { Feedback } from './feedback.ts';
import { isIdentified, labelOf } from './label.ts';
import { type Answer, OpenScan } from './open-scan.ts';
import { optionsSchema, type ZebraSsiOptions } from './options.ts';
import { AIM_IDENTIFIERS, PACKETS, REVISION, setupCommands } from './setup.ts';

/** Inter-character time-out of the guide: bytes of one packet come closer together. */
const QUIET_MS = 200;
/**
 * A line that is never quiet is not waited for any longer: a reader that sends raw data without a pause has to be told not to. The longest
 * packet takes less than this at 1200 baud.
 */
const BABBLE_US = 3_000_000;
const TICK_MS = 1_000;
/** A reader sends a packet, and sends it twice more. */
const SENDINGS = 3;
const NAKS_IN_A_ROW = 3;
/** The next part of a scan follows our ACK at once, or carries the retransmit bit. */
const PART_GAP_US = 1_000_000;
/** A reader whose scans show that the set-up did not take is set up again, at most so often, and so many times in a row. */
const SET_UP_AGAIN_US = 5_000_000;
const SET_UPS = 3;
/** How long a stop waits for the scan that is open: a good disk has it by then. */
const GOODBYE_MS = 500;

export const driver: Driver<ZebraSsiOptions> = {
  kind: 'zebra-ssi',
  summary: 'Zebra bar code reader with acknowledgement (SSI): it beeps when a scan is on disk',
  options: optionsSchema,
  transport: serialTransport,
  run: (context, options) => new SsiReader(context, options).run(),
};

class SsiReader {
  readonly #context: DriverContext;
  readonly #options: ZebraSsiOptions;
  readonly #framer = new SsiFramer();
  readonly #assembler = new SsiScanAssembler();
  readonly #commands: CommandQueue;
  readonly #feedback: Feedback;
  readonly #open: OpenScan;
  readonly #said = new FaultLog();
  #refusedSettings: string[] = [];
  #setUpUs: number;
  /** Since the last scan with its identifier. */
  #setUps = 0;
  #knowsAim = true;
  /** Since the line was quiet: bytes other than those that only wake, and packets. */
  #burst = { hasBytes: false, packets: 0, sinceUs: 0 };
  #naks = 0;
  #lastPartUs = 0;
  #heardUs: number;
  #heardScan = false;
  /** Bytes that were no packet came since the last scan: what is sent again now may be a scan of which nothing was understood. */
  #garbled = false;

  constructor(context: DriverContext, options: ZebraSsiOptions) {
    const { clock, log, transport } = context;
    this.#context = context;
    this.#options = options;
    this.#heardUs = clock.monotonicUs();
    this.#setUpUs = this.#heardUs;
    this.#commands = new CommandQueue({
      write: (bytes) => transport.write(bytes),
      timeoutMs: options.responseTimeoutMs,
      wakeUp: options.wakeUp ?? !options.rtscts,
    });
    this.#feedback = new Feedback({ clock, log, options, write: (bytes) => this.#send(bytes) });
    this.#open = new OpenScan({
      responseTimeoutMs: options.responseTimeoutMs,
      nowUs: () => clock.monotonicUs(),
      onAnswer: (answer) => this.#answer(answer),
    });
  }

  async *run(): AsyncIterable<Reading> {
    const reader = new ChunkReader(this.#context);
    this.#commands.add(setupCommands(this.#options));
    try {
      for (;;) {
        yield* this.#work();
        const chunk = await reader.read(this.#waitMs());
        if (chunk === 'end') return;
        if (chunk === 'stopped') return await this.#settled();
        const packets = chunk === 'timeout' ? this.#quiet() : this.#take(chunk);
        for (const packet of packets) yield* this.#packet(packet);
        // Packets with nothing behind them: no need to wait until the line is quiet.
        const isWhole = this.#burst.packets > 0 && this.#framer.pendingBytes === 0;
        if (chunk === 'timeout' || isWhole) this.#endBurst();
        Object.assign(this.#context.stats, this.#framer.stats);
      }
    } finally {
      this.#feedback.interrupt();
    }
  }

  /** What is due: commands while nothing is open, and what has to be said about a scan that does not reach the disk. */
  async *#work(): AsyncIterable<Reading> {
    const nowUs = this.#nowUs();
    if (this.#open.isOverdue) {
      yield* this.#say(
        'scan-unanswered',
        'a scan is not on disk in time: the reader gets no answer and signals an error',
      );
    }
    if (this.#open.isOpen || this.#feedback.isBusy || this.#isTalking(nowUs)) return;
    const { checkMs } = this.#options;
    if (this.#commands.isEmpty && checkMs > 0 && nowUs - this.#heardUs >= checkMs * 1000)
      this.#commands.add([REVISION]);
    const ended = await this.#commands.advance(nowUs);
    if (ended) yield* this.#commandEnded(ended);
  }

  #waitMs(): number {
    if (this.#burst.hasBytes) return QUIET_MS;
    if (this.#open.isOpen || this.#feedback.isBusy) return TICK_MS;
    return Math.max(0, Math.min(TICK_MS, (this.#commands.dueUs - this.#nowUs()) / 1000));
  }

  #take(chunk: Uint8Array): SsiPacket[] {
    const nowUs = this.#nowUs();
    this.#commands.heard(nowUs);
    if (!this.#burst.hasBytes && chunk.some((byte) => byte !== 0)) {
      this.#burst.hasBytes = true;
      this.#burst.sinceUs = nowUs;
    }
    return this.#framer.push(chunk);
  }

  /** Whether the end of what the reader sends is waited for. */
  #isTalking(nowUs: number): boolean {
    const { hasBytes, sinceUs } = this.#burst;
    return hasBytes && nowUs - sinceUs < BABBLE_US;
  }

  #quiet(): SsiPacket[] {
    return this.#burst.hasBytes ? this.#framer.idle() : [];
  }

  #endBurst(): void {
    const { hasBytes, packets } = this.#burst;
    this.#burst = { hasBytes: false, packets: 0, sinceUs: 0 };
    if (!hasBytes || packets > 0) return;
    this.#garbled = true;
    // The reader waits for the open scan's answer, which is known to be on its way.
    if (this.#open.isOpen || this.#naks >= NAKS_IN_A_ROW) return;
    this.#naks++;
    this.#send(ssiNak(SSI_NAK_RESEND));
  }

  async *#packet(packet: SsiPacket): AsyncIterable<Reading> {
    this.#burst.packets++;
    this.#naks = 0;
    this.#heardUs = this.#nowUs();
    const message = interpret(packet);
    // Our own bytes: a cable that echoes.
    if (message?.source === 'host') return;
    const body = message?.body;
    switch (body?.kind) {
      case 'decode-data':
      case 'multipacket-segment':
        this.#feedback.interrupt();
        yield* this.#scanPart(message as SsiMessage);
        return;
      case 'ack':
      case 'nak':
      case 'revision': {
        if (body.kind === 'revision') this.#context.log.info({ revision: body.text.trim() }, 'reader is there');
        const ended = this.#commands.take(body);
        if (ended) yield* this.#commandEnded(ended);
        else if (body.kind !== 'revision') this.#feedback.answered(body.kind === 'ack');
        return;
      }
      case 'event':
      case 'parameters':
        if (!this.#open.isOpen) this.#send(ssiAck());
        return;
      default:
        if (!this.#open.isOpen) this.#send(ssiNak(SSI_NAK_BAD_CONTEXT));
    }
  }

  *#scanPart(message: SsiMessage): Iterable<Reading> {
    const nowUs = this.#nowUs();
    if (!message.retransmit && nowUs - this.#lastPartUs > PART_GAP_US) this.#assembler.reset();
    this.#lastPartUs = nowUs;
    const result = this.#assembler.push(message);
    if (result.kind === 'scan') {
      yield* this.#scan(result);
    } else if (this.#open.isOpen) {
      this.#open.giveUp();
    } else if (result.kind === 'partial') {
      this.#send(message.body.kind === 'multipacket-segment' ? ssiMultipacketAck() : ssiAck());
    } else {
      this.#answer('refused');
      yield* this.#say('scan-incomplete', 'a scan of several packets was not taken: its parts do not fit together');
    }
  }

  *#scan(scan: SsiScan): Iterable<Reading> {
    // What the reader sends first to a daemon that has just started may be what the one before it had no time to answer.
    const isResent = scan.retransmit && !(this.#heardScan && this.#garbled);
    this.#heardScan = true;
    this.#garbled = false;
    const label = labelOf(scan, this.#options.suffix);
    if (!label) {
      if (this.#open.isOpen) this.#open.giveUp();
      else this.#send(ssiAck());
      return;
    }
    if (isIdentified(scan, this.#options.suffix)) this.#setUps = 0;
    else this.#setUpAgain();
    const acknowledge = this.#open.take(scan);
    if (!acknowledge) return;
    const resentWithinMs = this.#options.responseTimeoutMs * SENDINGS;
    yield {
      kind: 'scan',
      monotonicUs: this.#nowUs(),
      ...label,
      ...(isResent && { resentWithinMs }),
      acknowledge,
    };
  }

  /**
   * A scan without its identifier: the command for it was lost, or taken for answered by a late answer to the one before, while the reader was
   * busy with scans; or the reader was without power in between.
   */
  #setUpAgain(): void {
    const { configure, aimIdentifiers } = this.#options;
    const nowUs = this.#nowUs();
    if (!configure || !aimIdentifiers || !this.#knowsAim || this.#setUps >= SET_UPS) return;
    if (!this.#commands.isEmpty || nowUs - this.#setUpUs < SET_UP_AGAIN_US) return;
    this.#setUpUs = nowUs;
    this.#setUps++;
    this.#commands.add(setupCommands(this.#options));
  }

  #answer(answer: Answer): void {
    if (answer === 'late') return;
    this.#send(answer === 'accepted' ? ssiAck() : ssiNak(SSI_NAK_DENIED));
    if (answer === 'accepted') this.#feedback.safe();
    else this.#feedback.refused();
  }

  *#commandEnded({ command, outcome }: CommandOutcome): Iterable<Reading> {
    const { path, baudRate } = this.#options;
    // A reader that scans but does not answer knows fewer commands than the guide.
    const isThere = this.#heardScan || outcome === 'refused';
    if (outcome === 'silent' && !isThere) {
      throw new DriverError({
        code: 'device-silent',
        message:
          `${path}: the reader does not answer (${command.name}): check power and cable, the baud rate (${baudRate} is configured), ` +
          'and that the reader is set to SSI',
      });
    }
    if (outcome === 'refused' && command === PACKETS) {
      throw new DriverError({
        code: 'reader-refused',
        message: `${path}: the reader refuses to send scans in packets, so they cannot be acknowledged: use the driver 'serial-barcode' for it`,
      });
    }
    if (outcome === 'refused' && command.name === AIM_IDENTIFIERS) this.#knowsAim = false;
    if (outcome !== 'done') this.#refusedSettings.push(command.name);
    if (!this.#commands.isEmpty || this.#refusedSettings.length === 0) return;
    const names = this.#refusedSettings.splice(0).join(', ');
    yield* this.#say('reader-config-refused', `the reader does not know: ${names}`);
  }

  *#say(code: string, message: string): Iterable<Reading> {
    const monotonicUs = this.#nowUs();
    if (this.#said.admit(code, monotonicUs) !== undefined) yield { kind: 'status', code, message, monotonicUs };
  }

  /** Told to stop: a scan that is about to reach the disk still gets its answer. */
  #settled(): Promise<void> {
    return new Promise((resolve) => {
      const cancel = this.#context.clock.after(GOODBYE_MS, resolve);
      this.#open.whenSettled(() => {
        cancel();
        resolve();
      });
    });
  }

  /** A port that is lost says so to whoever reads it. */
  #send(bytes: Uint8Array): void {
    this.#context.transport.write(bytes).catch(() => {});
  }

  #nowUs(): number {
    return this.#context.clock.monotonicUs();
  }
}

/** Undefined for data that its opcode does not allow. */
function interpret(packet: SsiPacket): SsiMessage | undefined {
  try {
    return interpretSsi(packet);
  } catch (error) {
    if (isCodecError(error)) return undefined;
    throw error;
  }
}
