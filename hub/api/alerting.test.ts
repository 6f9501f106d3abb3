import Ajv from 'ajv/dist/2020.js';
import type { FastifyInstance } from 'fastify';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { silentLog } from '../../protocols/base/log.ts';
import { ManualClock } from '../../protocols/base/manual-clock.ts';
import { openAlerting } from '../alerts/alerting.ts';
import { withIncidents } from '../alerts/incident-projection.ts';
import { alertMigrations } from '../alerts/migrations.ts';
import { coolerAlert, minute, START_MS } from '../alerts/sample-alerts.test-support.ts';
import { checkHubConfig } from '../config.ts';
import { fleetMigrations } from '../fleet/migrations.ts';
import { LimitDesk } from '../limits/limit-desk.ts';
import { limitMigrations } from '../limits/migrations.ts';
import { openPglite } from '../store/pglite.ts';
import type { Store } from '../store/store.ts';
import { timeSeriesMigrations } from '../timeseries/sql/migrations.ts';
import { SqlTimeSeries } from '../timeseries/sql/sql-time-series.ts';
import { alertProjection } from '../tracking/alert-projection.ts';
import { Changes } from '../tracking/changes.ts';
import { trackingMigrations } from '../tracking/migrations.ts';
import { createApi } from './app.ts';

let store: Store;
let api: FastifyInstance;
let document: { paths: Record<string, Record<string, { responses: Record<string, Answer> }>>; components: object };
interface Answer {
  content?: Record<string, { schema: object }>;
}
const ajv = new Ajv.default({ strict: false, validateFormats: false });

beforeAll(async () => {
  const migrations = [
    trackingMigrations,
    timeSeriesMigrations,
    fleetMigrations,
    alertMigrations,
    limitMigrations,
  ].flat();
  store = await openPglite({ migrations });
  await store.migrate();
  const checked = checkHubConfig('', 'hub.yaml');
  if (!checked.ok) throw new Error('no configuration');
  const clock = new ManualClock(START_MS);
  const changes = new Changes();
  api = await createApi({
    store,
    timeSeries: new SqlTimeSeries(store),
    changes,
    clock,
    log: silentLog,
    roles: ['api'],
    health: {},
    metrics: async () => '',
    alerting: openAlerting({ config: checked.config.alerts, store, clock, changes }),
    limits: new LimitDesk({ store, clock }),
  });
  document = (await api.inject('/openapi.json')).json();
  ajv.addSchema({ $id: 'api', components: document.components });
  await store.transaction((sql) =>
    withIncidents(alertProjection, { clock, retryForMs: 1 }).apply(sql, [coolerAlert('a', 'raised', 0)]),
  );
}, 60_000);
afterAll(async () => {
  await api?.close();
  await store?.close();
});

/** Asks, and holds the answer against the published description. */
async function call(method: 'GET' | 'POST' | 'PUT' | 'DELETE', path: string, payload?: object | string) {
  const type = typeof payload === 'string' ? 'application/x-ndjson' : 'application/json';
  const headers = { 'x-milepost-user': 'ann', ...(payload !== undefined && { 'content-type': type }) };
  const response = await api.inject({ method, url: path, headers, ...(payload !== undefined && { payload }) });
  const pattern = Object.keys(document.paths).find((each) =>
    new RegExp(`^${each.replace(/\{\w+\}/g, '[^/]+')}$`).test(path.split('?')[0] ?? ''),
  );
  const described = document.paths[pattern ?? '']?.[method.toLowerCase()]?.responses[String(response.statusCode)];
  if (!described)
    throw new Error(`${method} ${path} answers ${response.statusCode}, which is not described: ${response.body}`);
  const body: unknown = response.body === '' ? undefined : response.json();
  const schema = described.content?.['application/json']?.schema;
  if (schema) {
    const absolute = JSON.parse(JSON.stringify(schema).replaceAll('"#/', '"api#/')) as object;
    const validate = ajv.compile(absolute);
    if (!validate(body)) throw new Error(`${method} ${path}: ${ajv.errorsText(validate.errors)}`);
  }
  return { status: response.statusCode, body };
}

