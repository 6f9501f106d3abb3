/**
 * A ThingMagic Mercury module (M5e, M6e, Micro, Nano and relatives) on a serial port: tags by antenna.
 *
 * The module reads without end and reports each tag at once; at the end of a cycle without tags it says so. A module from before the M6e refuses
 * that, and is asked cycle by cycle. When a module falls quiet, or says by itself that it has stopped, it is set up and started again: it may have
 * lost its power and be back in its boot loader.
 */

import { isCodecError } from '../../../protocols/base/codec-error.ts';
import {
  type MercuryFrame,
  MercuryFramer,
  MercuryMetadata,
  MercuryOpcode,
  mercuryClearTagBuffer,
  mercuryGetTagBuffer,
  mercuryReadCount,
  mercuryReadMultiple,
  mercuryStartStreaming,
  mercuryStatusName,
  mercuryStopStreaming,
} from '../../../protocols/rfid-serial/index.ts';
import { type Driver, type DriverContext, DriverError, type Reading } from '../../driver.ts';
import { FaultLog } from '../../transport/fault-log.ts';
import { FrameLink } from '../../transport/frame-link.ts';
import { serialTransport } from '../../transport/options.ts';
import { optionsSchema, type ThingMagicOptions } from './options.ts';
import { isReplyTo, type Link, setUpModule, silentError } from './setup.ts';
import { ailment, bufferedReadings, NO_TAG, streamedReadings, type TagReader } from './tag-readings.ts';

const QUIET_MS = 50;
const SILENT_CYCLES = 3;
const GOODBYE_MS = 700;
/** What an M5e knows of a tag, of what is wanted. */
const BUFFER_METADATA =
  MercuryMetadata.readCount | MercuryMetadata.rssi | MercuryMetadata.antenna | MercuryMetadata.protocol;
/** Between two cycles: a module that answers at once must not keep this box busy. */
const PAUSE_MS = 5;
/** Replies to one read: beyond that the module counts wrong. */
const MAX_BUFFER_REPLIES = 100;

export const driver: Driver<ThingMagicOptions> = {
  kind: 'thingmagic',
  summary: 'ThingMagic Mercury RFID module (M5e, M6e, Nano): tags by antenna',
  options: optionsSchema,
  transport: serialTransport,
  run,
};

async function* run(context: DriverContext, options: ThingMagicOptions): AsyncIterable<Reading> {
  const link: Link = new FrameLink(context, new MercuryFramer('reply'), { quietMs: QUIET_MS });
  try {
    yield* inventory(link, context, options);
  } finally {
    if (context.signal.aborted) {
      const request = mercuryStopStreaming();
      await link.askAfterStop({ request, timeoutMs: GOODBYE_MS, isAnswer: isReplyTo(request) }).catch(() => {});
    }
  }
}

async function* inventory(link: Link, context: DriverContext, options: ThingMagicOptions): AsyncIterable<Reading> {
  const { clock, log } = context;
  const said = new FaultLog();
  const reader = { link, context, said, onlyAntenna: options.antennas[0] ?? 1 };
  let unanswered = 0;
  for (;;) {
    const setup = await setUpModule(link, options);
    if (setup === 'over') return;
    for (const message of setup.complaints) {
      const monotonicUs = clock.monotonicUs();
      if (said.admit('reader-config-refused', monotonicUs) === undefined) continue;
      yield { kind: 'status', code: 'reader-config-refused', message, monotonicUs };
    }
    const request = mercuryStartStreaming(options.cycleMs);
    const started = await link.ask({ request, timeoutMs: options.answerTimeoutMs, isAnswer: isReplyTo(request) });
    if (started === 'over') return;
    if (started === 'timeout') {
      if (++unanswered === SILENT_CYCLES) throw silentError(options, 'when told to read');
      continue;
    }
    unanswered = 0;
    const streams = started.status === 0;
    log.debug({ model: setup.model, streams }, 'RFID module inventories');
    const end = streams ? yield* stream(reader, options) : yield* poll(reader, options);
    if (end === 'over') return;
  }
}

/** Takes what the module reports, until it falls quiet or says that it has stopped. */
async function* stream(
  reader: TagReader,
  options: ThingMagicOptions,
): AsyncGenerator<Reading, 'over' | 'quiet', undefined> {
  const silenceMs = SILENT_CYCLES * options.cycleMs + options.answerTimeoutMs;
  for (;;) {
    const frame = await reader.link.next(silenceMs);
    if (frame === 'over') return 'over';
    if (frame === 'timeout' || frame.opcode === MercuryOpcode.multiProtocolTagOperation) return 'quiet';
    yield* streamedReadings(frame, reader);
  }
}

/** Cycle by cycle through the module's buffer. */
async function* poll(reader: TagReader, options: ThingMagicOptions): AsyncGenerator<Reading, 'over', undefined> {
  const { link } = reader;
  let silentCycles = 0;
  const ask = (request: Buffer, timeoutMs: number) =>
    link.ask({ request, timeoutMs: timeoutMs + options.answerTimeoutMs, isAnswer: isReplyTo(request) });
  let pauseMs = 0;
  for (;;) {
    if ((await link.rest(pauseMs)) === 'over') return 'over';
    pauseMs = PAUSE_MS;
    if ((await ask(mercuryClearTagBuffer(), 0)) === 'over') return 'over';
    const read = await ask(mercuryReadMultiple(options.cycleMs), options.cycleMs);
    if (read === 'over') return 'over';
    if (read === 'timeout') {
      if (++silentCycles === SILENT_CYCLES) throw silentError(options, `to ${SILENT_CYCLES} reads`);
      continue;
    }
    silentCycles = 0;
    if (read.status !== 0) {
      if (isBootLoader(read)) throw bootLoaderError(read);
      yield* ailment(read.status ?? 0, reader);
      // It may have given up at once.
      if (read.status !== NO_TAG) pauseMs = options.cycleMs;
      continue;
    }
    let left = countIn(read);
    for (let replies = 0; left > 0 && replies < MAX_BUFFER_REPLIES; replies++) {
      const buffered = await ask(mercuryGetTagBuffer(BUFFER_METADATA), 0);
      if (buffered === 'over') return 'over';
      if (buffered === 'timeout') break;
      const { readings, count } = bufferedReadings(buffered, reader);
      if (count === 0) break;
      yield* readings;
      left -= count;
    }
  }
}

function countIn(reply: MercuryFrame): number {
  try {
    return mercuryReadCount(reply) ?? 0;
  } catch (error) {
    if (isCodecError(error)) return 0;
    throw error;
  }
}

/** The module does not know the command to read: it was without power, and is back in its boot loader. */
function isBootLoader(reply: MercuryFrame): boolean {
  return reply.status === 0x0101;
}

function bootLoaderError(reply: MercuryFrame): DriverError {
  const status = mercuryStatusName(reply.status ?? 0);
  return new DriverError({
    code: 'reader-error',
    message: `the module has fallen back to its boot loader (${status})`,
  });
}
