/** Rollouts as they stand in the store, and how their gateways stand. */
import type { KeyReason } from '../../protocols/fleet/reported-config.ts';
import type { Sql } from '../store/store.ts';
import { FleetError } from './errors.ts';
import type { Rollout, RolloutCounts, RolloutDetail, RolloutGatewayState, RolloutState } from './model.ts';
import type { AlertRates, Standing } from './rollout-machine.ts';
import { Conditions } from './sql-conditions.ts';

export interface RolloutRow extends Record<string, unknown> {
  rollout_id: string;
  profile_id: string;
  from_version: number | null;
  version: number;
  state: RolloutState;
  resume_state: RolloutState | null;
  canary_percent: number;
  canary_ms: number;
  max_rejected_percent: number;
  max_alert_rate_factor: number;
  author: string;
  reason: string;
  created_at: Date;
  state_at: Date;
  why: string | null;
  frozen: boolean;
  /** In the order of their starts. */
  place: number;
}

/** `r`: the rollout, `rg`: its gateway, `g`: the same in fleet_gateways. Nothing desired is nothing to wait for. */
const STATE_SQL = `case when r.frozen then rg.state
  when rg.moved_at is null then 'waiting'
  when g.config_state = 'none' then 'in-force'
  else g.config_state end`;

const REASONS_SQL = `case when r.frozen then rg.reasons
  when g.conflict is not null then g.conflict
  when (g.reported->'last'->>'version')::bigint = g.desired_version then g.reported->'last'->'reasons' end`;

const FROM_GATEWAYS = `from fleet_rollouts r join fleet_rollout_gateways rg using (rollout_id)
  join fleet_gateways g using (gateway_id)`;

/** @throws FleetError `rollout-unknown` */
export async function rolloutRow(sql: Sql, rolloutId: string): Promise<RolloutRow> {
  const [row] = await sql.query<RolloutRow>('select * from fleet_rollouts where rollout_id = $1 for update', [
    rolloutId,
  ]);
  if (!row) throw new FleetError({ code: 'rollout-unknown', message: `there is no rollout '${rolloutId}'` });
  return row;
}

export async function standings(sql: Sql, rolloutId: string): Promise<{ canaries: Standing; all: Standing }> {
  const rows = await sql.query<{ canary: boolean; state: keyof typeof FIELD; count: number }>(
    `select rg.canary, case when g.conflict is not null and rg.moved_at is not null and not r.frozen then 'contradicted'
       else ${STATE_SQL} end as state, count(*)::int as count ${FROM_GATEWAYS}
     where r.rollout_id = $1 group by 1, 2`,
    [rolloutId],
  );
  const [canaries, all] = [noneYet(), noneYet()];
  for (const { canary, state, count } of rows) {
    all[FIELD[state]] += count;
    if (canary) canaries[FIELD[state]] += count;
  }
  return { canaries, all };
}

const FIELD = {
  waiting: 'waiting',
  'in-force': 'inForce',
  pending: 'pending',
  rejected: 'rejected',
  'rolled-back': 'rolledBack',
  offline: 'offline',
  contradicted: 'contradicted',
} as const satisfies Record<RolloutGatewayState | 'contradicted', keyof Standing>;

function noneYet(): Standing {
  return { waiting: 0, inForce: 0, pending: 0, rejected: 0, rolledBack: 0, offline: 0, contradicted: 0 };
}

/** The rate before is that of the day before the rollout. */
const BEFORE_MS = 86_400_000;

export async function alertRates(sql: Sql, row: RolloutRow, nowMs: number): Promise<AlertRates> {
  const [rates] = await sql.query<{ moved: number; after_ms: number; after: number; before: number }>(
    `with moved as (
       select gateway_id, moved_at from fleet_rollout_gateways where rollout_id = $1 and moved_at is not null)
     select
       (select count(*)::int from moved) as moved,
       (select coalesce(sum(extract(epoch from $2::timestamptz - moved_at) * 1000), 0)::float8 from moved) as after_ms,
       (select count(*)::int from alerts a join moved m using (gateway_id)
        where a.began_at >= $3::timestamptz and a.began_at >= m.moved_at and a.state <> 'retracted') as after,
       (select count(*)::int from alerts a join moved m using (gateway_id)
        where a.began_at >= $3::timestamptz - interval '${BEFORE_MS} milliseconds' and a.began_at < $3::timestamptz
          and a.state <> 'retracted') as before`,
    [row.rollout_id, new Date(nowMs).toISOString(), row.created_at.toISOString()],
  );
  const { moved = 0, after_ms = 0, after = 0, before = 0 } = rates ?? {};
  return { after, afterMs: after_ms, before, beforeMs: moved * BEFORE_MS };
}

/** Keeps how the gateways of these rollouts stand now: from here on other versions decide what their state is. */
export async function freeze(sql: Sql, rolloutIds: readonly string[]): Promise<void> {
  await sql.query(
    `update fleet_rollout_gateways target set state = ${STATE_SQL}, reasons = ${REASONS_SQL} ${FROM_GATEWAYS}
     where not r.frozen and r.rollout_id = any($1::text[])
       and target.rollout_id = rg.rollout_id and target.gateway_id = rg.gateway_id`,
    [rolloutIds],
  );
  await sql.query('update fleet_rollouts set frozen = true where rollout_id = any($1::text[])', [rolloutIds]);
}

export interface RolloutList {
  state?: RolloutState;
  profile?: string;
  limit: number;
}

