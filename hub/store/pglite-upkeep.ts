/**
 * What PostgreSQL's background processes would do, for PGlite, which has none: checkpoints, so that the write-ahead log does not
 * grow and a restart is quick, and vacuum, so that the space of deleted and replaced rows is used again.
 *
 * Both stop the event loop for as long as they take; hence small and often: a checkpoint each 32 MiB of log.
 */
import type { Log } from '../../protocols/base/log.ts';
import { type Sql, StoreError } from './store.ts';

const CHECKPOINT_BYTES = 32 * 1024 * 1024;
/** Vacuum once this many rows are dead, and they are this share of the live ones. */
const DEAD_ROWS = 2_000;
const DEAD_SHARE = 0.2;

export function startUpkeep(options: { sql: Sql; log: Log; everyMs: number }): () => Promise<void> {
  let running: Promise<void> = Promise.resolve();
  let busy = false;
  const timer = setInterval(() => {
    if (busy) return;
    busy = true;
    running = upkeep(options.sql)
      .catch((error: unknown) => {
        if (error instanceof StoreError && error.code === 'store-closed') return;
        options.log.warn(
          { error: (error as Error).message },
          'upkeep of the embedded database failed; tried again later',
        );
      })
      .finally(() => {
        busy = false;
      });
  }, options.everyMs);
  timer.unref();
  return async () => {
    clearInterval(timer);
    await running;
  };
}

export async function upkeep(sql: Sql): Promise<void> {
  const [written] = await sql.query<{ bytes: number }>(
    'select pg_wal_lsn_diff(pg_current_wal_lsn(), redo_lsn)::float8 as bytes from pg_control_checkpoint()',
  );
  if ((written?.bytes ?? 0) > CHECKPOINT_BYTES) await sql.query('checkpoint');
  const worn = await sql.query<{ name: string }>(
    `select format('%I.%I', schemaname, relname) as name from pg_stat_user_tables
     where n_dead_tup > $1::int8 and n_dead_tup > $2::float8 * n_live_tup`,
    [DEAD_ROWS, DEAD_SHARE],
  );
  for (const { name } of worn) await sql.query(`vacuum (analyze) ${name}`);
}
