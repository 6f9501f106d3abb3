/** A short storm on real processes and servers: its faults follow from the seed, its ledger must balance. Longer ones: `npm run chaos`. */
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { describeWith } from '../servers/needs.ts';
import { runChaos } from './run.ts';

describeWith(['kafka', 'postgres', 'influx', 'mosquitto', 'kcat', 'node-rdkafka'], 'a storm of half a minute', () => {
  it('loses nothing, doubles nothing, and keeps the order', async () => {
    const told: string[] = [];
    const result = await runChaos({
      seed: 'ci',
      stormMs: 30_000,
      meanGapMs: 1_500,
      gateways: 2,
      hubs: 1,
      rate: 30,
      broker: 'mosquitto',
      logs: join(tmpdir(), 'milepost-chaos-ci'),
      tell: (line) => told.push(line),
    });
    expect(result.differences, told.join('\n')).toEqual([]);
    const { alert, tracking, telemetry } = result.lanes;
    expect(tracking.delivered).toBeGreaterThan(200);
    expect(telemetry.delivered).toBeGreaterThan(50);
    expect(alert.delivered).toBeGreaterThan(5);
  }, 420_000);
});
