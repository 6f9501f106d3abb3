/**
 * `package-events` → package_events, packages and package_aliases (design, section 10).
 *
 * Only packages with a new event are folded again: by going on from the stored state where the new events come after it,
 * from the whole set where one of them is late. Rows of the touched packages are locked in the order of their ids, so that
 * two processes never fold the same package side by side.
 */
import { isDeepStrictEqual } from 'node:util';
import type { TrackingEvent } from '../../protocols/uplink/tracking-event.ts';
import { TOPICS } from '../log/event-log.ts';
import { jsonList, jsonTexts } from '../store/json-list.ts';
import type { Sql } from '../store/store.ts';
import { aliasesOf } from './aliases.ts';
import type { Change, PackageChange } from './changes.ts';
import { parseTrackingEvent } from './parse.ts';
import type { Projection } from './projector.ts';
import { compareEvents, extend, fold, type PackageState } from './state.ts';

/** How many packages' events are read at once for refolding. */
const REFOLD_CHUNK = 100;

export const packageProjection: Projection<TrackingEvent> = {
  name: 'milepost-packages',
  topic: TOPICS.packageEvents,
  parse: parseTrackingEvent,
  apply,
};

/** For replays: each package is folded anew from all of its events, whatever its stored state says. What was right is no change. */
export const packageRebuild: Projection<TrackingEvent> = { ...packageProjection, apply: rebuild };

async function apply(sql: Sql, events: readonly TrackingEvent[]): Promise<Change[]> {
  const packageIds = [...new Set(events.map((event) => event.packageId))].sort();
  const before = await lockPackages(sql, packageIds);
  const fresh = groupByPackage(await insertEvents(sql, events));
  const states: PackageState[] = [];
  const late: string[] = [];
  for (const [packageId, added] of fresh) {
    const state = before.get(packageId);
    const [first] = added;
    if (state && first && compareEvents(first, state.lastEvent) < 0) late.push(packageId);
    else states.push(extend(state, added) as PackageState);
  }
  for (let at = 0; at < late.length; at += REFOLD_CHUNK) {
    states.push(...(await refold(sql, late.slice(at, at + REFOLD_CHUNK))));
  }
  if (states.length > 0) await saveStates(sql, states, before);
  return states.map((state) => ({ ...changeOf(state), recordedMs: Date.parse(state.lastAt) }));
}

async function rebuild(sql: Sql, events: readonly TrackingEvent[]): Promise<Change[]> {
  const ids = [...new Set(events.map((event) => event.packageId))].sort();
  const before = await lockPackages(sql, ids);
  await insertEvents(sql, events);
  const states: PackageState[] = [];
  for (let at = 0; at < ids.length; at += REFOLD_CHUNK)
    states.push(...(await refold(sql, ids.slice(at, at + REFOLD_CHUNK))));
  if (states.length > 0) await saveStates(sql, states, new Map());
  return states
    .filter((state) => !isDeepStrictEqual(JSON.parse(JSON.stringify(state)), before.get(state.packageId)))
    .map(changeOf);
}

function changeOf({ packageId, otherIds }: PackageState): PackageChange {
  return { kind: 'package', packageId, ...(otherIds.length > 0 && { otherIds }) };
}

async function lockPackages(sql: Sql, packageIds: readonly string[]): Promise<Map<string, PackageState>> {
  await sql.query('insert into packages (package_id) select unnest($1::text[]) on conflict do nothing', [packageIds]);
  const rows = await sql.query<{ package_id: string; state: string | null }>(
    `select package_id, state::text as state from packages
     where package_id = any($1::text[]) order by package_id for update`,
    [packageIds],
  );
  const states = new Map<string, PackageState>();
  for (const { package_id, state } of rows) if (state !== null) states.set(package_id, JSON.parse(state));
  return states;
}

/** Returns the events that were not there yet. */
async function insertEvents(sql: Sql, events: readonly TrackingEvent[]): Promise<TrackingEvent[]> {
  const unique = new Map(events.map((event) => [event.eventId, event]));
  const rows = [...unique.values()];
  const inserted = await sql.query<{ event_id: string }>(
    `insert into package_events (event_id, package_id, occurred_at, gateway_id, epoch, sequence, event)
     select i::uuid, p, o::timestamptz, g, h, s::bigint, e::json
     from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], ${jsonTexts('$7')}) n (i, p, o, g, h, s, e)
     on conflict do nothing returning event_id::text as event_id`,
    [
      rows.map((event) => event.eventId),
      rows.map((event) => event.packageId),
      rows.map((event) => event.occurredAt),
      rows.map((event) => event.source.gatewayId),
      rows.map((event) => event.source.epoch),
      rows.map((event) => String(event.source.sequence)),
      jsonList(rows),
    ],
  );
  return inserted.flatMap(({ event_id }) => unique.get(event_id) ?? []);
}

/** Each package's events in the order of the fold. */
function groupByPackage(events: readonly TrackingEvent[]): Map<string, TrackingEvent[]> {
  const groups = new Map<string, TrackingEvent[]>();
  for (const event of [...events].sort(compareEvents)) {
    const group = groups.get(event.packageId);
    if (group) group.push(event);
    else groups.set(event.packageId, [event]);
  }
  return groups;
}

async function refold(sql: Sql, packageIds: readonly string[]): Promise<PackageState[]> {
  const rows = await sql.query<{ event: string }>(
    'select event::text as event from package_events where package_id = any($1::text[])',
    [packageIds],
  );
  const groups = groupByPackage(rows.map(({ event }) => JSON.parse(event) as TrackingEvent));
  return [...groups.values()].flatMap((events) => fold(events) ?? []);
}

async function saveStates(
  sql: Sql,
  states: readonly PackageState[],
  before: ReadonlyMap<string, PackageState>,
): Promise<void> {
  await sql.query(
    `update packages p set status = n.s, first_at = n.f::timestamptz, last_at = n.l::timestamptz,
       version = n.v, state = n.j::json, updated_at = now()
     from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], ${jsonTexts('$6')}) n (i, s, f, l, v, j)
     where p.package_id = n.i`,
    [
      states.map((state) => state.packageId),
      states.map((state) => state.status),
      states.map((state) => state.firstAt),
      states.map((state) => state.lastAt),
      states.map((state) => state.version),
      jsonList(states),
    ],
  );
  await saveAliases(
    sql,
    states.filter((state) => hasNewNames(state, before.get(state.packageId))),
  );
}

function hasNewNames(state: PackageState, before: PackageState | undefined): boolean {
  return before === undefined || state.otherIds.some((id) => !before.otherIds.includes(id));
}

async function saveAliases(sql: Sql, states: readonly PackageState[]): Promise<void> {
  const pairs = states.flatMap(({ packageId, otherIds }) =>
    [...aliasesOf([packageId, ...otherIds])].map((alias) => ({ alias, packageId })),
  );
  if (pairs.length === 0) return;
  await sql.query(
    `insert into package_aliases (alias, package_id)
     select a, p from unnest($1::text[], $2::text[]) n (a, p) order by a, p on conflict do nothing`,
    [pairs.map(({ alias }) => alias), pairs.map(({ packageId }) => packageId)],
  );
}
