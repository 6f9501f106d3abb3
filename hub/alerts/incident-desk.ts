/** Where incidents are found, taken on and written about. */
import type { Clock } from '../../protocols/base/clock.ts';
import type { AlertSeverity } from '../../protocols/uplink/model.ts';
import { Conditions } from '../fleet/sql-conditions.ts';
import type { Sql, Store } from '../store/store.ts';
import type { Alert, AlertPhases } from '../tracking/alert-state.ts';
import { alertOf } from '../tracking/alert-state.ts';
import type { Announcer } from '../tracking/changes.ts';
import { type Page, pageOf, readCursor } from '../tracking/reader.ts';
import { type AnnouncePolicy, announce } from './announce.ts';
import { AlertingError } from './errors.ts';
import type { IncidentFacts } from './incident.ts';
import {
  type IncidentState,
  type Kept,
  type KeptNote,
  keptWhere,
  keyOf,
  lockSubjects,
  type Note,
  notesOf,
  saveIncident,
  stateOf,
} from './incident-store.ts';
import { rankOf } from './spells.ts';

export interface IncidentSummary extends Omit<IncidentFacts, 'sources' | 'open' | 'endedAt'> {
  state: IncidentState;
  acknowledgedBy?: string;
  acknowledgedAt?: string;
  /** Silences that cover it now: subscribers are told nothing. */
  silencedBy: string[];
  /** Ids of the gateways whose alerts they are. */
  gateways: string[];
}

export interface Incident extends IncidentSummary {
  notes: Note[];
  /** The alerts that `alertIds` and `retracted` name, as they stand. */
  alerts: Alert[];
}

export interface IncidentList {
  state?: IncidentState | 'all' | undefined;
  severity?: AlertSeverity | undefined;
  subject?: string | undefined;
  /** With alerts of this gateway. */
  gateway?: string | undefined;
  limit: number;
  after?: string | undefined;
}

export interface DeskOptions extends AnnouncePolicy {
  store: Store;
  clock: Pick<Clock, 'wall'>;
  changes: Announcer;
}

/** Who says what about an incident. */
export interface Saying {
  who: string;
  text: string;
}

export class IncidentDesk {
  readonly #options: DeskOptions;

  constructor(options: DeskOptions) {
    this.#options = options;
  }

  /** The latest first. */
  async list({
    state = 'all',
    severity,
    subject,
    gateway,
    limit,
    after,
  }: IncidentList): Promise<Page<IncidentSummary>> {
    const filter = new Conditions();
    if (state !== 'all') filter.and(`state = ${filter.place(state)}`);
    if (severity !== undefined) {
      const least = SEVERITIES.filter((each) => rankOf(each) >= rankOf(severity));
      filter.and(`severity = any(${filter.place(least)}::text[])`);
    }
    if (subject !== undefined) filter.and(`subject = ${filter.place(subject)}`);
    if (gateway !== undefined) {
      const source = filter.place(JSON.stringify([{ gatewayId: gateway }]));
      filter.and(`(facts->'sources')::jsonb @> ${source}::jsonb`);
    }
    if (after !== undefined) {
      const [openedAt = '', incidentId = ''] = readCursor(after, 2);
      const time = `${filter.place(openedAt)}::timestamptz`;
      filter.and(`(opened_at < ${time} or (opened_at = ${time} and incident_id > ${filter.place(incidentId)}))`);
    }
    const kept = await keptWhere(
      this.#options.store,
      `${filter.where} order by opened_at desc, incident_id limit ${limit + 1}`,
      filter.values,
    );
    return pageOf(kept.map(summaryOf), limit, ({ openedAt, incidentId }) => [openedAt, incidentId]);
  }

