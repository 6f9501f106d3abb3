/**
 * One request, one answer, over a `files` transport.
 *
 * A request that was not answered in time is still under way in the kernel: its answer comes some day and is dropped, and nothing else is asked
 * before (the transport answers in order).
 */
import { LineFramer } from '../../../protocols/barcode/line-framer.ts';
import type { DriverContext } from '../../driver.ts';
import { ChunkReader } from '../../transport/chunk-reader.ts';
import type { FileAnswer, FileRequest } from '../../transport/transport.ts';

const LONGEST_ANSWER = 256 * 1024;

export type FileOutcome = FileAnswer | 'late' | 'over';

export class FileLink {
  readonly #context: DriverContext;
  readonly #reader: ChunkReader;
  readonly #framer = new LineFramer({ suffixes: ['lf'], maxLength: LONGEST_ANSWER });
  readonly #answers: FileAnswer[] = [];
  #overdue = 0;
  #undecodedBytes = 0;
  #checksumErrors = 0;

  constructor(context: DriverContext) {
    this.#context = context;
    this.#reader = new ChunkReader(context);
  }

  async ask(request: FileRequest, timeoutMs: number): Promise<FileOutcome> {
    const { clock, transport } = this.#context;
    const untilUs = clock.monotonicUs() + timeoutMs * 1000;
    if (this.#overdue === 0) await transport.write(Buffer.from(JSON.stringify(request)));
    const isRepeat = this.#overdue > 0;
    for (;;) {
      const answer = this.#answers.shift();
      if (answer && this.#overdue === 0) return answer;
      if (answer) {
        this.#overdue--;
        // What was late belongs to another question: ask this one now.
        return isRepeat ? await this.ask(request, Math.max(0, (untilUs - clock.monotonicUs()) / 1000)) : 'late';
      }
      const chunk = await this.#reader.read(Math.max(0, (untilUs - clock.monotonicUs()) / 1000));
      if (chunk === 'end' || chunk === 'stopped') return 'over';
      if (chunk === 'timeout') {
        if (!isRepeat) this.#overdue++;
        return 'late';
      }
      this.#take(chunk);
    }
  }

  /** Waits, and notices an end of the port meanwhile. */
  rest(ms: number): Promise<'rested' | 'over'> {
    return this.#reader.rest(ms, (chunk) => this.#take(chunk));
  }

  /** A file came whose checksum is wrong. */
  countChecksumError(): void {
    this.#context.stats.checksumErrors = ++this.#checksumErrors;
  }

  #take(chunk: Uint8Array): void {
    for (const line of this.#framer.push(chunk)) {
      const answer = parseAnswer(line.toString('utf8'));
      if (answer) this.#answers.push(answer);
      else this.#undecodedBytes += line.length;
    }
    const { stats } = this.#framer;
    Object.assign(this.#context.stats, stats, {
      discardedBytes: stats.discardedBytes + this.#undecodedBytes,
      checksumErrors: this.#checksumErrors,
    });
  }
}

function parseAnswer(line: string): FileAnswer | undefined {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return undefined;
  }
  if (typeof value !== 'object' || value === null) return undefined;
  const { names, read, text, wrote, error, path } = value as Partial<Record<string, unknown>>;
  if (Array.isArray(names)) return { names: names.filter((name) => typeof name === 'string') };
  if (typeof read === 'string' && typeof text === 'string') return { read, text };
  if (typeof wrote === 'string') return { wrote };
  if (typeof error === 'string') return { error, path: typeof path === 'string' ? path : '' };
  return undefined;
}
