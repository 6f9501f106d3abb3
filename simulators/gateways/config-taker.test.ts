/** Simulated gateways take configurations as real ones do, and do wrong what they are told to do wrong. */
import { createServer } from 'node:net';
import { Aedes } from 'aedes';
import { describe, expect, it } from 'vitest';
import { systemClock } from '../../cli/system-clock.ts';
import { ManualClock } from '../../protocols/base/manual-clock.ts';
import type { DesiredConfig } from '../../protocols/fleet/desired-config.ts';
import { parseReportedConfig } from '../../protocols/fleet/parse-config.ts';
import type { ReportedConfig } from '../../protocols/fleet/reported-config.ts';
import type { Settings } from '../../protocols/fleet/settings.ts';
import { type GatewayStatus, parseGatewayStatus } from '../../protocols/uplink/gateway-status.ts';
import { parseUpTopic, topics } from '../../protocols/uplink/topics.ts';
import { castCharacters } from './characters.ts';
import { simGateways } from './cli.ts';
import { type ConfigFault, ConfigTaker } from './config-taker.ts';

const settings = (high: number, device = 'thermometer'): Settings => ({
  rules: [
    {
      ...{ id: 'warm', kind: 'limit', severity: 'warning', high, hysteresis: 0.5, dwellMs: 0 },
      target: { device, quantity: 'temperatureCelsius' },
    },
  ],
  readPoints: {},
  rates: {},
});

function desired(version: number, what: Settings, gatewayId = 'g-1'): Buffer {
  const config: DesiredConfig = { schema: 1, gatewayId, version, issuedAt: '2026-11-23T10:00:00Z', settings: what };
  return Buffer.from(JSON.stringify(config));
}

function taker(fault: ConfigFault = {}) {
  const clock = new ManualClock();
  const reports: ReportedConfig[] = [];
  const port = {
    gatewayId: 'g-1',
    report: async (payload: Buffer) => {
      const { value, error } = parseReportedConfig(payload);
      if (error) throw new Error(error.message);
      reports.push(value);
    },
  };
  const configs = new ConfigTaker({ clock, settleMs: 2_000, trialMs: 60_000, faultOf: () => fault });
  const said = () =>
    reports.map(({ inForce, last }) => `${inForce.version}: ${last?.version ?? '-'} ${last?.state ?? ''}`);
  return {
    clock,
    reports,
    said,
    connect: () => configs.onConnected(port),
    send: (p: Buffer) => configs.onDesired(port, p),
  };
}

describe('a simulated gateway', () => {
  it('says what it has, tries, applies, and looks at nothing twice', async () => {
    const { clock, said, connect, send, reports } = taker();
    connect();
    send(desired(1, settings(8)));
    await clock.advance(1_900);
    send(desired(1, settings(9)));
    await clock.advance(200);
    expect(said()).toEqual(['0: - ', '1: 1 trying', '1: 1 trying', '1: 1 applied']);
    expect(reports[0]?.devices).toContainEqual({ id: 'door', quantities: ['open'] });
  });

  it.each<[string, ConfigFault, Buffer, string]>([
    ['what is no configuration', {}, Buffer.from('{'), ' config-unreadable'],
    ['a device that it has not', {}, desired(1, settings(8, 'cooler-1')), 'rules/warm config-unknown-device'],
    [
      'a key that it was told to refuse',
      { rejects: ['rules/warm'] },
      desired(1, settings(8)),
      'rules/warm sim-key-refused',
    ],
  ])('rejects %s', (_what, fault, payload, reason) => {
    const { reports, send } = taker(fault);
    send(payload);
    expect(reports.at(-1)?.last).toMatchObject({ state: 'rejected' });
    expect(reports.at(-1)?.last?.reasons.map(({ key, code }) => `${key} ${code}`)).toEqual([reason]);
  });

  it('rolls back, and is slow', async () => {
    const back = taker({ rollsBack: true });
    back.send(desired(1, settings(8)));
    await back.clock.advance(60_000);
    expect(back.said()).toEqual(['1: 1 trying', '0: 1 rolled-back']);
    const late = taker({ slowMs: 5_000 });
    late.send(desired(1, settings(8)));
    await late.clock.advance(4_900);
    expect(late.said()).toEqual([]);
    await late.clock.advance(2_200);
    expect(late.said()).toEqual(['1: 1 trying', '1: 1 applied']);
  });
});

