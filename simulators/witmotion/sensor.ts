/**
 * A WitMotion accelerometer that streams frames `55 51 …` at a fixed rate.
 *
 * The samples of one batch (BATCH_MS) leave together, as they come out of a USB adapter's latency timer. How many are due
 * follows from elapsed time, so the rate does not drift with the timers. A host that stopped reading gets no backlog: what is
 * older than a second was overrun.
 * The host's register writes `FF AA 03 rate 00` change the rate; other settings are taken and ignored, as the frames
 * they would add are not simulated.
 *
 * Commands: `shock [peakG=…] [durationMs=…] [axis=x|y|z]`, `drop [heightCm=…] [durationMs=…] [axis=x|y|z]` (free fall, then the
 * impact that this height gives), and those of every serial device.
 */
import { z } from 'zod';
import { encodeWitmotion } from '../../protocols/shock/witmotion-encoder.ts';
import { numberArg } from '../faults.ts';
import type { Drive } from '../journey.ts';
import { flipByte, openSerialPort, type SerialPort } from '../serial-port.ts';
import {
  type CommandArgs,
  opened,
  type RunningSimulator,
  type Simulator,
  type SimulatorContext,
  SimulatorError,
  wallMs,
} from '../simulator.ts';
import { type Axis, accelerationAt, impactOf, type Shock, shockEndUs } from './motion.ts';

const BATCH_MS = 20;
const BACKLOG_US = 1_000_000;
const FRAME_BITS = 11 * 10;
/** Rate codes of register 03; WIT Standard Communication Protocol. */
const RATE_BY_CODE: ReadonlyMap<number, number> = new Map([
  [0x06, 10],
  [0x07, 20],
  [0x08, 50],
  [0x09, 100],
  [0x0b, 200],
]);

export const witmotionOptions = z
  .strictObject({
    path: z.string().min(1).optional(),
    rateHz: z.number().min(0.1).max(1000).default(200),
    baudRate: z.int().min(4800).default(115200),
    noiseG: z.number().min(0).default(0.01),
    roadG: z.number().min(0).default(0.08),
    temperatureCelsius: z.number().default(21),
  })
  .refine((options) => options.rateHz * FRAME_BITS <= options.baudRate, {
    path: ['rateHz'],
    message: 'more frames than the baud rate can carry (11 bytes of 10 bits each)',
  });
export type WitmotionOptions = z.infer<typeof witmotionOptions>;

export const WITMOTION_KIND = 'witmotion';

export function witmotion(id: string, options: WitmotionOptions, drive: Drive): Simulator {
  return {
    kind: WITMOTION_KIND,
    id,
    start: (context) => opened(new Sensor({ id, options, context, drive })),
  };
}

interface Parts {
  id: string;
  options: WitmotionOptions;
  context: SimulatorContext;
  drive: Drive;
}

class Sensor implements RunningSimulator {
  readonly kind = WITMOTION_KIND;
  readonly id: string;
  readonly #parts: Parts;
  #port: SerialPort | undefined;
  #rateHz: number;
  /** When the next sample is due. */
  #nextUs: number;
  #shocks: Shock[] = [];
  #received = Buffer.alloc(0);
  #cancel: () => void = () => {};
  #sending: Promise<void> = Promise.resolve();
  #stopped = false;

  constructor(parts: Parts) {
    this.id = parts.id;
    this.#parts = parts;
    this.#rateHz = parts.options.rateHz;
    this.#nextUs = parts.context.clock.monotonicUs();
  }

  async open(): Promise<void> {
    const { context, options } = this.#parts;
    const onData = (bytes: Buffer) => this.#take(bytes);
    this.#port = await openSerialPort(context, { id: this.id, path: options.path, onData });
    this.#schedule();
  }

  get address(): string {
    return this.#serial.address;
  }

  async command(name: string, args: CommandArgs = {}): Promise<void> {
    if (name === 'shock') this.#shock(args);
    else if (name === 'drop') this.#drop(args);
    else await this.#serial.command(name, args);
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#cancel();
    await this.#serial.close();
    await this.#sending;
  }

  get #serial(): SerialPort {
    if (this.#port === undefined) throw new Error('the sensor was not opened');
    return this.#port;
  }

