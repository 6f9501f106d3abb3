/**
 * What all serial devices share: a cable, the faults on it, and the commands that act on both.
 */
import { Faults, type SendOptions, type SendResult, sendThroughFaults } from './faults.ts';
import { type CommandArgs, placeOf, type SimulatorContext, SimulatorError } from './simulator.ts';

const CHATTER_BYTES_MAX = 64;

export interface SerialPort {
  readonly address: string;
  readonly listening: boolean;
  readonly faults: Faults;
  /** One frame, through the faults. */
  send(frame: Buffer, options: Pick<SendOptions, 'corrupt' | 'terminated'>): Promise<SendResult>;
  /** The commands every serial device knows: faults, `clear`, `unplug`, `replug`, `chatter` (a burst of bytes that nobody asked for). */
  command(name: string, args: CommandArgs): Promise<void>;
  close(): Promise<void>;
}

export interface SerialPortOptions {
  id: string;
  /** Absolute, or below the run directory. */
  path: string | undefined;
  onData?: (bytes: Buffer) => void;
  pollMs?: number;
}

export async function openSerialPort(context: SimulatorContext, options: SerialPortOptions): Promise<SerialPort> {
  const { wireClock: clock } = context;
  const line = await context.openLine({
    path: placeOf(context, options.path ?? options.id),
    clock,
    log: context.log,
    onData: options.onData ?? (() => {}),
    ...(options.pollMs !== undefined && { pollMs: options.pollMs }),
  });
  const faults = new Faults(context.random.fork('faults'));
  const chatter = context.random.fork('chatter');
  return {
    address: line.path,
    faults,
    get listening() {
      return line.listening;
    },
    send: (frame, how) => sendThroughFaults(frame, { ...how, faults, clock, write: (bytes) => line.write(bytes) }),
    async command(name, args) {
      if (name === 'unplug') await line.unplug();
      else if (name === 'replug') await line.replug();
      else if (name === 'chatter') await line.write(chatter.bytes(chatter.integer(1, CHATTER_BYTES_MAX)));
      else if (!faults.command(name, args)) throw unknownCommand(options.id, name);
    },
    close: () => line.close(),
  };
}

export function unknownCommand(id: string, name: string): SimulatorError {
  return new SimulatorError({ code: 'sim-command-unknown', message: `${id} has no command '${name}'` });
}

/** Spoils the byte at `at` (from the end when negative): what a wrong checksum looks like. */
export function flipByte(frame: Buffer, at: number): Buffer {
  const index = at < 0 ? frame.length + at : at;
  frame[index] = (frame[index] ?? 0) ^ 0x55;
  return frame;
}
