/** What the projections have written, as readers ask for it. Reads only. */
import type { TrackingEvent } from '../../protocols/uplink/tracking-event.ts';
import type { Sql, SqlValue } from '../store/store.ts';
import { type Alert, type AlertPhases, alertOf } from './alert-state.ts';
import { aliasKey } from './aliases.ts';
import type { PackageState, Stay } from './state.ts';
import type { PackageStatus } from './status.ts';

/** A line of a list of packages. */
export interface PackageSummary {
  packageId: string;
  status: PackageStatus;
  returning: boolean;
  firstAt: string;
  lastAt: string;
  lastEvent: PackageState['lastEvent'];
  eventCount: number;
  conflictCount: number;
  version: string;
}

export interface Page<T> {
  items: T[];
  /** Where the next page begins; absent on the last one. */
  next?: string;
}

export type Found = { state: PackageState; candidates?: undefined } | { candidates: string[]; state?: undefined };

export interface PackageList {
  limit: number;
  after?: string | undefined;
  status?: PackageStatus | undefined;
  /** Beginning of an id or of another name of the package. */
  search?: string | undefined;
}

export interface AlertList {
  limit: number;
  after?: string | undefined;
  state?: 'open' | 'all' | undefined;
  /** Only alerts of places at the time a package was there. */
  stays?: readonly Stay[] | undefined;
}

/** A cursor that this program did not make. */
export class CursorError extends Error {
  override readonly name = 'CursorError';
}

/** How many names a search looks at. */
const MAX_SEARCHED = 1000;
const MAX_CANDIDATES = 20;

export class TrackingReader {
  readonly #sql: Sql;

  constructor(sql: Sql) {
    this.#sql = sql;
  }

  /** By its id, or by another name if that leads to one package only; undefined when there is none. */
  async find(name: string): Promise<Found | undefined> {
    const exact = await this.#states([name]);
    if (exact[0]) return { state: exact[0] };
    const rows = await this.#sql.query<{ package_id: string }>(
      `select package_id from package_aliases where alias = $1 order by package_id limit ${MAX_CANDIDATES}`,
      [aliasKey(name)],
    );
    const candidates = rows.map(({ package_id }) => package_id);
    if (candidates.length > 1) return { candidates };
    const [state] = await this.#states(candidates);
    return state && { state };
  }

  /** The latest first. */
  async packages({ limit, after, status, search }: PackageList): Promise<Page<PackageSummary>> {
    const { where, values } = conditions();
    if (status !== undefined) where(`status = ${values(status)}`);
    if (search !== undefined) {
      const pattern = `${aliasKey(search).replace(/[\\%_]/g, '\\$&')}%`;
      where(
        `package_id in (select package_id from package_aliases where alias like ${values(pattern)} limit ${MAX_SEARCHED})`,
      );
    }
    if (after !== undefined) {
      const [lastAt = '', packageId = ''] = readCursor(after, 2);
      const time = `${values(lastAt)}::timestamptz`;
      where(`(last_at < ${time} or (last_at = ${time} and package_id > ${values(packageId)}))`);
    }
    const rows = await this.#sql.query<{ state: string }>(
      `select state::text as state from packages ${where.clause()} order by last_at desc, package_id limit ${limit + 1}`,
      values.list,
    );
    const items = rows.map(({ state }) => summaryOf(JSON.parse(state) as PackageState));
    return pageOf(items, limit, ({ lastAt, packageId }) => [lastAt, packageId]);
  }

  async summaries(packageIds: readonly string[]): Promise<PackageSummary[]> {
    return (await this.#states(packageIds)).map(summaryOf);
  }

  /** In the order of the fold. */
  async events(
    packageId: string,
    { limit, after }: { limit: number; after?: string | undefined },
  ): Promise<Page<TrackingEvent>> {
    const { where, values } = conditions();
    where(`package_id = ${values(packageId)}`);
    if (after !== undefined) {
      const [at, gateway, epoch, sequence] = readCursor(after, 4).map(values);
      where(
        `(occurred_at, gateway_id, epoch, sequence) > (${at}::timestamptz, ${gateway}, ${epoch}, (${sequence}::text)::bigint)`,
      );
    }
    const rows = await this.#sql.query<{ event: string }>(
      `select event::text as event from package_events ${where.clause()}
       order by occurred_at, gateway_id, epoch, sequence, event_id limit ${limit + 1}`,
      values.list,
    );
    const items = rows.map(({ event }) => JSON.parse(event) as TrackingEvent);
    return pageOf(items, limit, ({ occurredAt, source }) => [
      occurredAt,
      source.gatewayId,
      source.epoch,
      String(source.sequence),
    ]);
  }

  /** The latest first. */
  async alerts({ limit, after, state = 'all', stays }: AlertList): Promise<Page<Alert>> {
    const { where, values } = conditions();
    if (state === 'open') where(`state = 'raised'`);
    if (stays !== undefined) where(`exists (select 1 from ${staysTable(stays, values)} where ${SEEN_DURING_STAY})`);
    if (after !== undefined) {
      const [beganAt = '', alertId = ''] = readCursor(after, 2);
      const time = `${values(beganAt)}::timestamptz`;
      where(`(began_at < ${time} or (began_at = ${time} and alert_id > ${values(alertId)}))`);
    }
    const rows = await this.#sql.query<{ phases: string }>(
      `select phases::text as phases from alerts a ${where.clause()} order by began_at desc, alert_id limit ${limit + 1}`,
      values.list,
    );
    const items = rows.flatMap(({ phases }) => alertOf(JSON.parse(phases) as AlertPhases) ?? []);
    return pageOf(items, limit, (alert) => [alert.raisedAt ?? alert.endedAt ?? '', alert.alertId]);
  }

  async alertsById(alertIds: readonly string[]): Promise<Alert[]> {
    const rows = await this.#sql.query<{ phases: string }>(
      'select phases::text as phases from alerts where alert_id = any($1::text[])',
      [alertIds],
    );
    return rows.flatMap(({ phases }) => alertOf(JSON.parse(phases) as AlertPhases) ?? []);
  }

  /** Packages by status that were seen since, and alerts that are open. */
  async overview(since: string): Promise<{ packages: Partial<Record<PackageStatus, number>>; openAlerts: number }> {
    const counts = await this.#sql.query<{ status: PackageStatus; count: number }>(
      'select status, count(*)::int as count from packages where last_at >= $1::timestamptz group by status',
      [since],
    );
    const [open] = await this.#sql.query<{ count: number }>(
      `select count(*)::int as count from alerts where state = 'raised'`,
    );
    const packages = Object.fromEntries(counts.map(({ status, count }) => [status, count]));
    return { packages, openAlerts: open?.count ?? 0 };
  }

  async #states(packageIds: readonly string[]): Promise<PackageState[]> {
    if (packageIds.length === 0) return [];
    const rows = await this.#sql.query<{ state: string }>(
      'select state::text as state from packages where package_id = any($1::text[])',
      [packageIds],
    );
    return rows.map(({ state }) => JSON.parse(state) as PackageState);
  }
}