it('faults go to the last gateways, each to its own; labels go round', () => {
  const labels = new Map([['profile', ['cold', 'dry']]]);
  const rejects = [{ count: 2, key: 'rules/warm' }];
  const cast = castCharacters({ count: 6, labels, rejects, offline: { count: 1, forMs: 5 }, rollsBack: 1 });
  expect(Array.from({ length: 6 }, (_, index) => cast.characterOf(index).labels?.profile)).toEqual([
    'cold',
    'dry',
    'cold',
    'dry',
    'cold',
    'dry',
  ]);
  expect(cast.characterOf(5).leavesForMs).toBe(5);
  expect([4, 3, 2, 1].map((index) => cast.faultOf(index))).toEqual([
    ...[{ rejects: ['rules/warm'] }, { rejects: ['rules/warm'] }, { rollsBack: true }, {}],
  ]);
});

describe('sim gateways', () => {
  const args = {
    ...{ hub: '', count: 5, rate: 1, packages: 10, mix: 'telemetry=1', prefix: 'van-', seed: 's', json: true },
    ...{ forMs: 20_000, drainMs: 0, flapShare: 0.5, connectsPerS: 1000, deflate: false },
  };

  it('a version goes to all of them: those that reject a key, and those that are away, are told apart', async () => {
    const broker = await Aedes.createBroker();
    const server = createServer(broker.handle);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    const hub = `mqtt://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}`;
    const states = new Map<string, string>();
    const statuses = new Map<string, GatewayStatus>();
    const stop = new AbortController();
    broker.on('publish', (packet) => {
      const found = parseUpTopic(packet.topic);
      const payload = Buffer.from(packet.payload);
      if (found?.kind === 'status') {
        const status = parseGatewayStatus(payload.toString());
        if (status) statuses.set(found.gatewayId, { ...statuses.get(found.gatewayId), ...status });
      }
      if (found?.kind === 'config') {
        states.set(found.gatewayId, parseReportedConfig(payload).value?.last?.state ?? 'none');
        const done = [...states.values()].filter((state) => state === 'applied' || state === 'rejected').length;
        if (done === 4) stop.abort();
      }
    });
    for (let each = 1; each <= 5; each++) {
      const gatewayId = `van-000${each}`;
      const [topic, payload] = [topics.downConfig(gatewayId), desired(1, settings(8), gatewayId)];
      broker.publish({ cmd: 'publish', topic, payload, qos: 1, retain: true, dup: false }, () => {});
    }
    const printed: string[] = [];
    const print = (line: string) => void printed.push(line);
    const { forMs: _forMs, ...endless } = args;
    const exit = simGateways(
      { ...endless, hub, label: ['profile=cold,dry', 'region=north'], reject: ['1:rules/warm'], offline: '1' },
      { clock: systemClock(), print, printError: print, signal: stop.signal },
    );
    await exit;
    expect(Object.fromEntries(states)).toEqual({
      ...{ 'van-0001': 'applied', 'van-0002': 'applied', 'van-0003': 'applied', 'van-0004': 'rejected' },
      'van-0005': 'none',
    });
    expect(statuses.get('van-0005')?.online).toBe(false);
    expect(statuses.get('van-0002')?.labels).toEqual({ profile: 'dry', region: 'north' });
    expect(statuses.get('van-0001')?.devices?.map(({ state }) => state)).toContain('online');
    await new Promise<void>((resolve) => broker.close(() => resolve()));
    await new Promise((resolve) => server.close(resolve));
  });

  it.each([
    ['a label without value', { label: ['profile'] }],
    ['a label that is built in', { label: ['gateway=x'] }],
    ['a rejection of nothing', { reject: ['3'] }],
    ['gateways that are away for no time', { offline: '2:soon' }],
    ['gateways that are slow for no time', { slow: '2' }],
    ['more faults than gateways', { offline: '3', rollBack: 3 }],
  ])('refuses %s', async (_what, changes) => {
    const printed: string[] = [];
    const print = (line: string) => void printed.push(line);
    const { signal } = new AbortController();
    const environment = { clock: systemClock(), print, printError: print, signal };
    expect(await simGateways({ ...args, hub: 'mqtt://127.0.0.1:9', ...changes }, environment)).toBe(1);
    expect(JSON.parse(printed[0] ?? '')).toMatchObject({ error: { code: 'sim-gateways-invalid' } });
  });
});
