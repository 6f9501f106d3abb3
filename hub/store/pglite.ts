/**
 * The Store inside this process: PostgreSQL compiled to WebAssembly (PGlite), in a folder or in memory.
 *
 * Invariants:
 * - A commit is on the disk before its promise resolves. PGlite as delivered runs with `-F` (fsync off) on a file layer without
 *   fsync; here it runs with fsync on, over a file layer that has one (pglite-engine.ts).
 * - One process per folder: folder-lock.ts. PGlite itself would let a second one in, and both would destroy the data.
 * - No background process exists in it, so checkpoints and vacuum are done here (pglite-upkeep.ts); else the folder would
 *   grow for ever.
 * - After a fault that ends the engine (PANIC: disk full or broken while writing the log) the next call opens it anew, at most once in
 *   `REOPEN_MS`; PostgreSQL's own recovery then restores what was committed.
 */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { PGlite, Transaction } from '@electric-sql/pglite';
import { type Log, silentLog } from '../../protocols/base/log.ts';
import { sqlStateOf, storeError } from './errors.ts';
import { type FolderLock, lockFolder } from './folder-lock.ts';
import { applyMigrations, type Migration } from './migrations.ts';
import { type EngineOptions, openEngine } from './pglite-engine.ts';
import { startUpkeep } from './pglite-upkeep.ts';
import { type Row, type Sql, type SqlValue, type Store, StoreError } from './store.ts';

export interface PgliteOptions {
  /** The folder that holds everything; created when missing. Without it: in memory, gone with the process. */
  dataDir?: string;
  migrations?: readonly Migration[];
  log?: Log;
  /** Between looks at what needs a checkpoint or a vacuum. Default 30,000. */
  upkeepMs?: number;
  beforeDisk?: NonNullable<EngineOptions['beforeDisk']>;
}

const REOPEN_MS = 2_000;

export async function openPglite(options: PgliteOptions = {}): Promise<Store> {
  const lock = options.dataDir === undefined ? undefined : await claim(options.dataDir);
  const store = new PgliteStore(options, lock);
  try {
    await store.open();
  } catch (error) {
    await store.close();
    throw error;
  }
  return store;
}

async function claim(dataDir: string): Promise<FolderLock> {
  try {
    await mkdir(dataDir, { recursive: true });
    return await lockFolder(dataDir);
  } catch (error) {
    throw storeError(error, `embedded database in ${dataDir}`);
  }
}

class PgliteStore implements Store {
  readonly #options: PgliteOptions;
  readonly #where: string;
  readonly #lock: FolderLock | undefined;
  readonly #log: Log;
  #engine: Promise<PGlite> | undefined;
  #lastOpenMs = Number.NEGATIVE_INFINITY;
  #fault: StoreError | undefined;
  #stopUpkeep: (() => Promise<void>) | undefined;
  #closed: Promise<void> | undefined;

  constructor(options: PgliteOptions, lock: FolderLock | undefined) {
    this.#options = options;
    this.#lock = lock;
    this.#log = options.log ?? silentLog;
    this.#where =
      options.dataDir === undefined ? 'embedded database in memory' : `embedded database in ${options.dataDir}`;
  }

