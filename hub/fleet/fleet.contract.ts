/** What the fleet does over any Store, run by fleet.test.ts and fleet.server.test.ts. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ManualClock } from '../../protocols/base/manual-clock.ts';
import type { ReportedConfig } from '../../protocols/fleet/reported-config.ts';
import type { GatewayStatus } from '../../protocols/uplink/gateway-status.ts';
import type { LogRecord } from '../log/event-log.ts';
import type { Store } from '../store/store.ts';
import { alertProjection } from '../tracking/alert-projection.ts';
import { type Change, Changes } from '../tracking/changes.ts';
import { sampleAlert } from '../tracking/sample-event.ts';
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

/** `open` gives a database of its own, with the migrations of log, tracking and fleet. */
export function fleetContract(open: () => Promise<Store>): void {
  let store: Store;
  let clock: ManualClock;
  let fleet: Fleet;
  let told: Change[];
  let published: LogRecord[];

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
    told = [];
    published = [];
    fleet = new Fleet({ store, clock, changes: changes() });
  });

  function changes(): Changes {
    const made = new Changes();
    made.subscribe((some) => told.push(...some));
    return made;
  }

  const eventLog = { append: async (records: readonly LogRecord[]) => void published.push(...records) };

  async function settle(): Promise<void> {
    while (await tickFleet({ store, eventLog, clock, changes: changes() })) {
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
    const heard = rows.flatMap(({ gateway_id: gatewayId, desired_version: version, desired_hash: hash, reported }) => {
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
      return [{ value, heardMs: nowMs() }];
    });
    await store.transaction((sql) => reportProjection.apply(sql, heard));
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

  describe('gateways', () => {
    it('are known by what they say: labels, health, lag; the will takes nothing away', async () => {
      const lanes = { pending: 3, accepted: 3, delivered: 0, evicted: 0, quarantined: 0 };
      await hear({
        labels: { type: 'van', 'bad name!': 'x', broken: 'a\0b' },
        clock: { state: 'ntp', uncertaintyMs: 5 },
        outbox: { mode: 'ok', lanes: { alert: lanes, tracking: lanes, telemetry: lanes } },
        devices: [{ id: 'cooler-1', driver: 'modbus', state: 'online', code: 'ok', message: '' }],
      });
      const expected = {
        gatewayId: 'gw-1',
        online: true,
        heardAt: new Date(nowMs()).toISOString(),
        software: '1.0',
        labels: { gateway: 'gw-1', type: 'van' },
        lag: { alert: 3, tracking: 3, telemetry: 3 },
        outboxMode: 'ok',
        clock: { state: 'ntp', uncertaintyMs: 5 },
        devices: [{ id: 'cooler-1', driver: 'modbus', state: 'online', code: 'ok', message: '' }],
        inForceVersion: 0,
        desiredVersion: 0,
        configState: 'none',
        trying: false,
        reasons: [],
      };
      expect(await fleet.gateways({ limit: 10 })).toEqual({ gateways: [expected], total: 1 });
      const lastMs = nowMs();
      await clock.advance(60_000);
      const { software: _, ...will } = { software: '', gatewayId: 'gw-1', online: false };
      await store.transaction((sql) =>
        statusProjection.apply(sql, [{ value: { version: 1, ...will }, heardMs: nowMs() }]),
      );
      const wentAt = new Date(nowMs()).toISOString();
      expect(await fleet.gateways({ limit: 10 })).toMatchObject({
        gateways: [{ ...expected, online: false, heardAt: wentAt }],
      });
      expect(nowMs()).toBeGreaterThan(lastMs);
    });

    it('that repeat themselves are written now and then only, and changes at once', async () => {
      expect(await hear({})).toHaveLength(1);
      await clock.advance(2_000);
      expect(await hear({ atMs: 5 })).toHaveLength(0);
      expect(await hear({ outbox: { mode: 'disk-full', lanes: {} as never } })).toHaveLength(1);
      await clock.advance(15_000);
      expect(await hear({ outbox: { mode: 'disk-full', lanes: {} as never } })).toHaveLength(1);
    });

    it('are found by labels, state and id, page by page', async () => {
      await vans(5);
      await hear({ gatewayId: 'dock-1', labels: { type: 'dock' } }, { gatewayId: 'dock-2', online: false });
      const ids = async (list: Parameters<Fleet['gateways']>[0]) => {
        const { gateways, total, next } = await fleet.gateways(list);
        return [gateways.map(({ gatewayId }) => gatewayId).join(' '), total, next];
      };
      expect(await ids({ limit: 2 })).toEqual(['dock-1 dock-2', 7, 'dock-2']);
      expect(await ids({ limit: 9, after: 'van-002' })).toEqual(['van-003 van-004', 7, undefined]);
      expect(await ids({ limit: 9, selector: { type: ['dock', 'ship'] } })).toEqual(['dock-1', 1, undefined]);
      expect(await ids({ limit: 9, state: 'offline' })).toEqual(['dock-2', 1, undefined]);
      expect(await ids({ limit: 9, q: 'K-1' })).toEqual(['dock-1', 1, undefined]);
      expect(await ids({ limit: 9, q: '%' })).toEqual(['', 0, undefined]);
    });
  });

  describe('profiles', () => {
    it('are saved in versions, with author and reason; what is the same is no new one', async () => {
      await vans(2);
      expect(await save(8)).toMatchObject({ version: 1, gateways: 2, author: 'ada', reason: 'summer' });
      expect(await save(8)).toMatchObject({ version: 1 });
      expect(await save(7, { baseVersion: 1, who: 'grace', reason: 'vaccines' })).toMatchObject({ version: 2 });
      expect(await fleet.profiles.versions('cold')).toMatchObject([
        { version: 2, author: 'grace', reason: 'vaccines', settings: { rules: [{ high: 7, dwellMs: 30_000 }] } },
        { version: 1, author: 'ada' },
      ]);
      expect(await fleet.profiles.list({ limit: 5 })).toMatchObject({ profiles: [{ profileId: 'cold', version: 2 }] });
      const { changes } = await fleet.profiles.diff('cold', 1, 2);
      expect(changes).toMatchObject([{ key: 'rules/too-warm/high', change: 'changed' }]);
      expect(await fleet.history({ subject: 'profile/cold', limit: 9 })).toMatchObject([
        { who: 'grace', what: 'profile-saved', why: 'vaccines', detail: { version: 2, from: 1 } },
        { who: 'ada', what: 'profile-saved', why: 'summer', detail: { version: 1 } },
      ]);
    });

    it('are refused where another version was saved meanwhile', async () => {
      await vans(1);
      await save(8);
      await save(7);
      expect(await refusal(save(6, { baseVersion: 1 }))).toMatchObject({ code: 'profile-changed' });
      expect(await refusal(save(6, { baseVersion: 0 }))).toMatchObject({ code: 'profile-changed' });
      expect(await refusal(save(6, { profileId: 'other', baseVersion: 3 }))).toMatchObject({ code: 'profile-changed' });
    });

    it('are refused with every problem: where, what, and what would be right', async () => {
      await vans(1);
      const rules = [{ ...limit('too-warm', 8), hysteresis: -1 }, limit('also-warm', 8, 'fridge-1')];
      const error = await refusal(save(8, { selector: { typ: 'van' }, settings: { rules, rate: {} } }));
      expect(error).toMatchObject({ code: 'profile-invalid' });
      const problems = error.problems ?? [];
      expect(problems.map(({ path }) => path.join('/'))).toEqual(
        expect.arrayContaining(['settings/rules/0/hysteresis', 'settings/rate', 'selector']),
      );
      expect(problems.find(({ code }) => code === 'selector-matches-nothing')?.proposal).toContain("'type'");
      expect(await fleet.profiles.list({ limit: 5 })).toEqual({ profiles: [] });
    });

    it('whose selector fits no gateway are refused, unless they wait for gateways to come', async () => {
      expect(await refusal(save(8))).toMatchObject({ problems: [{ code: 'selector-matches-nothing' }] });
      await vans(1);
      const error = await refusal(save(8, { selector: { type: 'vam' } }));
      expect(error.problems?.[0]?.proposal).toContain("did you mean 'van'?");
      expect(await save(8, { selector: { type: 'vam' }, allowEmpty: true })).toMatchObject({ gateways: 0 });
      expect(await refusal(save(8, { selector: ['van'] }))).toMatchObject({ problems: [{ code: 'selector-invalid' }] });
    });

    it('that set the same on one gateway contradict each other: both are named, and the gateways', async () => {
      await vans(2, { type: 'van', depot: 'north' });
      await save(8);
      const other = (more: object) =>
        save(5, { profileId: 'vaccines', settings: { rules: [limit('vaccine', 5, '*-1')] }, ...more });
      const error = await refusal(other({ selector: { depot: 'north' } }));
      expect(error).toMatchObject({ code: 'profile-invalid', problems: [{ code: 'profiles-contradict' }] });
      const [problem] = error.problems ?? [];
      for (const name of ['vaccines', 'cold', 'van-000', 'van-001', 'cooler-*', '*-1'])
        expect(problem?.message).toContain(name);
      expect(problem?.path).toEqual(['settings', 'rules', 0]);
      expect(await other({ selector: { depot: 'south' }, allowEmpty: true })).toMatchObject({ version: 1 });
    });
  });

  it('what gateways would refuse, by what they say is there, is a warning', async () => {
    await vans(3);
    const devices = (id: string): ReportedConfig['devices'] => [{ id, quantities: ['temperatureCelsius'] }];
    const heard = ['van-000', 'van-001'].map((gatewayId, index) => ({
      heardMs: nowMs(),
      value: {
        schema: 1 as const,
        gatewayId,
        atMs: 0,
        inForce: { version: 0, hash: '0'.repeat(16) },
        devices: devices(index === 0 ? 'cooler-1' : 'fridge-1'),
        readPoints: [],
      },
    }));
    await store.transaction((sql) => reportProjection.apply(sql, heard));
    const { warnings } = await save(8);
    expect(warnings).toMatchObject([{ path: ['settings', 'rules', 0], code: 'config-matches-nothing' }]);
    expect(warnings[0]?.message).toContain('1 of 2 gateways would refuse rules/too-warm: van-001');
    const zone = { profileId: 'zone', settings: { rules: [limit('zone', 5, 'zone:cold')] } };
    expect(await fleet.profiles.check({ ...zone, selector: {} })).toMatchObject({ problems: [] });
    heard[0]?.value.devices.splice(0, 1, { id: 'cooler-1', quantities: [], zone: 'cold' });
    await store.transaction((sql) => reportProjection.apply(sql, heard));
    expect(await fleet.profiles.check({ ...zone, selector: {} })).toMatchObject({
      problems: [{ code: 'profiles-contradict', path: ['settings', 'rules', 0] }],
    });
  });

  describe('labels', () => {
    it('that are set here hold instead of those of the gateway, until they are taken back', async () => {
      await vans(1);
      const set = (labels: Record<string, string | null>) =>
        fleet.setLabels({ gatewayId: 'van-000', labels, who: 'ada', reason: 'moved' });
      expect(await set({ type: 'truck', depot: 'north' })).toMatchObject({
        labels: { gateway: 'van-000', type: 'truck', depot: 'north' },
        ownLabels: { type: 'van' },
      });
      await clock.advance(20_000);
      await hear({ gatewayId: 'van-000', labels: { type: 'bus', colour: 'red' } });
      expect(await set({ type: null })).toMatchObject({
        labels: { gateway: 'van-000', type: 'bus', colour: 'red', depot: 'north' },
        history: [{ what: 'labels-set', why: 'moved' }, {}],
      });
      expect(await refusal(set({ facility: 'x', 'a b': 'c', ok: '' }))).toMatchObject({
        code: 'labels-invalid',
        problems: [{ path: ['labels', 'facility'] }, { path: ['labels', 'a b'] }, { path: ['labels', 'ok'] }],
      });
      expect(await refusal(fleet.setLabels({ gatewayId: 'x', labels: {}, who: '', reason: '' }))).toMatchObject({
        code: 'gateway-unknown',
      });
    });

    it('that would bring two contradicting profiles are refused; a gateway that comes with them keeps what it has', async () => {
      await vans(1);
      await save(8);
      await start();
      await save(5, { profileId: 'vaccines', selector: { cold: 'yes' }, allowEmpty: true });
      await start({ profileId: 'vaccines' });
      await settle();
      await report();
      expect(
        await refusal(fleet.setLabels({ gatewayId: 'van-000', labels: { cold: 'yes' }, who: '', reason: '' })),
      ).toMatchObject({ code: 'profiles-contradict', problems: [{ path: ['labels'] }] });
      await clock.advance(20_000);
      await hear({ gatewayId: 'van-000', labels: { type: 'van', cold: 'yes' } });
      await settle();
      const shown = await fleet.gateway('van-000');
      expect(shown).toMatchObject({ configState: 'rejected', desiredVersion: 1, desired: { version: 1 } });
      expect(shown.reasons[0]).toMatchObject({ code: 'profiles-contradict' });
      expect(shown.reasons[0]?.reason).toMatch(/'cold'.*'vaccines'/);
      await clock.advance(20_000);
      await hear({ gatewayId: 'van-000', labels: { type: 'van' } });
      await settle();
      expect(await states()).toMatchObject({ 'van-000': 'in-force' });
    });
  });

  describe('rollouts', () => {
    it('bring a version to all gateways that fit, and say which have it', async () => {
      await vans(20);
      await hear({ gatewayId: 'dock-1', labels: { type: 'dock' } });
      await hear({ gatewayId: 'van-007', online: false, labels: { type: 'van' } });
      await save(8);
      expect(await states()).toMatchObject({ 'van-001': 'none' });
      const { rolloutId, state, counts } = await start();
      expect([rolloutId, state, counts.waiting]).toEqual(['cold-v1-1', 'rolling', 20]);
      await settle();
      expect(published).toHaveLength(20);
      const message = JSON.parse(String(published[0]?.value));
      expect(message).toMatchObject({ schema: 1, version: 1, settings: { rules: [{ id: 'too-warm', high: 8 }] } });
      expect(await fleet.rollout(rolloutId)).toMatchObject({ state: 'rolling', counts: { pending: 19, offline: 1 } });
      await report({ 'van-003': 'rejected' });
      await settle();
      const done = await fleet.rollout(rolloutId);
      expect(done).toMatchObject({
        state: 'done',
        counts: { total: 20, waiting: 0, inForce: 18, pending: 0, rejected: 1, rolledBack: 0, offline: 1 },
      });
      expect(done.gateways.filter(({ state: its }) => its !== 'in-force')).toMatchObject([
        { gatewayId: 'van-003', state: 'rejected', reasons: [{ key: 'rules/too-warm', code: 'device-unknown' }] },
        { gatewayId: 'van-007', state: 'offline', reasons: [] },
      ]);
      expect(await states()).toMatchObject({ 'dock-1': 'none', 'van-003': 'rejected', 'van-007': 'offline' });
      const filtered = async (filter: 'rejected' | 'behind') =>
        (await fleet.gateways({ limit: 9, state: filter })).gateways.map(({ gatewayId }) => gatewayId);
      expect([await filtered('rejected'), await filtered('behind')]).toEqual([['van-003'], ['van-007']]);
      expect(told).toContainEqual({ kind: 'rollout', rolloutId });
      expect(told).toContainEqual({ kind: 'gateway', gatewayId: 'van-003' });

      // The one that was away returns and catches up.
      published = [];
      await clock.advance(60_000);
      await hear({ gatewayId: 'van-007', labels: { type: 'van' } });
      await settle();
      expect(published.map(({ key }) => key)).toEqual(['van-007']);
      await report({ 'van-003': 'silent' });
      expect(await fleet.rollout(rolloutId)).toMatchObject({ counts: { inForce: 19, offline: 0 } });
    });

    it('give a gateway a new version only where its settings change, and new gateways what is rolled out', async () => {
      await vans(2);
      await save(8);
      await start();
      await settle();
      await report();
      await settle();
      published = [];
      await hear({ gatewayId: 'van-new', labels: { type: 'van' } });
      await settle();
      expect(published.map(({ key }) => key)).toEqual(['van-new']);
      await save(8, { name: 'Another name' });
      await start({ version: 2 });
      await settle();
      expect(published).toHaveLength(1);
      expect(await fleet.gateway('van-000')).toMatchObject({
        desiredVersion: 1,
        profiles: [{ profileId: 'cold', name: 'Another name', version: 2 }],
      });
      await clock.advance(20_000);
      await hear({ gatewayId: 'van-000', labels: { type: 'bus' } });
      await settle();
      expect(await fleet.gateway('van-000')).toMatchObject({ desired: { version: 2, settings: { rules: [] } } });
    });

    it('take canaries first, wait, and go on with the rest', async () => {
      await vans(20);
      const away = { online: false, labels: { type: 'van' } };
      await hear({ gatewayId: 'van-000', ...away }, { gatewayId: 'van-001', ...away });
      await save(8);
      const { rolloutId } = await start({ canaryPercent: 10, canaryMinutes: 5 });
      await settle();
      const canaries = (await fleet.rollout(rolloutId)).gateways.filter(({ canary }) => canary);
      expect(canaries).toHaveLength(2);
      expect(canaries.every(({ state }) => state === 'pending')).toBe(true);
      await clock.advance(5 * 60_000);
      await settle();
      expect(await fleet.rollout(rolloutId)).toMatchObject({ state: 'canary', counts: { waiting: 18, pending: 2 } });
      await report();
      await settle();
      expect(await fleet.rollout(rolloutId)).toMatchObject({ state: 'rolling', counts: { pending: 16, inForce: 2 } });
      await hear({ gatewayId: 'van-new', labels: { type: 'van' } });
      await settle();
      expect(await states()).toMatchObject({ 'van-new': 'none' });
      await report();
      await settle();
      expect(await fleet.rollout(rolloutId)).toMatchObject({ state: 'done', why: '18 in force, 2 offline' });
      expect(await states()).toMatchObject({ 'van-new': 'pending', 'van-005': 'in-force' });
      expect(
        (await fleet.history({ subject: `rollout/${rolloutId}`, limit: 9 })).map(({ what, who }) => `${what} ${who}`),
      ).toEqual(['rollout-done hub', 'rollout-rolling hub', 'rollout-started ada']);
    });

    it('go back by themselves when too many reject, and give all gateways back what they had', async () => {
      await vans(20);
      await save(8);
      await start();
      await settle();
      await report();
      await settle();
      await save(7);
      const { rolloutId } = await start({ version: 2, canaryPercent: 50 });
      await settle();
      const canaries = (await fleet.rollout(rolloutId)).gateways.filter(({ canary }) => canary);
      await report(Object.fromEntries(canaries.slice(0, 2).map(({ gatewayId }) => [gatewayId, 'rejected' as const])));
      await settle();
      const back = await fleet.rollout(rolloutId);
      expect(back).toMatchObject({ state: 'rolled-back', counts: { waiting: 10, inForce: 8, rejected: 2 } });
      expect(back.why).toContain('2 of 10 gateways');
      expect(back.gateways.filter(({ state }) => state === 'rejected')[0]?.reasons).toHaveLength(1);
      expect(back.back).toMatchObject({ total: 10, pending: 10 });
      await report();
      expect(await fleet.rollout(rolloutId)).toMatchObject({
        counts: { inForce: 8 },
        back: { total: 10, inForce: 10 },
      });
      expect(await fleet.gateways({ limit: 1, state: 'behind' })).toMatchObject({ total: 0 });
      const { desired, profiles } = await fleet.gateway(canaries[0]?.gatewayId ?? '');
      expect(desired).toMatchObject({ version: 3, settings: { rules: [{ high: 8 }] } });
      expect(profiles).toMatchObject([{ version: 1 }]);
      expect(await refusal(fleet.resume({ rolloutId, who: '', reason: '' }))).toMatchObject({ code: 'rollout-over' });
    });

    it('go back by themselves when alerts jump, even a while after they are done', async () => {
      await vans(4);
      await save(8);
      const { rolloutId } = await start();
      await settle();
      await report();
      await settle();
      expect(await fleet.rollout(rolloutId)).toMatchObject({ state: 'done' });
      const alarm = (id: number) =>
        sampleAlert({
          alertId: `a-${id}`,
          sequence: id,
          gatewayId: `van-00${id % 4}`,
          occurredAt: new Date(nowMs()).toISOString(),
        });
      await clock.advance(60_000);
      await store.transaction((sql) => alertProjection.apply(sql, [alarm(1), alarm(2)]));
      await settle();
      expect(await fleet.rollout(rolloutId)).toMatchObject({ state: 'done' });
      await store.transaction((sql) => alertProjection.apply(sql, [alarm(3), alarm(4)]));
      await settle();
      const back = await fleet.rollout(rolloutId);
      expect(back).toMatchObject({ state: 'rolled-back', why: expect.stringContaining('4 alerts since the change') });
      expect(await fleet.profiles.show('cold')).not.toHaveProperty('releasedVersion');
      expect(await fleet.gateway('van-000')).toMatchObject({ desired: { version: 2, settings: { rules: [] } } });
    });

    it('are stopped, gone on with and taken back by hand', async () => {
      await vans(10);
      await save(8);
      const { rolloutId } = await start({ canaryPercent: 20 });
      await settle();
      const by = { rolloutId, who: 'grace', reason: 'lunch' };
      expect(await fleet.stop(by)).toMatchObject({ state: 'stopped', why: 'lunch' });
      await report();
      await settle();
      expect(await fleet.rollout(rolloutId)).toMatchObject({ state: 'stopped', counts: { waiting: 8, inForce: 2 } });
      expect(await refusal(start())).toMatchObject({
        code: 'rollout-open',
        message: expect.stringContaining(rolloutId),
      });
      expect(await fleet.resume(by)).toMatchObject({ state: 'canary' });
      await settle();
      await report();
      await settle();
      expect(await fleet.rollout(rolloutId)).toMatchObject({ state: 'done' });
      expect(await refusal(start())).toMatchObject({ code: 'rollout-pointless' });
      expect(await refusal(fleet.stop(by))).toMatchObject({ code: 'rollout-over' });
      expect(await fleet.rollBack(by)).toMatchObject({ state: 'rolled-back', counts: { inForce: 10 } });
      await settle();
      expect(await fleet.gateway('van-000')).toMatchObject({
        desired: { version: 2, settings: { rules: [] } },
        profiles: [],
      });
      const deeds = (await fleet.history({ subject: `rollout/${rolloutId}`, limit: 20 })).map(
        ({ what, who }) => `${what} ${who}`,
      );
      expect(deeds.reverse()).toEqual([
        'rollout-started ada',
        'rollout-stopped grace',
        'rollout-resumed grace',
        'rollout-rolling hub',
        'rollout-done hub',
        'rollout-rolled-back grace',
      ]);
    });

    it('of an older version keep how they ended when a newer one begins', async () => {
      await vans(3);
      await save(8);
      const first = await start({ maxRejectedPercent: 50 });
      await settle();
      await report({ 'van-001': 'rejected' });
      await settle();
      await save(7);
      const second = await start({ version: 2 });
      await settle();
      expect(await fleet.rollout(first.rolloutId)).toMatchObject({
        state: 'done',
        counts: { inForce: 2, rejected: 1 },
      });
      expect(await fleet.rollout(second.rolloutId)).toMatchObject({ fromVersion: 1, counts: { pending: 3 } });
      expect(await refusal(fleet.rollBack({ rolloutId: first.rolloutId, who: '', reason: '' }))).toMatchObject({
        code: 'rollout-over',
      });
      expect((await fleet.rollouts({ limit: 9 })).map(({ rolloutId }) => rolloutId).sort()).toEqual([
        'cold-v1-1',
        'cold-v2-2',
      ]);
      expect(await fleet.rollouts({ limit: 9, state: 'rolling' })).toHaveLength(1);
    });

    it('of what does not exist, or contradicts by now, are refused', async () => {
      await vans(1, { type: 'van', depot: 'north' });
      expect(await refusal(start())).toMatchObject({ code: 'profile-unknown' });
      await save(8);
      expect(await refusal(start({ version: 2 }))).toMatchObject({ code: 'profile-version-unknown' });
      expect(await refusal(fleet.rollout('x'))).toMatchObject({ code: 'rollout-unknown' });
      await save(5, { profileId: 'south', selector: { depot: 'south' }, allowEmpty: true });
      await start({ profileId: 'south' });
      await settle();
      await clock.advance(20_000);
      await hear({ gatewayId: 'van-000', labels: { type: 'van', depot: 'south' } });
      expect(await refusal(start())).toMatchObject({
        code: 'profile-invalid',
        problems: [{ code: 'profiles-contradict', message: expect.stringContaining('van-000') }],
      });
    });
  });

  describe('what goes out', () => {
    it('goes out again to a gateway that has not looked at it for a while, and beyond what it has seen', async () => {
      await vans(1);
      await save(8);
      const seen: ReportedConfig = {
        schema: 1,
        gatewayId: 'van-000',
        atMs: 0,
        inForce: { version: 41, hash: 'f'.repeat(16) },
        devices: [],
        readPoints: [],
      };
      const say = () => store.transaction((sql) => reportProjection.apply(sql, [{ value: seen, heardMs: nowMs() }]));
      await say();
      await start();
      await settle();
      expect(await fleet.gateway('van-000')).toMatchObject({ desiredVersion: 42, inForceVersion: 41 });
      expect(published).toHaveLength(1);
      await say();
      await settle();
      expect(published).toHaveLength(1);
      await clock.advance(11_000);
      await say();
      await settle();
      expect(published).toHaveLength(2);
    });

    it('is written again when it changed while it was being written', async () => {
      await vans(1);
      await save(8);
      await start();
      const slow = {
        append: async (records: readonly LogRecord[]) => {
          published.push(...records);
          await store.query(
            `update fleet_gateways set desired_version = desired_version + 1 where published_version = 0`,
          );
        },
      };
      await tickFleet({ store, eventLog: slow, clock, changes: changes() });
      await settle();
      expect(published.map(({ value }) => JSON.parse(String(value)).version)).toEqual([1, 2]);
    });
  });
}
