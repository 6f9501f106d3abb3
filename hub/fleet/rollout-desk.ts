/** Rollouts: started, stopped, gone on with and taken back by hand; one step further by the hub (fleet-engine.ts). */
import type { Sql } from '../store/store.ts';
import { recompute } from './desired.ts';
import { FleetError } from './errors.ts';
import type { FleetStore, FleetWork } from './fleet-store.ts';
import { HUB, remember } from './history.ts';
import { type Selector, selectorSql } from './labels.ts';
import type { RolloutState } from './model.ts';
import { contradictionProblems } from './profile-checks.ts';
import { invalidProfile, readVersion } from './profile-desk.ts';
import { nextStep, WATCH_MS } from './rollout-machine.ts';
import { alertRates, freeze, type RolloutRow, rolloutRow, standings } from './rollout-rows.ts';
import { Conditions } from './sql-conditions.ts';

export interface RolloutStart {
  profileId: string;
  version: number;
  /** Of the gateways that it concerns; 0: all at once. */
  canaryPercent: number;
  canaryMinutes: number;
  maxRejectedPercent: number;
  maxAlertRateFactor: number;
  who: string;
  reason: string;
}

export interface RolloutOrder {
  rolloutId: string;
  who: string;
  reason: string;
}

const OPEN: readonly RolloutState[] = ['canary', 'rolling', 'stopped'];
/** Gateways moved in one step: between two steps a rollout can still be taken back. */
const WAVE = 5_000;

/** Gives its id. @throws FleetError `profile-unknown`, `profile-version-unknown`, `rollout-open`, `rollout-pointless`, `profile-invalid` */
export function startRollout(store: FleetStore, start: RolloutStart): Promise<string> {
  const { profileId, version, who, reason } = start;
  return store.change(async ({ sql, nowMs, tell }) => {
    const target = await readVersion(sql, profileId, version);
    const released = await refuseStart(sql, profileId, version);
    const problems = await contradictionProblems(sql, target, { newest: false });
    if (problems.length > 0) throw invalidProfile(profileId, problems);
    const before = await sql.query<{ rollout_id: string; frozen: boolean }>(
      'select rollout_id, frozen from fleet_rollouts where profile_id = $1',
      [profileId],
    );
    await freeze(
      sql,
      before.flatMap(({ rollout_id, frozen }) => (frozen ? [] : [rollout_id])),
    );
    const rolloutId = `${profileId}-v${version}-${before.length + 1}`;
    const at = new Date(nowMs).toISOString();
    await sql.query(
      `insert into fleet_rollouts (rollout_id, profile_id, from_version, version, state, canary_percent, canary_ms,
         max_rejected_percent, max_alert_rate_factor, author, reason, created_at, state_at)
       values ($1, $2, $3, $4, 'canary', $5, $6, $7, $8, $9, $10, $11::timestamptz, $11::timestamptz)`,
      [
        rolloutId,
        profileId,
        released,
        version,
        start.canaryPercent,
        Math.round(start.canaryMinutes * 60_000),
        start.maxRejectedPercent,
        start.maxAlertRateFactor,
        who,
        reason,
        at,
      ],
    );
    const from = released === null ? [] : [(await readVersion(sql, profileId, released)).selector];
    const { total, canaries } = await takeGateways(sql, rolloutId, start.canaryPercent, [target.selector, ...from]);
    if (canaries === 0)
      await sql.query(`update fleet_rollouts set state = 'rolling' where rollout_id = $1`, [rolloutId]);
    const { canaryPercent, canaryMinutes, maxRejectedPercent, maxAlertRateFactor } = start;
    const detail = {
      version,
      from: released,
      total,
      canaries,
      canaryPercent,
      canaryMinutes,
      maxRejectedPercent,
      maxAlertRateFactor,
    };
    await remember(sql, {
      atMs: nowMs,
      who,
      what: 'rollout-started',
      why: reason,
      ...subjectOf(rolloutId, profileId),
      detail,
    });
    tell({ kind: 'rollout', rolloutId });
    return rolloutId;
  });
}

