/**
 * gpsd with one receiver on a vehicle: JSON reports over TCP, once a second, to every client that has asked for them (`?WATCH`).
 *
 * Reports are aligned to the full second of wall time, as those of nmea-gps. Source: gpsd_json(5) of gpsd 3.22; what that version sends.
 *
 * Commands: `void [seconds=…]` (no fix), `leap seconds=…` (the receiver's clock jumps), `unplug` and `replug` (gpsd itself goes and comes), the
 * faults, and `chatter` (bytes that are no report).
 */
import type { Socket } from 'node:net';
import { z } from 'zod';
import { Faults, numberArg, sendThroughFaults } from '../faults.ts';
import type { Drive } from '../journey.ts';
import { unknownCommand } from '../serial-port.ts';
import {
  type CommandArgs,
  opened,
  type RunningSimulator,
  type Simulator,
  type SimulatorContext,
  SimulatorError,
  wallMs,
} from '../simulator.ts';
import { openTcpListener, type TcpListener } from '../tcp-listener.ts';

const EPOCH_MS = 1000;
const CHATTER_BYTES_MAX = 64;
/** A request line has at most 80 characters. */
const LONGEST_REQUEST = 512;

export const gpsdOptions = z.strictObject({
  host: z.string().default('127.0.0.1'),
  /** 0 takes any free port. */
  port: z.int().min(0).max(65_535).default(0),
  /** The receiver's path, as gpsd tells it. */
  receiver: z.string().default('/dev/ttyACM0'),
});
export type GpsdOptions = z.infer<typeof gpsdOptions>;

export const GPSD_KIND = 'gpsd';

export function gpsd(id: string, options: GpsdOptions, drive: Drive): Simulator {
  return {
    kind: GPSD_KIND,
    id,
    start: (context) => opened(new Daemon({ id, options, context, drive })),
  };
}

interface Parts {
  id: string;
  options: GpsdOptions;
  context: SimulatorContext;
  drive: Drive;
}

class Daemon implements RunningSimulator {
  readonly kind = GPSD_KIND;
  readonly id: string;
  readonly #parts: Parts;
  readonly #faults: Faults;
  readonly #watching = new Set<Socket>();
  #listener: TcpListener | undefined;
  #voidUntilUs = Number.NEGATIVE_INFINITY;
  #leapMs = 0;
  #cancel: () => void = () => {};

  constructor(parts: Parts) {
    this.id = parts.id;
    this.#parts = parts;
    this.#faults = new Faults(parts.context.random.fork('faults'));
  }

  async open(): Promise<void> {
    const { host, port } = this.#parts.options;
    this.#listener = await openTcpListener({ host, port, onConnection: (socket) => this.#serve(socket) });
    this.#schedule();
  }

  get address(): string {
    return this.#listener?.address ?? '';
  }

