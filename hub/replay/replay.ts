/**
 * Replay: the `uplink` log between two positions once more through the very same processor, on books of its own, into the outputs asked for. The
 * consumer groups, the books and the dead letters of the hub are not touched, and nothing has to stop.
 *
 *   timeseries  points are written again: the same points, for measurement, tags and time are the same
 *   state       events and alerts go straight into the projections' tables (by their event ids, so none counts twice), and the packages seen
 *               are folded anew from all of their events; what follows from a change (incidents, `package-states`, live streams) follows here, too
 *   events      `package-events` and `alerts` get their messages again, marked with the header `replay`: for readers outside that lost them, and
 *               only when asked for, since they see every event id once more
 *
 * Events that stand twice in the part replayed count once, as ever.
 */
import type { Clock } from '../../protocols/base/clock.ts';
import { type Log, silentLog } from '../../protocols/base/log.ts';
import { LANES } from '../../protocols/uplink/identity.ts';
import type { AlertMessage, TrackingEvent } from '../../protocols/uplink/tracking-event.ts';
import {
  type EventLog,
  type LogRecord,
  type Runner,
  type StoredRecord,
  TOPICS,
  type TransformOptions,
} from '../log/event-log.ts';
import { Processor } from '../process/processor.ts';
import type { ProcessorCounters } from '../process/work.ts';
import { isRetryable, type Sql, type Store, StoreError } from '../store/store.ts';
import { guarded, SeriesGuard, type SeriesLimits } from '../timeseries/series-guard.ts';
import type { TimeSeries } from '../timeseries/time-series.ts';
import type { Announcer, Change } from '../tracking/changes.ts';
import type { Projection } from '../tracking/projector.ts';

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
  /** As for what is new: what was refused as one series too many is refused again. */
  series: SeriesLimits;
  /** Where `state` goes: as the consumer groups have them, but that packages are folded anew. */
  projections: { packages: Projection<TrackingEvent>; alerts: Projection<AlertMessage> };
  changes: Announcer;
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
  const end = await eventLog.positionsAt(TOPICS.uplink, 'end');
  const asked = await positionsOf(eventLog, range.from);
  // Never behind the end either: a log asked for what it does not have may begin at its beginning.
  const from = new Map(
    [...end].map(([partition, last]) => [
      partition,
      Math.min(last, Math.max(first.get(partition) ?? 0, asked.get(partition) ?? 0)),
    ]),
  );
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
    try {
      if (ours.length > 0) await feed(ours, (outputs) => write(ports, outputs, into));
    } catch (error) {
      // What the database will never take ends the replay; what is away is waited for.
      if (error instanceof StoreError && !isRetryable(error)) settle?.reject(error);
      throw error;
    }
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
    timeSeries: into.includes('timeseries')
      ? guarded(ports.timeSeries, new SeriesGuard(ports.series), () => ports.clock.monotonicUs() / 1000)
      : { write: async () => [] },
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
  // An alert of the hub's own says what happens now (process/publish.ts): a replay raises none.
  const alerts = outputs.filter(({ topic, headers }) => topic === TOPICS.alerts && headers?.identity?.includes('/'));
  if (into.includes('state')) await toState(ports, events, alerts);
  if (into.includes('events') && events.length + alerts.length > 0) {
    const marked = [...events, ...alerts].map((record) => ({
      ...record,
      headers: { ...record.headers, replay: 'true' },
    }));
    await ports.eventLog.append(marked);
  }
}

async function toState(
  { store, projections: { packages, alerts }, changes }: ReplayPorts,
  events: readonly LogRecord[],
  raised: readonly LogRecord[],
): Promise<void> {
  const told = await store.transaction(async (sql) => {
    const found = [...(await projected(sql, alerts, raised)), ...(await projected(sql, packages, events))];
    await changes.within(sql, found);
    return found;
  });
  changes.committed(told);
}

async function projected<T>(sql: Sql, projection: Projection<T>, records: readonly LogRecord[]): Promise<Change[]> {
  const stored = records.map((record) => ({ ...record, partition: 0, offset: 0, timestampMs: 0 }));
  const messages = stored.flatMap((record) => projection.parse(record.value, record).value ?? []);
  return messages.length > 0 ? projection.apply(sql, messages) : [];
}
