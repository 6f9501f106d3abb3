import { expect, it, vi } from 'vitest';
import { silentLog } from '../../protocols/base/log.ts';
import { ManualClock } from '../../protocols/base/manual-clock.ts';
import type { AlertMessage, TrackingEvent } from '../../protocols/uplink/tracking-event.ts';
import { type EventLog, type FollowOptions, type LogRecord, type StoredRecord, TOPICS } from '../log/event-log.ts';
import { type Sql, type Store, StoreError } from '../store/store.ts';
import type { Point, TimeSeries } from '../timeseries/time-series.ts';
import { alertProjection } from '../tracking/alert-projection.ts';
import { type Change, Changes } from '../tracking/changes.ts';
import { packageProjection } from '../tracking/package-projection.ts';
import type { Projection } from '../tracking/projector.ts';
import { ReplayBusyError, ReplayJobs } from './jobs.ts';
import type { ReplayPorts } from './replay.ts';

const PER_PARTITION = 10;

/** A log of two partitions with ten messages of the open door each, one a second. */
function setup({ ends = [PER_PARTITION, PER_PARTITION] } = {}) {
  /** Of the first points; the others' is the client. */
  const devices: { deviceId: string }[] = [];
  const record = (partition: number, offset: number): StoredRecord => {
    const lane = offset % 2 === 0 ? 'tracking' : 'telemetry';
    const event =
      lane === 'tracking'
        ? { eventId: `e-${partition}-${offset}`, packageId: 'sscc:1', scanType: 'LOAD' }
        : { kind: 'contact', eventId: `e-${partition}-${offset}`, open: true, ...devices.shift() };
    const headers = { door: 'json', lane, 'received-ms': String(offset * 1000) };
    return {
      topic: TOPICS.uplink,
      partition,
      offset,
      timestampMs: offset * 1000,
      key: `c-${partition}`,
      value: Buffer.from(JSON.stringify([event])),
      headers,
    };
  };
  const appended: LogRecord[] = [];
  const points: Point[] = [];
  const away = { timeSeries: false, refused: 0 };
  let stopped = 0;
  const eventLog = {
    append: async (records: readonly LogRecord[]) => void appended.push(...records),
    positionsAt: async (_topic: string, at: number | 'end') =>
      new Map(ends.map((end, partition) => [partition, at === 'end' ? end : Math.min(end, Math.ceil(at / 1000))])),
    follow: async ({ position, onRecords }: FollowOptions) => {
      const run = async () => {
        for (let partition = 0; partition < ends.length; partition++) {
          const end = ends[partition] ?? 0;
          const from = await position(partition);
          // As Kafka does where it is asked for what is behind its end.
          for (let offset = from > end ? 0 : from; offset < end; offset++) {
            // As the log does: the same records until they are taken.
            await vi.waitUntil(async () =>
              onRecords([record(partition, offset)]).then(
                () => true,
                () => stopped > 0,
              ),
            );
            if (stopped > 0) return;
          }
        }
      };
      void run();
      return { stop: async () => void stopped++, lag: () => 0, fault: () => undefined };
    },
  } as Partial<EventLog> as EventLog;
  const timeSeries = {
    write: async (given: readonly Point[]) => {
      if (away.timeSeries) {
        away.refused++;
        throw new Error('away');
      }
      points.push(...given);
      return [];
    },
  } as Partial<TimeSeries> as TimeSeries;
  const committed: TrackingEvent[] = [];
  const raised: AlertMessage[] = [];
  const heard: Change[] = [];
  const packages: Projection<TrackingEvent> = {
    ...packageProjection,
    apply: async (_sql, events) => {
      committed.push(...events);
      return events.map(({ packageId }) => ({ kind: 'package', packageId }));
    },
  };
  const alerts: Projection<AlertMessage> = {
    ...alertProjection,
    apply: async (_sql, messages) => {
      raised.push(...messages);
      return [];
    },
  };
  const changes = new Changes();
  changes.subscribe((told) => void heard.push(...told));
  const refuses: Error[] = [];
  const transaction: Store['transaction'] = async (work) => {
    const refusal = refuses.shift();
    if (refusal) throw refusal;
    return work({} as Sql);
  };
  const store = { transaction } as Partial<Store> as Store;
  const ports: ReplayPorts = {
    eventLog,
    store,
    timeSeries,
    series: { maxPerGateway: 1, max: 100 },
    projections: { packages, alerts },
    changes,
    clock: new ManualClock(),
    log: silentLog,
  };
  const jobs = new ReplayJobs(ports);
  const finished = async (id: string) => {
    await vi.waitFor(() => expect(jobs.get(id)?.state).not.toBe('running'));
    return jobs.get(id);
  };
  return { jobs, finished, appended, points, away, committed, raised, heard, devices, refuses };
}

