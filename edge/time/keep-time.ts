/**
 * Puts the gateway's clock together: what feeds it, what hears from it. The daemon's composition root calls this once.
 */
import { type Clock, EARLIEST_WALL_MS } from '../../protocols/base/clock.ts';
import type { Log } from '../../protocols/base/log.ts';
import type { Reading } from '../driver.ts';
import type { Disk } from '../outbox/disk.ts';
import { BootClocks } from './boot-clocks.ts';
import { GatewayClock, type KnownTime } from './gateway-clock.ts';
import { GPS_UNCERTAINTY_MS, GpsTime } from './gps-time.ts';

/** Beyond the service life of any box that runs it. */
const LATEST_MS = Date.UTC(2080, 0, 1);
const LOOK_EVERY_MS = 1_000;

export interface KeptTime {
  clock: GatewayClock;
  bootClocks: BootClocks;
  /** Each reading of each device passes here: positions may carry the time. */
  observe(deviceId: string, reading: Reading): void;
  /** Resolves when what was learned is on disk. */
  stop(): Promise<void>;
}

export async function keepTime(options: {
  base: Clock & { readonly bootId: number };
  disk: Disk;
  folder: string;
  log: Log;
  /** This boot learned the time, or learned it from a better source. */
  onLearned: (known: KnownTime) => void;
}): Promise<KeptTime> {
  const { base, disk, folder, log } = options;
  const clock = new GatewayClock({ base, bootId: base.bootId, log });
  const bootClocks = await BootClocks.open({ disk, folder, log });
  const gps = new GpsTime({ earliestMs: EARLIEST_WALL_MS, latestMs: LATEST_MS });
  const known = clock.known();
  if (known) bootClocks.learn(known);
  clock.onLearned((learned) => {
    bootClocks.learn(learned);
    options.onLearned(learned);
  });
  let cancel = clock.after(LOOK_EVERY_MS, function look() {
    clock.observeSystem();
    cancel = clock.after(LOOK_EVERY_MS, look);
  });
  return {
    clock,
    bootClocks,
    observe(deviceId, reading) {
      if (reading.kind !== 'position' || reading.utcMs === undefined) return;
      if (gps.observe(deviceId, reading.utcMs, reading.monotonicUs))
        clock.observeGps(reading.utcMs, reading.monotonicUs, GPS_UNCERTAINTY_MS);
    },
    async stop() {
      cancel();
      await bootClocks.settled();
    },
  };
}
