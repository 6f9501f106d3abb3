/**
 * Where packages with limits are: kept beside the packages' states, in the transaction that changes them. A package whose stays have changed
 * is judged again.
 */
import type { Clock } from '../../protocols/base/clock.ts';
import type { TrackingEvent } from '../../protocols/uplink/tracking-event.ts';
import type { Sql } from '../store/store.ts';
import type { PackageChange } from '../tracking/changes.ts';
import type { Projection } from '../tracking/projector.ts';
import type { PackageState, Stay } from '../tracking/state.ts';
import { placesOf } from './places.ts';

/** A projection of packages that tells where those with limits are. */
export function withLimits(
  projection: Projection<TrackingEvent>,
  { clock }: { clock: Pick<Clock, 'wall'> },
): Projection<TrackingEvent> {
  return {
    ...projection,
    async apply(sql, messages) {
      const changes = await projection.apply(sql, messages);
      const packages = changes.filter((change) => change.kind === 'package');
      const ids = packages.map(({ packageId }) => packageId);
      await adoptLimits(sql, packages);
      if (ids.length > 0) await followPackages(sql, ids, clock.wall().wallMs * 1000);
      return changes;
    },
  };
}

/** Limits that were given for another name of a package are the package's. */
async function adoptLimits(sql: Sql, packages: readonly PackageChange[]): Promise<void> {
  const names = packages.flatMap(({ packageId, otherIds = [] }) => otherIds.map((other) => ({ packageId, other })));
  if (names.length === 0) return;
  await sql.query(
    `update package_limits l set package_id = a.package_id
     from (select distinct on (n.package_id) n.package_id, n.other
       from unnest($1::text[], $2::text[]) n (package_id, other)
         join package_limits given on given.package_id = n.other
       where not exists (select 1 from package_limits k where k.package_id = n.package_id)
         and not exists (select 1 from packages q where q.package_id = n.other)
       order by n.package_id, n.other) a
     where l.package_id = a.other`,
    [names.map(({ packageId }) => packageId), names.map(({ other }) => other)],
  );
}

export async function followPackages(sql: Sql, packageIds: readonly string[], nowUs: number): Promise<void> {
  const rows = await sql.query<{ package_id: string; state: string }>(
    `select p.package_id, p.state::text as state from packages p join package_limits l on l.package_id = p.package_id
     where p.package_id = any($1::text[]) order by p.package_id`,
    [packageIds],
  );
  for (const { package_id, state } of rows)
    await keepStays(sql, package_id, (JSON.parse(state) as PackageState).stays, nowUs);
}

interface StayRow {
  place: string;
  fromUs: number;
  toUs: number | null;
  stay: string;
}

async function keepStays(sql: Sql, packageId: string, stays: readonly Stay[], nowUs: number): Promise<void> {
  const wanted = new Map<string, StayRow>();
  for (const { place, from, to } of stays) {
    const fromUs = Date.parse(from) * 1000;
    for (const each of placesOf(place)) {
      const toUs = to === undefined ? null : Date.parse(to) * 1000;
      wanted.set(`${fromUs} ${each}`, { place: each, fromUs, toUs, stay: JSON.stringify(place) });
    }
  }
  const rows = [...wanted.values()];
  const known = await sql.query<{ place: string; from_us: number; to_us: number | null; stay: string }>(
    'select place, from_us, to_us, stay::text as stay from limit_stays where package_id = $1',
    [packageId],
  );
  const before = known.map(({ place, from_us, to_us, stay }) => nameOf({ place, fromUs: from_us, toUs: to_us, stay }));
  if (before.sort().join('\n') === rows.map(nameOf).sort().join('\n')) return;
  await sql.query('delete from limit_stays where package_id = $1', [packageId]);
  await sql.query(
    `insert into limit_stays (package_id, place, from_us, to_us, stay)
     select $1, p, f::bigint, t::bigint, s::json
     from unnest($2::text[], $3::text[], $4::text[], $5::text[]) n (p, f, t, s)`,
    [
      packageId,
      rows.map(({ place }) => place),
      rows.map(({ fromUs }) => String(fromUs)),
      rows.map(({ toUs }) => (toUs === null ? null : String(toUs))),
      rows.map(({ stay }) => stay),
    ],
  );
  await judge(sql, [packageId], nowUs);
}

function nameOf({ place, fromUs, toUs, stay }: StayRow): string {
  return JSON.stringify([place, fromUs, toUs, stay]);
}

/** These packages are to be judged (again). */
export async function judge(sql: Sql, packageIds: readonly string[], dueUs: number): Promise<void> {
  if (packageIds.length === 0) return;
  await sql.query(
    `insert into limit_work (package_id, due_us) select unnest($1::text[]), $2::bigint
     on conflict (package_id) do update set due_us = least(limit_work.due_us, excluded.due_us)`,
    [[...new Set(packageIds)].sort(), Math.floor(dueUs)],
  );
}
