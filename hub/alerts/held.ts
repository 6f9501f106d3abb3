/**
 * What silences held back: when one begins, ends or is ended, the incidents that are open or held are looked at again. What still stands is
 * told then; what came and went in the meantime is not.
 */
import type { Sql, Store } from '../store/store.ts';
import type { Announcer, Change } from '../tracking/changes.ts';
import { type AnnouncePolicy, announce } from './announce.ts';
import { keptWhere, lockSubjects, saveIncident } from './incident-store.ts';

export interface HeldOptions extends AnnouncePolicy {
  store: Store;
  changes: Announcer;
}

/** One transaction looks at so many. */
const GROUP = 100;

export class HeldIncidents {
  readonly #options: HeldOptions;
  /** The silences that were active the last time. */
  #seen = '';

  constructor(options: HeldOptions) {
    this.#options = options;
  }

  /** Looks at the silences, and at the incidents when other ones are active than before. */
  async review(nowMs: number): Promise<void> {
    const { store } = this.#options;
    const [row] = await store.query<{ active: string }>(
      `select coalesce(string_agg(silence_id, ' ' order by silence_id), '') as active from silences
       where from_at <= $1::timestamptz and to_at > $1::timestamptz`,
      [new Date(nowMs).toISOString()],
    );
    const active = row?.active ?? '';
    if (active === this.#seen) return;
    let after = '';
    for (;;) {
      const rows = await store.query<{ incident_id: string; subject: string }>(
        `select incident_id, subject from incidents where (held or state <> 'cleared') and incident_id > $1
         order by incident_id limit ${GROUP}`,
        [after],
      );
      const last = rows.at(-1);
      if (!last) break;
      after = last.incident_id;
      await this.#reviewSome(rows, nowMs);
    }
    this.#seen = active;
  }

  async #reviewSome(rows: readonly { incident_id: string; subject: string }[], nowMs: number): Promise<void> {
    const { store, changes, ...policy } = this.#options;
    const changed = await store.transaction(async (sql: Sql) => {
      await lockSubjects(
        sql,
        rows.map(({ subject }) => subject),
      );
      const before = await keptWhere(sql, 'where incident_id = any($1::text[]) order by opened_at, incident_id', [
        rows.map(({ incident_id }) => incident_id),
      ]);
      const after = await announce(sql, before, { ...policy, nowMs });
      const different = after.filter((each, index) => JSON.stringify(each) !== JSON.stringify(before[index]));
      for (const each of different) await saveIncident(sql, each, nowMs);
      const told = different.map(({ facts }): Change => ({ kind: 'incident', incidentId: facts.incidentId }));
      await changes.within(sql, told);
      return told;
    });
    changes.committed(changed);
  }
}
