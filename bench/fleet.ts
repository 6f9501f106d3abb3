/**
 * How long a rollout of a new profile takes until it is in force on every gateway: simulated gateways over real MQTT, the hub on its embedded
 * defaults as a process of its own, everything on this machine.
 *
 *   npm run bench -- fleet [--gateways 200,1000] [--turns 3] [--json]
 *
 * Time runs from the request that starts the rollout (all gateways at once, no canaries) to the answer of the API that says that all are in force. Each
 * turn rolls out another version. Exit code 1 when 200 gateways take longer than 10 s.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { RolloutDetail } from '../hub/fleet/model.ts';
import { coldProfile, simulatedFleet, until } from '../test/e2e/simulated-fleet.ts';
import { healthy, milepost } from '../test/e2e/stack.ts';
import { isMet, print, type Row } from './row.ts';

const { values } = parseArgs({
  options: {
    gateways: { type: 'string', default: '200,1000' },
    turns: { type: 'string', default: '3' },
    json: { type: 'boolean', default: false },
  },
});
const GOAL_MS = 10_000;
const GOAL_GATEWAYS = 200;
const WITHIN_MS = 240_000;

const rows: Row[] = [];
for (const count of values.gateways.split(',').map(Number)) rows.push(await rollouts(count, Number(values.turns)));
print(rows, values.json);
process.exitCode = rows.every(({ goals }) => goals.every(isMet)) ? 0 : 1;

async function rollouts(count: number, turns: number): Promise<Row> {
  const folder = await mkdtemp(join(tmpdir(), 'milepost-fleet-'));
  const config = join(folder, 'hub.yaml');
  const listen = "mqtt: { listen: '127.0.0.1:0' }\nhttp: { listen: '127.0.0.1:0' }";
  await writeFile(config, `${listen}\ndataDir: ${folder}/data\nlog: { level: warn }\n`);
  const hub = milepost('hub', 'run', '--config', config);
  try {
    const said = await hub.line(/gateways connect to/, 60_000);
    const url = await healthy(said);
    const fleet = await simulatedFleet({ mqttUrl: /mqtt:\/\/\S+/.exec(said)?.[0] ?? '' });
    try {
      fleet.start('van-', count);
      const online = () => ask<{ total: number }>(url, 'GET', 'gateways?state=online&limit=1');
      await until(online, ({ total }) => total === count, WITHIN_MS);
      const times: number[] = [];
      for (let turn = 1; turn <= turns; turn++) times.push(await rollOut(url, { folder, count, version: turn }));
      const worst = Math.max(...times);
      return {
        path: `rollout to ${count} gateways, until all are in force`,
        unit: 'ms',
        ours: worst,
        beside: { turns: times.map((ms) => `${Math.round(ms)} ms`).join(', ') },
        goals:
          count <= GOAL_GATEWAYS
            ? [{ text: 'all in force within 10 s', value: worst, bound: GOAL_MS, most: true }]
            : [],
      };
    } finally {
      await fleet.stop();
    }
  } finally {
    await hub.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

async function rollOut(url: string, at: { folder: string; count: number; version: number }): Promise<number> {
  const { folder, count, version } = at;
  const file = join(folder, 'profile.yaml');
  await writeFile(file, coldProfile(8 + version));
  const saved = milepost('fleet', 'profile', 'save', 'cold-chain', '--file', file, '--reason', 'bench', '--hub', url);
  if ((await saved.exited) !== 0) throw new Error(saved.lines.map(({ text }) => text).join('\n'));
  const startMs = performance.now();
  const asked = { profileId: 'cold-chain', version, canaryPercent: 0, reason: 'bench' };
  const { rolloutId } = await ask<RolloutDetail>(url, 'POST', 'rollouts', asked);
  const state = () => ask<RolloutDetail>(url, 'GET', `rollouts/${rolloutId}?limit=1`);
  await until(state, ({ counts }) => counts.inForce === count, WITHIN_MS);
  const tookMs = performance.now() - startMs;
  await until(state, (rollout) => rollout.state === 'done', WITHIN_MS);
  return tookMs;
}

async function ask<T>(url: string, method: 'GET' | 'POST', path: string, body?: object): Promise<T> {
  const response = await fetch(`${url}/v1/fleet/${path}`, {
    method,
    ...(body && { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
  });
  if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
  return (await response.json()) as T;
}
