/** What takes events from MQTT and brings them to Kafka, each configured as its manual says, with nothing left out that would hold it up. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { healthy, milepost, Process } from '../../test/e2e/stack.ts';
import { type Installed, NODE_RED_VERSION, TELEGRAF_VERSION } from '../peers/install.ts';

export interface Place {
  folder: string;
  mqtt: string;
  kafka: string;
  influx: string;
  postgres: string;
}

export interface Contender {
  title: string;
  /** Kafka topic that it writes. */
  topic: string;
  /** Where its events come from: devices' JSON messages under this prefix, or gateways. */
  from: { json: string } | 'gateways';
  start(place: Place): Promise<Process>;
}

/** `roles`: which work one process does. Bridges keep no state, so what is beside them is `ingest,process`. */
async function hub({ folder, mqtt, kafka, influx, postgres }: Place, roles: string): Promise<Process> {
  const file = join(folder, 'hub.yaml');
  await mkdir(folder, { recursive: true });
  await writeFile(
    file,
    `mqtt: { url: '${mqtt}' }
kafka: { brokers: '${kafka}' }
postgres: { url: '${postgres}' }
influx: { url: '${influx}', bucket: milepost, query: influxql }
http: { listen: '127.0.0.1:0' }
log: { level: error }
`,
  );
  const started = milepost('hub', 'run', '--config', file, '--roles', roles);
  await healthy(await started.line(/pages and API at/, 60_000));
  return started;
}

const TAKE_AND_PROCESS = 'ingest,process';
const ALL_ROLES = 'ingest,process,project,api';

export const milepostGateways: Contender = {
  title: 'Milepost, gateways’ batches',
  topic: 'package-events',
  from: 'gateways',
  start: (place) => hub(place, TAKE_AND_PROCESS),
};

export const milepostWhole: Contender = {
  title: 'Milepost, gateways’ batches, all roles: package state in PostgreSQL as well',
  topic: 'package-events',
  from: 'gateways',
  start: (place) => hub(place, ALL_ROLES),
};

export const milepostDoor: Contender = {
  title: 'Milepost, the same JSON messages (open door)',
  topic: 'package-events',
  from: { json: 'milepost/v1' },
  start: (place) => hub(place, TAKE_AND_PROCESS),
};

/** Each event into Kafka and into InfluxDB. */
export function telegraf({ folder: installed }: Extract<Installed, { folder: string }>): Contender {
  return {
    title: `Telegraf ${TELEGRAF_VERSION}, mqtt_consumer → kafka, influxdb`,
    topic: 'telegraf',
    from: { json: 'telegraf' },
    async start({ folder, mqtt, kafka, influx }) {
      const file = join(folder, 'telegraf.conf');
      await mkdir(folder, { recursive: true });
      await writeFile(
        file,
        `[agent]
  flush_interval = "100ms"
  flush_jitter = "0s"
  metric_batch_size = 1000
  metric_buffer_limit = 1000000
  omit_hostname = true
[[inputs.mqtt_consumer]]
  servers = ["${mqtt.replace('mqtt:', 'tcp:')}"]
  topics = ["telegraf/+/json"]
  qos = 1
  persistent_session = true
  client_id = "telegraf"
  max_undelivered_messages = 10000
  data_format = "json_v2"
  [[inputs.mqtt_consumer.json_v2]]
    measurement_name = "event"
    [[inputs.mqtt_consumer.json_v2.object]]
      path = "@this"
[[outputs.kafka]]
  brokers = ["${kafka}"]
  topic = "telegraf"
  required_acks = -1
  idempotent_writes = true
  data_format = "json"
[[outputs.influxdb]]
  urls = ["${influx}"]
  database = "telegraf"
`,
      );
      const started = new Process('Telegraf', join(installed, 'telegraf'), ['--config', file]);
      await started.line(/Connected|Loaded outputs/, 30_000);
      return started;
    },
  };
}

/** Each event into Kafka; InfluxDB is left out. */
export function nodeRed({ folder: installed }: Extract<Installed, { folder: string }>): Contender {
  return {
    title: `Node-RED ${NODE_RED_VERSION}, mqtt in → kafkajs`,
    topic: 'node-red',
    from: { json: 'node-red' },
    async start({ folder, mqtt, kafka }) {
      const { hostname, port } = new URL(mqtt);
      // What stands on a flow has a place; what configures others has none.
      const node = (fields: Record<string, unknown>) => ({ x: 100, y: 100, ...fields });
      const flow = [
        { id: 'tab', type: 'tab', label: 'events' },
        { id: 'broker', type: 'mqtt-broker', broker: hostname, port, clientid: 'node-red', keepalive: '60' },
        {
          ...{ id: 'kafka', type: 'kafkajs-client', brokers: kafka, clientid: 'node-red', logLevel: 'error' },
          ...{ connectiontimeout: '3000', requesttimeout: '25000' },
        },
        node({
          ...{ id: 'in', type: 'mqtt in', z: 'tab', broker: 'broker', topic: 'node-red/+/json', qos: '1' },
          ...{ datatype: 'utf8', wires: [['out']] },
        }),
        node({
          ...{ id: 'out', type: 'kafkajs-producer', z: 'tab', client: 'kafka', topic: 'node-red' },
          ...{ acknowledge: 'all', responsetimeout: 30000, headeritems: {}, wires: [] },
        }),
      ];
      await mkdir(folder, { recursive: true });
      await writeFile(join(folder, 'flows.json'), JSON.stringify(flow));
      const modules = join(installed, 'node_modules');
      await writeFile(
        join(folder, 'settings.js'),
        `module.exports = { uiPort: 0, uiHost: '127.0.0.1', httpAdminRoot: false, flowFile: 'flows.json',
  nodesDir: ${JSON.stringify(join(modules, 'node-red-contrib-kafkajs'))} };`,
      );
      const program = join(modules, 'node-red', 'red.js');
      const settings = ['--userDir', folder, '--settings', join(folder, 'settings.js')];
      const started = new Process('Node-RED', process.execPath, [program, ...settings]);
      await started.line(/Connected to broker/, 60_000);
      return started;
    },
  };
}
