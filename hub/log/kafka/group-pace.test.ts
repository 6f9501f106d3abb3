import { expect, it } from 'vitest';
import { GroupPace } from './group-pace.ts';

it('takes as many records as make a large group, as it learns what is in them', () => {
  const pace = new GroupPace({ maxRecords: 2_000 });
  expect(pace.size()).toBe(100);
  for (let group = 0; group < 20; group++) pace.prepared({ records: 50, work: 50 * 200 });
  expect(pace.size()).toBe(51);
  for (let group = 0; group < 20; group++) pace.prepared({ records: 500, work: 0 });
  expect(pace.size()).toBe(2_000);
});

it('lets the next group wait only while what comes is little and all of it is taken', () => {
  const pace = new GroupPace({ maxRecords: 100, groupEveryMs: 20 });
  expect(pace.earlyMs(0)).toBe(0);
  pace.began(1_000);
  expect([pace.earlyMs(1_005), pace.earlyMs(1_020), pace.earlyMs(1_100)]).toEqual([15, 0, 0]);
  pace.ended({ wasAll: true, work: 1_000 });
  expect([pace.isCalm, pace.earlyMs(1_005)]).toEqual([false, 0]);
  pace.ended({ wasAll: false, work: 1 });
  expect([pace.isCalm, pace.earlyMs(1_005)]).toEqual([false, 0]);
  pace.ended({ wasAll: true, work: 999 });
  expect([pace.isCalm, pace.earlyMs(1_005)]).toEqual([true, 15]);
});

it('never lets a reader wait that was not told to take its time', () => {
  const pace = new GroupPace({ maxRecords: 100 });
  pace.began(1_000);
  pace.ended({ wasAll: true, work: 0 });
  expect(pace.earlyMs(1_000)).toBe(0);
});
