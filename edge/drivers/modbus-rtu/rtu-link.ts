/**
 * Requests and answers on an RTU bus.
 *
 * RTU has no transaction number, so a late answer could pass for the next one's: after a request that was not answered the line
 * must be quiet for QUIET_MS before the next goes out (at most for MAX_NOISE_MS: a line that never rests is asked all the same, the
 * framer finds the answer in the noise). Between frames at least 3.5 characters (MODBUS over Serial Line V1.02, 2.5.1.1).
 */
import type { Clock } from '../../../protocols/base/clock.ts';
import type { FramerStats } from '../../../protocols/base/framer.ts';
import {
  decodeResponsePdu,
  encodeRequestPdu,
  encodeRtu,
  type ReadRequest,
  RtuResponseFramer,
} from '../../../protocols/modbus/index.ts';
import { ChunkReader } from '../../transport/chunk-reader.ts';
import type { Transport } from '../../transport/transport.ts';
import type { Answer, ModbusLink } from './poll.ts';

const QUIET_MS = 50;
const MAX_NOISE_MS = 500;
/** 3.5 characters of 11 bits; above 19200 baud the standard fixes 1.75 ms. A timer's resolution is added. */
const frameGapMs = (baudRate: number) => Math.ceil(Math.max(1.75, 38_500 / baudRate)) + 1;

export interface LinkContext {
  transport: Transport;
  clock: Clock;
  signal: AbortSignal;
  stats: FramerStats;
}

export class RtuLink implements ModbusLink {
  readonly #context: LinkContext;
  readonly #reader: ChunkReader;
  readonly #framer = new RtuResponseFramer();
  readonly #timeoutMs: number;
  readonly #gapMs: number;
  /** A late answer may still be on its way. */
  #doubtful = false;

  constructor(context: LinkContext, line: { baudRate: number; timeoutMs: number }) {
    this.#context = context;
    this.#reader = new ChunkReader(context);
    this.#timeoutMs = line.timeoutMs;
    this.#gapMs = frameGapMs(line.baudRate);
  }

  async ask(unitId: number, request: ReadRequest): Promise<Answer> {
    const { clock, transport } = this.#context;
    if ((await this.#waitForQuiet()) === 'over') return 'over';
    this.#framer.prime(unitId, request);
    this.#doubtful = true;
    await transport.write(encodeRtu({ unitId, pdu: encodeRequestPdu(request) }));
    const deadlineUs = clock.monotonicUs() + this.#timeoutMs * 1000;
    for (;;) {
      const chunk = await this.#reader.read(Math.max(0, (deadlineUs - clock.monotonicUs()) / 1000));
      if (chunk === 'end' || chunk === 'stopped') return 'over';
      if (chunk === 'timeout') {
        this.#forget();
        return 'silent';
      }
      const [frame] = this.#take(chunk);
      if (!frame) continue;
      this.#doubtful = false;
      return decodeResponsePdu(frame.pdu, { request });
    }
  }

  /** Bytes that arrive while nothing was asked are counted as discarded. */
  rest(ms: number): Promise<'rested' | 'over'> {
    return this.#reader.rest(ms, (chunk) => this.#take(chunk));
  }

  async #waitForQuiet(): Promise<'rested' | 'over'> {
    if (!this.#doubtful) return await this.rest(this.#gapMs);
    const { clock } = this.#context;
    const untilUs = clock.monotonicUs() + MAX_NOISE_MS * 1000;
    while (clock.monotonicUs() < untilUs) {
      const chunk = await this.#reader.read(QUIET_MS);
      if (chunk === 'end' || chunk === 'stopped') return 'over';
      if (chunk === 'timeout') break;
      this.#take(chunk);
    }
    return 'rested';
  }

  #take(chunk: Uint8Array) {
    const frames = this.#framer.push(chunk);
    Object.assign(this.#context.stats, this.#framer.stats);
    return frames;
  }

  #forget(): void {
    this.#framer.idle();
    Object.assign(this.#context.stats, this.#framer.stats);
  }
}
