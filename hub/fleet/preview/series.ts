/** One sensor of a gateway as a curve, with the limits that are drawn into it. */
import type { Settings } from '../../../protocols/fleet/settings.ts';
import { matchesDevice } from '../../../protocols/rules/engine.ts';
import { payloadsWith } from '../../../protocols/rules/kinds/payloads-with.ts';
import type { Rule } from '../../../protocols/rules/rule.ts';
import type { AlertSeverity } from '../../../protocols/uplink/model.ts';
import type { Sql } from '../../store/store.ts';
import { thin } from '../../timeseries/thin.ts';
import type { Curve, CurveQuery, TimeSeries } from '../../timeseries/time-series.ts';
import type { FleetGatewayDetail } from '../model.ts';

export interface SeriesQuery {
  gatewayId: string;
  device: string;
  /** One of QUANTITIES. */
  quantity: string;
  fromMs: number;
  toMs: number;
  maxPoints: number;
}

export interface Band {
  ruleId: string;
  low?: number;
  high?: number;
  severity: AlertSeverity;
  /** False: desired, and not in force on the gateway. */
  inForce: boolean;
}

/** Flags are not thinned by a server: so many of them are read. */
const MAX_FLAGS = 20_000;

/** At most `maxPoints`, ascending by time; of each slice of time the lowest and the highest, so that no spike is lost. */
export async function seriesOf(
  timeSeries: Pick<TimeSeries, 'curves' | 'scan'>,
  { gatewayId, device, quantity, ...range }: SeriesQuery,
): Promise<{ at: string; value: number }[]> {
  const points: Curve['points'] = [];
  for (const measurement of payloadsWith(quantity)) {
    const query: CurveQuery = { measurement, fields: [quantity], tags: { gateway: gatewayId, device }, ...range };
    // One curve for each place where the device was.
    if (quantity === 'open') points.push(...(await flagsOf(timeSeries, query)));
    else points.push(...(await timeSeries.curves(query)).flatMap((curve) => curve.points));
  }
  points.sort((a, b) => a.atMs - b.atMs);
  const shown = thin(points, { measurement: '', fields: [quantity], tags: {}, ...range });
  return shown.map(({ atMs, values: [value = 0] }) => ({ at: new Date(atMs).toISOString(), value }));
}

async function flagsOf(timeSeries: Pick<TimeSeries, 'scan'>, query: CurveQuery): Promise<Curve['points']> {
  const points: Curve['points'] = [];
  const { maxPoints: _, ...rest } = query;
  const tags = { gateway: '', ...query.tags };
  for await (const page of timeSeries.scan({ ...rest, tags, pageSize: 5_000 })) {
    for (const { atMs, values } of page) points.push({ atMs, values: [values[0] ?? 0] });
    if (points.length >= MAX_FLAGS) break;
  }
  return points;
}

/** What the hub gave the gateway and it has in force; its own file's rules are not known here. */
export async function rulesInForce(sql: Sql, gatewayId: string): Promise<Rule[]> {
  const [row] = await sql.query<{ settings: Settings }>(
    'select settings from fleet_gateways join fleet_settings on hash = in_force_hash where gateway_id = $1',
    [gatewayId],
  );
  return row?.settings.rules ?? [];
}

/** Limits of what is in force, and of what is desired where that is something else. */
export function bandsOf(
  { desired, reported, configState }: Pick<FleetGatewayDetail, 'desired' | 'reported' | 'configState'>,
  { device, quantity, inForce }: Pick<SeriesQuery, 'device' | 'quantity'> & { inForce: readonly Rule[] },
): Band[] {
  const zone = reported?.devices.find(({ id }) => id === device)?.zone;
  const fitting = (rules: readonly Rule[], isInForce: boolean) =>
    rules.flatMap((rule): Band[] => {
      if (!('target' in rule) || rule.target.quantity !== quantity) return [];
      if (!matchesDevice(rule.target.device, device, zone)) return [];
      const limits = limitsOf(rule);
      return limits ? [{ ruleId: rule.id, ...limits, severity: rule.severity, inForce: isInForce }] : [];
    });
  const coming = configState === 'in-force' ? [] : (desired?.settings.rules ?? []);
  return [...fitting(inForce, true), ...fitting(coming, false)];
}

function limitsOf(rule: Rule): { low?: number; high?: number } | undefined {
  if (rule.kind === 'mean-kinetic-temperature') return { high: rule.maxCelsius };
  if (rule.kind !== 'limit' && rule.kind !== 'excursion-time') return undefined;
  const { low, high } = rule;
  return { ...(low === undefined ? {} : { low }), ...(high === undefined ? {} : { high }) };
}
