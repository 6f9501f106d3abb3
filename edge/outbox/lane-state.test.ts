import fc from 'fast-check';
import { expect, it } from 'vitest';
import { type Fate, LaneState } from './lane-state.ts';

type Step =
  | { kind: 'accept'; count: number }
  | { kind: 'skip'; count: number }
  | { kind: 'acknowledge' | 'evicted' | 'quarantined' | 'unused'; first: number; last: number }
  | { kind: 'restart' };

const range = { first: fc.integer({ min: 1, max: 60 }), last: fc.integer({ min: 1, max: 60 }) };
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ kind: fc.constant('accept' as const), count: fc.integer({ min: 1, max: 9 }) }),
  fc.record({ kind: fc.constant('skip' as const), count: fc.integer({ min: 1, max: 5 }) }),
  fc.record({
    kind: fc.constantFrom('acknowledge' as const, 'evicted' as const, 'quarantined' as const, 'unused' as const),
    ...range,
  }),
  fc.record({ kind: fc.constant('restart' as const) }),
);

it('holds the law after any history, and across restarts, as a list of fates would', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      let state = new LaneState();
      const fates: ('pending' | 'delivered' | Fate)[] = [];
      for (const each of steps) {
        if (each.kind === 'accept') {
          state.accept(state.last + each.count);
          fates.push(...Array.from({ length: each.count }, () => 'pending' as const));
        } else if (each.kind === 'skip') {
          state.skip(state.last + each.count, '');
          fates.push(...Array.from({ length: each.count }, () => 'unused' as const));
        } else if (each.kind === 'restart') {
          const file = LaneState.decode(state.encode('alert', '00000000000000aa'));
          state = LaneState.restore(file, { ...state.mark(undefined), sent: 0 });
        } else {
          const { first, last, kind } = each;
          if (kind === 'acknowledge') state.acknowledge(first, last);
          else state.giveUp(kind, first, last, '');
          for (let n = first; n <= Math.min(last, fates.length); n++) {
            if (kind === 'acknowledge') fates[n - 1] = 'delivered';
            else if (fates[n - 1] === 'pending') fates[n - 1] = kind;
          }
        }
        expect(state.violations()).toEqual([]);
        const count = (fate: string) => fates.filter((one) => one === fate).length;
        expect(state.ledger()).toEqual({
          accepted: fates.length - count('unused'),
          delivered: count('delivered'),
          evicted: count('evicted'),
          quarantined: count('quarantined'),
          pending: count('pending'),
        });
        const open = fates.indexOf('pending');
        expect(state.nextKept(1)).toBe(open < 0 ? fates.length + 1 : open + 1);
      }
    }),
    { seed: 20261123, numRuns: 500 },
  );
});

it('says what does not hold', () => {
  const file = LaneState.decode(new LaneState().encode('alert', '00000000000000aa'));
  const state = LaneState.restore(
    file && { ...file, last: 5, done: 5, settled: { evicted: 9, quarantined: 0, unused: 0 } },
    undefined,
  );
  expect(state.violations()).toEqual(['delivered is -4']);
});
