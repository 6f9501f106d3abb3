import { expect, it, vi } from 'vitest';
import { silentLog } from '../../protocols/base/log.ts';
import { ManualClock } from '../../protocols/base/manual-clock.ts';
import { type EventLog, type FollowOptions, type LogRecord, type StoredRecord, TOPICS } from '../log/event-log.ts';
import type { Store } from '../store/store.ts';
import type { Point, TimeSeries } from '../timeseries/time-series.ts';
import { ReplayBusyError, ReplayJobs } from './jobs.ts';
import type { ReplayPorts } from './replay.ts';

const PARTITIONS = 2;
const PER_PARTITION = 10;

/** A log of two partitions with ten messages of the open door each, one a second. */
function setup() {
  const record = (partition: number, offset: number): StoredRecord => {
    const lane = offset % 2 === 0 ? 'tracking' : 'telemetry';
    const event =
      lane === 'tracking'
        ? { eventId: `e-${partition}-${offset}`, packageId: 'sscc:1', scanType: 'LOAD' }
        : { kind: 'contact', eventId: `e-${partition}-${offset}`, open: true };
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
  const each = (offset: number) => new Map(Array.from({ length: PARTITIONS }, (_, partition) => [partition, offset]));
  const eventLog = {
    append: async (records: readonly LogRecord[]) => void appended.push(...records),
    positionsAt: async (_topic: string, at: number | 'end') =>
      each(at === 'end' ? PER_PARTITION : Math.min(PER_PARTITION, Math.ceil(at / 1000))),
    follow: async ({ position, onRecords }: FollowOptions) => {
      const run = async () => {
        for (let partition = 0; partition < PARTITIONS; partition++) {
          for (let offset = await position(partition); offset < PER_PARTITION; offset++) {
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
  // Without `state` among the outputs the store is not touched.
  const store = {} as Store;
  const ports: ReplayPorts = { eventLog, store, timeSeries, clock: new ManualClock(), log: silentLog };
  const jobs = new ReplayJobs(ports);
  const finished = async (id: string) => {
    await vi.waitFor(() => expect(jobs.get(id)?.state).not.toBe('running'));
    return jobs.get(id);
  };
  return { jobs, finished, appended, points, away };
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
