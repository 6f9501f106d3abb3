/**
 * The Cache in Redis, one server or a Cluster, through ioredis.
 *
 * - No command waits for a connection: while there is none, reads miss. A command without an answer is given up after
 *   `commandTimeoutMs`.
 * - A key whose write or deletion failed may hold an old value there: until it is deleted, it is a miss here. Such keys are
 *   deleted when the connection is back; at most `MAX_DOUBTFUL` are remembered, the oldest are then left to their time to live.
 */
import type { Cluster, Redis } from 'ioredis';
import { type Log, silentLog } from '../../protocols/base/log.ts';
import type { Cache } from './cache.ts';

export interface RedisCacheOptions {
  /** `redis://user:password@host:6379/0` or `rediss://…`; of a Cluster: some of its nodes. */
  urls: readonly string[];
  cluster?: boolean;
  /** In front of every key. Default `milepost:`. */
  prefix?: string;
  /** Default 500. */
  commandTimeoutMs?: number;
  log?: Log;
}

const MAX_DOUBTFUL = 10_000;
const CONNECT_TIMEOUT_MS = 2_000;
const MAX_RETRY_MS = 2_000;

/** Connects in the background: succeeds while Redis is away. */
export async function openRedisCache(options: RedisCacheOptions): Promise<Cache> {
  const addresses = options.urls.map(parse);
  if (addresses.length === 0) throw new TypeError('a Redis cache needs at least one url');
  const client = await makeClient(options);
  return new RedisCache({ client, where: `Redis ${addresses.map(({ host }) => host).join(', ')}`, options });
}

class RedisCache implements Cache {
  readonly #client: Redis | Cluster;
  readonly #where: string;
  readonly #prefix: string;
  readonly #log: Log;
  readonly #doubtful = new Set<string>();
  #fault: string | undefined = 'not connected yet';
  #closed = false;

  constructor(parts: { client: Redis | Cluster; where: string; options: RedisCacheOptions }) {
    this.#client = parts.client;
    this.#where = parts.where;
    this.#prefix = parts.options.prefix ?? 'milepost:';
    this.#log = parts.options.log ?? silentLog;
    this.#client.on('error', (error: Error) => this.#failed(error));
    this.#client.on('close', () => {
      this.#fault ??= 'connection lost';
    });
    this.#client.on('ready', () => void this.#back());
    // Its outcome comes as an event.
    this.#client.connect().catch(() => {});
  }

  async get(key: string): Promise<string | undefined> {
    const name = this.#prefix + key;
    if (this.#doubtful.has(name)) return undefined;
    const value = await this.#ask(() => this.#client.get(name));
    // It may have become doubtful meanwhile.
    return this.#doubtful.has(name) ? undefined : (value ?? undefined);
  }

  async set(key: string, value: string, { ttlMs }: { ttlMs: number }): Promise<void> {
    if (ttlMs <= 0) return this.delete(key);
    const name = this.#prefix + key;
    await this.#change(name, () => this.#client.set(name, value, 'PX', Math.ceil(ttlMs)));
  }

  async delete(key: string): Promise<void> {
    const name = this.#prefix + key;
    await this.#change(name, () => this.#client.unlink(name));
  }

  async healthy(): Promise<{ ok: boolean; detail: string }> {
    if (this.#closed) return { ok: false, detail: 'the cache is closed' };
    const answer = await this.#ask(() => this.#client.ping());
    if (answer !== undefined) return { ok: true, detail: this.#where };
    return { ok: false, detail: `${this.#where}: ${this.#fault ?? 'no answer'}; reads go to the store` };
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#client.disconnect();
  }

  async #change(name: string, command: () => Promise<unknown>): Promise<void> {
    const done = await this.#ask(command);
    if (done !== undefined) {
      this.#doubtful.delete(name);
      return;
    }
    this.#doubtful.add(name);
    for (const oldest of this.#doubtful) {
      if (this.#doubtful.size <= MAX_DOUBTFUL) break;
      this.#doubtful.delete(oldest);
    }
  }

  /** undefined when there was no answer. */
  async #ask<T>(command: () => Promise<T>): Promise<T | undefined> {
    if (this.#closed || this.#client.status !== 'ready') return undefined;
    try {
      return await command();
    } catch (error) {
      this.#failed(error as Error);
      return undefined;
    }
  }

  #failed(error: Error): void {
    if (this.#closed) return;
    if (this.#fault === undefined) this.#log.warn({ redis: this.#where, error: error.message }, 'cache is away');
    this.#fault = error.message;
  }

  async #back(): Promise<void> {
    if (this.#fault !== undefined) this.#log.info({ redis: this.#where }, 'cache is here');
    this.#fault = undefined;
    for (const name of [...this.#doubtful]) {
      const deleted = await this.#ask(() => this.#client.unlink(name));
      if (deleted === undefined) return;
      this.#doubtful.delete(name);
    }
  }
}

async function makeClient(options: RedisCacheOptions): Promise<Redis | Cluster> {
  const ioredis = await import('ioredis');
  const bounds = {
    maxRetriesPerRequest: 0,
    connectTimeout: CONNECT_TIMEOUT_MS,
    commandTimeout: options.commandTimeoutMs ?? 500,
  };
  if (!options.cluster) {
    const single = { ...bounds, lazyConnect: true, enableOfflineQueue: false, retryStrategy };
    return new ioredis.Redis(options.urls[0] ?? '', single);
  }
  const [first] = options.urls.map(parse);
  return new ioredis.Cluster([...options.urls], {
    lazyConnect: true,
    clusterRetryStrategy: retryStrategy,
    // Its queues stay on: its own readiness check goes through one, and connections to single nodes are made by the first command
    // for them. Ours are asked only once the Cluster is ready, and wait up to their time-out.
    redisOptions: { ...bounds, ...first?.credentials },
  });
}

function retryStrategy(attempt: number): number {
  return Math.min(MAX_RETRY_MS, 50 * 2 ** Math.min(attempt, 10));
}

function parse(url: string): { host: string; credentials: { username?: string; password?: string; tls?: object } } {
  let parsed: URL;
  try {
    parsed = new URL(url);
  } catch {
    throw new TypeError('a Redis url is not of the form redis://user:password@host:port/number');
  }
  const { hostname, port, username, password, protocol } = parsed;
  const credentials = {
    ...(username !== '' && { username: decodeURIComponent(username) }),
    ...(password !== '' && { password: decodeURIComponent(password) }),
    ...(protocol === 'rediss:' && { tls: {} }),
  };
  return { host: `${hostname}:${port || '6379'}`, credentials };
}
