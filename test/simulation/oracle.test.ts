/** The oracle finds known bugs: one that finds none when there is one proves nothing. */
import { describe, expect, it } from 'vitest';
import { KNOWN_BUGS } from './mutations.ts';
import { simulate } from './simulate.ts';

const SEEDS = 40;

describe('the oracle notices when', () => {
  it.each(KNOWN_BUGS)('$bug ($mutation)', async ({ mutation, kinds, found }) => {
    for (let seed = 1; seed <= SEEDS; seed++) {
      const { failure } = await simulate(seed, { mutation, kinds });
      if (failure === undefined) continue;
      expect(failure).toMatch(found);
      return;
    }
    expect.unreachable(`${SEEDS} seeds passed`);
  });

  it.each(KNOWN_BUGS)('… and only then: the same faults without it are borne ($mutation)', async ({ kinds }) => {
    for (let seed = 1; seed <= 3; seed++)
      expect((await simulate(seed, { kinds })).failure, `seed ${seed}`).toBeUndefined();
  });
});
