/**
 * A gateway takes its configuration from the hub while it works: the whole daemon in this process, its devices on pseudo-terminals, a broker over TCP.
 */
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { Aedes } from 'aedes';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { checkEdgeConfig } from '../../edge/config.ts';
import { type RunningEdge, runEdge } from '../../edge/main.ts';
import type { Log } from '../../protocols/base/log.ts';
import type { DesiredConfig } from '../../protocols/fleet/desired-config.ts';
import { parseReportedConfig } from '../../protocols/fleet/parse-config.ts';
import type { ReportedConfig } from '../../protocols/fleet/reported-config.ts';
import type { Settings } from '../../protocols/fleet/settings.ts';
import { encodeAcknowledgement, readBatchHeader, readBatchRecords } from '../../protocols/uplink/batch.ts';
import { type GatewayStatus, parseGatewayStatus } from '../../protocols/uplink/gateway-status.ts';
import type { AlertPayload, Payload } from '../../protocols/uplink/model.ts';
import { decodePayload } from '../../protocols/uplink/payload-codec.ts';
import { parseUpTopic, topics } from '../../protocols/uplink/topics.ts';
import type { RunningSimulator } from '../../simulators/simulator.ts';
import { clock, driverBench, scanner, thermometer } from './driver-bench.ts';

const GATEWAY = 'van-7';
const TRIAL_MS = 15_000;
const { simulate, runDir } = driverBench();

let broker: Aedes;
let server: Server;
let edge: RunningEdge;
let stop: AbortController;
let reports: ReportedConfig[];
let status: GatewayStatus | undefined;
let payloads: Payload[];
/** Devices, each time one came online. */
let online: string[];

beforeEach(async () => {
  [reports, payloads, online, status] = [[], [], [], undefined];
  stop = new AbortController();
  broker = await Aedes.createBroker();
  server = createServer(broker.handle);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  broker.on('publish', ({ topic, payload }) => onPublish(topic, Buffer.from(payload)));
});

afterEach(async () => {
  stop.abort();
  await edge?.done;
  await new Promise<void>((resolve) => broker.close(() => resolve()));
  await new Promise((resolve) => server.close(resolve));
});

function onPublish(topic: string, payload: Buffer): void {
  const found = parseUpTopic(topic);
  if (found?.kind === 'config') {
    const { value, error } = parseReportedConfig(payload);
    if (error) throw new Error(error.message);
    reports.push(value);
  } else if (found?.kind === 'status') {
    status = parseGatewayStatus(payload.toString());
  } else if (found?.kind === 'lane') {
    const header = readBatchHeader(payload);
    for (const item of readBatchRecords(header))
      if ('record' in item) payloads.push(decodePayload(item.record.payload));
    const { epoch, lane, firstSequence: first, count } = header;
    tell(topics.downAck(GATEWAY), encodeAcknowledgement([{ epoch, lane, first, last: first + count - 1 }]), false);
  }
}

function tell(topic: string, payload: Buffer, retain: boolean): void {
  broker.publish({ cmd: 'publish', topic, payload, qos: 1, retain, dup: false }, () => {});
}

function desire(version: number, settings: Partial<Settings>): void {
  const config: DesiredConfig = {
    ...{ schema: 1, gatewayId: GATEWAY, version, issuedAt: new Date().toISOString() },
    settings: { rules: [], readPoints: {}, rates: {}, ...settings },
  };
  tell(topics.downConfig(GATEWAY), Buffer.from(JSON.stringify(config)), true);
}

const limit = (high: number, device = 'cooler'): Settings['rules'] => [
  {
    ...{ id: 'fleet-warm', kind: 'limit', severity: 'critical', high, hysteresis: 0.5, dwellMs: 0 },
    target: { device, quantity: 'temperatureCelsius' },
  },
];

const wait = (check: () => void, timeout = 45_000) => vi.waitFor(check, { timeout, interval: 50 });
const said = () => {
  const { inForce, last } = reports.at(-1) ?? {};
  return `${inForce?.version}: ${last?.version ?? '-'} ${last?.state ?? ''}`;
};
const alerts = () =>
  payloads
    .filter((payload): payload is AlertPayload => payload.kind === 'alert')
    .map(({ phase, limit: at }) => `${phase} ${at}`);

