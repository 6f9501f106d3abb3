/**
 * `milepost sim run` and `milepost sim list` as plain functions; the command line wires them.
 *
 * Standard output: for people a line per device and per observation, with `--json` one JSON object per line
 * (`{"event":"started"|"observed"|"command"|"finished",…}`). Commands come from standard input, one per line
 * (command-line.ts), and from a control socket; the end of standard input is not the end of the run. Exit codes: 0 done, 1
 * scenario or options are bad.
 */
import { existsSync, readdirSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { type Clock, sleep } from '../protocols/base/clock.ts';
import type { Log } from '../protocols/base/log.ts';
import { type Control, openControl, tell } from './control.ts';
import { DEVICE_KINDS, isDeviceKind } from './devices.ts';
import { edgeConfigs } from './edge-config.ts';
import { FAULTS } from './faults.ts';
import { type Answer, obey } from './obey.ts';
import { type RunningDevice, type RunningScenario, runScenario } from './run.ts';
import { loadScenario, type Scenario } from './scenario.ts';
import { type LedgerEntry, SimulatorError } from './simulator.ts';
import { commandsOf, type SingleDeviceOptions, singleDeviceScenario } from './single-device.ts';
import type { WorldTime } from './world-clock.ts';

/** What surrounds a command; the composition root brings it. */
export interface SimEnvironment {
  clock: Clock;
  log: Log;
  /** Commands; nothing is read without it. */
  input?: NodeJS.ReadableStream;
  print(line: string): void;
  printError(line: string): void;
  /** Ends the run. */
  signal: AbortSignal;
}

export interface SimRunArgs extends SingleDeviceOptions {
  /** Name of a scenario of ours, a YAML file, or a device kind. */
  scenario: string;
  seed?: string;
  /** Where links of serial devices appear; DEFAULT_RUN_DIR unless told. */
  runDir?: string;
  /** Faults from the start, on every device: `noise`, or `noise=0.2` for one frame in five. */
  faults?: readonly string[];
  /** Ends by itself after so long, of the machine's time. A scenario with a duration ends by itself as well. */
  forMs?: number;
  /** So many times as fast as the machine's clock. */
  speed?: number;
  /** Wall time at the start of the simulated world, ISO 8601; now unless told. */
  start?: string;
  /** Path of a control socket. */
  control?: string;
  /** Where the gateways' configuration is written. */
  writeConfig?: string;
  /** The hub in it. */
  hub?: string;
  json?: boolean;
}

export interface SimListArgs {
  json?: boolean;
}

const SPEED_MAX = 100;
const DEFAULT_HUB = 'mqtt://127.0.0.1:1883';
const DEFAULT_RUN_DIR = join(tmpdir(), 'milepost-sim');

export async function simRun(args: SimRunArgs, environment: SimEnvironment): Promise<number> {
  const { clock, log, print, printError, signal } = environment;
  let scenario: Scenario;
  let running: RunningScenario;
  try {
    const onEntry = (entry: LedgerEntry) => print(args.json ? json('observed', entry) : observed(entry));
    const runDir = args.runDir ?? DEFAULT_RUN_DIR;
    const world = worldTime(args);
    scenario = await findScenario(args);
    running = await runScenario({ scenario, seed: args.seed ?? 'milepost', clock, log, runDir, onEntry, ...world });
  } catch (error) {
    return refuse(error, args.json === true, environment);
  }
  const reader = environment.input && createInterface({ input: environment.input });
  let control: Control | undefined;
  try {
    // One after the other: `unplug` and `replug` mean nothing the other way round.
    let obeying: Promise<unknown> = Promise.resolve();
    const inTurn = (line: string): Promise<Answer | undefined> => {
      const done = obeying.then(() => obey(running, line));
      obeying = done.catch(() => {});
      return done;
    };
    if (args.control !== undefined) control = await openControl(args.control, inTurn);
    for (const fault of args.faults ?? []) await startFault(running, fault);
    announce(running, args, await writeConfigs(scenario, running, args), print);
    reader?.on('line', (line) => {
      inTurn(line)
        .then((answer) => answer && sayAnswer(answer, args, environment))
        .catch((error: unknown) => printError(messageOf(error)));
    });
    await ended(clock, signal, args.forMs ?? durationMs(scenario, args));
    const ledger = await running.finish();
    const { inFlight, completed } = running.packages;
    const summary = { emitted: ledger.observations().length + ledger.forgotten, completed, inFlight };
    print(args.json ? json('finished', summary) : `${summary.emitted} observations, ${completed} packages completed`);
    return 0;
  } catch (error) {
    return refuse(error, args.json === true, environment);
  } finally {
    reader?.close();
    await control?.close();
    await running.stop();
  }
}

export async function simList(args: SimListArgs, environment: Pick<SimEnvironment, 'print'>): Promise<number> {
  const folder = scenarioFolder();
  const scenarios = await Promise.all(scenarioNames().map((name) => loadScenario(join(folder, `${name}.yaml`))));
  const devices = Object.entries(DEVICE_KINDS).map(([kind, { summary }]) => {
    return { kind, summary, commands: isDeviceKind(kind) ? commandsOf(kind) : [] };
  });
  if (args.json) {
    const listed = scenarios.map(({ name, description, devices: parts }) => {
      return { name, description, devices: parts.map(({ id, kind, gateway }) => ({ id, kind, gateway })) };
    });
    environment.print(JSON.stringify({ scenarios: listed, devices }));
    return 0;
  }
  environment.print('Scenarios');
  for (const { name, description } of scenarios) environment.print(`  ${name.padEnd(20)} ${description}`);
  environment.print('Devices');
  for (const { kind, summary, commands } of devices) {
    environment.print(`  ${kind.padEnd(20)} ${summary}`);
    environment.print(`  ${''.padEnd(20)} commands: ${commands.join(' ')}`);
  }
  return 0;
}

/** A scenario by name, by file, or of one device. @throws SimulatorError */
export async function findScenario(args: Pick<SimRunArgs, 'scenario' | keyof SingleDeviceOptions>): Promise<Scenario> {
  const { scenario, path, port, rate } = args;
  const single = {
    ...(path !== undefined && { path }),
    ...(port !== undefined && { port }),
    ...(rate !== undefined && { rate }),
  };
  if (isDeviceKind(scenario)) return singleDeviceScenario(scenario, single);
  if (Object.keys(single).length > 0) {
    throw new SimulatorError({
      code: 'sim-scenario-invalid',
      message: '--path, --port and --rate are for a single device; a scenario says them itself',
    });
  }
  if (scenarioNames().includes(scenario)) return loadScenario(join(scenarioFolder(), `${scenario}.yaml`));
  if (existsSync(scenario)) return loadScenario(scenario);
  const known = [...scenarioNames(), ...Object.keys(DEVICE_KINDS)].join(', ');
  throw new SimulatorError({
    code: 'sim-scenario-unknown',
    message: `'${scenario}' is no scenario, no device and no file; known are ${known}`,
  });
}

async function startFault(running: RunningScenario, fault: string): Promise<void> {
  const [name = '', probability] = fault.split('=');
  if (!(FAULTS as readonly string[]).includes(name)) {
    throw new SimulatorError({ code: 'sim-command-invalid', message: `'${name}' is no fault: ${FAULTS.join(', ')}` });
  }
  for (const { id } of running.devices)
    await running.command(id, name, probability === undefined ? {} : { probability });
}

/** `milepost sim tell`: one command for a scenario that runs with a control socket. */
export async function simTell(
  args: { control: string; words: readonly string[]; json?: boolean },
  environment: Pick<SimEnvironment, 'print' | 'printError'>,
): Promise<number> {
  try {
    const answer = (await tell(args.control, args.words.join(' '))) as unknown as Answer;
    if (args.json) environment.print(JSON.stringify(answer));
    else sayAnswer(answer, args, environment);
    return answer.ok ? 0 : 1;
  } catch (error) {
    return refuse(error, args.json === true, environment);
  }
}

function sayAnswer(
  answer: Answer,
  args: { json?: boolean },
  { print, printError }: Pick<SimEnvironment, 'print' | 'printError'>,
): void {
  const { ok, line, error, devices } = answer;
  if (args.json) print(json('command', { ...answer }));
  else if (devices) for (const device of devices) print(deviceLine(device));
  else if (ok) print(`done: ${line}`);
  else if (error) printError(`${error.code}: ${error.message}`);
}

function worldTime({ speed, start }: SimRunArgs): WorldTime {
  const startMs = start === undefined ? undefined : Date.parse(start);
  if (speed !== undefined && !(speed > 0 && speed <= SPEED_MAX)) {
    throw invalid(`speed ${speed}: above 0, at most ${SPEED_MAX}`);
  }
  if (startMs !== undefined && !Number.isFinite(startMs)) {
    throw invalid(`start '${start}': a time such as 2026-11-23T06:00:00Z was expected`);
  }
  return { speed, startMs };
}

function durationMs({ durationS }: Scenario, { speed = 1 }: SimRunArgs): number | undefined {
  return durationS === undefined ? undefined : (durationS * 1000) / speed;
}

async function writeConfigs(scenario: Scenario, running: RunningScenario, args: SimRunArgs): Promise<string[]> {
  const { writeConfig: file, hub = DEFAULT_HUB } = args;
  if (file === undefined) return [];
  const configs = edgeConfigs({ scenario, devices: running.devices, file, hubUrl: hub });
  try {
    await mkdir(dirname(file), { recursive: true });
    for (const config of configs) await writeFile(config.file, config.text);
  } catch (cause) {
    throw invalid(`${file} cannot be written: ${messageOf(cause)}`);
  }
  return configs.map((config) => config.file);
}

function invalid(message: string): SimulatorError {
  return new SimulatorError({ code: 'sim-scenario-invalid', message });
}

function announce(
  running: RunningScenario,
  args: SimRunArgs,
  configs: readonly string[],
  print: (line: string) => void,
): void {
  if (args.json) {
    print(json('started', { devices: running.devices, ...(configs.length > 0 && { configs }) }));
    return;
  }
  for (const device of running.devices) print(deviceLine(device));
  for (const file of configs) print(`Gateway: milepost edge run --config ${file}`);
  if (configs.length === 0) print('With --write-config FILE a gateway can be started on these devices.');
  if (args.control !== undefined) print(`Commands: milepost sim tell --control ${args.control} COMMAND DEVICE …`);
  print('Commands: COMMAND DEVICE [name=value …], for example: unplug DEVICE 5s. Ctrl-C ends.');
}

function deviceLine({ id, kind, address, otherAddresses }: RunningDevice): string {
  return `${id.padEnd(24)} ${kind.padEnd(20)} ${[address, ...otherAddresses].join('  ')}`;
}

function observed(entry: LedgerEntry): string {
  const what =
    entry.text ??
    entry.epcHex ??
    Object.entries(entry.detail ?? {})
      .map((pair) => pair.join('='))
      .join(' ');
  const notes = [entry.readPoint, entry.damage && `damaged: ${entry.damage}`, entry.duplicate && 'again'];
  const time = new Date(entry.atMs).toISOString();
  return [time, entry.simulator.padEnd(24), entry.kind.padEnd(9), what, ...notes.filter(Boolean)].join(' ');
}

async function ended(clock: Clock, signal: AbortSignal, forMs: number | undefined): Promise<void> {
  if (forMs !== undefined) return sleep(clock, forMs, signal);
  if (signal.aborted) return;
  await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}

function refuse(error: unknown, asJson: boolean, environment: Pick<SimEnvironment, 'print' | 'printError'>): number {
  if (!(error instanceof SimulatorError)) throw error;
  const { code, message } = error;
  if (asJson) environment.print(JSON.stringify({ error: { code, message } }));
  else environment.printError(`${code}: ${message}`);
  return 1;
}

function json(event: string, fields: object): string {
  return JSON.stringify({ event, ...fields });
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

export function scenarioNames(): string[] {
  return readdirSync(scenarioFolder())
    .filter((file) => file.endsWith('.yaml'))
    .map((file) => basename(file, '.yaml'))
    .sort();
}

/** Beside this file in the sources; at the package's root when this is compiled below dist/. */
export function scenarioFolder(): string {
  const beside = fileURLToPath(new URL('./scenarios', import.meta.url));
  return existsSync(beside) ? beside : fileURLToPath(new URL('../../simulators/scenarios', import.meta.url));
}