it('writes points only where that was asked for, and nothing into topics', async () => {
  const { jobs, finished, appended, points } = setup();
  const { id } = await jobs.start({ from: { offset: 0 } }, ['timeseries']);
  expect(await finished(id)).toMatchObject({
    state: 'done',
    total: 20,
    done: 20,
    counters: { packageEvents: 10, points: 10 },
  });
  expect(points).toHaveLength(10);
  expect(appended).toEqual([]);
});

it('keeps to the range, by time or by offset', async () => {
  const { jobs, finished, points } = setup();
  const byTime = await jobs.start({ from: { timeMs: 3000 }, to: { timeMs: 6000 } }, ['timeseries']);
  expect(await finished(byTime.id)).toMatchObject({ total: 6, done: 6, counters: { records: 6 } });
  expect(points.map(({ atMs }) => atMs)).toEqual([3000, 5000, 3000, 5000]);
  const nothing = await jobs.start({ from: { offset: 99 } }, ['timeseries']);
  expect(await finished(nothing.id)).toMatchObject({ state: 'done', total: 0 });
});

it('an offset that a shorter partition does not have yet takes nothing of it', async () => {
  const { jobs, finished, points } = setup({ ends: [PER_PARTITION, 4] });
  const { id } = await jobs.start({ from: { offset: 6 } }, ['timeseries']);
  expect(await finished(id)).toMatchObject({ state: 'done', total: 4, done: 4 });
  expect(points.map(({ tags, atMs }) => [tags.gateway, atMs])).toEqual([
    ['c-0', 7000],
    ['c-0', 9000],
  ]);
});

it('waits for a database that is away, and ends with what it will never take', async () => {
  const { jobs, finished, refuses, committed } = setup();
  refuses.push(new StoreError({ code: 'store-unavailable', message: 'away' }));
  const first = await jobs.start({ from: { offset: 0 } }, ['state']);
  expect(await finished(first.id)).toMatchObject({ state: 'done', done: 20 });
  expect(committed).toHaveLength(10);
  refuses.push(new StoreError({ code: 'store-rejected', message: 'no such text' }));
  const second = await jobs.start({ from: { offset: 0 } }, ['state']);
  expect(await finished(second.id)).toMatchObject({ state: 'failed', reason: 'no such text' });
});

it('what it changes in the state is said to live streams', async () => {
  const { jobs, finished, committed, heard, points } = setup();
  const { id } = await jobs.start({ from: { offset: 0 } }, ['state']);
  await finished(id);
  expect(committed).toHaveLength(10);
  expect(heard).toHaveLength(10);
  expect(heard[0]).toEqual({ kind: 'package', packageId: 'sscc:1' });
  expect(points).toEqual([]);
});

it('a tag that explodes is refused as it was when it came, and raises nothing anew', async () => {
  const { jobs, finished, appended, points, raised, devices } = setup();
  devices.push({ deviceId: 'one' }, { deviceId: 'two' }, { deviceId: 'three' });
  const { id } = await jobs.start({ from: { offset: 0 }, to: { offset: 6 } }, ['timeseries', 'state', 'events']);
  expect(await finished(id)).toMatchObject({ state: 'done', counters: { deadLetters: 2 } });
  expect(points.filter(({ tags }) => tags.gateway === 'c-0').map(({ tags }) => tags.device)).toEqual(['one']);
  expect(raised).toEqual([]);
  expect(appended.filter(({ topic }) => topic === TOPICS.alerts)).toEqual([]);
});

it('sends events again only when asked, marked', async () => {
  const { jobs, finished, appended, points } = setup();
  const { id } = await jobs.start({ from: { offset: 0 } }, ['events']);
  await finished(id);
  expect(appended).toHaveLength(10);
  for (const { topic, headers } of appended) expect([topic, headers?.replay]).toEqual([TOPICS.packageEvents, 'true']);
  expect(new Set(appended.map(({ headers }) => headers?.identity)).size).toBe(10);
  expect(points).toEqual([]);
});

it('what an output that was away did not take it gets when it is back, once', async () => {
  const { jobs, finished, away, points } = setup();
  away.timeSeries = true;
  const { id } = await jobs.start({ from: { offset: 0 } }, ['timeseries']);
  await vi.waitFor(() => expect(away.refused).toBeGreaterThan(2));
  away.timeSeries = false;
  expect(await finished(id)).toMatchObject({ state: 'done', counters: { points: 10, duplicates: 0 } });
  expect(new Set(points.map(({ atMs, tags }) => `${tags.gateway} ${atMs}`)).size).toBe(10);
  expect(points).toHaveLength(10);
});

it('waits while an output is away, one at a time, and ends when it is told to', async () => {
  const { jobs, away, points } = setup();
  away.timeSeries = true;
  const { id } = await jobs.start({ from: { offset: 0 } }, ['timeseries']);
  await expect(jobs.start({ from: { offset: 0 } }, ['timeseries'])).rejects.toThrow(ReplayBusyError);
  expect(await jobs.stop(id)).toMatchObject({ state: 'failed', reason: 'the replay was stopped' });
  expect(points).toEqual([]);
  expect(jobs.get('unknown')).toBeUndefined();
});