export function summaryOf(state: PackageState): PackageSummary {
  const { packageId, status, returning, firstAt, lastAt, lastEvent, eventCount, conflicts, dropped, version } = state;
  const conflictCount = conflicts.length + dropped.conflicts;
  return { packageId, status, returning, firstAt, lastAt, lastEvent, eventCount, conflictCount, version };
}

/** The same rule as SEEN_DURING_STAY, for an alert in hand. */
export function concerns(alert: Alert, stays: readonly Stay[]): boolean {
  const { facilityId, vehicleId, readPoint } = alert.location;
  return stays.some(({ place, from, to }) => {
    const here =
      vehicleId !== undefined
        ? place.vehicleId === vehicleId
        : facilityId !== undefined && place.facilityId === facilityId;
    const near = place.vehicleId !== undefined || readPoint === undefined || place.readPoint === undefined;
    const beganAt = alert.raisedAt ?? alert.endedAt ?? '';
    const during = (to === undefined || beganAt <= to) && (alert.endedAt === undefined || alert.endedAt >= from);
    return here && (near || place.readPoint === readPoint) && during;
  });
}

const SEEN_DURING_STAY = `(a.vehicle_id = s.v or (a.facility_id = s.f and (a.read_point = s.r or a.read_point is null or s.r is null)))
  and a.began_at <= coalesce(s.until::timestamptz, 'infinity') and coalesce(a.ended_at, 'infinity') >= s.since::timestamptz`;

function staysTable(stays: readonly Stay[], values: (value: SqlValue) => string): string {
  const columns = [
    stays.map(({ place }) => place.vehicleId ?? null),
    stays.map(({ place }) => place.facilityId ?? null),
    stays.map(({ place }) => place.readPoint ?? null),
    stays.map(({ from }) => from),
    stays.map(({ to }) => to ?? null),
  ];
  return `unnest(${columns.map((column) => `${values(column)}::text[]`).join(', ')}) s (v, f, r, since, until)`;
}

/** Collects conditions and their parameters in the order in which they are named. */
function conditions() {
  const clauses: string[] = [];
  const list: SqlValue[] = [];
  const where = Object.assign((clause: string) => void clauses.push(clause), {
    clause: () => (clauses.length === 0 ? '' : `where ${clauses.join(' and ')}`),
  });
  const values = Object.assign((value: SqlValue) => `$${list.push(value)}`, { list });
  return { where, values };
}

export function pageOf<T>(items: T[], limit: number, cursorOf: (last: T) => string[]): Page<T> {
  const last = items[limit - 1];
  if (items.length <= limit || last === undefined) return { items };
  return { items: items.slice(0, limit), next: Buffer.from(JSON.stringify(cursorOf(last))).toString('base64url') };
}

export function readCursor(cursor: string, length: number): string[] {
  try {
    const parts: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'));
    const whole = Array.isArray(parts) && parts.length === length && parts.every((part) => typeof part === 'string');
    if (whole && Number.isFinite(Date.parse(parts[0] ?? '')) && (length < 4 || /^\d{1,15}$/.test(parts[3] ?? '')))
      return parts;
  } catch {
    // Falls through: not JSON is one way of not being ours.
  }
  throw new CursorError('after is not a cursor that an earlier answer gave as next');
}
