import { describe, expect, it } from 'vitest';
import { seededRandom } from './random.ts';

const draw = (random: { next(): number }): number[] => Array.from({ length: 5 }, () => random.next());

describe('seededRandom', () => {
  it('repeats itself for a seed and differs between seeds', () => {
    expect(draw(seededRandom('a'))).toEqual(draw(seededRandom('a')));
    expect(draw(seededRandom('a'))).not.toEqual(draw(seededRandom('b')));
  });

  it('forks streams that do not depend on what was drawn before', () => {
    const used = seededRandom(7);
    draw(used);
    expect(draw(used.fork('gps'))).toEqual(draw(seededRandom(7).fork('gps')));
    expect(draw(used.fork('gps'))).not.toEqual(draw(used.fork('shock')));
  });

  it('is spread as it says', () => {
    const random = seededRandom(1);
    const values = Array.from({ length: 4000 }, () => random.gaussian());
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
    const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
    expect(Math.abs(mean)).toBeLessThan(0.06);
    expect(Math.abs(variance - 1)).toBeLessThan(0.08);
    const wholes = Array.from({ length: 500 }, () => random.integer(1, 3));
    expect(new Set(wholes)).toEqual(new Set([1, 2, 3]));
  });
});
