/**
 * The contract between a device driver and the rest of the daemon (design, section 7).
 *
 * A driver turns a device's bytes into Readings and knows nothing of read points, rules, disks or hubs. It runs for as
 * long as its device is attached: `run` ends or throws when the connection is lost, and the supervisor
 * (edge/transport/supervisor.ts) opens the device again, for ever, with backoff. A driver never retries by itself.
 */
import type { z } from 'zod';
import type { Clock } from '../protocols/base/clock.ts';
import type { FramerStats } from '../protocols/base/framer.ts';
import type { Log } from '../protocols/base/log.ts';
import type { Measured } from '../protocols/uplink/model.ts';
import type { Transport, TransportOptions } from './transport/transport.ts';

/**
 * What a driver emits. Units stand in the field names; `monotonicUs` is when it was observed, on this boot's clock. `channel` names the
 * sensor where one device has several (units on a Modbus bus, inputs of a contact module), as its options call it.
 */
export type Reading = { monotonicUs: number; channel?: string } & (
  | {
      kind: 'scan';
      /** The label's text after framing and AIM identifier were taken off. */
      text: string;
      aim?: string;
      /**
       * For devices whose protocol has a host acknowledgement (Zebra SSI). Called once, whatever happens: with true when the scan is on
       * disk, this one or the one that it repeats; with false when it was given up.
       */
      acknowledge?: (accepted: boolean) => void;
      /** The device sends this scan again for want of an answer, and has sent it for the first time at most so long ago. */
      resentWithinMs?: number;
    }
  | { kind: 'tag'; epcHex: string; antenna: number; rssiDbm?: number; reads: number }
  | Exclude<Measured, { kind: 'position' }>
  | (Extract<Measured, { kind: 'position' }> & {
      /** What the receiver says the time is; a candidate for clock state `gps`. */
      utcMs?: number;
    })
  /** The device said something about itself that someone should know; it goes on working. */
  | { kind: 'status'; code: string; message: string }
);

export interface DriverContext {
  deviceId: string;
  transport: Transport;
  clock: Clock;
  log: Log;
  /**
   * Aborted when the daemon stops or the device is taken out of the configuration. The driver then ends within a second
   * (an orderly goodbye to the device included); after that the transport is closed under it.
   */
  signal: AbortSignal;
  /**
   * Counts of this connection, fresh for each `run`: the driver copies its framer's stats here after each chunk. The supervisor adds them
   * up for `edge status` and /metrics, and takes many discarded bytes for a wrong baud rate or driver.
   */
  stats: FramerStats;
}

/**
 * The device is there but does not do what its protocol says: silent, refusing, babbling. Ends the run; the supervisor shows the
 * fault, opens the device again later, and takes the fault back at the first good frame or reading.
 */
export class DriverError extends Error {
  override readonly name = 'DriverError';
  /** Kebab-case, in docs/errors.md. */
  readonly code: string;

  constructor(fault: { code: string; message: string; cause?: unknown }) {
    super(fault.message, fault.cause === undefined ? undefined : { cause: fault.cause });
    this.code = fault.code;
  }
}

/** A value-giving part of a device. */
export interface Sensor {
  /** As its readings name it; `ANY_CHANNEL` where the device finds out by itself which it has. */
  channel?: string;
  /** What it may give. */
  kinds: readonly SensorKind[];
}

export type SensorKind = Exclude<Reading['kind'], 'scan' | 'tag' | 'status'>;

export const ANY_CHANNEL = '*';

export interface Driver<Options> {
  /** The name in the configuration, for example `serial-barcode`. */
  kind: string;
  /** What it reads, one line, shown in help and errors. */
  summary: string;
  /** Schema of the `options` of a device of this kind. Unknown keys are errors (strict objects). */
  options: z.ZodType<Options>;
  /**
   * The device may say nothing for hours though all is well (a bar code reader): its open port is all that can be known of it. Any other counts
   * as online from its first good frame or reading only.
   */
  silentByNature?: boolean;
  /** What a device with these options measures: rules can name it. Absent where that is nothing. */
  sensors?(options: Options): Sensor[];
  /** How to reach the device, from its options. */
  transport(options: Options): TransportOptions;
  run(context: DriverContext, options: Options): AsyncIterable<Reading>;
}
