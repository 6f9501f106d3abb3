import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { silentLog } from '../../protocols/base/log.ts';
import { ManualClock } from '../../protocols/base/manual-clock.ts';
import type { LogRecord } from '../log/event-log.ts';
import { openPglite } from '../store/pglite.ts';
import type { Store } from '../store/store.ts';
import { trackingMigrations } from './migrations.ts';
import { packageProjection, packageRebuild } from './package-projection.ts';
import { sampleEvent } from './sample-event.ts';
import { drainStates, publishStates, withStateOutbox } from './state-outbox.ts';

let store: Store;
beforeAll(async () => {
  store = await openPglite({ migrations: trackingMigrations });
  await store.migrate();
});
afterAll(() => store.close());

const at = (minute: number) => new Date(Date.UTC(2026, 0, 5, 8, minute)).toISOString();
const first = sampleEvent({ packageId: 'sscc:1', sequence: 1, occurredAt: at(0), scanType: 'ARRIVAL' });
const second = sampleEvent({ packageId: 'sscc:1', sequence: 2, occurredAt: at(5), scanType: 'LOAD' });

it('each change once, in order, with its version; nothing while the log is away, and then all of it', async () => {
  const projection = withStateOutbox(packageProjection);
  const apply = (...events: (typeof first)[]) => store.transaction((sql) => projection.apply(sql, events));
  await apply(first);
  await apply(first);
  await apply(second);
  const away = { append: async () => Promise.reject(new Error('away')) };
  await expect(drainStates({ store, eventLog: away })).rejects.toThrow();
  const appended: LogRecord[] = [];
  const eventLog = { append: async (records: readonly LogRecord[]) => void appended.push(...records) };
  expect(await drainStates({ store, eventLog })).toMatchObject({ count: 2 });
  expect(await drainStates({ store, eventLog })).toMatchObject({ count: 0 });
  const states = appended.map(({ value }) => JSON.parse(String(value)) as { eventCount: number; version: string });
  expect(appended.map(({ topic, key }) => [topic, key])).toEqual([
    ['package-states', 'sscc:1'],
    ['package-states', 'sscc:1'],
  ]);
  expect(states.map(({ eventCount }) => eventCount)).toEqual([1, 2]);
  expect(appended.map(({ headers }) => headers?.version)).toEqual(states.map(({ version }) => version));
});

it('a state that a fault has spoilt is right again after a replay of its events, and published; one that is right is not', async () => {
  const stateOf = async () => {
    const [row] = await store.query<{ state: { status: string } }>(
      "select state from packages where package_id = 'sscc:1'",
    );
    return row?.state;
  };
  const projection = withStateOutbox(packageRebuild);
  const replay = () => store.transaction((sql) => projection.apply(sql, [first]));
  const published: unknown[] = [];
  const eventLog = {
    append: async (records: readonly LogRecord[]) =>
      void published.push(...records.map(({ value }) => JSON.parse(String(value)))),
  };
  const right = await stateOf();
  await store.query(`update packages set state = '{"status":"LOST"}', version = 'x' where package_id = 'sscc:1'`);
  expect(await replay()).toEqual([{ kind: 'package', packageId: 'sscc:1' }]);
  expect(await stateOf()).toEqual(right);
  await drainStates({ store, eventLog });
  expect(await replay()).toEqual([]);
  expect(await stateOf()).toEqual(right);
  await drainStates({ store, eventLog });
  expect(published).toEqual([right]);
});

it('says how many changes wait while it has not caught up', async () => {
  await store.query(
    `insert into package_state_outbox (package_id, version, state) select 'sscc:' || n, '1', '{}' from generate_series(1, 1200) n`,
  );
  const clock = new ManualClock();
  let taken = 0;
  let goOn = () => {};
  const eventLog = {
    append: async (records: readonly LogRecord[]) => {
      // Of the second group.
      if (taken === 500) await new Promise<void>((resolve) => (goOn = resolve));
      taken += records.length;
    },
  };
  const runner = publishStates({ store, eventLog, clock, log: silentLog });
  await vi.waitFor(() => expect(runner.lag()).toBe(700));
  goOn();
  await vi.waitFor(() => expect(runner.lag()).toBe(0));
  expect(taken).toBe(1200);
  await runner.stop();
});
