/** While a group is being committed the next one is prepared: order, offsets and state stay those of one group after another. */
import { expect, it, vi } from 'vitest';
import { describeWith } from '../../../test/servers/needs.ts';
import type { LogRecord, StoredRecord } from '../event-log.ts';
import { openKafkaLog } from './kafka-log.ts';

const WAIT = { timeout: 60_000, interval: 20 };
const RECORDS = 400;

describeWith(['kafka'], 'groups of a transform over Kafka', ({ kafka }) => {
  async function setup() {
    const prefix = `pipeline-${process.pid}-${Date.now().toString(36)}`;
    const [input, state, output] = [`${prefix}-in`, `${prefix}-state`, `${prefix}-out`] as const;
    const topics = [
      { name: input, partitions: 1 },
      { name: state, partitions: 1, compacted: true },
      { name: output, partitions: 1 },
    ];
    const log = await openKafkaLog({ brokers: kafka.url, topics });
    await log.setup();
    await log.append(
      Array.from({ length: RECORDS }, (_, n) => ({ topic: input, key: 'k', value: Buffer.from(`${n}`) })),
    );
    const seen: string[] = [];
    await log.follow({
      topic: output,
      position: async () => 0,
      onRecords: async (records) => void seen.push(...records.map(({ value }) => `${value}`)),
    });
    return { log, of: { group: prefix, input, state, output }, seen };
  }
  const expected = Array.from({ length: RECORDS }, (_, n) => `${n}#${n + 1}`);

  /** Numbers the records: the number is the state. `refuse` says of which group the commit must fail. */
  function numbering(of: { state: string; output: string }, refuse: (group: number) => boolean) {
    let count = 0;
    let groups = 0;
    const story: string[] = [];
    return {
      story,
      onAssigned: (_partition: number, state: ReadonlyMap<string, Buffer>) => {
        count = Number(state.get('count') ?? 0);
        story.push(`from ${count}`);
      },
      onRevoked: () => {},
      onRecords: async (records: readonly StoredRecord[]) => {
        const group = groups++;
        story.push(`take ${group}`);
        const outputs: LogRecord[] = records.map(({ value }) => ({
          topic: of.output,
          key: 'k',
          value: Buffer.from(`${value}#${++count}`),
        }));
        outputs.push({ topic: of.state, partition: 0, key: 'count', value: Buffer.from(`${count}`) });
        // There is no such partition: found only when the group is to be committed.
        if (refuse(group)) outputs.push({ topic: of.output, partition: 7, key: 'k', value: null });
        return { outputs, committed: () => void story.push(`done ${group}`) };
      },
    };
  }

  it('overlap, one at most, and end in order', async () => {
    const { log, of, seen } = await setup();
    const work = numbering(of, () => false);
    await log.transform({ ...of, ...work, maxRecords: 20 });
    await vi.waitFor(() => expect(seen).toEqual(expected), WAIT);
    const done = work.story.filter((step) => step.startsWith('done'));
    expect(done).toEqual(done.map((_, group) => `done ${group}`));
    let open = 0;
    let most = 0;
    for (const step of work.story) {
      open += step.startsWith('take') ? 1 : step.startsWith('done') ? -1 : 0;
      most = Math.max(most, open);
    }
    expect(most).toBe(2);
    await log.close();
  });

  it('come again after a failure, also what was prepared behind it, with the state of before', async () => {
    const { log, of, seen } = await setup();
    const work = numbering(of, (group) => group === 3 || group === 6);
    await log.transform({ ...of, ...work, maxRecords: 20 });
    await vi.waitFor(() => expect(seen).toEqual(expected), WAIT);
    expect(work.story).not.toContain('done 3');
    expect(work.story).not.toContain('done 6');
    expect(work.story.filter((step) => step.startsWith('from'))).toHaveLength(3);
    await log.close();
  });
});
