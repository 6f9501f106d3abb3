import { request } from 'node:http';
import type { AddressInfo } from 'node:net';
import Ajv from 'ajv/dist/2020.js';
import type { FastifyInstance } from 'fastify';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { silentLog } from '../../protocols/base/log.ts';
import { ManualClock } from '../../protocols/base/manual-clock.ts';
import { openPglite } from '../store/pglite.ts';
import { type Store, StoreError } from '../store/store.ts';
import { timeSeriesMigrations } from '../timeseries/sql/migrations.ts';
import { SqlTimeSeries } from '../timeseries/sql/sql-time-series.ts';
import { type TimeSeries, TimeSeriesError } from '../timeseries/time-series.ts';
import { alertProjection } from '../tracking/alert-projection.ts';
import { Changes } from '../tracking/changes.ts';
import { trackingMigrations } from '../tracking/migrations.ts';
import { packageProjection } from '../tracking/package-projection.ts';
import { sampleAlert, sampleEvent } from '../tracking/sample-event.ts';
import { type ApiOptions, createApi } from './app.ts';
import { openapi } from './openapi.ts';

/** PGlite takes seconds to begin, and more on a busy machine. */
const OPENING_MS = 60_000;
const START_MS = Date.UTC(2026, 0, 5, 8);
const at = (minutes: number) => new Date(START_MS + minutes * 60_000).toISOString();
/** Markup, a path and what a URL keeps for itself. */
const ODD_ID = 'code128:<b>/..//%2F?#&é';

let store: Store;
let timeSeries: SqlTimeSeries;
let options: ApiOptions;
let api: FastifyInstance;
const opened: FastifyInstance[] = [];

async function open(rest: Partial<ApiOptions> = {}): Promise<FastifyInstance> {
  const app = await createApi({ ...options, ...rest });
  opened.push(app);
  return app;
}

const van = { vehicleId: 'VAN-7' };
const journey = [
  sampleEvent({ packageId: 'sscc:340', sequence: 1, occurredAt: at(0), scanType: 'INDUCTION', otherIds: ['ups:1Z9'] }),
  sampleEvent({
    packageId: 'sscc:340',
    sequence: 2,
    occurredAt: at(10),
    scanType: 'LOAD',
    location: { ...van, latitude: 52.5, longitude: 13.4 },
  }),
  sampleEvent({ packageId: 'sscc:340', sequence: 3, occurredAt: at(15), scanType: 'OUT_FOR_DELIVERY', location: van }),
];

