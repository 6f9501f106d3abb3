/** What is appended is there, in order and for good, and where partitions are at a time. Part of event-log.contract.ts. */
import { describe, expect, it, vi } from 'vitest';
import { EventLogError } from './event-log.ts';
import { type ContractBench, PARTITIONS, texts, WAIT } from './log-bench.test-support.ts';
import { partitionOfKey } from './partitioner.ts';

export function appendContract(bench: ContractBench): void {
  const { open, record, collect } = bench;

  it('says where each partition is at a time, and where it ends', async () => {
    const all = (offset: number) => new Map(Array.from({ length: PARTITIONS }, (_, partition) => [partition, offset]));
    expect(await bench.log.positionsAt(bench.names.input, 'end')).toEqual(all(0));
    await bench.log.append([0, 0, 2].map((partition) => ({ ...record('key', 'text'), partition })));
    const { records } = await collect({ log: bench.log, topic: bench.names.input });
    await vi.waitFor(() => expect(records).toHaveLength(3), WAIT);
    const end = new Map([...all(0), [0, 2], [2, 1]]);
    expect(await bench.log.positionsAt(bench.names.input, 'end')).toEqual(end);
    expect(await bench.log.positionsAt(bench.names.input, 0)).toEqual(all(0));
    const newestMs = Math.max(...records.map(({ timestampMs }) => timestampMs));
    expect(await bench.log.positionsAt(bench.names.input, newestMs + 60_000)).toEqual(end);
    const at = await bench.log.positionsAt(
      bench.names.input,
      Math.min(...records.map(({ timestampMs }) => timestampMs)),
    );
    expect([at.get(0), at.get(2)]).toEqual([0, 0]);
  });

  describe('append', () => {
    it('keeps the order of each key, in the partition that murmur2 says', async () => {
      const keys = Array.from({ length: 10 }, (_, n) => `gateway-${n}`);
      const appends: Promise<void>[] = [];
      for (let n = 0; n < 40; n++) appends.push(bench.log.append(keys.map((key) => record(key, `${key}:${n}`))));
      await Promise.all(appends);
      const { records } = await collect({ log: bench.log, topic: bench.names.input });
      await vi.waitFor(() => expect(records).toHaveLength(400), WAIT);
      for (const key of keys) {
        const own = records.filter((found) => found.key === key);
        expect(texts(own)).toEqual(Array.from({ length: 40 }, (_, n) => `${key}:${n}`));
        expect(new Set(own.map(({ partition }) => partition))).toEqual(new Set([partitionOfKey(key, PARTITIONS)]));
      }
      for (let partition = 0; partition < PARTITIONS; partition++) {
        const offsets = records.filter((found) => found.partition === partition).map(({ offset }) => offset);
        expect(offsets).toEqual([...new Set(offsets)].sort((a, b) => a - b));
      }
    });

    it('gives back key, value, headers, partition and time', async () => {
      const before = Date.now();
      const value = Buffer.from([0, 1, 255]);
      const headers = { lane: 'tracking', 'received-ms': '17', empty: '', text: 'é"' };
      await bench.log.append([{ topic: bench.names.input, partition: 2, key: 'key \u0000 é', value, headers }]);
      const { records } = await collect({ log: bench.log, topic: bench.names.input });
      await vi.waitFor(() => expect(records).toHaveLength(1), WAIT);
      expect(records[0]).toMatchObject({ topic: bench.names.input, partition: 2, key: 'key \u0000 é', value, headers });
      expect(records[0]?.timestampMs).toBeGreaterThanOrEqual(before - 5_000);
      expect(records[0]?.timestampMs).toBeLessThanOrEqual(Date.now() + 5_000);
    });

    it('stores U+0000 of a header as U+FFFD, and other bytes of keys and values as they are', async () => {
      await bench.log.append([
        { topic: bench.names.input, key: '\u0000', value: Buffer.alloc(3), headers: { reason: 'a\u0000b' } },
      ]);
      const { records } = await collect({ log: bench.log, topic: bench.names.input });
      await vi.waitFor(() => expect(records).toHaveLength(1), WAIT);
      expect(records[0]).toMatchObject({ key: '\u0000', value: Buffer.alloc(3), headers: { reason: 'a\ufffdb' } });
    });

    it('takes values of three million bytes', async () => {
      const value = Buffer.alloc(3_000_000);
      for (let at = 0; at < value.length; at += 4) value.writeUInt32LE(Math.imul(at, 2_654_435_761) >>> 0, at);
      const all = Array.from({ length: 4 }, (_, n) => ({ topic: bench.names.input, partition: 0, key: `${n}`, value }));
      await bench.log.append(all);
      const { records } = await collect({ log: bench.log, topic: bench.names.input });
      await vi.waitFor(() => expect(records).toHaveLength(4), WAIT);
      expect(records.every((found) => found.value?.equals(value))).toBe(true);
    });

    it('refuses what cannot be stored, and only that', async () => {
      const good = bench.log.append([record('a', 'good')]);
      const refused = [
        bench.log.append([{ topic: 'contract-never-set-up', key: 'a', value: null }]),
        bench.log.append([{ topic: bench.names.input, partition: PARTITIONS, key: 'a', value: null }]),
        bench.log.append([{ topic: bench.names.input, key: 'a', value: Buffer.alloc(4 * 1024 * 1024 + 1) }]),
      ];
      for (const append of refused) await expect(append).rejects.toMatchObject({ code: 'log-rejected' });
      await good;
      const { records } = await collect({ log: bench.log, topic: bench.names.input });
      await vi.waitFor(() => expect(texts(records)).toEqual(['good']), WAIT);
    });

    it('is durable: another process finds what was appended', async () => {
      await bench.log.append([record('a', '1'), record('b', '2')]);
      await bench.log.close();
      const reopened = await open();
      const { records } = await collect({ log: reopened, topic: bench.names.input });
      await vi.waitFor(() => expect(texts(records).sort()).toEqual(['1', '2']), WAIT);
    });

    it('does nothing for no records, and says when it is closed', async () => {
      await bench.log.append([]);
      expect(await bench.log.healthy()).toMatchObject({ ok: true });
      await bench.log.close();
      await expect(bench.log.append([record('a', 'x')])).rejects.toMatchObject({ code: 'log-closed' });
      await expect(bench.log.append([record('a', 'x')])).rejects.toBeInstanceOf(EventLogError);
      expect(await bench.log.healthy()).toMatchObject({ ok: false });
      await bench.log.close();
    });
  });
}
