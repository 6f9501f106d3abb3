/**
 * The open door of a whole hub on embedded defaults, over the wires that clients use: MQTT with mqtt.js, HTTP with fetch. Then its dead letters
 * and a replay.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import mqtt, { type MqttClient } from 'mqtt';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { decodeSparkplug, encodeSparkplug } from '../../protocols/sparkplug/index.ts';
import type { TrackingEvent } from '../../protocols/uplink/tracking-event.ts';
import { eventually, startWholeHub, type WholeHub } from './whole-hub.ts';

const TOKEN = 'a-token-of-a-partner';
const NODE = 'sparkplug:ParcelHub:gw-01';
const OPENING_MS = 60_000;

let hub: WholeHub;
const clients: MqttClient[] = [];

beforeAll(async () => {
  hub = await startWholeHub(
    `dataDir: memory
mqtt: { listen: '127.0.0.1:0', users: { handheld-7: secret, '${NODE}': secret } }
http: { listen: '127.0.0.1:0' }
door: { tokens: { partner: ${TOKEN} }, users: { app: password } }
`,
  );
}, OPENING_MS);

afterAll(async () => {
  await Promise.all(clients.map((client) => client.endAsync(true)));
  await hub?.stop();
}, OPENING_MS);

async function connect(username: string): Promise<MqttClient> {
  const client = await mqtt.connectAsync(hub.mqttUrl as string, { username, password: 'secret', clientId: username });
  clients.push(client);
  return client;
}

function post(path: string, body: string, headers: Record<string, string> = {}): Promise<Response> {
  const defaults = { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' };
  return fetch(`${hub.httpUrl}${path}`, { method: 'POST', body, headers: { ...defaults, ...headers } });
}

async function get<T>(path: string, headers: Record<string, string> = {}): Promise<T | undefined> {
  const response = await fetch(`${hub.httpUrl}${path}`, { headers });
  return response.ok ? ((await response.json()) as T) : undefined;
}

async function eventsOf(packageId: string, atLeast = 1): Promise<TrackingEvent[]> {
  return eventually(async () => {
    const page = await get<{ items: TrackingEvent[] }>(`/v1/packages/${encodeURIComponent(packageId)}/events`);
    return page && page.items.length >= atLeast ? page.items : undefined;
  });
}

interface LetterSummary {
  id: string;
  code: string;
  gatewayId: string;
  reason: string;
  state: string;
}

function letter(code: string, gateway: string): Promise<LetterSummary> {
  return eventually(async () => {
    const page = await get<{ items: LetterSummary[] }>(`/v1/dead-letters?code=${code}&gateway=${gateway}`);
    return page?.items[0];
  });
}

const event = (eventId: string, more: object = {}) => ({
  eventId,
  scanned: '1Z999AA10123456784',
  businessStep: 'receiving',
  occurredAt: '2026-01-05T09:30:00+01:00',
  location: { facilityId: 'DC-1', readPoint: 'dock-4' },
  ...more,
});

describe('MQTT', () => {
  it('PUBACK means that the event log has it; each event counts once', async () => {
    const client = await connect('handheld-7');
    const topic = 'milepost/v1/handheld-7/json';
    const first = event('scan-1', { packageId: 'sscc:003456789012345675' });
    await client.publishAsync(topic, JSON.stringify(first), { qos: 1 });
    await client.publishAsync(
      topic,
      JSON.stringify([
        first,
        { ...first, eventId: 'scan-2', businessStep: 'loading', occurredAt: '2026-01-05T08:31:00Z' },
      ]),
      { qos: 1 },
    );
    const events = await eventsOf('sscc:003456789012345675', 2);
    expect(
      events.map(({ source, scanType, occurredAt }) => [source.gatewayId, source.clientEventId, scanType, occurredAt]),
    ).toEqual([
      ['handheld-7', 'scan-1', 'ARRIVAL', '2026-01-05T08:30:00.000Z'],
      ['handheld-7', 'scan-2', 'LOAD', '2026-01-05T08:31:00.000Z'],
    ]);
    expect(events[0]?.otherIds).toContain('ups:1Z999AA10123456784');
  });

  it('what is no event is a dead letter with its bytes, and acknowledged', async () => {
    const client = await connect('handheld-7');
    await client.publishAsync('milepost/v1/handheld-7/json', 'no json', { qos: 1 });
    const { id } = await letter('door-json', 'handheld-7');
    expect(await get(`/v1/dead-letters/${id}`)).toMatchObject({ text: 'no json', headers: { door: 'json' } });
  });

  it('another client’s door is shut', async () => {
    const client = await connect('handheld-7');
    const closed = new Promise((resolve) => client.once('close', () => resolve(undefined)));
    void client.publishAsync('milepost/v1/partner/json', JSON.stringify(event('x')), { qos: 1 }).catch(() => {});
    await closed;
    await client.endAsync(true);
  });
});

describe('HTTP', () => {
  it('takes one event, an array, and lines; by token and by password', async () => {
    const one = await post('/v1/events', JSON.stringify(event('h-1', { packageId: 'sscc:000000000000000017' })));
    expect([one.status, await one.json()]).toEqual([
      202,
      { accepted: 1, rejected: 0, results: [{ line: 1, eventId: 'h-1', status: 'accepted' }] },
    ]);
    const basic = { authorization: `Basic ${Buffer.from('app:password').toString('base64')}` };
    const lines = ['h-1', 'h-2']
      .map((id) => JSON.stringify(event(id, { packageId: 'sscc:000000000000000017' })))
      .join('\n\n');
    const two = await post('/v1/events', `${lines}\n`, { ...basic, 'content-type': 'application/x-ndjson' });
    expect(two.status).toBe(202);
    // Ids are each client's own.
    const events = await eventsOf('sscc:000000000000000017', 3);
    expect(events.map(({ source }) => `${source.gatewayId}/${source.clientEventId}`).sort()).toEqual([
      'app/h-1',
      'app/h-2',
      'partner/h-1',
    ]);
  });

  it('says line by line what is wrong, and takes the rest', async () => {
    const lines = [
      JSON.stringify(event('l-1', { packageId: 'sscc:000000000000000024' })),
      '{"eventId":',
      '',
      JSON.stringify({ ...event('l-4'), scanType: 'TELEPORT' }),
    ];
    const response = await post('/v1/events', lines.join('\n'), { 'content-type': 'application/x-ndjson' });
    expect(response.status).toBe(422);
    expect(await response.json()).toMatchObject({
      error: { code: 'event-invalid', message: expect.stringContaining('line 2') },
      accepted: 1,
      rejected: 2,
      results: [
        { line: 1, status: 'accepted' },
        { line: 2, status: 'rejected', code: 'door-json' },
        {
          line: 4,
          eventId: 'l-4',
          status: 'rejected',
          code: 'door-invalid',
          message: expect.stringContaining('/scanType'),
        },
      ],
    });
    expect(await eventsOf('sscc:000000000000000024')).toHaveLength(1);
  });

  it.each([
    [401, {}, { authorization: '' }],
    [401, event('x'), { authorization: 'Bearer wrong' }],
    [415, event('x'), { 'content-type': 'text/plain' }],
    [422, [], {}],
  ])('%s', async (status, body, headers) => {
    const response = await post('/v1/events', JSON.stringify(body), headers);
    expect(response.status).toBe(status);
    expect(await response.json()).toMatchObject({ error: { code: expect.any(String), message: expect.any(String) } });
  });

  it('413 for a body beyond the bound, which is raised here only', async () => {
    expect((await post('/v1/events', ' '.repeat(17 * 1024 * 1024))).status).toBe(413);
    expect((await post('/v1/replays', JSON.stringify({ from: 'x'.repeat(5000) }))).status).toBe(413);
  });

  it('the same id with other content: the first counts, the second is a dead letter', async () => {
    await post('/v1/events', JSON.stringify(event('c-1', { packageId: 'sscc:000000000000000031' })));
    await post('/v1/events', JSON.stringify(event('c-1', { packageId: 'sscc:000000000000000048' })));
    const { reason } = await letter('door-conflict', 'partner');
    expect(reason).toContain('c-1');
    expect(await eventsOf('sscc:000000000000000031')).toHaveLength(1);
    expect(await get('/v1/packages/sscc%3A000000000000000048')).toBeUndefined();
  });

  it('telemetry becomes curves', async () => {
    const sample = {
      kind: 'temperature',
      eventId: 't-1',
      temperatureCelsius: 4.5,
      deviceId: 'logger-3',
      location: { vehicleId: 'VAN-9' },
    };
    expect((await post('/v1/events', JSON.stringify({ ...sample, occurredAt: '2026-01-05T08:00:00Z' }))).status).toBe(
      202,
    );
    await post(
      '/v1/events',
      JSON.stringify(
        event('t-2', {
          packageId: 'sscc:000000000000000055',
          occurredAt: '2026-01-05T07:59:00Z',
          scanType: 'LOAD',
          location: { vehicleId: 'VAN-9' },
        }),
      ),
    );
    const curves = await eventually(async () => {
      const sensors = await get<{ curves: { points: [string, number][] }[] }>(
        '/v1/packages/sscc%3A000000000000000055/sensors',
      );
      return sensors?.curves.length ? sensors.curves : undefined;
    });
    expect(curves[0]?.points).toEqual([['2026-01-05T08:00:00.000Z', 4.5]]);
  });
});

describe('EPCIS 2.0 capture', () => {
  const document = (...eventList: object[]) =>
    JSON.stringify({
      '@context': 'https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld',
      type: 'EPCISDocument',
      schemaVersion: '2.0',
      creationDate: '2026-01-05T08:00:00Z',
      epcisBody: { eventList },
    });
  const arrival = {
    type: 'ObjectEvent',
    eventID: 'urn:uuid:374d95fc-9457-4a51-bd6a-0bba133845a8',
    action: 'OBSERVE',
    bizStep: 'arriving',
    eventTime: '2026-01-05T08:00:00Z',
    eventTimeZoneOffset: '+00:00',
    epcList: ['urn:epc:id:sscc:0614141.1234567890'],
    bizLocation: { id: 'urn:epc:id:sgln:0614141.07346.0' },
  };
  const capture = (body: string, headers: Record<string, string> = {}) =>
    post('/epcis/v2/capture', body, { 'content-type': 'application/ld+json', ...headers });
  const jobOf = async (response: Response) =>
    get<{ success: boolean; running: boolean; errors: { title: string }[] }>(response.headers.get('location') ?? '', {
      authorization: `Bearer ${TOKEN}`,
    });

  it('a document that comes twice counts once; its job says so', async () => {
    const first = await capture(document(arrival));
    expect(first.status).toBe(202);
    expect(await jobOf(first)).toMatchObject({ running: false, success: true, errors: [] });
    expect((await capture(document(arrival))).status).toBe(202);
    await capture(
      document({ ...arrival, eventID: 'urn:uuid:2', bizStep: 'departing', eventTime: '2026-01-05T09:00:00Z' }),
    );
    const events = await eventsOf('sscc:106141412345678908', 2);
    expect(events.map(({ scanType, location }) => [scanType, location.facilityId])).toEqual([
      ['ARRIVAL', 'gln:0614141073467'],
      ['DEPARTURE', 'gln:0614141073467'],
    ]);
  });

  it('rolls back by default, and takes what it can when told to proceed', async () => {
    const other = { ...arrival, eventID: 'urn:uuid:3', epcList: ['urn:epc:id:sscc:0614141.2234567890'] };
    const transformation = { ...arrival, eventID: 'urn:uuid:4', type: 'TransformationEvent' };
    const back = await capture(document(other, transformation));
    expect(await jobOf(back)).toMatchObject({ success: false, errors: [{ title: 'epcis-unsupported' }] });
    const on = await capture(document(other, transformation), { 'gs1-epcis-capture-error-behaviour': 'proceed' });
    expect(await jobOf(on)).toMatchObject({ success: false, errors: [{ title: 'epcis-unsupported' }] });
    expect(await eventsOf('sscc:206141412345678905')).toHaveLength(1);
    const kept = await letter('epcis-unsupported', 'partner');
    const again = await post(`/v1/dead-letters/${kept.id}/replay`, JSON.stringify({ by: 'tester' }));
    expect([again.status, await again.json()]).toMatchObject([422, { error: { code: 'letter-not-replayable' } }]);
  });

  it('400 for what is no document', async () => {
    expect((await capture('{}')).status).toBe(400);
  });
});

describe('Sparkplug B', () => {
  const [vector] = JSON.parse(
    readFileSync(new URL('../../protocols/sparkplug/fixtures/sparkplug.json', import.meta.url), 'utf8'),
  ) as { input: string }[];
  const points = async () => {
    const page = await (await fetch(`${hub.httpUrl}/metrics`)).text();
    return Number(/milepost_hub_points_total\{group="milepost-timeseries"\} (\d+)/.exec(page)?.[1]);
  };
  const gateways = async () => (await hub.report()).gateways?.filter(({ gatewayId }) => gatewayId === NODE);

  it('a node that publishes a birth is a gateway that is online, its metrics are points; with its death it is offline', async () => {
    const before = await points();
    const client = await connect(NODE);
    await client.publishAsync('spBv1.0/ParcelHub/NBIRTH/gw-01', Buffer.from(vector?.input ?? '', 'hex'), { qos: 0 });
    await eventually(async () => ((await gateways())?.[0]?.online ? true : undefined));
    await eventually(async () => ((await points()) >= before + 5 ? true : undefined));
    const death = encodeSparkplug({ metrics: [{ name: 'bdSeq', datatype: 8, longValue: 0n }] });
    await client.publishAsync('spBv1.0/ParcelHub/NDEATH/gw-01', death, { qos: 1 });
    await eventually(async () => ((await gateways())?.[0]?.online === false ? true : undefined));
  });

  it('a node that is not known is asked to announce itself again', async () => {
    const client = await connect(NODE);
    const asked = new Promise<Buffer>((resolve) => client.once('message', (_topic, payload) => resolve(payload)));
    await client.subscribeAsync('spBv1.0/ParcelHub/NCMD/gw-01', { qos: 1 });
    await client.publishAsync('spBv1.0/ParcelHub/NDATA/gw-01', encodeSparkplug({ seq: 7, metrics: [] }), { qos: 0 });
    expect(decodeSparkplug(await asked).metrics).toMatchObject([{ name: 'Node Control/Rebirth', booleanValue: true }]);
  });
});

describe('operators', () => {
  it('a letter is dropped with who and why, once', async () => {
    const { id } = await letter('door-conflict', 'partner');
    const drop = () => post(`/v1/dead-letters/${id}/drop`, JSON.stringify({ by: 'ada', why: 'a test of the partner' }));
    expect(await (await drop()).json()).toMatchObject({
      state: 'dropped',
      settledBy: 'ada',
      why: 'a test of the partner',
    });
    expect((await drop()).status).toBe(409);
    expect((await post('/v1/dead-letters/99-99/drop', JSON.stringify({ by: 'a', why: 'b' }))).status).toBe(404);
  });

  it('a replay of everything changes nothing that was right, and tells how far it is', async () => {
    const before = await get<{ version: string }>('/v1/packages/sscc%3A003456789012345675');
    const started = await post('/v1/replays', JSON.stringify({ from: 0 }));
    expect(started.status).toBe(202);
    const { id } = (await started.json()) as { id: string };
    const report = await eventually(async () => {
      const each = await get<{ state: string; total: number; done: number; counters: { packageEvents: number } }>(
        `/v1/replays/${id}`,
      );
      return each && each.state !== 'running' ? each : undefined;
    });
    expect(report).toMatchObject({ state: 'done', done: report.total });
    expect(report.counters.packageEvents).toBeGreaterThan(5);
    expect(await get('/v1/packages/sscc%3A003456789012345675')).toEqual(before);
  });

  it('the command line shows and settles the same', async () => {
    const milepost = async (...args: string[]) => {
      const child = spawn(
        process.execPath,
        ['--import', 'tsx', 'cli/main.ts', 'hub', ...args, '--hub', hub.httpUrl, '--json'],
        {
          stdio: ['ignore', 'pipe', 'inherit'],
          cwd: join(import.meta.dirname, '../..'),
        },
      );
      const exited = once(child, 'exit');
      const lines = (await text(child.stdout)).trim().split('\n');
      const [code] = await exited;
      return { code, answers: lines.map((line) => JSON.parse(line) as Record<string, unknown>) };
    };
    const listed = await milepost('dead-letters', 'list', '--code', 'door-json');
    expect(listed).toMatchObject({ code: 0, answers: [{ code: 'door-json', state: 'open', gatewayId: 'handheld-7' }] });
    const id = String(listed.answers[0]?.id);
    expect(await milepost('dead-letters', 'replay', id)).toMatchObject({
      code: 1,
      answers: [{ error: { code: 'letter-not-replayable' } }],
    });
    expect(await milepost('dead-letters', 'drop', id, '--why', 'no json', '--by', 'ada')).toMatchObject({
      code: 0,
      answers: [{ state: 'dropped', settledBy: 'ada' }],
    });
    expect(await milepost('replay', '--from', '2026-01-01T00:00:00Z', '--into', 'state')).toMatchObject({
      code: 0,
      answers: [{ state: 'done' }],
    });
    expect(await milepost('replay', '--from', 'yesterday')).toMatchObject({
      code: 1,
      answers: [{ error: { code: 'invalid-parameter' } }],
    });
  });
});
