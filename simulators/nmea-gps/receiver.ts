/**
 * A GPS receiver that writes NMEA 0183 once a second and takes no commands from its host.
 *
 * The epoch is aligned to the full second of wall time, the date is today's (gpsd distrusts dates from the past), and the
 * position follows the vehicle's journey with a meter of jitter.
 *
 * Commands: `void [seconds=…]` (no fix: a garage, a tunnel), and those of every serial device.
 */
import { z } from 'zod';
import { numberArg } from '../faults.ts';
import type { Drive, VehicleState } from '../journey.ts';
import { openSerialPort, type SerialPort } from '../serial-port.ts';
import {
  type CommandArgs,
  type RunningSimulator,
  type Simulator,
  type SimulatorContext,
  SimulatorError,
  wallMs,
} from '../simulator.ts';
import { sentencesFor } from './sentences.ts';

const EPOCH_MS = 1000;
const JITTER_METERS = 0.8;
const METERS_PER_DEGREE = 111_195;

export const gpsOptions = z.strictObject({
  path: z.string().min(1).optional(),
  /** Without a fix for so long after the start. */
  coldStartS: z.number().min(0).default(0),
});
export type GpsOptions = z.infer<typeof gpsOptions>;

export const GPS_KIND = 'nmea-gps';

export function nmeaGps(id: string, options: GpsOptions, drive: Drive): Simulator {
  return {
    kind: GPS_KIND,
    id,
    async start(context) {
      const port = await openSerialPort(context, { id, path: options.path });
      return new Receiver({ id, options, context, port, drive });
    },
  };
}

interface Parts {
  id: string;
  options: GpsOptions;
  context: SimulatorContext;
  port: SerialPort;
  drive: Drive;
}

class Receiver implements RunningSimulator {
  readonly kind = GPS_KIND;
  readonly id: string;
  readonly #parts: Parts;
  #voidUntilUs: number;
  #cancel: () => void = () => {};
  #sending: Promise<void> = Promise.resolve();

  constructor(parts: Parts) {
    this.id = parts.id;
    this.#parts = parts;
    this.#voidUntilUs = parts.context.clock.monotonicUs() + parts.options.coldStartS * 1e6;
    this.#schedule();
  }

  get address(): string {
    return this.#parts.port.address;
  }

  async command(name: string, args: CommandArgs = {}): Promise<void> {
    if (name !== 'void') return this.#parts.port.command(name, args);
    const seconds = numberArg(args, 'seconds', 10);
    if (!(seconds > 0)) {
      throw new SimulatorError({ code: 'sim-command-invalid', message: `void ${this.id}: seconds must be above 0` });
    }
    const { clock, emit } = this.#parts.context;
    this.#voidUntilUs = clock.monotonicUs() + seconds * 1e6;
    emit({ simulator: this.id, kind: 'void-fix', atMs: wallMs(clock), detail: { seconds } });
  }

  async stop(): Promise<void> {
    this.#cancel();
    await this.#parts.port.close();
    await this.#sending;
  }

  #schedule(): void {
    const { clock } = this.#parts.context;
    this.#cancel = clock.after(EPOCH_MS - (wallMs(clock) % EPOCH_MS), () => {
      this.#schedule();
      this.#sending = this.#epoch();
    });
  }

  async #epoch(): Promise<void> {
    const { context, port, drive } = this.#parts;
    const { clock, random } = context;
    const atMs = Math.round(wallMs(clock) / EPOCH_MS) * EPOCH_MS;
    const fix = clock.monotonicUs() < this.#voidUntilUs ? undefined : this.#measured(drive.now());
    for (const line of sentencesFor(atMs, fix, random)) {
      // The first digit of the checksum stands four characters ahead of the end: `*hh` CR LF.
      await port.send(Buffer.from(line, 'latin1'), { corrupt: otherChecksum });
    }
  }

  #measured(state: VehicleState): VehicleState {
    const { random } = this.#parts.context;
    const jitter = (): number => (JITTER_METERS * random.gaussian()) / METERS_PER_DEGREE;
    return { ...state, latitude: state.latitude + jitter(), longitude: state.longitude + jitter() };
  }
}

function otherChecksum(frame: Buffer): Buffer {
  const at = frame.length - 4;
  frame[at] = frame[at] === 0x30 ? 0x31 : 0x30;
  return frame;
}
