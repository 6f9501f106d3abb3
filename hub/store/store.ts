/**
 * The Store port: PostgreSQL, in process (PGlite, the embedded default) or a server (node-postgres). Same SQL.
 *
 * Both pass store/store.contract.ts. What a caller may rely on:
 *
 * - A write has reached the disk when its promise resolves (fsync on, synchronous_commit on).
 * - Values: `bytea` comes as Buffer, `int2`–`int8` as number (one beyond 2⁵³ is an error, never rounded), `float4/8` as number,
 *   `json/jsonb` parsed, `timestamptz` as Date, everything else as PostgreSQL's text. JSON is given as text
 *   (`JSON.stringify`), since a bare array would become a PostgreSQL array.
 * - One connection is all there is when embedded: inside `transaction` use only the `sql` that is handed in.
 * - Everything that fails does so with a StoreError.
 */
export type SqlValue = string | number | boolean | null | Buffer | Date | readonly SqlValue[] | object;
export type Row = Record<string, unknown>;

export interface Sql {
  /** One statement with $1-style parameters. */
  query<R extends Row = Row>(text: string, values?: readonly SqlValue[]): Promise<R[]>;
}

export interface Store extends Sql {
  /** BEGIN … COMMIT; rolled back when `work` throws, and what it threw is thrown on. */
  transaction<T>(work: (sql: Sql) => Promise<T>): Promise<T>;
  /** Applies the migrations (store/migrations.ts) that are missing, under a lock, and gives their ids. */
  migrate(): Promise<string[]>;
  /** Never rejects. */
  healthy(): Promise<{ ok: boolean; detail: string }>;
  close(): Promise<void>;
}

export type StoreErrorCode =
  /** No connection, server stopping, disk full, engine gone. Passing: try again. */
  | 'store-unavailable'
  /** Another transaction was in the way (serialisation, deadlock, lock). Passing: run the transaction again. */
  | 'store-conflict'
  /** The server does not let us in. Needs an operator. */
  | 'store-denied'
  /** The statement or its data is wrong (syntax, constraint, type). `sqlState` says which. */
  | 'store-rejected'
  /** Another process has the embedded data folder open. */
  | 'store-in-use'
  /** The database was written by a newer or different version of this program. */
  | 'store-schema-unknown'
  /** Used after close(). */
  | 'store-closed';

export class StoreError extends Error {
  override readonly name = 'StoreError';
  readonly code: StoreErrorCode;
  /** PostgreSQL's SQLSTATE, where it was PostgreSQL that refused. */
  readonly sqlState: string | undefined;

  constructor(fault: { code: StoreErrorCode; message: string; sqlState?: string | undefined; cause?: unknown }) {
    super(fault.message, { cause: fault.cause });
    this.code = fault.code;
    this.sqlState = fault.sqlState;
  }
}

/** True when the same work may succeed later without anybody doing anything. */
export function isRetryable(error: unknown): boolean {
  return error instanceof StoreError && (error.code === 'store-unavailable' || error.code === 'store-conflict');
}
