/**
 * Which process reads for a consumer group: one at a time holds the lease on (group, topic), the others stand by.
 *
 * Correctness rests on `fence`, which runs inside the transaction that moves offsets and fails for anyone but the owner;
 * the time-out only decides how soon another takes over. A lease is void when it has run out, when it ends later than any lease could (the
 * server's clock was set back), or when the database has been started since (embedded: its owner was in the process that
 * is gone).
 */
import { randomUUID } from 'node:crypto';
import type { Sql } from '../../store/store.ts';

const LEASE_MS = 9_000;
export const RENEW_MS = LEASE_MS / 3;

/** `clock_timestamp()`, not `now()`: a statement may have waited for a lock. */
const EXPIRES_AT = `clock_timestamp() + interval '${LEASE_MS} milliseconds'`;

const ACQUIRE = `
insert into log_leases as lease (grp, topic, owner, server_start, expires_at)
values ($1, $2, $3, pg_postmaster_start_time(), ${EXPIRES_AT})
on conflict (grp, topic) do update
set owner = excluded.owner, server_start = excluded.server_start, expires_at = excluded.expires_at
where lease.owner = excluded.owner
   or lease.expires_at < clock_timestamp()
   or lease.expires_at > clock_timestamp() + interval '${2 * LEASE_MS} milliseconds'
   or lease.server_start <> excluded.server_start
returning owner`;

const RENEW = `update log_leases set expires_at = ${EXPIRES_AT} where grp = $1 and topic = $2 and owner = $3 returning owner`;

export class LeaseLostError extends Error {
  override readonly name = 'LeaseLostError';
}

export class Lease {
  readonly #group: string;
  readonly #topic: string;
  readonly #owner = randomUUID();

  constructor(options: { group: string; topic: string }) {
    this.#group = options.group;
    this.#topic = options.topic;
  }

  /** True when the lease is ours now. */
  async acquire(sql: Sql): Promise<boolean> {
    return (await sql.query(ACQUIRE, this.#key)).length > 0;
  }

  /** Inside a transaction: nobody else becomes the owner before it ends. @throws LeaseLostError */
  async fence(sql: Sql): Promise<void> {
    const rows = await sql.query(RENEW, this.#key);
    if (rows.length === 0) throw new LeaseLostError(`another process reads ${this.#topic} for ${this.#group} now`);
  }

  async release(sql: Sql): Promise<void> {
    await sql.query('delete from log_leases where grp = $1 and topic = $2 and owner = $3', this.#key);
  }

  get #key(): string[] {
    return [this.#group, this.#topic, this.#owner];
  }
}
