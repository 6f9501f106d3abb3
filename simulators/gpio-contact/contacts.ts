/**
 * Door contacts on the GPIO lines of a box, behind stand-ins of libgpiod's tools: a folder with `gpiomon`, `gpioget` and `gpiodetect`, of version
 * 1.6 or 2.x. Put the folder into the driver's `programFolder`, or ahead in the search path.
 *
 * A line is high while its door is open (contact to ground, pull-up), or the other way round with `openIsHigh: false`. A line belongs to one
 * program at a time, as with the kernel.
 *
 * Commands: `open [input=…] [forS=…]`, `close [input=…]` (inputs count from 1), `bounce [input=…] [edges=…]` (a contact that chatters and ends
 * where it was), `miss [input=…]` (the door moves and no edge is told), `unplug` and `replug` (the chip), the faults on gpiomon's lines, and
 * `chatter`.
 */
import { z } from 'zod';
import { Faults, numberArg, sendThroughFaults } from '../faults.ts';
import { flipByte, unknownCommand } from '../serial-port.ts';
import {
  type CommandArgs,
  opened,
  placeOf,
  type RunningSimulator,
  type Simulator,
  type SimulatorContext,
  SimulatorError,
  wallMs,
} from '../simulator.ts';
import { type Invocation, openPrograms, type Programs } from './programs.ts';
import { type Chip, edgeLine, runTool } from './tools.ts';

const CHATTER_BYTES_MAX = 64;

export const gpioContactOptions = z.strictObject({
  path: z.string().min(1).optional(),
  version: z.enum(['1.6.3', '2.1.2']).default('1.6.3'),
  chip: z.string().default('gpiochip0'),
  /** Line of the first input; the others follow. */
  firstLine: z.int().min(0).max(1_000).default(17),
  inputs: z.int().min(1).max(32).default(4),
  openIsHigh: z.boolean().default(true),
});
export type GpioContactOptions = z.infer<typeof gpioContactOptions>;

export const GPIO_CONTACT_KIND = 'gpio-contact';

export function gpioContact(id: string, options: GpioContactOptions): Simulator {
  return {
    kind: GPIO_CONTACT_KIND,
    id,
    start: (context) => opened(new Contacts({ id, options, context })),
  };
}

interface Parts {
  id: string;
  options: GpioContactOptions;
  context: SimulatorContext;
}

class Contacts implements RunningSimulator {
  readonly kind = GPIO_CONTACT_KIND;
  readonly id: string;
  readonly #parts: Parts;
  readonly #faults: Faults;
  readonly #folder: string;
  readonly #open = new Set<number>();
  readonly #watches = new Map<Invocation, readonly number[]>();
  readonly #closing = new Map<number, () => void>();
  #programs: Programs | undefined;
  #present = true;

  constructor(parts: Parts) {
    this.id = parts.id;
    this.#parts = parts;
    this.#faults = new Faults(parts.context.random.fork('faults'));
    this.#folder = placeOf(parts.context, parts.options.path ?? parts.id);
  }

  async open(): Promise<void> {
    this.#programs = await openPrograms(this.#folder, (run) => this.#run(run));
  }

  get address(): string {
    return this.#folder;
  }

