/** Rollouts over any Store: canaries, the way back, by hand or by themselves, and what goes out to gateways. Part of fleet.contract.ts. */
import { describe, expect, it } from 'vitest';
import type { ReportedConfig } from '../../protocols/fleet/reported-config.ts';
import type { LogRecord } from '../log/event-log.ts';
import { alertProjection } from '../tracking/alert-projection.ts';
import { sampleAlert } from '../tracking/sample-event.ts';
import type { FleetBench } from './fleet-bench.test-support.ts';

export function rolloutsContract(bench: FleetBench): void {
  const { nowMs, hear, hearReports, tick, vans, report, save, start, settle, refusal, states, told, published } = bench;

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
      expect(await bench.fleet.rollout(rolloutId)).toMatchObject({
        state: 'rolling',
        counts: { pending: 19, offline: 1 },
      });
      await report({ 'van-003': 'rejected' });
      await settle();
      const done = await bench.fleet.rollout(rolloutId);
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
        (await bench.fleet.gateways({ limit: 9, state: filter })).gateways.map(({ gatewayId }) => gatewayId);
      expect([await filtered('rejected'), await filtered('behind')]).toEqual([['van-003'], ['van-007']]);
      expect(told).toContainEqual({ kind: 'rollout', rolloutId });
      expect(told).toContainEqual({ kind: 'gateway', gatewayId: 'van-003' });

      // The one that was away returns and catches up.
      published.length = 0;
      await bench.clock.advance(60_000);
      await hear({ gatewayId: 'van-007', labels: { type: 'van' } });
      await settle();
      expect(published.map(({ key }) => key)).toEqual(['van-007']);
      await report({ 'van-003': 'silent' });
      expect(await bench.fleet.rollout(rolloutId)).toMatchObject({ counts: { inForce: 19, offline: 0 } });
    });

    it('give a gateway a new version only where its settings change, and new gateways what is rolled out', async () => {
      await vans(2);
      await save(8);
      await start();
      await settle();
      await report();
      await settle();
      published.length = 0;
      await hear({ gatewayId: 'van-new', labels: { type: 'van' } });
      await settle();
      expect(published.map(({ key }) => key)).toEqual(['van-new']);
      await save(8, { name: 'Another name' });
      await start({ version: 2 });
      await settle();
      expect(published).toHaveLength(1);
      expect(await bench.fleet.gateway('van-000')).toMatchObject({
        desiredVersion: 1,
        profiles: [{ profileId: 'cold', name: 'Another name', version: 2 }],
      });
      await bench.clock.advance(20_000);
      await hear({ gatewayId: 'van-000', labels: { type: 'bus' } });
      await settle();
      expect(await bench.fleet.gateway('van-000')).toMatchObject({ desired: { version: 2, settings: { rules: [] } } });
    });

    it('take canaries first, wait, and go on with the rest', async () => {
      await vans(20);
      const away = { online: false, labels: { type: 'van' } };
      await hear({ gatewayId: 'van-000', ...away }, { gatewayId: 'van-001', ...away });
      await save(8);
      const { rolloutId } = await start({ canaryPercent: 10, canaryMinutes: 5 });
      await settle();
      const canaries = (await bench.fleet.rollout(rolloutId)).gateways.filter(({ canary }) => canary);
      expect(canaries).toHaveLength(2);
      expect(canaries.every(({ state }) => state === 'pending')).toBe(true);
      await bench.clock.advance(5 * 60_000);
      await settle();
      expect(await bench.fleet.rollout(rolloutId)).toMatchObject({
        state: 'canary',
        counts: { waiting: 18, pending: 2 },
      });
      await report();
      await settle();
      expect(await bench.fleet.rollout(rolloutId)).toMatchObject({
        state: 'rolling',
        counts: { pending: 16, inForce: 2 },
      });
      await hear({ gatewayId: 'van-new', labels: { type: 'van' } });
      await settle();
      expect(await states()).toMatchObject({ 'van-new': 'none' });
      await report();
      await settle();
      expect(await bench.fleet.rollout(rolloutId)).toMatchObject({ state: 'done', why: '18 in force, 2 offline' });
      expect(await states()).toMatchObject({ 'van-new': 'pending', 'van-005': 'in-force' });
      expect(
        (await bench.fleet.history({ subject: `rollout/${rolloutId}`, limit: 9 })).map(
          ({ what, who }) => `${what} ${who}`,
        ),
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
      const canaries = (await bench.fleet.rollout(rolloutId)).gateways.filter(({ canary }) => canary);
      await report(Object.fromEntries(canaries.slice(0, 2).map(({ gatewayId }) => [gatewayId, 'rejected' as const])));
      await settle();
      const back = await bench.fleet.rollout(rolloutId);
      expect(back).toMatchObject({ state: 'rolled-back', counts: { waiting: 10, inForce: 8, rejected: 2 } });
      expect(back.why).toContain('2 of 10 gateways');
      expect(back.gateways.filter(({ state }) => state === 'rejected')[0]?.reasons).toHaveLength(1);
      expect(back.back).toMatchObject({ total: 10, pending: 10 });
      await report();
      expect(await bench.fleet.rollout(rolloutId)).toMatchObject({
        counts: { inForce: 8 },
        back: { total: 10, inForce: 10 },
      });
      expect(await bench.fleet.gateways({ limit: 1, state: 'behind' })).toMatchObject({ total: 0 });
      const { desired, profiles } = await bench.fleet.gateway(canaries[0]?.gatewayId ?? '');
      expect(desired).toMatchObject({ version: 3, settings: { rules: [{ high: 8 }] } });
      expect(profiles).toMatchObject([{ version: 1 }]);
      expect(await refusal(bench.fleet.resume({ rolloutId, who: '', reason: '' }))).toMatchObject({
        code: 'rollout-over',
      });
    });

    it('go back by themselves when alerts jump, even a while after they are done', async () => {
      await vans(4);
      await save(8);
      const { rolloutId } = await start();
      await settle();
      await report();
      await settle();
      expect(await bench.fleet.rollout(rolloutId)).toMatchObject({ state: 'done' });
      const alarm = (id: number) =>
        sampleAlert({
          alertId: `a-${id}`,
          sequence: id,
          gatewayId: `van-00${id % 4}`,
          occurredAt: new Date(nowMs()).toISOString(),
        });
      await bench.clock.advance(60_000);
      await bench.store.transaction((sql) => alertProjection.apply(sql, [alarm(1), alarm(2)]));
      await settle();
      expect(await bench.fleet.rollout(rolloutId)).toMatchObject({ state: 'done' });
      await bench.store.transaction((sql) => alertProjection.apply(sql, [alarm(3), alarm(4)]));
      await settle();
      const back = await bench.fleet.rollout(rolloutId);
      expect(back).toMatchObject({ state: 'rolled-back', why: expect.stringContaining('4 alerts since the change') });
      expect(await bench.fleet.profiles.show('cold')).not.toHaveProperty('releasedVersion');
      expect(await bench.fleet.gateway('van-000')).toMatchObject({ desired: { version: 2, settings: { rules: [] } } });
    });

    it('are stopped, gone on with and taken back by hand', async () => {
      await vans(10);
      await save(8);
      const { rolloutId } = await start({ canaryPercent: 20 });
      await settle();
      const by = { rolloutId, who: 'grace', reason: 'lunch' };
      expect(await bench.fleet.stop(by)).toMatchObject({ state: 'stopped', why: 'lunch' });
      await report();
      await settle();
      expect(await bench.fleet.rollout(rolloutId)).toMatchObject({
        state: 'stopped',
        counts: { waiting: 8, inForce: 2 },
      });
      expect(await refusal(start())).toMatchObject({
        code: 'rollout-open',
        message: expect.stringContaining(rolloutId),
      });
      expect(await bench.fleet.resume(by)).toMatchObject({ state: 'canary' });
      await settle();
      await report();
      await settle();
      expect(await bench.fleet.rollout(rolloutId)).toMatchObject({ state: 'done' });
      expect(await refusal(start())).toMatchObject({ code: 'rollout-pointless' });
      expect(await refusal(bench.fleet.stop(by))).toMatchObject({ code: 'rollout-over' });
      expect(await bench.fleet.rollBack(by)).toMatchObject({ state: 'rolled-back', counts: { inForce: 10 } });
      await settle();
      expect(await bench.fleet.gateway('van-000')).toMatchObject({
        desired: { version: 2, settings: { rules: [] } },
        profiles: [],
      });
      const deeds = (await bench.fleet.history({ subject: `rollout/${rolloutId}`, limit: 20 })).map(
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
      expect(await bench.fleet.rollout(first.rolloutId)).toMatchObject({
        state: 'done',
        counts: { inForce: 2, rejected: 1 },
      });
      expect(await bench.fleet.rollout(second.rolloutId)).toMatchObject({ fromVersion: 1, counts: { pending: 3 } });
      expect(await refusal(bench.fleet.rollBack({ rolloutId: first.rolloutId, who: '', reason: '' }))).toMatchObject({
        code: 'rollout-over',
      });
      expect((await bench.fleet.rollouts({ limit: 9 })).map(({ rolloutId }) => rolloutId).sort()).toEqual([
        'cold-v1-1',
        'cold-v2-2',
      ]);
      expect(await bench.fleet.rollouts({ limit: 9, state: 'rolling' })).toHaveLength(1);
    });

    it('of what does not exist, or contradicts by now, are refused', async () => {
      await vans(1, { type: 'van', depot: 'north' });
      expect(await refusal(start())).toMatchObject({ code: 'profile-unknown' });
      await save(8);
      expect(await refusal(start({ version: 2 }))).toMatchObject({ code: 'profile-version-unknown' });
      expect(await refusal(bench.fleet.rollout('x'))).toMatchObject({ code: 'rollout-unknown' });
      await save(5, { profileId: 'south', selector: { depot: 'south' }, allowEmpty: true });
      await start({ profileId: 'south' });
      await settle();
      await bench.clock.advance(20_000);
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
      const say = () => hearReports(seen);
      await say();
      await start();
      await settle();
      expect(await bench.fleet.gateway('van-000')).toMatchObject({ desiredVersion: 42, inForceVersion: 41 });
      expect(published).toHaveLength(1);
      await say();
      await settle();
      expect(published).toHaveLength(1);
      await bench.clock.advance(11_000);
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
          await bench.store.query(
            `update fleet_gateways set desired_version = desired_version + 1 where published_version = 0`,
          );
        },
      };
      await tick(slow);
      await settle();
      expect(published.map(({ value }) => JSON.parse(String(value)).version)).toEqual([1, 2]);
    });
  });
}
