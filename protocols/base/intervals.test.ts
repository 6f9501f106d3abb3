import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { IntervalSet } from './intervals.ts';

describe('IntervalSet', () => {
  it('behaves as a Set of numbers, and stays disjoint and non-adjacent', () => {
    const range = fc.tuple(fc.integer({ min: 1, max: 60 }), fc.integer({ min: 0, max: 8 }));
    fc.assert(
      fc.property(fc.array(range, { maxLength: 30 }), (ranges) => {
        const model = new Set<number>();
        const set = new IntervalSet();
        for (const [first, length] of ranges) {
          let fresh = 0;
          for (let n = first; n < first + length; n++) {
            if (!model.has(n)) fresh++;
            model.add(n);
          }
          expect(set.add(first, first + length - 1)).toBe(fresh);
        }
        for (let n = 0; n <= 70; n++) expect(set.has(n)).toBe(model.has(n));
        expect(set.count()).toBe(model.size);
        let previousLast = -1;
        for (const { first, last } of set.intervals) {
          expect(first).toBeGreaterThan(previousLast + 1);
          expect(last).toBeGreaterThanOrEqual(first);
          previousLast = last;
        }
        const missing = set.missing(5, 50).flatMap(({ first, last }) => [first, last]);
        const expected: number[] = [];
        for (let n = 5; n <= 50; n++) {
          if (model.has(n)) continue;
          if (n === 5 || model.has(n - 1)) expected.push(n);
          if (n === 50 || model.has(n + 1)) expected.push(n);
        }
        expect(missing).toEqual(expected);
        let contiguous = 6;
        while (model.has(contiguous + 1)) contiguous++;
        if (model.has(6)) expect(set.contiguousFrom(6)).toBe(contiguous);
        else expect(set.contiguousFrom(6)).toBe(5);
      }),
      { seed: 20261123, numRuns: 500 },
    );
  });
});
