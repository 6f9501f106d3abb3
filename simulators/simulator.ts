/**
 * What every hardware simulator is: a device that can be started, told what to do, and stopped, and that says in a
 * ledger what it let out.
 *
 * Invariants
 *  - All that a simulator does follows from its options, the seed, the commands it is given and what the other side
 *    sends; time comes from the context's clock.
 *  - An observation stands in the ledger if and only if its bytes left the device: written in full to a cable that
 *    somebody listens on, or to a connected client. `damage` says what a fault made of them.
 *  - `stop()` leaves nothing behind: no socket, no pty, no link, no timer.
 */
import { join } from 'node:path';
import type { Clock } from '../protocols/base/clock.ts';
import type { Log } from '../protocols/base/log.ts';
import type { FaultName } from './faults.ts';
import type { OpenLine } from './line.ts';
import type { Random } from './random.ts';

export interface Simulator {
  /** The device family, also the folder: `serial-barcode`. */
  readonly kind: string;
  readonly id: string;
  start(context: SimulatorContext): Promise<RunningSimulator>;
}

export interface SimulatorContext {
  /** Time of the simulated world, which may run faster than the host's. */
  clock: Clock;
  /** The machine's time: for what a host on the wire must keep up with (turnaround, silence between frames). */
  wireClock: Clock;
  /** This device's own stream. */
  random: Random;
  log: Log;
  emit(entry: LedgerEntry): void;
  /** Where serial devices put their links. */
  runDir: string;
  /** Opens a serial cable; pty.ts outside of unit tests. */
  openLine: OpenLine;
}

export interface RunningSimulator {
  readonly kind: string;
  readonly id: string;
  /** Path of a serial device, or `host:port`. */
  readonly address: string;
  /** Further places where the same device listens (Modbus TCP beside RTU). */
  readonly otherAddresses?: readonly string[];
  /** @throws SimulatorError `sim-command-unknown`, `sim-command-invalid`, `sim-not-heard` */
  command(name: string, args?: CommandArgs): Promise<void>;
  /** Readers only: a package comes into view. Resolves when the device is done with it. */
  observe?(sighting: Sighting): Promise<Fate>;
  /** RFID only: everything leaves the field. Resolves when what was on its way to the host stands in the ledger. */
  withdraw?(): Promise<void>;
  stop(): Promise<void>;
}

export type CommandArgs = Readonly<Record<string, string | number | boolean>>;

/** One package in front of one reader. */
export interface Sighting {
  /** 18 digits. */
  sscc: string;
  /** Printed label: AIM identifier and element string of the bar code. */
  aim: string;
  text: string;
  /** The tag's EPC. */
  epcHex: string;
  readPoint?: string;
  /** RFID: which antennas see the tag, and for how long. */
  antennas?: readonly number[];
  dwellMs?: number;
}

/** `intact`: the host can know of it. `damaged`: bytes left, but not the right ones. `lost`: nobody was there. */
export type Fate = 'intact' | 'damaged' | 'lost';

export interface LedgerEntry {
  simulator: string;
  kind: 'scan' | 'tag' | 'shock' | 'excursion' | 'void-fix' | 'contact';
  /** Wall time, milliseconds since 1970. */
  atMs: number;
  readPoint?: string;
  sscc?: string;
  /** `scan`: the label's text without AIM identifier and framing. */
  text?: string;
  aim?: string;
  /** `tag`: lower-case hexadecimal. One entry for each time the tag came into a read point's field. */
  epcHex?: string;
  antenna?: number;
  /** The fault that spoilt the bytes: the host is not expected to know this observation. */
  damage?: FaultName;
  /**
   * Readers that wait for the host's acknowledgement: whether they got it. Without it a reader complains to whoever holds it; the
   * host may know the scan all the same.
   */
  acknowledged?: boolean;
  /** A repetition of an earlier entry (double trigger): the host is expected to fold it into that one. */
  duplicate?: true;
  /** `shock`, `excursion`, `void-fix`, `contact`: what was done, with units in the names. */
  detail?: Readonly<Record<string, string | number>>;
}

/** A fault of using the simulators: a bad scenario, command or path. `code` stands in docs/errors.md. */
export class SimulatorError extends Error {
  override readonly name = 'SimulatorError';
  readonly code:
    | 'sim-scenario-unknown'
    | 'sim-scenario-invalid'
    | 'sim-device-unknown'
    | 'sim-command-unknown'
    | 'sim-command-invalid'
    | 'sim-not-heard'
    | 'sim-path-occupied'
    | 'sim-port-taken'
    | 'sim-pty-unavailable'
    | 'sim-port-unavailable'
    | 'sim-capture-unreadable'
    | 'sim-capture-invalid'
    | 'sim-control-unavailable'
    | 'sim-gateways-invalid'
    | 'sim-hub-unreachable';

  constructor(fault: { code: SimulatorError['code']; message: string; cause?: unknown }) {
    super(fault.message, fault.cause === undefined ? undefined : { cause: fault.cause });
    this.code = fault.code;
  }
}

/** The device, once it is open. */
export async function opened<Device extends { open(): Promise<unknown> }>(device: Device): Promise<Device> {
  await device.open();
  return device;
}

/** Where a device has its link or folder: absolute, or below the run directory. */
export function placeOf({ runDir }: SimulatorContext, path: string): string {
  return path.startsWith('/') ? path : join(runDir, path);
}

/** Wall time for ledger entries and time stamps, in milliseconds. */
export function wallMs(clock: Clock): number {
  return clock.wall().wallMs;
}
