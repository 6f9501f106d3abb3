import fc from 'fast-check';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ManualClock } from '../../protocols/base/manual-clock.ts';
import type { AlertMessage } from '../../protocols/uplink/tracking-event.ts';
import type { Store } from '../store/store.ts';
import { alertProjection } from '../tracking/alert-projection.ts';
import { Changes } from '../tracking/changes.ts';
import { emptyAlertStore, openAlertStore } from './alert-store.test-support.ts';
import type { DeliveryBody } from './announce.ts';
import { IncidentDesk } from './incident-desk.ts';
import { withIncidents } from './incident-projection.ts';
import { coolerAlert, minute, START_MS } from './sample-alerts.test-support.ts';
import { Silences } from './silences.ts';

const DAY_MS = 86_400_000;
let store: Store;
let clock: ManualClock;
let desk: IncidentDesk;

beforeAll(async () => {
  store = await openAlertStore();
}, 60_000);
afterAll(() => store.close());
beforeEach(async () => {
  await emptyAlertStore(store);
  clock = new ManualClock(START_MS);
  desk = new IncidentDesk({ store, clock, changes: new Changes(), retryForMs: DAY_MS });
});

const apply = (...messages: AlertMessage[]) =>
  store.transaction((sql) => withIncidents(alertProjection, { clock, retryForMs: DAY_MS }).apply(sql, messages));

async function subscribe(subscriptionId: string, rest: { minSeverity?: string; matcher?: object } = {}) {
  await store.query(
    `insert into subscriptions values ($1, 'ann', '{"kind":"webhook","url":"http://h/","secret":"s"}', $2, $3::json,
     '{opened,escalated,acknowledged,cleared}', true, null, now())`,
    [subscriptionId, rest.minSeverity ?? 'info', JSON.stringify(rest.matcher ?? {})],
  );
}

/** Phase and incident of what waits to be sent, in its order. */
async function told(subscriptionId = 'all'): Promise<string[]> {
  const rows = await store.query<{ body: DeliveryBody }>(
    'select body from deliveries where subscription_id = $1 order by place',
    [subscriptionId],
  );
  return rows.map(({ body: { phase, incident } }) => `${phase} ${incident?.incidentId.slice(0, 4)} ${incident?.count}`);
}

it('the same incidents, whatever the order, the groups and the repetitions of arrival', async () => {
  const messages = [
    coolerAlert('a', 'raised', 0),
    coolerAlert('a', 'cleared', 4),
    coolerAlert('b', 'raised', 8, { severity: 'critical' }),
    coolerAlert('b', 'cleared', 20),
    coolerAlert('c', 'raised', 25),
    coolerAlert('c', 'retracted', 26),
    coolerAlert('d', 'raised', 45),
    coolerAlert('d', 'cleared', 46),
    coolerAlert('d', 'raised', 70),
    coolerAlert('other', 'raised', 1, { location: { vehicleId: 'VAN-8' } }),
    coolerAlert('lost', 'cleared', 2, { location: {}, ruleId: 'device-health' }),
  ];
  const shown = async () => (await desk.list({ limit: 100 })).items;
  await apply(...messages);
  const expected = await shown();
  expect(
    expected.map(({ alertIds, retracted, state, reopened }) => ({ alertIds, retracted, state, reopened })),
  ).toEqual([
    { alertIds: ['d'], retracted: [], state: 'open', reopened: 0 },
    { alertIds: ['d'], retracted: [], state: 'cleared', reopened: 0 },
    { alertIds: ['other'], retracted: [], state: 'open', reopened: 0 },
    { alertIds: ['a', 'b'], retracted: ['c'], state: 'cleared', reopened: 1 },
  ]);
  const arrivals = fc.tuple(
    fc.shuffledSubarray([...messages, ...messages.slice(0, 4)], { minLength: messages.length + 4 }),
    fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 15, maxLength: 15 }),
  );
  await fc.assert(
    fc.asyncProperty(arrivals, async ([order, sizes]) => {
      await emptyAlertStore(store);
      const rest = [...order];
      for (const size of sizes) if (rest.length > 0) await apply(...rest.splice(0, size));
      expect(await shown()).toEqual(expected);
      expect(await apply(...messages)).not.toContainEqual(expect.objectContaining({ kind: 'incident' }));
    }),
    { seed: 11, numRuns: 5 },
  );
}, 60_000);

