import Ajv from 'ajv/dist/2020.js';
import type { FastifyInstance } from 'fastify';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { aborted } from '../../../protocols/base/clock.ts';
import { silentLog } from '../../../protocols/base/log.ts';
import { ManualClock } from '../../../protocols/base/manual-clock.ts';
import { Fleet } from '../../fleet/fleet.ts';
import { fleetMigrations } from '../../fleet/migrations.ts';
import { openPglite } from '../../store/pglite.ts';
import type { Store } from '../../store/store.ts';
import { timeSeriesMigrations } from '../../timeseries/sql/migrations.ts';
import { SqlTimeSeries } from '../../timeseries/sql/sql-time-series.ts';
import type { TimeSeries } from '../../timeseries/time-series.ts';
import { Changes } from '../../tracking/changes.ts';
import { trackingMigrations } from '../../tracking/migrations.ts';
import { createApi } from '../app.ts';

const NOW_MS = Date.UTC(2026, 10, 23, 12);
const HOUR_MS = 3_600_000;
const iso = (ms: number) => new Date(ms).toISOString();
const warm = {
  id: 'warm',
  kind: 'limit',
  target: { device: 'cooler-*', quantity: 'temperatureCelsius' },
  high: '8 °C',
};
const settings = { rules: [warm] };

let store: Store;
let timeSeries: SqlTimeSeries;
let api: FastifyInstance;

beforeAll(async () => {
  store = await openPglite({ migrations: [...trackingMigrations, ...timeSeriesMigrations, ...fleetMigrations] });
  await store.migrate();
  timeSeries = new SqlTimeSeries(store);
  api = await open(timeSeries);
  await store.query(`insert into fleet_settings (hash, settings) values ('h1', $1::json)`, [
    JSON.stringify({ rules: [inside('warm', 8)], readPoints: {}, rates: {} }),
  ]);
  await store.query(
    `insert into fleet_gateways (gateway_id, labels, online, in_force_version, in_force_hash, desired_version, desired_hash)
     values ('van-1', '{"fleet":"cold"}'::jsonb, true, 1, 'h1', 1, 'h1')`,
  );
  await timeSeries.write(
    Array.from({ length: 600 }, (_, index) => ({
      measurement: 'temperature',
      tags: { gateway: 'van-1', device: 'cooler-1', ...(index < 300 ? { read_point: 'dock' } : {}) },
      fields: { temperatureCelsius: index === 123 ? 40 : 5 },
      atMs: NOW_MS - 10 * HOUR_MS + index * 60_000,
      subMsNs: 0,
    })),
  );
  await timeSeries.write(
    [true, false, true].map((isOpen, index) => ({
      measurement: 'contact',
      tags: { gateway: 'van-1', device: 'door' },
      fields: { open: isOpen },
      atMs: NOW_MS - HOUR_MS + index * 1000,
      subMsNs: 0,
    })),
  );
}, 60_000);

afterAll(async () => {
  await api.close();
  await store.close();
});

function inside(id: string, high: number) {
  return {
    id,
    kind: 'limit',
    severity: 'warning',
    target: { device: 'cooler-*', quantity: 'temperatureCelsius' },
    high,
    hysteresis: 0,
    dwellMs: 0,
  };
}

function open(series: TimeSeries): Promise<FastifyInstance> {
  const [clock, changes] = [new ManualClock(NOW_MS), new Changes()];
  const fleet = new Fleet({ store, clock, changes });
  const options = { store, timeSeries: series, changes, clock, fleet, log: silentLog, roles: ['api'], health: {} };
  return createApi({ ...options, metrics: async () => '' });
}

async function ask(url: string, body?: object, app = api) {
  const response = await app.inject({ url: `/v1/fleet${url}`, ...(body && { method: 'POST', payload: body }) });
  return { status: response.statusCode, body: response.json() };
}

/** What the published description promises of an answer and the answer lacks. */
async function broken(path: string, method: 'get' | 'post', answer: object): Promise<unknown[]> {
  const document = (await api.inject({ url: '/openapi.json' })).json();
  const schema = document.paths[path][method].responses[200].content['application/json'].schema;
  const ajv = new Ajv.default({ strict: false, validateFormats: false, allErrors: true });
  const validate = ajv.compile({ ...schema, components: document.components });
  validate(answer);
  return validate.errors ?? [];
}

