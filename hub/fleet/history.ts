/** Who changed what of the fleet, when and why. Written in the transaction of the change. */
import type { Sql } from '../store/store.ts';
import type { HistoryEntry } from './model.ts';
import { Conditions } from './sql-conditions.ts';

/** What the hub does by itself. */
export const HUB = 'hub';

export interface Deed {
  atMs: number;
  who: string;
  /** Kebab-case: `profile-saved`, `labels-set`, `rollout-started`, … */
  what: string;
  why: string;
  subject: string;
  /** Whose history it belongs to as well. */
  also?: string;
  detail?: object;
}

export async function remember(sql: Sql, { atMs, who, what, why, subject, also, detail = {} }: Deed): Promise<void> {
  await sql.query(
    `insert into fleet_history (at, who, what, why, subject, also, detail)
     values ($1::timestamptz, $2, $3, $4, $5, $6, $7::json)`,
    [new Date(atMs).toISOString(), who, what, why, subject, also ?? null, JSON.stringify(detail)],
  );
}

/** The latest first. */
export async function readHistory(
  sql: Sql,
  { subject, limit, before }: { subject?: string; limit: number; before?: number },
): Promise<HistoryEntry[]> {
  const filter = new Conditions();
  if (subject !== undefined) {
    const place = filter.place(subject);
    filter.and(`(subject = ${place} or also = ${place})`);
  }
  if (before !== undefined) filter.and(`id < ${filter.place(before)}`);
  const rows = await sql.query<Omit<HistoryEntry, 'at'> & { at: Date }>(
    `select id, at, who, what, why, subject, detail from fleet_history ${filter.where} order by id desc limit ${limit}`,
    filter.values,
  );
  return rows.map(({ at, ...entry }) => ({ ...entry, at: at.toISOString() }));
}
