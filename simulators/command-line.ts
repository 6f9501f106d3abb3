/**
 * One line of standard input or of the control socket:
 *
 *   COMMAND DEVICE [name=value …]              excursion van-thermometer to=12 holdS=30
 *   fault DEVICE NAME [PROBABILITY] [TIME]     fault scanner-1 noise 0.01 30s · fault scanner-1 clear
 *   unplug DEVICE [TIME]                       unplug scanner-1 5s
 *   storm DEVICE [RATE] [TIME]                 storm scanner-1 100/s 10s
 *
 * The short words are the same as `probability=`, `forS=` and `perSecond=`. DEVICE may be `all`.
 */
import { durationMs } from '../protocols/config/units.ts';
import { FAULTS } from './faults.ts';
import { type CommandArgs, SimulatorError } from './simulator.ts';

export interface CommandLine {
  command: string;
  device: string;
  args: CommandArgs;
}

type Short = 'probability' | 'time' | 'rate';

const SHORT_WORDS: Readonly<Record<string, readonly Short[]>> = {
  unplug: ['time'],
  storm: ['rate', 'time'],
  ...Object.fromEntries(FAULTS.map((fault) => [fault, ['probability', 'time'] as const])),
};

/** Undefined for an empty line or a comment (`#`). @throws SimulatorError `sim-command-invalid` */
export function parseCommandLine(line: string): CommandLine | undefined {
  const [word, device, ...rest] = line.trim().split(/\s+/);
  if (word === undefined || word === '' || word.startsWith('#')) return undefined;
  if (device === undefined) throw invalid(`'${line.trim()}': COMMAND DEVICE [name=value …] was expected`);
  const command = word === 'fault' ? rest.shift() : word;
  if (command === undefined) throw invalid(`fault ${device}: which? ${FAULTS.join(', ')} or clear`);
  const args: Record<string, string | number> = {};
  for (const text of rest) {
    const at = text.indexOf('=');
    const [name, value] = at > 0 ? [text.slice(0, at), text.slice(at + 1)] : shortWord(command, text);
    if (name in args) throw invalid(`'${line.trim()}': ${name} is given twice`);
    args[name] = value;
  }
  return { command, device, args };
}

function shortWord(command: string, text: string): [name: string, value: number] {
  const known = SHORT_WORDS[command] ?? [];
  const rate = /^(\d+(?:\.\d+)?)\/(s|min)$/.exec(text);
  if (rate && known.includes('rate')) return ['perSecond', Number(rate[1]) / (rate[2] === 's' ? 1 : 60)];
  const time = durationMs.safeParse(text);
  if (time.success && known.includes('time')) return ['forS', time.data / 1000];
  if (/^\d*\.?\d+$/.test(text) && known.includes('probability')) return ['probability', Number(text)];
  const words = known.map((kind) => ({ probability: 'a probability', time: 'a time such as 5s', rate: '100/s' })[kind]);
  throw invalid(`'${text}': ${[...words, 'name=value'].join(', or ')} was expected`);
}

function invalid(message: string): SimulatorError {
  return new SimulatorError({ code: 'sim-command-invalid', message });
}
