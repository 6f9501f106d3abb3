/**
 * `alerts` → incidents, in the transaction that moves the projection's offset: each alert counts once, whatever comes again, late or in
 * another order, and a replay gives the same incidents.
 *
 * Work is local: a message is folded with the messages of its alert from the spell before it on, and its spells are grouped with the
 * incidents of their key within QUIET_MS. What subscribers are to be told is written in the same transaction (announce.ts).
 */
import type { Clock } from '../../protocols/base/clock.ts';
import type { AlertMessage } from '../../protocols/uplink/tracking-event.ts';
import type { Sql } from '../store/store.ts';
import type { Change } from '../tracking/changes.ts';
import type { Projection } from '../tracking/projector.ts';
import { type AnnouncePolicy, announce } from './announce.ts';
import { incidentsOf, QUIET_MS } from './incident.ts';
import {
  acknowledgementOf,
  type Kept,
  keptNear,
  keyOf,
  lockSubjects,
  notesOf,
  saveIncident,
} from './incident-store.ts';
import { type Spell, spellsOf } from './spells.ts';
import { NOTHING_TOLD } from './told.ts';

export interface IncidentOptions extends AnnouncePolicy {
  clock: Pick<Clock, 'wall'>;
}

/** A projection of alerts that keeps incidents besides. */
export function withIncidents(
  projection: Projection<AlertMessage>,
  options: IncidentOptions,
): Projection<AlertMessage> {
  return {
    ...projection,
    async apply(sql, messages) {
      const changes = await projection.apply(sql, messages);
      return [...changes, ...(await applyToIncidents(sql, messages, options))];
    },
  };
}

async function applyToIncidents(
  sql: Sql,
  messages: readonly AlertMessage[],
  options: IncidentOptions,
): Promise<Change[]> {
  const fresh = await keepMessages(sql, messages);
  if (fresh.length === 0) return [];
  const changed = await refold(sql, fresh);
  if (changed.length === 0) return [];
  await lockSubjects(
    sql,
    changed.map(({ subject }) => subject),
  );
  const nowMs = options.clock.wall().wallMs;
  const removed: Kept[] = [];
  const kept: Kept[] = [];
  for (const [key, spells] of groupBy(changed, keyOf)) {
    const regrouped = await regroup(sql, key, spells);
    removed.push(...regrouped.removed);
    kept.push(...regrouped.kept);
  }
  const told = await announce(sql, kept, { ...options, nowMs, absorbed: removed });
  const gone = removed.map(({ facts }) => facts.incidentId);
  await sql.query('delete from incidents where incident_id = any($1::text[])', [gone]);
  for (const each of told) await saveIncident(sql, each, nowMs);
  const incidentIds = [...told.map(({ facts }) => facts.incidentId), ...gone];
  return incidentIds.map((incidentId) => ({ kind: 'incident', incidentId }));
}

/** Gives those that were not there yet. */
async function keepMessages(sql: Sql, messages: readonly AlertMessage[]): Promise<AlertMessage[]> {
  const unique = new Map(messages.map((message) => [message.eventId, message]));
  const rows = [...unique.values()];
  const kept = await sql.query<{ event_id: string }>(
    `insert into alert_messages (event_id, alert_id, occurred_at, message)
     select e, a, o::timestamptz, m::json from unnest($1::text[], $2::text[], $3::text[], $4::text[]) n (e, a, o, m)
     on conflict do nothing returning event_id`,
    [
      rows.map(({ eventId }) => eventId),
      rows.map(({ alertId }) => alertId),
      rows.map(({ occurredAt }) => occurredAt),
      // What an incident needs of it; the readings around it stand in the table alerts.
      rows.map(({ context: _context, ...message }: AlertMessage & { context?: unknown }) => JSON.stringify(message)),
    ],
  );
  return kept.flatMap(({ event_id }) => unique.get(event_id) ?? []);
}

