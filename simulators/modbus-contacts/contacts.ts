/**
 * A digital input module on a Modbus RTU line (on Modbus TCP as well if asked) with a door contact at each input.
 *
 * Discrete inputs (02) from address 0; an input is on while its door is open, or the other way round with `openIsOn: false` (a
 * contact that is closed by the closed door). Everything else is an illegal address (02) or function (01); MODBUS Application
 * Protocol V1.1b3, clauses 6.2 and 7.
 *
 * Commands: `open [input=…] [forS=…]` (from 1; it closes by itself after that time), `close [input=…]`, and those of every serial
 * device.
 */
import { z } from 'zod';
import { isCodecError } from '../../protocols/base/codec-error.ts';
import {
  decodeRequestPdu,
  ExceptionCode,
  encodeResponsePdu,
  exceptionForFault,
  exceptionResponse,
} from '../../protocols/modbus/index.ts';
import { numberArg } from '../faults.ts';
import { type ModbusSlave, openModbusSlave } from '../modbus-slave.ts';
import {
  type CommandArgs,
  type RunningSimulator,
  type Simulator,
  type SimulatorContext,
  SimulatorError,
  wallMs,
} from '../simulator.ts';

const READ_DISCRETE_INPUTS = 0x02;

export const contactsOptions = z.strictObject({
  path: z.string().min(1).optional(),
  unitId: z.int().min(1).max(247).default(1),
  /** Listen on Modbus TCP too; 0 takes any free port. */
  tcpPort: z.int().min(0).max(65535).optional(),
  host: z.string().default('127.0.0.1'),
  inputs: z.int().min(1).max(64).default(8),
  openIsOn: z.boolean().default(true),
});
export type ContactsOptions = z.infer<typeof contactsOptions>;

export const CONTACTS_KIND = 'modbus-contacts';

export function modbusContacts(id: string, options: ContactsOptions): Simulator {
  return {
    kind: CONTACTS_KIND,
    id,
    async start(context) {
      const doors = new Doors(id, options, context);
      const { path, tcpPort, host, unitId } = options;
      const answer = (pdu: Uint8Array): Buffer => doors.answer(pdu);
      const slave = await openModbusSlave(context, { id, path, tcpPort, host, unitId: () => unitId, answer });
      return new Contacts(id, doors, slave);
    },
  };
}

class Contacts implements RunningSimulator {
  readonly kind = CONTACTS_KIND;
  readonly id: string;
  readonly #doors: Doors;
  readonly #slave: ModbusSlave;

  constructor(id: string, doors: Doors, slave: ModbusSlave) {
    this.id = id;
    this.#doors = doors;
    this.#slave = slave;
  }

  get address(): string {
    return this.#slave.address;
  }

  get otherAddresses(): readonly string[] {
    return this.#slave.otherAddresses;
  }

  async command(name: string, args: CommandArgs = {}): Promise<void> {
    if (name === 'open' || name === 'close') this.#doors.move(name, args);
    else await this.#slave.command(name, args);
  }

  async stop(): Promise<void> {
    this.#doors.stop();
    await this.#slave.close();
  }
}

class Doors {
  readonly #id: string;
  readonly #options: ContactsOptions;
  readonly #context: SimulatorContext;
  readonly #open = new Set<number>();
  /** What closes a door by itself, by input. */
  readonly #closing = new Map<number, () => void>();

  constructor(id: string, options: ContactsOptions, context: SimulatorContext) {
    this.#id = id;
    this.#options = options;
    this.#context = context;
  }

  move(name: 'open' | 'close', args: CommandArgs): void {
    const input = numberArg(args, 'input', 1);
    const forS = args.forS === undefined ? undefined : numberArg(args, 'forS', 0);
    const { inputs } = this.#options;
    if (!(Number.isInteger(input) && input >= 1 && input <= inputs) || !(forS === undefined || forS > 0)) {
      throw new SimulatorError({
        code: 'sim-command-invalid',
        message: `${name} ${this.#id}: input is 1 to ${inputs}, forS above 0`,
      });
    }
    this.#closing.get(input)?.();
    this.#closing.delete(input);
    this.#set(input, name === 'open');
    if (name === 'close' || forS === undefined) return;
    const cancel = this.#context.clock.after(forS * 1000, () => {
      this.#closing.delete(input);
      this.#set(input, false);
    });
    this.#closing.set(input, cancel);
  }

  answer(pdu: Uint8Array): Buffer {
    try {
      const request = decodeRequestPdu(pdu);
      const { functionCode } = request;
      if (request.kind !== 'read' || functionCode !== READ_DISCRETE_INPUTS) {
        return encodeResponsePdu(exceptionResponse(functionCode, ExceptionCode.illegalFunction));
      }
      const { address, quantity } = request;
      if (address + quantity > this.#options.inputs) {
        return encodeResponsePdu(exceptionResponse(functionCode, ExceptionCode.illegalDataAddress));
      }
      const values = Array.from({ length: quantity }, (_, i) => this.#isOn(address + i + 1));
      return encodeResponsePdu({ kind: 'bits', functionCode, values });
    } catch (error) {
      if (!isCodecError(error)) throw error;
      return encodeResponsePdu(exceptionResponse(pdu[0] ?? 0, exceptionForFault(error)));
    }
  }

  stop(): void {
    for (const cancel of this.#closing.values()) cancel();
    this.#closing.clear();
  }

  #isOn(input: number): boolean {
    return this.#open.has(input) === this.#options.openIsOn;
  }

  #set(input: number, open: boolean): void {
    if (this.#open.has(input) === open) return;
    if (open) this.#open.add(input);
    else this.#open.delete(input);
    const { clock, emit } = this.#context;
    const detail = { input, state: open ? 'open' : 'closed' };
    emit({ simulator: this.#id, kind: 'contact', atMs: Math.round(wallMs(clock)), detail });
  }
}