beforeAll(async () => {
  store = await openPglite({ migrations: [...trackingMigrations, ...timeSeriesMigrations] });
  await store.migrate();
  timeSeries = new SqlTimeSeries(store);
  options = {
    store,
    timeSeries,
    changes: new Changes(),
    clock: new ManualClock(START_MS + 30 * 60_000),
    log: silentLog,
    roles: ['api'],
    health: {},
    metrics: async () => 'up 1\n',
  };
  const events = [
    ...journey,
    sampleEvent({ packageId: ODD_ID, sequence: 4, occurredAt: at(20) }),
    sampleEvent({
      packageId: 'sscc:341',
      sequence: 5,
      occurredAt: at(21),
      scanType: 'DELIVERY',
      otherIds: ['mine:twin'],
    }),
    sampleEvent({ packageId: 'sscc:342', sequence: 6, occurredAt: at(22), otherIds: ['mine:twin'] }),
  ];
  const cold = { location: van, occurredAt: at(12), alertId: 'cold' };
  await store.transaction(async (sql) => {
    await packageProjection.apply(sql, events);
    await alertProjection.apply(sql, [
      sampleAlert({ sequence: 1, ...cold }),
      sampleAlert({ sequence: 2, ...cold, phase: 'cleared', occurredAt: at(14), value: 7 }),
      sampleAlert({ sequence: 3, alertId: 'before', occurredAt: at(-60), location: van, phase: 'cleared' }),
      sampleAlert({
        sequence: 4,
        alertId: 'other-dock',
        occurredAt: at(5),
        location: { facilityId: 'HUB-A', readPoint: 'dock-9' },
      }),
      sampleAlert({ sequence: 5, alertId: 'facility', occurredAt: at(-5), location: { facilityId: 'HUB-A' } }),
    ]);
  });
  const points = (
    measurement: string,
    tags: Record<string, string>,
    minutes: number[],
    fields: (minute: number) => Record<string, number>,
  ) =>
    minutes.map((minute) => ({
      measurement,
      tags: { gateway: 'gw-1', ...tags },
      fields: fields(minute),
      atMs: START_MS + minute * 60_000,
      subMsNs: 0,
    }));
  const celsius = (minute: number) => ({ temperatureCelsius: minute });
  await timeSeries.write([
    ...points('temperature', { device: 'near', facility: 'HUB-A', read_point: 'dock-1' }, [1, 2, 11], celsius),
    ...points('temperature', { device: 'far', facility: 'HUB-A', read_point: 'dock-9' }, [1, 2], celsius),
    ...points('humidity', { device: 'far', facility: 'HUB-A', read_point: 'dock-9' }, [3], () => ({
      relativeHumidityPercent: 50,
    })),
    ...points('temperature', { device: 'van', vehicle: 'VAN-7' }, [9, 11, 13, 29], celsius),
    ...points('shock', { device: 'van', vehicle: 'VAN-7' }, [12], () => ({ peakG: 7.5 })),
    ...points('position', { device: 'gps', vehicle: 'VAN-7' }, [12, 28], (minute) => ({
      latitude: 52 + minute / 100,
      longitude: 13,
    })),
  ]);
  api = await open();
}, OPENING_MS);

afterEach(async () => {
  for (const app of opened.splice(api ? 1 : 0)) await app.close();
});

afterAll(async () => {
  await api.close();
  await store.close();
});

async function get(path: string, app = api) {
  const response = await app.inject({ url: path });
  const isJson = String(response.headers['content-type']).includes('json');
  return { status: response.statusCode, headers: response.headers, body: isJson ? response.json() : response.body };
}

describe('GET /v1/packages', () => {
  it('lists packages, the last seen first, page by page', async () => {
    const first = await get('/v1/packages?limit=3');
    expect(first.body.items.map((item: { packageId: string }) => item.packageId)).toEqual([
      'sscc:342',
      'sscc:341',
      ODD_ID,
    ]);
    const second = await get(`/v1/packages?limit=3&after=${first.body.next}`);
    expect(second.body).toEqual({
      items: [expect.objectContaining({ packageId: 'sscc:340', status: 'OUT_FOR_DELIVERY', eventCount: 3 })],
    });
  });

  it('filters by status and by the beginning of any name', async () => {
    const ids = async (query: string) =>
      (await get(`/v1/packages?${query}`)).body.items.map((item: { packageId: string }) => item.packageId);
    expect(await ids('status=DELIVERED')).toEqual(['sscc:341']);
    expect(await ids('q=34')).toEqual(['sscc:342', 'sscc:341', 'sscc:340']);
    expect(await ids('q=1z')).toEqual(['sscc:340']);
    expect(await ids('q=_')).toEqual([]);
    expect(await ids('q=34&status=DELIVERED')).toEqual(['sscc:341']);
  });

  it.each([
    ['limit=0', 'limit'],
    ['limit=many', 'limit'],
    ['status=LOST', 'INDUCTED, IN_FACILITY'],
    ['after=x', 'after'],
    ['after=WyJ4IiwieSJd', 'after'],
    ['colour=red', '"colour"'],
  ])('refuses %s', async (query, told) => {
    const { status, body } = await get(`/v1/packages?${query}`);
    expect(status).toBe(400);
    expect(body.error).toMatchObject({ code: 'invalid-parameter', message: expect.stringContaining(told) });
  });
});

