/**
 * An RFID reader over LLRP (Impinj, Zebra, Sirit and others): tags by antenna.
 *
 * Times are when a report arrives, by this box's clock: a reader's own may be wrong by years. With keepalives on, three periods
 * without a byte count as a lost connection. On stop the reader is left idle and free for its next client.
 */
import { decodeHeader, decodeMessage, decodeTagReads, type TagRead } from '../../../protocols/llrp/index.ts';
import type { Driver, DriverContext, Reading } from '../../driver.ts';
import { FaultLog } from '../../transport/fault-log.ts';
import { tcpTransport } from '../../transport/options.ts';
import { TransportError } from '../../transport/transport.ts';
import { type LlrpOptions, optionsSchema } from './options.ts';
import { interpretEvents, type ReaderStatus } from './reader-events.ts';
import { LlrpSession, SessionOver } from './session.ts';
import { ROSPEC_ID, setUpReader } from './setup.ts';

const RO_ACCESS_REPORT = 61;
const SILENT_PERIODS = 3;
/** Without keepalives a reader without tags is silent as well; TCP's own keepalive finds a dead one. */
const NO_KEEPALIVE_WAIT_MS = 3_600_000;
const GOODBYE_MS = 700;

export const driver: Driver<LlrpOptions> = {
  kind: 'llrp',
  summary: 'RFID reader over LLRP: tags by antenna',
  options: optionsSchema,
  transport: tcpTransport,
  run,
};

async function* run(context: DriverContext, options: LlrpOptions): AsyncIterable<Reading> {
  const session = new LlrpSession(context, options.answerTimeoutMs);
  try {
    yield* inventory(session, context, options);
  } catch (error) {
    if (!(error instanceof SessionOver)) throw error;
  } finally {
    // A reader that does not hear this frees itself when the connection closes.
    if (context.signal.aborted) await session.close(ROSPEC_ID, GOODBYE_MS).catch(() => {});
  }
}

async function* inventory(session: LlrpSession, context: DriverContext, options: LlrpOptions): AsyncIterable<Reading> {
  const { clock, log } = context;
  const { complaints, facts, keepalive } = await setUpReader(session, options);
  log.info({ ...facts, keepalive }, 'RFID reader inventories');
  for (const complaint of complaints) yield { kind: 'status', ...complaint, monotonicUs: clock.monotonicUs() };

  const said = new FaultLog();
  const onlyAntenna = options.antennas?.length === 1 ? options.antennas[0] : undefined;
  const silenceMs = keepalive ? options.keepaliveMs * SILENT_PERIODS : NO_KEEPALIVE_WAIT_MS;
  for (;;) {
    const frame = await session.receive(silenceMs);
    const monotonicUs = clock.monotonicUs();
    if (!frame) {
      if (!keepalive) continue;
      throw lost(options, `no keepalive for ${silenceMs} ms`);
    }
    if (decodeHeader(frame).type === RO_ACCESS_REPORT) {
      for (const read of session.decode(frame, decodeTagReads) ?? []) yield tagReading(read, monotonicUs, onlyAntenna);
      continue;
    }
    const message = session.decode(frame, decodeMessage);
    const events = message ? interpretEvents(message) : [];
    if (events === 'closed') throw lost(options, 'the reader closed it');
    yield* statuses(events, said, monotonicUs);
  }
}

function tagReading(read: TagRead, monotonicUs: number, onlyAntenna: number | undefined): Reading {
  return {
    kind: 'tag',
    monotonicUs,
    epcHex: read.epc,
    // Readers leave the antenna out when they have one, or when told to.
    antenna: read.antennaId ?? onlyAntenna ?? 0,
    ...(read.peakRssiDbm !== undefined && { rssiDbm: read.peakRssiDbm }),
    reads: Math.max(1, read.tagSeenCount ?? 1),
  };
}

function* statuses(events: readonly ReaderStatus[], said: FaultLog, monotonicUs: number): Iterable<Reading> {
  for (const { code, message, repeats } of events) {
    if (!repeats || said.admit(code, monotonicUs) !== undefined) yield { kind: 'status', code, message, monotonicUs };
  }
}

function lost(options: LlrpOptions, reason: string): TransportError {
  const where = `${options.host}:${options.port}`;
  return new TransportError({ code: 'connection-lost', message: `${where}: the connection was lost (${reason})` });
}
