/** One line of standard input: `COMMAND DEVICE [name=value …]`, for example `excursion van-thermometer to=12 holdS=30`. */
import { type CommandArgs, SimulatorError } from './simulator.ts';

export interface CommandLine {
  command: string;
  device: string;
  args: CommandArgs;
}

/** Undefined for an empty line or a comment (`#`). @throws SimulatorError `sim-command-invalid` */
export function parseCommandLine(line: string): CommandLine | undefined {
  const [command, device, ...rest] = line.trim().split(/\s+/);
  if (command === undefined || command === '' || command.startsWith('#')) return undefined;
  if (device === undefined) throw invalid(`'${line.trim()}': COMMAND DEVICE [name=value …] was expected`);
  const args: Record<string, string> = {};
  for (const pair of rest) {
    const at = pair.indexOf('=');
    if (at < 1) throw invalid(`'${pair}': name=value was expected`);
    args[pair.slice(0, at)] = pair.slice(at + 1);
  }
  return { command, device, args };
}

function invalid(message: string): SimulatorError {
  return new SimulatorError({ code: 'sim-command-invalid', message });
}