  /** By ids that they have now; others are left out. */
  async byIds(incidentIds: readonly string[]): Promise<IncidentSummary[]> {
    const kept = await keptWhere(this.#options.store, 'where incident_id = any($1::text[])', [incidentIds]);
    return kept.map(summaryOf);
  }

  /** By an id that it has or had. */
  async show(incidentId: string): Promise<Incident> {
    return showKept(this.#options.store, await find(this.#options.store, incidentId));
  }

  /** Somebody takes it on. */
  acknowledge(incidentId: string, saying: Saying): Promise<Incident> {
    return this.#say('acknowledged', incidentId, saying);
  }

  note(incidentId: string, saying: Saying): Promise<Incident> {
    return this.#say('note', incidentId, saying);
  }

  async #say(kind: Note['kind'], name: string, { who, text }: Saying): Promise<Incident> {
    const { store, clock, changes, ...policy } = this.#options;
    const nowMs = clock.wall().wallMs;
    const incident = await store.transaction(async (sql) => {
      const { facts: found } = await find(sql, name);
      await lockSubjects(sql, [found.subject]);
      const kept = await find(sql, name);
      const { facts } = kept;
      if (kind === 'acknowledged' && !facts.open) {
        const message = `the incident was cleared ${facts.clearedAt}: there is nothing to acknowledge; a note can be added`;
        throw new AlertingError('incident-cleared', message);
      }
      const said: KeptNote = {
        kind,
        who,
        at: new Date(nowMs).toISOString(),
        text,
        severity: facts.severity,
        reopened: facts.reopened,
      };
      await keepNote(sql, facts, said);
      const acknowledgement = kind === 'acknowledged' ? said : kept.acknowledgement;
      const [after = kept] = await announce(sql, [{ ...kept, acknowledgement }], { ...policy, nowMs });
      await saveIncident(sql, after, nowMs);
      await changes.within(sql, [{ kind: 'incident', incidentId: facts.incidentId }]);
      return showKept(sql, after);
    });
    changes.committed([{ kind: 'incident', incidentId: incident.incidentId }]);
    return incident;
  }
}

const SEVERITIES: readonly AlertSeverity[] = ['info', 'warning', 'critical'];

export function summaryOf(kept: Kept): IncidentSummary {
  const { facts, acknowledgement, silencedBy } = kept;
  const { sources, open: _open, endedAt: _endedAt, ...shown } = facts;
  return {
    ...shown,
    state: stateOf(kept),
    ...(acknowledgement && { acknowledgedBy: acknowledgement.who, acknowledgedAt: acknowledgement.at }),
    silencedBy,
    gateways: [...new Set(sources.map(({ gatewayId }) => gatewayId))],
  };
}

async function showKept(sql: Sql, kept: Kept): Promise<Incident> {
  const { facts } = kept;
  const notes = await notesOf(sql, keyOf(facts), facts);
  const rows = await sql.query<{ phases: string }>(
    'select phases::text as phases from alerts where alert_id = any($1::text[]) order by began_at, alert_id',
    [[...facts.alertIds, ...facts.retracted]],
  );
  return {
    ...summaryOf(kept),
    notes: notes.map(({ kind, who, at, text }) => ({ kind, who, at, text })),
    alerts: rows.flatMap(({ phases }) => alertOf(JSON.parse(phases) as AlertPhases) ?? []),
  };
}

async function find(sql: Sql, incidentId: string): Promise<Kept> {
  const [kept] = await keptWhere(
    sql,
    `where incident_id = $1 or incident_id = (
       select i.incident_id from incident_ids n join incidents i
       on i.incident_key = n.incident_key and i.opened_at <= n.began_at
       where n.incident_id = $1 order by i.opened_at desc limit 1)
     order by incident_id = $1 desc limit 1`,
    [incidentId],
  );
  if (kept) return kept;
  const message = `no incident ${JSON.stringify(incidentId.slice(0, 60))} is known; GET /v1/incidents lists them`;
  throw new AlertingError('incident-unknown', message);
}

async function keepNote(sql: Sql, facts: IncidentFacts, { kind, who, at, text, severity, reopened }: KeptNote) {
  await sql.query(
    `insert into incident_notes (incident_key, began_at, kind, who, said_at, said, severity, reopened)
     values ($1, $2::timestamptz, $3, $4, $5::timestamptz, $6, $7, $8)`,
    [keyOf(facts), facts.openedAt, kind, who, at, text, severity, reopened],
  );
}