describe('people', () => {
  it('take an incident on; when it opens again or gets worse it wants somebody anew', async () => {
    await apply(coolerAlert('a', 'raised', 0));
    const [{ incidentId } = { incidentId: '' }] = (await desk.list({ limit: 1 })).items;
    const saying = { who: 'ann', text: 'driver called' };
    expect(await desk.acknowledge(incidentId, saying)).toMatchObject({
      state: 'acknowledged',
      acknowledgedBy: 'ann',
      notes: [{ kind: 'acknowledged', who: 'ann', text: 'driver called', at: minute(0) }],
      alerts: [{ alertId: 'a', state: 'raised' }],
    });
    await apply(coolerAlert('b', 'raised', 1, { severity: 'critical' }));
    expect(await desk.show(incidentId)).toMatchObject({ state: 'open', severity: 'critical' });
    await desk.acknowledge(incidentId, saying);
    await apply(coolerAlert('a', 'cleared', 2), coolerAlert('b', 'cleared', 3));
    await expect(desk.acknowledge(incidentId, saying)).rejects.toMatchObject({ code: 'incident-cleared' });
    await apply(coolerAlert('a', 'raised', 5));
    expect(await desk.show(incidentId)).toMatchObject({ state: 'open', reopened: 1 });
    await expect(desk.show('nothing')).rejects.toMatchObject({ code: 'incident-unknown' });
  });

  it('find an incident under the id that it had, with what they wrote', async () => {
    await apply(coolerAlert('b', 'raised', 5));
    const [before] = (await desk.list({ limit: 1 })).items;
    await desk.note(before?.incidentId ?? '', { who: 'bob', text: 'door was open' });
    await apply(coolerAlert('a', 'raised', 1), coolerAlert('a', 'cleared', 2));
    const after = await desk.show(before?.incidentId ?? '');
    expect(after.incidentId).not.toBe(before?.incidentId);
    expect(after).toMatchObject({ alertIds: ['a', 'b'], notes: [{ kind: 'note', who: 'bob', text: 'door was open' }] });
  });

  it('list them by state, severity and subject, page by page', async () => {
    await apply(
      ...[1, 2, 3, 4].map((n) => coolerAlert(`v${n}`, 'raised', n, { location: { vehicleId: `VAN-${n}` } })),
      coolerAlert('v4', 'cleared', 5, { location: { vehicleId: 'VAN-4' } }),
      coolerAlert('x', 'raised', 9, { severity: 'critical', location: { vehicleId: 'VAN-1' }, quantity: 'peakG' }),
    );
    const subjects = async (query: Parameters<IncidentDesk['list']>[0]) =>
      (await desk.list(query)).items.map(({ subject }) => subject.slice(-1)).join('');
    expect(await subjects({ limit: 10, state: 'open' })).toBe('1321');
    expect(await subjects({ limit: 10, state: 'cleared' })).toBe('4');
    expect(await subjects({ limit: 10, severity: 'critical' })).toBe('1');
    expect(await subjects({ limit: 10, subject: 'vehicle/VAN-1' })).toBe('11');
    const first = await desk.list({ limit: 3 });
    expect(first.next).toBeDefined();
    expect(await subjects({ limit: 3, after: first.next })).toBe('21');
  });
});

