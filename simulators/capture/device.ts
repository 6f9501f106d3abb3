/**
 * A real device as bytes: a serial port (through the `serialport` package, loaded when one is opened) or a TCP connection.
 *
 * A serial port that hung up may read nothing for ever, so the presence of its file is looked at once a second.
 */
import { existsSync } from 'node:fs';
import { connect } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Clock } from '../../protocols/base/clock.ts';
import { SimulatorError } from '../simulator.ts';

export type DeviceAddress =
  | { kind: 'serial'; path: string; baudRate: number }
  | { kind: 'tcp'; host: string; port: number };

export interface Device {
  write(bytes: Uint8Array): void;
  close(): void;
}

export interface DeviceEvents {
  onData(bytes: Buffer): void;
  /** Once; not after `close()`. */
  onGone(reason: string): void;
}

const PRESENCE_MS = 1000;
/** Bytes for a device that takes none; beyond it the device counts as gone. */
const WRITE_BUFFER_MAX = 1024 * 1024;

/** `/dev/ttyUSB0` or `tcp:HOST:PORT`; undefined when it is neither. */
export function parseDeviceAddress(text: string, baudRate: number): DeviceAddress | undefined {
  const tcp = /^tcp:(?:\[([^\]]+)\]|([^:]+)):(\d{1,5})$/.exec(text);
  if (tcp) return { kind: 'tcp', host: tcp[1] ?? tcp[2] ?? '', port: Number(tcp[3]) };
  return text.startsWith('tcp:') || text === '' ? undefined : { kind: 'serial', path: text, baudRate };
}

/** @throws SimulatorError `sim-port-unavailable` */
export async function openDevice(address: DeviceAddress, events: DeviceEvents, clock: Clock): Promise<Device> {
  const stream = address.kind === 'tcp' ? await openTcp(address) : await openSerial(address);
  let over = false;
  let cancel: () => void = () => {};
  const gone = (reason: string): void => {
    if (over) return;
    over = true;
    cancel();
    stream.destroy();
    events.onGone(reason);
  };
  stream.on('data', (bytes: Buffer) => events.onData(bytes));
  stream.on('error', (error) => gone(error.message));
  stream.on('close', () => gone('closed by the device'));
  const { kind } = address;
  const look = (path: string): void => {
    cancel = clock.after(PRESENCE_MS, () => (existsSync(path) ? look(path) : gone(`${path} is gone`)));
  };
  if (kind === 'serial') look(address.path);
  return {
    write(bytes) {
      stream.write(bytes);
      if (stream.writableLength > WRITE_BUFFER_MAX) gone('it takes no more bytes');
    },
    close() {
      over = true;
      cancel();
      stream.destroy();
    },
  };
}

function openTcp({ host, port }: { host: string; port: number }): Promise<Duplex> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port, noDelay: true });
    socket.once('connect', () => {
      socket.removeAllListeners('error');
      resolve(socket);
    });
    socket.once('error', (cause) => reject(unavailable(`tcp:${host}:${port}`, cause)));
  });
}

async function openSerial({ path, baudRate }: { path: string; baudRate: number }): Promise<Duplex> {
  try {
    const { SerialPort } = await import('serialport');
    const port = new SerialPort({ path, baudRate, autoOpen: false, lock: true });
    await new Promise<void>((resolve, reject) => port.open((error) => (error ? reject(error) : resolve())));
    return port;
  } catch (cause) {
    throw unavailable(path, cause);
  }
}

function unavailable(name: string, cause: unknown): SimulatorError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new SimulatorError({ code: 'sim-port-unavailable', message: `${name} cannot be opened: ${reason}`, cause });
}
