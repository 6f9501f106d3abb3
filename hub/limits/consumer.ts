/**
 * `uplink`, lane telemetry → readings of the places where packages with limits are (group `milepost-limits`).
 *
 * The readings and the offset are one transaction; a reading has its record's identity, so what comes again changes nothing. Readings of
 * other places cost their decoding and a place in memory (lookback.ts). A package is judged again (judge.ts) only when a reading can change
 * what was said of it.
 */
import type { Clock } from '../../protocols/base/clock.ts';
import type { Log } from '../../protocols/base/log.ts';
import { type EventLog, type Runner, type StoredRecord, TOPICS } from '../log/event-log.ts';
import type { Sql, Store } from '../store/store.ts';
import type { Announcer } from '../tracking/changes.ts';
import { type Projection, positionOf, project } from '../tracking/projector.ts';
import { KEPT_MS } from './judge.ts';
import { LOOKBACK_MS, Lookback } from './lookback.ts';
import { type Reading, readingsOf } from './reading.ts';
import { judge } from './stays.ts';

export interface LimitConsumerOptions {
  eventLog: EventLog;
  store: Store;
  clock: Clock;
  changes: Announcer;
  log: Log;
}

export const LIMITS_GROUP = 'milepost-limits';

/** Between two looks at which places matter. */
const LOOK_EVERY_MS = 500;
const MAX_RECORDS = 1_000;
/** Every gateway's batches come by here, and a group is a transaction. */
const GROUP_EVERY_MS = 250;

export async function followReadings(options: LimitConsumerOptions): Promise<Runner> {
  const { eventLog, store, clock } = options;
  const watch = new PlaceWatch(options);
  const runner = await eventLog.follow({
    group: LIMITS_GROUP,
    topic: TOPICS.uplink,
    // From a little before, for the lookback; the projection skips what it has done.
    position: async (partition) => {
      const done = await positionOf(store, LIMITS_GROUP, partition);
      const recent = await eventLog.positionsAt(TOPICS.uplink, Math.floor(clock.wall().wallMs - LOOKBACK_MS));
      return Math.min(done, recent.get(partition) ?? done);
    },
    onRecords: (records) => watch.take(records),
    maxRecords: MAX_RECORDS,
    groupEveryMs: GROUP_EVERY_MS,
  });
  const stopLooking = watch.lookRegularly();
  return {
    async stop() {
      await runner.stop();
      await stopLooking();
    },
    lag: () => runner.lag(),
    fault: () => runner.fault(),
  };
}

export class PlaceWatch {
  readonly #options: Pick<LimitConsumerOptions, 'store' | 'clock' | 'changes' | 'log'>;
  readonly #lookback = new Lookback();
  #places: ReadonlySet<string> = new Set();
  /** One thing at a time: a place that begins to matter gets its last readings before its next ones. */
  #turn: Promise<unknown> = Promise.resolve();

  constructor(options: Pick<LimitConsumerOptions, 'store' | 'clock' | 'changes' | 'log'>) {
    this.#options = options;
  }

  take(records: readonly StoredRecord[]): Promise<void> {
    return this.#inTurn(async () => {
      const { store, changes, log } = this.#options;
      const read = new Map(records.map((record) => [record, readingsOf(record)]));
      for (const [{ timestampMs }, readings] of read) this.#lookback.add(readings, timestampMs);
      const projection: Projection<Reading[]> = {
        name: LIMITS_GROUP,
        topic: TOPICS.uplink,
        parse: (_value, record) => ({ value: read.get(record) ?? [] }),
        apply: async (sql, messages) => {
          await this.#keep(sql, messages.flat());
          return [];
        },
      };
      await project(projection, records, { store, changes, logger: log });
    });
  }

  /** Looks which places matter; new ones get their last readings. */
  look(): Promise<void> {
    return this.#inTurn(async () => {
      const { store, clock } = this.#options;
      const sinceUs = Math.floor((clock.wall().wallMs - KEPT_MS) * 1000);
      const rows = await store.query<{ place: string }>(
        'select distinct place from limit_stays where to_us is null or to_us >= $1::bigint',
        [sinceUs],
      );
      const places = new Set(rows.map(({ place }) => place));
      const fresh = new Set([...places].filter((place) => !this.#places.has(place)));
      if (fresh.size > 0) {
        const readings = this.#lookback.of(fresh);
        await store.transaction((sql) => this.#insert(sql, readings));
      }
      this.#places = places;
    });
  }

  /** Gives what ends it. */
  lookRegularly(): () => Promise<void> {
    const { clock, log } = this.#options;
    let cancel = () => {};
    let looking = Promise.resolve();
    let stopped = false;
    const next = () => {
      looking = this.look()
        .catch((error: Error) => log.warn({ err: error }, 'which places matter could not be looked up'))
        .then(() => {
          if (!stopped) cancel = clock.after(LOOK_EVERY_MS, next);
        });
    };
    next();
    return () => {
      stopped = true;
      cancel();
      return looking;
    };
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const mine = this.#turn.then(work);
    this.#turn = mine.catch(() => {});
    return mine;
  }

  async #keep(sql: Sql, readings: readonly Reading[]): Promise<void> {
    const { clock } = this.#options;
    const oldestUs = (clock.wall().wallMs - KEPT_MS) * 1000;
    await this.#insert(
      sql,
      readings.filter(({ place, atUs }) => this.#places.has(place) && atUs >= oldestUs),
    );
  }

  async #insert(sql: Sql, readings: readonly Reading[]): Promise<void> {
    if (readings.length === 0) return;
    const rows = await sql.query<{ package_id: string }>(
      `with fresh as (
         insert into limit_readings (place, gateway_id, epoch, sequence, device_id, quantity, at_us, value, clock)
         select p, g, e, s::bigint, d, q, a::bigint, v, c::json
         from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::float8[],
           $9::text[]) n (p, g, e, s, d, q, a, v, c)
         on conflict do nothing returning place, quantity, at_us, value),
       seen as (
         select s.package_id, f.at_us, f.value, f.quantity,
           case when f.quantity = 'peakG' then f.value >= l.max_g else f.value < l.low or f.value > l.high end as beyond
         from fresh f join limit_stays s on s.place = f.place and f.at_us >= s.from_us
           and f.at_us <= coalesce(s.to_us, 9223372036854775807)
         join package_limits l on l.package_id = s.package_id)
       select distinct package_id from seen n
       where coalesce(beyond, false) <> exists (
         select 1 from limit_violations v where v.package_id = n.package_id and v.state <> 'retracted'
           and (v.kind = 'EXCESSIVE_SHOCK') = (n.quantity = 'peakG')
           and v.began_us <= n.at_us and (v.ended_us is null or v.ended_us >= n.at_us)
           and (n.quantity <> 'peakG' or v.worst >= n.value))
       order by package_id`,
      [
        readings.map(({ place }) => place),
        readings.map(({ gatewayId }) => gatewayId),
        readings.map(({ epoch }) => epoch),
        readings.map(({ sequence }) => String(sequence)),
        readings.map(({ deviceId }) => deviceId),
        readings.map(({ quantity }) => quantity),
        readings.map(({ atUs }) => String(atUs)),
        readings.map(({ value }) => value),
        readings.map(({ clock }) => JSON.stringify(clock)),
      ],
    );
    await judge(
      sql,
      rows.map(({ package_id }) => package_id),
      this.#options.clock.wall().wallMs * 1000,
    );
  }
}