/** The latest first. */
export async function listRollouts(sql: Sql, { state, profile, limit }: RolloutList): Promise<Rollout[]> {
  const filter = new Conditions();
  if (state !== undefined) filter.and(`state = ${filter.place(state)}`);
  if (profile !== undefined) filter.and(`profile_id = ${filter.place(profile)}`);
  const rows = await sql.query<RolloutRow>(
    `select * from fleet_rollouts ${filter.where} order by place desc limit ${limit}`,
    filter.values,
  );
  return withCounts(sql, rows);
}

export async function rolloutsById(sql: Sql, rolloutIds: readonly string[]): Promise<Rollout[]> {
  const rows = await sql.query<RolloutRow>(
    'select * from fleet_rollouts where rollout_id = any($1::text[]) order by rollout_id',
    [rolloutIds],
  );
  return withCounts(sql, rows);
}

export interface RolloutGatewayList {
  state?: RolloutGatewayState;
  limit: number;
  after?: string;
}

/** @throws FleetError `rollout-unknown` */
export async function showRollout(
  sql: Sql,
  rolloutId: string,
  { state, limit, after = '' }: RolloutGatewayList,
): Promise<RolloutDetail & { next?: string }> {
  const [rollout] = await rolloutsById(sql, [rolloutId]);
  if (!rollout) throw new FleetError({ code: 'rollout-unknown', message: `there is no rollout '${rolloutId}'` });
  const rows = await sql.query<{
    gateway_id: string;
    canary: boolean;
    moved_at: Date | null;
    state: RolloutGatewayState;
    reasons: KeyReason[] | null;
  }>(
    `select * from (
       select gateway_id, rg.canary, rg.moved_at, ${STATE_SQL} as state, ${REASONS_SQL} as reasons ${FROM_GATEWAYS}
       where r.rollout_id = $1 and gateway_id > $2) each
     where $3::text is null or state = $3 order by gateway_id limit ${limit + 1}`,
    [rolloutId, after, state ?? null],
  );
  const gateways = rows.slice(0, limit).map(({ gateway_id, canary, moved_at, state: its, reasons }) => ({
    gatewayId: gateway_id,
    canary,
    state: its,
    ...(moved_at && { movedAt: moved_at.toISOString() }),
    reasons: its === 'rejected' || its === 'rolled-back' ? (reasons ?? []) : [],
  }));
  const last = gateways.at(-1);
  return { ...rollout, gateways, ...(rows.length > limit && last && { next: last.gatewayId }) };
}

async function withCounts(sql: Sql, rows: readonly RolloutRow[]): Promise<Rollout[]> {
  const counted = await sql.query<{ rollout_id: string; state: RolloutGatewayState; count: number }>(
    `select r.rollout_id, ${STATE_SQL} as state, count(*)::int as count ${FROM_GATEWAYS}
     where r.rollout_id = any($1::text[]) group by 1, 2`,
    [rows.map(({ rollout_id }) => rollout_id)],
  );
  const standing = new Map(rows.map(({ rollout_id }) => [rollout_id, noneYet()]));
  for (const { rollout_id, state, count } of counted) {
    const counts = standing.get(rollout_id);
    if (counts) counts[FIELD[state]] += count;
  }
  const back = await wayBack(sql, rows);
  return rows.map((row) => rolloutOf(row, standing.get(row.rollout_id) ?? noneYet(), back.get(row.rollout_id)));
}

/** How the gateways stand that were given back what they had: of the last rollout of a profile, since later ones gave them something else. */
async function wayBack(sql: Sql, rows: readonly RolloutRow[]): Promise<Map<string, Standing>> {
  const ids = rows.flatMap(({ state, rollout_id }) => (state === 'rolled-back' ? [rollout_id] : []));
  const back = new Map<string, Standing>();
  if (ids.length === 0) return back;
  const counted = await sql.query<{ rollout_id: string; state: RolloutGatewayState; count: number }>(
    `select r.rollout_id, case g.config_state when 'none' then 'in-force' else g.config_state end as state,
       count(*)::int as count
     ${FROM_GATEWAYS}
     where r.rollout_id = any($1::text[]) and rg.moved_at is not null and not exists (
       select 1 from fleet_rollouts later where later.profile_id = r.profile_id and later.place > r.place)
     group by 1, 2`,
    [ids],
  );
  for (const { rollout_id, state, count } of counted) {
    const standing = back.get(rollout_id) ?? noneYet();
    standing[FIELD[state]] += count;
    back.set(rollout_id, standing);
  }
  return back;
}

function withoutWaiting(standing: Standing): Omit<RolloutCounts, 'waiting'> {
  const { waiting: _, ...back } = totalled(standing);
  return back;
}

function totalled({ contradicted, ...counts }: Standing) {
  const rejected = counts.rejected + contradicted;
  const total = Object.values(counts).reduce((sum, count) => sum + count, contradicted);
  return { total, ...counts, rejected };
}

function rolloutOf(row: RolloutRow, standing: Standing, back: Standing | undefined): Rollout {
  return {
    rolloutId: row.rollout_id,
    profileId: row.profile_id,
    ...(row.from_version === null ? {} : { fromVersion: row.from_version }),
    version: row.version,
    state: row.state,
    canaryPercent: row.canary_percent,
    canaryMinutes: row.canary_ms / 60_000,
    maxRejectedPercent: row.max_rejected_percent,
    maxAlertRateFactor: row.max_alert_rate_factor,
    author: row.author,
    reason: row.reason,
    createdAt: row.created_at.toISOString(),
    stateAt: row.state_at.toISOString(),
    ...(row.why === null ? {} : { why: row.why }),
    counts: totalled(standing),
    ...(back && { back: withoutWaiting(back) }),
  };
}
