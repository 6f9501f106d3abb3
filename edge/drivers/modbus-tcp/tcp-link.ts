/** Requests and answers over Modbus TCP. An answer is taken only for its own transaction; a late one is passed over. */
import {
  decodeResponsePdu,
  encodeRequestPdu,
  encodeTcp,
  ModbusTcpFramer,
  type ReadRequest,
} from '../../../protocols/modbus/index.ts';
import { ChunkReader } from '../../transport/chunk-reader.ts';
import type { Answer, ModbusLink } from '../modbus-rtu/poll.ts';
import type { LinkContext } from '../modbus-rtu/rtu-link.ts';

export class TcpLink implements ModbusLink {
  readonly #context: LinkContext;
  readonly #reader: ChunkReader;
  readonly #framer = new ModbusTcpFramer();
  readonly #timeoutMs: number;
  #transactionId = 0;

  constructor(context: LinkContext, line: { timeoutMs: number }) {
    this.#context = context;
    this.#reader = new ChunkReader(context);
    this.#timeoutMs = line.timeoutMs;
  }

  async ask(unitId: number, request: ReadRequest): Promise<Answer> {
    const { clock, transport } = this.#context;
    const transactionId = (this.#transactionId + 1) & 0xffff;
    this.#transactionId = transactionId;
    await transport.write(encodeTcp({ transactionId, unitId, pdu: encodeRequestPdu(request) }));
    const deadlineUs = clock.monotonicUs() + this.#timeoutMs * 1000;
    for (;;) {
      const chunk = await this.#reader.read(Math.max(0, (deadlineUs - clock.monotonicUs()) / 1000));
      if (chunk === 'end' || chunk === 'stopped') return 'over';
      if (chunk === 'timeout') return 'silent';
      const answer = this.#take(chunk).find(
        (frame) => frame.transactionId === transactionId && frame.unitId === unitId,
      );
      if (answer) return decodeResponsePdu(answer.pdu, { request });
    }
  }

  rest(ms: number): Promise<'rested' | 'over'> {
    return this.#reader.rest(ms, (chunk) => this.#take(chunk));
  }

  #take(chunk: Uint8Array) {
    const frames = this.#framer.push(chunk);
    Object.assign(this.#context.stats, this.#framer.stats);
    return frames;
  }
}
