import { expect, it } from 'vitest';
import type { BootClock } from '../../protocols/uplink/batch.ts';
import { TimeCorrection } from './correct-time.ts';

const TRUE_MS = Date.UTC(2026, 10, 23);
const unsynced = { wallMs: 0, state: 'unsynced', uncertaintyMs: Number.POSITIVE_INFINITY } as const;
const now: BootClock = { bootId: 2, monotonicUs: 60e6, wallMs: TRUE_MS, state: 'hub', uncertaintyMs: 5 };
const before: BootClock = {
  bootId: 1,
  monotonicUs: 10e6,
  wallMs: TRUE_MS - 3_600_000,
  state: 'gps',
  uncertaintyMs: 1000,
};

it('gives records of a boot that learned the time later their true time, and marks them', () => {
  const correction = new TimeCorrection({ clock: now, bootClocks: [before] });
  expect(correction.apply({ ...unsynced, bootId: 2, monotonicUs: 59e6 })).toEqual({
    time: { bootId: 2, monotonicUs: 59e6, wallMs: TRUE_MS - 1000, state: 'hub', uncertaintyMs: 5 },
    corrected: true,
  });
  expect(correction.apply({ ...unsynced, bootId: 1, monotonicUs: 12e6 })).toMatchObject({
    time: { wallMs: TRUE_MS - 3_600_000 + 2000, state: 'gps', uncertaintyMs: 1000 },
    corrected: true,
  });
});

it('gives whole milliseconds, which is what a time series stores', () => {
  const correction = new TimeCorrection({ clock: now, bootClocks: [] });
  const { time } = correction.apply({ ...unsynced, bootId: 2, monotonicUs: 59_271_999 });
  expect(time.wallMs).toBe(TRUE_MS - 728);
});

it('guesses nothing for a boot that never learned it, and changes no time that was known', () => {
  const correction = new TimeCorrection({ clock: { ...now, state: 'unsynced' }, bootClocks: [before] });
  const lost = { ...unsynced, bootId: 2, monotonicUs: 59e6 };
  expect(correction.apply(lost)).toEqual({ time: lost, corrected: false });
  const known = { bootId: 1, monotonicUs: 12e6, wallMs: 5, state: 'ntp', uncertaintyMs: 1 } as const;
  expect(correction.apply(known)).toEqual({ time: known, corrected: false });
});
