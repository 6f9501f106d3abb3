/** The fleet over HTTP: parameters, answers, refusals. What the fleet does stands in hub/fleet/fleet.contract.ts. */
import Ajv from 'ajv/dist/2020.js';
import type { FastifyInstance } from 'fastify';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { silentLog } from '../../../protocols/base/log.ts';
import { ManualClock } from '../../../protocols/base/manual-clock.ts';
import { Fleet } from '../../fleet/fleet.ts';
import { tickFleet } from '../../fleet/fleet-engine.ts';
import { reportProjection, statusProjection } from '../../fleet/gateway-projections.ts';
import { fleetMigrations } from '../../fleet/migrations.ts';
import { openPglite } from '../../store/pglite.ts';
import type { Store } from '../../store/store.ts';
import { SqlTimeSeries } from '../../timeseries/sql/sql-time-series.ts';
import { Changes } from '../../tracking/changes.ts';
import { trackingMigrations } from '../../tracking/migrations.ts';
import { TrackingReader } from '../../tracking/reader.ts';
import { createApi } from '../app.ts';
import { LiveFeed, type LiveUpdate } from '../live-feed.ts';
import { openapi } from '../openapi.ts';
import { withFleet } from '../openapi-fleet.ts';

const clock = new ManualClock();
const changes = new Changes();
const document = withFleet(openapi);
let store: Store;
let fleet: Fleet;
let api: FastifyInstance;

beforeAll(async () => {
  store = await openPglite({ migrations: [...trackingMigrations, ...fleetMigrations] });
  await store.migrate();
  fleet = new Fleet({ store, clock, changes });
  api = await createApi({
    store,
    timeSeries: new SqlTimeSeries(store),
    changes,
    clock,
    log: silentLog,
    roles: ['api'],
    health: {},
    metrics: async () => '',
    fleet,
  });
  const heardMs = clock.wall().wallMs;
  const statuses = ['van-1', 'van-2', 'dock-1'].map((gatewayId) => ({
    value: {
      version: 1 as const,
      gatewayId,
      online: gatewayId !== 'van-2',
      software: '1.0',
      labels: { type: gatewayId.slice(0, -2), depot: 'north' },
    },
    heardMs,
  }));
  await store.transaction((sql) => statusProjection.apply(sql, statuses));
}, 60_000);

afterAll(async () => {
  await api.close();
  await store.close();
});

type Method = 'GET' | 'PUT' | 'POST' | 'PATCH';

async function call(method: Method, path: string, body?: object, who = 'ada') {
  const response = await api.inject({
    method,
    url: `/v1/fleet${path}`,
    headers: { 'x-milepost-user': who },
    ...(body && { payload: body }),
  });
  return { status: response.statusCode, body: response.json(), headers: response.headers };
}

const profile = (high: string) => ({
  name: 'Cold chain',
  selector: { type: 'van' },
  reason: 'summer',
  settings: {
    rules: [
      {
        kind: 'limit',
        id: 'too-warm',
        severity: 'critical',
        target: { device: 'cooler-*', quantity: 'temperatureCelsius' },
        high,
        hysteresis: '1 °F',
        dwell: '30s',
      },
    ],
  },
});

const ajv = new Ajv.default({ strict: false, validateFormats: false });

/** Holds an answer against what the document says of it. */
function expectSchema(name: keyof typeof document.components.schemas, value: unknown): void {
  const validate = ajv.compile({ $ref: `#/components/schemas/${name}`, components: document.components });
  expect(validate(value) || validate.errors).toBe(true);
}