/** Folds the alerts of these messages anew from the spell before each on. Gives the spells that came, went or changed. */
async function refold(sql: Sql, fresh: readonly AlertMessage[]): Promise<Spell[]> {
  const groups = [...groupBy(fresh, ({ alertId }) => alertId)];
  const alertIds = groups.map(([alertId]) => alertId);
  const earliest = groups.map(([, group]) => group.map(({ occurredAt }) => occurredAt).sort()[0] ?? '');
  const from = await sql.query<{ alert_id: string; since: Date }>(
    `select n.a as alert_id, coalesce(
       (select max(s.began_at) from alert_spells s where s.alert_id = n.a and s.began_at <= n.t::timestamptz),
       n.t::timestamptz) as since
     from unnest($1::text[], $2::text[]) n (a, t)`,
    [alertIds, earliest],
  );
  const window = [from.map(({ alert_id }) => alert_id), from.map(({ since }) => since.toISOString())];
  const before = await sql.query<{ spell: string }>(
    `delete from alert_spells s using unnest($1::text[], $2::text[]) n (a, t)
     where s.alert_id = n.a and s.began_at >= n.t::timestamptz returning s.spell::text as spell`,
    window,
  );
  const messages = await sql.query<{ message: string }>(
    `select m.message::text as message from alert_messages m join unnest($1::text[], $2::text[]) n (a, t)
     on m.alert_id = n.a and m.occurred_at >= n.t::timestamptz`,
    window,
  );
  const parsed = messages.map(({ message }) => JSON.parse(message) as AlertMessage);
  const after = [...groupBy(parsed, ({ alertId }) => alertId).values()].flatMap(spellsOf);
  await keepSpells(sql, after);
  return differing(
    before.map(({ spell }) => spell),
    after,
  );
}

async function keepSpells(sql: Sql, spells: readonly Spell[]): Promise<void> {
  if (spells.length === 0) return;
  await sql.query(
    `insert into alert_spells (alert_id, began_at, incident_key, spell)
     select a, b::timestamptz, k, s::json from unnest($1::text[], $2::text[], $3::text[], $4::text[]) n (a, b, k, s)`,
    [
      spells.map(({ alertId }) => alertId),
      spells.map(({ beganAt }) => beganAt),
      spells.map(keyOf),
      spells.map((spell) => JSON.stringify(spell)),
    ],
  );
}

function differing(before: readonly string[], after: readonly Spell[]): Spell[] {
  const gone = new Set(before);
  const come = after.filter((spell) => !gone.delete(JSON.stringify(spell)));
  return [...[...gone].map((spell) => JSON.parse(spell) as Spell), ...come];
}

/** The incidents of a key that these spells touch, as they were and as they are. */
async function regroup(sql: Sql, key: string, changed: readonly Spell[]): Promise<{ removed: Kept[]; kept: Kept[] }> {
  const beginnings = changed.map(({ beganAt }) => beganAt).sort();
  const ends = changed.map(({ endedAt }) => endedAt ?? 'infinity').sort();
  const first = beginnings[0] ?? '';
  const near = await keptNear(sql, key, {
    from: shifted(first, -QUIET_MS),
    to: shifted(ends.at(-1) ?? 'infinity', QUIET_MS),
  });
  const from = [first, ...near.map(({ facts }) => facts.openedAt)].sort()[0] ?? first;
  const to = [beginnings.at(-1) ?? first, ...near.map(({ facts }) => facts.lastBeganAt)].sort().at(-1) ?? first;
  const rows = await sql.query<{ spell: string }>(
    `select spell::text as spell from alert_spells
     where incident_key = $1 and began_at between $2::timestamptz and $3::timestamptz`,
    [key, from, to],
  );
  const facts = incidentsOf(rows.map(({ spell }) => JSON.parse(spell) as Spell));
  const removed = near.filter((old) => !facts.some(({ incidentId }) => incidentId === old.facts.incidentId));
  // What was told of an incident goes to the one that holds its beginning; of several, the first keeps its name.
  const heirs = new Set<Kept>();
  const kept: Kept[] = [];
  for (const each of facts) {
    const inherited = near.filter(
      ({ facts: { openedAt } }) => openedAt >= each.openedAt && openedAt <= each.lastBeganAt,
    );
    const heir = inherited.find(({ told }) => told.name !== undefined) ?? inherited[0];
    if (heir) heirs.add(heir);
    const acknowledgement = acknowledgementOf(each, await notesOf(sql, key, each));
    const { told, held, silencedBy } = heir ?? { told: NOTHING_TOLD, held: false, silencedBy: [] };
    kept.push({ facts: each, told, held, silencedBy, acknowledgement });
  }
  return { removed: removed.map((old) => (heirs.has(old) ? { ...old, told: NOTHING_TOLD } : old)), kept };
}

/** @param at ISO 8601 or `infinity`. */
function shifted(at: string, ms: number): string {
  return at === 'infinity' ? at : new Date(Date.parse(at) + ms).toISOString();
}

function groupBy<T>(items: readonly T[], nameOf: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const group = groups.get(nameOf(item));
    if (group) group.push(item);
    else groups.set(nameOf(item), [item]);
  }
  return groups;
}