describe('GET /v1/packages/{packageId}', () => {
  it('gives the state with the position of the vehicle it is on', async () => {
    const { status, body, headers } = await get('/v1/packages/sscc%3A340');
    expect(status).toBe(200);
    expect(body).toMatchObject({
      packageId: 'sscc:340',
      otherIds: ['ups:1Z9'],
      status: 'OUT_FOR_DELIVERY',
      position: { latitude: 52.28, longitude: 13, at: at(28), source: 'vehicle' },
    });
    expect(headers['content-location']).toBeUndefined();
  });

  it.each(['340', '1Z9', 'ups%3A1z9', 'SSCC:340'])('finds it under its name %s', async (name) => {
    const { body, headers } = await get(`/v1/packages/${name}`);
    expect(body.packageId).toBe('sscc:340');
    expect(headers['content-location']).toBe('/v1/packages/sscc%3A340');
  });

  it('takes any id, percent-encoded', async () => {
    expect((await get(`/v1/packages/${encodeURIComponent(ODD_ID)}`)).body.packageId).toBe(ODD_ID);
    expect((await get(`/v1/packages/${encodeURIComponent(ODD_ID)}/events`)).body.items).toHaveLength(1);
  });

  it('says that it knows none, or several', async () => {
    const unknown = await get('/v1/packages/999');
    expect(unknown.status).toBe(404);
    expect(unknown.body.error).toMatchObject({
      code: 'package-unknown',
      message: expect.stringContaining('/v1/packages?q='),
    });
    const twin = await get('/v1/packages/twin');
    expect(twin.status).toBe(409);
    expect(twin.body.error).toMatchObject({ code: 'package-ambiguous', candidates: ['sscc:341', 'sscc:342'] });
  });

  it('gives the timeline in order, page by page', async () => {
    const first = await get('/v1/packages/340/events?limit=2');
    expect(first.body.items).toEqual(journey.slice(0, 2));
    const second = await get(`/v1/packages/340/events?limit=2&after=${first.body.next}`);
    expect(second.body).toEqual({ items: journey.slice(2) });
  });

  it('gives alerts of the places where it was while it was there', async () => {
    const { body } = await get('/v1/packages/340/alerts');
    expect(body.items.map((item: { alertId: string }) => item.alertId)).toEqual(['cold', 'facility']);
    expect(body.items[0]).toMatchObject({
      state: 'cleared',
      raisedAt: at(12),
      endedAt: at(14),
      value: 9.4,
      clearedValue: 7,
    });
  });
});

describe('GET /v1/packages/{packageId}/sensors', () => {
  interface Told {
    quantity: string;
    deviceId: string;
    near: string;
    stay: number;
    points: unknown[];
  }
  const brief = (curves: Told[]) =>
    curves.map(({ quantity, deviceId, near, stay, points }) => [quantity, deviceId, near, stay, points]);

  it('draws each stay from the nearest sensors', async () => {
    const { body } = await get('/v1/packages/340/sensors');
    expect(body).toMatchObject({ packageId: 'sscc:340', from: at(0), to: at(30), truncated: false });
    expect(body.stays).toEqual([
      { place: { facilityId: 'HUB-A', readPoint: 'dock-1' }, from: at(0), to: at(10) },
      { place: van, from: at(10), to: at(30) },
    ]);
    expect(brief(body.curves)).toEqual([
      [
        'temperature',
        'near',
        'read-point',
        0,
        [
          [at(1), 1],
          [at(2), 2],
        ],
      ],
      ['humidity', 'far', 'facility', 0, [[at(3), 50]]],
      [
        'temperature',
        'van',
        'vehicle',
        1,
        [
          [at(11), 11],
          [at(13), 13],
          [at(29), 29],
        ],
      ],
      ['shock', 'van', 'vehicle', 1, [[at(12), 7.5]]],
    ]);
    expect(body.tracks).toEqual([
      {
        vehicleId: 'VAN-7',
        stay: 1,
        points: [
          [at(12), 52.12, 13],
          [at(28), 52.28, 13],
        ],
      },
    ]);
  });

  it('keeps to the time that is asked for', async () => {
    const { body } = await get(`/v1/packages/340/sensors?from=${at(2)}&to=${at(11)}`);
    expect(
      brief(body.curves).map(([quantity, device, , , points]) => [quantity, device, (points as unknown[]).length]),
    ).toEqual([
      ['temperature', 'near', 1],
      ['humidity', 'far', 1],
      ['temperature', 'van', 1],
    ]);
    expect((await get(`/v1/packages/340/sensors?from=${at(9)}&to=${at(2)}`)).status).toBe(400);
    expect((await get('/v1/packages/340/sensors?from=yesterday')).status).toBe(400);
  });
});