describe('gateways over HTTP', () => {
  it('are listed by labels, state and part of the id, page by page', async () => {
    const ids = async (query: string) => {
      const { body } = await call('GET', `/gateways${query}`);
      return body.gateways.map(({ gatewayId }: { gatewayId: string }) => gatewayId);
    };
    expect(await ids('')).toEqual(['dock-1', 'van-1', 'van-2']);
    expect(await ids('?label=type:van&label=depot:north&state=online')).toEqual(['van-1']);
    expect(await ids('?label=type:van&label=type:dock&limit=1')).toEqual(['dock-1']);
    expect(await ids('?q=AN-')).toEqual(['van-1', 'van-2']);
    const { body } = await call('GET', '/gateways?limit=2');
    expect(body).toMatchObject({ total: 3, next: 'van-1' });
    expect(await ids(`?limit=2&after=${body.next}`)).toEqual(['van-2']);
    for (const item of body.gateways) expectSchema('FleetGateway', item);
  });

  it.each(['?label=type', '?label=:van', '?state=odd', '?limit=0', '?limit=9999', '?colour=red'])(
    'are not looked for with %s',
    async (query) => {
      expect(await call('GET', `/gateways${query}`)).toMatchObject({
        status: 400,
        body: { error: { code: 'invalid-parameter' } },
      });
    },
  );

  it('are given labels, by somebody', async () => {
    const { status, body } = await call('PATCH', '/gateways/dock-1', { labels: { depot: 'south' }, reason: 'moved' });
    expect(status).toBe(200);
    expect(body).toMatchObject({ labels: { depot: 'south', type: 'dock' }, history: [{ who: 'ada', why: 'moved' }] });
    expectSchema('FleetGateway', body);
    expect(await call('PATCH', '/gateways/dock-1', { labels: { depot: null } }, '')).toMatchObject({
      body: { labels: { depot: 'north' }, history: [{ who: 'anonymous' }, {}] },
    });
    expect(await call('PATCH', '/gateways/dock-1', { labels: { gateway: 'x' } })).toMatchObject({
      status: 422,
      body: { error: { code: 'labels-invalid', problems: [{ path: ['labels', 'gateway'] }] } },
    });
    expect(await call('GET', '/gateways/nobody')).toMatchObject({
      status: 404,
      body: { error: { code: 'gateway-unknown' } },
    });
  });
});

