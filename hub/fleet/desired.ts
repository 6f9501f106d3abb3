/**
 * What each gateway shall have: the union over the profiles that hold for it and whose selector fits its labels.
 *
 * Of a profile a gateway shall have the version that an open rollout has moved it to, otherwise the released one. Its desired version grows by one
 * when its settings change, and only then. Where profiles contradict each other on a gateway, it keeps what it had, and says so.
 *
 * Everything that decides what is desired happens under one lock (`lockFleet`), whichever process does it.
 */
import { settingsHash } from '../../protocols/fleet/canonical.ts';
import { NO_SETTINGS } from '../../protocols/fleet/check-settings.ts';
import type { KeyReason } from '../../protocols/fleet/reported-config.ts';
import type { Settings } from '../../protocols/fleet/settings.ts';
import type { Sql } from '../store/store.ts';
import { compose, type Part } from './compose.ts';
import { type Labels, matches, type Selector } from './labels.ts';
import type { GatewayProfile } from './model.ts';

/** Any number that nothing else locks. */
const ADVISORY_LOCK = 7_226_501_894;

/** Until the transaction ends nobody else decides what is desired. */
export async function lockFleet(sql: Sql): Promise<void> {
  await sql.query('select pg_advisory_xact_lock($1)', [ADVISORY_LOCK]);
}

/** False when another process decides at this moment. */
export async function tryLockFleet(sql: Sql): Promise<boolean> {
  const [row] = await sql.query<{ locked: boolean }>('select pg_try_advisory_xact_lock($1) as locked', [ADVISORY_LOCK]);
  return row?.locked ?? false;
}

/** A version of a profile that gateways have, or are being moved to. */
export interface Candidate extends Part {
  name: string;
  selector: Selector;
  isReleased: boolean;
}

/** Of open rollouts and released. */
export async function candidates(sql: Sql): Promise<Candidate[]> {
  const rows = await sql.query<{
    profile_id: string;
    version: number;
    name: string;
    selector: Selector;
    settings: Settings;
    is_released: boolean;
  }>(
    `select v.profile_id, v.version, v.name, v.selector, v.settings, (v.version = p.released) is true as is_released
     from fleet_profiles p join fleet_profile_versions v using (profile_id)
     where v.version = p.released or exists (
       select 1 from fleet_rollouts r
       where r.profile_id = v.profile_id and r.version = v.version and r.state in ('canary', 'rolling', 'stopped'))
     order by v.profile_id, v.version`,
  );
  return rows.map(({ profile_id, is_released, ...row }) => ({
    ...row,
    profileId: profile_id,
    isReleased: is_released,
  }));
}

interface GatewayRow extends Record<string, unknown> {
  gateway_id: string;
  labels: Labels;
  desired_version: number | null;
  desired_hash: string | null;
  looked_version: number;
  has_conflict: boolean;
}

/** Puts together anew what these gateways shall have. Under the fleet's lock. Gives those for which it changed. */
export async function recompute(sql: Sql, gatewayIds: readonly string[], nowMs: number): Promise<string[]> {
  if (gatewayIds.length === 0) return [];
  const gateways = await sql.query<GatewayRow>(
    `select gateway_id, labels, desired_version, desired_hash, looked_version, conflict is not null as has_conflict
     from fleet_gateways where gateway_id = any($1::text[]) order by gateway_id for update`,
    [gatewayIds],
  );
  const all = await candidates(sql);
  const moved = await movedTo(sql, gatewayIds);
  // Many gateways, few combinations of profiles.
  const combinations = new Map<string, Combination>();
  const changes: Change[] = [];
  for (const gateway of gateways) {
    const parts = partsOf(gateway.labels, all, moved.get(gateway.gateway_id));
    if (parts.length === 0 && gateway.desired_version === null) continue;
    const name = parts.map(({ profileId, version }) => `${profileId}@${version}`).join();
    const combination = combinations.get(name) ?? combine(parts);
    combinations.set(name, combination);
    const change = changeOf(gateway, combination);
    if (change) changes.push(change);
  }
  await keepSettings(sql, [...combinations.values()]);
  await keepDesired(sql, changes, nowMs);
  await sql.query('update fleet_gateways set dirty = false where dirty and gateway_id = any($1::text[])', [gatewayIds]);
  return changes.map(({ gatewayId }) => gatewayId);
}

