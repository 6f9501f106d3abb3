import { expect, it, vi } from 'vitest';
import { silentLog } from '../../protocols/base/log.ts';
import { ManualClock } from '../../protocols/base/manual-clock.ts';
import type { GatewayStatus } from '../../protocols/uplink/gateway-status.ts';
import type { FollowOptions, LogRecord, StoredRecord } from '../log/event-log.ts';
import { followStatuses, StatusLog } from './status-log.ts';

const status = (gatewayId: string, atMs: number): GatewayStatus => ({ version: 1, gatewayId, online: true, atMs });

it('what one process writes another one hears, with the time of its hearing; what is no status is passed over', async () => {
  const written: StoredRecord[] = [];
  const log = new StatusLog({
    eventLog: {
      append: async (records) => {
        for (const record of records)
          written.push({ ...record, partition: 0, offset: written.length, timestampMs: 1_700_000_000_000 });
      },
    },
    clock: new ManualClock(),
    log: silentLog,
    signal: new AbortController().signal,
  });
  for (const id of ['gw-1', 'gw-2']) log.write(status(id, 1));
  await log.settled();
  log.write(status('gw-2', 2));
  await log.settled();
  expect(written.map(({ topic, key }) => `${topic} ${key}`)).toEqual(
    ['gw-1', 'gw-2', 'gw-2'].map((id) => `gateway-status ${id}`),
  );

  let following: FollowOptions | undefined;
  const heard: [GatewayStatus, number][] = [];
  await followStatuses(
    {
      follow: async (options) => {
        following = options;
        return { stop: async () => {}, lag: () => 0, fault: () => undefined };
      },
    },
    (each, heardMs) => heard.push([each, heardMs]),
  );
  expect(following).toMatchObject({ topic: 'gateway-status' });
  expect(following).not.toHaveProperty('group');
  expect(await following?.position(3)).toBe(0);
  const odd = [null, Buffer.alloc(0), Buffer.from('{"version":2}')].map((value) => ({
    ...(written[0] as StoredRecord),
    value,
  }));
  await following?.onRecords([...odd, ...written]);
  expect(heard).toEqual(
    [status('gw-1', 1), status('gw-2', 1), status('gw-2', 2)].map((each) => [each, 1_700_000_000_000]),
  );
});

it('keeps the newest of each gateway while the log is away, and writes it when it is back', async () => {
  const clock = new ManualClock();
  const written: LogRecord[][] = [];
  let isAway = true;
  const log = new StatusLog({
    eventLog: {
      append: async (records) => {
        if (isAway) throw new Error('away');
        written.push([...records]);
      },
    },
    clock,
    log: silentLog,
    signal: new AbortController().signal,
  });
  for (let atMs = 1; atMs <= 1000; atMs++) log.write(status(`gw-${atMs % 10}`, atMs));
  expect(log.waiting).toBeLessThanOrEqual(10);
  await vi.waitFor(() => expect(clock.timers).toBeGreaterThan(0));
  log.write(status('gw-3', 2000));
  isAway = false;
  await clock.advance(1_000);
  await log.settled();
  const last = written.flat().map(({ key, value }) => [key, JSON.parse(String(value)).atMs]);
  expect(new Map(last as [string, number][])).toEqual(
    new Map(
      [991, 992, 2000, 994, 995, 996, 997, 998, 999, 1000].map((atMs, index) => [`gw-${(index + 1) % 10}`, atMs]),
    ),
  );
  expect(log.waiting).toBe(0);
});
