/**
 * Thousands of seeds, each a small fleet on failing disks, networks, brokers and hubs. A seed that fails is printed with the end of its
 * trace and replays exactly: `npm run simulate -- --seed N --trace`. SEEDS=from-to runs others than these.
 */
import { describe, expect, it } from 'vitest';
import { explain, simulate } from './simulate.ts';

const DEFAULT_SEEDS = '1-1000';
const CHUNK = 100;
const CHUNK_TIMEOUT_MS = 300_000;

const [from = 1, to = from] = (process.env.SEEDS ?? DEFAULT_SEEDS).split('-').map(Number);
const chunks = Array.from({ length: Math.ceil((to - from + 1) / CHUNK) }, (_, at) => {
  const first = from + at * CHUNK;
  return { first, last: Math.min(to, first + CHUNK - 1) };
});

describe('nothing is lost and nothing comes twice', () => {
  it.each(chunks)('in seeds $first to $last', { timeout: CHUNK_TIMEOUT_MS }, async ({ first, last }) => {
    for (let seed = first; seed <= last; seed++) {
      const outcome = await simulate(seed);
      if (outcome.failure !== undefined) expect.fail(await explain(outcome));
    }
  });
});

describe('a simulation', () => {
  it('is decided by its seed alone', async () => {
    for (let seed = 1; seed <= 10; seed++) {
      const [once, again] = [await simulate(seed), await simulate(seed, { trace: true })];
      expect(again.hash, `seed ${seed}`).toBe(once.hash);
      expect(again.events).toBe(once.events);
      expect((await simulate(seed + 1)).hash).not.toBe(once.hash);
    }
  });

  it('meets every fault and every fate that it is there for', async () => {
    const wanted = {
      eviction: /stated evicted/,
      quarantine: /stated quarantined/,
      'refused append': /rejected: disk-full/,
      'loss after PUBACK': /broker loses/,
      'message for nobody': /broker drops/,
      'loss of power': /loses power/,
      'orderly stop': /stops/,
      'damaged file': /disk: .*(bytes from|zeros at|cut to)/,
      'append refused by the log': /log refuses/,
      'commit of unknown outcome': /commit: done, but nobody says so/,
      'fenced processor': /commit: fenced/,
      'time series away': /TimeSeries|simulated outage/,
      'gap alarm': /gap alarm raised/,
      'end of a gap': /gap alarm cleared/,
      'dead letter': /commits .*dead-letters:/,
    };
    const missing = new Map(Object.entries(wanted));
    for (let seed = 1; seed <= 150 && missing.size > 0; seed++) {
      const { trace } = await simulate(seed, { trace: true });
      const text = trace.join('\n');
      for (const [what, pattern] of missing) if (pattern.test(text)) missing.delete(what);
    }
    expect([...missing.keys()]).toEqual([]);
  });
});