describe('profiles and rollouts over HTTP', () => {
  it('go from a draft to being in force', async () => {
    expect(await call('POST', '/profiles/cold/check', { selector: { type: 'vam' }, settings: {} })).toMatchObject({
      status: 200,
      body: { problems: [{ code: 'selector-matches-nothing' }] },
    });
    const saved = await call('PUT', '/profiles/cold', { ...profile('46.4 °F'), baseVersion: 0 });
    expect(saved).toMatchObject({ status: 200, body: { version: 1, gateways: 2, author: 'ada' } });
    expect(saved.body.settings.rules[0]).toMatchObject({ high: expect.closeTo(8, 9), dwellMs: 30_000 });
    expectSchema('Profile', saved.body);
    // What it answers can be sent again, in either form.
    for (const settings of [saved.body.settings, saved.body.written])
      expect(await call('PUT', '/profiles/cold', { ...profile(''), settings })).toMatchObject({ body: { version: 1 } });
    await call('PUT', '/profiles/cold', { ...profile('7 °C'), baseVersion: 1 });
    expect(await call('PUT', '/profiles/cold', { ...profile('6 °C'), baseVersion: 1 })).toMatchObject({
      status: 409,
      body: { error: { code: 'profile-changed' } },
    });
    const refused = await call('PUT', '/profiles/cold', profile('7 g'));
    expect(refused).toMatchObject({ status: 422, body: { error: { code: 'profile-invalid' } } });
    expect(refused.body.error.problems[0]).toMatchObject({ path: ['settings', 'rules', 0, 'high'] });
    expectSchema('Error', refused.body);
    expect((await call('GET', '/profiles')).body).toMatchObject({ profiles: [{ profileId: 'cold', version: 2 }] });
    expect((await call('GET', '/profiles/cold/versions')).body.versions).toHaveLength(2);
    expect((await call('GET', '/profiles/cold/diff?from=1&to=2')).body.changes).toMatchObject([
      { key: 'rules/too-warm/high', change: 'changed' },
    ]);
    expect(await call('GET', '/profiles/cold/diff?from=1')).toMatchObject({ status: 400 });
    expect(await call('GET', '/profiles/cold/diff?from=1&to=9')).toMatchObject({ status: 404 });
    expect(await call('PUT', '/profiles/No%20id', profile('7 °C'))).toMatchObject({ status: 400 });

    const asked = { profileId: 'cold', version: 2, canaryPercent: 0, canaryMinutes: 0, reason: 'go' };
    const started = await call('POST', '/rollouts', asked);
    expect(started).toMatchObject({
      status: 201,
      headers: { location: '/v1/fleet/rollouts/cold-v2-1' },
      body: { rolloutId: 'cold-v2-1', state: 'rolling', maxRejectedPercent: 10, counts: { total: 2, waiting: 2 } },
    });
    expectSchema('Rollout', started.body);
    expect(await call('POST', '/rollouts', asked)).toMatchObject({ status: 409 });
    const eventLog = { append: async () => {} };
    while (await tickFleet({ store, eventLog, clock, changes })) {
      // Until nothing is left to do.
    }
    expect(await call('POST', '/rollouts/cold-v2-1/stop', { reason: 'lunch' })).toMatchObject({
      body: { state: 'stopped', counts: { pending: 1, offline: 1 } },
    });
    expect(await call('POST', '/rollouts/cold-v2-1/resume', { reason: 'fed' })).toMatchObject({ status: 200 });
    const { desired } = await fleet.gateway('van-1');
    const [row] = await store.query<{ hash: string }>(
      `select desired_hash as hash from fleet_gateways where gateway_id = 'van-1'`,
    );
    const inForce = { version: desired?.version ?? 0, hash: row?.hash ?? '' };
    await store.transaction((sql) =>
      reportProjection.apply(sql, [
        {
          value: { schema: 1, gatewayId: 'van-1', atMs: 0, inForce, devices: [], readPoints: [] },
          heardMs: clock.wall().wallMs,
        },
      ]),
    );
    const shown = await call('GET', '/rollouts/cold-v2-1?state=in-force');
    expect(shown.body.gateways).toMatchObject([{ gatewayId: 'van-1', state: 'in-force' }]);
    expect((await call('GET', '/rollouts?state=rolling')).body.rollouts).toHaveLength(1);
    const gateway = await call('GET', '/gateways/van-1');
    expect(gateway.body).toMatchObject({ configState: 'in-force', profiles: [{ profileId: 'cold', version: 2 }] });
    expectSchema('FleetGateway', gateway.body);
    expect(await call('POST', '/rollouts/cold-v2-1/rollback', { reason: 'too many alarms' })).toMatchObject({
      body: { state: 'rolled-back', why: 'too many alarms' },
    });
    expect(await call('POST', '/rollouts/cold-v2-1/rollback', {})).toMatchObject({ status: 400 });
    const { body } = await call('GET', '/history?subject=rollout/cold-v2-1');
    expect(body.history.map(({ what }: { what: string }) => what)).toEqual([
      'rollout-rolled-back',
      'rollout-resumed',
      'rollout-stopped',
      'rollout-started',
    ]);
    for (const deed of body.history) expectSchema('FleetDeed', deed);
    expect((await call('GET', `/history?limit=1&before=${body.history[0].id}`)).body.history).toHaveLength(1);
  });

  it('stand in the published document, each with its parameters', async () => {
    const published = (await api.inject('/openapi.json')).json();
    for (const [path, operations] of Object.entries(published.paths).filter(([each]) =>
      each.startsWith('/v1/fleet/'),
    )) {
      for (const method of Object.keys(operations as object)) {
        const url = path.replace(/\{(\w+)\}/g, ':$1');
        expect(api.hasRoute({ method: method.toUpperCase() as Method, url }), `${method} ${path}`).toBe(true);
      }
    }
  });
});

it('live streams tell which gateways and rollouts changed, as the lists have them', async () => {
  const reader = new TrackingReader(store);
  const live = new LiveFeed({ reader, changes, clock, log: silentLog, sources: fleet.live });
  const updates: LiveUpdate[] = [];
  live.watch({ update: (update) => updates.push(update), end: () => {} });
  changes.publish([
    { kind: 'gateway', gatewayId: 'van-1' },
    { kind: 'gateway', gatewayId: 'van-1' },
    { kind: 'rollout', rolloutId: 'cold-v2-1' },
  ]);
  await clock.advance(300);
  await vi.waitFor(() => expect(updates).toHaveLength(1), { timeout: 20_000 });
  expect(updates).toMatchObject([
    {
      reset: false,
      others: [
        { event: 'gateways', items: [{ gatewayId: 'van-1', configState: expect.any(String) }] },
        { event: 'rollouts', items: [{ rolloutId: 'cold-v2-1', state: 'rolled-back', counts: { total: 2 } }] },
      ],
    },
  ]);
  await live.close();
});
