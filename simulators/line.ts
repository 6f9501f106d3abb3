/**
 * A serial cable as seen from the device's end. pty.ts makes one that the operating system shows as a serial port;
 * testing/memory-line.ts one without an operating system.
 */
import type { Clock } from '../protocols/base/clock.ts';
import type { Log } from '../protocols/base/log.ts';

export interface Line {
  /** The stable path that a host opens. */
  readonly path: string;
  /** Somebody has the port open and has had time to set it up. Bytes written otherwise are lost, as on a real cable. */
  readonly listening: boolean;
  /**
   * Writes all of the bytes, in the order of calls. False when they did not go out in full: cable out, nobody listens, or the
   * host does not read.
   */
  write(bytes: Uint8Array): Promise<boolean>;
  unplug(): Promise<void>;
  replug(): Promise<void>;
  /** Idempotent. Takes the link away. */
  close(): Promise<void>;
}

export interface LineOptions {
  path: string;
  clock: Clock;
  log: Log;
  onData(bytes: Buffer): void;
  /** How soon a byte from the host is seen. A device that answers wants 2–5 ms, one that only talks can wait. */
  pollMs?: number;
  /** A host that takes no byte for so long has stopped reading: the rest of the write is dropped. Default 1,000; Infinity waits. */
  stallMs?: number;
}

export type OpenLine = (options: LineOptions) => Promise<Line>;
