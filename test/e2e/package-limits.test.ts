/**
 * A fragile parcel in a van that gets 5 g, through a whole hub on embedded defaults: what its timeline, its state and the pages' API say; and a
 * cooler that fails, as an incident that reaches a web hook.
 */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { PackageState } from '../../hub/tracking/state.ts';
import type { TrackingEvent } from '../../protocols/uplink/tracking-event.ts';
import { eventually, startWholeHub, type WholeHub } from './whole-hub.ts';

const TOKEN = 'a-token-of-a-partner';
const PACKAGE = 'sscc:340123450000000018';
const PATH = `/v1/packages/${encodeURIComponent(PACKAGE)}`;
const OPENING_MS = 60_000;

let hub: WholeHub;
let receiver: Server;
const received: { id: string; body: { phase: string } }[] = [];

beforeAll(async () => {
  receiver = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    received.push({ id: String(request.headers['webhook-id']), body: JSON.parse(Buffer.concat(chunks).toString()) });
    response.writeHead(204).end();
  });
  await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve));
  hub = await startWholeHub(
    `dataDir: memory
mqtt: { listen: '127.0.0.1:0' }
http: { listen: '127.0.0.1:0' }
door: { tokens: { van: ${TOKEN} } }
alerts: { webhooks: { allow: ['127.0.0.1'] } }
`,
  );
}, OPENING_MS);

afterAll(async () => {
  await hub?.stop();
  receiver?.close();
}, OPENING_MS);

async function call<T>(method: string, path: string, body?: object): Promise<T> {
  const response = await fetch(`${hub.httpUrl}${path}`, {
    method,
    headers: {
      authorization: `Bearer ${TOKEN}`,
      'x-milepost-user': 'ann',
      ...(body && { 'content-type': 'application/json' }),
    },
    ...(body && { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
  return (text === '' ? undefined : JSON.parse(text)) as T;
}

let events = 0;
const tell = (event: object) => call('POST', '/v1/events', { eventId: `e${++events}`, clock: CLOCK, ...event });
const CLOCK = { state: 'gps', uncertaintyMs: 10 };
const VAN = { vehicleId: 'VAN-7' };
const scan = (scanType: string, location: object) =>
  tell({ packageId: PACKAGE, scanType, location, occurredAt: new Date().toISOString() });
const shock = (peakG: number) =>
  tell({
    kind: 'shock',
    location: VAN,
    deviceId: 'impacts',
    occurredAt: new Date().toISOString(),
    peakG,
    peakXG: 0,
    peakYG: 0,
    peakZG: peakG,
    durationMs: 12,
    velocityChangeMetersPerSecond: 0.4,
    sampleRateHz: 1600,
    clipped: false,
  });

it('a fragile parcel that gets 5 g in a van is to be inspected at the next dock', async () => {
  expect(await call('PUT', `${PATH}/limits`, { fragile: true, maxTiltDegrees: 40 })).toMatchObject({
    packageId: PACKAGE,
    setBy: 'ann',
    notEvaluated: ['maxTiltDegrees'],
  });
  await scan('LOAD', VAN);
  await shock(1.2);
  await shock(5);
  const flagged = await eventually(async () => {
    const state = await call<PackageState>('GET', PATH).catch(() => undefined);
    return state?.inspection === 'required' ? state : undefined;
  });
  expect(flagged).toMatchObject({
    status: 'LOADED',
    exceptions: [{ kind: 'EXCESSIVE_SHOCK', severity: 'critical', value: 5, limit: 2 }],
  });
  const { items } = await call<{ items: TrackingEvent[] }>('GET', `${PATH}/events`);
  expect(items.map(({ eventType }) => eventType)).toEqual(['PACKAGE_SCANNED', 'EXCEPTION_OCCURRED']);
  expect(items[1]?.data.exception).toMatchObject({ kind: 'EXCESSIVE_SHOCK', phase: 'began' });

  await scan('ARRIVAL', { facilityId: 'HUB-A', readPoint: 'dock-4' });
  const inspected = await eventually(async () => {
    const state = await call<PackageState>('GET', PATH);
    return state.inspection === undefined && state.exceptions?.[0]?.inspectedAt ? state : undefined;
  });
  expect(inspected.exceptions?.[0]?.inspectedAt).toMatchObject({ readPoint: 'dock-4' });
});

it('a subscription is tried out, and its web hook called', async () => {
  const { port } = receiver.address() as AddressInfo;
  const url = `http://127.0.0.1:${port}/hook`;
  const channel = { kind: 'webhook', url, secret: 'a secret of some length' };
  expect(await call('PUT', '/v1/subscriptions/ann-1', { channel })).toMatchObject({
    owner: 'ann',
    channel: { kind: 'webhook', url, hasSecret: true },
  });
  const { deliveryId } = await call<{ deliveryId: string }>('POST', '/v1/subscriptions/ann-1/test');
  await eventually(async () => received.find(({ id }) => id === deliveryId));
  const done = await eventually(async () => {
    const { items } = await call<{ items: { state: string }[] }>('GET', '/v1/deliveries?subscription=ann-1&state=done');
    return items[0];
  });
  expect(done).toMatchObject({ deliveryId, phase: 'test', attempts: 1 });
});