describe('alerts and counts', () => {
  it('lists all alerts or the open ones', async () => {
    const ids = async (query: string) =>
      (await get(`/v1/alerts${query}`)).body.items.map((item: { alertId: string }) => item.alertId);
    expect(await ids('')).toEqual(['cold', 'other-dock', 'facility', 'before']);
    expect(await ids('?state=open')).toEqual(['other-dock', 'facility']);
    const first = await get('/v1/alerts?limit=3');
    expect(await ids(`?after=${first.body.next}`)).toEqual(['before']);
  });

  it('counts packages by status', async () => {
    const { body } = await get('/v1/overview');
    expect(body).toEqual({
      since: at(30 - 1440),
      packages: { OUT_FOR_DELIVERY: 1, DELIVERED: 1, IN_FACILITY: 2 },
      openAlerts: 2,
    });
    await expect(get('/v1/overview?hours=0')).resolves.toMatchObject({ status: 400 });
  });
});

describe('when something is away', () => {
  const away: TimeSeries = {
    ...new SqlTimeSeries({} as Store),
    setup: async () => {},
    write: async () => [],
    healthy: async () => ({ ok: false, detail: 'connection refused' }),
    close: async () => {},
    curves: async () => {
      throw new TimeSeriesError({ code: 'timeseries-unavailable', message: 'connection refused by 10.0.0.7' });
    },
    scan: () => {
      throw new TimeSeriesError({ code: 'timeseries-unavailable', message: 'connection refused by 10.0.0.7' });
    },
  };

  it('answers without the vehicle where the time series are away, and says why it has no curves', async () => {
    const app = await open({ timeSeries: away });
    const state = await get('/v1/packages/340', app);
    expect(state).toMatchObject({ status: 200, body: { position: { latitude: 52.5, source: 'event' } } });
    const sensors = await get('/v1/packages/340/sensors', app);
    expect(sensors).toMatchObject({
      status: 503,
      body: { error: { code: 'timeseries-unavailable' } },
      headers: { 'retry-after': '2' },
    });
    expect(JSON.stringify(sensors.body)).not.toContain('10.0.0.7');
  });

  it('answers 503 when the database is away and 500 without details for a bug', async () => {
    const broken = (error: Error): Store => ({ ...store, query: async () => Promise.reject(error) });
    const down = await open({ store: broken(new StoreError({ code: 'store-unavailable', message: 'password=x' })) });
    expect(await get('/v1/packages', down)).toMatchObject({
      status: 503,
      body: { error: { code: 'store-unavailable' } },
    });
    const bug = await get('/v1/packages', await open({ store: broken(new TypeError('password=x')) }));
    expect(bug).toMatchObject({ status: 500, body: { error: { code: 'internal-error' } } });
    expect(JSON.stringify(bug.body)).not.toContain('password');
  });

  it('names what is down in /healthz', async () => {
    const clock = new ManualClock();
    const app = await open({
      clock,
      health: {
        store: () => store.healthy(),
        timeSeries: away.healthy,
        broker: async () => Promise.reject(new Error('no broker')),
        log: () => new Promise(() => {}),
      },
    });
    const asked = get('/healthz', app);
    await expect.poll(() => clock.timers).toBeGreaterThan(0);
    await clock.advance(3000);
    expect(await asked).toMatchObject({
      status: 503,
      body: {
        status: 'degraded',
        checks: {
          store: { ok: true },
          timeSeries: { ok: false, detail: 'connection refused' },
          broker: { ok: false, detail: 'no broker' },
          log: { ok: false, detail: 'no answer in 3000 ms' },
        },
      },
    });
    expect(await get('/healthz')).toMatchObject({ status: 200, body: { status: 'ok' } });
  });
});

