/**
 * The Cache port: text by key, for a while. In process (memory.ts) or in Redis (redis.ts); both pass cache.contract.ts.
 *
 * A cache is never the owner of anything. It may forget at any moment, and it may give a value that was replaced elsewhere for as
 * long as that value's time to live: whoever cannot bear that asks the Store. So a cache that is away is a miss and a note in
 * `healthy`, never an error: nothing here rejects.
 */
export interface Cache {
  get(key: string): Promise<string | undefined>;
  set(key: string, value: string, options: { ttlMs: number }): Promise<void>;
  delete(key: string): Promise<void>;
  healthy(): Promise<{ ok: boolean; detail: string }>;
  close(): Promise<void>;
}
