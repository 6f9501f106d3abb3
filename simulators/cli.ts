/**
 * `milepost sim run` and `milepost sim list` as plain functions; the command line wires them.
 *
 * Standard output: for people a line per device and per observation, with `--json` one JSON object per line
 * (`{"event":"started"|"observed"|"command"|"finished",…}`). Commands come from standard input, one per line
 * (command-line.ts); its end is not the end of the run. Exit codes: 0 done, 1 scenario or options are bad.
 */
import { existsSync, readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { type Clock, sleep } from '../protocols/base/clock.ts';
import type { Log } from '../protocols/base/log.ts';
import { parseCommandLine } from './command-line.ts';
import { DEVICE_KINDS, isDeviceKind } from './devices.ts';
import { FAULTS } from './faults.ts';
import { type RunningScenario, runScenario } from './run.ts';
import { loadScenario, type Scenario } from './scenario.ts';
import { type LedgerEntry, SimulatorError } from './simulator.ts';
import { commandsOf, type SingleDeviceOptions, singleDeviceScenario } from './single-device.ts';

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
  /** Ends by itself after so long. */
  forMs?: number;
  json?: boolean;
}

export interface SimListArgs {
  json?: boolean;
}

export const DEFAULT_RUN_DIR = join(tmpdir(), 'milepost-sim');

export async function simRun(args: SimRunArgs, environment: SimEnvironment): Promise<number> {
  const { clock, log, print, printError, signal } = environment;
  let running: RunningScenario;
  try {
    const onEntry = (entry: LedgerEntry) => print(args.json ? json('observed', entry) : observed(entry));
    const runDir = args.runDir ?? DEFAULT_RUN_DIR;
    const scenario = await findScenario(args);
    running = await runScenario({ scenario, seed: args.seed ?? 'milepost', clock, log, runDir, onEntry });
  } catch (error) {
    return refuse(error, args.json === true, environment);
  }
  const reader = environment.input && createInterface({ input: environment.input });
  try {
    for (const fault of args.faults ?? []) await startFault(running, fault);
    announce(running, args, print);
    let obeying = Promise.resolve();
    reader?.on('line', (line) => {
      // One after the other: `unplug` and `replug` mean nothing the other way round.
      obeying = obeying
        .then(() => obey(running, line, args, environment))
        .catch((error: unknown) => printError(messageOf(error)));
    });
    await ended(clock, signal, args.forMs);
    const ledger = await running.finish();
    const { inFlight, completed } = running.packages;
    const summary = { emitted: ledger.observations().length + ledger.forgotten, completed, inFlight };
    print(args.json ? json('finished', summary) : `${summary.emitted} observations, ${completed} packages completed`);
    return 0;
  } catch (error) {
    return refuse(error, args.json === true, environment);
  } finally {
    reader?.close();
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

async function obey(
  running: RunningScenario,
  line: string,
  args: SimRunArgs,
  environment: SimEnvironment,
): Promise<void> {
  try {
    const parsed = parseCommandLine(line);
    if (!parsed) return;
    await running.command(parsed.device, parsed.command, parsed.args);
    environment.print(args.json ? json('command', { ok: true, line: line.trim() }) : `done: ${line.trim()}`);
  } catch (error) {
    if (!(error instanceof SimulatorError)) throw error;
    const { code, message } = error;
    if (args.json) environment.print(json('command', { ok: false, line: line.trim(), error: { code, message } }));
    else environment.printError(`${code}: ${message}`);
  }
}

function announce(running: RunningScenario, args: SimRunArgs, print: (line: string) => void): void {
  if (args.json) {
    print(json('started', { devices: running.devices }));
    return;
  }
  for (const { id, kind, address, otherAddresses } of running.devices) {
    print(`${id.padEnd(24)} ${kind.padEnd(20)} ${[address, ...otherAddresses].join('  ')}`);
  }
  print('Commands: COMMAND DEVICE [name=value …], for example: unplug DEVICE. Ctrl-C ends.');
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

function refuse(error: unknown, asJson: boolean, environment: SimEnvironment): number {
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

function scenarioNames(): string[] {
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
