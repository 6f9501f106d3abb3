/**
 * Judges packages that are to be judged (limit_work), and publishes what there is to say of them.
 *
 * Invariants
 * - A package is judged by one process at a time (its row is locked), from what the database holds: limits, stays and readings. The verdict,
 *   the events that say the difference and the end of the work are one transaction.
 * - Events reach `package-events` through an outbox: at least once and under the same ids, so that a timeline has each once.
 * - Readings are kept for KEPT_MS, longer while a violation that began after them is open, and at most LONGEST_MS: within that, late scans and
 *   late readings change the verdict (reconcile.ts).
 */
import { backoff } from '../../protocols/base/backoff.ts';
import { type Clock, sleep } from '../../protocols/base/clock.ts';
import type { Log } from '../../protocols/base/log.ts';
import type { TrackingEvent } from '../../protocols/uplink/tracking-event.ts';
import type { EventLog, Runner } from '../log/event-log.ts';
import { eventRecord, type MessageFormat } from '../process/publish.ts';
import type { Sql, Store } from '../store/store.ts';
import type { Stay } from '../tracking/state.ts';
import { type LimitStay, type Violation, violationsOf } from './evaluate.ts';
import { type PackageLimits, SHOCK_QUIET_MS } from './limits.ts';
import type { LimitQuantity, Reading } from './reading.ts';
import { reconcile, type Said } from './reconcile.ts';

export interface JudgeOptions {
  store: Store;
  eventLog: Pick<EventLog, 'append'>;
  clock: Clock;
  log: Log;
  format: MessageFormat;
}

export const KEPT_MS = 24 * 3_600_000;
const LONGEST_MS = 7 * 24 * 3_600_000;
/** What is kept beyond the horizon, so that its edge never cuts what is judged. */
const MARGIN_MS = 3_600_000;
const POLL_MS = 200;
const PACKAGES = 20;
const EVENTS = 500;
const TIDY_EVERY_MS = 60_000;

export function runJudge(options: JudgeOptions): Runner {
  const { clock, log } = options;
  const court = new Judge(options);
  const stopping = new AbortController();
  let fault: Error | undefined;
  const run = async () => {
    const delays = () => backoff({ firstMs: POLL_MS, maxMs: 10_000, floorMs: POLL_MS, random: () => 0.5 });
    let pauses = delays();
    while (!stopping.signal.aborted) {
      let pauseMs = POLL_MS;
      try {
        if (await court.tick()) pauseMs = 0;
        fault = undefined;
        pauses = delays();
      } catch (error) {
        if (!fault) log.warn({ err: error }, 'packages are not judged by their limits; trying again');
        fault = error as Error;
        pauseMs = pauses.next().value;
      }
      if (pauseMs > 0) await sleep(clock, pauseMs, stopping.signal);
    }
  };
  const done = run();
  return {
    async stop() {
      stopping.abort();
      await done;
    },
    lag: () => court.waiting,
    fault: () => fault,
  };
}

export class Judge {
  /** Packages that wait, at the last look. */
  waiting: number | undefined;
  readonly #options: JudgeOptions;
  #tidiedMs = Number.NEGATIVE_INFINITY;

  constructor(options: JudgeOptions) {
    this.#options = options;
  }

  /** Judges what is due and publishes; true when there may be more. */
  async tick(): Promise<boolean> {
    const { store, clock } = this.#options;
    const { wallMs: nowMs } = clock.wall();
    const nowUs = Math.floor(nowMs * 1000);
    // One look, since mostly there is nothing.
    const [found] = await store.query<{ waiting: number; due: boolean; unsaid: boolean }>(
      `select (select count(*)::int from limit_work) as waiting,
         exists (select from limit_work where due_us <= $1::bigint) as due, exists (select from limit_outbox) as unsaid`,
      [nowUs],
    );
    const judged = found?.due ? await store.transaction((sql) => judgeSome(sql, nowUs)) : 0;
    const published = judged > 0 || found?.unsaid ? await this.#publish() : 0;
    if (Math.abs(nowMs - this.#tidiedMs) >= TIDY_EVERY_MS) await this.#tidy(nowMs);
    this.waiting = found?.waiting ?? 0;
    return judged === PACKAGES || published === EVENTS;
  }

  /** Two processes may publish the same ones: they count once. */
  async #publish(): Promise<number> {
    const { store, eventLog, format } = this.#options;
    const rows = await store.query<{ place: string; event: string }>(
      `select place::text as place, event::text as event from limit_outbox order by limit_outbox.place limit ${EVENTS}`,
    );
    if (rows.length === 0) return 0;
    await eventLog.append(rows.map(({ event }) => eventRecord(JSON.parse(event) as TrackingEvent, format)));
    await store.query('delete from limit_outbox where place = any($1::bigint[])', [rows.map(({ place }) => place)]);
    return rows.length;
  }

  async #tidy(nowMs: number): Promise<void> {
    const { store } = this.#options;
    await store.query(
      `delete from limit_readings r where at_us < $1::bigint or (at_us < $2::bigint and not exists (
         select 1 from limit_violations v where v.place = r.place and v.state = 'open' and v.began_us <= r.at_us))`,
      [Math.floor((nowMs - LONGEST_MS) * 1000), Math.floor((nowMs - KEPT_MS - MARGIN_MS) * 1000)],
    );
    this.#tidiedMs = nowMs;
  }
}

