import { expect, it } from 'vitest';
import { Admission } from './admission.ts';

function enterAll(admission: Admission, sizes: readonly number[]): number[] {
  const entered: number[] = [];
  for (const [index, bytes] of sizes.entries()) admission.enter(bytes, () => entered.push(index));
  return entered;
}

it('bounds bytes and messages, first come, first served', () => {
  const byBytes = new Admission(10);
  expect(enterAll(byBytes, [6, 4, 1, 0])).toEqual([0, 1]);
  expect(byBytes.waiting).toBe(2);

  const byCount = new Admission(10, 2);
  const entered = enterAll(byCount, [0, 0, 0, 9]);
  expect(entered).toEqual([0, 1]);
  byCount.leave(0);
  expect(entered).toEqual([0, 1, 2]);
  byCount.leave(0);
  expect(entered).toEqual([0, 1, 2, 3]);
});

it('lets one that is larger than the bound pass alone, and is empty when all have left', async () => {
  const admission = new Admission(10);
  const entered = enterAll(admission, [11, 1]);
  expect(entered).toEqual([0]);
  let isEmpty = false;
  const empty = admission.empty().then(() => {
    isEmpty = true;
  });
  admission.leave(11);
  await Promise.resolve();
  expect([entered, isEmpty]).toEqual([[0, 1], false]);
  admission.leave(1);
  await empty;
  expect(admission.bytes).toBe(0);
});
