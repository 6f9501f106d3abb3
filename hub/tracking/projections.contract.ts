/** What the projections must do over any Store. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { silentLog } from '../../protocols/base/log.ts';
import type { TrackingEvent } from '../../protocols/uplink/tracking-event.ts';
import type { EventLog, FollowOptions, Runner, StoredRecord } from '../log/event-log.ts';
import { type Store, StoreError } from '../store/store.ts';
import { alertProjection } from './alert-projection.ts';
import { type Change, Changes } from './changes.ts';
import { packageProjection } from './package-projection.ts';
import { type Projection, runProjection } from './projector.ts';
import { sampleAlert, sampleEvent } from './sample-event.ts';
import { fold, type PackageState } from './state.ts';

/** `open` gives a database of its own, with the tracking migrations. */
export function projectionsContract(open: () => Promise<Store>): void {
  let store: Store;
  let told: Change[];

  beforeAll(async () => {
    store = await open();
    await store.migrate();
  }, 60_000);

  afterAll(() => store.close());

  beforeEach(async () => {
    told = [];
    await store.query(
      'truncate package_events, packages, package_aliases, alerts, projection_offsets, projection_rejects',
    );
  });

  /** The part of the log that a projection uses, with the follower's callbacks in the test's hand. */
  async function follow<T>(projection: Projection<T>, over: Store = store): Promise<FollowOptions> {
    const runner: Runner = { stop: async () => {}, lag: () => 0, fault: () => undefined };
    let followed: FollowOptions | undefined;
    const log: Pick<EventLog, 'follow'> = {
      follow: async (options) => {
        followed = options;
        return runner;
      },
    };
    const changes = new Changes();
    changes.subscribe((some) => told.push(...some));
    await runProjection(projection, { log: log as EventLog, store: over, logger: silentLog, changes });
    if (!followed) throw new Error('the projection follows nothing');
    return followed;
  }

  function recordsOf(
    values: readonly unknown[],
    { partition = 0, offset = 0, topic = 'package-events' } = {},
  ): StoredRecord[] {
    return values.map((value, index) => ({
      topic,
      partition,
      offset: offset + index,
      timestampMs: 0,
      key: 'key',
      value: Buffer.isBuffer(value) ? value : Buffer.from(JSON.stringify(value)),
    }));
  }

  async function stateOf(packageId: string): Promise<PackageState | undefined> {
    const [row] = await store.query<{ state: PackageState }>('select state from packages where package_id = $1', [
      packageId,
    ]);
    return row?.state;
  }

  const journey = (packageId: string): TrackingEvent[] =>
    (['INDUCTION', 'SORT', 'LOAD', 'OUT_FOR_DELIVERY', 'DELIVERY'] as const).map((scanType, index) =>
      sampleEvent({
        packageId,
        sequence: index + 1,
        gatewayId: `gw-${packageId.slice(-1)}`,
        scanType,
        otherIds: [`ups:1Z${packageId}`],
      }),
    );

  describe('the projection of package-events', () => {
    it('writes events, states, aliases and the offset, and tells which packages changed', async () => {
      const { onRecords, position } = await follow(packageProjection);
      const events = [...journey('sscc:1'), ...journey('sscc:2')];
      await onRecords(recordsOf(events, { partition: 3, offset: 40 }));

      expect(await stateOf('sscc:1')).toEqual(fold(journey('sscc:1')));
      expect(await stateOf('sscc:2')).toMatchObject({ status: 'DELIVERED', eventCount: 5 });
      expect(await position(3)).toBe(50);
      expect(await position(4)).toBe(0);
      expect(told).toEqual([
        { kind: 'package', packageId: 'sscc:1', otherIds: ['ups:1Zsscc:1'], recordedMs: expect.any(Number) },
        { kind: 'package', packageId: 'sscc:2', otherIds: ['ups:1Zsscc:2'], recordedMs: expect.any(Number) },
      ]);
      const aliases = await store.query("select alias from package_aliases where package_id = 'sscc:1' order by alias");
      expect(aliases.map(({ alias }) => alias)).toEqual(['1', '1ZSSCC:1', 'SSCC:1', 'UPS:1ZSSCC:1']);
    });

    it('comes to the same state whatever the order and the groups of arrival', async () => {
      const { onRecords } = await follow(packageProjection);
      const [a, b, c, d, e] = journey('sscc:1') as [
        TrackingEvent,
        TrackingEvent,
        TrackingEvent,
        TrackingEvent,
        TrackingEvent,
      ];
      await onRecords(recordsOf([c]));
      await onRecords(recordsOf([e, a], { offset: 1 }));
      expect((await stateOf('sscc:1'))?.stays).toHaveLength(1);
      await onRecords(recordsOf([d, b], { offset: 3 }));
      expect(await stateOf('sscc:1')).toEqual(fold([a, b, c, d, e]));
    });

    it('counts an event once that comes again, and says nothing about it', async () => {
      const { onRecords } = await follow(packageProjection);
      const events = journey('sscc:1');
      await onRecords(recordsOf([...events, ...events]));
      told = [];
      await onRecords(recordsOf(events, { offset: 10 }));
      await onRecords(recordsOf(events, { partition: 1 }));
      expect(told).toEqual([]);
      expect((await stateOf('sscc:1'))?.eventCount).toBe(5);
    });

    it('skips what another process has projected from the partition', async () => {
      const { onRecords, position } = await follow(packageProjection);
      await onRecords(recordsOf(journey('sscc:1')));
      const stale = recordsOf([Buffer.from('never looked at'), ...journey('sscc:2').slice(0, 1)], { offset: 4 });
      await onRecords(stale);
      expect(await position(0)).toBe(6);
      expect(await store.query('select 1 from projection_rejects')).toEqual([]);
      expect((await stateOf('sscc:2'))?.eventCount).toBe(1);
    });

    it('keeps bad records aside with their bytes and goes on', async () => {
      const { onRecords, position } = await follow(packageProjection);
      const [first, second] = journey('sscc:1');
      const torn = Buffer.from([0x7b, 0x00, 0xff]);
      await onRecords(recordsOf([first, torn, { ...second, packageId: '' }, second]));
      expect((await stateOf('sscc:1'))?.eventCount).toBe(2);
      expect(await position(0)).toBe(4);
      const rejects = await store.query(
        'select partition, record_offset, record_value, reason from projection_rejects order by 2',
      );
      expect(rejects).toMatchObject([
        { partition: 0, record_offset: 1, record_value: torn },
        { record_offset: 2, reason: 'packageId is not a printable id' },
      ]);
    });

    it('takes what a bar code may hold', async () => {
      const { onRecords } = await follow(packageProjection);
      const event = sampleEvent({
        packageId: '<script>"\'\\:/é',
        sequence: 1,
        data: { scanned: 'a\u0000b\ud800\u001d' },
      });
      await onRecords(recordsOf([event]));
      const [row] = await store.query<{ event: TrackingEvent }>('select event from package_events');
      expect(row?.event).toEqual(event);
      expect(await stateOf(event.packageId)).toEqual(fold([event]));
    });

    it('finds the one record that the database refuses', async () => {
      const refusing: Store = {
        ...store,
        query: (text, values) => store.query(text, values),
        transaction: (work) =>
          store.transaction((sql) =>
            work({
              query: async (text, values) => {
                if (text.includes('insert into package_events') && JSON.stringify(values).includes('poison')) {
                  throw new StoreError({ code: 'store-rejected', sqlState: '22021', message: 'invalid byte sequence' });
                }
                return sql.query(text, values);
              },
            }),
          ),
      };
      const { onRecords, position } = await follow(packageProjection, refusing);
      const events = journey('sscc:1');
      const poison = sampleEvent({ packageId: 'sscc:9', sequence: 9, data: { scanned: 'poison' } });
      await onRecords(recordsOf([...events.slice(0, 3), poison, ...events.slice(3)]));
      expect((await stateOf('sscc:1'))?.eventCount).toBe(5);
      expect(await position(0)).toBe(6);
      const rejects = await store.query('select record_offset, reason from projection_rejects');
      expect(rejects).toEqual([{ record_offset: 3, reason: 'database: invalid byte sequence' }]);
    });

    it('leaves nothing behind when the database goes away, and says so', async () => {
      const { onRecords, position } = await follow(packageProjection, {
        ...store,
        query: (text, values) => store.query(text, values),
        transaction: (work) =>
          store.transaction(async (sql) => {
            await work(sql);
            throw new Error('connection lost at commit');
          }),
      });
      await expect(onRecords(recordsOf(journey('sscc:1')))).rejects.toThrow('connection lost');
      expect(await position(0)).toBe(0);
      expect(await stateOf('sscc:1')).toBeUndefined();
      expect(told).toEqual([]);
    });
  });

  describe('the projection of alerts', () => {
    it('has one row per alert, whatever comes first', async () => {
      const { onRecords } = await follow(alertProjection);
      const raised = sampleAlert({ sequence: 1 });
      const cleared = sampleAlert({ sequence: 5, phase: 'cleared', value: 7 });
      await onRecords(recordsOf([cleared], { topic: 'alerts' }));
      await onRecords(
        recordsOf([raised, sampleAlert({ sequence: 6, alertId: 'alert-2', location: {} })], { offset: 1 }),
      );
      const rows = await store.query('select alert_id, state, facility_id, began_at, ended_at from alerts order by 1');
      expect(rows).toEqual([
        {
          alert_id: 'alert-1',
          state: 'cleared',
          facility_id: 'HUB-A',
          began_at: new Date(raised.occurredAt),
          ended_at: new Date(cleared.occurredAt),
        },
        { alert_id: 'alert-2', state: 'raised', facility_id: null, began_at: expect.any(Date), ended_at: null },
      ]);
      expect(told).toEqual([
        { kind: 'alert', alertId: 'alert-1' },
        { kind: 'alert', alertId: 'alert-1' },
        { kind: 'alert', alertId: 'alert-2' },
      ]);
    });
  });
}
