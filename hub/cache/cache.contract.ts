/** What every Cache does, run by memory.test.ts and redis.server.test.ts. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Cache } from './cache.ts';

export interface CacheBench {
  cache: Cache;
  /** Lets this much time pass. */
  wait(ms: number): Promise<void>;
}

export function cacheContract(makeBench: () => Promise<CacheBench>): void {
  describe('contract of a Cache', () => {
    let bench: CacheBench;
    let cache: Cache;

    beforeEach(async () => {
      bench = await makeBench();
      cache = bench.cache;
    });

    afterEach(() => cache.close());

    it('gives back what was set, until it is replaced or deleted', async () => {
      expect(await cache.get('a')).toBeUndefined();
      await cache.set('a', 'one', { ttlMs: 60_000 });
      await cache.set('b', '', { ttlMs: 60_000 });
      expect(await cache.get('a')).toBe('one');
      expect(await cache.get('b')).toBe('');
      await cache.set('a', 'zwei \u0000 é 🚚', { ttlMs: 60_000 });
      expect(await cache.get('a')).toBe('zwei \u0000 é 🚚');
      await cache.delete('a');
      await cache.delete('never there');
      expect(await cache.get('a')).toBeUndefined();
      expect(await cache.get('b')).toBe('');
    });

    it('forgets when the time is over, counted from the last set', async () => {
      await cache.set('a', '1', { ttlMs: 300 });
      await cache.set('b', '1', { ttlMs: 300 });
      await cache.set('b', '2', { ttlMs: 60_000 });
      await cache.set('c', '1', { ttlMs: 60_000 });
      await cache.set('c', '2', { ttlMs: 0 });
      expect(await cache.get('c')).toBeUndefined();
      await bench.wait(350);
      expect(await cache.get('a')).toBeUndefined();
      expect(await cache.get('b')).toBe('2');
    });

    it('says how it is, and misses once it is closed', async () => {
      expect(await cache.healthy()).toMatchObject({ ok: true });
      await cache.set('a', '1', { ttlMs: 60_000 });
      await cache.close();
      expect(await cache.get('a')).toBeUndefined();
    });
  });
}
