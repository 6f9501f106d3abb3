/**
 * One LLRP connection as the client sees it: frames in order, requests and their responses, keepalives answered on the way.
 *
 * What arrives while a request waits for its response is kept for `receive`, at most ASIDE_MAX frames: beyond that the oldest is dropped
 * and its bytes count as discarded (a reader that floods its client during setup reports the same tags again).
 */
import { isCodecError } from '../../../protocols/base/codec-error.ts';
import {
  answerTypeOf,
  decodeHeader,
  decodeMessage,
  describeStatus,
  encodeMessage,
  type Header,
  impinjExtensionsStatus,
  LlrpFramer,
  type Message,
  STATUS_CODE,
  statusOf,
} from '../../../protocols/llrp/index.ts';
import { type DriverContext, DriverError } from '../../driver.ts';
import { ChunkReader } from '../../transport/chunk-reader.ts';

const ASIDE_MAX = 4096;
const KEEPALIVE = 62;
const ERROR_MESSAGE = 100;
/** Every reader speaks it, also those of LLRP 1.1 until another is agreed. */
const LLRP_1_0_1 = 1;

/** A message without what the session fills in. */
type Request = Message extends infer M ? (M extends Message ? Omit<M, 'version' | 'id'> : never) : never;

/** The reader ended the connection in order, or the driver was told to stop. */
export class SessionOver extends Error {
  override readonly name = 'SessionOver';
}

export class LlrpSession {
  readonly #context: DriverContext;
  readonly #answerTimeoutMs: number;
  readonly #reader: ChunkReader;
  readonly #framer = new LlrpFramer();
  #frames: Buffer[] = [];
  #aside: Buffer[] = [];
  #messageId = 0;
  /** Of what we send. */
  version = LLRP_1_0_1;
  #unreadableBytes = 0;

  constructor(context: DriverContext, answerTimeoutMs: number) {
    this.#context = context;
    this.#answerTimeoutMs = answerTimeoutMs;
    this.#reader = new ChunkReader(context);
  }

  nowUs(): number {
    return this.#context.clock.monotonicUs();
  }

  /**
   * The next frame that is no keepalive; undefined when nothing at all (no keepalive either) came for so long.
   * @param withinMs undefined after this time too, whatever keepalives come.
   * @throws SessionOver, TransportError
   */
  async receive(silenceMs: number, withinMs = Number.POSITIVE_INFINITY): Promise<Buffer | undefined> {
    const deadlineUs = this.nowUs() + withinMs * 1000;
    const read = () => this.#reader.read(Math.max(1, Math.min(silenceMs, (deadlineUs - this.nowUs()) / 1000)));
    return this.#aside.shift() ?? (await this.#nextFrame(read));
  }

