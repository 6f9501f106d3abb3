/**
 * An RFID reader over LLRP (Impinj, Zebra, Sirit and others): tags by antenna.
 *
 * Times are when a report arrives, by this box's clock: a reader's own may be wrong by years (reader-time.ts on what it held back). With keepalives on, three periods
 * without a byte count as a lost connection. On stop the reader is left idle and free for its next client.
 */
import { decodeHeader, decodeMessage, decodeTagReads, type TagRead } from '../../../protocols/llrp/index.ts';
import { type Driver, type DriverContext, DriverError, type Reading } from '../../driver.ts';
import { FaultLog } from '../../transport/fault-log.ts';
import { tcpTransport } from '../../transport/options.ts';
import { TransportError } from '../../transport/transport.ts';
import { type LlrpOptions, optionsSchema } from './options.ts';
import { interpretEvents, type ReaderStatus } from './reader-events.ts';
import { observedUs } from './reader-time.ts';
import { ROSPEC_ID } from './ro-spec.ts';
import { LlrpSession, refusalIn, SessionOver } from './session.ts';
import { contactOf, setUpReader } from './setup.ts';

const RO_ACCESS_REPORT = 61;
const SILENT_PERIODS = 3;
/** Without keepalives a reader without tags is silent as well; TCP's own keepalive finds a dead one. */
const NO_KEEPALIVE_WAIT_MS = 3_600_000;
/** An inventory that has ended and not begun again within this time is started by us. */
const RESUME_AFTER_MS = 3_000;
const GOODBYE_MS = 700;

export const driver: Driver<LlrpOptions> = {
  kind: 'llrp',
  summary: 'RFID reader over LLRP: tags by antenna',
  options: optionsSchema,
  sensors: ({ inputs }) => inputs.map(({ channel }) => ({ channel, kinds: ['contact'] })),
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
  const { complaints, facts, keepalive, contacts, welcome } = await setUpReader(session, options);
  log.info({ ...facts, keepalive, version: session.version }, 'RFID reader inventories');
  for (const complaint of complaints) yield { kind: 'status', ...complaint, monotonicUs: clock.monotonicUs() };
  for (const contact of contacts) yield { kind: 'contact', ...contact, monotonicUs: clock.monotonicUs() };

  const said = new FaultLog();
  const onlyAntenna = options.antennas?.length === 1 ? options.antennas[0] : undefined;
  const silenceMs = keepalive ? options.keepaliveMs * SILENT_PERIODS : NO_KEEPALIVE_WAIT_MS;
  let stoppedUs: number | undefined;
  for (;;) {
    const frame = await session.receive(silenceMs, stoppedUs === undefined ? undefined : RESUME_AFTER_MS);
    const monotonicUs = clock.monotonicUs();
    if (stoppedUs !== undefined && monotonicUs - stoppedUs >= RESUME_AFTER_MS * 1000) {
      stoppedUs = undefined;
      const message =
        'the reader has ended the inventory (something else has, or a limit of its own): it is started again';
      yield { kind: 'status', code: 'reader-inventory-ended', message, monotonicUs };
      await session.tell({ name: 'START_ROSPEC', roSpecId: ROSPEC_ID });
      if (!frame) continue;
    }
    if (!frame) {
      if (!keepalive) continue;
      throw lost(options, `no keepalive for ${silenceMs} ms`);
    }
    if (decodeHeader(frame).type === RO_ACCESS_REPORT) {
      for (const read of session.decode(frame, decodeTagReads) ?? []) {
        yield tagReading(read, observedUs(read, welcome, monotonicUs), onlyAntenna);
      }
      continue;
    }
    const message = session.decode(frame, decodeMessage);
    const events = message ? interpretEvents(message) : [];
    if (events === 'closed') throw lost(options, 'the reader closed it');
    const refusal = message?.name === 'START_ROSPEC_RESPONSE' ? refusalIn(message) : undefined;
    if (refusal !== undefined) {
      throw new DriverError({
        code: 'reader-refused',
        message: `the reader does not start the inventory again: ${refusal}`,
      });
    }
    for (const event of events) {
      if (event.kind === 'status') yield* status(event, said, monotonicUs);
      if (event.kind === 'input') {
        for (const contact of contactOf(options, event.port, event.isHigh))
          yield { kind: 'contact', ...contact, monotonicUs };
      }
      // With `reportEveryMs` the inventory ends and starts anew all the time.
      if (event.kind === 'inventory' && event.roSpecId === ROSPEC_ID) stoppedUs = event.runs ? undefined : monotonicUs;
    }
  }
}

function tagReading(read: TagRead, monotonicUs: number, onlyAntenna: number | undefined): Reading {
  const rssiDbm = read.vendor?.rssiDbm ?? read.peakRssiDbm;
  return {
    kind: 'tag',
    monotonicUs,
    epcHex: read.epc,
    // Readers leave the antenna out when they have one, or when told to.
    antenna: read.antennaId ?? onlyAntenna ?? 0,
    ...(rssiDbm !== undefined && { rssiDbm }),
    reads: Math.max(1, read.tagSeenCount ?? 1),
  };
}

function* status({ code, message, repeats }: ReaderStatus, said: FaultLog, monotonicUs: number): Iterable<Reading> {
  if (!repeats || said.admit(code, monotonicUs) !== undefined) yield { kind: 'status', code, message, monotonicUs };
}

function lost(options: LlrpOptions, reason: string): TransportError {
  const where = `${options.host}:${options.port}`;
  return new TransportError({ code: 'connection-lost', message: `${where}: the connection was lost (${reason})` });
}
