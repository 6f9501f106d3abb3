/**
 * A rollout to 200 simulated gateways over real MQTT and a hub on its embedded defaults, as processes: three refuse a key, two are away. What the API, the
 * command line and the lists behind the console's pages say is the same, and it is exactly that.
 */
import { writeFile } from 'node:fs/promises';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { FleetGateway, HistoryEntry, RolloutDetail } from '../../hub/fleet/model.ts';
import { processBench } from './process-bench.ts';
import { coldProfile, type SimulatedFleet, simulatedFleet, until } from './simulated-fleet.ts';

const KEY = 'rules/too-warm';
const REFUSING = ['van-0007', 'van-0070', 'van-0177'];
const AWAY = ['trailer-0001', 'trailer-0002'];

const bench = processBench('fleet');
let fleet: SimulatedFleet | undefined;
let url: string;

beforeEach(async () => {
  const hub = await bench.embeddedHub();
  url = hub.url;
  fleet = await simulatedFleet({ mqttUrl: hub.mqttUrl, refusing: (id) => (REFUSING.includes(id) ? [KEY] : []) });
});

afterEach(() => fleet?.stop());

async function ask<T>(path: string, body?: object): Promise<T> {
  const headers = { 'content-type': 'application/json', 'x-milepost-user': 'ada' };
  const response = await fetch(`${url}/v1/fleet/${path}`, {
    ...(body && { method: 'POST', headers, body: JSON.stringify(body) }),
  });
  const answer = (await response.json()) as T;
  if (!response.ok) throw new Error(`${response.status} ${JSON.stringify(answer)}`);
  return answer;
}

/** A command to its end. */
async function run(...args: string[]): Promise<{ code: number | null; lines: string[] }> {
  const started = bench.run('fleet', ...args, '--hub', url);
  const code = await started.exited;
  return { code, lines: started.lines.map(({ text }) => text) };
}

const gateways = (query: string) => ask<{ gateways: FleetGateway[]; total: number }>(`gateways?${query}`);
const ids = (list: readonly { gatewayId: string }[]) => list.map(({ gatewayId }) => gatewayId).sort();