/** The gateways whose desired settings have to be put together anew, at most `limit`. */
export async function dirtyGateways(sql: Sql, limit: number): Promise<string[]> {
  const rows = await sql.query<{ gateway_id: string }>(
    `select gateway_id from fleet_gateways where dirty order by gateway_id limit ${limit}`,
  );
  return rows.map(({ gateway_id }) => gateway_id);
}

/** The profiles that hold for a gateway. */
export async function profilesOf(sql: Sql, gatewayId: string, labels: Labels): Promise<GatewayProfile[]> {
  const moved = await movedTo(sql, [gatewayId]);
  return partsOf(labels, await candidates(sql), moved.get(gatewayId)).map(({ profileId, name, version }) => ({
    profileId,
    name,
    version,
  }));
}

/** Of each gateway the versions that open rollouts have moved it to: profile → version. */
async function movedTo(sql: Sql, gatewayIds: readonly string[]): Promise<Map<string, Map<string, number>>> {
  const rows = await sql.query<{ gateway_id: string; profile_id: string; version: number }>(
    `select g.gateway_id, r.profile_id, r.version
     from fleet_rollouts r join fleet_rollout_gateways g using (rollout_id)
     where r.state in ('canary', 'rolling', 'stopped') and g.moved_at is not null and g.gateway_id = any($1::text[])`,
    [gatewayIds],
  );
  const moved = new Map<string, Map<string, number>>();
  for (const { gateway_id, profile_id, version } of rows) {
    const versions = moved.get(gateway_id) ?? new Map<string, number>();
    moved.set(gateway_id, versions.set(profile_id, version));
  }
  return moved;
}

export function partsOf(
  labels: Labels,
  all: readonly Candidate[],
  moved: ReadonlyMap<string, number> = new Map(),
): Candidate[] {
  return all.filter((candidate) => {
    const target = moved.get(candidate.profileId);
    const isIts = target === undefined ? candidate.isReleased : candidate.version === target;
    return isIts && matches(candidate.selector, labels);
  });
}

type Combination = { hash: string; settings: Settings } | { conflict: KeyReason[] };

function combine(parts: readonly Part[]): Combination {
  const made = parts.length === 0 ? { settings: NO_SETTINGS } : compose(parts);
  return 'conflict' in made ? made : { hash: settingsHash(made.settings), settings: made.settings };
}

interface Change {
  gatewayId: string;
  version: number | null;
  hash: string | null;
  conflict: string | null;
}

function changeOf(gateway: GatewayRow, combination: Combination): Change | undefined {
  const { gateway_id: gatewayId, desired_version, desired_hash, looked_version } = gateway;
  if ('conflict' in combination) {
    return { gatewayId, version: desired_version, hash: desired_hash, conflict: JSON.stringify(combination.conflict) };
  }
  const { hash } = combination;
  if (hash === desired_hash) {
    return gateway.has_conflict ? { gatewayId, version: desired_version, hash, conflict: null } : undefined;
  }
  // A gateway that has seen higher versions (of a hub whose store was lost) takes only what is higher still.
  return { gatewayId, version: Math.max(desired_version ?? 0, looked_version) + 1, hash, conflict: null };
}

async function keepSettings(sql: Sql, combinations: readonly Combination[]): Promise<void> {
  const made = combinations.flatMap((each) => ('hash' in each ? [each] : []));
  if (made.length === 0) return;
  await sql.query(
    `insert into fleet_settings (hash, settings)
     select hash, settings::json from unnest($1::text[], $2::text[]) n (hash, settings) on conflict do nothing`,
    [made.map(({ hash }) => hash), made.map(({ settings }) => JSON.stringify(settings))],
  );
}

async function keepDesired(sql: Sql, changes: readonly Change[], nowMs: number): Promise<void> {
  if (changes.length === 0) return;
  await sql.query(
    `update fleet_gateways g set
       desired_at = case when g.desired_version is distinct from n.version then $5::timestamptz else g.desired_at end,
       desired_version = n.version, desired_hash = n.hash, conflict = n.conflict::json
     from unnest($1::text[], $2::bigint[], $3::text[], $4::text[]) n (gateway_id, version, hash, conflict)
     where g.gateway_id = n.gateway_id`,
    [
      changes.map(({ gatewayId }) => gatewayId),
      changes.map(({ version }) => version),
      changes.map(({ hash }) => hash),
      changes.map(({ conflict }) => conflict),
      new Date(nowMs).toISOString(),
    ],
  );
}