/** Gives the version that gateways have now. */
async function refuseStart(sql: Sql, profileId: string, version: number): Promise<number | null> {
  const [open] = await sql.query<RolloutRow>(
    `select * from fleet_rollouts where profile_id = $1 and state = any($2::text[])`,
    [profileId, OPEN],
  );
  if (open) {
    const message = `rollout '${open.rollout_id}' of version ${open.version} is ${open.state}: wait until it is done, or roll it back first`;
    throw new FleetError({ code: 'rollout-open', message });
  }
  const [profile] = await sql.query<{ released: number | null }>(
    'select released from fleet_profiles where profile_id = $1',
    [profileId],
  );
  if (profile?.released === version) {
    const message = `version ${version} of profile '${profileId}' is rolled out already: save a change as a new version first`;
    throw new FleetError({ code: 'rollout-pointless', message });
  }
  return profile?.released ?? null;
}

/**
 * Every gateway that fits one of the selectors, in an order that the ids of rollout and gateway decide, those that are online first: so
 * canaries can answer, where any gateway can.
 */
async function takeGateways(
  sql: Sql,
  rolloutId: string,
  canaryPercent: number,
  selectors: readonly Selector[],
): Promise<{ total: number; canaries: number }> {
  const filter = new Conditions();
  const id = filter.place(rolloutId);
  const percent = filter.place(canaryPercent);
  const any = selectors.map((selector) => `(${selectorSql(selector, filter.place)})`).join(' or ');
  const [row] = await sql.query<{ total: number; canaries: number }>(
    `with chosen as (
       select gateway_id, row_number() over (order by online desc, md5(${id}::text || gateway_id), gateway_id) as place,
         count(*) over () as total
       from fleet_gateways where ${any}),
     taken as (
       insert into fleet_rollout_gateways (rollout_id, gateway_id, canary, place)
       select ${id}::text, gateway_id, place <= ceil(total * ${percent}::float8 / 100), place from chosen
       returning canary)
     select count(*)::int as total, (count(*) filter (where canary))::int as canaries from taken`,
    filter.values,
  );
  return row ?? { total: 0, canaries: 0 };
}

/** @throws FleetError `rollout-unknown`, `rollout-over` */
export function stopRollout(store: FleetStore, order: RolloutOrder): Promise<void> {
  return byHand(store, order, ['canary', 'rolling'], async (at, row) => {
    await at.sql.query('update fleet_rollouts set resume_state = state where rollout_id = $1', [row.rollout_id]);
    return 'stopped';
  });
}

/** @throws FleetError `rollout-unknown`, `rollout-over` */
export function resumeRollout(store: FleetStore, order: RolloutOrder): Promise<void> {
  return byHand(store, order, ['stopped'], async (_, row) => row.resume_state ?? 'rolling');
}

/** Also of one that is done, as long as no later one began. @throws FleetError `rollout-unknown`, `rollout-over` */
export function rollBack(store: FleetStore, order: RolloutOrder): Promise<void> {
  return byHand(store, order, ['canary', 'rolling', 'stopped', 'done'], async () => 'rolled-back');
}

function byHand(
  store: FleetStore,
  { rolloutId, who, reason }: RolloutOrder,
  from: readonly RolloutState[],
  decide: (at: FleetWork, row: RolloutRow) => Promise<RolloutState>,
): Promise<void> {
  return store.change(async (at) => {
    const row = await rolloutRow(at.sql, rolloutId);
    if (!from.includes(row.state) || row.frozen) throw over(row);
    await enter(at, row, { state: await decide(at, row), who, why: reason });
  });
}

function over({ rollout_id, state, frozen }: RolloutRow): FleetError {
  const later = frozen && state === 'done' ? ', and a later one took its place' : '';
  const message = `rollout '${rollout_id}' is ${state}${later}: that cannot be done with it any more`;
  return new FleetError({ code: 'rollout-over', message });
}

/** The rollouts that may have a next step. */
export async function rolloutsAtWork(sql: Sql, nowMs: number): Promise<string[]> {
  const rows = await sql.query<{ rollout_id: string }>(
    `select rollout_id from fleet_rollouts
     where not frozen and (state in ('canary', 'rolling') or (state = 'done' and state_at > $1::timestamptz))
     order by place`,
    [new Date(nowMs - WATCH_MS).toISOString()],
  );
  return rows.map(({ rollout_id }) => rollout_id);
}

