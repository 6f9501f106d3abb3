/**
 * Door contacts on GPIO lines, through libgpiod's tools.
 *
 * A line belongs to one program at a time, so the levels are read first (gpioget) and then watched (gpiomon). An edge between the two is
 * not seen; that is why the levels are read again every `resyncMs`, and after each resync a state that differs is reported like any other. Debounce
 * and states: debounce.ts. The first state of each input is reported too.
 */
import { type Driver, type DriverContext, DriverError, type Reading } from '../../driver.ts';
import { TransportError } from '../../transport/transport.ts';
import { Debounce } from './debounce.ts';
import {
  type GpioTools,
  monitorArguments,
  parseLevels,
  parseMonitorLine,
  readArguments,
  toolsVersion,
} from './gpio-tools.ts';
import { type GpioContactOptions, optionsSchema } from './options.ts';
import { ProgramLink, type Run } from './program-link.ts';

const PROGRAM_TIMEOUT_MS = 5_000;

export const driver: Driver<GpioContactOptions> = {
  kind: 'gpio-contact',
  summary: 'door contacts on GPIO lines, through gpiomon (libgpiod 1.6 and 2.x)',
  options: optionsSchema,
  sensors: ({ inputs }) => inputs.map(({ channel }) => ({ channel, kinds: ['contact'] })),
  transport: ({ chip, programFolder }) => ({
    kind: 'programs',
    programs: ['gpiomon', 'gpioget'],
    install: 'apt-get install gpiod',
    subject: chip,
    ...(programFolder !== undefined && { folder: programFolder }),
  }),
  run,
};

async function* run(context: DriverContext, options: GpioContactOptions): AsyncIterable<Reading> {
  const { clock } = context;
  const link = new ProgramLink(context);
  const lines = { chip: options.chip, offsets: options.inputs.map(({ line }) => line), bias: options.bias };
  const contacts = new Contacts(options);
  const tools = await findTools(link);
  if (tools === 'over') return;
  for (;;) {
    const levels = await readLevels(link, tools, options);
    if (levels === 'over') return;
    yield* contacts.levels(levels, clock.monotonicUs());
    const watch = await link.follow('gpiomon', monitorArguments(tools, lines));
    const resyncUs = clock.monotonicUs() + options.resyncMs * 1000;
    let stopping = false;
    for (;;) {
      const nowUs = clock.monotonicUs();
      yield* contacts.due(nowUs);
      // Until the program has ended it holds the lines; it is given its time to go.
      const untilUs = stopping ? resyncUs + PROGRAM_TIMEOUT_MS * 1000 : Math.min(resyncUs, contacts.dueUs);
      const event = await link.next(Math.max(0, (untilUs - nowUs) / 1000));
      if (event === 'over') return;
      if (event === 'timeout') {
        if (stopping) throw stuckError(options.chip);
        if (clock.monotonicUs() < resyncUs) continue;
        stopping = true;
        await link.stop(watch);
      } else if (event.id !== watch) {
        // The rest of a program that took too long.
      } else if ('exit' in event) {
        if (!stopping) throw programError(options.chip, { ...event, lines: [] });
        break;
      } else {
        const seen = parseMonitorLine(event.line);
        if (seen === undefined) link.refuse(event.line);
        else if (seen !== 'banner') yield* contacts.level(seen.offset, seen.high, clock.monotonicUs());
      }
    }
  }
}

async function findTools(link: ProgramLink): Promise<GpioTools | 'over'> {
  const told = await link.run('gpiomon', ['--version'], PROGRAM_TIMEOUT_MS);
  if (told === 'over') return 'over';
  const first = told === 'timeout' ? '' : (told.lines[0] ?? '');
  const tools = toolsVersion(first);
  if (tools !== undefined) return tools;
  throw new DriverError({
    code: 'gpio-tools-unknown',
    message: `'gpiomon --version' says '${first}': libgpiod 1.5 to 2.x was expected (apt-get install gpiod)`,
  });
}

async function readLevels(
  link: ProgramLink,
  tools: GpioTools,
  options: GpioContactOptions,
): Promise<boolean[] | 'over'> {
  const { chip, inputs, bias } = options;
  const offsets = inputs.map(({ line }) => line);
  const told = await link.run('gpioget', readArguments(tools, { chip, offsets, bias }), PROGRAM_TIMEOUT_MS);
  if (told === 'over') return 'over';
  if (told === 'timeout') throw stuckError(chip);
  const levels = told.exit === 0 ? parseLevels(told.lines[0] ?? '', inputs.length) : undefined;
  if (levels === undefined) throw programError(chip, told);
  return levels;
}

/** The inputs and what is known of them. */
class Contacts {
  readonly #inputs: readonly { line: number; channel: string; openWhenHigh: boolean; debounce: Debounce }[];

  constructor({ inputs, debounceMs }: GpioContactOptions) {
    this.#inputs = inputs.map((input) => ({
      line: input.line,
      channel: input.channel,
      openWhenHigh: input.openWhen === 'high',
      debounce: new Debounce(input.debounceMs ?? debounceMs),
    }));
  }

  /** When the next change will have lasted long enough. */
  get dueUs(): number {
    return Math.min(...this.#inputs.map(({ debounce }) => debounce.dueUs ?? Number.POSITIVE_INFINITY));
  }

  *levels(levels: readonly boolean[], monotonicUs: number): Iterable<Reading> {
    for (const [index, input] of this.#inputs.entries()) {
      yield* this.level(input.line, levels[index] ?? false, monotonicUs);
    }
  }

  *level(line: number, high: boolean, monotonicUs: number): Iterable<Reading> {
    const input = this.#inputs.find((each) => each.line === line);
    if (input === undefined) return;
    const change = input.debounce.level(high === input.openWhenHigh, monotonicUs);
    if (change) yield { kind: 'contact', channel: input.channel, ...change };
  }

  *due(nowUs: number): Iterable<Reading> {
    for (const { channel, debounce } of this.#inputs) {
      const change = debounce.due(nowUs);
      if (change) yield { kind: 'contact', channel, ...change };
    }
  }
}

/** What a tool complained of, in terms of ports. Texts are strerror(3)'s, in English since the tools run with LC_ALL=C. */
function programError(chip: string, told: Exclude<Run, string>): Error {
  const complaint = told.complaint.split('\n')[0] || `exit code ${told.exit}`;
  if (/No such (file|device)|cannot find/i.test(complaint)) {
    const message = `${chip} does not exist (${complaint}): 'gpiodetect' lists the chips of this box`;
    return new TransportError({ code: 'port-missing', message });
  }
  if (/Permission denied|Operation not permitted/i.test(complaint)) {
    const message = `no permission to use ${chip} (${complaint}): add the user that runs Milepost to the group 'gpio', or to that of /dev/${chip}`;
    return new TransportError({ code: 'port-denied', message });
  }
  if (/busy/i.test(complaint)) {
    const message = `a line of ${chip} is in use (${complaint}): 'gpioinfo ${chip}' names who has it`;
    return new TransportError({ code: 'port-busy', message });
  }
  return new DriverError({
    code: 'gpio-tools-failed',
    message: `libgpiod's tools cannot watch ${chip}: ${complaint}: check the offsets against 'gpioinfo ${chip}'`,
  });
}

function stuckError(chip: string): DriverError {
  const message = `${chip}: libgpiod's tools did not end within ${PROGRAM_TIMEOUT_MS} ms`;
  return new DriverError({ code: 'device-silent', message });
}
