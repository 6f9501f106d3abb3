/**
 * A byte stream to a device: a serial port or a TCP connection. Drivers see only this.
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

export type TransportOptions = SerialOptions | TcpOptions;

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
  | 'native-module-missing';

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
  return options.kind === 'serial' ? options.path : `${options.host}:${options.port}`;
}
