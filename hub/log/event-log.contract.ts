/**
 * What every EventLog does, run by sql/sql.test.ts (PGlite), sql/sql.server.test.ts (PostgreSQL) and kafka/kafka.server.test.ts.
 *
 * Each test has topics of its own, so that a server can be shared. Tests wait for conditions, never for time.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { CrashJob, LogAddress } from './crash-child.contract.ts';
import { type EventLog, EventLogError, type LogRecord, type Runner, type StoredRecord } from './event-log.ts';
import { partitionOfKey } from './partitioner.ts';
import type { TopicSpec } from './topics.ts';

/** One log that several processes could share. */
export interface LogBench {
  /** For a process that is killed. */
  address: LogAddress;
  /** As a process would open it. */
  open(topics: readonly TopicSpec[]): Promise<EventLog>;
  dispose(): Promise<void>;
}

const PARTITIONS = 4;
const WAIT = { timeout: 30_000, interval: 20 };
let serial = 0;

export function eventLogContract(makeBench: () => Promise<LogBench>): void {
  describe('contract of an EventLog', () => {
    let bench: LogBench;
    let log: EventLog;
    let topics: TopicSpec[];
    let names: { input: string; output: string; state: string; wide: string };
    const logs: EventLog[] = [];

    async function open(): Promise<EventLog> {
      const opened = await bench.open(topics);
      logs.push(opened);
      return opened;
    }

    beforeEach(async () => {
      bench = await makeBench();
      const prefix = `contract-${process.pid}-${Date.now().toString(36)}-${serial++}`;
      names = { input: `${prefix}-in`, output: `${prefix}-out`, state: `${prefix}-state`, wide: `${prefix}-wide` };
      topics = [
        { name: names.input, partitions: PARTITIONS },
        { name: names.output, partitions: 3 },
        { name: names.state, partitions: PARTITIONS, compacted: true },
        { name: names.wide, partitions: 24 },
      ];
      log = await open();
      await log.setup();
    });

    afterEach(async () => {
      for (const opened of logs.splice(0)) await opened.close();
      await bench.dispose();
    });

    const record = (key: string, text: string, topic = names.input): LogRecord => ({
      topic,
      key,
      value: Buffer.from(text),
    });

    /** Follows a topic from its start into an array. */
    async function collect(of: { log: EventLog; topic: string; group?: string }) {
      const records: StoredRecord[] = [];
      const runner = await of.log.follow({
        group: of.group ?? `collect-${serial++}`,
        topic: of.topic,
        position: async (partition) => nextOffset(records, partition),
        onRecords: async (group) => {
          records.push(...group);
        },
      });
      return { records, runner };
    }

    const texts = (records: readonly StoredRecord[]) => records.map(({ value }) => value?.toString() ?? null);

    it('says where each partition is at a time, and where it ends', async () => {
      const all = (offset: number) =>
        new Map(Array.from({ length: PARTITIONS }, (_, partition) => [partition, offset]));
      expect(await log.positionsAt(names.input, 'end')).toEqual(all(0));
      await log.append([0, 0, 2].map((partition) => ({ ...record('key', 'text'), partition })));
      const { records } = await collect({ log, topic: names.input });
      await vi.waitFor(() => expect(records).toHaveLength(3), WAIT);
      const end = new Map([...all(0), [0, 2], [2, 1]]);
      expect(await log.positionsAt(names.input, 'end')).toEqual(end);
      expect(await log.positionsAt(names.input, 0)).toEqual(all(0));
      const newestMs = Math.max(...records.map(({ timestampMs }) => timestampMs));
      expect(await log.positionsAt(names.input, newestMs + 60_000)).toEqual(end);
      const at = await log.positionsAt(names.input, Math.min(...records.map(({ timestampMs }) => timestampMs)));
      expect([at.get(0), at.get(2)]).toEqual([0, 0]);
    });

    describe('append', () => {
      it('keeps the order of each key, in the partition that murmur2 says', async () => {
        const keys = Array.from({ length: 10 }, (_, n) => `gateway-${n}`);
        const appends: Promise<void>[] = [];
        for (let n = 0; n < 40; n++) appends.push(log.append(keys.map((key) => record(key, `${key}:${n}`))));
        await Promise.all(appends);
        const { records } = await collect({ log, topic: names.input });
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
        await log.append([{ topic: names.input, partition: 2, key: 'key \u0000 é', value, headers }]);
        const { records } = await collect({ log, topic: names.input });
        await vi.waitFor(() => expect(records).toHaveLength(1), WAIT);
        expect(records[0]).toMatchObject({ topic: names.input, partition: 2, key: 'key \u0000 é', value, headers });
        expect(records[0]?.timestampMs).toBeGreaterThanOrEqual(before - 5_000);
        expect(records[0]?.timestampMs).toBeLessThanOrEqual(Date.now() + 5_000);
      });

      it('stores U+0000 of a header as U+FFFD, and other bytes of keys and values as they are', async () => {
        await log.append([
          { topic: names.input, key: '\u0000', value: Buffer.alloc(3), headers: { reason: 'a\u0000b' } },
        ]);
        const { records } = await collect({ log, topic: names.input });
        await vi.waitFor(() => expect(records).toHaveLength(1), WAIT);
        expect(records[0]).toMatchObject({ key: '\u0000', value: Buffer.alloc(3), headers: { reason: 'a\ufffdb' } });
      });

      it('takes values of three million bytes', async () => {
        const value = Buffer.alloc(3_000_000);
        for (let at = 0; at < value.length; at += 4) value.writeUInt32LE(Math.imul(at, 2_654_435_761) >>> 0, at);
        const all = Array.from({ length: 4 }, (_, n) => ({ topic: names.input, partition: 0, key: `${n}`, value }));
        await log.append(all);
        const { records } = await collect({ log, topic: names.input });
        await vi.waitFor(() => expect(records).toHaveLength(4), WAIT);
        expect(records.every((found) => found.value?.equals(value))).toBe(true);
      });

      it('refuses what cannot be stored, and only that', async () => {
        const good = log.append([record('a', 'good')]);
        const refused = [
          log.append([{ topic: 'contract-never-set-up', key: 'a', value: null }]),
          log.append([{ topic: names.input, partition: PARTITIONS, key: 'a', value: null }]),
          log.append([{ topic: names.input, key: 'a', value: Buffer.alloc(4 * 1024 * 1024 + 1) }]),
        ];
        for (const append of refused) await expect(append).rejects.toMatchObject({ code: 'log-rejected' });
        await good;
        const { records } = await collect({ log, topic: names.input });
        await vi.waitFor(() => expect(texts(records)).toEqual(['good']), WAIT);
      });

      it('is durable: another process finds what was appended', async () => {
        await log.append([record('a', '1'), record('b', '2')]);
        await log.close();
        const reopened = await open();
        const { records } = await collect({ log: reopened, topic: names.input });
        await vi.waitFor(() => expect(texts(records).sort()).toEqual(['1', '2']), WAIT);
      });

      it('does nothing for no records, and says when it is closed', async () => {
        await log.append([]);
        expect(await log.healthy()).toMatchObject({ ok: true });
        await log.close();
        await expect(log.append([record('a', 'x')])).rejects.toMatchObject({ code: 'log-closed' });
        await expect(log.append([record('a', 'x')])).rejects.toBeInstanceOf(EventLogError);
        expect(await log.healthy()).toMatchObject({ ok: false });
        await log.close();
      });
    });

    describe('follow', () => {
      it('starts where the follower says and goes on live', async () => {
        const numbered = (from: number, to: number): LogRecord[] =>
          Array.from({ length: to - from }, (_, n) => ({ ...record('k', `${from + n}`), partition: 1 }));
        await log.append(numbered(0, 10));
        const first = await collect({ log, topic: names.input });
        await vi.waitFor(() => expect(first.records).toHaveLength(10), WAIT);
        const start = first.records[7]?.offset ?? Number.NaN;
        const asked: number[] = [];
        const records: StoredRecord[] = [];
        await log.follow({
          group: `late-${serial++}`,
          topic: names.input,
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
        await log.append(numbered(10, 12));
        await vi.waitFor(() => expect(texts(records)).toEqual(['7', '8', '9', '10', '11']), WAIT);
      });

      it('comes again with the same records until they are taken, and says what is wrong meanwhile', async () => {
        await log.append(Array.from({ length: 5 }, (_, n) => ({ ...record('k', `${n}`), partition: 0 })));
        const seen: (string | null)[][] = [];
        let refusals = 3;
        const runner = await log.follow({
          group: `stubborn-${serial++}`,
          topic: names.input,
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
        await log.append(['a', 'b', 'c'].map((key) => record(key, `${key}1`, names.state)));
        const found: Map<string, string>[] = [];
        const followAll = async (of: EventLog) => {
          const own = new Map<string, string>();
          found.push(own);
          await of.follow({
            topic: names.state,
            position: async () => 0,
            onRecords: async (group) => {
              for (const { key, value } of group) own.set(key, String(value));
            },
          });
        };
        await followAll(log);
        await followAll(log);
        await log.append([record('b', 'b2', names.state)]);
        await followAll(await open());
        const all = new Map([
          ['a', 'a1'],
          ['b', 'b2'],
          ['c', 'c1'],
        ]);
        await vi.waitFor(() => expect(found).toEqual([all, all, all]), WAIT);
      });

      it('asks again for positions that it could not get', async () => {
        await log.append([record('k', 'x')]);
        const records: StoredRecord[] = [];
        let refusals = 2;
        const runner = await log.follow({
          group: `unsure-${serial++}`,
          topic: names.input,
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
          ...record(`${n}`, `${n}`, names.wide),
          partition: n % 24,
        }));
        await log.append(all);
        const sizes: number[] = [];
        const records: StoredRecord[] = [];
        let release = () => {};
        const gate = new Promise<void>((resolve) => {
          release = resolve;
        });
        const runner = await log.follow({
          group: `wide-${serial++}`,
          topic: names.wide,
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
        const group = `shared-${serial++}`;
        const taken = new Map<number, number>();
        const seen: string[] = [];
        const start = (of: EventLog) =>
          of.follow({
            group,
            topic: names.input,
            position: async (partition) => taken.get(partition) ?? 0,
            onRecords: async (records) => {
              for (const { partition, offset, value } of records) {
                if (offset < (taken.get(partition) ?? 0)) continue;
                taken.set(partition, offset + 1);
                seen.push(value?.toString() ?? '');
              }
            },
          });
        const first = await start(log);
        const second = await start(other);
        await log.append(Array.from({ length: 40 }, (_, n) => record(`key-${n}`, `${n}`)));
        await vi.waitFor(() => expect(seen).toHaveLength(40), WAIT);
        await first.stop();
        await log.append(Array.from({ length: 40 }, (_, n) => record(`key-${n}`, `${40 + n}`)));
        await vi.waitFor(() => expect(seen).toHaveLength(80), WAIT);
        expect(new Set(seen).size).toBe(80);
        await second.stop();
      });

      it('shows the last value of each key of a compacted topic, and what was deleted', async () => {
        const state = (key: string, text: string | null): LogRecord => ({
          topic: names.state,
          partition: 0,
          key,
          value: text === null ? null : Buffer.from(text),
        });
        await log.append([state('a', '1'), state('b', '1'), state('c', '1')]);
        await log.append([state('a', '2'), state('b', null)]);
        const { records } = await collect({ log, topic: names.state });
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
            input: names.input,
            state: names.state,
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
                outputs.push({ topic: names.output, key, value: Buffer.from(`${value?.toString()}#${count}`) });
                outputs.push({ topic: names.state, partition, key, value: Buffer.from(String(count)) });
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
        await log.append(input(0, 12));
        let groups = 0;
        const copy = copier({
          group: `once-${serial++}`,
          onGroup: () => {
            if (++groups % 3 === 2) throw new Error(`fault ${groups}`);
          },
        });
        const runner = await log.transform(copy.options);
        const { records } = await collect({ log, topic: names.output });
        await vi.waitFor(() => expect(records.length).toBeGreaterThanOrEqual(30), WAIT);
        await log.append(input(12, 20));
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
          group: `events-${serial++}`,
          events,
          onGroup: () => {
            events.push('group');
            if (!fail) return;
            fail = false;
            throw new Error('once');
          },
        });
        const runner = await log.transform(copy.options);
        await vi.waitFor(() => expect(events.filter((event) => event.startsWith('assigned'))).toHaveLength(4), WAIT);
        await log.append([{ ...record('g1', 'g1:0'), partition: 3 }]);
        await vi.waitFor(() => expect(events).toContain('committed'), WAIT);
        const afterFault = events.slice(events.indexOf('group') + 1);
        expect(afterFault).toContain('assigned 3');
        expect(afterFault.indexOf('assigned 3')).toBeLessThan(afterFault.indexOf('group'));
        expect(afterFault.indexOf('group')).toBeLessThan(afterFault.indexOf('committed'));
        expect(events.filter((event) => event === 'committed')).toHaveLength(1);
        await vi.waitFor(() => expect(runner.fault()).toBeUndefined(), WAIT);
      });

      it('restores the state of each partition when it starts again, without deleted keys', async () => {
        const group = `restore-${serial++}`;
        const first = copier({ group });
        const runner = await log.transform(first.options);
        await log.append(input(0, 3));
        const { records } = await collect({ log, topic: names.output });
        await vi.waitFor(() => expect(records).toHaveLength(15), WAIT);
        await vi.waitFor(() => expect(runner.lag()).toBe(0), WAIT);
        await runner.stop();
        const lost = partitionOfKey('g1', PARTITIONS);
        await log.append([{ topic: names.state, partition: lost, key: 'g1', value: null }]);

        const second = copier({ group });
        const again = await (await open()).transform(second.options);
        await vi.waitFor(() => expect(second.counts.size).toBe(PARTITIONS), WAIT);
        const restored = new Map([...second.counts.values()].flatMap((ofPartition) => [...ofPartition]));
        expect(restored).toEqual(new Map(keys.filter((key) => key !== 'g1').map((key) => [key, 3])));
        await log.append([record('g2', 'g2:3')]);
        await vi.waitFor(() => expect(texts(records)).toContain('g2:3#4'), WAIT);
        expect(records).toHaveLength(16);
        await again.stop();
      });

      it('commits what a tick gives, also when no records come', async () => {
        const copy = copier({ group: `tick-${serial++}` });
        let ticks = 0;
        let committed = 0;
        const runner = await log.transform({
          ...copy.options,
          tickMs: 50,
          onTick: () => {
            ticks++;
            if (ticks % 2 === 0 || ticks > 6) return undefined;
            return {
              outputs: [{ topic: names.output, partition: 2, key: 'tick', value: Buffer.from(`tick ${ticks}`) }],
              committed: () => committed++,
            };
          },
        });
        const { records } = await collect({ log, topic: names.output });
        await vi.waitFor(() => expect(texts(records)).toEqual(['tick 1', 'tick 3', 'tick 5']), WAIT);
        expect(records.every(({ partition }) => partition === 2)).toBe(true);
        await vi.waitFor(() => expect(committed).toBe(3), WAIT);
        await runner.stop();
      });

      it('moves on past records that give no outputs', async () => {
        const group = `silent-${serial++}`;
        let seen = 0;
        const options = {
          group,
          input: names.input,
          state: names.state,
          onAssigned: () => {},
          onRevoked: () => {},
          onRecords: async (records: readonly StoredRecord[]) => {
            seen += records.length;
            return { outputs: [] };
          },
        };
        const runner = await log.transform(options);
        await log.append(input(0, 2));
        await vi.waitFor(() => expect(seen).toBe(10), WAIT);
        await vi.waitFor(() => expect(runner.lag()).toBe(0), WAIT);
        await runner.stop();
        const again = await log.transform(options);
        await log.append([record('g1', 'last')]);
        await vi.waitFor(() => expect(seen).toBe(11), WAIT);
        await again.stop();
      });

      it('stays exactly once while processes come and go', async () => {
        const group = `moving-${serial++}`;
        const other = await open();
        const { records } = await collect({ log, topic: names.output });
        const first = await log.transform(copier({ group }).options);
        await log.append(input(0, 5));
        const second = await other.transform(copier({ group }).options);
        await log.append(input(5, 10));
        await vi.waitFor(() => expect(records).toHaveLength(50), WAIT);
        await first.stop();
        await log.append(input(10, 15));
        await vi.waitFor(() => expect(records).toHaveLength(75), WAIT);
        const third: Runner = await log.transform(copier({ group }).options);
        await log.append(input(15, 20));
        await second.stop();
        await vi.waitFor(() => expect(records.length).toBeGreaterThanOrEqual(100), WAIT);
        expectExactlyOnce(records, keys, 20);
        await third.stop();
      });

      it('is exactly once when its process is killed again and again', async () => {
        await log.append(input(0, 40));
        await log.close();
        const group = `killed-${serial++}`;
        const job = { address: bench.address, topics, group, ...names };
        for (const commits of [1, 4, 9]) await killAfter(job, commits);

        const reopened = await open();
        const { records } = await collect({ log: reopened, topic: names.output });
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
        const { options } = copier({ group: `misfit-${serial++}` });
        await expect(log.transform({ ...options, state: names.output })).rejects.toMatchObject({
          code: 'log-rejected',
        });
        await expect(log.transform({ ...options, input: 'contract-never-set-up' })).rejects.toMatchObject({
          code: 'log-rejected',
        });
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

function nextOffset(records: readonly StoredRecord[], partition: number): number {
  return records.reduce((next, found) => (found.partition === partition ? Math.max(next, found.offset + 1) : next), 0);
}
