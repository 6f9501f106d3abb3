#!/usr/bin/env node
/** The one executable, `milepost`: arguments to commands, commands to exit codes. Commands load what they need, and no more. */
import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { duration } from './duration.ts';
import { BAD, DONE, explain, print, printError, stopSignal, USAGE } from './exit.ts';
import { addFleetCommands } from './fleet.ts';
import type { HubRunOptions } from './hub.ts';
import { addDeadLetterCommands } from './hub-dead-letters.ts';
import { addSimCommands } from './sim.ts';
import { VERSION } from './version.ts';

let exitCode = DONE;
const program = new Command('milepost')
  .description('The nervous system of a parcel network: gateways, hub, simulators.')
  .version(VERSION)
  // --version of a command is that command's.
  .enablePositionalOptions()
  .showSuggestionAfterError()
  .exitOverride();

const edge = program.command('edge').description('the daemon on a gateway box');
edge
  .command('run')
  .description('run the daemon')
  .requiredOption('--config <file>', 'configuration (YAML)')
  .action(async ({ config }: { config: string }) => {
    exitCode = await (await import('./edge.ts')).edgeRun(config);
  });
edge
  .command('check')
  .description('check a configuration; touches no device')
  .requiredOption('--config <file>', 'configuration (YAML)')
  .option('--json', 'print JSON', false)
  .action(async ({ config, json }: { config: string; json: boolean }) => {
    exitCode = await (await import('./edge.ts')).edgeCheck(config, json);
  });
edge
  .command('status')
  .description('what the daemon on this box is doing')
  .option('--config <file>', 'the daemon’s configuration, to find its state folder')
  .option('--state-dir <folder>', 'its state folder (default /var/lib/milepost)')
  .option('--json', 'print JSON', false)
  .action(async (options: { config?: string; stateDir?: string; json: boolean }) => {
    exitCode = await (await import('./edge.ts')).edgeStatus(options);
  });
edge
  .command('devices')
  .description('what is attached to this box, as a configuration that works as it stands')
  .option(
    '--llrp <host>',
    'ask this host, or a network such as 192.0.2.0/24, for RFID readers; repeatable',
    collect,
    [],
  )
  .option('--llrp-port <number>', 'their port', wholeNumber, 5084)
  .option('--json', 'print JSON', false)
  .action(async (options: { llrp: string[]; llrpPort: number; json: boolean }) => {
    exitCode = await (await import('./edge-devices.ts')).edgeDevices(options);
  });
edge
  .command('doctor')
  .description('find what is wrong with this box')
  .requiredOption('--config <file>', 'configuration (YAML)')
  .option('--json', 'print JSON', false)
  .action(async ({ config, json }: { config: string; json: boolean }) => {
    exitCode = await (await import('./edge-doctor.ts')).edgeDoctor(config, json);
  });

const hub = program.command('hub').description('the hub');
hub
  .command('run')
  .description('run the hub; without a configuration on embedded defaults')
  .option('--config <file>', 'configuration (YAML)')
  .option('--roles <list>', 'what this process does: ingest,process,project,api (default: all)')
  .option(
    '--instance <name>',
    'name of this process for Kafka and an MQTT broker, kept over restarts: it goes on with what it had',
  )
  .action(async (options: HubRunOptions) => {
    exitCode = await (await import('./hub.ts')).hubRun(options);
  });
hub
  .command('leave')
  .description(
    'for a named process that will not come back: take what the MQTT broker keeps for it, and end its session there',
  )
  .requiredOption('--config <file>', 'configuration (YAML)')
  .requiredOption('--instance <name>', 'name of the process')
  .action(async (options: { config: string; instance: string }) => {
    exitCode = await (await import('./hub.ts')).hubLeave(options);
  });
hub
  .command('setup')
  .description('create topics, database schema, retention and down-sampling as configured; again and again is fine')
  .option('--config <file>', 'configuration (YAML)')
  .option('--json', 'print JSON', false)
  .action(async ({ config, json }: { config?: string; json: boolean }) => {
    exitCode = await (await import('./hub.ts')).hubSetup(config, json);
  });

hub
  .command('replay')
  .description('process a part of the uplink log once more: after a fault, or for a time series database that was lost')
  .requiredOption('--from <position>', 'a time such as 2026-11-23T06:00:00Z, or an offset in each partition')
  .option('--to <position>', 'up to there (default: where the log ends now)')
  .option(
    '--into <outputs>',
    'timeseries, state, events (again to package-events and alerts, for readers outside); comma separated',
    'timeseries,state',
  )
  .addOption(hubOption())
  .option('--json', 'print JSON', false)
  .action(
    async ({ into, hub: url, ...options }: { from: string; to?: string; into: string; hub: string; json: boolean }) => {
      const { hubReplay } = await import('./hub-replay.ts');
      exitCode = await hubReplay({
        ...options,
        hub: url.replace(/\/$/, ''),
        into: into.split(',').map((each) => each.trim()),
      });
    },
  );
addDeadLetterCommands(hub, hubOption, (code) => {
  exitCode = code;
});

