/**
 * Retention and down-sampling in InfluxDB 1.8: retention policies, and continuous queries that bring numbers together by the hour.
 *
 * Source: InfluxDB 1.8, "Manage your database using InfluxQL", "InfluxQL Continuous Queries" (RESAMPLE EVERY … FOR …; `:MEASUREMENT`;
 * aggregates of `*` name their fields `mean_…`). Gateways may have been away for days: a second query brings the last eight days together
 * once more, every day. A point of the same hour replaces itself.
 */
import { days } from '../days.ts';
import type { RetentionPlan, SetupStep } from '../time-series.ts';

/** Rows of one InfluxQL statement. */
export type Ask = (
  statement: string,
) => Promise<{ name?: string; columns?: string[]; values?: (string | number | boolean | null)[][] }[]>;

const HOURLY = 'milepost_hourly';

export async function arrangeInfluxql(
  ask: Ask,
  { database, policy, plan }: { database: string; policy: string | undefined; plan: RetentionPlan },
): Promise<SetupStep[]> {
  const policies = await policiesOf(ask, database);
  const raw = policy ?? policies.find(({ isDefault }) => isDefault)?.name ?? 'autogen';
  const steps = [
    await keepPolicy(ask, { database, name: raw, keepMs: plan.rawMs, policies }),
    await keepPolicy(ask, { database, name: HOURLY, keepMs: plan.hourlyMs, policies }),
  ];
  const known = await ask('SHOW CONTINUOUS QUERIES');
  const stored = new Map(
    (known.find(({ name }) => name === database)?.values ?? []).map(([name, query]) => [name, String(query)]),
  );
  const queries = [
    { name: 'milepost_hourly', every: 'EVERY 1h FOR 3h' },
    { name: 'milepost_hourly_late', every: 'EVERY 1d FOR 8d' },
  ];
  for (const { name, every } of queries) {
    const select =
      `SELECT mean(*), min(*), max(*) INTO ${id(database)}.${id(HOURLY)}.:MEASUREMENT ` +
      `FROM ${id(database)}.${id(raw)}./.*/ GROUP BY time(1h), *`;
    const query = `CREATE CONTINUOUS QUERY ${id(name)} ON ${id(database)} RESAMPLE ${every} BEGIN ${select} END`;
    steps.push(await keepQuery(ask, { database, name, query, stored: stored.get(name) }));
  }
  return steps;
}

interface Policy {
  name: string;
  duration: string;
  isDefault: boolean;
}

async function policiesOf(ask: Ask, database: string): Promise<Policy[]> {
  const [found] = await ask(`SHOW RETENTION POLICIES ON ${id(database)}`);
  const at = (column: string) => found?.columns?.indexOf(column) ?? -1;
  return (found?.values ?? []).map((row) => ({
    name: String(row[at('name')]),
    duration: String(row[at('duration')]),
    isDefault: String(row[at('default')]) === 'true',
  }));
}

async function keepPolicy(
  ask: Ask,
  of: { database: string; name: string; keepMs: number; policies: readonly Policy[] },
): Promise<SetupStep> {
  const { database, name, keepMs, policies } = of;
  const hours = Math.max(1, Math.ceil(keepMs / 3_600_000));
  const what = `retention policy ${database}.${name}, kept ${days(keepMs)}`;
  const found = policies.find((policy) => policy.name === name);
  if (!found) {
    await ask(`CREATE RETENTION POLICY ${id(name)} ON ${id(database)} DURATION ${hours}h REPLICATION 1`);
    return { what, did: 'created' };
  }
  if (found.duration === `${hours}h0m0s`) return { what, did: 'nothing' };
  // The width of shards follows the duration, as it does for a policy that is created.
  await ask(`ALTER RETENTION POLICY ${id(name)} ON ${id(database)} DURATION ${hours}h SHARD DURATION 0s`);
  return { what, did: 'changed' };
}

async function keepQuery(
  ask: Ask,
  of: { database: string; name: string; query: string; stored: string | undefined },
): Promise<SetupStep> {
  const { database, name, query, stored } = of;
  const what = `continuous query ${name}`;
  if (stored !== undefined && plain(stored) === plain(query)) return { what, did: 'nothing' };
  if (stored !== undefined) await ask(`DROP CONTINUOUS QUERY ${id(name)} ON ${id(database)}`);
  await ask(query);
  return { what, did: stored === undefined ? 'created' : 'changed' };
}

/** The server gives a query back without the quotes that it does not need. */
function plain(query: string): string {
  return query
    .replace(/["\s]+/g, ' ')
    .replace(/\s*([.,()])\s*/g, '$1')
    .trim()
    .toLowerCase();
}

function id(name: string): string {
  return `"${name.replace(/["\\]/g, '\\$&')}"`;
}
