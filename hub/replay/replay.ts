/**
 * Replay: the `uplink` log between two positions once more through the very same processor, on books of its own, into the outputs asked for. The
 * consumer groups, the books and the dead letters of the hub are not touched, and nothing has to stop.
 *
 *   timeseries  points are written again: the same points, for measurement, tags and time are the same
 *   state       events and alerts go straight into the projections' tables (by their event ids, so none counts twice), and the packages seen
 *               are folded anew from all of their events
 *   events      `package-events` and `alerts` get their messages again, marked with the header `replay`: for readers outside that lost them, and
 *               only when asked for, since they see every event id once more
 *
 * Events that stand twice in the part replayed count once, as ever.
 */
import type { Clock } from '../../protocols/base/clock.ts';
import { type Log, silentLog } from '../../protocols/base/log.ts';
import { LANES } from '../../protocols/uplink/identity.ts';
import {
  type EventLog,
  type LogRecord,
  type Runner,
  type StoredRecord,
  TOPICS,
  type TransformOptions,
} from '../log/event-log.ts';
import { Processor, type ProcessorCounters } from '../process/processor.ts';
import type { Store } from '../store/store.ts';
import type { TimeSeries } from '../timeseries/time-series.ts';
import { alertProjection } from '../tracking/alert-projection.ts';
import type { Change } from '../tracking/changes.ts';
import { packageProjection, rebuildPackages } from '../tracking/package-projection.ts';

export const REPLAY_TARGETS = ['timeseries', 'state', 'events'] as const;
export type ReplayTarget = (typeof REPLAY_TARGETS)[number];

export interface ReplayRange {
  /** Milliseconds since 1970, or an offset in each partition. */
  from: { timeMs: number } | { offset: number };
  /** Exclusive. Default: where the log ends when the replay starts. */
  to?: { timeMs: number } | { offset: number };
}

export interface ReplayProgress {
  /** Log records in the range, and of them read. */
  total: number;
  done: number;
  counters: ProcessorCounters;
}

export interface ReplayPorts {
  eventLog: EventLog;
  store: Store;
  timeSeries: TimeSeries;
  clock: Clock;
  log: Log;
}

const MAX_RECORDS = 500;

export interface Replay {
  progress(): ReplayProgress;
  /** Resolves when all is done; rejects when it was stopped. */
  done: Promise<void>;
  stop(): Promise<void>;
}

/** Rejects when the log does not say where it is. */
export async function startReplay(
  ports: ReplayPorts,
  range: ReplayRange,
  into: readonly ReplayTarget[],
): Promise<Replay> {
  const { eventLog, log } = ports;
  // What retention has taken is not waited for.
  const first = await eventLog.positionsAt(TOPICS.uplink, 0);
  const asked = await positionsOf(eventLog, range.from);
  const from = new Map(
    [...first].map(([partition, earliest]) => [partition, Math.max(earliest, asked.get(partition) ?? 0)]),
  );
  const end = await eventLog.positionsAt(TOPICS.uplink, 'end');
  const wanted = range.to === undefined ? end : await positionsOf(eventLog, range.to);
  const to = new Map([...end].map(([partition, last]) => [partition, Math.min(last, wanted.get(partition) ?? last)]));
  const left = new Map([...to].map(([partition, last]) => [partition, Math.max(0, last - (from.get(partition) ?? 0))]));
  const total = [...left.values()].reduce((sum, count) => sum + count, 0);
  const { processor, feed } = await openProcessor(ports, into, [...to.keys()]);
  let settle: { resolve(): void; reject(error: Error): void } | undefined;
  const finished = new Promise<void>((resolve, reject) => {
    settle = { resolve, reject };
  });
  let runner: Runner | undefined;
  const isDone = () => [...left.values()].every((count) => count === 0);
  const onRecords = async (records: readonly StoredRecord[]) => {
    const ours = records.filter(({ partition, offset }) => offset < (to.get(partition) ?? 0));
    if (ours.length > 0) await feed(ours, (outputs) => write(ports, outputs, into));
    for (const { partition, offset } of records)
      left.set(partition, Math.max(0, (to.get(partition) ?? 0) - offset - 1));
    if (isDone()) settle?.resolve();
  };
  if (total === 0) settle?.resolve();
  else {
    runner = await eventLog.follow({
      topic: TOPICS.uplink,
      position: async (partition) => from.get(partition) ?? 0,
      onRecords,
      maxRecords: MAX_RECORDS,
    });
  }
  const done = finished.finally(() => runner?.stop());
  done.catch((error: Error) => log.warn({ reason: error.message }, 'replay ended'));
  return {
    progress: () => ({
      total,
      done: total - [...left.values()].reduce((sum, count) => sum + count, 0),
      counters: { ...processor.counters },
    }),
    done,
    async stop() {
      settle?.reject(new Error('the replay was stopped'));
      await done.catch(() => {});
    },
  };
}

