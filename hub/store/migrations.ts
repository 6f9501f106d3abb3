/**
 * Schema migrations: an ordered list of SQL scripts, each applied exactly once per database.
 *
 * Each module that owns tables owns its list (log/sql/migrations.ts, tracking/migrations.ts, …); the composition root
 * concatenates them. Order is the list's order. An entry, once released, is never edited: its text is remembered by
 * hash, and a database that knows an entry with another text, or one that this program does not know, is refused.
 */
import { createHash } from 'node:crypto';
import { type Sql, StoreError } from './store.ts';

export interface Migration {
  /** Unique and stable: module and number, `log-001`. */
  id: string;
  /** Statements separated by semicolons, run in one transaction with all the others that are missing. */
  sql: string;
}

/** A connection inside a transaction; `script` may hold several statements. */
export interface ScriptSql extends Sql {
  script(text: string): Promise<void>;
}

/** Any number that nothing else locks: two hubs that start at once must not both migrate. */
const ADVISORY_LOCK = 7_226_501_893;

const KNOWN_TABLE = `create table if not exists schema_migrations (
  id text primary key,
  sha256 text not null,
  applied_at timestamptz not null default now()
)`;

/** Applies what is missing. Call inside a transaction. Returns the ids that were applied. */
export async function applyMigrations(sql: ScriptSql, migrations: readonly Migration[]): Promise<string[]> {
  refuseDoubles(migrations);
  await sql.query('select pg_advisory_xact_lock($1)', [ADVISORY_LOCK]);
  await sql.query(KNOWN_TABLE);
  const known = await sql.query<{ id: string; sha256: string }>('select id, sha256 from schema_migrations');
  const applied = new Map(known.map((row) => [row.id, row.sha256]));
  refuseUnknown(applied, migrations);
  const missing = migrations.filter(({ id }) => !applied.has(id));
  for (const migration of missing) {
    await sql.script(migration.sql);
    await sql.query('insert into schema_migrations (id, sha256) values ($1, $2)', [migration.id, hash(migration)]);
  }
  return missing.map(({ id }) => id);
}

function refuseDoubles(migrations: readonly Migration[]): void {
  const ids = new Set<string>();
  for (const { id } of migrations) {
    if (ids.has(id)) throw new TypeError(`two migrations are called ${id}`);
    ids.add(id);
  }
}

function refuseUnknown(applied: ReadonlyMap<string, string>, migrations: readonly Migration[]): void {
  const ours = new Map(migrations.map((migration) => [migration.id, hash(migration)]));
  for (const [id, sha256] of applied) {
    if (ours.get(id) === sha256) continue;
    const why = ours.has(id) ? 'differs from the one this program has' : 'is not known to this program';
    throw new StoreError({
      code: 'store-schema-unknown',
      message: `the database has migration ${id}, which ${why}: it was written by another version of milepost; use that version or a newer one`,
    });
  }
}

function hash(migration: Migration): string {
  return createHash('sha256').update(migration.sql).digest('hex');
}