  async command(name: string, args: CommandArgs = {}): Promise<void> {
    switch (name) {
      case 'open':
      case 'close':
        return this.#move(name, args);
      case 'bounce':
        return this.#bounce(args);
      case 'miss': {
        const input = this.#input(name, args);
        return this.#set(input, !this.#open.has(input), 'untold');
      }
      case 'unplug':
        return this.#unplug();
      case 'replug':
        this.#present = true;
        return;
      case 'chatter': {
        const random = this.#parts.context.random.fork(`chatter ${this.#parts.context.clock.monotonicUs()}`);
        for (const watch of this.#watches.keys()) void watch.print(random.bytes(random.integer(1, CHATTER_BYTES_MAX)));
        return;
      }
      default:
        if (!this.#faults.command(name, args)) throw unknownCommand(this.id, name);
    }
  }

  async stop(): Promise<void> {
    for (const cancel of this.#closing.values()) cancel();
    await this.#programs?.close();
  }

  #run(run: Invocation): void {
    const answer = runTool(run.tool, run.args, this.#chip);
    if ('complaint' in answer) {
      run.end(answer.exit, answer.complaint);
      return;
    }
    for (const line of answer.output) void run.print(Buffer.from(`${line}\n`));
    if (!('watch' in answer)) {
      run.end(answer.exit);
      return;
    }
    this.#watches.set(run, answer.watch);
    run.onGone(() => this.#watches.delete(run));
  }

  get #chip(): Chip {
    const { version, chip, firstLine, inputs, openIsHigh } = this.#parts.options;
    return {
      version,
      name: chip,
      lines: Math.max(54, firstLine + inputs),
      present: this.#present,
      isHigh: (offset) => this.#open.has(offset - firstLine + 1) === openIsHigh,
      isWatched: (offset) => [...this.#watches.values()].some((offsets) => offsets.includes(offset)),
    };
  }

  #move(name: 'open' | 'close', args: CommandArgs): void {
    const input = this.#input(name, args);
    const forS = args.forS === undefined ? undefined : numberArg(args, 'forS', 0);
    if (forS !== undefined && !(forS > 0)) throw invalid(`${name} ${this.id}: forS must be above 0`);
    this.#closing.get(input)?.();
    this.#closing.delete(input);
    this.#set(input, name === 'open', 'told');
    if (name === 'close' || forS === undefined) return;
    const cancel = this.#parts.context.clock.after(forS * 1000, () => {
      this.#closing.delete(input);
      this.#set(input, false, 'told');
    });
    this.#closing.set(input, cancel);
  }

  #bounce(args: CommandArgs): void {
    const input = this.#input('bounce', args);
    const edges = numberArg(args, 'edges', 8);
    if (!(Number.isInteger(edges / 2) && edges >= 2 && edges <= 100)) {
      throw invalid(`bounce ${this.id}: edges is an even number from 2 to 100`);
    }
    const isOpen = this.#open.has(input);
    for (let edge = 1; edge <= edges; edge++) this.#tell(input, edge % 2 === 1 ? !isOpen : isOpen);
  }

  #set(input: number, open: boolean, how: 'told' | 'untold'): void {
    if (this.#open.has(input) === open) return;
    if (open) this.#open.add(input);
    else this.#open.delete(input);
    const { clock, emit } = this.#parts.context;
    emit({
      simulator: this.id,
      kind: 'contact',
      atMs: wallMs(clock),
      detail: { input, state: open ? 'open' : 'closed' },
    });
    if (how === 'told') this.#tell(input, open);
  }

  #tell(input: number, open: boolean): void {
    const { context, options } = this.#parts;
    const offset = options.firstLine + input - 1;
    const atSeconds = context.clock.monotonicUs() / 1e6;
    const line = edgeLine(this.#chip, { offset, high: open === options.openIsHigh, atSeconds });
    for (const [watch, offsets] of this.#watches) {
      if (!offsets.includes(offset)) continue;
      sendThroughFaults(Buffer.from(`${line}\n`), {
        faults: this.#faults,
        clock: context.wireClock,
        write: (bytes) => watch.print(bytes),
        corrupt: (frame) => flipByte(frame, 0),
        terminated: true,
      }).catch((error: unknown) => context.log.error({ simulator: this.id, err: error }, 'an edge could not be told'));
    }
  }

  #unplug(): void {
    this.#present = false;
    for (const watch of this.#watches.keys()) watch.end(1, 'gpiomon: error waiting for events: No such device');
    this.#watches.clear();
  }

  #input(command: string, args: CommandArgs): number {
    const input = numberArg(args, 'input', 1);
    const { inputs } = this.#parts.options;
    if (Number.isInteger(input) && input >= 1 && input <= inputs) return input;
    throw invalid(`${command} ${this.id}: input is 1 to ${inputs}`);
  }
}

function invalid(message: string): SimulatorError {
  return new SimulatorError({ code: 'sim-command-invalid', message });
}
