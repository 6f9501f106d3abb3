/** A short storm on real processes and servers: its faults follow from the seed, its ledger must balance. Longer ones: `npm run chaos`. */
import { readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { describeWith } from '../servers/needs.ts';
import { runChaos } from './run.ts';

/** Of the hub's log, in the message of a failure. */
const LOG_END = 6_000;

describeWith(['kafka', 'postgres', 'influx', 'mosquitto', 'kcat', 'node-rdkafka'], 'a storm of half a minute', () => {
  it('loses nothing, doubles nothing, and keeps the order', async () => {
    const told: string[] = [];
    const logs = join(tmpdir(), 'milepost-chaos-ci');
    const result = await runChaos({
      seed: 'ci',
      stormMs: 30_000,
      meanGapMs: 1_500,
      gateways: 2,
      hubs: 1,
      rate: 30,
      broker: 'mosquitto',
      logs,
      tell: (line) => told.push(line),
    });
    // Where CI runs nobody finds the logs afterwards.
    const hub = result.ok ? '' : readFileSync(join(logs, 'hub-1.log'), 'utf8').slice(-LOG_END);
    expect(result.differences, `${told.join('\n')}\n${hub}`).toEqual([]);
    const { alert, tracking, telemetry } = result.lanes;
    expect(tracking.delivered).toBeGreaterThan(200);
    expect(telemetry.delivered).toBeGreaterThan(50);
    expect(alert.delivered).toBeGreaterThan(5);
  }, 420_000);
});
