/**
 * VictoriaMetrics, as an endpoint of the Influx v2 write API (`/api/v2/write`); each numeric field becomes a series
 * `measurement_field`, text fields are dropped. `victoriaExport` reads back what was written.
 */
import { join } from 'node:path';
import { httpText } from './exchange.ts';
import { program } from './machine.ts';
import { freePort, HOST } from './ports.ts';
import { type Server, serverFolder, startServer } from './server-process.ts';

export async function startVictoriaMetrics(): Promise<Server> {
  const folder = await serverFolder('victoria-metrics');
  const port = await freePort();
  const url = `http://${HOST}:${port}`;
  return startServer({
    name: 'victoriaMetrics',
    port,
    url,
    folder,
    command: program('victoria-metrics'),
    args: [
      `-httpListenAddr=${HOST}:${port}`,
      `-storageDataPath=${join(folder, 'data')}`,
      // By default what is older than a month is refused.
      '-retentionPeriod=100y',
      '-search.latencyOffset=0s',
      '-memory.allowedBytes=256MB',
    ],
    ready: async () => {
      await httpText(`${url}/health`);
    },
    readyTimeoutMs: 20_000,
  });
}

export interface VictoriaSeries {
  metric: Record<string, string>;
  values: number[];
  /** Milliseconds since 1970. */
  timestamps: number[];
}

/** Every series that `selector` matches, for example `{__name__="temperature_celsius"}`, with all its samples. */
export async function victoriaExport(url: string, selector: string): Promise<VictoriaSeries[]> {
  // What arrived within the last second is still in memory and not yet searchable.
  await httpText(`${url}/internal/force_flush`);
  const body = await httpText(`${url}/api/v1/export?${new URLSearchParams({ 'match[]': selector })}`);
  return body
    .split('\n')
    .filter((line) => line !== '')
    .map((line): VictoriaSeries => JSON.parse(line));
}
