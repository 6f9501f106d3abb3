/**
 * `package-states`: each change of a package's state as one record, in order (design, section 10).
 *
 * A change is written into an outbox table by the transaction that makes it, and drained from there in order by one process at a time (the
 * rows are locked while they are on their way). So no change is lost or out of order; after a crash between Kafka's confirmation and the
 * deletion a few come again, with the same `version`: readers that keep the version they have seen see each once, and the compacted topic ends
 * with the newest state of each package either way.
 */
import { backoff } from '../../protocols/base/backoff.ts';
import { type Clock, sleep } from '../../protocols/base/clock.ts';
import type { Log } from '../../protocols/base/log.ts';
import { type EventLog, type Runner, TOPICS } from '../log/event-log.ts';
import { schemaHeader } from '../process/publish.ts';
import type { Store } from '../store/store.ts';
import type { Projection } from './projector.ts';

/** A projection of packages whose changes are published. */
export function withStateOutbox<T>(projection: Projection<T>): Projection<T> {
  return {
    ...projection,
    async apply(sql, messages) {
      const changes = await projection.apply(sql, messages);
      const ids = changes.flatMap((change) => (change.kind === 'package' ? [change.packageId] : []));
      if (ids.length > 0) {
        await sql.query(
          `insert into package_state_outbox (package_id, version, state)
           select package_id, version, state from packages where package_id = any($1::text[])`,
          [ids],
        );
      }
      return changes;
    },
  };
}

const GROUP = 500;
const POLL_MS = 200;

interface Row extends Record<string, unknown> {
  place: string;
  package_id: string;
  version: string;
  state: string;
}

/** Drains the outbox until the runner is stopped. */
export function publishStates(options: {
  store: Store;
  eventLog: Pick<EventLog, 'append'>;
  clock: Clock;
  log: Log;
}): Runner {
  const { store, clock, log } = options;
  const stopping = new AbortController();
  let fault: Error | undefined;
  let lag: number | undefined;
  const run = async () => {
    const delays = () => backoff({ firstMs: 200, maxMs: 10_000, floorMs: 100, random: () => 0.5 });
    let pauses = delays();
    while (!stopping.signal.aborted) {
      let pauseMs = 0;
      try {
        const count = await drainStates(options);
        if (count < GROUP) {
          lag = 0;
          pauseMs = POLL_MS;
        } else lag = await waiting(store);
        fault = undefined;
        pauses = delays();
      } catch (error) {
        if (!fault) log.warn({ err: error }, 'package states are not published; trying again');
        fault = error as Error;
        pauseMs = pauses.next().value ?? POLL_MS;
      }
      if (pauseMs > 0) await sleep(clock, pauseMs, stopping.signal).catch(() => {});
    }
  };
  const done = run();
  return {
    async stop() {
      stopping.abort();
      await done;
    },
    lag: () => lag,
    fault: () => fault,
  };
}

/** Publishes what waits, at most a group of it; how many. */
export function drainStates({
  store,
  eventLog,
}: {
  store: Store;
  eventLog: Pick<EventLog, 'append'>;
}): Promise<number> {
  return store.transaction(async (sql) => {
    const rows = await sql.query<Row>(
      `select place::text as place, package_id, version, state::text as state
       from package_state_outbox order by package_state_outbox.place limit ${GROUP} for update`,
    );
    if (rows.length === 0) return 0;
    await eventLog.append(
      rows.map(({ package_id, version, state }) => ({
        topic: TOPICS.packageStates,
        key: package_id,
        value: Buffer.from(state),
        headers: { version, schema: schemaHeader('package-state', 'json') },
      })),
    );
    await sql.query('delete from package_state_outbox where place = any($1::bigint[])', [
      rows.map(({ place }) => place),
    ]);
    return rows.length;
  });
}

async function waiting(store: Store): Promise<number> {
  const [row] = await store.query<{ count: number }>('select count(*)::int as count from package_state_outbox');
  return row?.count ?? 0;
}
