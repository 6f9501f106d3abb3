/** Outputs, state and offsets in one, whatever goes wrong. Part of event-log.contract.ts. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, vi } from 'vitest';
import type { CrashJob } from './crash-child.contract.ts';
import type { LogRecord, Runner, StoredRecord } from './event-log.ts';
import { type ContractBench, PARTITIONS, texts, WAIT } from './log-bench.test-support.ts';
import { partitionOfKey } from './partitioner.ts';

export function transformContract(bench: ContractBench): void {
  const { open, record, collect } = bench;

  describe('transform', () => {
    /** Copies input to output and counts per key in the state; faults are injected through `onGroup`. */
    function copier(options: { group: string; onGroup?: () => void; events?: string[] }) {
      const counts = new Map<number, Map<string, number>>();
      const events = options.events ?? [];
      return {
        counts,
        events,
        options: {
          group: options.group,
          input: bench.names.input,
          state: bench.names.state,
          maxRecords: 7,
          onAssigned: (partition: number, state: ReadonlyMap<string, Buffer>) => {
            events.push(`assigned ${partition}`);
            counts.set(partition, new Map([...state].map(([key, value]) => [key, Number(value.toString())])));
          },
          onRevoked: (partition: number) => {
            events.push(`revoked ${partition}`);
            counts.delete(partition);
          },
          onRecords: async (records: readonly StoredRecord[]) => {
            const outputs: LogRecord[] = [];
            for (const { partition, key, value } of records) {
              const ofPartition = counts.get(partition);
              if (!ofPartition) throw new Error(`partition ${partition} is not ours`);
              const count = (ofPartition.get(key) ?? 0) + 1;
              ofPartition.set(key, count);
              outputs.push({ topic: bench.names.output, key, value: Buffer.from(`${value?.toString()}#${count}`) });
              outputs.push({ topic: bench.names.state, partition, key, value: Buffer.from(String(count)) });
            }
            options.onGroup?.();
            return { outputs, committed: () => events.push('committed') };
          },
        },
      };
    }

    /** `key:n#n+1` exactly once and in order for every key: nothing lost, nothing twice, the state in step. */
    function expectExactlyOnce(records: readonly StoredRecord[], keys: readonly string[], each: number): void {
      for (const key of keys) {
        const own = records.filter((found) => found.key === key);
        expect(texts(own)).toEqual(Array.from({ length: each }, (_, n) => `${key}:${n}#${n + 1}`));
      }
      expect(records).toHaveLength(keys.length * each);
    }

    const keys = ['g1', 'g2', 'g3', 'g4', 'g5'];
    const input = (from: number, to: number) =>
      Array.from({ length: to - from }, (_, n) => keys.map((key) => record(key, `${key}:${from + n}`))).flat();

    it('writes outputs, state and offsets together, whatever goes wrong in between', async () => {
      await bench.log.append(input(0, 12));
      let groups = 0;
      const copy = copier({
        group: bench.unique('once'),
        onGroup: () => {
          if (++groups % 3 === 2) throw new Error(`fault ${groups}`);
        },
      });
      const runner = await bench.log.transform(copy.options);
      const { records } = await collect({ log: bench.log, topic: bench.names.output });
      await vi.waitFor(() => expect(records.length).toBeGreaterThanOrEqual(30), WAIT);
      await bench.log.append(input(12, 20));
      await vi.waitFor(() => expect(records.length).toBeGreaterThanOrEqual(100), WAIT);
      expectExactlyOnce(records, keys, 20);
      expect(groups).toBeGreaterThan(3);
      await vi.waitFor(() => expect(runner.lag()).toBe(0), WAIT);
      await runner.stop();
      expect(copy.counts.size).toBe(0);
    });

    it('calls committed after the commit only, and assigns anew after an abort', async () => {
      let fail = true;
      const events: string[] = [];
      const copy = copier({
        group: bench.unique('events'),
        events,
        onGroup: () => {
          events.push('group');
          if (!fail) return;
          fail = false;
          throw new Error('once');
        },
      });
      const runner = await bench.log.transform(copy.options);
      await vi.waitFor(() => expect(events.filter((event) => event.startsWith('assigned'))).toHaveLength(4), WAIT);
      await bench.log.append([{ ...record('g1', 'g1:0'), partition: 3 }]);
      await vi.waitFor(() => expect(events).toContain('committed'), WAIT);
      const afterFault = events.slice(events.indexOf('group') + 1);
      expect(afterFault).toContain('assigned 3');
      expect(afterFault.indexOf('assigned 3')).toBeLessThan(afterFault.indexOf('group'));
      expect(afterFault.indexOf('group')).toBeLessThan(afterFault.indexOf('committed'));
      expect(events.filter((event) => event === 'committed')).toHaveLength(1);
      await vi.waitFor(() => expect(runner.fault()).toBeUndefined(), WAIT);
    });

    it('restores the state of each partition when it starts again, without deleted keys', async () => {
      const group = bench.unique('restore');
      const first = copier({ group });
      const runner = await bench.log.transform(first.options);
      await bench.log.append(input(0, 3));
      const { records } = await collect({ log: bench.log, topic: bench.names.output });
      await vi.waitFor(() => expect(records).toHaveLength(15), WAIT);
      await vi.waitFor(() => expect(runner.lag()).toBe(0), WAIT);
      await runner.stop();
      const lost = partitionOfKey('g1', PARTITIONS);
      await bench.log.append([{ topic: bench.names.state, partition: lost, key: 'g1', value: null }]);

      const second = copier({ group });
      const again = await (await open()).transform(second.options);
      await vi.waitFor(() => expect(second.counts.size).toBe(PARTITIONS), WAIT);
      const restored = new Map([...second.counts.values()].flatMap((ofPartition) => [...ofPartition]));
      expect(restored).toEqual(new Map(keys.filter((key) => key !== 'g1').map((key) => [key, 3])));
      await bench.log.append([record('g2', 'g2:3')]);
      await vi.waitFor(() => expect(texts(records)).toContain('g2:3#4'), WAIT);
      expect(records).toHaveLength(16);
      await again.stop();
    });

    it('commits what a tick gives, also when no records come', async () => {
      const copy = copier({ group: bench.unique('tick') });
      let ticks = 0;
      let committed = 0;
      const runner = await bench.log.transform({
        ...copy.options,
        tickMs: 50,
        onTick: () => {
          ticks++;
          if (ticks % 2 === 0 || ticks > 6) return undefined;
          return {
            outputs: [{ topic: bench.names.output, partition: 2, key: 'tick', value: Buffer.from(`tick ${ticks}`) }],
            committed: () => committed++,
          };
        },
      });
      const { records } = await collect({ log: bench.log, topic: bench.names.output });
      await vi.waitFor(() => expect(texts(records)).toEqual(['tick 1', 'tick 3', 'tick 5']), WAIT);
      expect(records.every(({ partition }) => partition === 2)).toBe(true);
      await vi.waitFor(() => expect(committed).toBe(3), WAIT);
      await runner.stop();
    });

    it('moves on past records that give no outputs', async () => {
      const group = bench.unique('silent');
      let seen = 0;
      const options = {
        group,
        input: bench.names.input,
        state: bench.names.state,
        onAssigned: () => {},
        onRevoked: () => {},
        onRecords: async (records: readonly StoredRecord[]) => {
          seen += records.length;
          return { outputs: [] };
        },
      };
      const runner = await bench.log.transform(options);
      await bench.log.append(input(0, 2));
      await vi.waitFor(() => expect(seen).toBe(10), WAIT);
      await vi.waitFor(() => expect(runner.lag()).toBe(0), WAIT);
      await runner.stop();
      const again = await bench.log.transform(options);
      await bench.log.append([record('g1', 'last')]);
      await vi.waitFor(() => expect(seen).toBe(11), WAIT);
      await again.stop();
    });

    it('stays exactly once while processes come and go', async () => {
      const group = bench.unique('moving');
      const other = await open();
      const { records } = await collect({ log: bench.log, topic: bench.names.output });
      const first = await bench.log.transform(copier({ group }).options);
      await bench.log.append(input(0, 5));
      const second = await other.transform(copier({ group }).options);
      await bench.log.append(input(5, 10));
      await vi.waitFor(() => expect(records).toHaveLength(50), WAIT);
      await first.stop();
      await bench.log.append(input(10, 15));
      await vi.waitFor(() => expect(records).toHaveLength(75), WAIT);
      const third: Runner = await bench.log.transform(copier({ group }).options);
      await bench.log.append(input(15, 20));
      await second.stop();
      await vi.waitFor(() => expect(records.length).toBeGreaterThanOrEqual(100), WAIT);
      expectExactlyOnce(records, keys, 20);
      await third.stop();
    });

    it('is exactly once when its process is killed again and again', async () => {
      await bench.log.append(input(0, 40));
      await bench.log.close();
      const group = bench.unique('killed');
      const job = { address: bench.address, topics: bench.topics, group, ...bench.names };
      for (const commits of [1, 4, 9]) await killAfter(job, commits);

      const reopened = await open();
      const { records } = await collect({ log: reopened, topic: bench.names.output });
      const started = performance.now();
      const runner = await reopened.transform(copier({ group }).options);
      await vi.waitFor(() => expect(runner.lag()).toBeDefined(), WAIT);
      // A dead process's partitions are another's within ten seconds, its open transaction included.
      expect(performance.now() - started).toBeLessThan(10_000);
      await vi.waitFor(() => expect(records.length).toBeGreaterThanOrEqual(200), WAIT);
      expectExactlyOnce(records, keys, 40);
      await vi.waitFor(() => expect(runner.lag()).toBe(0), WAIT);
    });

    it('refuses a state topic that does not fit its input', async () => {
      const { options } = copier({ group: bench.unique('misfit') });
      await expect(bench.log.transform({ ...options, state: bench.names.output })).rejects.toMatchObject({
        code: 'log-rejected',
      });
      await expect(bench.log.transform({ ...options, input: 'contract-never-set-up' })).rejects.toMatchObject({
        code: 'log-rejected',
      });
    });
  });
}

/** SIGKILL in the middle of its work, at another point of a transaction each time. */
async function killAfter(job: CrashJob, commits: number): Promise<void> {
  const script = fileURLToPath(new URL('./crash-child.contract.ts', import.meta.url));
  const child = spawn(process.execPath, ['--import', 'tsx', script, JSON.stringify(job)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exited = once(child, 'exit');
  let seen = 0;
  for await (const line of createInterface({ input: child.stdout })) {
    if (line === 'committed' && ++seen === commits) child.kill('SIGKILL');
  }
  await exited;
  expect(seen).toBeGreaterThanOrEqual(commits);
}