  /**
   * Sends a request and waits for its response, whatever its status.
   * @throws DriverError `device-silent`, `reader-error`; SessionOver, TransportError
   */
  async ask(request: Request): Promise<Message> {
    const sent = await this.tell(request);
    const { clock } = this.#context;
    const deadlineUs = clock.monotonicUs() + this.#answerTimeoutMs * 1000;
    for (;;) {
      const leftMs = (deadlineUs - clock.monotonicUs()) / 1000;
      const frame = leftMs > 0 ? await this.#nextFrame(() => this.#reader.read(leftMs)) : undefined;
      if (!frame) throw noAnswer(request.name, this.#answerTimeoutMs);
      const answer = this.#answerTo(request.name, sent, frame);
      if (answer) return answer;
      this.#keep(frame);
    }
  }

  /** As `ask`, and the response must say success. @throws DriverError `reader-refused` too. */
  async demand(request: Request): Promise<Message> {
    const response = await this.ask(request);
    const refusal = refusalIn(response);
    if (refusal === undefined) return response;
    throw new DriverError({ code: 'reader-refused', message: `the reader refuses ${request.name}: ${refusal}` });
  }

  /** Sends a message and does not wait; returns its header, by which a response is known. */
  async tell(request: Request): Promise<Header> {
    this.#messageId = (this.#messageId % 0xffff_ffff) + 1;
    const bytes = encodeMessage({ ...request, version: this.version, id: this.#messageId } as Message);
    await this.#context.transport.write(bytes);
    return decodeHeader(bytes);
  }

  /**
   * Ends the connection in order: the reader stops inventorying for us, answers, closes, and is free for the next client.
   * @throws SessionOver when it has closed; returns when it has not in time.
   */
  async close(roSpecId: number, timeoutMs: number): Promise<void> {
    await this.tell({ name: 'DELETE_ROSPEC', roSpecId });
    await this.tell({ name: 'CLOSE_CONNECTION' });
    const { clock } = this.#context;
    const deadlineUs = clock.monotonicUs() + timeoutMs * 1000;
    for (let leftMs = timeoutMs; leftMs > 0; leftMs = (deadlineUs - clock.monotonicUs()) / 1000) {
      await this.#nextFrame(() => this.#reader.readAfterStop(leftMs));
    }
  }

  /** Decodes; a message that cannot be decoded counts as discarded and gives undefined. */
  decode<T>(frame: Buffer, decoder: (frame: Buffer) => T): T | undefined {
    try {
      return decoder(frame);
    } catch (error) {
      if (!isCodecError(error)) throw error;
      this.#context.log.debug(
        { code: error.code, reason: error.message, offset: error.offset },
        'LLRP message skipped',
      );
      this.#unreadableBytes += frame.length;
      this.#count();
      return undefined;
    }
  }

  async #nextFrame(read: () => ReturnType<ChunkReader['read']>): Promise<Buffer | undefined> {
    for (;;) {
      const frame = this.#frames.shift();
      if (frame && decodeHeader(frame).type !== KEEPALIVE) return frame;
      if (frame) {
        const { id } = decodeHeader(frame);
        await this.#context.transport.write(encodeMessage({ name: 'KEEPALIVE_ACK', version: this.version, id }));
        continue;
      }
      const chunk = await read();
      if (chunk === 'end' || chunk === 'stopped') throw new SessionOver(chunk);
      if (chunk === 'timeout') return undefined;
      this.#frames = this.#framer.push(chunk);
      this.#count();
    }
  }

  #answerTo(name: string, sent: Header, frame: Buffer): Message | undefined {
    const header = decodeHeader(frame);
    if (header.id !== sent.id) return undefined;
    const isError = header.type === ERROR_MESSAGE;
    if (!isError && header.type !== (answerTypeOf(sent.type) ?? sent.type)) return undefined;
    const message = this.decode(frame, decodeMessage);
    if (message && !isError) return message;
    const reason = message ? (refusalIn(message) ?? 'without a reason') : 'which cannot be decoded';
    throw new DriverError({ code: 'reader-error', message: `the reader answers ${name} with an error: ${reason}` });
  }

  /** As `ask`, for what a reader may not know: undefined when it answers with ERROR_MESSAGE. */
  async tryToAsk(request: Request): Promise<Message | undefined> {
    try {
      return await this.ask(request);
    } catch (error) {
      if (error instanceof DriverError && error.code === 'reader-error') return undefined;
      throw error;
    }
  }

  #keep(frame: Buffer): void {
    this.#aside.push(frame);
    if (this.#aside.length <= ASIDE_MAX) return;
    this.#unreadableBytes += this.#aside.shift()?.length ?? 0;
    this.#count();
  }

  #count(): void {
    const { stats } = this.#framer;
    Object.assign(this.#context.stats, stats, { discardedBytes: stats.discardedBytes + this.#unreadableBytes });
  }
}

/** Why a response is no success; undefined when it is one. */
export function refusalIn(response: Message): string | undefined {
  const status = statusOf(response) ?? impinjExtensionsStatus(response);
  return status === undefined || status.statusCode === STATUS_CODE.M_Success ? undefined : describeStatus(status);
}

function noAnswer(name: string, timeoutMs: number): DriverError {
  return new DriverError({
    code: 'device-silent',
    message: `the reader did not answer ${name} within ${timeoutMs} ms: is this its LLRP port, and is it still starting?`,
  });
}
