/**
 * What is to be told of incidents, as rows of `deliveries` in the transaction that changes the incident: nothing is told that is not so,
 * and nothing that is so is forgotten. The sending is deliverer.ts.
 *
 * Of an incident that a silence covers nothing is told; it is kept as held, and looked at again when a silence ends (held.ts).
 * Bound: beyond MAX_WAITING for one subscription, further ones expire at once, and are shown so.
 */
import { randomUUID } from 'node:crypto';
import { EARLIEST_WALL_MS } from '../../protocols/base/clock.ts';
import type { AlertSeverity } from '../../protocols/uplink/model.ts';
import type { Sql } from '../store/store.ts';
import type { Channel } from './channel.ts';
import type { IncidentFacts, Source } from './incident.ts';
import { type Kept, keyOf } from './incident-store.ts';
import { type LabelsOf, type Matcher, matches } from './matcher.ts';
import { rankOf } from './spells.ts';
import { nextOf, type Phase, type Told } from './told.ts';

export interface AnnouncePolicy {
  /** Deliveries are tried for so long, and what was over longer ago is no news. */
  retryForMs: number;
  /** Of delivery ids. Default: random UUIDs. */
  newId?: () => string;
}

export interface Announcement extends AnnouncePolicy {
  nowMs: number;
  /** Incidents that have become part of others. */
  absorbed?: readonly Kept[];
}

/** What a receiver gets (docs/alerts.md). */
export interface DeliveryBody {
  deliveryId: string;
  subscriptionId: string;
  phase: Phase | 'test';
  /** ISO 8601: when this was found out. */
  at: string;
  incident?: Omit<IncidentFacts, 'sources' | 'endedAt'> & {
    acknowledgedBy?: string;
    note?: string;
    /** It has turned out to be part of this one. */
    continuesAs?: string;
  };
}

const MAX_WAITING = 10_000;

export interface Subscriber {
  subscriptionId: string;
  channel: Channel;
  minSeverity: AlertSeverity;
  matcher: Matcher;
  phases: readonly Phase[];
}

/** Gives the incidents with what is known to be told of them now. */
export async function announce(sql: Sql, incidents: readonly Kept[], at: Announcement): Promise<Kept[]> {
  const { nowMs, absorbed = [] } = at;
  const everything = [...incidents, ...absorbed];
  const labels = await labelsOf(sql, everything);
  const silences = await activeSilences(sql, nowMs);
  const subscribers = await subscribersOf(sql);
  const deliveries: Waiting[] = [];
  const after = incidents.map((kept): Kept => {
    const silencedBy = silencesOf(kept.facts, silences, labels);
    const { phases, told, held } = nextOf(
      kept.told,
      {
        facts: kept.facts,
        acknowledged: kept.acknowledgement !== undefined,
        silenced: silencedBy.length > 0,
        stale: isStale(kept.facts, at),
      },
      kept.held,
    );
    for (const phase of phases) deliveries.push(...waitingFor(kept, phase, told, { subscribers, labels, at }));
    return { ...kept, told, held, silencedBy };
  });
  for (const kept of absorbed) {
    if (!kept.told.open) continue;
    const { openedAt } = kept.facts;
    const heir = after.find(
      ({ facts }) => keyOf(facts) === keyOf(kept.facts) && facts.openedAt <= openedAt && openedAt <= facts.lastBeganAt,
    );
    const continuesAs = heir && (heir.told.name ?? heir.facts.incidentId);
    const more = continuesAs === undefined ? {} : { continuesAs };
    deliveries.push(...waitingFor(kept, 'cleared', kept.told, { subscribers, labels, at }, more));
  }
  await enqueue(sql, deliveries, at);
  return after;
}

/** The silences that cover an incident: together, all of its alerts that stand (or all, when none stands). */
function silencesOf({ sources }: IncidentFacts, silences: readonly Silence[], labels: LabelsOf): string[] {
  const standing = sources.some(({ open }) => open) ? sources.filter(({ open }) => open) : sources;
  const covering = new Set<string>();
  for (const source of standing) {
    const fitting = silences.filter(({ matcher }) => matches(matcher, source, labels));
    if (fitting.length === 0) return [];
    for (const { silenceId } of fitting) covering.add(silenceId);
  }
  return [...covering].sort();
}

function isStale({ clearedAt }: IncidentFacts, { nowMs, retryForMs }: Announcement): boolean {
  if (clearedAt === undefined) return false;
  const atMs = Date.parse(clearedAt);
  // A gateway that does not know the time says nothing about how long ago it was.
  return atMs >= EARLIEST_WALL_MS && atMs < nowMs - retryForMs;
}

interface Waiting {
  subscriptionId: string;
  subject: string;
  incidentId: string;
  body: DeliveryBody;
}

interface Scene {
  subscribers: readonly Subscriber[];
  labels: LabelsOf;
  at: Announcement;
}

