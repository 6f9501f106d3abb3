/**
 * Brings a reader to "waiting for inventory commands".
 *
 * Its settings live in an EEPROM, so they are read first and written only where they differ: a gateway that reconnects every minute would wear it
 * out otherwise. In scan or trigger mode a reader executes no inventory commands (manual, clause 8.4.9): it is put into answer mode.
 */
import { isCodecError } from '../../../protocols/base/codec-error.ts';
import {
  encodeUhfReader18,
  UhfReader18Command,
  type UhfReader18Frame,
  type UhfReader18Information,
  uhfReader18Information,
  uhfReader18Region,
  uhfReader18StatusName,
  uhfReader18WorkMode,
} from '../../../protocols/rfid-serial/index.ts';
import { DriverError } from '../../driver.ts';
import type { FrameLink } from '../../transport/frame-link.ts';
import type { UhfReader18Options } from './options.ts';

export type Link = FrameLink<UhfReader18Frame>;

const TRIES = 3;
const ANSWER_MODE = 0x00;
const MODE_BITS = 0x03;

export interface Setup {
  information: UhfReader18Information;
  scanTimeMs: number;
  complaints: string[];
}

/** @throws DriverError `device-silent`, `reader-refused`; TransportError */
export async function setUpReader(link: Link, options: UhfReader18Options): Promise<Setup | 'over'> {
  const reply = await persistent(link, UhfReader18Command.readerInformation, [], options);
  if (reply === 'over') return 'over';
  const information = understood(() => uhfReader18Information(reply));
  if (!information) throw refused('to tell about itself', reply);

  const complaints: string[] = [];
  const set = async (what: string, command: number, data: readonly number[]): Promise<'done' | 'over' | string> => {
    const answer = await persistent(link, command, data, options);
    if (answer === 'over') return 'over';
    const status = statusOf(answer);
    return status === 0 ? 'done' : `the reader refuses ${what}: ${uhfReader18StatusName(status)}`;
  };

  if (options.region) {
    const { band, firstChannel, lastChannel } = options.region;
    const wish = uhfReader18Region(band, {
      first: firstChannel,
      ...(lastChannel !== undefined && { last: lastChannel }),
    });
    const { maximumFrequency, minimumFrequency } = wish;
    if (maximumFrequency !== information.maximumFrequency || minimumFrequency !== information.minimumFrequency) {
      const outcome = await set(`the band '${band}'`, UhfReader18Command.setRegion, [
        maximumFrequency,
        minimumFrequency,
      ]);
      if (outcome === 'over') return 'over';
      if (outcome !== 'done') throw new DriverError({ code: 'reader-refused', message: outcome });
    }
  }
  const power = options.transmitPowerDbm;
  if (power !== undefined && power !== information.powerDbm) {
    const outcome = await set(`${power} dBm`, UhfReader18Command.setPower, [power]);
    if (outcome === 'over') return 'over';
    if (outcome !== 'done') complaints.push(outcome);
  }
  let { scanTimeMs } = information;
  const wishMs = options.scanTimeMs;
  if (wishMs !== undefined && wishMs !== scanTimeMs) {
    const outcome = await set(`a scan time of ${wishMs} ms`, UhfReader18Command.setScanTime, [wishMs / 100]);
    if (outcome === 'over') return 'over';
    if (outcome === 'done') scanTimeMs = wishMs;
    else complaints.push(outcome);
  }
  const mode = await ensureAnswerMode(link, options, set);
  if (mode === 'over') return 'over';
  if (mode !== 'done') complaints.push(mode);
  return { information, scanTimeMs, complaints };
}

/** Readers that know no work mode are in answer mode always. */
async function ensureAnswerMode(
  link: Link,
  options: UhfReader18Options,
  set: (what: string, command: number, data: readonly number[]) => Promise<'done' | 'over' | string>,
): Promise<'done' | 'over' | string> {
  const reply = await ask(link, UhfReader18Command.getWorkMode, [], options);
  if (reply === 'over') return 'over';
  const mode = reply === 'timeout' ? undefined : understood(() => uhfReader18WorkMode(reply));
  const readMode = mode?.[0] ?? ANSWER_MODE;
  if (!mode || (readMode & MODE_BITS) === ANSWER_MODE) return 'done';
  return await set('answer mode', UhfReader18Command.setWorkMode, [readMode & ~MODE_BITS, ...mode.subarray(1)]);
}

/** Asks until there is an answer. */
async function persistent(
  link: Link,
  command: number,
  data: readonly number[],
  options: UhfReader18Options,
): Promise<UhfReader18Frame | 'over'> {
  for (let tries = 0; tries < TRIES; tries++) {
    const answer = await ask(link, command, data, options);
    if (answer !== 'timeout') return answer;
  }
  throw silentError(options, `in ${TRIES} tries of ${options.answerTimeoutMs} ms`);
}

function ask(link: Link, command: number, data: readonly number[], options: UhfReader18Options) {
  const request = encodeUhfReader18({ address: options.address, command, body: Buffer.from(data) });
  return link.ask({ request, timeoutMs: options.answerTimeoutMs, isAnswer: isAnswerTo(command) });
}

/** Command 00 with status FE: the reader does not know the command (clause 8.1). */
export function isAnswerTo(command: number): (frame: UhfReader18Frame) => boolean {
  return (frame) => frame.command === command || (frame.command === 0 && statusOf(frame) === 0xfe);
}

export function statusOf(frame: UhfReader18Frame): number {
  return frame.body[0] ?? 0;
}

export function silentError(options: UhfReader18Options, how: string): DriverError {
  const { path, address, baudRate } = options;
  return new DriverError({
    code: 'device-silent',
    message: `${path}: the reader with address ${address} did not answer ${how}: check its power, wiring, address and baud rate (${baudRate})`,
  });
}

function refused(what: string, reply: UhfReader18Frame): DriverError {
  const message = `the reader refuses ${what}: ${uhfReader18StatusName(statusOf(reply))}`;
  return new DriverError({ code: 'reader-refused', message });
}

/** What does not have the length that the manual says counts as not answered. */
function understood<T>(decode: () => T): T | undefined {
  try {
    return decode();
  } catch (error) {
    if (isCodecError(error)) return undefined;
    throw error;
  }
}
