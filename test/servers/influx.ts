/**
 * InfluxDB 1.8: writes over the v2 API (`/api/v2/write?bucket=milepost&org=any`, no token), reads over InfluxQL
 * (`influxQuery`) or Flux.
 */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { httpText } from './exchange.ts';
import { influxd } from './machine.ts';
import { freePort, HOST } from './ports.ts';
import { type Server, serverFolder, startServer } from './server-process.ts';

/** The database that is there from the start; a v2 bucket of this name is the same thing. */
export const INFLUX_BUCKET = 'milepost';

export async function startInflux(): Promise<Server> {
  const folder = await serverFolder('influx');
  const port = await freePort();
  const url = `http://${HOST}:${port}`;
  const file = join(folder, 'influxdb.conf');
  await writeFile(file, configuration(folder, port));
  return startServer({
    name: 'influx',
    port,
    url,
    folder,
    command: influxd,
    args: ['-config', file],
    ready: async () => {
      await influxQuery(url, `create database ${INFLUX_BUCKET}`);
    },
    readyTimeoutMs: 30_000,
  });
}

export interface InfluxSeries {
  name: string;
  tags?: Record<string, string>;
  columns: string[];
  values: (string | number | boolean | null)[][];
}

/** Runs one InfluxQL statement; times come back in nanoseconds. Creates, selects and drops alike. */
export async function influxQuery(url: string, statement: string, database = INFLUX_BUCKET): Promise<InfluxSeries[]> {
  const parameters = new URLSearchParams({ db: database, epoch: 'ns', q: statement });
  const body = await httpText(`${url}/query`, { method: 'POST', body: parameters });
  const answer: { results: { series?: InfluxSeries[]; error?: string }[] } = JSON.parse(body);
  const [result] = answer.results;
  if (result?.error !== undefined) throw new Error(`InfluxDB: ${result.error}`);
  return result?.series ?? [];
}

function configuration(folder: string, port: number): string {
  return `reporting-disabled = true
bind-address = "${HOST}:0"
[meta]
  dir = "${folder}/meta"
[data]
  dir = "${folder}/data"
  wal-dir = "${folder}/wal"
  query-log-enabled = false
[monitor]
  store-enabled = false
[http]
  bind-address = "${HOST}:${port}"
  flux-enabled = true
  log-enabled = false
`;
}