/** At most PACKAGES of what is due; how many. */
async function judgeSome(sql: Sql, nowUs: number): Promise<number> {
  const due = await sql.query<{ package_id: string }>(
    `select package_id from limit_work where due_us <= $1::bigint order by due_us, package_id
     limit ${PACKAGES} for update skip locked`,
    [nowUs],
  );
  for (const { package_id } of due) {
    const again = await judgePackage(sql, package_id, nowUs);
    if (again === undefined) await sql.query('delete from limit_work where package_id = $1', [package_id]);
    else await sql.query('update limit_work set due_us = $2::bigint where package_id = $1', [package_id, again]);
  }
  return due.length;
}

/** Gives when it has to be judged again though nothing new comes. */
async function judgePackage(sql: Sql, packageId: string, nowUs: number): Promise<number | undefined> {
  const horizonUs = nowUs - KEPT_MS * 1000;
  const limits = await limitsOf(sql, packageId);
  const found = limits ? violationsOf(limits, await staysOf(sql, packageId, horizonUs), nowUs) : [];
  const before = await saidOf(sql, packageId);
  const { events, said } = reconcile(before, found, { packageId, nowUs, horizonUs });
  for (const each of said) await saveSaid(sql, packageId, each);
  for (const event of events)
    await sql.query('insert into limit_outbox (event) values ($1::json)', [JSON.stringify(event)]);
  const open = found.some(({ kind, endedUs }) => kind === 'EXCESSIVE_SHOCK' && endedUs === undefined);
  return open ? nowUs + SHOCK_QUIET_MS * 1000 + 1 : undefined;
}

async function limitsOf(sql: Sql, packageId: string): Promise<PackageLimits | undefined> {
  const [row] = await sql.query<{ limits: PackageLimits }>('select limits from package_limits where package_id = $1', [
    packageId,
  ]);
  return row?.limits;
}

interface ReadingRow extends Record<string, unknown> {
  stay: string;
  from_us: number;
  to_us: number | null;
  place: string | null;
  gateway_id: string;
  epoch: string;
  sequence: number;
  device_id: string;
  quantity: LimitQuantity;
  at_us: number;
  value: number;
  clock: Reading['clock'];
}

async function staysOf(sql: Sql, packageId: string, horizonUs: number): Promise<LimitStay[]> {
  const rows = await sql.query<ReadingRow>(
    `select s.stay::text as stay, s.from_us, s.to_us, r.place, r.gateway_id, r.epoch, r.sequence, r.device_id,
       r.quantity, r.at_us, r.value, r.clock
     from limit_stays s join limit_readings r on r.place = s.place and r.at_us >= s.from_us
       and r.at_us <= coalesce(s.to_us, 9223372036854775807)
     where s.package_id = $1 and coalesce(s.to_us, $2::bigint) >= $2::bigint - 604800000000
     order by s.from_us, r.at_us, r.gateway_id, r.epoch, r.sequence`,
    [packageId, horizonUs],
  );
  const stays = new Map<string, { stay: LimitStay; readings: Reading[] }>();
  for (const row of rows) {
    const name = `${row.from_us} ${row.stay}`;
    let entry = stays.get(name);
    if (!entry) {
      const readings: Reading[] = [];
      const place = JSON.parse(row.stay) as Stay['place'];
      const { from_us: fromUs, to_us: toUs } = row;
      entry = { stay: { place, fromUs, ...(toUs !== null && { toUs }), readings }, readings };
      stays.set(name, entry);
    }
    entry.readings.push({
      place: row.place ?? '',
      gatewayId: row.gateway_id,
      epoch: row.epoch,
      sequence: row.sequence,
      deviceId: row.device_id,
      quantity: row.quantity,
      atUs: row.at_us,
      value: row.value,
      clock: row.clock,
    });
  }
  return [...stays.values()].map(({ stay }) => stay);
}

async function saidOf(sql: Sql, packageId: string): Promise<Said[]> {
  const rows = await sql.query<{
    exception_id: string;
    violation: Violation;
    state: Said['state'];
    revision: number;
  }>(
    'select exception_id, violation, state, revision from limit_violations where package_id = $1 order by began_us, exception_id',
    [packageId],
  );
  return rows.map(({ exception_id, ...rest }) => ({ exceptionId: exception_id, ...rest }));
}

async function saveSaid(sql: Sql, packageId: string, { exceptionId, violation, state, revision }: Said): Promise<void> {
  const { kind, beganUs, endedUs, worst, first } = violation;
  await sql.query(
    `insert into limit_violations (exception_id, package_id, kind, began_us, ended_us, state, revision, place, worst,
       violation)
     values ($1, $2, $3, $4::bigint, $5::bigint, $6, $7, $8, $9, $10::json)
     on conflict (exception_id) do update set ended_us = excluded.ended_us, state = excluded.state,
       revision = excluded.revision, worst = excluded.worst, violation = excluded.violation`,
    [
      exceptionId,
      packageId,
      kind,
      beganUs,
      endedUs ?? null,
      state,
      revision,
      first.place,
      worst,
      JSON.stringify(violation),
    ],
  );
}