function waitingFor(
  kept: Kept,
  phase: Phase,
  told: Told,
  { subscribers, labels, at }: Scene,
  more: { continuesAs?: string } = {},
): Waiting[] {
  const { facts, acknowledgement } = kept;
  const { sources, endedAt: _endedAt, ...shown } = facts;
  const { newId = randomUUID } = at;
  return subscribers.flatMap((subscriber) => {
    const known = kept.told.open && rankOf(kept.told.severity) >= rankOf(subscriber.minSeverity);
    // Who wants to hear of critical ones only hears of one when it gets critical.
    const heard = phase === 'escalated' && !known ? 'opened' : phase;
    if (!isWanted(subscriber, { facts, sources, phase: heard }, labels)) return [];
    const { subscriptionId } = subscriber;
    const body: DeliveryBody = {
      deliveryId: newId(),
      subscriptionId,
      phase: heard,
      at: new Date(at.nowMs).toISOString(),
      incident: {
        ...shown,
        incidentId: told.name ?? facts.incidentId,
        ...(acknowledgement && { acknowledgedBy: acknowledgement.who, note: acknowledgement.text }),
        ...more,
      },
    };
    return [{ subscriptionId, subject: facts.subject, incidentId: facts.incidentId, body }];
  });
}

function isWanted(
  { minSeverity, phases, matcher }: Subscriber,
  { facts, sources, phase }: { facts: IncidentFacts; sources: readonly Source[]; phase: Phase },
  labels: LabelsOf,
): boolean {
  return (
    rankOf(facts.severity) >= rankOf(minSeverity) &&
    phases.includes(phase) &&
    sources.some((source) => matches(matcher, source, labels))
  );
}

/** Puts deliveries behind those that wait. */
export async function enqueue(
  sql: Sql,
  deliveries: readonly { subscriptionId: string; subject: string; incidentId?: string; body: DeliveryBody }[],
  { nowMs, retryForMs }: { nowMs: number; retryForMs: number },
): Promise<void> {
  if (deliveries.length === 0) return;
  await sql.query(
    `insert into deliveries (delivery_id, subscription_id, subject, incident_id, phase, body, state, fault, made_at,
       next_at, expires_at, done_at)
     select n.d, n.s, n.j, n.i, n.p, n.b::json,
       case when w.full then 'expired' else 'waiting' end,
       case when w.full then 'delivery-too-many: ${MAX_WAITING} of this subscription wait already' end,
       $7::timestamptz, $7::timestamptz, $8::timestamptz, case when w.full then $7::timestamptz end
     from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[])
       with ordinality n (d, s, j, i, p, b, place)
     cross join lateral (
       select count(*) >= ${MAX_WAITING} as full from (
         select 1 from deliveries e where e.subscription_id = n.s and e.state = 'waiting' limit ${MAX_WAITING}) few) w
     order by n.place`,
    [
      deliveries.map(({ body }) => body.deliveryId),
      deliveries.map(({ subscriptionId }) => subscriptionId),
      deliveries.map(({ subject }) => subject),
      deliveries.map(({ incidentId }) => incidentId ?? null),
      deliveries.map(({ body }) => body.phase),
      deliveries.map(({ body }) => JSON.stringify(body)),
      new Date(nowMs).toISOString(),
      new Date(nowMs + retryForMs).toISOString(),
    ],
  );
}

interface Silence {
  silenceId: string;
  matcher: Matcher;
}

async function activeSilences(sql: Sql, nowMs: number): Promise<Silence[]> {
  const rows = await sql.query<{ silence_id: string; matcher: Matcher }>(
    'select silence_id, matcher from silences where from_at <= $1::timestamptz and to_at > $1::timestamptz',
    [new Date(nowMs).toISOString()],
  );
  return rows.map(({ silence_id, matcher }) => ({ silenceId: silence_id, matcher }));
}

async function subscribersOf(sql: Sql): Promise<Subscriber[]> {
  const rows = await sql.query<{
    subscription_id: string;
    channel: Channel;
    min_severity: AlertSeverity;
    matcher: Matcher;
    phases: Phase[];
  }>('select subscription_id, channel, min_severity, matcher, phases from subscriptions where enabled order by 1');
  return rows.map(({ subscription_id, min_severity, ...rest }) => ({
    subscriptionId: subscription_id,
    minSeverity: min_severity,
    ...rest,
  }));
}

async function labelsOf(sql: Sql, incidents: readonly Kept[]): Promise<LabelsOf> {
  const ids = new Set(incidents.flatMap(({ facts }) => facts.sources.map(({ gatewayId }) => gatewayId)));
  const rows = await sql.query<{ gateway_id: string; labels: Record<string, string> }>(
    'select gateway_id, labels from fleet_gateways where gateway_id = any($1::text[])',
    [[...ids]],
  );
  return new Map(rows.map(({ gateway_id, labels }) => [gateway_id, labels]));
}
