/**
 * A satellite receiver that is shared through gpsd: positions.
 *
 * gpsd may give several TPV for one solution as its sentences come in: the first one counts, except that one that lacks the altitude
 * waits for the next (FILL_MS). No fix is no position: position-gate.ts.
 */
import { LineFramer } from '../../../protocols/barcode/line-framer.ts';
import { isCodecError } from '../../../protocols/base/codec-error.ts';
import { decodeGpsd, encodeGpsdWatch, type GpsdReport, MAX_GPSD_LINE_BYTES } from '../../../protocols/gpsd/index.ts';
import type { Fix, NoFix } from '../../../protocols/nmea/index.ts';
import { type Driver, type DriverContext, DriverError, type Reading } from '../../driver.ts';
import { PositionGate } from '../../position-gate.ts';
import { ChunkReader } from '../../transport/chunk-reader.ts';
import { FaultLog } from '../../transport/fault-log.ts';
import { tcpTransport } from '../../transport/options.ts';
import { type GpsdOptions, optionsSchema } from './options.ts';
import { Receivers } from './receivers.ts';
import { TimeCheck } from './time-check.ts';

/** How long a solution is given to become whole; a burst of sentences at 4800 baud takes about half a second. */
const FILL_MS = 250;

export const driver: Driver<GpsdOptions> = {
  kind: 'gpsd',
  summary: 'satellite receiver through gpsd (JSON over TCP): positions',
  options: optionsSchema,
  sensors: () => [{ kinds: ['position'] }],
  transport: tcpTransport,
  run,
};

interface Solution {
  fix: Fix | NoFix;
  monotonicUs: number;
}

async function* run(context: DriverContext, options: GpsdOptions): AsyncIterable<Reading> {
  const { clock, transport } = context;
  const reader = new ChunkReader(context);
  const lines = new ReportReader(context);
  const session = new Session(options);
  await transport.write(encodeGpsdWatch());
  let heardUs = clock.monotonicUs();
  for (;;) {
    const quietMs = (clock.monotonicUs() - heardUs) / 1000;
    const waitMs = session.hasOpenSolution ? FILL_MS : Math.max(0, options.silenceMs - quietMs);
    const chunk = await reader.read(waitMs);
    if (chunk === 'end' || chunk === 'stopped') return;
    const nowUs = clock.monotonicUs();
    if (chunk === 'timeout') {
      if (session.hasOpenSolution) yield* session.close();
      else throw silentError(options, session.receivers);
      continue;
    }
    for (const report of lines.push(chunk)) {
      if (report.kind === 'tpv' || report.kind === 'sky') heardUs = nowUs;
      yield* session.take(report, nowUs);
    }
  }
}

/** Chunks → reports; a line that cannot be decoded counts as discarded. */
class ReportReader {
  readonly #context: DriverContext;
  readonly #framer = new LineFramer({ suffixes: ['crlf', 'lf'], maxLength: MAX_GPSD_LINE_BYTES });
  #undecodedBytes = 0;

  constructor(context: DriverContext) {
    this.#context = context;
  }

  push(chunk: Uint8Array): GpsdReport[] {
    const reports = this.#framer.push(chunk).flatMap((line) => this.#decode(line));
    const { stats } = this.#framer;
    Object.assign(this.#context.stats, stats, { discardedBytes: stats.discardedBytes + this.#undecodedBytes });
    return reports;
  }

  #decode(line: Buffer): GpsdReport[] {
    try {
      return [decodeGpsd(line.toString('utf8'))];
    } catch (error) {
      if (!isCodecError(error)) throw error;
      this.#context.log.debug({ code: error.code, reason: error.message }, 'line of gpsd skipped');
      this.#undecodedBytes += line.length;
      return [];
    }
  }
}

/** What one connection has told so far. */
class Session {
  /** Paths that gpsd has named. */
  readonly receivers = new Map<string, boolean>();
  readonly #followed: Receivers;
  readonly #gate: PositionGate;
  readonly #time = new TimeCheck();
  readonly #said = new FaultLog();
  #open: Solution | undefined;
  #lastUtcMs: number | undefined;