  async command(name: string, args: CommandArgs = {}): Promise<void> {
    const { clock, emit, random } = this.#parts.context;
    if (name === 'unplug') await this.#listener?.unplug();
    else if (name === 'replug') await this.#listener?.replug();
    else if (name === 'chatter') {
      const bytes = random.fork(`chatter ${clock.monotonicUs()}`);
      this.#broadcast(bytes.bytes(bytes.integer(1, CHATTER_BYTES_MAX)));
    } else if (name === 'void') {
      const seconds = secondsOf(this.id, name, args, 10);
      this.#voidUntilUs = clock.monotonicUs() + seconds * 1e6;
      emit({ simulator: this.id, kind: 'void-fix', atMs: wallMs(clock), detail: { seconds } });
    } else if (name === 'leap') {
      this.#leapMs += numberArg(args, 'seconds', -1024 * 7 * 86_400) * 1000;
    } else if (!this.#faults.command(name, args)) throw unknownCommand(this.id, name);
  }

  async stop(): Promise<void> {
    this.#cancel();
    await this.#listener?.unplug();
  }

  #serve(socket: Socket): void {
    let request = '';
    socket.write(line({ class: 'VERSION', release: '3.22', rev: '3.22', proto_major: 3, proto_minor: 14 }));
    socket.once('close', () => this.#watching.delete(socket));
    socket.on('data', (chunk: Buffer) => {
      request = (request + chunk.toString('latin1')).slice(-LONGEST_REQUEST);
      const lines = request.split('\n');
      request = lines.pop() ?? '';
      for (const asked of lines) this.#answer(socket, asked.trim());
    });
  }

  #answer(socket: Socket, request: string): void {
    const enable = /^\?WATCH=\{.*"enable":(true|false)/.exec(request)?.[1];
    if (enable === undefined) {
      socket.write(line({ class: 'ERROR', message: `Unrecognized request '${request}'` }));
      return;
    }
    const { receiver } = this.#parts.options;
    const device = { class: 'DEVICE', path: receiver, driver: 'u-blox', activated: this.#time(), native: 1 };
    socket.write(line({ class: 'DEVICES', devices: [device] }));
    socket.write(line({ class: 'WATCH', enable: enable === 'true', json: true, nmea: false, raw: 0 }));
    if (enable === 'true') this.#watching.add(socket);
    else this.#watching.delete(socket);
  }

  #schedule(): void {
    const { clock } = this.#parts.context;
    this.#cancel = clock.after(EPOCH_MS - (wallMs(clock) % EPOCH_MS), () => {
      this.#schedule();
      for (const report of this.#reports()) this.#broadcast(report);
    });
  }

  #reports(): Buffer[] {
    const { context, options, drive } = this.#parts;
    const device = options.receiver;
    const time = this.#time();
    if (context.clock.monotonicUs() < this.#voidUntilUs) {
      return [line({ class: 'SKY', device, nSat: 4, uSat: 0 }), line({ class: 'TPV', device, mode: 1, time })];
    }
    const { latitude, longitude, altitudeMeters, speedMetersPerSecond, courseDegrees } = drive.now();
    const place = { lat: latitude, lon: longitude, altHAE: altitudeMeters + 46.9, altMSL: altitudeMeters };
    const motion = { track: courseDegrees, speed: speedMetersPerSecond, climb: 0 };
    return [
      line({ class: 'SKY', device, hdop: 0.9, pdop: 1.8, nSat: 12, uSat: 9 }),
      line({ class: 'TPV', device, mode: 3, time, ept: 0.005, ...place, ...motion, eph: 5.2 }),
    ];
  }

  #time(): string {
    const nowMs = Math.round(wallMs(this.#parts.context.clock) / EPOCH_MS) * EPOCH_MS;
    return new Date(nowMs + this.#leapMs).toISOString();
  }

  #broadcast(frame: Buffer): void {
    const { log, wireClock: clock } = this.#parts.context;
    for (const socket of this.#watching) {
      const write = (bytes: Uint8Array): Promise<boolean> =>
        new Promise((resolve) => socket.write(bytes, (error) => resolve(!error)));
      sendThroughFaults(frame, { faults: this.#faults, clock, write, corrupt: unquote, terminated: true }).catch(
        (error: unknown) => log.error({ simulator: this.id, err: error }, 'a report could not be sent'),
      );
    }
  }
}

/** JSON has no checksum; a missing quote is what a client can notice. */
function unquote(frame: Buffer): Buffer {
  frame[frame.indexOf(0x22)] = 0x20;
  return frame;
}

function line(report: object): Buffer {
  return Buffer.from(`${JSON.stringify(report)}\r\n`);
}

function secondsOf(id: string, name: string, args: CommandArgs, fallback: number): number {
  const seconds = numberArg(args, 'seconds', fallback);
  if (seconds > 0) return seconds;
  throw new SimulatorError({ code: 'sim-command-invalid', message: `${name} ${id}: seconds must be above 0` });
}
