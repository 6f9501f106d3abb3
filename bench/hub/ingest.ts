/**
 * The hub's first half: batches from MQTT into Kafka, acknowledged to the gateways. The generator of the load, the hub and the brokers share the
 * machine's cores, which the limit and its broker have to themselves; so each row says what each of them took of the cores for a batch.
 */
import { readFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { openKafkaLog } from '../../hub/log/kafka/kafka-log.ts';
import { startKafka } from '../../test/servers/kafka.ts';
import { startMosquitto } from '../../test/servers/mosquitto.ts';
import { type Row, timesPeer } from '../row.ts';
import { batchOf } from '../workload.ts';
import { measureFor, Worker } from './run.ts';

const BATCH = 200;
const WARM_UP_SECONDS = 2;

interface Kind {
  role: string;
  /** Where gateways connect. */
  via: 'embedded' | 'mosquitto' | 'none';
}

const KINDS: Record<string, Kind> = {
  limit: { role: 'ingest-limit', via: 'none' },
  embedded: { role: 'ingest', via: 'embedded' },
  mosquitto: { role: 'ingest', via: 'mosquitto' },
  naive: { role: 'ingest-naive', via: 'mosquitto' },
};

/** As an operator should have it (docs/scaling.md): what Mosquitto sends does not wait for acknowledgements of the kernel. */
const MOSQUITTO = ['set_tcp_nodelay true', 'max_inflight_messages 0'];

/** Of /proc/PID/stat (proc(5)): a hundred a second on every Linux that we know. */
const TICK_MS = 10;

interface Found {
  perSecond: number;
  /** Who took how much of the cores for a batch, µs. */
  cpuUs: Record<string, number>;
  /** Part of the cores that nobody wanted. */
  idle: number;
}

export async function ingest({ seconds, turns }: { seconds: number; turns: number }): Promise<Row[]> {
  const [kafka, mosquitto] = await Promise.all([startKafka(), startMosquitto({ config: MOSQUITTO })]);
  const message = batchOf('tracking', 1, BATCH).toString('base64');
  const best = new Map<string, Found>();
  const log = await openKafkaLog({ brokers: kafka.url });
  try {
    // The limit creates no topics: it would be given a partition where the others have six.
    await log.setup();
    for (let turn = 0; turn < turns; turn++) {
      for (const [name, { role, via }] of Object.entries(KINDS)) {
        const shared = { kafka: kafka.url, influx: '', message };
        const worker = await Worker.start(role, via === 'mosquitto' ? { ...shared, mqtt: mosquitto.url } : shared);
        const url = worker.said.url ?? mosquitto.url;
        const load = via === 'none' ? undefined : await Worker.start('ingest-load', { ...shared, mqtt: url });
        try {
          const spent = {
            [load ? 'hub' : 'producer']: () => worker.said.cpuMs,
            ...(load && { gateways: () => load.said.cpuMs }),
            ...(via === 'mosquitto' && { Mosquitto: () => cpuMs(mosquitto.pid) }),
            Kafka: () => cpuMs(kafka.pid),
          };
          // What gateways have been told, where there are gateways.
          const found = await measured(load ?? worker, seconds, spent);
          if (found.perSecond > (best.get(name)?.perSecond ?? 0)) best.set(name, found);
        } finally {
          await load?.stop();
          await worker.stop();
        }
      }
    }
  } finally {
    await log.close();
    await Promise.all([kafka.stop(), mosquitto.stop()]);
  }
  const rate = (name: string) => (best.get(name)?.perSecond ?? Number.NaN) * BATCH;
  return ['embedded', 'mosquitto'].map((via) => ({
    path: `hub ingest: batches of ${BATCH} (${Buffer.from(message, 'base64').length} B) over ${via === 'embedded' ? 'the embedded broker' : 'Mosquitto'} → Kafka, acks=all → acknowledged`,
    unit: 'events/s',
    ours: rate(via),
    beside: {
      'node-rdkafka alone, the same bytes (limit)': rate('limit'),
      'mqtt.js, handleMessage gated on the report': rate('naive'),
    },
    goals: [
      ...timesPeer('of the limit', rate(via), rate('limit'), 0.7),
      ...timesPeer('times the naive way', rate(via), rate('naive'), 20),
    ],
    note: `CPU, µs a batch: ours ${shares(best.get(via))}; limit ${shares(best.get('limit'))}; naive ${shares(best.get('naive'))}`,
  }));
}

async function measured(done: Worker, seconds: number, spent: Record<string, () => number>): Promise<Found> {
  await measureFor([done], 0, WARM_UP_SECONDS);
  const look = () => ({
    done: done.said.done,
    cpuMs: Object.entries(spent).map(([name, ofIt]) => [name, ofIt()] as const),
    idleMs: cpus().reduce((sum, { times }) => sum + times.idle, 0),
  });
  const before = look();
  const { perSecond } = await measureFor([done], 0, seconds);
  const after = look();
  const batches = after.done - before.done;
  return {
    perSecond,
    cpuUs: Object.fromEntries(
      after.cpuMs.map(([name, ms], index) => [name, ((ms - (before.cpuMs[index]?.[1] ?? 0)) * 1000) / batches]),
    ),
    idle: (after.idleMs - before.idleMs) / ((batches / perSecond) * 1000 * cpus().length),
  };
}

/** User and system time of a process that is not ours. */
function cpuMs(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  return (Number(fields[11]) + Number(fields[12])) * TICK_MS;
}

function shares(found: Found | undefined): string {
  if (!found) return '–';
  const of = Object.entries(found.cpuUs).map(([name, us]) => `${name} ${us.toFixed(0)}`);
  return `${of.join(', ')} (${(100 * found.idle).toFixed(0)}% of the cores idle)`;
}
