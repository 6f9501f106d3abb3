import { expect, it } from 'vitest';
import { silentLog } from '../../protocols/base/log.ts';
import { ManualClock } from '../../protocols/base/manual-clock.ts';
import { InHand, startWatchdog } from './watchdog.ts';

function watched() {
  const clock = new ManualClock();
  const stalled: Record<string, number | undefined> = { ingest: undefined, disk: undefined };
  let pings = 0;
  const stop = startWatchdog({
    clock,
    log: silentLog,
    parts: [
      { name: 'ingest', limitMs: 30_000, stalledSinceUs: () => stalled.ingest },
      { name: 'disk', limitMs: 20_000, stalledSinceUs: () => stalled.disk },
    ],
    everyMs: 10_000,
    ping: () => pings++,
  });
  const pinged = async (ms: number) => {
    const before = pings;
    await clock.advance(ms);
    return pings - before;
  };
  return { clock, stalled, stop, pinged };
}

it('pings while every part makes progress, not while one stands still, and again when it gets on', async () => {
  const { clock, stalled, stop, pinged } = watched();
  expect(await pinged(60_000)).toBe(7);
  stalled.disk = clock.monotonicUs();
  expect(await pinged(20_000)).toBe(2);
  expect(await pinged(60_000)).toBe(0);
  stalled.disk = undefined;
  stalled.ingest = clock.monotonicUs();
  expect(await pinged(30_000)).toBe(3);
  expect(await pinged(30_000)).toBe(0);
  stalled.ingest = undefined;
  expect(await pinged(10_000)).toBe(1);
  stop();
  expect(await pinged(60_000)).toBe(0);
  expect(clock.timers).toBe(0);
});

it('knows the oldest work in hand', async () => {
  const hand = new InHand();
  let finish = () => {};
  const first = hand.during(5, new Promise<void>((resolve) => (finish = resolve)));
  const second = hand.during(9, Promise.reject(new Error('refused')));
  expect(hand.oldestUs).toBe(5);
  finish();
  await first;
  await expect(second).rejects.toThrow('refused');
  expect(hand.oldestUs).toBeUndefined();
});
