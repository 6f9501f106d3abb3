import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { expect, it, vi } from 'vitest';
import { exchange } from '../../test/servers/exchange.ts';
import { program } from '../../test/servers/machine.ts';
import { describeWith } from '../../test/servers/needs.ts';
import { freePort, HOST } from '../../test/servers/ports.ts';
import { startRedis } from '../../test/servers/redis.ts';
import { type Server, serverFolder, startServer } from '../../test/servers/server-process.ts';
import { cacheContract } from './cache.contract.ts';
import type { Cache } from './cache.ts';
import { openRedisCache } from './redis.ts';

const WAIT = { timeout: 15_000, interval: 20 };
const prefix = () => `test-${randomBytes(6).toString('hex')}:`;

async function connected(cache: Cache): Promise<Cache> {
  await vi.waitFor(async () => expect(await cache.healthy()).toMatchObject({ ok: true }), WAIT);
  return cache;
}

describeWith(['redis'], 'Cache in Redis', ({ redis }) => {
  cacheContract(async () => ({
    cache: await connected(await openRedisCache({ urls: [redis.url], prefix: prefix() })),
    wait: (ms) => delay(ms),
  }));

  it('keeps to its prefix, and gives every key an end', async () => {
    const own = prefix();
    const cache = await connected(await openRedisCache({ urls: [redis.url], prefix: own }));
    await cache.set('a', '1', { ttlMs: 60_000 });
    const client = new Redis(redis.url);
    expect(await client.get(`${own}a`)).toBe('1');
    expect(await client.pttl(`${own}a`)).toBeGreaterThan(0);
    client.disconnect();
    await cache.close();
  });

  it('misses without an error while Redis is away, and never gives what it could not replace', async () => {
    const server = await startRedis();
    try {
      // On a busy machine a write to its disk may take longer than the usual time-out.
      const cache = await connected(await openRedisCache({ urls: [server.url], commandTimeoutMs: 10_000 }));
      for (const key of ['replaced', 'deleted', 'kept']) await cache.set(key, 'old', { ttlMs: 600_000 });
      expect(await cache.get('kept')).toBe('old');
      await server.kill9();
      await vi.waitFor(async () => expect(await cache.healthy()).toMatchObject({ ok: false }), WAIT);
      expect((await cache.healthy()).detail).toContain(`${HOST}:${server.port}`);
      expect(await cache.get('kept')).toBeUndefined();
      await cache.set('replaced', 'new', { ttlMs: 600_000 });
      await cache.delete('deleted');
      await server.restart();
      await vi.waitFor(async () => expect(await cache.get('kept')).toBe('old'), WAIT);
      expect(await cache.get('replaced')).toBeUndefined();
      expect(await cache.get('deleted')).toBeUndefined();
      // Others see it too, and both keys can be used again.
      const other = await connected(await openRedisCache({ urls: [server.url] }));
      await vi.waitFor(async () => {
        expect(await other.get('replaced')).toBeUndefined();
        expect(await other.get('deleted')).toBeUndefined();
      }, WAIT);
      await cache.set('replaced', 'newest', { ttlMs: 600_000 });
      expect(await cache.get('replaced')).toBe('newest');
      await other.close();
      await cache.close();
    } finally {
      await server.stop();
    }
  });

  it('opens without a server, gives up on one that does not answer, and never shows the password', async () => {
    const cache = await openRedisCache({ urls: ['redis://:hush-hush@127.0.0.1:1/0'] });
    expect(await cache.get('a')).toBeUndefined();
    const { ok, detail } = await cache.healthy();
    expect(ok).toBe(false);
    expect(detail).toContain('127.0.0.1:1');
    expect(detail).not.toContain('hush');
    await cache.close();
    await expect(openRedisCache({ urls: ['hush-hush'] })).rejects.toThrow(/redis:\/\/user/);
    await expect(openRedisCache({ urls: [] })).rejects.toThrow(/at least one url/);
  });

  it('gives up on a server that holds its answer back', async () => {
    const server = await startRedis();
    try {
      const cache = await connected(await openRedisCache({ urls: [server.url], commandTimeoutMs: 100 }));
      await cache.set('a', '1', { ttlMs: 60_000 });
      process.kill(server.pid, 'SIGSTOP');
      const started = performance.now();
      expect(await cache.get('a')).toBeUndefined();
      expect(performance.now() - started).toBeLessThan(2_000);
      process.kill(server.pid, 'SIGCONT');
      await vi.waitFor(async () => expect(await cache.get('a')).toBe('1'), WAIT);
      await cache.close();
    } finally {
      await server.stop();
    }
  });
});

describeWith(['redis'], 'Cache in a Redis Cluster', () => {
  cacheContract(async () => {
    const node = await startClusterNode();
    const cache = await connected(await openRedisCache({ urls: [node.url], cluster: true, prefix: prefix() }));
    const close = cache.close.bind(cache);
    cache.close = async () => {
      await close();
      await node.stop();
    };
    return { cache, wait: (ms) => delay(ms) };
  });
});

/** A Cluster of one node that owns all slots. */
async function startClusterNode(): Promise<Server> {
  const folder = await serverFolder('redis-cluster');
  const port = await freePort();
  const node = await startServer({
    name: 'redis-cluster',
    port,
    url: `redis://${HOST}:${port}`,
    folder,
    command: program('redis-server'),
    args: [
      ...['--bind', HOST, '--port', String(port), '--dir', folder, '--save', ''],
      ...['--cluster-enabled', 'yes', '--cluster-announce-ip', HOST, '--cluster-port', String(await freePort())],
    ],
    ready: async () => {
      const answer = await exchange(port, Buffer.from('PING\r\n'));
      if (!answer.toString().startsWith('+PONG')) throw new Error(answer.toString().trim());
    },
    readyTimeoutMs: 10_000,
  });
  await exchange(port, Buffer.from('CLUSTER ADDSLOTSRANGE 0 16383\r\n'));
  await vi.waitFor(async () => {
    const info = (await exchange(port, Buffer.from('CLUSTER INFO\r\n'))).toString();
    expect(info).toContain('cluster_state:ok');
  }, WAIT);
  return node;
}
