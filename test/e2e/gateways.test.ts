/** Simulated gateways against the hub on its embedded defaults, as real processes: what they call acknowledged stands in its timelines. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { healthy, milepost, type Process } from './stack.ts';

let folder: string;
let processes: Process[];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'milepost-gateways-'));
  processes = [];
});
afterEach(async () => {
  await Promise.all(processes.map((each) => each.stop()));
  await rm(folder, { recursive: true, force: true });
});

interface Ledger {
  gateways: number;
  connected: number;
  disconnects: number;
  lanes: Record<string, { accepted: number; acknowledged: number; pending: number }>;
  ok: boolean;
}

it('five gateways with connections that come and go are acknowledged to the last record', async () => {
  const config = join(folder, 'hub.yaml');
  await writeFile(
    config,
    `mqtt: { listen: '127.0.0.1:0' }\nhttp: { listen: '127.0.0.1:0' }\ndataDir: ${folder}/data\nlog: { level: warn }\n`,
  );
  const hub = milepost('hub', 'run', '--config', config);
  processes.push(hub);
  const said = await hub.line(/gateways connect to/, 60_000);
  await healthy(said);
  const url = /mqtt:\/\/\S+/.exec(said)?.[0] ?? '';
  const options = ['--count', '5', '--rate', '10', '--for', '6s', '--flap', '2s', '--drain', '60s', '--json'];
  const gateways = milepost('sim', 'gateways', '--hub', url, ...options);
  processes.push(gateways);
  const ledger = JSON.parse(await gateways.line(/"lanes"/, 80_000)) as Ledger;
  expect(await gateways.exited).toBe(0);
  expect(ledger).toMatchObject({ gateways: 5, ok: true });
  expect(ledger.disconnects).toBeGreaterThan(0);
  for (const { accepted, acknowledged, pending } of Object.values(ledger.lanes)) {
    expect([acknowledged, pending]).toEqual([accepted, 0]);
  }
  expect(ledger.lanes.tracking?.accepted).toBeGreaterThan(60);
});
