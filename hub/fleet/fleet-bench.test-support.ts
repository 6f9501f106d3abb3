/** What the parts of the fleet's contract share: a fleet over a store of its own, gateways that report, and someone who saves and rolls out. */
import { afterAll, beforeAll, beforeEach } from 'vitest';
import { ManualClock } from '../../protocols/base/manual-clock.ts';
import type { ReportedConfig } from '../../protocols/fleet/reported-config.ts';
import type { GatewayStatus } from '../../protocols/uplink/gateway-status.ts';
import type { EventLog, LogRecord } from '../log/event-log.ts';
import type { Store } from '../store/store.ts';
import { type Change, Changes } from '../tracking/changes.ts';
import type { FleetError } from './errors.ts';
import { Fleet } from './fleet.ts';
import { tickFleet } from './fleet-engine.ts';
import { reportProjection, statusProjection } from './gateway-projections.ts';
import type { RolloutStart } from './rollout-desk.ts';

/** A limit that differs in one number from version to version. */
export const limit = (id: string, high: number, device = 'cooler-*') => ({
  kind: 'limit',
  id,
  severity: 'critical',
  target: { device, quantity: 'temperatureCelsius' },
  high,
  hysteresis: 0.5,
  dwell: '30s',
});

export type FleetBench = ReturnType<typeof fleetBench>;

/** One store for all tests, empty before each; clock and fleet are new for each. */
export function fleetBench(open: () => Promise<Store>) {
  let store: Store;
  let clock: ManualClock;
  let fleet: Fleet;
  const told: Change[] = [];
  const published: LogRecord[] = [];

  beforeAll(async () => {
    store = await open();
    await store.migrate();
  }, 60_000);

  afterAll(() => store.close());

  beforeEach(async () => {
    // Small tables: quicker than truncating them.
    for (const table of [
      'fleet_rollout_gateways',
      'fleet_rollouts',
      'fleet_profile_versions',
      'fleet_profiles',
      'fleet_gateways',
      'fleet_settings',
      'fleet_history',
      'alerts',
    ])
      await store.query(`delete from ${table}`);
    clock = new ManualClock();
    told.length = 0;
    published.length = 0;
    fleet = new Fleet({ store, clock, changes: changes() });
  });

  function changes(): Changes {
    const made = new Changes();
    made.subscribe((some) => told.push(...some));
    return made;
  }

  const eventLog = { append: async (records: readonly LogRecord[]) => void published.push(...records) };

  const tick = (into: Pick<EventLog, 'append'> = eventLog) =>
    tickFleet({ store, eventLog: into, clock, changes: changes() });

  async function settle(): Promise<void> {
    while (await tick()) {
      // Until nothing is left to do.
    }
  }

  const nowMs = () => clock.wall().wallMs;

  async function hear(...statuses: Partial<GatewayStatus>[]): Promise<Change[]> {
    const heard = statuses.map((status) => ({
      value: { version: 1 as const, gatewayId: 'gw-1', online: true, software: '1.0', ...status },
      heardMs: nowMs(),
    }));
    return store.transaction((sql) => statusProjection.apply(sql, heard));
  }

  const vans = (count: number, labels: Record<string, string> = { type: 'van' }) =>
    hear(
      ...Array.from({ length: count }, (_, index) => ({ gatewayId: `van-${String(index).padStart(3, '0')}`, labels })),
    );

  async function hearReports(...reports: ReportedConfig[]): Promise<void> {
    const heard = reports.map((value) => ({ value, heardMs: nowMs() }));
    await store.transaction((sql) => reportProjection.apply(sql, heard));
  }

  /** What the gateways say about what they should have: in force, unless told otherwise. */
  async function report(answers: Record<string, 'rejected' | 'rolled-back' | 'silent'> = {}): Promise<void> {
    const rows = await store.query<{
      gateway_id: string;
      desired_version: number;
      desired_hash: string;
      reported: ReportedConfig | null;
    }>(
      'select gateway_id, desired_version, desired_hash, reported from fleet_gateways where desired_version is not null and online',
    );
    const said = rows.flatMap(({ gateway_id: gatewayId, desired_version: version, desired_hash: hash, reported }) => {
      const answer = answers[gatewayId];
      if (answer === 'silent') return [];
      const inForce =
        answer === undefined ? { version, hash } : (reported?.inForce ?? { version: 0, hash: '0'.repeat(16) });
      const reasons =
        answer === undefined ? [] : [{ key: 'rules/too-warm', code: 'device-unknown', reason: 'no such device' }];
      const value: ReportedConfig = {
        schema: 1,
        gatewayId,
        atMs: nowMs(),
        inForce,
        last: { version, state: answer ?? 'applied', reasons },
        devices: [],
        readPoints: [],
      };
      return [value];
    });
    await hearReports(...said);
  }

  const save = (high: number, more: object = {}) =>
    fleet.profiles.save({
      profileId: 'cold',
      name: 'Cold chain',
      selector: { type: 'van' },
      settings: { rules: [limit('too-warm', high)] },
      reason: 'summer',
      who: 'ada',
      ...more,
    });

  const start = (more: Partial<RolloutStart> = {}) =>
    fleet.startRollout({
      profileId: 'cold',
      version: 1,
      canaryPercent: 0,
      canaryMinutes: 0,
      maxRejectedPercent: 10,
      maxAlertRateFactor: 3,
      who: 'ada',
      reason: 'summer',
      ...more,
    });

  const refusal = (work: Promise<unknown>): Promise<FleetError> =>
    work.then(
      () => {
        throw new Error('it was not refused');
      },
      (error: FleetError) => error,
    );

  const states = async () => {
    const { gateways } = await fleet.gateways({ limit: 1000 });
    return Object.fromEntries(gateways.map(({ gatewayId, configState }) => [gatewayId, configState]));
  };

  return {
    get store() {
      return store;
    },
    get clock() {
      return clock;
    },
    get fleet() {
      return fleet;
    },
    /** What the fleet's readers were told had changed. */
    told,
    /** What went out to gateways. */
    published,
    nowMs,
    hear,
    vans,
    hearReports,
    report,
    save,
    start,
    tick,
    settle,
    refusal,
    states,
  };
}