const sim = program.command('sim').description('hardware simulators');
sim
  .command('run')
  .description('run a scenario, or one device; prints where each listens, takes commands on standard input')
  .argument('<scenario>', 'name, YAML file or device kind; see sim list')
  .option('--seed <text>', 'same seed, same run')
  .option('--run-dir <folder>', 'where links of serial devices appear')
  .option('--path <link>', 'one serial device: its link')
  .option('--port <number>', 'one network device: its TCP port', wholeNumber)
  .option('--rate <perSecond>', 'one device: observations or frames a second', positiveNumber)
  .option('--fault <name[=probability]...>', 'faults from the start: noise, torn, checksum, silence, duplicate, drip')
  .option('--for <duration>', 'end by itself, for example 60s', duration)
  .option('--speed <factor>', 'so many times as fast as real time, at most 100', positiveNumber)
  .option('--start <time>', 'wall time at the start, for example 2026-11-23T06:00:00Z')
  .option('--control <socket>', 'take commands on a Unix socket as well')
  .option('--write-config <file>', 'write the configuration of the gateways that the devices hang on')
  .option('--hub <url>', 'the hub in it', 'mqtt://127.0.0.1:1883')
  .option('--json', 'one JSON object per line', false)
  .action(async (scenario: string, { fault, for: forMs, ...options }: SimOptions) => {
    const { simRun } = await import('../simulators/cli.ts');
    const { systemClock } = await import('./system-clock.ts');
    const { createLog } = await import('./log.ts');
    exitCode = await simRun(
      {
        scenario,
        ...options,
        ...(fault === undefined ? {} : { faults: fault }),
        ...(forMs === undefined ? {} : { forMs }),
      },
      {
        clock: systemClock(),
        log: createLog({ level: 'warn' }),
        input: process.stdin,
        print,
        printError,
        signal: stopSignal(),
      },
    );
  });
sim
  .command('list')
  .description('scenarios, devices and their commands')
  .option('--json', 'print JSON', false)
  .action(async ({ json }: { json: boolean }) => {
    exitCode = await (await import('../simulators/cli.ts')).simList({ json }, { print });
  });

addSimCommands(sim, (code) => {
  exitCode = code;
});

addFleetCommands(program, hubOption, (code) => {
  exitCode = code;
});

program
  .command('track')
  .description("a package's timeline")
  .argument('<package>', 'package id, or the number on the label')
  .addOption(hubOption())
  .option('--json', 'print JSON', false)
  .action(async (name: string, options: { hub: string; json: boolean }) => {
    exitCode = await (await import('./track.ts')).track(name, { ...options, hub: options.hub.replace(/\/$/, '') });
  });

program
  .command('decode')
  .description('one frame, label or payload to JSON')
  .argument(
    '<kind>',
    'barcode, epc, nmea, llrp, ssi, modbus, shock, rfid-serial, uplink, elm327, hid, honeywell, one-wire, gpsd',
  )
  .argument('[data]', 'hexadecimal or text; without it standard input, a line each')
  .option('--module <name>', 'rfid-serial: r200, uhfreader18 or thingmagic; found out unless told')
  .option('--json', 'print JSON (always)')
  .action(async (kind: string, data: string | undefined, { module }: { module?: string }) => {
    const args = { kind, ...(data !== undefined && { data }), ...(module !== undefined && { module }) };
    exitCode = await (await import('./decode.ts')).decode(args);
  });

program
  .command('demo')
  .description('simulators, two gateways, hub and page together on embedded defaults')
  .option('--for <duration>', 'run so long, stop, check itself; for example 60s', duration)
  .option('--json', 'print one JSON summary and nothing else', false)
  .option('--port <number>', 'of the page', wholeNumber, 8080)
  .option('--seed <text>', 'same seed, same packages', 'milepost')
  .option('--keep', 'keep the folder with data and log', false)
  .action(async ({ for: forMs, ...options }: DemoCommand) => {
    exitCode = await (await import('./demo.ts')).demo({ ...options, ...(forMs === undefined ? {} : { forMs }) });
  });

interface SimOptions {
  seed?: string;
  runDir?: string;
  path?: string;
  port?: number;
  rate?: number;
  fault?: string[];
  for?: number;
  speed?: number;
  start?: string;
  control?: string;
  writeConfig?: string;
  hub: string;
  json: boolean;
}

interface DemoCommand {
  for?: number;
  json: boolean;
  port: number;
  seed: string;
  keep: boolean;
}

function hubOption(): Option {
  return new Option('--hub <url>', 'where the hub’s API answers').default('http://127.0.0.1:8080').env('MILEPOST_HUB');
}

function wholeNumber(text: string): number {
  if (!/^\d{1,5}$/.test(text)) throw new InvalidArgumentError('a port number is expected.');
  return Number(text);
}

function collect(value: string, previous: string[]): string[] {
  return [...previous, value];
}

function positiveNumber(text: string): number {
  const number = Number(text);
  if (!(number > 0)) throw new InvalidArgumentError('a number above 0 is expected.');
  return number;
}

try {
  await program.parseAsync();
} catch (error) {
  if (error instanceof CommanderError) exitCode = error.exitCode === 0 ? DONE : USAGE;
  else {
    printError(`milepost: ${explain(error)}`);
    exitCode = BAD;
  }
}
// Whatever a library left behind must not keep a command that is done.
process.exitCode = exitCode;
setTimeout(() => process.exit(exitCode), 500).unref();