describe('POST /v1/fleet/profiles/{id}/preview', () => {
  it('tries settings as people write them, for a profile that need not exist', async () => {
    const { status, body } = await ask('/profiles/new/preview', { selector: { fleet: 'cold' }, settings, days: 1 });
    expect(status).toBe(200);
    expect(body).toMatchObject({ samples: 600, complete: true, problems: [], from: iso(NOW_MS - 24 * HOUR_MS) });
    expect(body.rules).toMatchObject([{ ruleId: 'warm', alarms: 1, gatewaysWithAlarms: 1, current: 0 }]);
    expect(await broken('/v1/fleet/profiles/{id}/preview', 'post', body)).toEqual([]);
  });

  it('refuses what is not valid with place and proposal, and says what saving would refuse', async () => {
    const wrong = { rules: [{ ...warm, high: '8 bar' }] };
    const refused = await ask('/profiles/new/preview', { selector: {}, settings: wrong });
    expect(refused).toMatchObject({ status: 422, body: { error: { code: 'profile-invalid' } } });
    expect(refused.body.error.problems[0].path).toEqual(['settings', 'rules', 0, 'high']);
    const nobody = await ask('/profiles/new/preview', { selector: { fleet: 'warm' }, settings });
    expect(nobody).toMatchObject({ status: 200, body: { samples: 0, gateways: { matching: 0 } } });
    expect(nobody.body.problems[0].code).toBe('selector-matches-nothing');
    expect(await ask('/profiles/new/preview', { selector: {}, settings, days: 1000 })).toMatchObject({ status: 400 });
  });

  it('lets two at a time work, and gives their places free again', async () => {
    let release = () => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    let waiting = 0;
    let both = () => {};
    const underWay = new Promise<void>((resolve) => {
      both = resolve;
    });
    const slow: Pick<TimeSeries, 'scan'> = {
      async *scan() {
        if (++waiting === 2) both();
        await held;
        yield [];
      },
    };
    const app = await open(Object.assign(Object.create(timeSeries), slow) as TimeSeries);
    const body = { selector: { fleet: 'cold' }, settings };
    const first = [ask('/profiles/a/preview', body, app), ask('/profiles/b/preview', body, app)];
    await underWay;
    expect(await ask('/profiles/c/preview', body, app)).toMatchObject({
      status: 429,
      body: { error: { code: 'preview-busy' } },
    });
    release();
    for (const each of first) expect((await each).status).toBe(200);
    expect((await ask('/profiles/c/preview', body, app)).status).toBe(200);
    await app.close();
  });
});

it('a preview ends when its client goes away, and gives its place free', async () => {
  const client = new AbortController();
  const scans: Promise<void>[] = [];
  const patient: Pick<TimeSeries, 'scan'> = {
    async *scan({ signal = new AbortController().signal }) {
      scans.push(aborted(signal));
      client.abort();
      await aborted(signal);
      yield [];
    },
  };
  const app = await open(Object.assign(Object.create(timeSeries), patient) as TimeSeries);
  const url = await app.listen({ host: '127.0.0.1', port: 0 });
  const asked = fetch(`${url}/v1/fleet/profiles/a/preview`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ selector: { fleet: 'cold' }, settings }),
    signal: client.signal,
  });
  await expect(asked).rejects.toThrow('aborted');
  // Without the client's going they would wait for ever.
  await Promise.all(scans);
  expect(scans.length).toBeGreaterThan(0);
  await app.close();
});

describe('GET /v1/fleet/gateways/{id}/series', () => {
  const series = '/gateways/van-1/series?device=cooler-1&quantity=temperatureCelsius';

  it('gives the curve over all places of the device, with its extremes, and the limits in force', async () => {
    const { body } = await ask(`${series}&points=50`);
    expect(body.points.length).toBeLessThanOrEqual(50);
    expect(body.points).toContainEqual({ at: iso(NOW_MS - 10 * HOUR_MS + 123 * 60_000), value: 40 });
    expect(body.points.map(({ at }: { at: string }) => at)).toEqual(
      body.points.map(({ at }: { at: string }) => at).sort(),
    );
    expect(body).toMatchObject({
      unit: '°C',
      bands: [{ ruleId: 'warm', high: 8, severity: 'warning', inForce: true }],
    });
    expect(await broken('/v1/fleet/gateways/{id}/series', 'get', body)).toEqual([]);
    const part = await ask(`${series}&from=${iso(NOW_MS - 10 * HOUR_MS)}&to=${iso(NOW_MS - 10 * HOUR_MS + 60_000)}`);
    expect(part.body.points).toHaveLength(2);
  });

  it('draws a door as 1 and 0', async () => {
    const { body } = await ask('/gateways/van-1/series?device=door&quantity=open');
    expect(body.points.map(({ value }: { value: number }) => value)).toEqual([1, 0, 1]);
    expect(body.bands).toEqual([]);
  });

  it('shows limits that are desired and not in force as such', async () => {
    const desired = { rules: [inside('colder', 6)], readPoints: {}, rates: {} };
    await store.query(`insert into fleet_settings (hash, settings) values ('h2', $1::json)`, [JSON.stringify(desired)]);
    await store.query(
      `update fleet_gateways set desired_version = 2, desired_hash = 'h2', desired_at = now() where gateway_id = 'van-1'`,
    );
    const { body } = await ask(series);
    expect(body.bands).toEqual([
      { ruleId: 'warm', high: 8, severity: 'warning', inForce: true },
      { ruleId: 'colder', high: 6, severity: 'warning', inForce: false },
    ]);
  });

  it.each([
    ['/gateways/nobody/series?device=a&quantity=open', 404, 'gateway-unknown'],
    ['/gateways/van-1/series?device=a&quantity=warmth', 400, 'invalid-parameter'],
    ['/gateways/van-1/series?quantity=open', 400, 'invalid-parameter'],
    [`${series}&from=${iso(NOW_MS)}&to=${iso(0)}`, 400, 'invalid-parameter'],
  ])('refuses %s', async (path, status, code) => {
    expect(await ask(path)).toMatchObject({ status, body: { error: { code } } });
  });
});
