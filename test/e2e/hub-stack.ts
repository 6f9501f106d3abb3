/** Servers, and a configuration by which one or several hub processes use them: for tests and benchmarks of whole hubs. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startKafka } from '../servers/kafka.ts';
import { type MosquittoOptions, startMosquitto } from '../servers/mosquitto.ts';
import { startPostgres } from '../servers/postgres.ts';
import type { Server } from '../servers/server-process.ts';
import { milepost, type Process } from './stack.ts';

export interface HubStackOptions {
  name: string;
  /** They end with the stack. Without Mosquitto a hub listens itself, without InfluxDB readings go to PostgreSQL. */
  servers: { kafka: Server; postgres: Server; mosquitto?: Server; influx?: Server };
  log?: 'info' | 'warn' | 'error';
}

export interface HubStack {
  /** Goes with the stack. */
  folder: string;
  /** A process that ends with the stack. */
  keep(process: Process): Process;
  /** `milepost hub run` with the stack's configuration. */
  hub(...args: string[]): Process;
  stop(): Promise<void>;
}

export async function hubStack({ name, servers, log = 'info' }: HubStackOptions): Promise<HubStack> {
  const { kafka, postgres, mosquitto, influx } = servers;
  const folder = await mkdtemp(join(tmpdir(), `milepost-${name}-`));
  const config = join(folder, 'hub.yaml');
  await writeFile(
    config,
    `dataDir: '${folder}'
mqtt: ${mosquitto ? `{ url: '${mosquitto.url}' }` : "{ listen: '127.0.0.1:0' }"}
kafka: { brokers: '${kafka.url}' }
postgres: { url: '${postgres.url}' }
${influx ? `influx: { url: '${influx.url}', bucket: milepost, query: influxql }\n` : ''}http: { listen: '127.0.0.1:0' }
log: { level: ${log} }
`,
  );
  const processes: Process[] = [];
  const keep = (process: Process): Process => {
    processes.push(process);
    return process;
  };
  return {
    folder,
    keep,
    hub: (...args) => keep(milepost('hub', 'run', '--config', config, ...args)),
    async stop() {
      await Promise.all(processes.map((each) => each.stop()));
      await Promise.all(Object.values(servers).map((server) => server.stop()));
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Hubs beside each other on one Mosquitto. */
export async function startHubStack(options: { name: string; mosquitto?: MosquittoOptions }) {
  const [kafka, mosquitto, postgres] = await Promise.all([
    startKafka(),
    startMosquitto(options.mosquitto),
    startPostgres({ fsync: false }),
  ]);
  return { kafka, mosquitto, ...(await hubStack({ name: options.name, servers: { kafka, mosquitto, postgres } })) };
}
