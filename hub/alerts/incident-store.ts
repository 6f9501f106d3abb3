/** Rows of incidents and of what people said about them. */
import type { AlertSeverity } from '../../protocols/uplink/model.ts';
import type { Sql, SqlValue } from '../store/store.ts';
import type { IncidentFacts } from './incident.ts';
import { rankOf } from './spells.ts';
import type { Told } from './told.ts';

/** An incident with what is kept beside its facts. */
export interface Kept {
  facts: IncidentFacts;
  told: Told;
  held: boolean;
  /** Ids. */
  silencedBy: string[];
  /** Absent when nobody took it on, or it has opened again or got worse since. */
  acknowledgement: KeptNote | undefined;
}

export interface Note {
  kind: 'note' | 'acknowledged';
  who: string;
  at: string;
  text: string;
}

export interface KeptNote extends Note {
  severity: AlertSeverity;
  reopened: number;
}

export type IncidentState = 'open' | 'acknowledged' | 'cleared';

interface Row extends Record<string, unknown> {
  incident_key: string;
  facts: string;
  told: string;
  held: boolean;
  silenced_by: string[];
}

/** @param rest What stands after `from incidents`. */
export async function keptWhere(sql: Sql, rest: string, values: readonly SqlValue[]): Promise<Kept[]> {
  const rows = await sql.query<Row>(
    `select incident_key, facts::text as facts, told::text as told, held, silenced_by from incidents ${rest}`,
    values,
  );
  const kept: Kept[] = [];
  for (const { incident_key: key, facts: text, told, held, silenced_by: silencedBy } of rows) {
    const facts = JSON.parse(text) as IncidentFacts;
    const acknowledgement = acknowledgementOf(facts, await notesOf(sql, key, facts));
    kept.push({ facts, told: JSON.parse(told) as Told, held, silencedBy, acknowledgement });
  }
  return kept;
}

/** Whoever changes incidents of these subjects, waits for whoever does so now. */
export async function lockSubjects(sql: Sql, subjects: readonly string[]): Promise<void> {
  const names = [...new Set(subjects)].sort();
  await sql.query('insert into incident_subjects (subject) select unnest($1::text[]) on conflict do nothing', [names]);
  await sql.query('select 1 from incident_subjects where subject = any($1::text[]) order by subject for update', [
    names,
  ]);
}

/** Those of a key that touch a span of time, in their order. */
export function keptNear(sql: Sql, key: string, span: { from: string; to: string }): Promise<Kept[]> {
  return keptWhere(
    sql,
    `where incident_key = $1 and opened_at <= $3::timestamptz
     and coalesce(ended_at, 'infinity') >= $2::timestamptz order by opened_at`,
    [key, span.from, span.to],
  );
}

export async function saveIncident(sql: Sql, kept: Kept, nowMs: number): Promise<void> {
  const { facts, told, held, silencedBy } = kept;
  const { incidentId, severity, openedAt, lastBeganAt, endedAt } = facts;
  const key = keyOf(facts);
  await sql.query(
    `insert into incidents (incident_id, incident_key, subject, state, severity, opened_at, last_began_at, ended_at, facts,
       told, silenced_by, held, changed_at)
     values ($1, $2, $3, $4, $5, $6::timestamptz, $7::timestamptz, $8::timestamptz, $9::json, $10::json, $11::json, $12,
       $13::timestamptz)
     on conflict (incident_id) do update set state = excluded.state, severity = excluded.severity,
       last_began_at = excluded.last_began_at, ended_at = excluded.ended_at, facts = excluded.facts,
       told = excluded.told, silenced_by = excluded.silenced_by, held = excluded.held, changed_at = excluded.changed_at`,
    [
      incidentId,
      key,
      facts.subject,
      stateOf(kept),
      severity,
      openedAt,
      lastBeganAt,
      endedAt ?? null,
      JSON.stringify(facts),
      JSON.stringify(told),
      JSON.stringify(silencedBy),
      held,
      new Date(nowMs).toISOString(),
    ],
  );
  await sql.query(
    `insert into incident_ids (incident_id, incident_key, began_at) values ($1, $2, $3::timestamptz)
     on conflict do nothing`,
    [incidentId, key, openedAt],
  );
}

/** What was said about an incident, oldest first. */
export async function notesOf(
  sql: Sql,
  key: string,
  { openedAt, lastBeganAt }: Pick<IncidentFacts, 'openedAt' | 'lastBeganAt'>,
): Promise<KeptNote[]> {
  const rows = await sql.query<{
    kind: Note['kind'];
    who: string;
    said_at: Date;
    said: string;
    severity: AlertSeverity;
    reopened: number;
  }>(
    `select kind, who, said_at, said, severity, reopened from incident_notes
     where incident_key = $1 and began_at between $2::timestamptz and $3::timestamptz order by place`,
    [key, openedAt, lastBeganAt],
  );
  return rows.map(({ kind, who, said_at, said, severity, reopened }) => ({
    kind,
    who,
    at: said_at.toISOString(),
    text: said,
    severity,
    reopened,
  }));
}

/** The last one, as long as it holds: an incident that opens again, or gets worse, wants another. */
export function acknowledgementOf(
  { severity, reopened }: Pick<IncidentFacts, 'severity' | 'reopened'>,
  notes: readonly KeptNote[],
): KeptNote | undefined {
  const last = notes.findLast(({ kind }) => kind === 'acknowledged');
  return last && last.reopened >= reopened && rankOf(last.severity) >= rankOf(severity) ? last : undefined;
}

export function stateOf({ facts, acknowledgement }: Pick<Kept, 'facts' | 'acknowledgement'>): IncidentState {
  if (!facts.open) return 'cleared';
  return acknowledgement ? 'acknowledged' : 'open';
}

/** What incidents of one subject and cause have in common. */
export function keyOf({ subject, cause }: { subject: string; cause: string }): string {
  return `${cause} ${subject}`;
}
