/** Followers, alone and in a group, of topics compacted or not. Part of event-log.contract.ts. */
import { describe, expect, it, vi } from 'vitest';
import type { EventLog, LogRecord, StoredRecord } from './event-log.ts';
import { type ContractBench, texts, WAIT } from './log-bench.test-support.ts';

export function followContract(bench: ContractBench): void {
  const { open, record, collect } = bench;

  describe('follow', () => {
    it('starts where the follower says and goes on live', async () => {
      const numbered = (from: number, to: number): LogRecord[] =>
        Array.from({ length: to - from }, (_, n) => ({ ...record('k', `${from + n}`), partition: 1 }));
      await bench.log.append(numbered(0, 10));
      const first = await collect({ log: bench.log, topic: bench.names.input });
      await vi.waitFor(() => expect(first.records).toHaveLength(10), WAIT);
      const start = first.records[7]?.offset ?? Number.NaN;
      const asked: number[] = [];
      const records: StoredRecord[] = [];
      await bench.log.follow({
        group: bench.unique('late'),
        topic: bench.names.input,
        position: async (partition) => {
          asked.push(partition);
          return partition === 1 ? start : 0;
        },
        onRecords: async (group) => {
          records.push(...group);
        },
      });
      await vi.waitFor(() => expect(texts(records)).toEqual(['7', '8', '9']), WAIT);
      expect(asked.sort()).toEqual([0, 1, 2, 3]);
      await bench.log.append(numbered(10, 12));
      await vi.waitFor(() => expect(texts(records)).toEqual(['7', '8', '9', '10', '11']), WAIT);
    });

    it('comes again with the same records until they are taken, and says what is wrong meanwhile', async () => {
      await bench.log.append(Array.from({ length: 5 }, (_, n) => ({ ...record('k', `${n}`), partition: 0 })));
      const seen: (string | null)[][] = [];
      let refusals = 3;
      const runner = await bench.log.follow({
        group: bench.unique('stubborn'),
        topic: bench.names.input,
        position: async () => 0,
        onRecords: async (group) => {
          seen.push(texts(group));
          if (refusals-- > 0) throw new Error('database away');
        },
      });
      await vi.waitFor(() => expect(runner.fault()?.message).toBe('database away'), WAIT);
      await vi.waitFor(() => expect(seen.slice(3).flat()).toEqual(['0', '1', '2', '3', '4']), WAIT);
      expect(seen[1]).toEqual(seen[0]);
      expect(seen[2]).toEqual(seen[0]);
      await vi.waitFor(() => expect(runner.fault()).toBeUndefined(), WAIT);
      await vi.waitFor(() => expect(runner.lag()).toBe(0), WAIT);
    });

    it('without a group each follower reads everything, also of a compacted topic', async () => {
      await bench.log.append(['a', 'b', 'c'].map((key) => record(key, `${key}1`, bench.names.state)));
      const found: Map<string, string>[] = [];
      const followAll = async (of: EventLog) => {
        const own = new Map<string, string>();
        found.push(own);
        await of.follow({
          topic: bench.names.state,
          position: async () => 0,
          onRecords: async (group) => {
            for (const { key, value } of group) own.set(key, String(value));
          },
        });
      };
      await followAll(bench.log);
      await followAll(bench.log);
      await bench.log.append([record('b', 'b2', bench.names.state)]);
      await followAll(await open());
      const all = new Map([
        ['a', 'a1'],
        ['b', 'b2'],
        ['c', 'c1'],
      ]);
      await vi.waitFor(() => expect(found).toEqual([all, all, all]), WAIT);
    });

    it('asks again for positions that it could not get', async () => {
      await bench.log.append([record('k', 'x')]);
      const records: StoredRecord[] = [];
      let refusals = 2;
      const runner = await bench.log.follow({
        group: bench.unique('unsure'),
        topic: bench.names.input,
        position: async () => {
          if (refusals-- > 0) throw new Error('position unknown');
          return 0;
        },
        onRecords: async (group) => {
          records.push(...group);
        },
      });
      await vi.waitFor(() => expect(texts(records)).toEqual(['x']), WAIT);
      await vi.waitFor(() => expect(runner.fault()).toBeUndefined(), WAIT);
    });

    it('bounds a group, reads many partitions, and knows how far it is behind', async () => {
      const all = Array.from({ length: 240 }, (_, n) => ({
        ...record(`${n}`, `${n}`, bench.names.wide),
        partition: n % 24,
      }));
      await bench.log.append(all);
      const sizes: number[] = [];
      const records: StoredRecord[] = [];
      let release = () => {};
      const gate = new Promise<void>((resolve) => {
        release = resolve;
      });
      const runner = await bench.log.follow({
        group: bench.unique('wide'),
        topic: bench.names.wide,
        maxRecords: 50,
        position: async () => 0,
        onRecords: async (group) => {
          sizes.push(group.length);
          await gate;
          records.push(...group);
        },
      });
      await vi.waitFor(() => expect(runner.lag()).toBe(240), WAIT);
      release();
      await vi.waitFor(() => expect(records).toHaveLength(240), WAIT);
      expect(Math.max(...sizes)).toBeLessThanOrEqual(50);
      expect(new Set(texts(records)).size).toBe(240);
      await vi.waitFor(() => expect(runner.lag()).toBe(0), WAIT);
    });

    it('lets one group share the work: each record goes to one of them, also after one has left', async () => {
      const other = await open();
      const group = bench.unique('shared');
      const taken = new Map<number, number>();
      const seen: string[] = [];
      const start = (of: EventLog) =>
        of.follow({
          group,
          topic: bench.names.input,
          position: async (partition) => taken.get(partition) ?? 0,
          onRecords: async (records) => {
            for (const { partition, offset, value } of records) {
              if (offset < (taken.get(partition) ?? 0)) continue;
              taken.set(partition, offset + 1);
              seen.push(value?.toString() ?? '');
            }
          },
        });
      const first = await start(bench.log);
      const second = await start(other);
      await bench.log.append(Array.from({ length: 40 }, (_, n) => record(`key-${n}`, `${n}`)));
      await vi.waitFor(() => expect(seen).toHaveLength(40), WAIT);
      await first.stop();
      await bench.log.append(Array.from({ length: 40 }, (_, n) => record(`key-${n}`, `${40 + n}`)));
      await vi.waitFor(() => expect(seen).toHaveLength(80), WAIT);
      expect(new Set(seen).size).toBe(80);
      await second.stop();
    });

    it('shows the last value of each key of a compacted topic, and what was deleted', async () => {
      const state = (key: string, text: string | null): LogRecord => ({
        topic: bench.names.state,
        partition: 0,
        key,
        value: text === null ? null : Buffer.from(text),
      });
      await bench.log.append([state('a', '1'), state('b', '1'), state('c', '1')]);
      await bench.log.append([state('a', '2'), state('b', null)]);
      const { records } = await collect({ log: bench.log, topic: bench.names.state });
      await vi.waitFor(() => expect(new Set(records.map(({ key }) => key)).size).toBe(3), WAIT);
      await vi.waitFor(() => {
        const last = new Map(records.map(({ key, value }) => [key, value?.toString() ?? null]));
        expect(last).toEqual(
          new Map([
            ['c', '1'],
            ['a', '2'],
            ['b', null],
          ]),
        );
      }, WAIT);
    });
  });
}
