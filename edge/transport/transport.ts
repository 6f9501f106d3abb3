/**
 * A byte stream to a device: a serial port, a TCP connection, a HID device, a folder of the kernel's files, programs that watch a
 * device. Drivers see only this.
 *
 * `incoming` has one reader. It ends when the other side is gone in order, and throws a `TransportError` when it is lost
 * (a pulled cable, a reset). What is read but not yet taken is bounded (incoming-bytes.ts); a driver that does not take
 * stops the flow, it loses nothing.
 */
export interface Transport {
  readonly incoming: AsyncIterable<Uint8Array>;
  /** Resolves when the bytes are handed to the operating system; rejects with a `TransportError`. */
  write(bytes: Uint8Array): Promise<void>;
  /** Idempotent, never rejects. Ends `incoming`; what was not yet taken is forgotten. */
  close(): Promise<void>;
}

export type TransportOptions = SerialOptions | TcpOptions | HidOptions | FilesOptions | ProgramsOptions;

export interface SerialOptions {
  kind: 'serial';
  /** A stable path: /dev/serial/by-id/…, /dev/serial/by-path/… */
  path: string;
  baudRate: number;
  dataBits?: 5 | 6 | 7 | 8;
  parity?: 'none' | 'even' | 'odd';
  stopBits?: 1 | 1.5 | 2;
  rtscts?: boolean;
}

export interface TcpOptions {
  kind: 'tcp';
  host: string;
  port: number;
  connectTimeoutMs?: number;
}

/**
 * A USB HID device: each chunk is one input report, each write one report made by `hidReport`. The device is the only one that fits all
 * that is said of it; two that fit are refused, so that they can never be mistaken for each other.
 */
export interface HidOptions {
  kind: 'hid';
  /** `vvvv:pppp` in lower case; any of them. */
  usbIds?: readonly string[];
  serialNumber?: string;
  /** The USB socket, as the kernel counts: `1-1.4`. */
  usbPort?: string;
  /** A link of udev's to the device file; /dev/hidraw0 itself may be another device after a restart. */
  path?: string;
  /** Top-level collection that the device must show (USB HID Usage Tables). */
  usage?: { page: number; id: number };
  /** USB interface, where a device has several. */
  interfaceNumber?: number;
}

/**
 * A folder in which the kernel shows devices as files. Each write is one `FileRequest` as JSON, each line that comes in the `FileAnswer` to
 * it, in the order of the requests.
 */
export interface FilesOptions {
  kind: 'files';
  folder: string;
}

export type FileRequest = { list: true } | { read: string } | { write: string; text: string };
/** `error` is the system's code (`ENOENT`). */
export type FileAnswer = { names: string[] } | { read: string; text: string } | { wrote: string } | FileFault;
export interface FileFault {
  error: string;
  /** The file; empty for a listing. */
  path: string;
}

/**
 * Programs that know a device (libgpiod's tools). Each write is one `ProgramRequest` as JSON, each line that comes in one `ProgramEvent`. No
 * program outlives its transport.
 */
export interface ProgramsOptions {
  kind: 'programs';
  /** All that may be started. */
  programs: readonly string[];
  /** Where they stand; unless told, the system's search path. */
  folder?: string;
  /** What a person installs to have them. */
  install: string;
  /** What they are about, for messages: `gpiochip0`. */
  subject: string;
}

export type ProgramRequest =
  | { start: string; program: string; args: readonly string[] }
  /** Ends with an `exit` event. */
  | { stop: string };
export type ProgramEvent =
  | { id: string; line: string }
  /** `code` is null when a signal ended it. */
  | { id: string; exit: number | null; complaint: string };

const HID_REPORT_KINDS = ['output', 'feature'] as const;
export type HidReportKind = (typeof HID_REPORT_KINDS)[number];

/** What to write to a HID transport: one report, with its id (0 where the device has none) ahead of its data. */
export function hidReport(kind: HidReportKind, bytes: Uint8Array): Uint8Array {
  return Buffer.concat([Buffer.of(HID_REPORT_KINDS.indexOf(kind)), bytes]);
}

export function parseHidReport(written: Uint8Array): { kind: HidReportKind; bytes: Uint8Array } {
  const kind = HID_REPORT_KINDS[written[0] ?? -1];
  if (kind === undefined || written.length < 2) throw new TypeError('a write to a HID device is made by hidReport');
  return { kind, bytes: written.subarray(1) };
}

/** Opens a transport; the daemon's is open.ts, a test brings its own. The signal ends the attempt, not the transport. */
export type OpenTransport = (options: TransportOptions, signal: AbortSignal) => Promise<Transport>;

export type TransportErrorCode =
  | 'port-missing'
  | 'port-busy'
  | 'port-denied'
  | 'port-lost'
  | 'port-failed'
  | 'connect-refused'
  | 'connect-timeout'
  | 'connect-failed'
  | 'host-unknown'
  | 'connection-lost'
  | 'native-module-missing'
  | 'hid-mode'
  | 'hid-ambiguous'
  | 'program-missing';

/** An operating fault of a port. `code` stands in docs/errors.md; `message` names the port and says what to do. */
export class TransportError extends Error {
  override readonly name = 'TransportError';
  readonly code: TransportErrorCode;

  constructor(fault: { code: TransportErrorCode; message: string; cause?: unknown }) {
    super(fault.message, { cause: fault.cause });
    this.code = fault.code;
  }
}

const ABSENT: ReadonlySet<string> = new Set<TransportErrorCode>([
  'port-missing',
  'port-lost',
  'connect-refused',
  'connect-timeout',
  'connect-failed',
  'connection-lost',
]);

/** The device is not there at the moment (unplugged, switched off, rebooting): it may come back without anyone's help. */
export function isAbsence(error: unknown): error is TransportError {
  return error instanceof TransportError && ABSENT.has(error.code);
}

/** How a person names the port. */
export function describeTransport(options: TransportOptions): string {
  switch (options.kind) {
    case 'serial':
      return options.path;
    case 'tcp':
      return `${options.host}:${options.port}`;
    case 'hid':
      return describeHid(options);
    case 'files':
      return options.folder;
    case 'programs':
      return options.subject;
  }
}

function describeHid({ usbIds, serialNumber, usbPort, path }: HidOptions): string {
  const ids = usbIds?.join(' or ') ?? 'any';
  const serial = serialNumber === undefined ? '' : `, serial number ${serialNumber}`;
  const port = usbPort === undefined ? '' : `, USB port ${usbPort}`;
  return path ?? `HID device ${ids}${serial}${port}`;
}
