/**
 * A USB HID device as a Transport, over node-hid, which is loaded only when a configuration has such a device.
 *
 * Each input report is one chunk, each write one report (`hidReport` in transport.ts). Reads have a thread of node-hid's own, so a
 * silent device holds up nobody. Which device it is: hid-select.ts. An unplugged device fails its read, which loses the port.
 */
import { constants } from 'node:fs';
import { access, realpath } from 'node:fs/promises';
import { type HidInfo, listHid, selectHid } from './hid-select.ts';
import { IncomingBytes } from './incoming-bytes.ts';
import { NODE_HID, nativeModuleMissing } from './native-module.ts';
import { describeTransport, type HidOptions, parseHidReport, type Transport, TransportError } from './transport.ts';

const WRITE_TIMEOUT_MS = 5_000;

/** Only root may open HID devices until a rule says otherwise. */
const UDEV_RULE = 'KERNEL=="hidraw*", GROUP="dialout", MODE="0660"';
const UDEV_RULE_FILE = '/etc/udev/rules.d/60-milepost.rules';

/** The part of node-hid that is used. */
export interface HidModule {
  devicesAsync(): Promise<HidInfo[]>;
  HIDAsync: { open(path: string): Promise<HidPort> };
}

export interface HidPort {
  on(event: 'data', listener: (report: Buffer) => void): unknown;
  on(event: 'error', listener: (error: Error) => void): unknown;
  /** Stops and resumes the reading thread. */
  pause(): void;
  resume(): void;
  write(bytes: Buffer): Promise<number>;
  sendFeatureReport(bytes: Buffer): Promise<number>;
  close(): Promise<void>;
}

export interface HidSystem {
  load(): Promise<HidModule>;
  /** Whether we may read and write the device file; rejects with the system's error. */
  mayOpen(path: string): Promise<void>;
  sysFolder: string;
}

const SYSTEM: HidSystem = {
  load: loadHid,
  mayOpen: (path) => access(path, constants.R_OK | constants.W_OK),
  sysFolder: '/sys',
};

export async function openHid(
  options: HidOptions,
  signal: AbortSignal,
  system: HidSystem = SYSTEM,
): Promise<Transport> {
  const hid = await system.load();
  const { path } = selectHid(await listHid(hid, system.sysFolder), await resolved(options));
  signal.throwIfAborted();
  await system.mayOpen(path).catch((cause: NodeJS.ErrnoException) => {
    throw openError(options, path, cause);
  });
  const port = await hid.HIDAsync.open(path).catch((cause: unknown) => {
    throw openError(options, path, cause);
  });
  if (signal.aborted) {
    await port.close().catch(() => {});
    throw signal.reason;
  }
  return new HidTransport(port, describeTransport(options));
}

export async function loadHid(): Promise<HidModule> {
  try {
    const { default: hid } = await import('node-hid');
    return hid;
  } catch (cause) {
    throw nativeModuleMissing(NODE_HID, cause);
  }
}

async function resolved(options: HidOptions): Promise<HidOptions> {
  if (options.path === undefined) return options;
  // A link that leads nowhere is a device that is not plugged in: no listed device has its name.
  const path = await realpath(options.path).catch(() => options.path ?? '');
  return { ...options, path };
}

class HidTransport implements Transport {
  readonly incoming = new IncomingBytes();
  readonly #port: HidPort;
  readonly #name: string;
  #writes: Promise<void> = Promise.resolve();
  #lost: TransportError | undefined;
  #closed: Promise<void> | undefined;

  constructor(port: HidPort, name: string) {
    this.#port = port;
    this.#name = name;
    port.on('error', (cause) => this.#lose(cause));
    port.on('data', (report) => {
      // The memory is node-hid's: its next report may come to stand there.
      this.incoming.push(Buffer.from(report));
      if (!this.incoming.isFull) return;
      port.pause();
      void this.incoming.whenRoom().then(() => {
        if (!this.#closed && !this.#lost) port.resume();
      });
    });
  }

  /** One after the other: reports must arrive in their order. */
  write(bytes: Uint8Array): Promise<void> {
    const report = parseHidReport(bytes);
    const data = Buffer.from(report.bytes);
    const send = () => (report.kind === 'feature' ? this.#port.sendFeatureReport(data) : this.#port.write(data));
    const written = this.#writes.then(() => this.#writeNow(send));
    this.#writes = written.catch(() => {});
    return written;
  }

  close(): Promise<void> {
    this.#closed ??= this.#closeNow();
    return this.#closed;
  }

  async #closeNow(): Promise<void> {
    this.incoming.discard();
    if (!this.#lost) await this.#port.close().catch(() => {});
  }

  async #writeNow(send: () => Promise<number>): Promise<void> {
    if (this.#lost) throw this.#lost;
    if (this.#closed) throw lostError(this.#name, new Error('closed by the gateway'));
    let timer: NodeJS.Timeout | undefined;
    const tooLong = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error(`it took no report for ${WRITE_TIMEOUT_MS} ms`)), WRITE_TIMEOUT_MS);
    });
    try {
      await Promise.race([send(), tooLong]);
    } catch (cause) {
      throw this.#lose(cause);
    } finally {
      clearTimeout(timer);
    }
  }

  #lose(cause: unknown): TransportError {
    if (this.#lost) return this.#lost;
    this.#lost = lostError(this.#name, cause);
    if (!this.#closed) {
      this.incoming.fail(this.#lost);
      void this.#port.close().catch(() => {});
    }
    return this.#lost;
  }
}

function openError(options: HidOptions, path: string, cause: unknown): TransportError {
  const name = describeTransport(options);
  const { code } = cause as NodeJS.ErrnoException;
  const text = messageOf(cause);
  if (code === 'EACCES' || code === 'EPERM' || /permission denied/i.test(text)) {
    return new TransportError({
      code: 'port-denied',
      message:
        `no permission to open ${name} (${path}): put the line '${UDEV_RULE}' into ${UDEV_RULE_FILE}, ` +
        `run 'udevadm control --reload && udevadm trigger', and have the user that runs Milepost in the group 'dialout'`,
      cause,
    });
  }
  if (code === 'ENOENT' || code === 'ENODEV' || /no such (file|device)/i.test(text)) {
    return new TransportError({ code: 'port-missing', message: `${name} (${path}) was unplugged again`, cause });
  }
  return new TransportError({ code: 'port-failed', message: `${name} (${path}) cannot be opened: ${text}`, cause });
}

function lostError(name: string, cause: unknown): TransportError {
  return new TransportError({ code: 'port-lost', message: `${name} was lost (${messageOf(cause)})`, cause });
}

function messageOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
