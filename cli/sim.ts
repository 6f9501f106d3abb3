/** `milepost sim tell | record | replay | gateways`: arguments to plain functions of simulators/. */
import { type Command, InvalidArgumentError } from 'commander';
import { duration } from './duration.ts';
import { print, printError, stopSignal } from './exit.ts';

/** Adds the commands; `exit` takes the exit code. */
export function addSimCommands(sim: Command, exit: (code: number) => void): void {
  sim
    .command('tell')
    .description('give a command to a scenario that runs with --control')
    .requiredOption('--control <socket>', 'its control socket')
    .argument('<words...>', 'for example: fault scanner-1 noise 0.01 30s')
    .option('--json', 'print JSON', false)
    .action(async (words: string[], options: { control: string; json: boolean }) => {
      exit(await (await import('../simulators/cli.ts')).simTell({ words, ...options }, { print, printError }));
    });
  sim
    .command('record')
    .description('record what a real device says; with --proxy also what a program says to it')
    .requiredOption('--port <port>', '/dev/ttyUSB0, or tcp:HOST:PORT')
    .requiredOption('--out <file>', 'the capture, a new file')
    .option('--baud <rate>', 'of a serial port', whole, 9600)
    .option('--proxy <where>', 'a program opens this in place of the device: a path (serial), or a port number (tcp)')
    .option('--for <duration>', 'end by itself, for example 60s', duration)
    .option('--max-bytes <number>', 'largest capture file; 256 MiB unless told', whole)
    .option('--json', 'one JSON object per line', false)
    .action(async ({ for: forMs, maxBytes, ...options }: RecordOptions) => {
      const { simRecord } = await import('../simulators/capture/cli.ts');
      const bounds = {
        ...(forMs === undefined ? {} : { forMs }),
        ...(maxBytes === undefined ? {} : { bytesMax: maxBytes }),
      };
      const args = { ...options, ...bounds };
      exit(await simRecord(args, await environment()));
    });
  sim
    .command('replay')
    .description('play a capture as the device that it was recorded from')
    .argument('<capture>', 'JSON lines: {"t_us":0,"direction":"in","hex":"…"}')
    .option('--path <link>', 'on a pseudo-terminal that appears here')
    .option('--port <number>', 'on a TCP port of 127.0.0.1; 0 for any', whole)
    .option('--speed <factor>', 'so many times as fast', positive, 1)
    .option('--lockstep', 'where the host spoke in the capture, wait until it has (polled devices)', false)
    .option('--loop', 'again and again', false)
    .option('--json', 'one JSON object per line', false)
    .action(async (file: string, options: ReplayOptions) => {
      const { simReplay } = await import('../simulators/capture/cli.ts');
      exit(await simReplay({ file, ...options }, await environment()));
    });
  sim
    .command('gateways')
    .description('up to 1,000 simulated gateways over MQTT; at the end says what was accepted and acknowledged')
    .requiredOption('--hub <url>', 'mqtt://HOST:PORT')
    .option('--count <number>', 'gateways, at most 1000', whole, 10)
    .option('--rate <perSecond>', 'records a second of each', positive, 1)
    .option('--for <duration>', 'make readings for so long; until Ctrl-C unless told', duration)
    .option('--drain <duration>', 'then wait at most so long for acknowledgements', duration, 30_000)
    .option('--mix <shares>', 'of the lanes', 'alert=1,tracking=60,telemetry=39')
    .option('--packages <number>', 'different packages, each seen at several gateways', whole, 100_000)
    .option('--flap <duration>', 'so often a share of all gateways loses its connection at once', duration)
    .option('--flap-share <share>', 'that share', positive, 0.2)
    .option('--connect-rate <perSecond>', 'how quickly they are switched on', positive, 100)
    .option('--prefix <text>', 'of their ids', 'sim-')
    .option('--seed <text>', 'same seed, same readings', 'milepost')
    .option('--linger <duration>', 'how long a batch may wait for more records', duration, 200)
    .option('--deflate', 'compress batches', false)
    .option('--label <name=values>', 'label of their status; several values (a,b) go round; repeatable', collect, [])
    .option('--reject <number:key>', 'so many reject each version with that key (rules/ID, *); repeatable', collect, [])
    .option('--offline <number>', 'so many are heard once and then stay away; NUMBER:DURATION for so long')
    .option('--slow <number:duration>', 'so many look at a version after so long')
    .option(
      '--roll-back <number>',
      'so many lose a device with each version, and return to the last good one',
      whole,
      0,
    )
    .option('--trial <duration>', 'when those do', duration, 120_000)
    .option('--json', 'print one JSON object at the end and nothing else', false)
    .action(async ({ for: forMs, drain, flap, linger, connectRate, trial, ...options }: GatewaysOptions) => {
      const { simGateways } = await import('../simulators/gateways/cli.ts');
      const times = { ...(forMs === undefined ? {} : { forMs }), ...(flap === undefined ? {} : { flapEveryMs: flap }) };
      const args = {
        ...options,
        ...times,
        drainMs: drain,
        lingerMs: linger,
        trialMs: trial,
        connectsPerS: connectRate,
      };
      exit(await simGateways(args, await environment()));
    });
}

interface RecordOptions {
  port: string;
  out: string;
  baud: number;
  proxy?: string;
  for?: number;
  maxBytes?: number;
  json: boolean;
}

interface ReplayOptions {
  path?: string;
  port?: number;
  speed: number;
  lockstep: boolean;
  loop: boolean;
  json: boolean;
}

interface GatewaysOptions {
  hub: string;
  count: number;
  rate: number;
  for?: number;
  drain: number;
  mix: string;
  packages: number;
  flap?: number;
  flapShare: number;
  linger: number;
  connectRate: number;
  prefix: string;
  seed: string;
  deflate: boolean;
  label: string[];
  reject: string[];
  offline?: string;
  slow?: string;
  rollBack: number;
  trial: number;
  json: boolean;
}

async function environment() {
  const [{ systemClock }, { createLog }] = await Promise.all([import('./system-clock.ts'), import('./log.ts')]);
  return { clock: systemClock(), log: createLog({ level: 'warn' }), print, printError, signal: stopSignal() };
}

function collect(text: string, before: string[]): string[] {
  return [...before, text];
}

function whole(text: string): number {
  if (!/^\d{1,12}$/.test(text)) throw new InvalidArgumentError('a whole number is expected.');
  return Number(text);
}

function positive(text: string): number {
  const number = Number(text);
  if (!(number > 0)) throw new InvalidArgumentError('a number above 0 is expected.');
  return number;
}