  constructor(options: GpsdOptions) {
    this.#followed = new Receivers(options.receiver);
    this.#gate = new PositionGate(options.intervalMs);
  }

  get hasOpenSolution(): boolean {
    return this.#open !== undefined;
  }

  *take(report: GpsdReport, monotonicUs: number): Iterable<Reading> {
    switch (report.kind) {
      case 'devices':
        this.receivers.clear();
        for (const { path, active } of report.receivers) this.receivers.set(path, active);
        return;
      case 'device':
        this.receivers.set(report.receiver.path, report.receiver.active);
        return;
      case 'sky':
        this.#followed.sky(report);
        return;
      case 'error':
        yield* this.#sayOnce('gpsd-error', `gpsd: ${report.message}`, monotonicUs);
        return;
      case 'tpv': {
        const fix = this.#followed.tpv(report, monotonicUs);
        if (fix) yield* this.#solution(fix, monotonicUs);
        return;
      }
    }
  }

  /** No more comes for the open solution. */
  *close(): Iterable<Reading> {
    const open = this.#open;
    this.#open = undefined;
    if (!open) return;
    const { fix, monotonicUs } = open;
    if (fix.kind === 'fix') this.#lastUtcMs = fix.utc?.ms;
    yield* this.#gate.pass(yield* this.#withCheckedTime(fix, monotonicUs), monotonicUs);
  }

  *#solution(fix: Fix | NoFix, monotonicUs: number): Iterable<Reading> {
    const utcMs = fix.kind === 'fix' ? fix.utc?.ms : undefined;
    if (utcMs !== undefined && utcMs === this.#lastUtcMs) return;
    const isSame = this.#open?.fix.kind === 'fix' && utcMs !== undefined && this.#open.fix.utc?.ms === utcMs;
    if (isSame && this.#open) this.#open.fix = fix;
    else {
      yield* this.close();
      this.#open = { fix, monotonicUs };
    }
    const isWhole = fix.kind === 'no-fix' || fix.dimensions === 3;
    if (isWhole) yield* this.close();
  }

  *#withCheckedTime(fix: Fix | NoFix, monotonicUs: number): Generator<Reading, Fix | NoFix> {
    if (fix.kind === 'no-fix' || fix.utc === undefined) return fix;
    const { trusted, leapMs } = this.#time.judge(fix.utc.ms, monotonicUs);
    if (leapMs !== undefined) {
      const seconds = `${leapMs > 0 ? 'ahead' : 'back'} by ${Math.abs(Math.round(leapMs / 1000))} s`;
      const message = `the receiver's time leapt ${seconds}: it is not used until it has gone steadily for a while`;
      yield* this.#sayOnce('position-time-leap', message, monotonicUs);
    }
    if (trusted) return fix;
    const { utc: _, ...rest } = fix;
    return rest;
  }

  *#sayOnce(code: string, message: string, monotonicUs: number): Iterable<Reading> {
    if (this.#said.admit(code, monotonicUs) !== undefined) yield { kind: 'status', code, message, monotonicUs };
  }
}

function silentError(options: GpsdOptions, receivers: ReadonlyMap<string, boolean>): DriverError {
  const where = `${options.host}:${options.port}`;
  const names = [...receivers.keys()].join(', ');
  const wanted = options.receiver !== undefined && !receivers.has(options.receiver) ? options.receiver : undefined;
  const what =
    receivers.size === 0
      ? "it has no receiver: name one in /etc/default/gpsd (DEVICES) or with 'gpsdctl add PATH'"
      : wanted === undefined
        ? `its receivers (${names}) say nothing: check their power and cables`
        : `it has ${names}, not '${wanted}'`;
  return new DriverError({
    code: 'device-silent',
    message: `gpsd at ${where} told of no receiver for ${options.silenceMs} ms: ${what}`,
  });
}
