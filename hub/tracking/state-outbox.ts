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
import { type EventLog, type LogRecord, type Runner, TOPICS } from '../log/event-log.ts';
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

/** So many leave in one transaction: what came since the last look, mostly. */
const GROUP = 500;
/** So many are handed over at a stretch: others in this process have less time. */
const APPEND = 250;
const POLL_MS = 100;

const NOTHING = { count: 0, upTo: 0 };

interface Row extends Record<string, unknown> {
  place: number;
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
        const { count, upTo } = await drainStates(options);
        if (count < GROUP) {
          lag = 0;
          pauseMs = POLL_MS;
        } else lag = await waitingAfter(store, upTo);
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

/** Publishes what waits, at most a group of it; how many, and up to which place. */
export async function drainStates({
  store,
  eventLog,
}: {
  store: Store;
  eventLog: Pick<EventLog, 'append'>;
}): Promise<{ count: number; upTo: number }> {
  // A look costs a third of a transaction, and mostly there is nothing.
  if ((await store.query('select place from package_state_outbox order by place limit 1')).length === 0) return NOTHING;
  return store.transaction(async (sql) => {
    const rows = await sql.query<Row>(
      `with due as (select place from package_state_outbox order by place limit ${GROUP} for update)
       delete from package_state_outbox o using due where o.place = due.place
       returning o.place, o.package_id, o.version, o.state::text as state`,
    );
    if (rows.length === 0) return NOTHING;
    rows.sort((a, b) => a.place - b.place);
    for (let at = 0; at < rows.length; at += APPEND) await eventLog.append(rows.slice(at, at + APPEND).map(recordOf));
    return { count: rows.length, upTo: rows.at(-1)?.place ?? 0 };
  });
}

function recordOf({ package_id, version, state }: Row): LogRecord {
  const headers = { version, schema: schemaHeader('package-state', 'json') };
  return { topic: TOPICS.packageStates, key: package_id, value: Buffer.from(state), headers };
}

/** Places are given in order. To count rows, PostgreSQL would pass all those that were drained and not yet cleaned away. */
async function waitingAfter(store: Store, place: number): Promise<number> {
  const [row] = await store.query<{ last: number | null }>('select max(place) as last from package_state_outbox');
  return Math.max(0, (row?.last ?? place) - place);
}
