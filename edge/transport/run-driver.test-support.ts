/** Runs a driver for a test: its options go through its schema, its readings are collected, time is the test's. */
import { newFramerStats } from '../../protocols/base/framer.ts';
import { silentLog } from '../../protocols/base/log.ts';
import type { Driver, Reading } from '../driver.ts';
import { EventLoopClock } from './event-loop-clock.test-support.ts';
import type { MemoryTransport } from './memory-transport.test-support.ts';

export interface DriverRun {
  readings: Reading[];
  /** `code: message` of the status readings. */
  statuses(): string[];
  /** All other readings without their time. */
  measured(): object[];
  clock: EventLoopClock;
  stats: ReturnType<typeof newFramerStats>;
  /** Aborts the run and waits for its end. */
  stop(): Promise<void>;
  /** Resolves with what ended the run: an error, or undefined for an orderly end. */
  ended: Promise<unknown>;
}

export function runDriver<Options>(driver: Driver<Options>, options: object, transport: MemoryTransport): DriverRun {
  const clock = new EventLoopClock();
  const stop = new AbortController();
  const stats = newFramerStats();
  const readings: Reading[] = [];
  const context = { deviceId: 'device-1', transport, clock, log: silentLog, signal: stop.signal, stats };
  const run = async () => {
    for await (const reading of driver.run(context, driver.options.parse(options))) readings.push(reading);
  };
  const ended = run().then(
    () => undefined,
    (error: unknown) => error,
  );
  return {
    readings,
    statuses: () =>
      readings.flatMap((reading) => (reading.kind === 'status' ? `${reading.code}: ${reading.message}` : [])),
    measured: () =>
      readings.flatMap(({ monotonicUs: _, ...reading }) => (reading.kind === 'status' ? [] : [reading as object])),
    clock,
    stats,
    stop: async () => {
      stop.abort();
      // A goodbye may wait for an answer that no device of this test gives.
      await clock.advance(5_000);
      await ended;
    },
    ended,
  };
}
