/** What every driver of a serial device does when its port goes. */
import { expect, it } from 'vitest';
import type { MemoryTransport } from '../transport/memory-transport.test-support.ts';
import type { DriverRun } from '../transport/run-driver.test-support.ts';

export interface StartedDriver {
  device: MemoryTransport;
  run: DriverRun;
}

/** `start` gives a driver at work, and `torn` the beginning of what its device says. */
export function portEndContract(start: () => Promise<StartedDriver>, torn: Uint8Array | string): void {
  it('ends in order when the port ends, and with its error when it is pulled in the middle of a frame', async () => {
    const ended = await start();
    ended.device.end();
    expect(await ended.run.ended).toBeUndefined();
    const lost = await start();
    const before = lost.run.measured();
    lost.device.feed(torn);
    lost.device.lose();
    expect(await lost.run.ended).toMatchObject({ code: 'port-lost' });
    expect(lost.run.measured()).toEqual(before);
    expect(lost.run.clock.timers).toBe(0);
  });
}
