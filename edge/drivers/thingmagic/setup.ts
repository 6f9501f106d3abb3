/**
 * Brings a module from its boot loader, or from whatever it was doing, to "configured and idle".
 *
 * A module without a region refuses to read: that, a region and antennas that it refuses end the run. Power is a wish: if the module refuses it, its own
 * setting holds.
 */
import {
  type MercuryFrame,
  mercuryBootFirmware,
  mercuryGetCurrentProgram,
  mercuryGetRegion,
  mercuryGetVersion,
  mercurySetAntennas,
  mercurySetGen2,
  mercurySetPower,
  mercurySetReadFilter,
  mercurySetRegion,
  mercuryStatusName,
  mercuryStopStreaming,
} from '../../../protocols/rfid-serial/index.ts';
import { DriverError } from '../../driver.ts';
import type { FrameLink } from '../../transport/frame-link.ts';
import type { ThingMagicOptions } from './options.ts';

export type Link = FrameLink<MercuryFrame>;

const TRIES = 3;
/** Loading the firmware takes 650 ms on an M6e. */
const BOOT_MS = 3_000;
/** Low bits of the current program. */
const PROGRAM_BITS = 0x03;
const BOOT_LOADER = 0x01;
const INVALID_OPCODE = 0x0101;
const NO_REGION = 0x00;

/** First byte of the hardware version. */
const MODELS: ReadonlyMap<number, string> = new Map([
  [0x00, 'M5e'],
  [0x01, 'M5e-Compact'],
  [0x18, 'M6e'],
  [0x20, 'M6e Micro'],
  [0x30, 'M6e Nano'],
  [0x38, 'M7e'],
]);

export interface Setup {
  model: string;
  complaints: string[];
}

/** @throws DriverError `device-silent`, `reader-refused`; TransportError */
export async function setUpModule(link: Link, options: ThingMagicOptions): Promise<Setup | 'over'> {
  // It may still read for whoever had the port before. Its boot loader and an M5e refuse this, which is as good.
  const stopped = await ask(link, mercuryStopStreaming(), options);
  if (stopped === 'over') return 'over';
  const demand = async (what: string, request: Buffer): Promise<MercuryFrame | 'over'> => {
    const reply = await persistent(link, request, options);
    if (reply !== 'over' && reply.status !== 0) throw refused(what, reply);
    return reply;
  };

  const version = await demand('to tell its version', mercuryGetVersion());
  if (version === 'over') return 'over';
  link.forget();
  const hardware = version.data[4];
  const model = (hardware !== undefined && MODELS.get(hardware)) || 'unknown';
  if ((await boot(link, options)) === 'over') return 'over';

  if ((await setRegion(options, demand)) === 'over') return 'over';
  if ((await demand('the protocol Gen 2', mercurySetGen2())) === 'over') return 'over';
  const antennas = `the antennas ${options.antennas.join(', ')}`;
  if ((await demand(antennas, mercurySetAntennas(options.antennas))) === 'over') return 'over';

  const complaints: string[] = [];
  const wish = async (what: string, request: Buffer): Promise<'done' | 'over'> => {
    const reply = await persistent(link, request, options);
    if (reply === 'over') return 'over';
    if (reply.status !== 0) complaints.push(`the module refuses ${what}: ${mercuryStatusName(reply.status ?? 0)}`);
    return 'done';
  };
  const { transmitPowerDbm } = options;
  if (transmitPowerDbm !== undefined) {
    const outcome = await wish(`${transmitPowerDbm} dBm, its own setting holds`, mercurySetPower(transmitPowerDbm));
    if (outcome === 'over') return 'over';
  }
  // An M5e has no such filter, and does not filter.
  if ((await persistent(link, mercurySetReadFilter(false), options)) === 'over') return 'over';
  return { model, complaints };
}

async function boot(link: Link, options: ThingMagicOptions): Promise<'done' | 'over'> {
  const program = await persistent(link, mercuryGetCurrentProgram(), options);
  if (program === 'over') return 'over';
  if (program.status !== 0 || ((program.data[0] ?? 0) & PROGRAM_BITS) !== BOOT_LOADER) return 'done';
  const booted = await ask(link, mercuryBootFirmware(), { ...options, answerTimeoutMs: BOOT_MS });
  if (booted === 'over') return 'over';
  if (booted === 'timeout') throw silentError(options, `when its firmware was booted, within ${BOOT_MS} ms`);
  if (booted.status !== 0 && booted.status !== INVALID_OPCODE) throw refused('to boot its firmware', booted);
  return 'done';
}

async function setRegion(
  options: ThingMagicOptions,
  demand: (what: string, request: Buffer) => Promise<MercuryFrame | 'over'>,
): Promise<'done' | 'over'> {
  if (options.region !== undefined) {
    const reply = await demand(`the region '${options.region}'`, mercurySetRegion(options.region));
    return reply === 'over' ? 'over' : 'done';
  }
  const reply = await demand('to tell its region', mercuryGetRegion());
  if (reply === 'over') return 'over';
  if (reply.data[0] === NO_REGION) {
    throw new DriverError({
      code: 'reader-refused',
      message: `${options.path}: the module has no region, and does not read without: configure 'region'`,
    });
  }
  return 'done';
}

/** Asks until there is an answer. */
async function persistent(link: Link, request: Buffer, options: ThingMagicOptions): Promise<MercuryFrame | 'over'> {
  for (let tries = 0; tries < TRIES; tries++) {
    const reply = await ask(link, request, options);
    if (reply !== 'timeout') return reply;
  }
  throw silentError(options, `in ${TRIES} tries of ${options.answerTimeoutMs} ms`);
}

function ask(link: Link, request: Buffer, options: ThingMagicOptions) {
  return link.ask({ request, timeoutMs: options.answerTimeoutMs, isAnswer: isReplyTo(request) });
}

/** A reply has the opcode of its command, which is the command's third byte. */
export function isReplyTo(request: Buffer): (frame: MercuryFrame) => boolean {
  return (frame) => frame.opcode === request[2];
}

export function silentError(options: ThingMagicOptions, how: string): DriverError {
  const { path, baudRate } = options;
  return new DriverError({
    code: 'device-silent',
    message: `${path}: the module did not answer ${how}: check its power, its enable pin, wiring and baud rate (${baudRate})`,
  });
}

function refused(what: string, reply: MercuryFrame): DriverError {
  const status = mercuryStatusName(reply.status ?? 0);
  return new DriverError({ code: 'reader-refused', message: `the module refuses ${what}: ${status}` });
}
