/** What transform and follow do with the records that a SqlReader reads for them. */
import type { Log } from '../../../protocols/base/log.ts';
import type { Sql, Store } from '../../store/store.ts';
import type { FollowOptions, LogRecord, StoredRecord, Transformed, TransformOptions } from '../event-log.ts';
import type { Lease } from './lease.ts';
import type { Worker } from './reader.ts';
import { type Head, readState } from './records.ts';

export interface WorkerContext {
  store: Store;
  log: Log;
  lease: Lease;
  partitions: number;
  /** Writes inside a transaction; the heads are to be announced after the commit. */
  insert(sql: Sql, records: readonly LogRecord[]): Promise<Head[]>;
  announce(heads: readonly Head[]): void;
}

const MOVE_OFFSETS = `
insert into log_offsets (grp, topic, partition, "offset")
select $1, $2, partition, "offset" from unnest($3::int4[], $4::int8[]) as moved (partition, "offset")
on conflict (grp, topic, partition) do update set "offset" = excluded."offset", updated_at = now()`;

/** Outputs, state and offsets in one transaction, which only the holder of the lease can commit. */
export function transformWorker(context: WorkerContext, options: TransformOptions): Worker {
  const { store, lease, partitions } = context;
  const { group, input, state } = options;
  const held = new Set<number>();

  async function commit(result: Transformed, next?: ReadonlyMap<number, number>): Promise<void> {
    const heads = await store.transaction(async (sql) => {
      await lease.fence(sql);
      const written = await context.insert(sql, result.outputs);
      if (next) await moveOffsets(sql, { group, topic: input, next });
      return written;
    });
    context.announce(heads);
    result.committed?.();
  }

  const worker: Worker = {
    retries: 'assigned-anew',
    async assigned() {
      const stored = await readState(store, state);
      const offsets = await readOffsets(store, { group, topic: input });
      const positions = new Map<number, number>();
      for (let partition = 0; partition < partitions; partition++) {
        positions.set(partition, offsets.get(partition) ?? 0);
        held.add(partition);
        options.onAssigned(partition, stored.get(partition) ?? new Map());
      }
      return positions;
    },
    revoked() {
      for (const partition of held) options.onRevoked(partition);
      held.clear();
    },
    async handle(records, next) {
      await commit(await options.onRecords(records), next);
    },
  };
  const { onTick } = options;
  if (onTick) {
    const run = async () => {
      const result = onTick();
      if (result && result.outputs.length > 0) await commit(result);
      else result?.committed?.();
    };
    worker.tick = { everyMs: options.tickMs ?? 1_000, run };
  }
  return worker;
}

/** The follower keeps its own positions; ours serve retention and operators only, so that failing to write them is no fault. */
export function followWorker(context: WorkerContext, options: FollowOptions): Worker {
  const { store, log, lease, partitions } = context;
  const { group, topic } = options;
  return {
    retries: 'same-records',
    async assigned() {
      const positions = new Map<number, number>();
      for (let partition = 0; partition < partitions; partition++) {
        positions.set(partition, await options.position(partition));
      }
      if (group !== undefined) await store.transaction((sql) => moveOffsets(sql, { group, topic, next: positions }));
      return positions;
    },
    revoked() {},
    async handle(records: readonly StoredRecord[], next) {
      await options.onRecords(records);
      if (group === undefined) return;
      try {
        await store.transaction(async (sql) => {
          await lease.fence(sql);
          await moveOffsets(sql, { group, topic, next });
        });
      } catch (error) {
        log.debug({ group, topic, error: (error as Error).message }, 'progress of a follower was not noted');
      }
    },
  };
}

async function readOffsets(sql: Sql, of: { group: string; topic: string }): Promise<Map<number, number>> {
  const rows = await sql.query<{ partition: number; offset: number }>(
    'select partition, "offset" from log_offsets where grp = $1 and topic = $2',
    [of.group, of.topic],
  );
  return new Map(rows.map(({ partition, offset }) => [partition, offset]));
}

async function moveOffsets(
  sql: Sql,
  move: { group: string; topic: string; next: ReadonlyMap<number, number> },
): Promise<void> {
  await sql.query(MOVE_OFFSETS, [move.group, move.topic, [...move.next.keys()], [...move.next.values()]]);
}
