/**
 * Frames over a transport, with time limits: what drivers share whose device has frames, answers to requests, and frames that it sends
 * unasked.
 *
 * Invariants:
 *  - frames come out in the order they arrived; what arrives while `ask` waits for its answer is kept for `next`;
 *  - at most ASIDE_MAX frames are kept: beyond that the oldest goes, and is counted in `dropped`;
 *  - the framer's counts are in the context's `stats` after each chunk;
 *  - once the line was quiet for `quietMs` the framer is told so, and a torn frame holds nothing up any more.
 */
import type { Clock } from '../../protocols/base/clock.ts';
import type { Framer, FramerStats } from '../../protocols/base/framer.ts';
import { ChunkReader, type ReadOutcome } from './chunk-reader.ts';
import type { Transport } from './transport.ts';

const ASIDE_MAX = 512;

export interface LinkContext {
  transport: Transport;
  clock: Clock;
  signal: AbortSignal;
  stats: FramerStats;
}

/** `over`: the driver was told to stop, or the other side ended in order. */
export type NoFrame = 'timeout' | 'over';

export interface Question<Frame extends object> {
  request: Uint8Array;
  timeoutMs: number;
  isAnswer(frame: Frame): boolean;
}

export class FrameLink<Frame extends object> {
  /** Frames given up because nobody took them. */
  dropped = 0;
  readonly #context: LinkContext;
  readonly #framer: Framer<Frame>;
  readonly #quietMs: number | undefined;
  readonly #reader: ChunkReader;
  /** Arrived, and not yet given out. */
  #frames: Frame[] = [];
  #aside: Frame[] = [];
  #quiet = true;
  #refusedBytes = 0;

  /** @param options `quietMs` undefined: silence means nothing in this framing. */
  constructor(context: LinkContext, framer: Framer<Frame>, options: { quietMs?: number } = {}) {
    this.#context = context;
    this.#framer = framer;
    this.#quietMs = options.quietMs;
    this.#reader = new ChunkReader(context);
  }

  /** @throws TransportError when the port is lost. */
  next(timeoutMs: number): Promise<Frame | NoFrame> {
    const kept = this.#aside.shift();
    return kept === undefined ? this.#arriving(timeoutMs, (ms) => this.#reader.read(ms)) : Promise.resolve(kept);
  }

  /** Sends, and waits for the frame that answers. @throws TransportError when the port is lost. */
  async ask(question: Question<Frame>): Promise<Frame | NoFrame> {
    return await this.#exchange(question, (ms) => this.#reader.read(ms));
  }

  /** As `ask`, although the signal is aborted: for a goodbye. */
  async askAfterStop(question: Question<Frame>): Promise<Frame | NoFrame> {
    return await this.#exchange(question, (ms) => this.#reader.readAfterStop(ms));
  }

  async send(bytes: Uint8Array): Promise<void> {
    await this.#context.transport.write(bytes);
  }

  /** Waits for so long; what arrives meanwhile is kept. */
  async rest(ms: number): Promise<'rested' | 'over'> {
    const untilUs = this.#nowUs() + ms * 1000;
    for (;;) {
      const frame = await this.#arriving(this.#leftMs(untilUs), (left) => this.#reader.read(left));
      if (frame === 'over') return 'over';
      if (frame === 'timeout') return 'rested';
      this.#keep(frame);
    }
  }

  /** What arrived while an answer was awaited, and was none. */
  takeKept(): Frame[] {
    const kept = this.#aside;
    this.#aside = [];
    return kept;
  }

  /** Forgets what has arrived: it belongs to a time before a reset of the device. */
  forget(): void {
    this.#aside = [];
    this.#frames = [];
  }

  /** A frame was whole, but what it says makes no sense: its bytes count as discarded. */
  refuse(bytes: number): void {
    this.#refusedBytes += bytes;
    this.#count();
  }

  async #exchange(
    { request, timeoutMs, isAnswer }: Question<Frame>,
    read: (ms: number) => Promise<ReadOutcome>,
  ): Promise<Frame | NoFrame> {
    await this.#context.transport.write(request);
    const deadlineUs = this.#nowUs() + timeoutMs * 1000;
    for (;;) {
      const frame = await this.#arriving(this.#leftMs(deadlineUs), read);
      if (frame === 'timeout' || frame === 'over' || isAnswer(frame)) return frame;
      this.#keep(frame);
      // A device that talks without end must not hold up the time limit.
      if (this.#nowUs() > deadlineUs) return 'timeout';
    }
  }

  async #arriving(timeoutMs: number, read: (ms: number) => Promise<ReadOutcome>): Promise<Frame | NoFrame> {
    const deadlineUs = this.#nowUs() + timeoutMs * 1000;
    for (;;) {
      const frame = this.#frames.shift();
      if (frame !== undefined) return frame;
      const leftMs = this.#leftMs(deadlineUs);
      const awaitsQuiet = this.#quietMs !== undefined && !this.#quiet && this.#quietMs <= leftMs;
      const chunk = await read(awaitsQuiet ? (this.#quietMs ?? leftMs) : leftMs);
      if (chunk === 'end' || chunk === 'stopped') return 'over';
      if (chunk !== 'timeout') {
        this.#frames = this.#framer.push(chunk);
        this.#quiet = false;
      } else if (awaitsQuiet) {
        this.#frames = this.#framer.idle();
        this.#quiet = true;
      } else {
        return 'timeout';
      }
      this.#count();
    }
  }

  #keep(frame: Frame): void {
    this.#aside.push(frame);
    if (this.#aside.length <= ASIDE_MAX) return;
    this.#aside.shift();
    this.dropped++;
  }

  #count(): void {
    const { stats } = this.#framer;
    Object.assign(this.#context.stats, stats, { discardedBytes: stats.discardedBytes + this.#refusedBytes });
  }

  #nowUs(): number {
    return this.#context.clock.monotonicUs();
  }

  #leftMs(untilUs: number): number {
    return Math.max(0, (untilUs - this.#nowUs()) / 1000);
  }
}
