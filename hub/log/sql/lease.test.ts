import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openPglite } from '../../store/pglite.ts';
import type { Store } from '../../store/store.ts';
import { Lease, LeaseLostError } from './lease.ts';
import { logMigrations } from './migrations.ts';

let store: Store;
beforeAll(async () => {
  store = await openPglite({ migrations: logMigrations });
  await store.migrate();
}, 60_000);
afterAll(() => store.close());

describe('Lease', () => {
  let serial = 0;
  const pair = () => {
    const key = { group: `group-${serial++}`, topic: 'topic' };
    const change = (set: string) => store.query(`update log_leases set ${set} where grp = $1`, [key.group]);
    return { first: new Lease(key), second: new Lease(key), change };
  };

  it('has one owner, who keeps it', async () => {
    const { first, second } = pair();
    expect(await first.acquire(store)).toBe(true);
    expect(await first.acquire(store)).toBe(true);
    expect(await second.acquire(store)).toBe(false);
    await store.transaction((sql) => first.fence(sql));
    await expect(store.transaction((sql) => second.fence(sql))).rejects.toBeInstanceOf(LeaseLostError);
  });

  it('is free once it is released, and only its owner can do that', async () => {
    const { first, second } = pair();
    await first.acquire(store);
    await second.release(store);
    expect(await second.acquire(store)).toBe(false);
    await first.release(store);
    expect(await second.acquire(store)).toBe(true);
  });

  it.each([
    ['ran out', "expires_at = clock_timestamp() - interval '1 second'"],
    ['ends later than any lease could: the clock was set back', "expires_at = clock_timestamp() + interval '10 years'"],
    ['is from before the database was started', "server_start = server_start - interval '1 hour'"],
  ])('passes to another when it %s, and then fences the old owner', async (_why, set) => {
    const { first, second, change } = pair();
    await first.acquire(store);
    await change(set);
    expect(await second.acquire(store)).toBe(true);
    await expect(store.transaction((sql) => first.fence(sql))).rejects.toBeInstanceOf(LeaseLostError);
    expect(await first.acquire(store)).toBe(false);
  });
});
