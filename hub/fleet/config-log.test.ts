import { expect, it, vi } from 'vitest';
import { silentLog } from '../../protocols/base/log.ts';
import { ManualClock } from '../../protocols/base/manual-clock.ts';
import type { FollowOptions, StoredRecord } from '../log/event-log.ts';
import type { Store } from '../store/store.ts';
import { Changes } from '../tracking/changes.ts';
import { publishConfigs } from './config-log.ts';
import { runFleet } from './fleet-engine.ts';

const record = (key: string, offset: number, value: string | null = `v${offset}`): StoredRecord => ({
  topic: 'gateway-config',
  partition: 0,
  offset,
  timestampMs: 0,
  key,
  value: value === null ? null : Buffer.from(value),
});

async function follow(publish: (topic: string, payload: Buffer, options?: object) => Promise<void>, group?: string) {
  let followed: FollowOptions | undefined;
  const eventLog = {
    follow: async (options: FollowOptions) => {
      followed = options;
      return { stop: async () => {}, lag: () => 0, fault: () => undefined };
    },
  };
  await publishConfigs({ eventLog, broker: { publish }, ...(group !== undefined && { group }) });
  if (!followed) throw new Error('nothing is followed');
  return followed;
}

it('each gateway is sent the newest of what is desired, retained, from the beginning of the topic', async () => {
  const sent: string[] = [];
  const followed = await follow(async (topic, payload, options) => {
    sent.push(`${topic} ${payload.toString()} ${JSON.stringify(options)}`);
  });
  expect(followed).toMatchObject({ topic: 'gateway-config' });
  expect(followed).not.toHaveProperty('group');
  expect(await followed.position(2)).toBe(0);
  await followed.onRecords([
    record('gw-1', 1),
    record('gw-2', 2),
    record('gw-1', 3),
    record('no/gateway', 4),
    record('gw-3', 5, null),
  ]);
  expect(sent.sort()).toEqual([
    'milepost/v1/gw-1/down/config v3 {"retain":true}',
    'milepost/v1/gw-2/down/config v2 {"retain":true}',
    'milepost/v1/gw-3/down/config  {"retain":true}',
  ]);
  expect(await follow(async () => {}, 'milepost-config')).toMatchObject({ group: 'milepost-config' });
});

it('many are sent side by side, within a bound, and all come again where the broker refuses one', async () => {
  let inFlight = 0;
  let most = 0;
  const publish = async () => {
    most = Math.max(most, ++inFlight);
    await Promise.resolve();
    inFlight--;
  };
  const records = Array.from({ length: 300 }, (_, index) => record(`gw-${index}`, index));
  await (await follow(publish)).onRecords(records);
  expect(most).toBe(64);
  const refusing = await follow(async (topic) => {
    if (topic.includes('gw-7/')) throw new Error('not connected');
  });
  await expect(refusing.onRecords(records)).rejects.toThrow('not connected');
});

it('the engine looks every half second, at once when it hears of a change, and goes on after a fault', async () => {
  const clock = new ManualClock();
  const heard = new Changes();
  let looks = 0;
  let isAway = false;
  const store = {
    query: async () => {
      looks++;
      if (isAway) throw new Error('away');
      return [];
    },
  } as unknown as Store;
  const engine = runFleet({
    store,
    eventLog: { append: async () => {} },
    clock,
    log: silentLog,
    changes: heard,
    heard,
  });
  await clock.advance(0);
  const perTick = looks;
  expect(perTick).toBeGreaterThan(0);
  await clock.advance(400);
  expect(looks).toBe(perTick);
  heard.publish([{ kind: 'package', packageId: 'x' }]);
  await clock.advance(10);
  expect(looks).toBe(perTick);
  heard.publish([{ kind: 'gateway', gatewayId: 'gw-1' }]);
  await clock.advance(10);
  expect(looks).toBe(2 * perTick);
  heard.publish([{ kind: 'gateway', gatewayId: 'gw-2' }]);
  await clock.advance(50);
  expect(looks).toBe(2 * perTick);
  await clock.advance(60);
  expect(looks).toBe(3 * perTick);
  await clock.advance(610);
  expect(looks).toBe(4 * perTick);
  isAway = true;
  await clock.advance(600);
  expect(engine.fault()?.message).toBe('away');
  isAway = false;
  await clock.advance(11_000);
  expect(engine.fault()).toBeUndefined();
  const stopped = vi.fn();
  const stopping = engine.stop().then(stopped);
  await clock.advance(200);
  await stopping;
  expect(stopped).toHaveBeenCalled();
});
