import { describe, expect, it } from 'vitest';
import { cacheContract } from './cache.contract.ts';
import { openMemoryCache } from './memory.ts';

describe('Cache in process', () => {
  cacheContract(async () => {
    let nowMs = 0;
    return {
      cache: openMemoryCache({ nowMs: () => nowMs }),
      wait: async (ms) => {
        nowMs += ms;
      },
    };
  });

  it('keeps what was used last when there are too many entries', async () => {
    const cache = openMemoryCache({ maxEntries: 3 });
    for (const key of ['a', 'b', 'c']) await cache.set(key, key, { ttlMs: 60_000 });
    await cache.get('a');
    await cache.set('d', 'd', { ttlMs: 60_000 });
    expect(await Promise.all(['a', 'b', 'c', 'd'].map((key) => cache.get(key)))).toEqual(['a', undefined, 'c', 'd']);
  });

  it('is bounded in bytes, also for a single value', async () => {
    const cache = openMemoryCache({ maxBytes: 100 });
    for (let n = 0; n < 50; n++) await cache.set(`${n}`, 'x'.repeat(18), { ttlMs: 60_000 });
    expect((await cache.healthy()).detail).toMatch(/ 2 entries, 80 bytes/);
    await cache.set('huge', 'x'.repeat(1_000), { ttlMs: 60_000 });
    expect(await cache.get('huge')).toBeUndefined();
    expect((await cache.healthy()).detail).toMatch(/ 0 entries, 0 bytes/);
  });
});