describe('what else is served', () => {
  it('has metrics as they are given', async () => {
    expect(await get('/metrics')).toMatchObject({ status: 200, body: 'up 1\n' });
  });

  it('has pages that run nothing but their own scripts, and nothing outside their folder', async () => {
    const page = await get('/');
    expect(page.headers['content-type']).toContain('text/html');
    expect(page.headers['content-security-policy']).toContain("script-src 'self'");
    expect((await get('/packages/sscc%3A340')).body).toContain('/assets/package.js');
    expect((await get('/assets/uplot.js')).headers['content-type']).toContain('javascript');
    const { etag } = (await get('/assets/style.css')).headers;
    const again = await api.inject({ url: '/assets/style.css', headers: { 'if-none-match': String(etag) } });
    expect(again.statusCode).toBe(304);
    for (const path of ['/assets/..%2F..%2Fapi%2Fapp.ts', '/assets/../app.ts', '/nothing']) {
      expect(await get(path)).toMatchObject({
        status: 404,
        body: { error: { code: 'route-unknown', message: expect.stringContaining('/openapi.json') } },
      });
    }
  });
});

describe('the published description', () => {
  it('names exactly the routes that there are, with their parameters', () => {
    const served = routesOf(api).filter(
      (path) => path !== '/' && !/^\/(assets|packages|fleet|alerts)(\/|$)/.test(path),
    );
    expect(served.sort()).toEqual(Object.keys(openapi.paths).sort());
    for (const [path, { get: operation }] of Object.entries(openapi.paths)) {
      const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
      const told = operation.parameters.filter((parameter) => parameter.in === 'path');
      expect(told.map(({ name }) => name)).toEqual(inPath);
    }
  });

  it.each([
    ['/v1/packages', '/v1/packages'],
    ['/v1/packages/{packageId}', '/v1/packages/340'],
    ['/v1/packages/{packageId}/events', '/v1/packages/340/events'],
    ['/v1/packages/{packageId}/sensors', '/v1/packages/340/sensors'],
    ['/v1/packages/{packageId}/alerts', '/v1/packages/340/alerts'],
    ['/v1/alerts', '/v1/alerts'],
    ['/v1/overview', '/v1/overview'],
    ['/healthz', '/healthz'],
    ['/v1/packages', '/v1/packages?limit=0'],
    ['/v1/packages/{packageId}', '/v1/packages/none'],
    ['/v1/packages/{packageId}', '/v1/packages/twin'],
  ] as const)('says of %s what %s answers', async (path, url) => {
    const { status, body } = await get(url);
    const responses: Record<string, { content: Record<string, { schema: object }> }> =
      openapi.paths[path].get.responses;
    const schema = responses[String(status)]?.content['application/json']?.schema;
    expect(schema, `status ${status}`).toBeDefined();
    const ajv = new Ajv.default({ strict: false, validateFormats: false, allErrors: true });
    const validate = ajv.compile(closed({ ...schema, components: openapi.components }));
    validate(body);
    expect(validate.errors ?? []).toEqual([]);
  });
});

