/**
 * What all Modbus devices share: a slave on an RTU line, on Modbus TCP as well if asked.
 *
 * It behaves as a slave on a shared bus: it answers its own unit address only, executes broadcasts (unit 0) in silence, says
 * nothing to frames with a wrong CRC, and takes a silent line as the end of a torn frame. `checksum` spoils the CRC of answers,
 * `silence` keeps them back.
 */
import type { Socket } from 'node:net';
import { sleep } from '../protocols/base/clock.ts';
import { encodeRtu, encodeTcp, ModbusTcpFramer, type RtuFrame, RtuRequestFramer } from '../protocols/modbus/index.ts';
import { sendThroughFaults } from './faults.ts';
import { flipByte, openSerialPort, type SerialPort } from './serial-port.ts';
import type { CommandArgs, SimulatorContext } from './simulator.ts';
import { openTcpListener, type TcpListener } from './tcp-listener.ts';

/** Well above 3.5 characters at 9600 baud: no host pauses that long within a frame. */
const SILENCE_MS = 50;
/** Between request and answer; a device needs a few milliseconds, and 3.5 characters of silence must pass. */
const TURNAROUND_MS = 5;
const POLL_MS = 4;

export interface ModbusSlaveOptions {
  id: string;
  path: string | undefined;
  /** Listen on Modbus TCP too; 0 takes any free port. */
  tcpPort: number | undefined;
  host: string;
  /** The address it answers to; some devices let a host change it. */
  unitId(): number;
  /** The answer to a request PDU, an exception where the device refuses. */
  answer(pdu: Uint8Array): Buffer;
}

export async function openModbusSlave(context: SimulatorContext, options: ModbusSlaveOptions): Promise<ModbusSlave> {
  const slave = new ModbusSlave(context, options);
  await slave.open();
  return slave;
}

export class ModbusSlave {
  readonly #context: SimulatorContext;
  readonly #options: ModbusSlaveOptions;
  readonly #framer = new RtuRequestFramer();
  #port: SerialPort | undefined;
  #listener: TcpListener | undefined;
  #cancelSilence: () => void = () => {};
  #stopped = false;

  constructor(context: SimulatorContext, options: ModbusSlaveOptions) {
    this.#context = context;
    this.#options = options;
  }

  async open(): Promise<void> {
    const { id, path, tcpPort, host } = this.#options;
    const onData = (bytes: Buffer) => this.#take(bytes);
    this.#port = await openSerialPort(this.#context, { id, path, onData, pollMs: POLL_MS });
    if (tcpPort === undefined) return;
    try {
      this.#listener = await openTcpListener({ host, port: tcpPort, onConnection: (socket) => this.#serve(socket) });
    } catch (error) {
      await this.#port.close();
      throw error;
    }
  }

  get address(): string {
    return this.#serial.address;
  }

  get otherAddresses(): readonly string[] {
    return this.#listener ? [this.#listener.address] : [];
  }

  /** The commands of every serial device; `unplug` and `replug` hold for the network as well. */
  async command(name: string, args: CommandArgs): Promise<void> {
    await this.#serial.command(name, args);
    if (name === 'unplug') await this.#listener?.unplug();
    if (name === 'replug') await this.#listener?.replug();
  }

  async close(): Promise<void> {
    this.#stopped = true;
    this.#cancelSilence();
    await this.#listener?.unplug();
    await this.#serial.close();
  }

  get #serial(): SerialPort {
    if (this.#port === undefined) throw new Error('the slave was not opened');
    return this.#port;
  }

  #take(bytes: Buffer): void {
    this.#cancelSilence();
    for (const frame of this.#framer.push(bytes)) this.#answer(frame);
    this.#cancelSilence = this.#context.wireClock.after(SILENCE_MS, () => {
      for (const frame of this.#framer.idle()) this.#answer(frame);
    });
  }

  #answer(request: RtuFrame): void {
    const broadcast = request.unitId === 0;
    if (!broadcast && request.unitId !== this.#options.unitId()) return;
    const pdu = this.#options.answer(request.pdu);
    if (broadcast) return;
    const frame = encodeRtu({ unitId: request.unitId, pdu });
    this.#send(frame).catch((error: unknown) => this.#failed(error));
  }

  async #send(frame: Buffer): Promise<void> {
    await sleep(this.#context.wireClock, TURNAROUND_MS);
    if (!this.#stopped) await this.#serial.send(frame, { corrupt: (bytes) => flipByte(bytes, -1) });
  }

  #serve(socket: Socket): void {
    const framer = new ModbusTcpFramer();
    const { wireClock: clock } = this.#context;
    const write = (bytes: Uint8Array): Promise<boolean> =>
      new Promise((resolve) => socket.write(bytes, (error) => resolve(!error)));
    socket.on('data', (chunk: Buffer) => {
      for (const { transactionId, unitId, pdu } of framer.push(chunk)) {
        // Over TCP 0 and 255 stand for the device itself (MODBUS Messaging on TCP/IP V1.0b, clause 4.4.2.1).
        if (unitId !== this.#options.unitId() && unitId !== 0 && unitId !== 255) continue;
        const frame = encodeTcp({ transactionId, unitId, pdu: this.#options.answer(pdu) });
        // Modbus TCP has no checksum: a wrong length field is what a client can notice.
        const corrupt = (bytes: Buffer) => flipByte(bytes, 5);
        sendThroughFaults(frame, { faults: this.#serial.faults, clock, write, corrupt }).catch((error: unknown) =>
          this.#failed(error),
        );
      }
    });
  }

  #failed(error: unknown): void {
    this.#context.log.error({ simulator: this.#options.id, err: error }, 'a Modbus answer could not be sent');
  }
}
