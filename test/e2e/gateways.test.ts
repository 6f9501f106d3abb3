/** Simulated gateways against the hub on its embedded defaults, as real processes: what they call acknowledged stands in its timelines. */
import { expect, it } from 'vitest';
import { processBench } from './process-bench.ts';

const { run, embeddedHub } = processBench('gateways');

interface Ledger {
  gateways: number;
  connected: number;
  disconnects: number;
  lanes: Record<string, { accepted: number; acknowledged: number; pending: number }>;
  ok: boolean;
}

it('five gateways with connections that come and go are acknowledged to the last record', async () => {
  const { mqttUrl } = await embeddedHub();
  const options = ['--count', '5', '--rate', '10', '--for', '6s', '--flap', '2s', '--drain', '60s', '--json'];
  const gateways = run('sim', 'gateways', '--hub', mqttUrl, ...options);
  const ledger = JSON.parse(await gateways.line(/"lanes"/, 80_000)) as Ledger;
  expect(await gateways.exited).toBe(0);
  expect(ledger).toMatchObject({ gateways: 5, ok: true });
  expect(ledger.disconnects).toBeGreaterThan(0);
  for (const { accepted, acknowledged, pending } of Object.values(ledger.lanes)) {
    expect([acknowledged, pending]).toEqual([accepted, 0]);
  }
  expect(ledger.lanes.tracking?.accepted).toBeGreaterThan(60);
});
