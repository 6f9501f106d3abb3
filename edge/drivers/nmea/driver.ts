/**
 * A satellite receiver on a serial port (NMEA 0183): positions.
 *
 * A position carries the time at which its first sentence arrived: sentences of one second come in a burst, and `utcMs` belongs to its
 * beginning. No fix is no position: a status says so once, and again when there is one.
 */
import { isCodecError } from '../../../protocols/base/codec-error.ts';
import { decodeNmea, NmeaFramer, type NmeaSentence, PositionAssembler } from '../../../protocols/nmea/index.ts';
import { type Driver, type DriverContext, DriverError, type Reading } from '../../driver.ts';
import { PositionGate } from '../../position-gate.ts';
import { ChunkReader } from '../../transport/chunk-reader.ts';
import { serialTransport } from '../../transport/options.ts';
import { type NmeaOptions, optionsSchema } from './options.ts';

/** Quiet on the line after which the receiver has said all it knows of this second. */
const EPOCH_GAP_MS = 100;
/** Sentences that begin an epoch, with a time or (before the first fix) without. */
const SPEAKS_OF_A_FIX: ReadonlySet<string> = new Set(['gga', 'gns', 'rmc', 'gll', 'zda']);

export const driver: Driver<NmeaOptions> = {
  kind: 'nmea',
  summary: 'satellite receiver (NMEA 0183): positions',
  options: optionsSchema,
  sensors: () => [{ kinds: ['position'] }],
  transport: serialTransport,
  run,
};

async function* run(context: DriverContext, options: NmeaOptions): AsyncIterable<Reading> {
  const { clock } = context;
  const reader = new ChunkReader(context);
  const sentences = new SentenceReader(context, options);
  const gate = new PositionGate(options.intervalMs);
  const assembler = new PositionAssembler();
  let startUs: number | undefined;
  for (;;) {
    const chunk = await reader.read(startUs === undefined ? options.silenceMs : EPOCH_GAP_MS);
    if (chunk === 'end' || chunk === 'stopped') return;
    if (chunk === 'timeout') {
      if (startUs === undefined) throw silentError(options);
      const epoch = assembler.idle();
      if (epoch) yield* gate.pass(epoch, startUs);
      startUs = undefined;
      continue;
    }
    const nowUs = clock.monotonicUs();
    for (const sentence of sentences.push(chunk)) {
      const epoch = assembler.push(sentence);
      if (epoch && startUs !== undefined) {
        yield* gate.pass(epoch, startUs);
        startUs = nowUs;
      }
      if (SPEAKS_OF_A_FIX.has(sentence.kind)) startUs ??= nowUs;
    }
  }
}

/** Chunks → sentences; what is framed but cannot be decoded counts as discarded. */
class SentenceReader {
  readonly #context: DriverContext;
  readonly #framer: NmeaFramer;
  readonly #requireChecksum: boolean;
  #undecodedBytes = 0;

  constructor(context: DriverContext, options: NmeaOptions) {
    this.#context = context;
    this.#requireChecksum = options.requireChecksum;
    this.#framer = new NmeaFramer({ requireChecksum: options.requireChecksum });
  }

  push(chunk: Uint8Array): NmeaSentence[] {
    const sentences = this.#framer.push(chunk).flatMap((text) => this.#decode(text));
    const { stats } = this.#framer;
    Object.assign(this.#context.stats, stats, { discardedBytes: stats.discardedBytes + this.#undecodedBytes });
    return sentences;
  }

  #decode(text: string): NmeaSentence[] {
    try {
      return [decodeNmea(text, { requireChecksum: this.#requireChecksum })];
    } catch (error) {
      if (!isCodecError(error)) throw error;
      this.#context.log.debug({ code: error.code, reason: error.message }, 'NMEA sentence skipped');
      this.#undecodedBytes += text.length;
      return [];
    }
  }
}

function silentError(options: NmeaOptions): DriverError {
  return new DriverError({
    code: 'device-silent',
    message: `${options.path}: not a byte for ${options.silenceMs} ms, though a receiver sends all the time: check power, wiring and baud rate (${options.baudRate})`,
  });
}
