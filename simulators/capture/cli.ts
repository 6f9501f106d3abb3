/** `milepost sim record` and `milepost sim replay` as plain functions. Exit codes: 0 done, 1 a port or a capture is bad. */
import { type Clock, sleep } from '../../protocols/base/clock.ts';
import type { Log } from '../../protocols/base/log.ts';
import { openPty } from '../pty.ts';
import { SimulatorError } from '../simulator.ts';
import { parseDeviceAddress } from './device.ts';
import { record } from './record.ts';
import { replay } from './replay.ts';

export interface CaptureEnvironment {
  clock: Clock;
  log: Log;
  print(line: string): void;
  printError(line: string): void;
  signal: AbortSignal;
}

export interface SimRecordArgs {
  /** `/dev/ttyUSB0`, `tcp:HOST:PORT` */
  port: string;
  baud: number;
  out: string;
  /** Man in the middle: a path for a serial device, a port number for a network device. */
  proxy?: string;
  forMs?: number;
  bytesMax?: number;
  json: boolean;
}

export interface SimReplayArgs {
  file: string;
  path?: string;
  port?: number;
  speed: number;
  lockstep: boolean;
  loop: boolean;
  json: boolean;
}

const RECORD_BYTES_MAX = 256 * 1024 * 1024;
const SPEED_MAX = 10_000;

export function simRecord(args: SimRecordArgs, environment: CaptureEnvironment): Promise<number> {
  return guarded(args, environment, async () => {
    const { clock, log, print, signal } = environment;
    const device = parseDeviceAddress(args.port, args.baud);
    if (device === undefined) throw unavailable(`port '${args.port}': a path or tcp:HOST:PORT was expected`);
    const proxyPort = device.kind === 'tcp' && args.proxy !== undefined ? Number(args.proxy) : undefined;
    if (proxyPort !== undefined && !(Number.isInteger(proxyPort) && proxyPort >= 0 && proxyPort <= 65535)) {
      throw unavailable(`proxy '${args.proxy}': a port number was expected for a network device`);
    }
    const proxyPath = device.kind === 'serial' ? args.proxy : undefined;
    const { out: file, bytesMax = RECORD_BYTES_MAX } = args;
    const recording = await record({ device, file, bytesMax, proxyPath, proxyPort, clock, log, openLine: openPty });
    try {
      const { proxy } = recording;
      if (args.json) print(JSON.stringify({ event: 'started', port: args.port, out: file, ...(proxy && { proxy }) }));
      else print(`${args.port} is recorded into ${file}${proxy ? `; programs open ${proxy}` : ''}. Ctrl-C ends.`);
      const stop = sleep(clock, args.forMs ?? 2 ** 31 - 1, signal).then(() => 'stopped');
      const reason = await Promise.race([recording.ended, stop]);
      await recording.stop();
      const { counts } = recording;
      if (args.json) print(JSON.stringify({ event: 'finished', reason, ...counts }));
      else print(`${reason}: ${counts.entries} entries, ${counts.bytesIn} bytes in, ${counts.bytesOut} bytes out`);
      return 0;
    } finally {
      await recording.stop();
    }
  });
}

export function simReplay(args: SimReplayArgs, environment: CaptureEnvironment): Promise<number> {
  return guarded(args, environment, async () => {
    const { clock, log, print, signal } = environment;
    const { file, path, port, speed, lockstep, loop, json } = args;
    if (!(speed > 0 && speed <= SPEED_MAX)) throw invalid(`speed ${speed}: above 0, at most ${SPEED_MAX}`);
    if ((path === undefined) === (port === undefined)) throw invalid('either --path or --port says where to play it');
    const onListening = (address: string): void =>
      print(
        json ? JSON.stringify({ event: 'started', address }) : `${file} is played on ${address} once a host opens it`,
      );
    const counts = await replay({
      ...{ file, path, port, speed, lockstep, loop, clock, log, signal },
      openLine: openPty,
      onListening,
    });
    if (json) print(JSON.stringify({ event: 'finished', ...counts }));
    else print(`${counts.entries} entries, ${counts.bytesSent} bytes sent, ${counts.bytesLost} lost`);
    return 0;
  });
}

async function guarded(
  { json }: { json: boolean },
  { print, printError }: CaptureEnvironment,
  work: () => Promise<number>,
): Promise<number> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof SimulatorError)) throw error;
    const { code, message } = error;
    if (json) print(JSON.stringify({ error: { code, message } }));
    else printError(`${code}: ${message}`);
    return 1;
  }
}

function unavailable(message: string): SimulatorError {
  return new SimulatorError({ code: 'sim-port-unavailable', message });
}

function invalid(message: string): SimulatorError {
  return new SimulatorError({ code: 'sim-capture-invalid', message });
}