  #schedule(): void {
    this.#cancel = this.#parts.context.clock.after(BATCH_MS, () => {
      this.#sending = this.#batch().finally(() => {
        if (!this.#stopped) this.#schedule();
      });
    });
  }

  async #batch(): Promise<void> {
    const { context } = this.#parts;
    const nowUs = context.clock.monotonicUs();
    const frames = this.#samplesUntil(nowUs);
    this.#shocks = this.#shocks.filter((shock) => shockEndUs(shock) >= this.#nextUs);
    if (frames.length === 0 || !this.#serial.listening) return;
    await this.#serial.send(Buffer.concat(frames), { corrupt: (bytes) => flipByte(bytes, 10) });
  }

  #samplesUntil(nowUs: number): Buffer[] {
    const { options, context, drive } = this.#parts;
    const stepUs = 1e6 / this.#rateHz;
    if (nowUs - this.#nextUs > BACKLOG_US) this.#nextUs = nowUs;
    const { speedMetersPerSecond } = drive.now();
    const frames: Buffer[] = [];
    for (; this.#nextUs <= nowUs; this.#nextUs += stepUs) {
      const { random } = context;
      const felt = accelerationAt(this.#nextUs, { options, shocks: this.#shocks, speedMetersPerSecond, random });
      const { temperatureCelsius } = options;
      frames.push(encodeWitmotion({ kind: 'acceleration', ...felt, temperatureCelsius, clipped: false }));
    }
    return frames;
  }

  #shock(args: CommandArgs): void {
    const peakG = numberArg(args, 'peakG', 8);
    this.#strike('shock', { ...this.#pulseOf(args), peakG, fallMs: 0 }, {});
  }

  #drop(args: CommandArgs): void {
    const heightCm = numberArg(args, 'heightCm', 60);
    const pulse = this.#pulseOf(args);
    const { peakG, fallMs, velocityChangeMetersPerSecond } = impactOf({ heightCm, durationMs: pulse.durationMs });
    const detail = {
      heightCm,
      fallMs: rounded(fallMs),
      velocityChangeMetersPerSecond: rounded(velocityChangeMetersPerSecond),
    };
    this.#strike('drop', { ...pulse, peakG, fallMs }, detail);
  }

  #pulseOf(args: CommandArgs) {
    return { durationMs: numberArg(args, 'durationMs', 60), axis: args.axis ?? 'z' };
  }

  #strike(
    command: string,
    pulse: { peakG: number; durationMs: number; axis: unknown; fallMs: number },
    detail: Record<string, number>,
  ): void {
    const { peakG, durationMs, axis, fallMs } = pulse;
    if (!(peakG > 0 && peakG <= 500) || !(durationMs > 0 && durationMs <= 1000) || !isAxis(axis)) {
      throw new SimulatorError({
        code: 'sim-command-invalid',
        message: `${command} ${this.id}: peakG is above 0 up to 500, durationMs above 0 up to 1000, axis x, y or z; heightCm is above 0`,
      });
    }
    const { clock, emit } = this.#parts.context;
    this.#shocks.push({ startUs: clock.monotonicUs() + fallMs * 1000, peakG, durationMs, axis, fallMs });
    emit({
      simulator: this.id,
      kind: 'shock',
      atMs: Math.round(wallMs(clock) + fallMs),
      detail: { peakG: rounded(peakG), durationMs, axis, ...detail },
    });
  }

  /** Register writes of the host: FF AA register valueLow valueHigh. */
  #take(bytes: Buffer): void {
    this.#received = Buffer.concat([this.#received, bytes]).subarray(-64);
    for (;;) {
      const at = this.#received.indexOf(Buffer.of(0xff, 0xaa));
      if (at < 0 || this.#received.length < at + 5) return;
      const register = this.#received.readUInt8(at + 2);
      const rateHz = RATE_BY_CODE.get(this.#received.readUInt8(at + 3));
      if (register === 0x03 && rateHz !== undefined && rateHz * FRAME_BITS <= this.#parts.options.baudRate) {
        this.#rateHz = rateHz;
      }
      this.#received = this.#received.subarray(at + 5);
    }
  }
}

function rounded(value: number): number {
  return Math.round(value * 1000) / 1000;
}

function isAxis(value: unknown): value is Axis {
  return value === 'x' || value === 'y' || value === 'z';
}
