/** What the parts of the contract of an EventLog share: a log with topics of its own for each test, and how to look into it. */
import { afterEach, beforeEach } from 'vitest';
import type { LogAddress } from './crash-child.contract.ts';
import type { EventLog, LogRecord, StoredRecord } from './event-log.ts';
import type { TopicSpec } from './topics.ts';

/** One log that several processes could share. */
export interface LogBench {
  /** For a process that is killed. */
  address: LogAddress;
  /** As a process would open it. */
  open(topics: readonly TopicSpec[]): Promise<EventLog>;
  dispose(): Promise<void>;
}

export const PARTITIONS = 4;
export const WAIT = { timeout: 30_000, interval: 20 };
let serial = 0;

export type ContractBench = ReturnType<typeof contractBench>;

export function contractBench(makeBench: () => Promise<LogBench>) {
  let bench: LogBench;
  let log: EventLog;
  let topics: TopicSpec[];
  let names: { input: string; output: string; state: string; wide: string };
  const logs: EventLog[] = [];

  /** The same log, as another process has it. */
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

  const unique = (name: string) => `${name}-${serial++}`;

  const record = (key: string, text: string, topic = names.input): LogRecord => ({
    topic,
    key,
    value: Buffer.from(text),
  });

  /** Follows a topic from its start into an array. */
  async function collect(of: { log: EventLog; topic: string; group?: string }) {
    const records: StoredRecord[] = [];
    const runner = await of.log.follow({
      group: of.group ?? unique('collect'),
      topic: of.topic,
      position: async (partition) => nextOffset(records, partition),
      onRecords: async (group) => {
        records.push(...group);
      },
    });
    return { records, runner };
  }

  return {
    get log() {
      return log;
    },
    get names() {
      return names;
    },
    get topics() {
      return topics;
    },
    get address() {
      return bench.address;
    },
    open,
    unique,
    record,
    collect,
  };
}

export const texts = (records: readonly StoredRecord[]) => records.map(({ value }) => value?.toString() ?? null);

function nextOffset(records: readonly StoredRecord[], partition: number): number {
  return records.reduce((next, found) => (found.partition === partition ? Math.max(next, found.offset + 1) : next), 0);
}