it('200 gateways: 195 have it in force, 3 refuse it with key and reason, 2 are away and catch up when they return', async () => {
  const vans = fleet?.start('van-', 198);
  const trailers = fleet?.start('trailer-', AWAY.length);
  expect(vans).toBeDefined();
  await until(
    () => gateways('state=online&limit=1'),
    ({ total }) => total === 200,
  );
  await trailers?.stop();
  await until(
    () => gateways('state=offline&limit=1'),
    ({ total }) => total === AWAY.length,
  );

  const file = bench.file('profile.yaml');
  await writeFile(file, coldProfile(8).replace('8 °C', '8 bar'));
  const wrong = await run('profile', 'save', 'cold-chain', '--file', file, '--reason', 'a typing mistake');
  expect(wrong.code).toBe(1);
  expect(wrong.lines.join('\n')).toMatch(/profile\.yaml:8:\d+: settings\.rules\[0\]\.high: .*bar/);
  await writeFile(file, coldProfile(8));
  const saved = await run(
    'profile',
    'save',
    'cold-chain',
    '--file',
    file,
    '--reason',
    'vaccines from Monday',
    '--by',
    'grace',
  );
  expect(saved.lines.join('\n')).toContain('saved cold-chain version 1, for 200 gateways');
  expect(saved.code).toBe(0);

  const startMs = performance.now();
  const { rolloutId } = await ask<RolloutDetail>('rollouts', {
    profileId: 'cold-chain',
    version: 1,
    canaryPercent: 0,
    reason: 'agreed with the customer',
  });
  const rollout = await until(
    () => ask<RolloutDetail>(`rollouts/${rolloutId}`),
    ({ counts }) => counts.inForce + counts.rejected + counts.offline === 200 && counts.pending + counts.waiting === 0,
    60_000,
  );
  const tookMs = Math.round(performance.now() - startMs);
  process.stdout.write(`rollout to 200 gateways: every one that is online has answered after ${tookMs} ms\n`);
  expect(rollout.counts).toMatchObject({ total: 200, inForce: 195, rejected: 3, offline: 2, rolledBack: 0 });
  const refused = rollout.gateways.filter(({ state }) => state === 'rejected');
  expect(ids(refused)).toEqual(REFUSING);
  for (const { reasons } of refused)
    expect(reasons).toEqual([{ key: KEY, code: 'sim-key-refused', reason: expect.stringContaining('told to refuse') }]);
  expect(ids(rollout.gateways.filter(({ state }) => state === 'offline'))).toEqual(AWAY);

  // What the console lists.
  const rejected = await gateways('state=rejected');
  expect(ids(rejected.gateways)).toEqual(REFUSING);
  expect(rejected.gateways[0]).toMatchObject({
    online: true,
    inForceVersion: 0,
    desiredVersion: 1,
    reasons: [{ key: KEY }],
  });
  expect(ids((await gateways('state=behind')).gateways)).toEqual(AWAY);
  const all = await gateways('limit=1000&label=fleet:cold');
  expect(all.gateways.filter(({ configState }) => configState === 'in-force')).toHaveLength(195);

  const watched = await run('rollout', 'watch', rolloutId);
  const said = watched.lines.join('\n');
  expect(watched.code).toBe(1);
  expect(said).toContain('cold-chain version 1 is in force on 195 of 200 gateways');
  for (const id of REFUSING) expect(said).toMatch(new RegExp(`${id} rejected: ${KEY}: .*told to refuse`));
  expect(said).toContain(`offline, will catch up when they return: ${AWAY.join(', ')}`);
  const listed = await run('list', '--state', 'rejected', '--json');
  expect(ids(listed.lines.map((line) => JSON.parse(line) as FleetGateway))).toEqual(REFUSING);
  expect((await run('show', 'van-0007')).lines.join('\n')).toMatch(
    /settings {2}rejected: version 0 of 1\n *rules\/too-warm: /,
  );

  fleet?.start('trailer-', AWAY.length);
  for (const id of AWAY) {
    const caughtUp = (gateway: FleetGateway) => gateway.configState === 'in-force' && gateway.inForceVersion === 1;
    await until(() => ask<FleetGateway>(`gateways/${id}`), caughtUp);
  }

  const { history } = await ask<{ history: HistoryEntry[] }>('history?limit=100');
  expect(history).toEqual(
    expect.arrayContaining([
      expect.objectContaining({
        who: 'grace',
        what: 'profile-saved',
        why: 'vaccines from Monday',
        subject: 'profile/cold-chain',
      }),
      expect.objectContaining({ who: 'ada', what: 'rollout-started', why: 'agreed with the customer' }),
    ]),
  );
  const told = await run('history', 'profile/cold-chain');
  expect(told.lines.some((line) => line.includes('grace') && line.includes('vaccines from Monday'))).toBe(true);
});

it('a threshold is set by one command, which ends 0 only when it is in force', async () => {
  fleet?.start('box-', 3);
  await until(
    () => gateways('state=online&limit=1'),
    ({ total }) => total === 3,
  );
  const limit = ['--device', 'thermometer', '--quantity', 'temperatureCelsius', '--high', '8', '--dwell', '60s'];
  const tried = await run('set-thresholds', 'box-0001', ...limit, '--preview');
  expect(tried.lines.join('\n')).toContain('nothing was saved');
  expect(await ask('profiles')).toEqual({ profiles: [] });
  const set = await run('set-thresholds', 'box-0001', ...limit, '--reason', 'a fragile cooler', '--rollout');
  expect(set.lines.join('\n')).toContain('gateway-box-0001 version 1 is in force on 1 of 1 gateways');
  expect(set.code).toBe(0);
  const again = await run(
    'set-thresholds',
    'gateway-box-0001',
    ...limit,
    '--low',
    '36 °F',
    '--reason',
    'frost',
    '--rollout',
  );
  expect(again.code).toBe(0);
  const diff = await run('profile', 'diff', 'gateway-box-0001', '--from', '1', '--to', '2');
  expect(diff.lines).toEqual(['+ rules/thermometer-temperature-celsius/low: "2.22222222222 °C"']);
  const shown = await run('profile', 'show', 'gateway-box-0001', '--version', '1');
  const file = bench.file('again.yaml');
  await writeFile(file, shown.lines.join('\n'));
  const back = await run('profile', 'save', 'gateway-box-0001', '--file', file, '--reason', 'no frost', '--base', '1');
  expect([back.code, back.lines.join('\n')]).toEqual([1, expect.stringContaining('version 2')]);
  const gateway = await ask<FleetGateway>('gateways/box-0002');
  expect(gateway).toMatchObject({ configState: 'none' });
});
