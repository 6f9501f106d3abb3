/**
 * The Store over a PostgreSQL server (12 or newer), through a pool of node-postgres connections.
 *
 * Bounds: `maxConnections` connections, further callers wait in the pool up to `connectTimeoutMs`; a statement without an
 * answer for `queryTimeoutMs` fails and its connection is dropped, so that a server that went silent cannot hold us for ever.
 * A commit whose answer was lost fails with `store-unavailable` although it may have happened: callers are idempotent.
 */
import type { Pool, PoolClient, QueryResult } from 'pg';
import { storeError } from './errors.ts';
import { applyMigrations, type Migration } from './migrations.ts';
import { type Row, type Sql, type SqlValue, type Store, StoreError } from './store.ts';
import { INT8_ARRAY, parsers, wholeNumber } from './types.ts';

export interface PostgresOptions {
  /** `postgres://user:password@host:5432/database` */
  url: string;
  migrations?: readonly Migration[];
  /** Default 8. */
  maxConnections?: number;
  /** Default 5,000. */
  connectTimeoutMs?: number;
  /** Default 60,000. */
  queryTimeoutMs?: number;
}

/** Connects lazily: succeeds while the server is away. */
export async function openPostgres(options: PostgresOptions): Promise<Store> {
  const where = describe(options.url);
  const { default: pg } = await import('pg');
  const pool = new pg.Pool({
    connectionString: options.url,
    max: options.maxConnections ?? 8,
    connectionTimeoutMillis: options.connectTimeoutMs ?? 5_000,
    query_timeout: options.queryTimeoutMs ?? 60_000,
    keepAlive: true,
    application_name: 'milepost',
    types: { getTypeParser: typeParser(pg.types.getTypeParser as TypeParserOf) },
  });
  // An idle connection that breaks is replaced by the pool; without a listener it would end the process.
  pool.on('error', () => {});
  return new PostgresStore({ pool, where, migrations: options.migrations ?? [] });
}

class PostgresStore implements Store {
  readonly #pool: Pool;
  readonly #where: string;
  readonly #migrations: readonly Migration[];
  #closed: Promise<void> | undefined;

  constructor(parts: { pool: Pool; where: string; migrations: readonly Migration[] }) {
    this.#pool = parts.pool;
    this.#where = parts.where;
    this.#migrations = parts.migrations;
  }

  async query<R extends Row>(text: string, values: readonly SqlValue[] = []): Promise<R[]> {
    this.#refuseClosed();
    try {
      const result = await this.#pool.query(text, [...values]);
      return result.rows as R[];
    } catch (error) {
      throw storeError(error, this.#where);
    }
  }

  transaction<T>(work: (sql: Sql) => Promise<T>): Promise<T> {
    return this.#transaction((client) => work({ query: (text, values) => this.#on(client, text, values) }));
  }

  migrate(): Promise<string[]> {
    return this.#transaction((client) =>
      applyMigrations(
        {
          query: (text, values) => this.#on(client, text, values),
          // Without parameters node-postgres uses the simple protocol, which takes several statements.
          script: (text) => this.#ask(client, text).then(() => {}),
        },
        this.#migrations,
      ),
    );
  }

  async healthy(): Promise<{ ok: boolean; detail: string }> {
    try {
      const [row] = await this.query<{ version: string }>("select current_setting('server_version') as version");
      return { ok: true, detail: `PostgreSQL ${row?.version ?? '?'} at ${this.#where}` };
    } catch (error) {
      return { ok: false, detail: (error as Error).message };
    }
  }

  close(): Promise<void> {
    this.#closed ??= this.#pool.end();
    return this.#closed;
  }

  async #transaction<T>(work: (client: PoolClient) => Promise<T>): Promise<T> {
    this.#refuseClosed();
    const client = await this.#connect();
    // A connection that breaks while it is lent out says so on the client, not on the pool.
    const ignore = () => {};
    client.on('error', ignore);
    let broken: Error | undefined;
    try {
      await this.#ask(client, 'begin');
      const result = await work(client);
      const { command } = await this.#ask(client, 'commit');
      if (command !== 'COMMIT') throw this.#silentRollback();
      return result;
    } catch (error) {
      broken = await this.#rollback(client, error);
      throw error;
    } finally {
      client.off('error', ignore);
      client.release(broken);
    }
  }

  async #connect(): Promise<PoolClient> {
    try {
      return await this.#pool.connect();
    } catch (error) {
      throw storeError(error, this.#where);
    }
  }

  /** The reason to throw the connection away, if it did not take the rollback. */
  async #rollback(client: PoolClient, reason: unknown): Promise<Error | undefined> {
    if (reason instanceof StoreError && reason.code === 'store-unavailable') return reason;
    try {
      await this.#ask(client, 'rollback');
      return undefined;
    } catch (error) {
      return error as Error;
    }
  }

  async #on<R extends Row>(client: PoolClient, text: string, values: readonly SqlValue[] = []): Promise<R[]> {
    const result = await this.#ask(client, text, [...values]);
    return result.rows as R[];
  }

  async #ask(client: PoolClient, text: string, values?: SqlValue[]): Promise<QueryResult> {
    try {
      return await (values ? client.query(text, values) : client.query(text));
    } catch (error) {
      throw storeError(error, this.#where);
    }
  }

  #silentRollback(): StoreError {
    return new StoreError({
      code: 'store-rejected',
      message: `${this.#where}: a statement of the transaction had failed, so it was rolled back`,
    });
  }

  #refuseClosed(): void {
    if (this.#closed) throw new StoreError({ code: 'store-closed', message: `${this.#where}: the store is closed` });
  }
}

type TypeParserOf = (oid: number, format: 'text' | 'binary') => (text: string) => unknown;

function typeParser(fallback: TypeParserOf) {
  const texts = fallback(INT8_ARRAY, 'text');
  return (oid: number, format: 'text' | 'binary' = 'text'): ((text: string) => unknown) => {
    if (oid !== INT8_ARRAY) return parsers[oid] ?? fallback(oid, format);
    return (text) => (texts(text) as (string | null)[]).map((item) => (item === null ? null : wholeNumber(item)));
  };
}

/** Host, port and database of the URL: what may stand in a log. */
function describe(url: string): string {
  let parsed: URL;
  try {
    parsed = new URL(url);
  } catch {
    throw new TypeError('the PostgreSQL url is not of the form postgres://user:password@host:port/database');
  }
  const host = parsed.hostname || parsed.searchParams.get('host') || 'localhost';
  return `PostgreSQL ${host}:${parsed.port || '5432'}${parsed.pathname}`;
}
