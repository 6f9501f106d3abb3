/** What the fleet knows of its gateways, and the labels by which they are chosen, over any Store. Part of fleet.contract.ts. */
import { describe, expect, it } from 'vitest';
import type { Fleet } from './fleet.ts';
import type { FleetBench } from './fleet-bench.test-support.ts';
import { statusProjection } from './gateway-projections.ts';

export function gatewaysContract(bench: FleetBench): void {
  const { nowMs, hear, vans, report, save, start, settle, refusal, states } = bench;

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
      expect(await bench.fleet.gateways({ limit: 10 })).toEqual({ gateways: [expected], total: 1 });
      const lastMs = nowMs();
      await bench.clock.advance(60_000);
      const { software: _, ...will } = { software: '', gatewayId: 'gw-1', online: false };
      await bench.store.transaction((sql) =>
        statusProjection.apply(sql, [{ value: { version: 1, ...will }, heardMs: nowMs() }]),
      );
      const wentAt = new Date(nowMs()).toISOString();
      expect(await bench.fleet.gateways({ limit: 10 })).toMatchObject({
        gateways: [{ ...expected, online: false, heardAt: wentAt }],
      });
      expect(nowMs()).toBeGreaterThan(lastMs);
    });

    it('that repeat themselves are written now and then only, and changes at once', async () => {
      expect(await hear({})).toHaveLength(1);
      await bench.clock.advance(2_000);
      expect(await hear({ atMs: 5 })).toHaveLength(0);
      expect(await hear({ outbox: { mode: 'disk-full', lanes: {} as never } })).toHaveLength(1);
      await bench.clock.advance(15_000);
      expect(await hear({ outbox: { mode: 'disk-full', lanes: {} as never } })).toHaveLength(1);
    });

    it('are found by labels, state and id, page by page', async () => {
      await vans(5);
      await hear({ gatewayId: 'dock-1', labels: { type: 'dock' } }, { gatewayId: 'dock-2', online: false });
      const ids = async (list: Parameters<Fleet['gateways']>[0]) => {
        const { gateways, total, next } = await bench.fleet.gateways(list);
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

  describe('labels', () => {
    it('that are set here hold instead of those of the gateway, until they are taken back', async () => {
      await vans(1);
      const set = (labels: Record<string, string | null>) =>
        bench.fleet.setLabels({ gatewayId: 'van-000', labels, who: 'ada', reason: 'moved' });
      expect(await set({ type: 'truck', depot: 'north' })).toMatchObject({
        labels: { gateway: 'van-000', type: 'truck', depot: 'north' },
        ownLabels: { type: 'van' },
      });
      await bench.clock.advance(20_000);
      await hear({ gatewayId: 'van-000', labels: { type: 'bus', colour: 'red' } });
      expect(await set({ type: null })).toMatchObject({
        labels: { gateway: 'van-000', type: 'bus', colour: 'red', depot: 'north' },
        history: [{ what: 'labels-set', why: 'moved' }, {}],
      });
      expect(await refusal(set({ facility: 'x', 'a b': 'c', ok: '' }))).toMatchObject({
        code: 'labels-invalid',
        problems: [{ path: ['labels', 'facility'] }, { path: ['labels', 'a b'] }, { path: ['labels', 'ok'] }],
      });
      expect(await refusal(bench.fleet.setLabels({ gatewayId: 'x', labels: {}, who: '', reason: '' }))).toMatchObject({
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
        await refusal(bench.fleet.setLabels({ gatewayId: 'van-000', labels: { cold: 'yes' }, who: '', reason: '' })),
      ).toMatchObject({ code: 'profiles-contradict', problems: [{ path: ['labels'] }] });
      await bench.clock.advance(20_000);
      await hear({ gatewayId: 'van-000', labels: { type: 'van', cold: 'yes' } });
      await settle();
      const shown = await bench.fleet.gateway('van-000');
      expect(shown).toMatchObject({ configState: 'rejected', desiredVersion: 1, desired: { version: 1 } });
      expect(shown.reasons[0]).toMatchObject({ code: 'profiles-contradict' });
      expect(shown.reasons[0]?.reason).toMatch(/'cold'.*'vaccines'/);
      await bench.clock.advance(20_000);
      await hear({ gatewayId: 'van-000', labels: { type: 'van' } });
      await settle();
      expect(await states()).toMatchObject({ 'van-000': 'in-force' });
    });
  });
}