function positionsOf(eventLog: EventLog, at: ReplayRange['from']): Promise<Map<number, number>> {
  if ('timeMs' in at) return eventLog.positionsAt(TOPICS.uplink, at.timeMs);
  return eventLog
    .positionsAt(TOPICS.uplink, 'end')
    .then((end) => new Map([...end.keys()].map((partition) => [partition, at.offset])));
}

/** The processor, but for where its records come from and where its outputs go. */
async function openProcessor(ports: ReplayPorts, into: readonly ReplayTarget[], partitions: readonly number[]) {
  let transform: TransformOptions | undefined;
  const processor = new Processor({
    group: 'milepost-replay',
    lanes: LANES,
    eventLog: {
      async transform(given) {
        transform = given;
        return { stop: async () => {}, lag: () => undefined, fault: () => undefined };
      },
    },
    timeSeries: into.includes('timeseries') ? ports.timeSeries : { write: async () => [] },
    clock: ports.clock,
    // Its dead letters are those that were reported when they came.
    log: silentLog,
  });
  await processor.start();
  for (const partition of partitions) transform?.onAssigned(partition, new Map());
  // As a log's transform does: what was marked as seen counts with its effect, and is forgotten without.
  const state = new Map(partitions.map((partition) => [partition, new Map<string, Buffer>()]));
  const feed = async (records: readonly StoredRecord[], effect: (outputs: readonly LogRecord[]) => Promise<void>) => {
    try {
      const { outputs = [], committed } = (await transform?.onRecords(records)) ?? {};
      await effect(outputs);
      for (const { topic, partition = 0, key, value } of outputs) {
        if (topic !== TOPICS.gatewaySequences) continue;
        if (value) state.get(partition)?.set(key, value);
        else state.get(partition)?.delete(key);
      }
      committed?.();
    } catch (error) {
      for (const [partition, kept] of state) transform?.onAssigned(partition, kept);
      throw error;
    }
  };
  return { processor, feed };
}

async function write(ports: ReplayPorts, outputs: readonly LogRecord[], into: readonly ReplayTarget[]): Promise<void> {
  const events = outputs.filter(({ topic }) => topic === TOPICS.packageEvents);
  const alerts = outputs.filter(({ topic }) => topic === TOPICS.alerts);
  if (into.includes('state')) await toState(ports.store, events, alerts);
  if (into.includes('events') && events.length + alerts.length > 0) {
    const marked = [...events, ...alerts].map((record) => ({
      ...record,
      headers: { ...record.headers, replay: 'true' },
    }));
    await ports.eventLog.append(marked);
  }
}

async function toState(store: Store, events: readonly LogRecord[], alerts: readonly LogRecord[]): Promise<void> {
  const stored = (records: readonly LogRecord[]) =>
    records.map((record) => ({ ...record, partition: 0, offset: 0, timestampMs: 0 }));
  const tracked = stored(events).flatMap((record) => packageProjection.parse(record.value, record).value ?? []);
  const alerted = stored(alerts).flatMap((record) => alertProjection.parse(record.value, record).value ?? []);
  await store.transaction(async (sql): Promise<Change[]> => {
    if (alerted.length > 0) await alertProjection.apply(sql, alerted);
    if (tracked.length === 0) return [];
    await packageProjection.apply(sql, tracked);
    return rebuildPackages(
      sql,
      tracked.map(({ packageId }) => packageId),
    );
  });
}
