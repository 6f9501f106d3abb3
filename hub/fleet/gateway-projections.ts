/**
 * What gateways say → fleet_gateways: statuses (topic `gateway-status`) and reports on their configuration (`gateway-reports`).
 *
 * The log's order decides what is newest. A status that says nothing new is written at most every `QUIET_MS`. A gateway whose report or return
 * shows that it has not looked at what it should have by now is sent it again: its broker may have lost the retained message.
 */
import { parseReportedConfig } from '../../protocols/fleet/parse-config.ts';
import type { ReportedConfig } from '../../protocols/fleet/reported-config.ts';
import { type GatewayStatus, parseGatewayStatus } from '../../protocols/uplink/gateway-status.ts';
import { GATEWAY_ID } from '../../protocols/uplink/identity.ts';
import { TOPICS } from '../log/event-log.ts';
import type { Sql } from '../store/store.ts';
import type { Change } from '../tracking/changes.ts';
import type { Projection } from '../tracking/projector.ts';
import { cleanLabels } from './labels.ts';

export interface Heard<T> {
  value: T;
  /** Milliseconds since 1970, a hub's clock. */
  heardMs: number;
}

/** Statuses repeat every 15 s; those of several hub processes that hear the same one are one. */
const QUIET_MS = 10_000;
/** A gateway has this long to look at what was published before it is published again. */
const AGAIN_MS = 10_000;

export const statusProjection: Projection<Heard<GatewayStatus>> = {
  name: 'milepost-fleet-status',
  topic: TOPICS.gatewayStatus,
  parse(bytes, { timestampMs }) {
    const value = bytes && parseGatewayStatus(bytes.toString('utf8'));
    if (!value || !GATEWAY_ID.test(value.gatewayId)) return { fault: 'no status of a gateway' };
    return { value: { value, heardMs: timestampMs } };
  },
  apply: applyStatuses,
};

export const reportProjection: Projection<Heard<ReportedConfig>> = {
  name: 'milepost-fleet-reports',
  topic: TOPICS.gatewayReports,
  parse(bytes, { timestampMs }) {
    const parsed = parseReportedConfig(bytes ?? Buffer.alloc(0));
    if (parsed.error !== undefined) return { fault: parsed.error.message };
    return { value: { value: parsed.value, heardMs: timestampMs } };
  },
  apply: applyReports,
};

async function applyStatuses(sql: Sql, heard: readonly Heard<GatewayStatus>[]): Promise<Change[]> {
  const newest = await completed(sql, newestOf(heard));
  const rows = await sql.query<{ gateway_id: string }>(
    `insert into fleet_gateways as g (gateway_id, own_labels, labels, online, heard_at, status, status_key)
     select id, own::jsonb, own::jsonb || jsonb_build_object('gateway', id), online, heard, status::json, key
     from unnest($1::text[], $2::text[], $3::boolean[], $4::timestamptz[], $5::text[], $6::text[])
       n (id, own, online, heard, status, key)
     order by id
     on conflict (gateway_id) do update set
       own_labels = excluded.own_labels,
       labels = excluded.own_labels || g.set_labels || jsonb_build_object('gateway', g.gateway_id),
       online = excluded.online,
       -- Who stays away is not heard by being told of again.
       heard_at = case when excluded.online or g.online or g.heard_at is null then excluded.heard_at else g.heard_at end,
       status = excluded.status,
       status_key = excluded.status_key,
       dirty = g.dirty or g.own_labels <> excluded.own_labels,
       published_version = case when excluded.online and not g.online and ${missed('excluded.heard_at')}
         then 0 else g.published_version end
     where g.status_key <> excluded.status_key
        or g.heard_at is null
        or g.heard_at < excluded.heard_at - interval '${QUIET_MS} milliseconds'
     returning gateway_id`,
    [
      newest.map(({ value }) => value.gatewayId),
      newest.map(({ value }) => JSON.stringify(cleanLabels(value.labels))),
      newest.map(({ value }) => value.online),
      newest.map(({ heardMs }) => new Date(heardMs).toISOString()),
      newest.map(({ value }) => JSON.stringify(value)),
      newest.map(({ value }) => statusKey(value)),
    ],
  );
  return rows.map(({ gateway_id: gatewayId }) => ({ kind: 'gateway', gatewayId }));
}

async function applyReports(sql: Sql, heard: readonly Heard<ReportedConfig>[]): Promise<Change[]> {
  const newest = newestOf(heard);
  await sql.query(
    `insert into fleet_gateways as g (gateway_id, labels, reported, reported_at, in_force_version, in_force_hash, looked_version, looked_state)
     select id, jsonb_build_object('gateway', id), reported::json, heard, in_force, hash, looked, state
     from unnest($1::text[], $2::text[], $3::timestamptz[], $4::bigint[], $5::text[], $6::bigint[], $7::text[])
       n (id, reported, heard, in_force, hash, looked, state)
     order by id
     on conflict (gateway_id) do update set
       reported = excluded.reported,
       reported_at = excluded.reported_at,
       in_force_version = excluded.in_force_version,
       in_force_hash = excluded.in_force_hash,
       looked_version = excluded.looked_version,
       looked_state = excluded.looked_state,
       published_version = case when excluded.looked_version < g.desired_version
         and g.published_at < excluded.reported_at - interval '${AGAIN_MS} milliseconds'
         then 0 else g.published_version end`,
    [
      newest.map(({ value }) => value.gatewayId),
      newest.map(({ value }) => JSON.stringify(value)),
      newest.map(({ heardMs }) => new Date(heardMs).toISOString()),
      newest.map(({ value }) => value.inForce.version),
      newest.map(({ value }) => value.inForce.hash),
      newest.map(({ value }) => Math.max(value.inForce.version, value.last?.version ?? 0)),
      newest.map(({ value }) => value.last?.state ?? null),
    ],
  );
  return newest.map(({ value }) => ({ kind: 'gateway', gatewayId: value.gatewayId }));
}

/** A published version that was never looked at. */
function missed(nowSql: string): string {
  return `g.looked_version < g.desired_version and g.published_at < ${nowSql} - interval '${AGAIN_MS} milliseconds'`;
}

function newestOf<T extends { gatewayId: string }>(heard: readonly Heard<T>[]): Heard<T>[] {
  return [...new Map(heard.map((each) => [each.value.gatewayId, each])).values()];
}

/** The will says only that it is gone: what was known before stays worth knowing. */
async function completed(sql: Sql, heard: readonly Heard<GatewayStatus>[]): Promise<Heard<GatewayStatus>[]> {
  const bare = heard.filter(({ value }) => value.software === undefined).map(({ value }) => value.gatewayId);
  if (bare.length === 0) return [...heard];
  const rows = await sql.query<{ gateway_id: string; status: string }>(
    `select gateway_id, status::text as status from fleet_gateways
     where gateway_id = any($1::text[]) and status is not null`,
    [bare],
  );
  const before = new Map(rows.map((row) => [row.gateway_id, JSON.parse(row.status) as GatewayStatus]));
  return heard.map((each) => ({ ...each, value: { ...before.get(each.value.gatewayId), ...each.value } }));
}

/** All but what changes with every status. */
function statusKey({ online, software, bootId, labels, clock, outbox, devices = [] }: GatewayStatus): string {
  const health = devices.map(({ id, state, code }) => `${id} ${state} ${code}`);
  return JSON.stringify([online, software, bootId, labels, clock?.state, outbox?.mode, health]);
}
