/**
 * Modbus RTU from a request to its answer's values, beside modbus-serial on a port that is already open and answers at once: the request is
 * encoded, the answer found, checked and decoded. Vectors: captures of mbpoll and the specification's examples, each also with one bit
 * wrong, which must be refused.
 */
import { EventEmitter } from 'node:events';
import { fromHex } from '../../protocols/base/bytes.ts';
import {
  decodeResponsePdu,
  encodeRequestPdu,
  encodeRtu,
  type ModbusResponse,
  type ReadRequest,
  RtuResponseFramer,
} from '../../protocols/modbus/index.ts';
import { type Contest, type ContestVector, fixture, load, versionOf } from './contest.ts';

interface Vector {
  name: string;
  input: string;
  expected: { slave?: number; fc?: number; registers?: number[]; bits?: number[]; exceptionCode?: number };
}

type Answered = (error: (Error & { modbusCode?: number }) | null, result?: { data: (number | boolean)[] }) => void;

interface Client {
  open(done: (error?: Error) => void): void;
  writeFC2(unitId: number, address: number, count: number, done: Answered): void;
  writeFC3(unitId: number, address: number, count: number, done: Answered): void;
  writeFC4(unitId: number, address: number, count: number, done: Answered): void;
}

type Outcome = { values: number[] } | { exception: number } | 'refused';

const ModbusRTU = load<new (port: Port) => Client>('modbus-serial');

class Port extends EventEmitter {
  readonly isOpen = true;
  answer: Buffer = Buffer.alloc(0);

  open(done: () => void): void {
    done();
  }

  write(): void {
    this.emit('data', this.answer);
  }
}

const port = new Port();
const client = new ModbusRTU(port);
client.open(() => {});
const framer = new RtuResponseFramer();

export const modbus: Contest = {
  name: 'modbus',
  peer: versionOf('modbus-serial'),
  vectors: fixture<Vector>('modbus/fixtures/modbus-rtu.json').flatMap(({ name, input, expected }) => {
    const { slave, fc, registers, bits, exceptionCode } = expected;
    const values = registers ?? bits;
    const isRead = fc === 2 || fc === 3 || fc === 4;
    if (slave === undefined || !isRead || (values === undefined && exceptionCode === undefined)) return [];
    const request: ReadRequest = { kind: 'read', functionCode: fc, address: 1, quantity: values?.length ?? 1 };
    const frame = Buffer.from(fromHex(input));
    const wrong = Buffer.from(frame);
    wrong[3] = (wrong[3] ?? 0) ^ 0x10;
    const outcome: Outcome = exceptionCode === undefined ? { values: values ?? [] } : { exception: exceptionCode };
    return [
      vectorOf({ name, unitId: slave, request, frame, outcome }),
      vectorOf({ name: `${name}, a bit wrong`, unitId: slave, request, frame: wrong, outcome: 'refused' }),
    ];
  }),
};

interface Exchange {
  name: string;
  unitId: number;
  request: ReadRequest;
  frame: Buffer;
  outcome: Outcome;
}

function vectorOf(exchange: Exchange): ContestVector {
  const expected = JSON.stringify(exchange.outcome);
  return {
    name: exchange.name,
    ours: () => ask(exchange),
    peer: () => askPeer(exchange),
    oursRight: () => JSON.stringify(outcomeOf(ask(exchange))) === expected,
    peerRight: () => JSON.stringify(askPeer(exchange)) === expected,
    timed: typeof exchange.outcome === 'object' && 'values' in exchange.outcome,
  };
}

function ask({ unitId, request, frame }: Exchange): ModbusResponse | undefined {
  const sent = encodeRtu({ unitId, pdu: encodeRequestPdu(request) });
  framer.prime(unitId, request);
  const [answer] = sent.length > 0 ? framer.push(frame) : [];
  return answer && decodeResponsePdu(answer.pdu, { request });
}

function outcomeOf(response: ModbusResponse | undefined): Outcome {
  if (response === undefined) return 'refused';
  if (response.kind === 'exception') return { exception: response.exceptionCode };
  return 'values' in response ? { values: response.values.map(Number) } : 'refused';
}

function askPeer({ unitId, request, frame }: Exchange): Outcome {
  port.answer = frame;
  let outcome: Outcome = 'refused';
  const done: Answered = (error, result) => {
    if (result && !error) outcome = { values: result.data.slice(0, request.quantity).map(Number) };
    else if (error?.modbusCode !== undefined) outcome = { exception: error.modbusCode };
  };
  const { address, quantity } = request;
  if (request.functionCode === 2) client.writeFC2(unitId, address, quantity, done);
  else if (request.functionCode === 3) client.writeFC3(unitId, address, quantity, done);
  else client.writeFC4(unitId, address, quantity, done);
  return outcome;
}
