/** Where packages get their limits. A package may have them before it is seen. */
import type { Clock } from '../../protocols/base/clock.ts';
import type { Sql, Store } from '../store/store.ts';
import { faultOf, notEvaluated, type PackageLimits, shockLimitOf } from './limits.ts';
import { followPackages, judge } from './stays.ts';

export class LimitError extends Error {
  override readonly name = 'LimitError';
  readonly code = 'limits-invalid';
}

export interface ShownLimits {
  packageId: string;
  limits: PackageLimits;
  /** Limits that nothing measures today (limits.ts). */
  notEvaluated: string[];
  /** Absent where nobody gave any. */
  setBy?: string;
  setAt?: string;
}

export interface GivenLimits {
  packageId: string;
  limits: PackageLimits;
}

export class LimitDesk {
  readonly #store: Store;
  readonly #clock: Pick<Clock, 'wall'>;

  constructor({ store, clock }: { store: Store; clock: Pick<Clock, 'wall'> }) {
    this.#store = store;
    this.#clock = clock;
  }

  async show(packageId: string): Promise<ShownLimits> {
    const [row] = await this.#store.query<{ limits: PackageLimits; who: string; updated_at: Date }>(
      'select limits, who, updated_at from package_limits where package_id = $1',
      [packageId],
    );
    if (!row) return { packageId, limits: {}, notEvaluated: [] };
    const { limits, who, updated_at } = row;
    return {
      packageId,
      limits,
      notEvaluated: notEvaluated(limits),
      setBy: who,
      setAt: updated_at.toISOString(),
    };
  }

  /** All of them or none; limits that are empty take a package's away. @throws LimitError */
  async set(given: readonly GivenLimits[], who: string): Promise<void> {
    for (const { packageId, limits } of given) {
      const fault = faultOf(limits);
      if (fault !== undefined) throw new LimitError(given.length > 1 ? `${packageId}: ${fault}` : fault);
    }
    await this.#store.transaction(async (sql) => {
      for (const { packageId, limits } of [...given].sort(byPackage))
        await this.#setOne(sql, { packageId, limits }, who);
    });
  }

  async #setOne(sql: Sql, { packageId, limits }: GivenLimits, who: string): Promise<void> {
    const { wallMs: nowMs } = this.#clock.wall();
    const nowUs = Math.floor(nowMs * 1000);
    if (Object.keys(limits).length === 0) {
      await sql.query('delete from package_limits where package_id = $1', [packageId]);
      await sql.query('delete from limit_stays where package_id = $1', [packageId]);
    } else {
      const { low = null, high = null } = limits.temperatureCelsius ?? {};
      await sql.query(
        `insert into package_limits (package_id, limits, low, high, max_g, who, updated_at)
         values ($1, $2::json, $3, $4, $5, $6, $7::timestamptz)
         on conflict (package_id) do update set limits = excluded.limits, low = excluded.low, high = excluded.high,
           max_g = excluded.max_g, who = excluded.who, updated_at = excluded.updated_at`,
        [
          packageId,
          JSON.stringify(limits),
          low,
          high,
          shockLimitOf(limits) ?? null,
          who,
          new Date(nowMs).toISOString(),
        ],
      );
      await followPackages(sql, [packageId], nowUs);
    }
    await judge(sql, [packageId], nowUs);
  }
}

function byPackage(a: GivenLimits, b: GivenLimits): number {
  return a.packageId < b.packageId ? -1 : a.packageId > b.packageId ? 1 : 0;
}
