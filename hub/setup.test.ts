import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, it } from 'vitest';
import { silentLog } from '../protocols/base/log.ts';
import { checkHubConfig } from './config.ts';
import { setupHub } from './setup.ts';

function configOf(text: string) {
  const result = checkHubConfig(text, 'test');
  if (!result.ok) throw new Error(JSON.stringify(result.problems));
  return result.config;
}

it('sets the embedded hub up, says what it did, and goes on where a server refuses', async () => {
  const server = createServer((_, response) => response.writeHead(503).end('{"message":"starting"}'));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const config = configOf(`dataDir: memory\ninflux: { url: '${url}' }\n`);
  const steps = await setupHub({ config, log: silentLog });
  server.close();
  expect(steps.map(({ part, did }) => [part, did])).toEqual([
    ['store', 'created'],
    ['event log', 'created'],
    ['time series', 'failed'],
  ]);
  expect(steps[1]?.detail).toContain('gateway-status');
  expect(steps[2]?.detail).toContain('503');
});
