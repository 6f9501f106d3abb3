import { describe, expect, it } from 'vitest';
import { StoreError } from '../../store/store.ts';
import { Appender } from './appender.ts';
import type { PlacedRecord } from './records.ts';

const record = (key: string, bytes = 10): PlacedRecord => ({
  topic: 't',
  partition: 0,
  key,
  value: Buffer.alloc(bytes),
});

/** Holds each transaction until it is let go. */
function held() {
  const groups: string[][] = [];
  const gates: { resolve(): void; reject(error: Error): void }[] = [];
  const appender = new Appender((records) => {
    groups.push(records.map(({ key }) => key));
    return new Promise((resolve, reject) => gates.push({ resolve, reject }));
  });
  const next = async () => {
    await expect.poll(() => gates.length).toBeGreaterThan(0);
    const gate = gates.shift();
    if (!gate) throw new Error('no transaction is under way');
    return gate;
  };
  return { appender, groups, next };
}

describe('Appender', () => {
  it('takes what comes during a transaction into the next one, in order', async () => {
    const { appender, groups, next } = held();
    const appends = [appender.append([record('a')]), appender.append([record('b'), record('c')])];
    const first = await next();
    appends.push(appender.append([record('d')]), appender.append([record('e')]));
    first.resolve();
    (await next()).resolve();
    await Promise.all(appends);
    expect(groups).toEqual([
      ['a', 'b', 'c'],
      ['d', 'e'],
    ]);
  });

  it('bounds a transaction in bytes', async () => {
    const { appender, groups, next } = held();
    const appends = ['a', 'b', 'c'].map((key) => appender.append([record(key, 3_500_000)]));
    (await next()).resolve();
    (await next()).resolve();
    await Promise.all(appends);
    expect(groups).toEqual([['a', 'b'], ['c']]);
  });

  it('fails the appends of a failed transaction, and only those', async () => {
    const { appender, next } = held();
    const lost = appender.append([record('a')]);
    const first = await next();
    const kept = appender.append([record('b')]);
    first.reject(new StoreError({ code: 'store-unavailable', message: 'gone' }));
    await expect(lost).rejects.toMatchObject({ code: 'log-unavailable', message: 'gone' });
    (await next()).resolve();
    await kept;
  });

  it('runs a transaction again that another was in the way of', async () => {
    const { appender, groups, next } = held();
    const append = appender.append([record('a')]);
    (await next()).reject(new StoreError({ code: 'store-conflict', message: 'deadlock' }));
    (await next()).resolve();
    await append;
    expect(groups).toEqual([['a'], ['a']]);
  });

  it('refuses what would make the queue too long', async () => {
    const { appender, next } = held();
    const appends = Array.from({ length: 34 }, (_, n) => appender.append([record(`${n}`, 4_000_000)]));
    const settled = Promise.allSettled(appends);
    await expect(appends.at(-1)).rejects.toMatchObject({ code: 'log-unavailable' });
    const refused = (await Promise.race([settled, endless(next)])) as PromiseSettledResult<void>[];
    expect(refused.filter(({ status }) => status === 'rejected').length).toBeLessThan(5);
    await appender.drained();
  });
});

async function endless(next: () => Promise<{ resolve(): void }>): Promise<never> {
  for (;;) (await next()).resolve();
}
