/**
 * A Honeywell bar code scanner in framed mode (decode header): each scan comes with its length and its exact symbology, so neither control
 * characters nor two scans that touch can be mistaken.
 *
 * The scanner has no acknowledgement; with `safeBeep` it is silent by itself and is told to beep when the scan is on disk.
 * Settings are asked for again when the scanner may have lost them: when bytes come that are no frame, and when it was silent for long.
 * Source: Honeywell Xenon 1900 User Guide, chapter 11 (serial programming commands), as protocols/honeywell.
 */
import { scanText } from '../../../protocols/barcode/aim.ts';
import { HoneywellFramer, type HoneywellMessage, honeywellCommand } from '../../../protocols/honeywell/index.ts';
import { type Driver, type DriverContext, DriverError, type Reading } from '../../driver.ts';
import { FaultLog } from '../../transport/fault-log.ts';
import { FrameLink } from '../../transport/frame-link.ts';
import { serialTransport } from '../../transport/options.ts';
import { type HoneywellOptions, optionsSchema } from './options.ts';

const FRAMED_MODE = 'DECHDR1';
const NO_BEEP = 'BEPBEP0';
/** A frame comes in one go: after so long it has lost its end. */
const QUIET_MS = 200;
const TRIES = 3;
const IDLE_MS = 5_000;
/** Framed mode is asked for again at most so often. */
const REPAIR_US = 10_000_000;

export const driver: Driver<HoneywellOptions> = {
  kind: 'honeywell',
  summary: 'Honeywell bar code scanner in framed mode: text with its exact symbology',
  options: optionsSchema,
  silentByNature: true,
  transport: serialTransport,
  run: (context, options) => new HoneywellScanner(context, options).run(),
};

type Answer = 'accepted' | 'refused' | 'silent' | 'over';

class HoneywellScanner {
  readonly #context: DriverContext;
  readonly #options: HoneywellOptions;
  readonly #link: FrameLink<HoneywellMessage>;
  readonly #said = new FaultLog();
  #heardUs: number;
  #triggeredUs = Number.NEGATIVE_INFINITY;
  #repairedUs = Number.NEGATIVE_INFINITY;
  #discarded = 0;

  constructor(context: DriverContext, options: HoneywellOptions) {
    this.#context = context;
    this.#options = options;
    this.#link = new FrameLink(context, new HoneywellFramer(), { quietMs: QUIET_MS });
    this.#heardUs = this.#nowUs();
  }

  async *run(): AsyncIterable<Reading> {
    const { configure, checkMs, triggerEveryMs } = this.#options;
    let isOver = configure && (yield* this.#setUp());
    while (!isOver) {
      await this.#trigger();
      const message = await this.#link.next(Math.min(IDLE_MS, triggerEveryMs ?? IDLE_MS));
      if (message === 'over') break;
      if (message !== 'timeout') yield* this.#message(message);
      const isDoubtful =
        this.#context.stats.discardedBytes > this.#discarded && this.#nowUs() - this.#repairedUs >= REPAIR_US;
      const isSilent = checkMs > 0 && this.#nowUs() - this.#heardUs >= checkMs * 1000;
      if (configure && (isDoubtful || isSilent)) isOver = yield* this.#setUp();
    }
    if (triggerEveryMs !== undefined) await this.#link.send(honeywellCommand.triggerOff()).catch(() => {});
  }

  /** True when the connection is over. @throws DriverError for a scanner that is silent or has no framed mode. */
  async *#setUp(): AsyncGenerator<Reading, boolean> {
    const { menu, safeBeep, path, baudRate } = this.#options;
    this.#repairedUs = this.#nowUs();
    const refused: string[] = [];
    for (const command of [FRAMED_MODE, ...(safeBeep ? [NO_BEEP] : []), ...menu]) {
      const answer = await this.#tell(command);
      if (answer === 'over') return true;
      if (answer === 'accepted') continue;
      if (answer === 'silent' && this.#context.stats.frames === 0) {
        throw new DriverError({
          code: 'device-silent',
          message: `${path}: the scanner does not answer (${command}): check power and cable, and the baud rate (${baudRate} is configured)`,
        });
      }
      if (answer === 'refused' && command === FRAMED_MODE) {
        throw new DriverError({
          code: 'reader-refused',
          message: `${path}: the scanner has no framed mode (${command}): use the driver 'serial-barcode' for it`,
        });
      }
      refused.push(command);
    }
    this.#discarded = this.#context.stats.discardedBytes;
    this.#heardUs = this.#nowUs();
    if (refused.length > 0)
      yield* this.#say('reader-config-refused', `the scanner does not know: ${refused.join(', ')}`);
    return false;
  }

  async #tell(command: string): Promise<Answer> {
    const request = honeywellCommand.menu(command, { store: this.#options.store });
    const isAnswer = (message: HoneywellMessage) =>
      message.kind === 'menu-reply' && message.replies.some((reply) => reply.command.toUpperCase().endsWith(command));
    for (let tries = 0; tries < TRIES; tries++) {
      const message = await this.#link.ask({ request, timeoutMs: this.#options.answerTimeoutMs, isAnswer });
      if (message === 'over') return 'over';
      if (message === 'timeout' || message.kind !== 'menu-reply') continue;
      return message.replies.every(({ result }) => result === 'accepted') ? 'accepted' : 'refused';
    }
    return 'silent';
  }

  *#message(message: HoneywellMessage): Iterable<Reading> {
    this.#heardUs = this.#nowUs();
    if (message.kind !== 'scan') return;
    this.#triggeredUs = Number.NEGATIVE_INFINITY;
    const text = scanText(message.data);
    if (text === '') return;
    const { aim } = message;
    const acknowledge = (accepted: boolean) => {
      if (accepted) this.#link.send(honeywellCommand.beep()).catch(() => {});
    };
    yield { kind: 'scan', monotonicUs: this.#heardUs, text, aim, ...(this.#options.safeBeep && { acknowledge }) };
  }

  async #trigger(): Promise<void> {
    const { triggerEveryMs } = this.#options;
    if (triggerEveryMs === undefined || this.#nowUs() - this.#triggeredUs < triggerEveryMs * 1000) return;
    this.#triggeredUs = this.#nowUs();
    await this.#link.send(honeywellCommand.triggerOn());
  }

  *#say(code: string, message: string): Iterable<Reading> {
    const monotonicUs = this.#nowUs();
    if (this.#said.admit(code, monotonicUs) !== undefined) yield { kind: 'status', code, message, monotonicUs };
  }

  #nowUs(): number {
    return this.#context.clock.monotonicUs();
  }
}
