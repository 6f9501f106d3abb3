/**
 * A UHFReader18 or UHFReader09 (desktop and gate readers of many brands): tags.
 *
 * It inventories on command only, so it is asked again and again; an inventory takes at most the reader's scan time and may come in several
 * frames. When it did not answer SILENT_ROUNDS times in a row the run ends.
 */
import { isCodecError } from '../../../protocols/base/codec-error.ts';
import {
  encodeUhfReader18,
  UhfReader18Command,
  type UhfReader18Frame,
  UhfReader18Framer,
  uhfReader18Inventory,
  uhfReader18Report,
  uhfReader18StatusName,
} from '../../../protocols/rfid-serial/index.ts';
import type { Driver, DriverContext, Reading } from '../../driver.ts';
import { FaultLog } from '../../transport/fault-log.ts';
import { FrameLink } from '../../transport/frame-link.ts';
import { serialTransport } from '../../transport/options.ts';
import { optionsSchema, type UhfReader18Options } from './options.ts';
import { isAnswerTo, type Link, setUpReader, silentError, statusOf } from './setup.ts';

/** Twice the longest gap within a frame (clause 2). */
const QUIET_MS = 30;
/** The reader may take so much longer than its scan time (clause 8.2.1). */
const SCAN_TOLERANCE_MS = 75;
const SILENT_ROUNDS = 3;
const ANTENNA_ERROR = 0xf8;
/** No tag, and tags that were not understood: both happen at every door. */
const ORDINARY: ReadonlySet<number> = new Set([0x01, 0x02, 0x03, 0x04, 0xfa, 0xfb]);

export const driver: Driver<UhfReader18Options> = {
  kind: 'uhfreader18',
  summary: 'UHF RFID reader UHFReader18, UHFReader09: tags',
  options: optionsSchema,
  transport: serialTransport,
  run,
};

async function* run(context: DriverContext, options: UhfReader18Options): AsyncIterable<Reading> {
  const { clock, log } = context;
  const link: Link = new FrameLink(context, new UhfReader18Framer(), { quietMs: QUIET_MS });
  const setup = await setUpReader(link, options);
  if (setup === 'over') return;
  log.debug({ ...setup.information }, 'RFID reader inventories');
  for (const message of setup.complaints) {
    yield { kind: 'status', code: 'reader-config-refused', message, monotonicUs: clock.monotonicUs() };
  }

  const said = new FaultLog();
  const timeoutMs = setup.scanTimeMs + SCAN_TOLERANCE_MS + options.answerTimeoutMs;
  let silentRounds = 0;
  for (;;) {
    const request = encodeUhfReader18({ address: options.address, command: UhfReader18Command.inventory });
    let frame = await link.ask({ request, timeoutMs, isAnswer: isAnswerTo(UhfReader18Command.inventory) });
    while (typeof frame === 'object') {
      silentRounds = 0;
      yield* readingsOf(frame, { link, context, options, said });
      if (statusOf(frame) !== 0x03) break;
      frame = await link.next(timeoutMs);
    }
    for (const report of link.takeKept()) yield* readingsOf(report, { link, context, options, said });
    if (frame === 'over') return;
    if (frame === 'timeout' && ++silentRounds === SILENT_ROUNDS) {
      throw silentError(options, `${SILENT_ROUNDS} inventories of ${timeoutMs} ms`);
    }
    if ((await link.rest(options.pauseMs)) === 'over') return;
  }
}

interface Reader {
  link: Link;
  context: DriverContext;
  options: UhfReader18Options;
  said: FaultLog;
}

function* readingsOf(frame: UhfReader18Frame, reader: Reader): Iterable<Reading> {
  const { context, options, said } = reader;
  const monotonicUs = context.clock.monotonicUs();
  for (const epc of epcsOf(frame, reader)) {
    if (epc.length === 0) continue;
    yield { kind: 'tag', monotonicUs, epcHex: epc.toString('hex'), antenna: options.antenna, reads: 1 };
  }
  const status = statusOf(frame);
  const isInventory = frame.command === UhfReader18Command.inventory || frame.command === 0;
  if (!isInventory || ORDINARY.has(status)) return;
  const [code, message] =
    status === ANTENNA_ERROR
      ? (['antenna-disconnected', 'the reader finds no antenna: check its cable'] as const)
      : (['reader-exception', `the reader reports an error: ${uhfReader18StatusName(status)}`] as const);
  if (said.admit(code, monotonicUs) !== undefined) yield { kind: 'status', code, message, monotonicUs };
}

function epcsOf(frame: UhfReader18Frame, { link, context }: Reader): readonly Buffer[] {
  try {
    const report = uhfReader18Report(frame);
    return report ? [report] : (uhfReader18Inventory(frame)?.epcs ?? []);
  } catch (error) {
    if (!isCodecError(error)) throw error;
    context.log.debug({ code: error.code, reason: error.message }, 'RFID frame skipped');
    link.refuse(frame.body.length);
    return [];
  }
}