/** Every path that answers, out of the router's drawing of its tree. */
function routesOf(app: FastifyInstance): string[] {
  const path = [''];
  return app
    .printRoutes({ commonPrefix: false })
    .split('\n')
    .flatMap((line) => {
      const [, indent = '', part = '', methods] = /^([│├└─ ]*)(.*?)(?: \((.*)\))?$/.exec(line) ?? [];
      path.splice(indent.length / 4, path.length, part);
      return methods === undefined ? [] : [path.join('').replace(/:(\w+)/g, '{$1}')];
    });
}

/** The same schema, but nothing that it does not name may be there. */
function closed(schema: object): object {
  return JSON.parse(JSON.stringify(schema), (_key, value) =>
    value?.properties && value.additionalProperties === undefined ? { ...value, additionalProperties: false } : value,
  );
}

describe('streams', () => {
  async function listen(path: string, app: FastifyInstance) {
    if (!app.server.listening) await app.listen({ host: '127.0.0.1', port: 0 });
    let text = '';
    let ended = false;
    const { port } = app.server.address() as AddressInfo;
    const client = request({ port, host: '127.0.0.1', path }, (response) => {
      response.on('data', (chunk: Buffer) => {
        text += chunk;
      });
      response.on('close', () => {
        ended = true;
      });
    });
    client.on('error', () => {});
    client.end();
    const events = () =>
      [...text.matchAll(/event: (\w+)\ndata: (.*)\n\n/g)].map(
        ([, name, data]) => [name, JSON.parse(data ?? '')] as const,
      );
    return { events, text: () => text, ended: () => ended, close: () => client.destroy() };
  }

  it('tells everybody what changed, once per tick', async () => {
    const [clock, changes] = [new ManualClock(), new Changes()];
    const app = await open({ clock, changes });
    const stream = await listen('/v1/stream', app);
    await expect.poll(stream.text).toContain('retry:');
    for (let times = 0; times < 3; times++)
      changes.publish([
        { kind: 'package', packageId: 'sscc:340' },
        { kind: 'alert', alertId: 'cold' },
      ]);
    await clock.advance(250);
    await expect.poll(() => stream.events().length).toBe(2);
    expect(stream.events()).toMatchObject([
      ['packages', [{ packageId: 'sscc:340', status: 'OUT_FOR_DELIVERY' }]],
      ['alerts', [{ alertId: 'cold', state: 'cleared' }]],
    ]);
    changes.publish(Array.from({ length: 3000 }, (_, index) => ({ kind: 'package', packageId: `p${index}` })));
    await clock.advance(250);
    await expect.poll(() => stream.events().at(-1)?.[0]).toBe('reset');
    await clock.advance(15_000);
    await expect.poll(stream.text).toContain('\n:\n\n');
    await app.close();
    await expect.poll(stream.ended).toBe(true);
    expect(clock.timers).toBe(0);
  });

  it('follows one package and the alerts of where it was', async () => {
    const [clock, changes] = [new ManualClock(START_MS + 1_800_000), new Changes()];
    const app = await open({ clock, changes });
    const stream = await listen('/v1/packages/340/stream', app);
    await expect.poll(() => stream.events().length).toBe(1);
    expect(stream.events()[0]).toMatchObject(['package', { packageId: 'sscc:340', position: { source: 'vehicle' } }]);
    changes.publish([
      { kind: 'package', packageId: 'sscc:341' },
      { kind: 'alert', alertId: 'other-dock' },
    ]);
    await clock.advance(250);
    changes.publish([
      { kind: 'package', packageId: 'sscc:340' },
      { kind: 'alert', alertId: 'cold' },
    ]);
    await clock.advance(250);
    await expect.poll(() => stream.events().map(([name]) => name)).toEqual(['package', 'alerts', 'package']);
    stream.close();
    await expect.poll(() => clock.timers).toBe(0);
  });

  it('says that the package is not known instead of opening a stream', async () => {
    expect(await get('/v1/packages/none/stream')).toMatchObject({
      status: 404,
      body: { error: { code: 'package-unknown' } },
    });
  });
});
