/**
 * A satellite receiver on a serial port (NMEA 0183): positions.
 *
 * A position carries the time at which its first sentence arrived: sentences of one second come in a burst, and `utcMs` belongs to its
 * beginning. No fix is no position: a status says so once, and again when there is one.
 */
import { isCodecError } from '../../../protocols/base/codec-error.ts';
import {
  decodeNmea,
  type Fix,
  NmeaFramer,
  type NmeaSentence,
  type NoFix,
  PositionAssembler,
} from '../../../protocols/nmea/index.ts';
import { type Driver, type DriverContext, DriverError, type Reading } from '../../driver.ts';
import { ChunkReader } from '../../transport/chunk-reader.ts';
import { FaultLog } from '../../transport/fault-log.ts';
import { serialTransport } from '../../transport/options.ts';
import { type NmeaOptions, optionsSchema } from './options.ts';

/** Quiet on the line after which the receiver has said all it knows of this second. */
const EPOCH_GAP_MS = 100;
/** A receiver of one position a second is not late by a few milliseconds. */
const INTERVAL_TOLERANCE = 0.9;

/** Sentences that begin an epoch, with a time or (before the first fix) without. */
const SPEAKS_OF_A_FIX: ReadonlySet<string> = new Set(['gga', 'gns', 'rmc', 'gll', 'zda']);

export const driver: Driver<NmeaOptions> = {
  kind: 'nmea',
  summary: 'satellite receiver (NMEA 0183): positions',
  options: optionsSchema,
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

/** Lets positions through, not more often than the interval, and says when there is no fix. */
class PositionGate {
  readonly #intervalUs: number;
  readonly #said = new FaultLog();
  #lastUs = Number.NEGATIVE_INFINITY;
  #isVoid = false;
  #saidVoid = false;

  constructor(intervalMs: number) {
    this.#intervalUs = intervalMs * 1000 * INTERVAL_TOLERANCE;
  }

  *pass(epoch: Fix | NoFix, monotonicUs: number): Iterable<Reading> {
    if (epoch.kind === 'no-fix') {
      if (!this.#isVoid) yield* this.#lose(epoch, monotonicUs);
      this.#isVoid = true;
      return;
    }
    this.#isVoid = false;
    if (this.#saidVoid) {
      this.#saidVoid = false;
      yield { kind: 'status', code: 'position-recovered', message: 'the receiver has a fix again', monotonicUs };
    }
    if (monotonicUs - this.#lastUs < this.#intervalUs) return;
    this.#lastUs = monotonicUs;
    yield positionReading(epoch, monotonicUs);
  }

  /** A van in a city loses and finds its fix all day: that is not worth a message each time. */
  *#lose(epoch: NoFix, monotonicUs: number): Iterable<Reading> {
    if (this.#said.admit('position-void', monotonicUs) === undefined) return;
    this.#saidVoid = true;
    const seen = epoch.satellites === undefined ? '' : ` (${epoch.satellites} satellites used)`;
    const message = `the receiver has no fix${seen}: does its antenna see the sky?`;
    yield { kind: 'status', code: 'position-void', message, monotonicUs };
  }
}

function positionReading(fix: Fix, monotonicUs: number): Reading {
  const { latitude, longitude, altitudeMeters, speedMetersPerSecond, courseDegrees, hdop, satellites, utc } = fix;
  return {
    kind: 'position',
    monotonicUs,
    latitude,
    longitude,
    ...(altitudeMeters !== undefined && { altitudeMeters }),
    ...(speedMetersPerSecond !== undefined && { speedMetersPerSecond }),
    ...(courseDegrees !== undefined && { courseDegrees }),
    ...(hdop !== undefined && { hdop }),
    ...(satellites !== undefined && { satellites }),
    ...(utc !== undefined && { utcMs: utc.ms }),
  };
}

function silentError(options: NmeaOptions): DriverError {
  return new DriverError({
    code: 'device-silent',
    message: `${options.path}: not a byte for ${options.silenceMs} ms, though a receiver sends all the time: check power, wiring and baud rate (${options.baudRate})`,
  });
}
