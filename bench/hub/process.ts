/** The hub's second half: `uplink` to `package-events` and Influx lines, in transactions. */
import { TOPICS } from '../../hub/log/event-log.ts';
import { openKafkaLog } from '../../hub/log/kafka/kafka-log.ts';
import { hubTopics } from '../../hub/log/topics.ts';
import { toTrackingEvent } from '../../hub/process/to-messages.ts';
import { uuidV5 } from '../../protocols/uplink/identity.ts';
import { startKafka } from '../../test/servers/kafka.ts';
import { type Row, timesPeer } from '../row.ts';
import { batchOf, EPOCH, scanOf, temperatureOf, timeOf } from '../workload.ts';
import { startSink } from './influx-sink.ts';
import { JSON_TOPIC } from './naive.ts';
import { type Measured, measure, Worker } from './run.ts';

const BATCH = 200;
const GATEWAYS = 60;
/** One batch in so many is telemetry. */
const TELEMETRY_EVERY = 5;
const NAMESPACE = Buffer.alloc(16, 7);
/** Of the events; before that connections are made and code is compiled. */
const WARM_UP = 0.25;

interface Kind {
  role: string;
  workers: number;
}

const KINDS: Record<string, Kind> = {
  limit: { role: 'process-limit', workers: 1 },
  mock: { role: 'process-limit-mock', workers: 1 },
  ours: { role: 'process', workers: 1 },
  two: { role: 'process', workers: 2 },
  naive: { role: 'process-naive', workers: 1 },
};

export async function processing({ events, turns }: { events: number; turns: number }): Promise<Row[]> {
  const [kafka, sink] = await Promise.all([startKafka(), startSink()]);
  const topics = [...hubTopics(), { name: JSON_TOPIC, partitions: 6 }];
  const log = await openKafkaLog({ brokers: kafka.url, topics });
  const message = Buffer.from(JSON.stringify(eventOf('gateway-1', 1)));
  const best = new Map<string, Measured>();
  let batches = 0;
  const preload = async (kind: Kind): Promise<number> => {
    if (kind.role.startsWith('process-limit')) return events;
    const isNaive = kind.role === 'process-naive';
    let loaded = 0;
    for (let together: Promise<void>[] = []; loaded < events; together = []) {
      for (let n = 0; n < GATEWAYS; n++, batches++, loaded += BATCH)
        together.push(log.append([stored(batches, isNaive)]));
      await Promise.all(together);
    }
    return loaded;
  };
  try {
    await log.setup();
    for (let turn = 0; turn < turns; turn++) {
      for (const [name, kind] of Object.entries(KINDS)) {
        const loaded = await preload(kind);
        const options = {
          kafka: kafka.url,
          influx: sink.url,
          events: loaded,
          message: message.toString('base64'),
        };
        const workers = await Promise.all(Array.from({ length: kind.workers }, () => Worker.start(kind.role, options)));
        try {
          const found = await measure(workers, loaded * WARM_UP, loaded * 0.99);
          if (found.perSecond > (best.get(name)?.perSecond ?? 0)) best.set(name, found);
        } finally {
          await Promise.all(workers.map((worker) => worker.stop()));
        }
      }
    }
  } finally {
    await log.close();
    await Promise.all([kafka.stop(), sink.stop()]);
  }
  const rate = (name: string) => best.get(name)?.perSecond ?? Number.NaN;
  const cpu = (name: string) => (best.get(name)?.cpuUsPerEvent ?? Number.NaN).toFixed(1);
  return [
    {
      path: `hub process: uplink → package-events (${message.length} B) and Influx lines, in transactions`,
      unit: 'events/s',
      ours: rate('ours'),
      beside: {
        'ours, two processes': rate('two'),
        'node-rdkafka alone, barrier per 5,000 (limit)': rate('limit'),
        'the same on a mock cluster in its process': rate('mock'),
        'JSON, zod, HighLevelProducer, writePoints': rate('naive'),
      },
      goals: [
        ...timesPeer('of the limit, one process', rate('ours'), rate('limit'), 0.6),
        ...timesPeer('of the limit, two processes', rate('two'), rate('limit'), 0.85),
        ...timesPeer('times the naive way', rate('ours'), rate('naive'), 3.5),
      ],
      note:
        `CPU of the workers, µs an event: ours ${cpu('ours')}, two ${cpu('two')}, limit ${cpu('limit')}, naive ${cpu('naive')}; ` +
        `one event in ${TELEMETRY_EVERY} is a temperature; RSS ${Math.round((best.get('ours')?.rssBytes ?? 0) / 1e6)} MB`,
    },
  ];
}

function stored(batch: number, isNaive: boolean) {
  const gateway = `gateway-${batch % GATEWAYS}`;
  // Whole gateways, so that each lane of each has no holes.
  const round = Math.floor(batch / GATEWAYS);
  const isTelemetry = (batch % GATEWAYS) % TELEMETRY_EVERY === 0;
  const lane = isTelemetry ? 'telemetry' : 'tracking';
  const first = 1 + round * BATCH;
  if (isNaive) {
    const items = Array.from({ length: BATCH }, (_, at) =>
      isTelemetry ? sampleOf(gateway, first + at) : eventOf(gateway, first + at),
    );
    return { topic: JSON_TOPIC, key: gateway, value: Buffer.from(JSON.stringify(items)) };
  }
  const headers = { lane, 'received-ms': String(timeOf(first).wallMs) };
  return { topic: TOPICS.uplink, key: gateway, value: batchOf(lane, first, BATCH), headers };
}

function eventOf(gatewayId: string, sequence: number) {
  const identity = { gatewayId, epoch: EPOCH, lane: 'tracking', sequence } as const;
  const time = timeOf(sequence);
  return toTrackingEvent(scanOf(sequence), { identity, time, corrected: false, receivedMs: time.wallMs + 40 });
}

function sampleOf(gateway: string, sequence: number) {
  const sample = temperatureOf(sequence);
  return {
    id: uuidV5(NAMESPACE, `${gateway}/${sequence}`),
    gateway,
    device: sample.deviceId,
    temperatureCelsius: sample.kind === 'temperature' ? sample.temperatureCelsius : 0,
    atMs: timeOf(sequence).wallMs,
  };
}