describe('subscribers are told', () => {
  it('of an incident that opens, gets worse, is taken on and is cleared, each once', async () => {
    await subscribe('all');
    await subscribe('critical-only', { minSeverity: 'critical' });
    await subscribe('other-van', { matcher: { vehicle: 'VAN-8' } });
    const storm = Array.from({ length: 20 }, (_, index) => coolerAlert(`a${index}`, 'raised', index));
    await apply(...storm.slice(0, 10));
    await apply(...storm.slice(5));
    const [incident] = (await desk.list({ limit: 1 })).items;
    const name = incident?.incidentId.slice(0, 4);
    expect(await told()).toEqual([`opened ${name} 10`]);
    await apply(coolerAlert('worse', 'raised', 21, { severity: 'critical' }));
    await desk.acknowledge(incident?.incidentId ?? '', { who: 'ann', text: '' });
    await apply(...['worse', ...storm.map(({ alertId }) => alertId)].map((id) => coolerAlert(id, 'cleared', 30)));
    expect(await told()).toEqual([
      `opened ${name} 10`,
      `escalated ${name} 21`,
      `acknowledged ${name} 21`,
      `cleared ${name} 21`,
    ]);
    expect(await told('critical-only')).toEqual([`opened ${name} 21`, `acknowledged ${name} 21`, `cleared ${name} 21`]);
    expect(await told('other-van')).toEqual([]);
  });

  it('under one name, also when a late alert gives the incident another id, or makes one of two', async () => {
    await subscribe('all');
    await apply(coolerAlert('b', 'raised', 20), coolerAlert('b', 'cleared', 21));
    await apply(coolerAlert('c', 'raised', 40));
    const names = (await told()).map((line) => line.split(' ')[1]);
    expect(await told()).toEqual([`opened ${names[0]} 1`, `cleared ${names[0]} 1`, `opened ${names[2]} 1`]);
    // Stood from before the first to after the second: all of it is one.
    await apply(coolerAlert('a', 'raised', 15), coolerAlert('a', 'cleared', 45));
    expect((await told()).slice(3)).toEqual([`opened ${names[0]} 3`, `cleared ${names[2]} 1`]);
    const [last] = await store.query<{ body: DeliveryBody }>('select body from deliveries order by place desc limit 1');
    expect(last?.body.incident?.continuesAs?.slice(0, 4)).toBe(names[0]);
    await apply(coolerAlert('c', 'cleared', 50));
    expect((await told()).slice(5)).toEqual([`cleared ${names[0]} 3`]);
  });

  it('nothing of what a silence covers, except what stands when it ends', async () => {
    await subscribe('all');
    await store.query(`insert into fleet_gateways (gateway_id, labels) values ('gw-van-7', '{"depot":"north"}')`);
    const silences = new Silences({ sql: store, clock });
    await silences.make({ matcher: { labels: { depot: 'no*' } }, to: minute(60), reason: 'defrosting', author: 'bob' });
    await apply(coolerAlert('a', 'raised', 0));
    await apply(coolerAlert('other', 'raised', 0, { gatewayId: 'gw-9', location: { vehicleId: 'VAN-9' } }));
    const [other, silent] = (await desk.list({ limit: 2 })).items.sort(
      (a, b) => a.silencedBy.length - b.silencedBy.length,
    );
    expect(silent?.silencedBy).toHaveLength(1);
    expect(await told()).toEqual([`opened ${other?.incidentId.slice(0, 4)} 1`]);
    // Another gateway of the same van is not in maintenance.
    await apply(coolerAlert('b', 'raised', 1, { gatewayId: 'gw-8' }));
    expect((await told()).slice(1)).toEqual([`opened ${silent?.incidentId.slice(0, 4)} 2`]);
  });

  it('nothing of what was over a day ago, except by a clock that does not know the time', async () => {
    await subscribe('all');
    await apply(coolerAlert('a', 'raised', -3000), coolerAlert('a', 'cleared', -2900));
    expect(await told()).toEqual([]);
    const boot = new Date(1000).toISOString();
    await apply(
      coolerAlert('u', 'raised', 0, { occurredAt: boot }),
      coolerAlert('u', 'cleared', 0, { occurredAt: boot }),
    );
    expect((await told()).map((line) => line.split(' ')[0])).toEqual(['opened', 'cleared']);
  });
});
