/**
 * A serial UHF RFID module of the R200 family (R200, YRM100, M100: MagicRF chip): tags.
 *
 * The module inventories by itself (command 27, as many rounds as it counts to) and says "no tag" after an empty round. When it falls quiet, its
 * rounds are done or it has lost its power: it is set up and started again, and only one that answers nothing at all ends the run.
 */
import { isCodecError } from '../../../protocols/base/codec-error.ts';
import {
  encodeR200,
  R200Command,
  type R200Frame,
  R200Framer,
  r200Error,
  r200MultiPoll,
  r200SetPower,
  r200SetRegion,
  r200StopMultiPoll,
  r200Tag,
} from '../../../protocols/rfid-serial/index.ts';
import { type Driver, type DriverContext, DriverError, type Reading } from '../../driver.ts';
import { FaultLog } from '../../transport/fault-log.ts';
import { FrameLink } from '../../transport/frame-link.ts';
import { serialTransport } from '../../transport/options.ts';
import { optionsSchema, type R200Options } from './options.ts';

const QUIET_MS = 50;
/** The first byte that a sleeping module hears only wakes it. */
const TRIES = 3;
const MOST_ROUNDS = 0xffff;
const GOODBYE_MS = 500;
const HARDWARE_VERSION = 0x00;

type Link = FrameLink<R200Frame>;

export const driver: Driver<R200Options> = {
  kind: 'r200',
  summary: 'serial UHF RFID module R200, YRM100, M100: tags',
  options: optionsSchema,
  transport: serialTransport,
  run,
};

async function* run(context: DriverContext, options: R200Options): AsyncIterable<Reading> {
  const link: Link = new FrameLink(context, new R200Framer(), { quietMs: QUIET_MS });
  try {
    yield* inventory(link, context, options);
  } finally {
    if (context.signal.aborted) {
      const stop = {
        request: r200StopMultiPoll(),
        timeoutMs: GOODBYE_MS,
        isAnswer: isAnswerTo(R200Command.stopMultiPoll),
      };
      await link.askAfterStop(stop).catch(() => {});
    }
  }
}

async function* inventory(link: Link, context: DriverContext, options: R200Options): AsyncIterable<Reading> {
  const { clock, log } = context;
  const said = new FaultLog();
  for (;;) {
    const started = await start(link, options);
    if (started === 'over') return;
    log.debug({ module: started.module }, 'RFID module inventories');
    if (started.complaint && said.admit('reader-config-refused', clock.monotonicUs()) !== undefined) {
      const { complaint: message } = started;
      yield { kind: 'status', code: 'reader-config-refused', message, monotonicUs: clock.monotonicUs() };
    }
    for (;;) {
      const frame = await link.next(options.quietMs);
      if (frame === 'over') return;
      if (frame === 'timeout') break;
      yield* readingsOf(frame, { link, context, options, said });
    }
  }
}

interface Reader {
  link: Link;
  context: DriverContext;
  options: R200Options;
  said: FaultLog;
}

function* readingsOf(frame: R200Frame, { link, context, options, said }: Reader): Iterable<Reading> {
  const monotonicUs = context.clock.monotonicUs();
  const error = r200Error(frame);
  if (error !== undefined) {
    if (error === 'no-tag' || said.admit('reader-exception', monotonicUs) === undefined) return;
    const message = `the module reports an error: ${error}`;
    yield { kind: 'status', code: 'reader-exception', message, monotonicUs };
    return;
  }
  const tag = tagOf(frame, link, context);
  if (!tag || tag.epc.length === 0) return;
  if (tag.crcOk) {
    const { antenna } = options;
    yield { kind: 'tag', monotonicUs, epcHex: tag.epc.toString('hex'), antenna, rssiDbm: tag.rssiDbm, reads: 1 };
    return;
  }
  link.refuse(encodeR200(frame).length);
  if (said.admit('tag-unreadable', monotonicUs) === undefined) return;
  const message = 'the module reports tags whose own CRC is wrong: they are not taken';
  yield { kind: 'status', code: 'tag-unreadable', message, monotonicUs };
}

function tagOf(frame: R200Frame, link: Link, context: DriverContext) {
  try {
    return r200Tag(frame);
  } catch (error) {
    if (!isCodecError(error)) throw error;
    context.log.debug({ code: error.code, reason: error.message }, 'RFID frame skipped');
    link.refuse(encodeR200(frame).length);
    return undefined;
  }
}

/** @throws DriverError `device-silent`, `reader-refused`; TransportError */
async function start(link: Link, options: R200Options): Promise<'over' | { module: string; complaint?: string }> {
  // It may still inventory for whoever had the port before. Not every firmware answers this when it does not.
  const stopped = await command(link, r200StopMultiPoll(), R200Command.stopMultiPoll, options);
  if (stopped === 'over') return 'over';
  const about = encodeR200({
    type: 'command',
    command: R200Command.moduleInfo,
    parameters: Buffer.of(HARDWARE_VERSION),
  });
  const information = await persistent(link, about, R200Command.moduleInfo, options);
  if (information === 'over') return 'over';
  const module = information.parameters.toString('latin1', 1);
  link.forget();

  if (options.region !== undefined) {
    const answer = await persistent(link, r200SetRegion(options.region), R200Command.setRegion, options);
    if (answer === 'over') return 'over';
    const refusal = refusalIn(answer);
    if (refusal !== undefined) {
      const message = `the module refuses the region '${options.region}': ${refusal}`;
      throw new DriverError({ code: 'reader-refused', message });
    }
  }
  let complaint: string | undefined;
  if (options.transmitPowerDbm !== undefined) {
    const answer = await persistent(link, r200SetPower(options.transmitPowerDbm), R200Command.setPower, options);
    if (answer === 'over') return 'over';
    const refusal = refusalIn(answer);
    if (refusal !== undefined) {
      complaint = `the module refuses ${options.transmitPowerDbm} dBm (${refusal}), its own setting holds`;
    }
  }
  await link.send(r200MultiPoll(MOST_ROUNDS));
  return { module, ...(complaint !== undefined && { complaint }) };
}

/** Asks until there is an answer. */
async function persistent(
  link: Link,
  request: Buffer,
  code: number,
  options: R200Options,
): Promise<R200Frame | 'over'> {
  for (let tries = 0; tries < TRIES; tries++) {
    const answer = await command(link, request, code, options);
    if (answer !== 'timeout') return answer;
  }
  const { path, answerTimeoutMs, baudRate } = options;
  throw new DriverError({
    code: 'device-silent',
    message: `${path}: the module did not answer in ${TRIES} tries of ${answerTimeoutMs} ms: check its power, its enable pin, wiring and baud rate (${baudRate})`,
  });
}

function command(link: Link, request: Buffer, code: number, options: R200Options) {
  return link.ask({ request, timeoutMs: options.answerTimeoutMs, isAnswer: isAnswerTo(code) });
}

/** An error that is not about tags answers a command as well: it has no other way to say no. */
function isAnswerTo(code: number): (frame: R200Frame) => boolean {
  return (frame) => {
    const error = r200Error(frame);
    return error !== undefined ? error !== 'no-tag' : frame.type === 'response' && frame.command === code;
  };
}

function refusalIn(answer: R200Frame): string | undefined {
  const result = answer.parameters[0] ?? 0;
  return r200Error(answer) ?? (result === 0 ? undefined : `result ${result}`);
}