it('incidents are listed, taken on and written about', async () => {
  const list = await call('GET', '/v1/incidents?state=open&severity=warning&subject=vehicle%2FVAN-7');
  expect(list.body).toMatchObject({ items: [{ title: 'Temperature on vehicle VAN-7', gateways: ['gw-van-7'] }] });
  const [{ incidentId } = { incidentId: '' }] = (list.body as { items: { incidentId: string }[] }).items;
  const path = `/v1/incidents/${incidentId}`;
  expect((await call('POST', `${path}/acknowledge`, { note: 'on my way' })).body).toMatchObject({
    state: 'acknowledged',
    acknowledgedBy: 'ann',
  });
  expect((await call('POST', `${path}/notes`, { text: 'door was open' })).body).toMatchObject({
    notes: [
      { kind: 'acknowledged', who: 'ann', text: 'on my way' },
      { kind: 'note', text: 'door was open' },
    ],
  });
  expect((await call('GET', path)).body).toMatchObject({ alerts: [{ alertId: 'a' }] });
  expect(await call('GET', '/v1/incidents/nothing')).toMatchObject({
    status: 404,
    body: { error: { code: 'incident-unknown' } },
  });
});

it('silences are made, listed and ended; one of everything is refused', async () => {
  const silence = { matcher: { vehicle: 'VAN-*' }, to: minute(60), reason: 'defrosting' };
  const { body } = await call('POST', '/v1/silences', silence);
  expect(body).toMatchObject({ state: 'active', author: 'ann', from: minute(0) });
  const { silenceId } = body as { silenceId: string };
  expect((await call('GET', '/v1/silences')).body).toMatchObject({ items: [{ silenceId }] });
  expect((await call('DELETE', `/v1/silences/${silenceId}`)).body).toMatchObject({ state: 'over', endedBy: 'ann' });
  expect((await call('DELETE', `/v1/silences/${silenceId}`)).status).toBe(409);
  expect((await call('DELETE', '/v1/silences/none')).status).toBe(404);
  expect((await call('POST', '/v1/silences', { ...silence, matcher: {} })).body).toMatchObject({
    error: { code: 'silence-invalid' },
  });
});

it('a subscription is written without ever giving its secret back, and refused where it can reach nobody', async () => {
  const path = '/v1/subscriptions/ann-1';
  const channel = { kind: 'webhook', url: 'https://hooks.example/milepost', secret: 'a secret of some length' };
  const written = await call('PUT', path, { channel, matcher: { labels: { depot: ['north', 'south'] } } });
  expect(written.body).toMatchObject({ owner: 'ann', minSeverity: 'warning', enabled: true });
  expect(JSON.stringify([written, await call('GET', '/v1/subscriptions'), await call('GET', path)])).not.toContain(
    'a secret',
  );
  const { secret: _secret, ...without } = channel;
  expect((await call('PUT', path, { channel: without, enabled: false })).body).toMatchObject({ enabled: false });
  const refused = async (id: string, wrong: object) =>
    ((await call('PUT', `/v1/subscriptions/${id}`, { channel: wrong })).body as { error: { code: string } }).error.code;
  expect(await refused('new', without)).toBe('subscription-invalid');
  expect(await refused('new', { ...channel, url: 'ftp://hooks.example' })).toBe('subscription-invalid');
  expect(await refused('new', { ...channel, url: 'http://[::1]:9000/' })).toBe('address-private');
  expect(await refused('new', { kind: 'email', address: 'ann@example.com' })).toBe('email-not-configured');
  expect((await call('POST', `${path}/test`)).body).toMatchObject({ phase: 'test', state: 'waiting' });
  expect((await call('GET', '/v1/deliveries?subscription=ann-1')).body).toMatchObject({ items: [{ phase: 'test' }] });
  expect((await call('DELETE', path)).status).toBe(204);
  expect((await call('GET', path)).status).toBe(404);
  expect((await call('GET', '/v1/deliveries')).body).toEqual({ items: [] });
});

it('packages get their limits, one or many', async () => {
  const path = '/v1/packages/sscc%3A1/limits';
  const limits = { temperatureCelsius: { low: 2, high: 8 }, maxTiltDegrees: 30 };
  expect((await call('PUT', path, limits)).body).toEqual({
    packageId: 'sscc:1',
    limits,
    notEvaluated: ['maxTiltDegrees'],
    setBy: 'ann',
    setAt: minute(0),
  });
  expect((await call('PUT', path, { temperatureCelsius: { low: 9, high: 8 } })).body).toMatchObject({
    error: { code: 'limits-invalid' },
  });
  const lines = '{"packageId":"sscc:2","fragile":true}\n{"packageId":"sscc:3","maxShockG":5}\n';
  expect((await call('POST', '/v1/package-limits', lines)).body).toEqual({ count: 2 });
  expect((await call('GET', '/v1/packages/sscc%3A2/limits')).body).toMatchObject({ limits: { fragile: true } });
  const wrong = `${lines}{"packageId":"sscc:4","maxShock":5}\n`;
  expect(await call('POST', '/v1/package-limits', wrong)).toMatchObject({
    status: 400,
    body: { error: { message: expect.stringContaining('line 3') } },
  });
});
