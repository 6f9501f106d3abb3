/** Profiles over any Store: versions, refusals with every problem, contradictions, warnings. Part of fleet.contract.ts. */
import { describe, expect, it } from 'vitest';
import type { ReportedConfig } from '../../protocols/fleet/reported-config.ts';
import { type FleetBench, limit } from './fleet-bench.test-support.ts';

export function profilesContract(bench: FleetBench): void {
  const { hearReports, vans, save, refusal } = bench;

  describe('profiles', () => {
    it('are saved in versions, with author and reason; what is the same is no new one', async () => {
      await vans(2);
      expect(await save(8)).toMatchObject({ version: 1, gateways: 2, author: 'ada', reason: 'summer' });
      expect(await save(8)).toMatchObject({ version: 1 });
      expect(await save(7, { baseVersion: 1, who: 'grace', reason: 'vaccines' })).toMatchObject({ version: 2 });
      expect(await bench.fleet.profiles.versions('cold')).toMatchObject([
        { version: 2, author: 'grace', reason: 'vaccines', settings: { rules: [{ high: 7, dwellMs: 30_000 }] } },
        { version: 1, author: 'ada' },
      ]);
      expect(await bench.fleet.profiles.list({ limit: 5 })).toMatchObject({
        profiles: [{ profileId: 'cold', version: 2 }],
      });
      const { changes } = await bench.fleet.profiles.diff('cold', 1, 2);
      expect(changes).toMatchObject([{ key: 'rules/too-warm/high', change: 'changed' }]);
      expect(await bench.fleet.history({ subject: 'profile/cold', limit: 9 })).toMatchObject([
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
      expect(await bench.fleet.profiles.list({ limit: 5 })).toEqual({ profiles: [] });
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
    const reports = ['van-000', 'van-001'].map((gatewayId, index) => ({
      schema: 1 as const,
      gatewayId,
      atMs: 0,
      inForce: { version: 0, hash: '0'.repeat(16) },
      devices: devices(index === 0 ? 'cooler-1' : 'fridge-1'),
      readPoints: [],
    }));
    await hearReports(...reports);
    const { warnings } = await save(8);
    expect(warnings).toMatchObject([{ path: ['settings', 'rules', 0], code: 'config-matches-nothing' }]);
    expect(warnings[0]?.message).toContain('1 of 2 gateways would refuse rules/too-warm: van-001');
    const zone = { profileId: 'zone', settings: { rules: [limit('zone', 5, 'zone:cold')] } };
    expect(await bench.fleet.profiles.check({ ...zone, selector: {} })).toMatchObject({ problems: [] });
    reports[0]?.devices.splice(0, 1, { id: 'cooler-1', quantities: [], zone: 'cold' });
    await hearReports(...reports);
    expect(await bench.fleet.profiles.check({ ...zone, selector: {} })).toMatchObject({
      problems: [{ code: 'profiles-contradict', path: ['settings', 'rules', 0] }],
    });
  });
}
