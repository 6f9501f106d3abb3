/**
 * A hub with a fleet, for looking at the console and for its test: 200 gateways on vans and in depots, days of stored telemetry, a failed
 * cooler. Everything is the hub's own; only the gateways are played: they answer to what they shall have as gateways do.
 */
import { systemClock } from '../../../cli/system-clock.ts';
import { openAlerting } from '../../../hub/alerts/alerting.ts';
import { withIncidents } from '../../../hub/alerts/incident-projection.ts';
import { alertMigrations } from '../../../hub/alerts/migrations.ts';
import { createApi } from '../../../hub/api/app.ts';
import { Fleet } from '../../../hub/fleet/fleet.ts';
import { runFleet } from '../../../hub/fleet/fleet-engine.ts';
import { fleetMigrations } from '../../../hub/fleet/migrations.ts';
import type { LogRecord } from '../../../hub/log/event-log.ts';
import { openPglite } from '../../../hub/store/pglite.ts';
import { timeSeriesMigrations } from '../../../hub/timeseries/sql/migrations.ts';
import { SqlTimeSeries } from '../../../hub/timeseries/sql/sql-time-series.ts';
import { alertProjection } from '../../../hub/tracking/alert-projection.ts';
import { Changes } from '../../../hub/tracking/changes.ts';
import { trackingMigrations } from '../../../hub/tracking/migrations.ts';
import { sampleAlert } from '../../../hub/tracking/sample-event.ts';
import { silentLog } from '../../../protocols/base/log.ts';
import { PlayedGateways } from './gateways.ts';
import { telemetryOf } from './telemetry.ts';

export interface SampleFleet {
  url: string;
  gateways: PlayedGateways;
  fleet: Fleet;
  close(): Promise<void>;
}

const RETRY_MS = 86_400_000;
const MINUTE = 60_000;
/** Its cooler fails. */
export const FAILING = 'van-007';

export async function startSampleFleet({ port = 0, count = 200 } = {}): Promise<SampleFleet> {
  const store = await openPglite({
    migrations: [...trackingMigrations, ...timeSeriesMigrations, ...fleetMigrations, ...alertMigrations],
  });
  await store.migrate();
  const clock = systemClock();
  const changes = new Changes();
  const timeSeries = new SqlTimeSeries(store);
  const fleet = new Fleet({ store, clock, changes });
  const gateways = new PlayedGateways({ store, changes, count });
  const nowMs = clock.wall().wallMs;
  await gateways.connect(nowMs);
  await timeSeries.write(telemetryOf({ gateways: gateways.ids.slice(4, 10), failing: FAILING, nowMs }));
  const alerts = withIncidents(alertProjection, { clock, retryForMs: RETRY_MS });
  await store.transaction((sql) => alerts.apply(sql, failedCooler(nowMs)));
  const eventLog = {
    append: async (records: readonly LogRecord[]) => gateways.configure(records),
  };
  const engine = runFleet({ store, eventLog, clock, log: silentLog, changes, heard: changes });
  const config = { retryFor: RETRY_MS, webhooks: { allow: ['127.0.0.0/8'], timeout: 2000 } };
  const app = await createApi({
    store,
    timeSeries,
    changes,
    clock,
    log: silentLog,
    roles: ['api'],
    health: { store: () => store.healthy() },
    metrics: async () => '# no metrics\n',
    fleet,
    alerting: openAlerting({ config, store, clock, changes }),
  });
  const url = await app.listen({ host: '127.0.0.1', port });
  return {
    url,
    gateways,
    fleet,
    async close() {
      await app.close();
      await engine.stop();
      await gateways.settled();
      await store.close();
    },
  };
}

/** One van, three sensors and rules: one incident. */
function failedCooler(nowMs: number) {
  const alert = (sequence: number, minutes: number, deviceId: string, more: object = {}) =>
    sampleAlert({
      sequence,
      alertId: `cooler-${deviceId}`,
      gatewayId: FAILING,
      deviceId,
      location: { vehicleId: FAILING.toUpperCase() },
      ruleId: 'too-warm',
      value: 8.4,
      limit: 8,
      message: `Temperature at ${deviceId} is 8.4 °C, above the limit of 8 °C for at least 60 s`,
      occurredAt: new Date(nowMs - minutes * MINUTE).toISOString(),
      ...readingsAround(nowMs - minutes * MINUTE),
      ...more,
    });
  return [
    alert(1, 34, 'cooler-1'),
    alert(2, 31, 'cooler-2'),
    alert(3, 22, 'cooler-1-rate', { severity: 'warning', ruleId: 'warms-fast', value: 1.6, limit: 1 }),
    sampleAlert({
      sequence: 4,
      alertId: 'door-1',
      gatewayId: 'van-012',
      deviceId: 'door-1',
      location: { vehicleId: 'VAN-012' },
      ruleId: 'door-open',
      severity: 'warning',
      quantity: 'open',
      value: 1,
      limit: 0,
      message: 'door-1 has been open for 340 s',
      occurredAt: new Date(nowMs - 9 * MINUTE).toISOString(),
    }),
    sampleAlert({
      sequence: 5,
      alertId: 'shock-1',
      gatewayId: 'depot-190',
      deviceId: 'shock-1',
      location: { facilityId: 'DEPOT-190', readPoint: 'sorter-1' },
      ruleId: 'impact',
      severity: 'warning',
      quantity: 'peakG',
      value: 6.2,
      limit: 5,
      message: 'shock-1 had an impact of 6.2 g',
      occurredAt: new Date(nowMs - 200 * MINUTE).toISOString(),
    }),
    sampleAlert({
      sequence: 6,
      alertId: 'shock-1',
      gatewayId: 'depot-190',
      deviceId: 'shock-1',
      phase: 'cleared',
      location: { facilityId: 'DEPOT-190', readPoint: 'sorter-1' },
      ruleId: 'impact',
      severity: 'warning',
      quantity: 'peakG',
      value: 0,
      limit: 5,
      message: 'the impact on shock-1 is over',
      occurredAt: new Date(nowMs - 199 * MINUTE).toISOString(),
    }),
  ];
}

function readingsAround(atMs: number) {
  const context = Array.from({ length: 16 }, (_, index) => ({
    atMs: atMs - (15 - index) * MINUTE,
    value: index === 15 ? 8.4 : Math.round((5.2 + index * 0.2 + Math.sin(index) * 0.15) * 100) / 100,
  }));
  return { context };
}