  async open(): Promise<void> {
    await this.#ready();
    if (this.#options.dataDir === undefined) return;
    this.#stopUpkeep = startUpkeep({ sql: this, log: this.#log, everyMs: this.#options.upkeepMs ?? 30_000 });
  }

  async query<R extends Row>(text: string, values: readonly SqlValue[] = []): Promise<R[]> {
    const engine = await this.#ready();
    return this.#guard(engine, async () => (await engine.query<R>(text, [...values])).rows);
  }

  transaction<T>(work: (sql: Sql) => Promise<T>): Promise<T> {
    return this.#transaction((tx) => work({ query: (text, values) => this.#on(tx, text, values) }));
  }

  migrate(): Promise<string[]> {
    return this.#transaction(async (tx) => {
      const applied = await applyMigrations(
        {
          query: (text, values) => this.#on(tx, text, values),
          script: async (text) => {
            await this.#guarded(() => tx.exec(text));
          },
        },
        this.#options.migrations ?? [],
      );
      if (applied.length > 0) this.#log.info({ applied }, 'database schema brought up to date');
      return applied;
    });
  }

  async healthy(): Promise<{ ok: boolean; detail: string }> {
    try {
      const [row] = await this.query<{ version: string }>("select current_setting('server_version') as version");
      return { ok: true, detail: `PostgreSQL ${row?.version ?? '?'}, ${this.#where}` };
    } catch (error) {
      return { ok: false, detail: (error as Error).message };
    }
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    await this.#stopUpkeep?.();
    const engine = await this.#engine?.catch(() => undefined);
    try {
      if (engine && !engine.closed && !this.#fault) await engine.close();
    } catch (error) {
      this.#log.warn({ error: (error as Error).message }, 'embedded database did not close in order; it will recover');
    } finally {
      await this.#lock?.release();
    }
  }

  async #transaction<T>(work: (tx: Transaction) => Promise<T>): Promise<T> {
    const engine = await this.#ready();
    let thrown: { error: unknown } | undefined;
    try {
      return await engine.transaction(async (tx) => {
        try {
          return await work(tx);
        } catch (error) {
          thrown = { error };
          throw error;
        }
      });
    } catch (error) {
      // What `work` threw goes on as it is, unless the engine broke while rolling back.
      const failure = thrown && thrown.error === error ? thrown.error : this.#failed(engine, error);
      if (failure instanceof StoreError && failure.code === 'store-unavailable') this.#lose(engine, failure);
      throw failure;
    }
  }

  #on<R extends Row>(tx: Transaction, text: string, values: readonly SqlValue[] = []): Promise<R[]> {
    return this.#guarded(async () => (await tx.query<R>(text, [...values])).rows);
  }

  async #guarded<T>(ask: () => Promise<T>): Promise<T> {
    try {
      return await ask();
    } catch (error) {
      throw storeError(error, this.#where);
    }
  }

  async #guard<T>(engine: PGlite, ask: () => Promise<T>): Promise<T> {
    try {
      return await ask();
    } catch (error) {
      throw this.#failed(engine, error);
    }
  }

  #failed(engine: PGlite, error: unknown): StoreError {
    const failure =
      (error as Error | null)?.constructor.name === 'TransactionAbortedError'
        ? new StoreError({
            code: 'store-rejected',
            message: `${this.#where}: ${(error as Error).message}`,
            cause: error,
          })
        : storeError(error, this.#where);
    if (failure.code === 'store-unavailable') this.#lose(engine, failure);
    return failure;
  }

  /** Only an engine that no longer answers is given up; a full disk that PostgreSQL reports in order is survived. */
  #lose(engine: PGlite, failure: StoreError): void {
    if (sqlStateOf(failure.cause) !== undefined && failure.sqlState !== 'XX000' && !engine.closed) return;
    if (this.#fault) return;
    this.#fault = failure;
    this.#log.error({ error: failure.message }, 'embedded database stopped; it is opened anew');
  }

  async #ready(): Promise<PGlite> {
    if (this.#closed) throw new StoreError({ code: 'store-closed', message: `${this.#where}: the store is closed` });
    if (this.#fault) {
      if (performance.now() - this.#lastOpenMs < REOPEN_MS) throw this.#fault;
      this.#fault = undefined;
      this.#engine = undefined;
    }
    this.#engine ??= this.#open();
    return this.#engine;
  }

  async #open(): Promise<PGlite> {
    this.#lastOpenMs = performance.now();
    try {
      const { dataDir, beforeDisk } = this.#options;
      const folder = dataDir === undefined ? undefined : join(dataDir, 'postgres');
      return await openEngine({ ...(folder !== undefined && { folder }), ...(beforeDisk && { beforeDisk }) });
    } catch (error) {
      this.#fault = storeError(error, this.#where);
      throw this.#fault;
    }
  }
}
