/** Gateways as the fleet's pages and commands show them. Reads only. */
import type { DesiredConfig } from '../../protocols/fleet/desired-config.ts';
import type { KeyReason, ReportedConfig } from '../../protocols/fleet/reported-config.ts';
import type { Settings } from '../../protocols/fleet/settings.ts';
import type { GatewayStatus } from '../../protocols/uplink/gateway-status.ts';
import type { Sql } from '../store/store.ts';
import { desiredConfig } from './config-log.ts';
import { profilesOf } from './desired.ts';
import { FleetError } from './errors.ts';
import { readHistory } from './history.ts';
import type { Labels, Selector } from './labels.ts';
import { selectorSql } from './labels.ts';
import type { ConfigState, FleetGateway, FleetGatewayDetail } from './model.ts';
import { Conditions } from './sql-conditions.ts';

/** `behind`: has not yet what it should have. */
export const GATEWAY_FILTERS = ['online', 'offline', 'rejected', 'behind'] as const;
export type GatewayFilter = (typeof GATEWAY_FILTERS)[number];

export interface GatewayList {
  selector?: Selector;
  state?: GatewayFilter;
  /** A part of the id, in any case. */
  q?: string;
  limit: number;
  /** The id after which to go on. */
  after?: string;
}

const FILTERS: Readonly<Record<GatewayFilter, string>> = {
  online: 'online',
  offline: 'not online',
  rejected: "config_state in ('rejected', 'rolled-back')",
  behind: "config_state in ('pending', 'offline')",
};

interface Row extends Record<string, unknown> {
  gateway_id: string;
  online: boolean;
  heard_at: Date | null;
  labels: Labels;
  status: GatewayStatus | null;
  reported: ReportedConfig | null;
  in_force_version: number;
  desired_version: number | null;
  config_state: ConfigState;
  conflict: KeyReason[] | null;
}

interface DetailRow extends Row {
  own_labels: Labels;
  set_labels: Labels;
  reported_at: Date | null;
  desired_at: Date | null;
  settings: Settings | null;
}

const COLUMNS =
  'gateway_id, online, heard_at, labels, status, reported, in_force_version, desired_version, config_state, conflict';

/** In the order of their ids; `total` counts all that fit. */
export async function listGateways(
  sql: Sql,
  { selector = {}, state, q, limit, after }: GatewayList,
): Promise<{ gateways: FleetGateway[]; total: number; next?: string }> {
  const filter = new Conditions();
  filter.and(selectorSql(selector, filter.place));
  if (state !== undefined) filter.and(FILTERS[state]);
  if (q !== undefined) filter.and(`gateway_id ilike ${filter.place(`%${q.replace(/[\\%_]/g, '\\$&')}%`)}`);
  const [count] = await sql.query<{ total: number }>(
    `select count(*)::int as total from fleet_gateways ${filter.where}`,
    filter.values,
  );
  if (after !== undefined) filter.and(`gateway_id > ${filter.place(after)}`);
  const rows = await sql.query<Row>(
    `select ${COLUMNS} from fleet_gateways ${filter.where} order by gateway_id limit ${limit + 1}`,
    filter.values,
  );
  const gateways = rows.slice(0, limit).map(gatewayOf);
  const last = gateways.at(-1);
  return { gateways, total: count?.total ?? 0, ...(rows.length > limit && last && { next: last.gatewayId }) };
}

export async function gatewaysById(sql: Sql, gatewayIds: readonly string[]): Promise<FleetGateway[]> {
  if (gatewayIds.length === 0) return [];
  const rows = await sql.query<Row>(
    `select ${COLUMNS} from fleet_gateways where gateway_id = any($1::text[]) order by gateway_id`,
    [gatewayIds],
  );
  return rows.map(gatewayOf);
}

const HISTORY_SHOWN = 50;

/** @throws FleetError `gateway-unknown` */
export async function showGateway(sql: Sql, gatewayId: string): Promise<FleetGatewayDetail> {
  const [row] = await sql.query<DetailRow>(
    `select ${COLUMNS}, own_labels, set_labels, reported_at, desired_at, settings
     from fleet_gateways left join fleet_settings on hash = desired_hash where gateway_id = $1`,
    [gatewayId],
  );
  if (!row) throw new FleetError({ code: 'gateway-unknown', message: `no gateway '${gatewayId}' has been heard` });
  const desired = desiredOf(row);
  return {
    ...gatewayOf(row),
    ownLabels: row.own_labels,
    setLabels: row.set_labels,
    ...(desired && { desired }),
    ...(row.reported && { reported: row.reported }),
    ...(row.reported_at && { reportedAt: row.reported_at.toISOString() }),
    profiles: await profilesOf(sql, gatewayId, row.labels),
    history: await readHistory(sql, { subject: `gateway/${gatewayId}`, limit: HISTORY_SHOWN }),
  };
}

/** Which labels there are, and which values of each; not more than can be shown. */
export async function knownLabels(sql: Sql): Promise<Map<string, string[]>> {
  const rows = await sql.query<{ name: string; value: string }>(
    `select distinct key as name, value from fleet_gateways, jsonb_each_text(labels) order by key, value limit ${MAX_LABEL_VALUES}`,
  );
  const known = new Map<string, string[]>();
  for (const { name, value } of rows) known.set(name, [...(known.get(name) ?? []), value]);
  return known;
}

const MAX_LABEL_VALUES = 10_000;

function gatewayOf(row: Row): FleetGateway {
  const { status, reported } = row;
  const { software, clock, outbox, devices = [] } = status ?? {};
  const { last } = reported ?? {};
  const isLatest = last !== undefined && last.version === row.desired_version;
  return {
    gatewayId: row.gateway_id,
    online: row.online,
    ...(row.heard_at && { heardAt: row.heard_at.toISOString() }),
    ...(software !== undefined && { software }),
    labels: row.labels,
    ...(outbox && {
      lag: {
        alert: outbox.lanes.alert.pending,
        tracking: outbox.lanes.tracking.pending,
        telemetry: outbox.lanes.telemetry.pending,
      },
      outboxMode: outbox.mode,
    }),
    ...(clock && { clock }),
    devices,
    inForceVersion: row.in_force_version,
    desiredVersion: row.desired_version ?? 0,
    configState: row.config_state,
    trying: isLatest && last.state === 'trying',
    reasons: row.conflict ?? (isLatest ? last.reasons : []),
  };
}

function desiredOf({ gateway_id, desired_version, desired_at, settings }: DetailRow): DesiredConfig | undefined {
  if (desired_version === null || desired_at === null || settings === null) return undefined;
  return desiredConfig({ gateway_id, desired_version, desired_at, settings });
}
