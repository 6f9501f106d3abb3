/** Kafka, Mosquitto and PostgreSQL, and a configuration by which several hub processes share them: for tests of whole hubs beside each other. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startKafka } from '../servers/kafka.ts';
import { type MosquittoOptions, startMosquitto } from '../servers/mosquitto.ts';
import { startPostgres } from '../servers/postgres.ts';
import type { Server } from '../servers/server-process.ts';
import { milepost, type Process } from './stack.ts';

export interface HubStack {
  kafka: Server;
  mosquitto: Server;
  /** A process that ends with the stack. */
  keep(process: Process): Process;
  /** `milepost hub run` with the stack's configuration. */
  hub(...args: string[]): Process;
  stop(): Promise<void>;
}

export async function startHubStack(options: { name: string; mosquitto?: MosquittoOptions }): Promise<HubStack> {
  const folder = await mkdtemp(join(tmpdir(), `milepost-${options.name}-`));
  const [kafka, mosquitto, postgres] = await Promise.all([
    startKafka(),
    startMosquitto(options.mosquitto),
    startPostgres({ fsync: false }),
  ]);
  const config = join(folder, 'hub.yaml');
  await writeFile(
    config,
    `dataDir: '${folder}'
mqtt: { url: '${mosquitto.url}' }
kafka: { brokers: '${kafka.url}' }
postgres: { url: '${postgres.url}' }
http: { listen: '127.0.0.1:0' }
`,
  );
  const processes: Process[] = [];
  const keep = (process: Process): Process => {
    processes.push(process);
    return process;
  };
  return {
    kafka,
    mosquitto,
    keep,
    hub: (...args) => keep(milepost('hub', 'run', '--config', config, ...args)),
    async stop() {
      await Promise.all(processes.map((each) => each.stop()));
      await Promise.all([kafka, mosquitto, postgres].map((server) => server.stop()));
      await rm(folder, { recursive: true, force: true });
    },
  };
}
