/**
 * A serial port as a Transport, over the binding of the `serialport` package, which is loaded only when a configuration has a
 * serial device.
 *
 * The binding is used without its stream: reads wait for room (incoming-bytes.ts), and every fault has one way out, `lose`.
 *  - The port is locked (flock): a second process gets `port-busy`.
 *  - A port that hung up may read as "0 bytes" for ever, which the binding retries without end; so the presence of the device
 *    file is looked at once a second, and a file that is gone or is another device counts as lost.
 *  - Unsent output is dropped before closing, because the kernel otherwise waits up to 30 s for a device that takes none.
 *  - A pseudo-terminal has no modem lines and no output queue of its own: "Inappropriate ioctl" there is no fault.
 */
import { stat } from 'node:fs/promises';
import { IncomingBytes } from './incoming-bytes.ts';
import { nativeModuleMissing, SERIALPORT } from './native-module.ts';
import { type SerialOptions, type Transport, TransportError } from './transport.ts';

const READ_BYTES = 16 * 1024;
const PRESENCE_INTERVAL_MS = 1_000;
const WRITE_TIMEOUT_MS = 5_000;

/** The part of serialport's binding that is used. */
export interface SerialBinding {
  open(options: SerialBindingOptions): Promise<SerialBindingPort>;
}

interface SerialBindingOptions {
  path: string;
  baudRate: number;
  dataBits?: 5 | 6 | 7 | 8;
  parity?: 'none' | 'even' | 'odd';
  stopBits?: 1 | 1.5 | 2;
  rtscts?: boolean;
  lock?: boolean;
}

interface SerialBindingPort {
  read(buffer: Buffer, offset: number, length: number): Promise<{ bytesRead: number }>;
  write(buffer: Buffer): Promise<void>;
  flush(): Promise<void>;
  close(): Promise<void>;
}

export async function openSerial(
  options: SerialOptions,
  signal: AbortSignal,
  load: () => Promise<SerialBinding> = loadBinding,
): Promise<Transport> {
  const { kind: _, ...portOptions } = options;
  const binding = await load();
  signal.throwIfAborted();
  const port = await binding.open({ ...portOptions, lock: true }).catch((cause: unknown) => {
    throw openError(options, cause);
  });
  const transport = new SerialTransport(port, options.path);
  if (signal.aborted) {
    await transport.close();
    throw signal.reason;
  }
  return transport;
}

class SerialTransport implements Transport {
  readonly incoming = new IncomingBytes();
  readonly #port: SerialBindingPort;
  readonly #path: string;
  readonly #presence: NodeJS.Timeout;
  #writes: Promise<void> = Promise.resolve();
  #lost: TransportError | undefined;
  #closed: Promise<void> | undefined;

  constructor(port: SerialBindingPort, path: string) {
    this.#port = port;
    this.#path = path;
    this.#presence = this.#watchPresence();
    void this.#pump();
  }

  /** Writes one after the other: the binding allows one at a time. */
  write(bytes: Uint8Array): Promise<void> {
    const written = this.#writes.then(() => this.#writeNow(Buffer.from(bytes)));
    this.#writes = written.catch(() => {});
    return written;
  }

  close(): Promise<void> {
    this.#closed ??= this.#closeNow();
    return this.#closed;
  }

  async #closeNow(): Promise<void> {
    clearInterval(this.#presence);
    this.incoming.discard();
    await this.#release();
  }

  /** The binding refuses to flush or close a port that is lost already; there is nothing left to do about it. */
  async #release(): Promise<void> {
    await this.#port.flush().catch(() => {});
    await this.#port.close().catch(() => {});
  }

  async #pump(): Promise<void> {
    const buffer = Buffer.allocUnsafe(READ_BYTES);
    while (!this.#closed && !this.#lost) {
      try {
        await this.incoming.whenRoom();
        if (this.#closed || this.#lost) return;
        const { bytesRead } = await this.#port.read(buffer, 0, buffer.length);
        this.incoming.push(Buffer.from(buffer.subarray(0, bytesRead)));
      } catch (cause) {
        this.#lose(lostError(this.#path, cause));
      }
    }
  }

  async #writeNow(bytes: Buffer): Promise<void> {
    if (this.#lost) throw this.#lost;
    if (this.#closed) throw lostError(this.#path, new Error('closed by the gateway'));
    let timer: NodeJS.Timeout | undefined;
    const tooLong = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(stuckError(this.#path)), WRITE_TIMEOUT_MS);
    });
    try {
      await Promise.race([this.#port.write(bytes), tooLong]);
    } catch (cause) {
      const error = cause instanceof TransportError ? cause : lostError(this.#path, cause);
      this.#lose(error);
      throw error;
    } finally {
      clearTimeout(timer);
    }
  }

  #watchPresence(): NodeJS.Timeout {
    const first = deviceNumber(this.#path);
    const timer = setInterval(async () => {
      const [then, now] = [await first, await deviceNumber(this.#path)];
      if (then === undefined || then === now) return;
      const reason = now === undefined ? 'its device file is gone' : 'its path leads to another device now';
      this.#lose(lostError(this.#path, new Error(reason)));
    }, PRESENCE_INTERVAL_MS);
    timer.unref();
    return timer;
  }

  #lose(error: TransportError): void {
    if (this.#lost || this.#closed) return;
    this.#lost = error;
    clearInterval(this.#presence);
    this.incoming.fail(error);
    // Ends a read or write that is still waiting, and frees the name for the device's return.
    void this.#release();
  }
}

/** Device number and inode behind the path; undefined when there is none. */
async function deviceNumber(path: string): Promise<string | undefined> {
  return await stat(path).then(
    ({ rdev, ino }) => `${rdev}/${ino}`,
    () => undefined,
  );
}

/** @throws TransportError `native-module-missing` */
export async function loadBinding(): Promise<SerialBinding> {
  try {
    const { SerialPort } = await import('serialport');
    return SerialPort.binding;
  } catch (cause) {
    throw nativeModuleMissing(SERIALPORT, cause);
  }
}

// The binding gives no errno, only the text of strerror(3).
function openError({ path, baudRate }: SerialOptions, cause: unknown): TransportError {
  const text = messageOf(cause);
  if (/No such (file|device)/i.test(text)) {
    return new TransportError({
      code: 'port-missing',
      message: `${path} does not exist: is the device plugged in? 'milepost edge devices' lists the ports of this box`,
      cause,
    });
  }
  if (/Cannot lock port|resource busy/i.test(text)) {
    return new TransportError({
      code: 'port-busy',
      message: `${path} is in use by another program: 'fuser ${path}' names it; gpsd and ModemManager are usual ones`,
      cause,
    });
  }
  if (/Permission denied|Operation not permitted/i.test(text)) {
    return new TransportError({
      code: 'port-denied',
      message: `no permission to open ${path}: add the user that runs Milepost to the group 'dialout' ('usermod -aG dialout USER') and start it again`,
      cause,
    });
  }
  return new TransportError({
    code: 'port-failed',
    message: `${path} cannot be opened at ${baudRate} baud (${text}): is it a serial port, and does it know this speed?`,
    cause,
  });
}

function lostError(path: string, cause: unknown): TransportError {
  return new TransportError({ code: 'port-lost', message: `${path} was lost (${messageOf(cause)})`, cause });
}

function stuckError(path: string): TransportError {
  return new TransportError({
    code: 'port-failed',
    message: `${path} took no bytes for ${WRITE_TIMEOUT_MS} ms: is flow control (rtscts) right for this device?`,
  });
}

function messageOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
