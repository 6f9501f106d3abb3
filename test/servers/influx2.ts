/** InfluxDB 2.7, set up with one organisation, one bucket and a token that may do everything. */
import { join } from 'node:path';
import { httpText } from './exchange.ts';
import { influxd2 } from './machine.ts';
import { freePort, HOST } from './ports.ts';
import { type Server, serverFolder, startServer } from './server-process.ts';

export const INFLUX2 = { org: 'milepost', bucket: 'milepost', token: 'a-token-for-tests' } as const;

export async function startInflux2(): Promise<Server> {
  const folder = await serverFolder('influx2');
  const port = await freePort();
  const url = `http://${HOST}:${port}`;
  return startServer({
    name: 'influx2',
    port,
    url,
    folder,
    command: influxd2,
    args: [
      `--http-bind-address=${HOST}:${port}`,
      `--bolt-path=${join(folder, 'influxd.bolt')}`,
      `--sqlite-path=${join(folder, 'influxd.sqlite')}`,
      `--engine-path=${join(folder, 'engine')}`,
      '--reporting-disabled',
      '--log-level=warn',
    ],
    ready: () => setUp(url),
    readyTimeoutMs: 30_000,
  });
}

/** One request of the v2 API with the token. @throws Error with what the server said */
export async function influx2Api(
  url: string,
  path: string,
  { method = 'GET', json, text = json && JSON.stringify(json) }: { method?: string; json?: object; text?: string } = {},
): Promise<string> {
  return httpText(`${url}/api/v2/${path}`, {
    method,
    headers: { authorization: `Token ${INFLUX2.token}`, 'content-type': json ? 'application/json' : 'text/plain' },
    ...(text !== undefined && { body: text }),
  });
}

/** Runs a Flux query; annotated CSV without annotations. */
export async function influx2Query(url: string, query: string): Promise<string> {
  const json = { query, dialect: { annotations: [] } };
  return influx2Api(url, `query?${new URLSearchParams({ org: INFLUX2.org })}`, { method: 'POST', json });
}

/** Again after a restart there is nothing to do. */
async function setUp(url: string): Promise<void> {
  const { allowed }: { allowed: boolean } = JSON.parse(await httpText(`${url}/api/v2/setup`));
  if (allowed)
    await influx2Api(url, 'setup', {
      method: 'POST',
      json: { username: 'tests', password: 'for-tests-only', ...INFLUX2 },
    });
}
