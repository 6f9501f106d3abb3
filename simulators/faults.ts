/**
 * What can go wrong between a device and a host, on command and by the device's seed.
 *
 * `noise` random bytes ahead of a frame · `torn` part of a frame · `checksum` one wrong byte · `silence` nothing ·
 * `duplicate` the frame twice · `drip` byte by byte. Each is on with a probability per frame, for ever or for `count` frames.
 * The pulled cable (`unplug`, `replug`) belongs to the line, not to a frame.
 */
import { type Clock, sleep } from '../protocols/base/clock.ts';
import type { Random } from './random.ts';
import { type CommandArgs, type Fate, SimulatorError } from './simulator.ts';

export const FAULTS = ['noise', 'torn', 'checksum', 'silence', 'duplicate', 'drip'] as const;
export type FaultName = (typeof FAULTS)[number];

const NOISE_BYTES_MAX = 16;
const DRIP_MS = 5;

interface ActiveFault {
  probability: number;
  framesLeft: number;
}

export class Faults {
  readonly #active = new Map<FaultName, ActiveFault>();
  readonly #random: Random;

  constructor(random: Random) {
    this.#random = random;
  }

  /** Takes `noise`, `torn`, … (args `probability`, `count`) and `clear` (arg `fault`: that one only); false when it is none of them. */
  command(name: string, args: CommandArgs): boolean {
    if (name === 'clear') {
      const { fault } = args;
      if (fault === undefined) this.#active.clear();
      else if (typeof fault === 'string' && isFault(fault)) this.#active.delete(fault);
      else throw invalid(`'${fault}' is no fault: ${FAULTS.join(', ')}`);
      return true;
    }
    if (!isFault(name)) return false;
    const probability = numberArg(args, 'probability', 1);
    const framesLeft = numberArg(args, 'count', Number.POSITIVE_INFINITY);
    if (!(probability > 0 && probability <= 1)) throw invalid(`${name}: probability ${probability} is not in (0, 1]`);
    if (!(framesLeft >= 1)) throw invalid(`${name}: count ${framesLeft} is less than 1`);
    this.#active.set(name, { probability, framesLeft });
    return true;
  }

  /** Whether the fault strikes now; counts it down when it does. */
  strikes(name: FaultName): boolean {
    const fault = this.#active.get(name);
    if (fault === undefined || this.#random.next() >= fault.probability) return false;
    fault.framesLeft--;
    if (fault.framesLeft <= 0) this.#active.delete(name);
    return true;
  }

  noise(): Buffer {
    return this.#random.bytes(this.#random.integer(1, NOISE_BYTES_MAX));
  }

  /** Where to tear a frame of this length: somewhere in its middle. */
  cut(length: number): number {
    return Math.max(1, Math.min(length - 1, Math.floor(length * this.#random.between(0.3, 0.7))));
  }
}

export interface SendOptions {
  faults: Faults;
  clock: Clock;
  write(bytes: Uint8Array): Promise<boolean>;
  /** Makes the checksum wrong, or what stands for it. */
  corrupt(frame: Buffer): Buffer;
  /**
   * The framing has no checksum and ends a frame by a terminator: noise spoils the frame behind it, and a torn frame loses its
   * head, since losing the tail would spoil the next one too and the ledger could not tell.
   */
  terminated?: boolean;
}

export interface SendResult {
  fate: Fate;
  damage?: FaultName;
  /** The frame went out a second time. */
  duplicated: boolean;
}

/** Sends one frame through whatever faults are active. */
export async function sendThroughFaults(frame: Buffer, options: SendOptions): Promise<SendResult> {
  const { faults, terminated = false } = options;
  if (faults.strikes('silence')) return { fate: 'lost', damage: 'silence', duplicated: false };

  let bytes = frame;
  let damage: FaultName | undefined;
  if (faults.strikes('torn')) {
    const cut = faults.cut(frame.length);
    bytes = terminated ? frame.subarray(cut) : frame.subarray(0, cut);
    damage = 'torn';
  } else if (faults.strikes('checksum')) {
    bytes = options.corrupt(Buffer.from(frame));
    damage = 'checksum';
  }
  if (faults.strikes('noise')) {
    bytes = Buffer.concat([faults.noise(), bytes]);
    if (terminated) damage ??= 'noise';
  }

  const write = faults.strikes('drip') ? (all: Buffer) => drip(all, options) : options.write;
  if (!(await write(bytes))) return { fate: 'lost', duplicated: false };
  const duplicated = damage === undefined && faults.strikes('duplicate') && (await options.write(frame));
  return { fate: damage === undefined ? 'intact' : 'damaged', ...(damage && { damage }), duplicated };
}

async function drip(bytes: Buffer, options: SendOptions): Promise<boolean> {
  for (const byte of bytes) {
    if (!(await options.write(Buffer.of(byte)))) return false;
    await sleep(options.clock, DRIP_MS);
  }
  return true;
}

/** A number among a command's arguments; text from a command line is converted. */
export function numberArg(args: CommandArgs, name: string, fallback: number): number {
  const value = args[name];
  if (value === undefined) return fallback;
  const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
  if (typeof number !== 'number' || Number.isNaN(number)) throw invalid(`${name}: '${value}' is not a number`);
  return number;
}

export function isFault(name: string): name is FaultName {
  return (FAULTS as readonly string[]).includes(name);
}

function invalid(message: string): SimulatorError {
  return new SimulatorError({ code: 'sim-command-invalid', message });
}