it('takes limits, rates and options hot, rejects what it cannot have, and returns from what does not work', async () => {
  const cooler = await simulate(thermometer({ baseCelsius: 5, swingCelsius: 0, noiseCelsius: 0 }));
  const reader = await simulate(scanner());
  const address = server.address();
  const port = typeof address === 'object' && address ? address.port : 0;
  const checked = await checkEdgeConfig(
    `
gateway: { id: ${GATEWAY}, vehicle: ${GATEWAY}, stateDir: ${join(runDir(), 'state')}, labels: { profile: cold-van } }
hub: { url: mqtt://127.0.0.1:${port} }
readPoints: [{ id: load, businessStep: loading }]
devices:
  - { id: scanner, driver: serial-barcode, readPoint: load, options: { path: ${reader.address} } }
  - { id: cooler, driver: modbus-rtu, options: { path: ${cooler.address}, intervalMs: 200, timeoutMs: 300, units: [{ unitId: 1, map: xy-md02 }] } }
thresholds: [{ id: file-warm, device: cooler, quantity: temperatureCelsius, high: 8 }]
fleet: { trialTime: ${TRIAL_MS}ms }
`,
    'edge.yaml',
  );
  if (!checked.ok) throw new Error(JSON.stringify(checked.problems));
  const log = tellingLog();
  edge = await runEdge({ config: checked.config, clock, log, signal: stop.signal, version: 'test' });
  await wait(() => expect([...online].sort()).toEqual(['cooler', 'scanner']));
  await wait(() => expect(said()).toBe('0: - '));
  expect(reports.at(-1)?.devices).toContainEqual({
    id: 'cooler',
    quantities: ['temperatureCelsius', 'relativeHumidityPercent'],
  });
  await wait(() => expect(status?.labels).toEqual({ profile: 'cold-van', vehicle: GATEWAY }));
  expect(alerts()).toEqual([]);

  // A new limit is in force with the next reading; no driver stops for it.
  desire(1, { rules: limit(4) });
  await wait(() => expect(alerts()).toEqual(['raised 4']));
  await wait(() => expect(said()).toBe('1: 1 applied'));
  expect(online).toHaveLength(2);

  // One key that cannot be had here rejects the whole version.
  desire(2, { rules: limit(1), rates: { freezer: {} } });
  await wait(() => expect(said()).toBe('1: 2 rejected'));
  expect(reports.at(-1)?.last?.reasons).toMatchObject([{ key: 'rates/freezer', code: 'config-unknown-device' }]);
  expect(alerts()).toEqual(['raised 4']);

  // Options restart their own driver. What the rule had open is another rule's now.
  desire(3, { rules: limit(4), rates: { cooler: { options: { intervalMs: 100 } } } });
  await wait(() => expect(said()).toBe('3: 3 applied'));
  expect(online.slice(2)).toEqual(['cooler']);
  expect(alerts()).toEqual(['raised 4']);

  // A port that is not there: after the trial time the last good version is back, and with it the device.
  desire(4, { rules: limit(3), rates: { cooler: { options: { path: join(runDir(), 'nothing') } } } });
  await wait(() => expect(said()).toBe('4: 4 trying'));
  await scanned(reader, 'IN-THE-TRIAL');
  await wait(() => expect(said()).toBe('3: 4 rolled-back'), 60_000);
  expect(reports.at(-1)?.last?.reasons).toMatchObject([{ key: 'rates/cooler', code: 'config-device-lost' }]);
  await wait(() => expect(online.slice(3)).toEqual(['cooler']));
  const before = payloads.length;
  await wait(() => expect(payloads.slice(before).some(({ kind }) => kind === 'temperature')).toBe(true));
  expect(edge.report().config).toMatchObject({ version: 3, state: 'rolled-back', lastVersion: 4 });
  await scanned(reader, 'AFTER-IT');
  // The scanner has run on all the time.
  expect(online.filter((id) => id === 'scanner')).toHaveLength(1);
}, 240_000);

async function scanned(reader: RunningSimulator, text: string): Promise<void> {
  await reader.command('scan', { text, aim: ']C1' });
  await wait(() =>
    expect(payloads.some((payload) => payload.kind === 'tracking' && payload.scanned === text)).toBe(true),
  );
}

function tellingLog(bindings: Record<string, unknown> = {}): Log {
  return {
    debug: () => {},
    info: (_fields, message) => {
      if (message === 'device online') online.push(String(bindings.device));
    },
    warn: () => {},
    error: () => {},
    child: (more) => tellingLog({ ...bindings, ...more }),
  };
}
