/**
 * The process that the crash tests of transform.contract.ts kill: it copies a topic, counting per key in the state, and says
 * `committed` on standard output after each commit. Its only argument is a CrashJob as JSON.
 */
import { openPglite } from '../store/pglite.ts';
import { openPostgres } from '../store/postgres.ts';
import type { Store } from '../store/store.ts';
import type { EventLog, LogRecord } from './event-log.ts';
import { openKafkaLog } from './kafka/kafka-log.ts';
import { logMigrations } from './sql/migrations.ts';
import { openSqlLog } from './sql/sql-log.ts';
import type { TopicSpec } from './topics.ts';

export type LogAddress =
  | { kind: 'pglite'; dataDir: string }
  | { kind: 'postgres'; url: string }
  | { kind: 'kafka'; brokers: string };

export interface CrashJob {
  address: LogAddress;
  topics: TopicSpec[];
  group: string;
  input: string;
  state: string;
  output: string;
  /** Gives an output as often, with nothing that comes in. */
  tickMs?: number;
}

const argument = process.argv[2];
if (argument === undefined) throw new TypeError('a CrashJob as JSON is wanted');
await copy(JSON.parse(argument) as CrashJob);

async function copy(job: CrashJob): Promise<void> {
  const log = await open(job);
  const counts = new Map<number, Map<string, number>>();
  await log.transform({
    group: job.group,
    input: job.input,
    state: job.state,
    maxRecords: 3,
    onAssigned: (partition, state) => {
      counts.set(partition, new Map([...state].map(([key, value]) => [key, Number(value.toString())])));
    },
    onRevoked: (partition) => {
      counts.delete(partition);
      process.stdout.write('revoked\n');
    },
    ...(job.tickMs === undefined
      ? {}
      : {
          tickMs: job.tickMs,
          onTick: () => ({
            outputs: [{ topic: job.output, key: 'tick', value: Buffer.from('tick') }],
            committed: () => process.stdout.write('ticked\n'),
          }),
        }),
    onRecords: async (records) => {
      const outputs: LogRecord[] = [];
      for (const { partition, key, value } of records) {
        const count = (counts.get(partition)?.get(key) ?? 0) + 1;
        counts.get(partition)?.set(key, count);
        outputs.push({ topic: job.output, key, value: Buffer.from(`${value?.toString()}#${count}`) });
        outputs.push({ topic: job.state, partition, key, value: Buffer.from(String(count)) });
      }
      return { outputs, committed: () => process.stdout.write('committed\n') };
    },
  });
}

async function open({ address, topics }: CrashJob): Promise<EventLog> {
  if (address.kind === 'kafka') return openKafkaLog({ brokers: address.brokers, topics });
  const store = await openStore(address);
  return openSqlLog({ store, topics, pollMs: 20 });
}

function openStore(address: Exclude<LogAddress, { kind: 'kafka' }>): Promise<Store> {
  if (address.kind === 'pglite') return openPglite({ dataDir: address.dataDir, migrations: logMigrations });
  return openPostgres({ url: address.url, migrations: logMigrations });
}