/** Under the fleet's lock. False when there is nothing to do at this moment. */
export async function stepRollout(at: FleetWork, rolloutId: string): Promise<boolean> {
  const { sql, nowMs, tell } = at;
  const row = await rolloutRow(sql, rolloutId);
  const step = nextStep(
    {
      state: row.state,
      stateAtMs: row.state_at.getTime(),
      canaryMs: row.canary_ms,
      maxRejectedPercent: row.max_rejected_percent,
      maxAlertRateFactor: row.max_alert_rate_factor,
      ...(await standings(sql, rolloutId)),
      alerts: await alertRates(sql, row, nowMs),
    },
    nowMs,
  );
  if (step.kind === 'wait') return false;
  if (step.kind === 'to') await enter(at, row, { state: step.state, who: HUB, why: step.why });
  else {
    const moved = await sql.query<{ gateway_id: string }>(
      `update fleet_rollout_gateways set moved_at = $2::timestamptz
       where rollout_id = $1 and gateway_id in (
         select gateway_id from fleet_rollout_gateways
         where rollout_id = $1 and moved_at is null and (canary or $3) order by place limit ${WAVE})
       returning gateway_id`,
      [rolloutId, new Date(nowMs).toISOString(), step.which === 'all'],
    );
    const ids = moved.map(({ gateway_id }) => gateway_id);
    await recompute(sql, ids, nowMs);
    for (const gatewayId of ids) tell({ kind: 'gateway', gatewayId });
    tell({ kind: 'rollout', rolloutId });
  }
  return true;
}

async function enter(
  { sql, nowMs, tell }: FleetWork,
  row: RolloutRow,
  { state, who, why }: { state: RolloutState; who: string; why: string },
): Promise<void> {
  const { rollout_id: rolloutId, profile_id: profileId } = row;
  const { all } = await standings(sql, rolloutId);
  if (state === 'rolled-back') await freeze(sql, [rolloutId]);
  await sql.query(`update fleet_rollouts set state = $2, why = $3, state_at = $4::timestamptz where rollout_id = $1`, [
    rolloutId,
    state,
    why,
    new Date(nowMs).toISOString(),
  ]);
  if (state === 'done') await release(sql, profileId, row.version);
  if (state === 'rolled-back') await release(sql, profileId, row.from_version);
  if (state === 'done' || state === 'rolled-back') await markConcerned(sql, row, state);
  const what = `rollout-${row.state === 'stopped' && state !== 'rolled-back' ? 'resumed' : state}`;
  const detail = { version: row.version, from: row.from_version, counts: all };
  await remember(sql, { atMs: nowMs, who, what, why, ...subjectOf(rolloutId, profileId), detail });
  tell({ kind: 'rollout', rolloutId });
}

async function release(sql: Sql, profileId: string, version: number | null): Promise<void> {
  await sql.query('update fleet_profiles set released = $2 where profile_id = $1', [profileId, version]);
}

/** What is desired has to be put together anew for who has come since, and where it is taken back for those that were moved. */
async function markConcerned(sql: Sql, row: RolloutRow, state: 'done' | 'rolled-back'): Promise<void> {
  const versions = [row.version, ...(row.from_version === null ? [] : [row.from_version])];
  const filter = new Conditions();
  const any: string[] = [];
  for (const version of versions) {
    const { selector } = await readVersion(sql, row.profile_id, version);
    any.push(`(${selectorSql(selector, filter.place)})`);
  }
  const id = filter.place(row.rollout_id);
  const wasMoved = `gateway_id in (
    select gateway_id from fleet_rollout_gateways where rollout_id = ${id} and moved_at is not null)`;
  const fits = `(${any.join(' or ')})`;
  const concerned = state === 'done' ? `${fits} and not ${wasMoved}` : `(${fits} or ${wasMoved})`;
  // In the order in which everybody locks gateways.
  await sql.query(
    `with concerned as (
       select gateway_id from fleet_gateways where not dirty and ${concerned} order by gateway_id for update)
     update fleet_gateways set dirty = true where gateway_id in (select gateway_id from concerned)`,
    filter.values,
  );
}

function subjectOf(rolloutId: string, profileId: string) {
  return { subject: `rollout/${rolloutId}`, also: `profile/${profileId}` };
}
