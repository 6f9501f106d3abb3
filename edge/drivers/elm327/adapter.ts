/**
 * Commands to an ELM327 and its answers, one at a time: a byte sent before the prompt would stop the command under way.
 *
 * After a command without an answer the line must be quiet for QUIET_MS before the next goes out, so that a late answer is not taken for
 * the next one's. What cannot be parsed counts as discarded and as an answer that was none.
 */
import { isCodecError } from '../../../protocols/base/codec-error.ts';
import { type Elm327Answer, Elm327Framer, parseElm327 } from '../../../protocols/elm327/index.ts';
import type { DriverContext } from '../../driver.ts';
import { ChunkReader } from '../../transport/chunk-reader.ts';

const QUIET_MS = 200;
const MAX_NOISE_MS = 2_000;

export type AdapterAnswer = Elm327Answer | { kind: 'unreadable' } | { kind: 'silent' };

export class Adapter {
  readonly #context: DriverContext;
  readonly #reader: ChunkReader;
  readonly #framer = new Elm327Framer();
  #doubtful = true;
  #unreadableBytes = 0;

  constructor(context: DriverContext) {
    this.#context = context;
    this.#reader = new ChunkReader(context);
  }

  /** @param command without its carriage return. @throws TransportError when the port is lost. */
  async ask(command: string, timeoutMs: number): Promise<AdapterAnswer | 'over'> {
    const { clock, transport } = this.#context;
    if (this.#doubtful && (await this.#waitForQuiet()) === 'over') return 'over';
    this.#doubtful = true;
    await transport.write(Buffer.from(`${command}\r`, 'latin1'));
    const deadlineUs = clock.monotonicUs() + timeoutMs * 1000;
    for (;;) {
      const chunk = await this.#reader.read(Math.max(0, (deadlineUs - clock.monotonicUs()) / 1000));
      if (chunk === 'end' || chunk === 'stopped') return 'over';
      if (chunk === 'timeout') {
        this.#framer.idle();
        this.#count();
        return { kind: 'silent' };
      }
      const answer = this.#take(chunk).at(-1);
      if (answer === undefined) continue;
      this.#doubtful = false;
      return this.#parse(answer, command);
    }
  }

  /** Waits, and notices an end of the port meanwhile. */
  rest(ms: number): Promise<'rested' | 'over'> {
    return this.#reader.rest(ms, (chunk) => this.#take(chunk));
  }

  #parse(text: string, command: string): AdapterAnswer {
    try {
      return parseElm327(text, command);
    } catch (error) {
      if (!isCodecError(error)) throw error;
      this.#context.log.debug({ code: error.code, reason: error.message, command }, 'ELM327 answer skipped');
      this.#unreadableBytes += text.length;
      this.#count();
      return { kind: 'unreadable' };
    }
  }

  async #waitForQuiet(): Promise<'quiet' | 'over'> {
    const { clock } = this.#context;
    const untilUs = clock.monotonicUs() + MAX_NOISE_MS * 1000;
    while (clock.monotonicUs() < untilUs) {
      const chunk = await this.#reader.read(QUIET_MS);
      if (chunk === 'end' || chunk === 'stopped') return 'over';
      if (chunk === 'timeout') break;
      this.#take(chunk);
    }
    this.#framer.idle();
    return 'quiet';
  }

  #take(chunk: Uint8Array): string[] {
    const answers = this.#framer.push(chunk);
    this.#count();
    return answers;
  }

  #count(): void {
    const { stats } = this.#framer;
    Object.assign(this.#context.stats, stats, { discardedBytes: stats.discardedBytes + this.#unreadableBytes });
  }
}
