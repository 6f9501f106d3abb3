/** Programs over a `programs` transport: run one to its end, or follow one. */
import { LineFramer } from '../../../protocols/barcode/line-framer.ts';
import type { DriverContext } from '../../driver.ts';
import { ChunkReader } from '../../transport/chunk-reader.ts';
import type { ProgramEvent, ProgramRequest } from '../../transport/transport.ts';

const LONGEST_EVENT = 16 * 1024;
const MOST_LINES = 16;

export type Followed = ProgramEvent | 'timeout' | 'over';
export type Run = { exit: number | null; lines: string[]; complaint: string } | 'timeout' | 'over';

export class ProgramLink {
  readonly #context: DriverContext;
  readonly #reader: ChunkReader;
  readonly #framer = new LineFramer({ suffixes: ['lf'], maxLength: LONGEST_EVENT });
  readonly #events: ProgramEvent[] = [];
  #runs = 0;
  #undecodedBytes = 0;

  constructor(context: DriverContext) {
    this.#context = context;
    this.#reader = new ChunkReader(context);
  }

  /** Runs a program to its end. Events of others are kept for `next`. */
  async run(program: string, args: readonly string[], timeoutMs: number): Promise<Run> {
    const id = `${program}-${++this.#runs}`;
    const lines: string[] = [];
    const others: ProgramEvent[] = [];
    const untilUs = this.#context.clock.monotonicUs() + timeoutMs * 1000;
    await this.#send({ start: id, program, args });
    try {
      for (;;) {
        const event = await this.next(Math.max(0, (untilUs - this.#context.clock.monotonicUs()) / 1000));
        if (typeof event === 'string') {
          if (event === 'timeout') await this.stop(id);
          return event;
        }
        if (event.id !== id) others.push(event);
        else if ('exit' in event) return { exit: event.exit, lines, complaint: event.complaint };
        else if (lines.length < MOST_LINES) lines.push(event.line);
      }
    } finally {
      this.#events.unshift(...others);
    }
  }

  /** @returns the id under which its events come. */
  async follow(program: string, args: readonly string[]): Promise<string> {
    const id = `${program}-${++this.#runs}`;
    await this.#send({ start: id, program, args });
    return id;
  }

  async stop(id: string): Promise<void> {
    await this.#send({ stop: id });
  }

  async next(timeoutMs: number): Promise<Followed> {
    const untilUs = this.#context.clock.monotonicUs() + timeoutMs * 1000;
    for (;;) {
      const event = this.#events.shift();
      if (event) return event;
      const chunk = await this.#reader.read(Math.max(0, (untilUs - this.#context.clock.monotonicUs()) / 1000));
      if (chunk === 'timeout') return 'timeout';
      if (chunk === 'end' || chunk === 'stopped') return 'over';
      this.#take(chunk);
    }
  }

  /** A line of a program that was not understood. */
  refuse(line: string): void {
    this.#undecodedBytes += line.length;
    this.#count();
  }

  async #send(request: ProgramRequest): Promise<void> {
    await this.#context.transport.write(Buffer.from(JSON.stringify(request)));
  }

  #take(chunk: Uint8Array): void {
    for (const line of this.#framer.push(chunk)) {
      const event = parseEvent(line.toString('utf8'));
      if (event) this.#events.push(event);
      else this.#undecodedBytes += line.length;
    }
    this.#count();
  }

  #count(): void {
    const { stats } = this.#framer;
    const discardedBytes = Math.min(stats.bytes, stats.discardedBytes + this.#undecodedBytes);
    Object.assign(this.#context.stats, stats, { discardedBytes });
  }
}

function parseEvent(text: string): ProgramEvent | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof value !== 'object' || value === null) return undefined;
  const { id, line, exit, complaint } = value as Partial<Record<string, unknown>>;
  if (typeof id !== 'string') return undefined;
  if (typeof line === 'string') return { id, line };
  if (typeof exit !== 'number' && exit !== null) return undefined;
  return { id, exit, complaint: typeof complaint === 'string' ? complaint : '' };
}
