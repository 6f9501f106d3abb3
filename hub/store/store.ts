/**
 * The Store port: PostgreSQL, in process (PGlite, the embedded default) or a server (node-postgres). Same SQL.
 */
export type SqlValue = string | number | boolean | null | Buffer | Date | readonly SqlValue[] | object;
export type Row = Record<string, unknown>;

export interface Sql {
  /** One statement with $1-style parameters. */
  query<R extends Row = Row>(text: string, values?: readonly SqlValue[]): Promise<R[]>;
}

export interface Store extends Sql {
  /** BEGIN … COMMIT; rolled back when `work` throws. */
  transaction<T>(work: (sql: Sql) => Promise<T>): Promise<T>;
  /** Applies the migrations (store/migrations.ts) that are missing, under a lock. */
  migrate(): Promise<void>;
  healthy(): Promise<{ ok: boolean; detail: string }>;
  close(): Promise<void>;
}
