/** The hub's first half: batches from MQTT into Kafka, acknowledged to the gateways. */
import { openKafkaLog } from '../../hub/log/kafka/kafka-log.ts';
import { startKafka } from '../../test/servers/kafka.ts';
import { startMosquitto } from '../../test/servers/mosquitto.ts';
import { type Row, timesPeer } from '../row.ts';
import { batchOf } from '../workload.ts';
import { type Measured, measureFor, Worker } from './run.ts';

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

export async function ingest({ seconds, turns }: { seconds: number; turns: number }): Promise<Row[]> {
  const [kafka, mosquitto] = await Promise.all([startKafka(), startMosquitto({ config: MOSQUITTO })]);
  const message = batchOf('tracking', 1, BATCH).toString('base64');
  const best = new Map<string, Measured>();
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
          // What gateways have been told, where there are gateways.
          const found = await measureFor(load ? [load] : [worker], WARM_UP_SECONDS, seconds);
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
  }));
}
