/**
 * The Cache in this process: a Map in the order of last use.
 *
 * Bounds: `maxEntries` and `maxBytes` (two a character, keys and values); past them the entries that were not used for longest go.
 */
import type { Cache } from './cache.ts';

export interface MemoryCacheOptions {
  /** Default 50,000. */
  maxEntries?: number;
  /** Default 64 MiB. */
  maxBytes?: number;
  /** Monotonic. Default performance.now. */
  nowMs?: () => number;
}

interface Entry {
  value: string;
  bytes: number;
  endsMs: number;
}

export function openMemoryCache(options: MemoryCacheOptions = {}): Cache {
  const maxEntries = options.maxEntries ?? 50_000;
  const maxBytes = options.maxBytes ?? 64 * 1024 * 1024;
  const nowMs = options.nowMs ?? (() => performance.now());
  const entries = new Map<string, Entry>();
  let bytes = 0;

  function forget(key: string): void {
    const entry = entries.get(key);
    if (!entry) return;
    bytes -= entry.bytes;
    entries.delete(key);
  }

  function shrink(): void {
    for (const key of entries.keys()) {
      if (entries.size <= maxEntries && bytes <= maxBytes) return;
      forget(key);
    }
  }

  return {
    async get(key) {
      const entry = entries.get(key);
      if (!entry) return undefined;
      if (entry.endsMs <= nowMs()) {
        forget(key);
        return undefined;
      }
      // A Map keeps the order of insertion: put last, it is the last to go.
      entries.delete(key);
      entries.set(key, entry);
      return entry.value;
    },
    async set(key, value, { ttlMs }) {
      forget(key);
      if (ttlMs <= 0) return;
      const entry = { value, bytes: 2 * (key.length + value.length), endsMs: nowMs() + ttlMs };
      entries.set(key, entry);
      bytes += entry.bytes;
      shrink();
    },
    async delete(key) {
      forget(key);
    },
    async healthy() {
      return { ok: true, detail: `cache in process, ${entries.size} entries, ${bytes} bytes` };
    },
    async close() {
      entries.clear();
      bytes = 0;
    },
  };
}
