/** A process with a name comes back to the partitions it had: nobody else's move, and nobody waits for its session to run out. */
import { afterEach, expect, it, vi } from 'vitest';
import { describeWith } from '../../../test/servers/needs.ts';
import type { EventLog, Runner } from '../event-log.ts';
import { openKafkaLog } from './kafka-log.ts';

const WAIT = { timeout: 30_000, interval: 20 };
const PARTITIONS = 4;

/** What a member was told of its partitions, in order. */
interface Member {
  log: EventLog;
  runner: Runner;
  told: string[];
  assigned: Set<number>;
  handled: string[];
}

describeWith(['kafka'], 'a named member of a Kafka group', ({ kafka }) => {
  const logs: EventLog[] = [];
  const prefix = `named-${process.pid}-${Date.now().toString(36)}`;
  const [input, state] = [`${prefix}-in`, `${prefix}-state`];
  const topics = [
    { name: input, partitions: PARTITIONS },
    { name: state, partitions: PARTITIONS, compacted: true },
  ];

  afterEach(async () => {
    for (const log of logs.splice(0)) await log.close();
  });

  async function join(instance: string): Promise<Member> {
    const log = await openKafkaLog({ brokers: kafka.url, topics, instance });
    logs.push(log);
    await log.setup();
    const member: Omit<Member, 'runner'> = { log, told: [], assigned: new Set(), handled: [] };
    const runner = await log.transform({
      group: prefix,
      input,
      state,
      onAssigned: (partition) => {
        member.told.push(`+${partition}`);
        member.assigned.add(partition);
      },
      onRevoked: (partition) => {
        member.told.push(`-${partition}`);
        member.assigned.delete(partition);
      },
      onRecords: async (records) => {
        member.handled.push(...records.map(({ value }) => value?.toString() ?? ''));
        return { outputs: [] };
      },
    });
    return { ...member, runner };
  }

  it('is given its own again after a restart, and the others keep theirs', async () => {
    const one = await join('one');
    const two = await join('two');
    const halves = () => one.assigned.size === PARTITIONS / 2 && two.assigned.size === PARTITIONS / 2;
    await vi.waitFor(() => expect(halves()).toBe(true), WAIT);
    const had = [...one.assigned].sort();
    const before = [...two.told];
    // Not waited for: librdkafka may take longer to close than the group waits for its member.
    const stopped = one.runner.stop();

    const again = await join('one');
    await stopped;
    await vi.waitFor(() => expect([...again.assigned].sort()).toEqual(had), WAIT);
    expect(two.told).toEqual(before);

    const values = Array.from({ length: 20 }, (_, index) => `value-${index}`);
    await two.log.append(values.map((value) => ({ topic: input, key: value, value: Buffer.from(value) })));
    const handled = () => [...again.handled, ...two.handled].sort();
    await vi.waitFor(() => expect(handled()).toEqual([...values].sort()), WAIT);
  });

  it('goes on when another process has taken its name and is gone', async () => {
    const first = await join('twice');
    await vi.waitFor(() => expect(first.assigned.size).toBe(PARTITIONS), WAIT);
    const second = await join('twice');
    // The broker tells the first that it is fenced; librdkafka does nothing more with such a consumer.
    await vi.waitFor(() => expect(first.told).toContain('-0'), WAIT);
    await second.runner.stop();
    await second.log.close();

    await vi.waitFor(() => expect(first.assigned.size).toBe(PARTITIONS), WAIT);
    await first.log.append([{ topic: input, key: 'a', value: Buffer.from('after') }]);
    await vi.waitFor(() => expect(first.handled).toContain('after'), WAIT);
    await vi.waitFor(() => expect(first.runner.fault()).toBeUndefined(), WAIT);
  });
});
