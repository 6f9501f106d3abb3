/** `alerts` → the table alerts: one row per alert, whatever the order in which its raise and its clear arrive. */
import type { AlertMessage } from '../../protocols/uplink/tracking-event.ts';
import { TOPICS } from '../log/event-log.ts';
import type { Sql } from '../store/store.ts';
import { type AlertPhases, alertOf, mergeAlert } from './alert-state.ts';
import type { Change } from './changes.ts';
import { parseAlert } from './parse.ts';
import type { Projection } from './projector.ts';

export const alertProjection: Projection<AlertMessage> = {
  name: 'milepost-alerts',
  topic: TOPICS.alerts,
  parse: parseAlert,
  apply,
};

async function apply(sql: Sql, messages: readonly AlertMessage[]): Promise<Change[]> {
  const alertIds = [...new Set(messages.map((message) => message.alertId))].sort();
  const before = await readPhases(sql, alertIds);
  const after = new Map(before);
  for (const message of messages) {
    after.set(message.alertId, mergeAlert(after.get(message.alertId) ?? {}, message));
  }
  const changed = alertIds.filter((alertId) => after.get(alertId) !== before.get(alertId));
  for (const alertId of changed) await save(sql, alertId, after.get(alertId) ?? {});
  return changed.map((alertId) => ({ kind: 'alert', alertId }));
}

async function readPhases(sql: Sql, alertIds: readonly string[]): Promise<Map<string, AlertPhases>> {
  const rows = await sql.query<{ alert_id: string; phases: string }>(
    `select alert_id, phases::text as phases from alerts where alert_id = any($1::text[]) order by alert_id for update`,
    [alertIds],
  );
  return new Map(rows.map((row) => [row.alert_id, JSON.parse(row.phases) as AlertPhases]));
}

async function save(sql: Sql, alertId: string, phases: AlertPhases): Promise<void> {
  const alert = alertOf(phases);
  if (!alert) return;
  await sql.query(
    `insert into alerts (alert_id, state, severity, gateway_id, facility_id, vehicle_id, read_point, began_at, ended_at, phases)
     values ($1, $2, $3, $4, $5, $6, $7, $8::timestamptz, $9::timestamptz, $10::json)
     on conflict (alert_id) do update set state = excluded.state, severity = excluded.severity,
       gateway_id = excluded.gateway_id, facility_id = excluded.facility_id, vehicle_id = excluded.vehicle_id,
       read_point = excluded.read_point,
       began_at = excluded.began_at, ended_at = excluded.ended_at, phases = excluded.phases`,
    [
      alertId,
      alert.state,
      alert.severity,
      alert.gatewayId,
      alert.location.facilityId ?? null,
      alert.location.vehicleId ?? null,
      alert.location.readPoint ?? null,
      alert.raisedAt ?? alert.endedAt ?? null,
      alert.endedAt ?? null,
      JSON.stringify(phases),
    ],
  );
}
