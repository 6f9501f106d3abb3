import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { silentLog } from '../../protocols/base/log.ts';
import { ManualClock } from '../../protocols/base/manual-clock.ts';
import type { AlertMessage } from '../../protocols/uplink/tracking-event.ts';
import type { Store } from '../store/store.ts';
import { alertProjection } from '../tracking/alert-projection.ts';
import { Changes } from '../tracking/changes.ts';
import { emptyAlertStore, openAlertStore } from './alert-store.test-support.ts';
import type { DeliveryBody } from './announce.ts';
import { Deliverer, runDeliverer } from './deliverer.ts';
import { DeliveryDesk } from './delivery-desk.ts';
import { withIncidents } from './incident-projection.ts';
import { coolerAlert, minute, START_MS } from './sample-alerts.test-support.ts';
import { Silences } from './silences.ts';
import type { Outcome } from './webhook.ts';

const DAY_MS = 86_400_000;
const FAILED: Outcome = { done: false, code: 'webhook-refused', message: 'the receiver answers 500' };
let store: Store;
let clock: ManualClock;
let desk: DeliveryDesk;
let sent: string[];
let answer: (body: DeliveryBody) => Outcome | Promise<Outcome>;

beforeAll(async () => {
  store = await openAlertStore();
}, 60_000);
afterAll(() => store.close());
beforeEach(async () => {
  await emptyAlertStore(store);
  clock = new ManualClock(START_MS);
  desk = new DeliveryDesk({ store, clock, retryForMs: DAY_MS });
  sent = [];
  answer = () => ({ done: true });
  for (const id of ['ann', 'bob'])
    await store.query(
      `insert into subscriptions values ($1, 'x', '{"kind":"webhook","url":"http://h/","secret":"s"}', 'info', '{}',
       '{opened,escalated,acknowledged,cleared}', true, null, now())`,
      [id],
    );
});

const open = () =>
  new Deliverer({
    store,
    clock,
    changes: new Changes(),
    log: silentLog,
    retryForMs: DAY_MS,
    timeoutMs: 10_000,
    random: () => 0.75,
    send: async (_channel, body) => {
      sent.push(`${body.subscriptionId} ${body.phase} ${body.incident?.subject.slice(-1) ?? ''}`);
      return answer(body);
    },
  });
const apply = (...messages: AlertMessage[]) =>
  store.transaction((sql) => withIncidents(alertProjection, { clock, retryForMs: DAY_MS }).apply(sql, messages));
const signal = new AbortController().signal;
/** Until nothing is due any more. */
async function drain(deliverer: Deliverer): Promise<string[]> {
  for (let before = -1; before !== sent.length; ) {
    before = sent.length;
    await deliverer.tick(signal);
    await deliverer.settled();
  }
  return sent.splice(0).sort();
}
const van = (id: string, phase: AlertMessage['phase'], at: number) =>
  coolerAlert(id, phase, at, { location: { vehicleId: `VAN-${id}` } });

it('sends each once, and of one subject in order', async () => {
  const deliverer = open();
  await apply(van('1', 'raised', 0), van('1', 'cleared', 1), van('2', 'raised', 0));
  await deliverer.tick(signal);
  await deliverer.settled();
  // The second of a subject waits for the first.
  expect(sent.splice(0).sort()).toEqual(['ann opened 1', 'ann opened 2', 'bob opened 1', 'bob opened 2']);
  expect(await drain(deliverer)).toEqual(['ann cleared 1', 'bob cleared 1']);
  expect((await desk.list({ limit: 10, state: 'done', subscription: 'ann' })).items).toMatchObject([
    { phase: 'opened' },
    { phase: 'cleared' },
    { phase: 'opened', attempts: 1, title: expect.stringContaining('VAN-') },
  ]);
});

it('tries again, later and later, under the same id; what comes after it waits; in the end it expires and the next goes', async () => {
  const deliverer = open();
  const ids = new Set<string>();
  answer = ({ deliveryId, subscriptionId, phase }) => {
    if (subscriptionId === 'bob' || phase === 'cleared') return { done: true };
    ids.add(deliveryId);
    return FAILED;
  };
  await apply(van('1', 'raised', 0));
  expect(await drain(deliverer)).toEqual(['ann opened 1', 'bob opened 1']);
  const pauses: number[] = [];
  for (let attempt = 0; attempt < 12; attempt++) {
    const [waiting] = (await desk.list({ limit: 5, state: 'waiting' })).items.filter(({ phase }) => phase === 'opened');
    const pauseMs = Date.parse(waiting?.nextAt ?? '') - clock.wall().wallMs;
    pauses.push(pauseMs / 1000);
    await clock.advance(pauseMs - 1);
    expect(await drain(deliverer)).toEqual([]);
    await clock.advance(1);
    expect(await drain(deliverer)).toEqual(['ann opened 1']);
  }
  expect(pauses.slice(0, 5)).toEqual([3.75, 7.5, 15, 30, 60]);
  expect(Math.max(...pauses)).toBe(1350);
  expect(ids.size).toBe(1);
  await apply(van('1', 'cleared', 300));
  expect(await drain(deliverer)).toEqual(['bob cleared 1']);
  await clock.advance(DAY_MS - (clock.wall().wallMs - START_MS));
  expect(await drain(deliverer)).toEqual(['ann cleared 1']);
  expect((await desk.list({ limit: 5, subscription: 'ann' })).items).toMatchObject([
    { state: 'done', phase: 'cleared' },
    { state: 'expired', attempts: 13, fault: 'webhook-refused: the receiver answers 500' },
  ]);
});

it('a process that dies in between leaves it to another, which sends it again under the same id', async () => {
  const ids: string[] = [];
  answer = ({ deliveryId, subscriptionId }) => {
    if (subscriptionId === 'ann') ids.push(deliveryId);
    return new Promise<Outcome>(() => {});
  };
  await apply(van('1', 'raised', 0));
  await open().tick(signal);
  await expect.poll(() => ids.length).toBe(1);
  const other = open();
  answer = ({ deliveryId, subscriptionId }) => {
    if (subscriptionId === 'ann') ids.push(deliveryId);
    return { done: true };
  };
  sent = [];
  expect(await drain(other)).toEqual([]);
  await clock.advance(70_001);
  expect(await drain(other)).toEqual(['ann opened 1', 'bob opened 1']);
  expect(ids[1]).toBe(ids[0]);
});

it('an answer that comes after the claim has lapsed changes nothing', async () => {
  let late: (outcome: Outcome) => void = () => {};
  answer = () => new Promise<Outcome>((resolve) => (late = resolve));
  await store.query(`delete from subscriptions where subscription_id = 'bob'`);
  await apply(van('1', 'raised', 0));
  const slow = open();
  await slow.tick(signal);
  await expect.poll(() => sent.length).toBe(1);
  await clock.advance(70_001);
  answer = () => ({ done: true });
  sent = [];
  expect(await drain(open())).toEqual(['ann opened 1']);
  late(FAILED);
  await slow.settled();
  expect((await desk.list({ limit: 5 })).items).toMatchObject([{ state: 'done', attempts: 2 }]);
});

it('410 switches the subscription off, and what waits for it expires', async () => {
  answer = ({ subscriptionId }) =>
    subscriptionId === 'ann' ? { done: false, code: 'webhook-gone', message: 'gone' } : { done: true };
  await apply(van('1', 'raised', 0), van('1', 'cleared', 1));
  expect(await drain(open())).toEqual(['ann opened 1', 'bob cleared 1', 'bob opened 1']);
  expect((await desk.list({ limit: 5, subscription: 'ann' })).items.map(({ state }) => state)).toEqual([
    'expired',
    'expired',
  ]);
  const [row] = await store.query(`select enabled, disabled_why from subscriptions where subscription_id = 'ann'`);
  expect(row).toEqual({ enabled: false, disabled_why: 'webhook-gone: gone' });
  await apply(van('2', 'raised', 5));
  expect(await drain(open())).toEqual(['bob opened 2']);
});

it('a dead receiver has two in hands at most, and holds up nobody', async () => {
  answer = ({ subscriptionId }) => (subscriptionId === 'ann' ? new Promise<Outcome>(() => {}) : { done: true });
  const vans = Array.from({ length: 9 }, (_, index) => van(String(index), 'raised', 0));
  await apply(...vans);
  const deliverer = open();
  for (let tick = 0; tick < 6; tick++) {
    await deliverer.tick(signal);
    await expect
      .poll(async () => (await desk.list({ limit: 50, state: 'done' })).items.length)
      .toBeGreaterThanOrEqual(Math.min(9, 2 * (tick + 1)));
  }
  expect(sent.filter((line) => line.startsWith('ann'))).toHaveLength(2);
  expect(sent.filter((line) => line.startsWith('bob'))).toHaveLength(9);
});

it('tells when a silence ends what still stands then, and nothing of what came and went', async () => {
  const deliverer = open();
  const silences = new Silences({ sql: store, clock });
  const silence = { matcher: { vehicle: ['VAN-1', 'VAN-2'] }, reason: 'wash', author: 'bob' };
  await silences.make({ ...silence, to: minute(30) });
  await apply(van('1', 'raised', 0), van('2', 'raised', 0), van('3', 'raised', 0));
  expect(await drain(deliverer)).toEqual(['ann opened 3', 'bob opened 3']);
  await apply(van('2', 'cleared', 5));
  await clock.advance(29 * 60_000);
  expect(await drain(deliverer)).toEqual([]);
  await clock.advance(60_000);
  expect(await drain(deliverer)).toEqual(['ann opened 1', 'bob opened 1']);
  // Told before the silence, over during it: told when somebody ends it.
  const again = await silences.make({ ...silence, to: minute(300) });
  await drain(deliverer);
  await apply(van('1', 'cleared', 40));
  expect(await drain(deliverer)).toEqual([]);
  await silences.end(again.silenceId, 'ann');
  expect(await drain(deliverer)).toEqual(['ann cleared 1', 'bob cleared 1']);
});

it('a test goes out at once, and nothing behind it when the runner has stopped', async () => {
  await desk.test('ann');
  const runner = runDeliverer({
    store,
    clock,
    changes: new Changes(),
    log: silentLog,
    retryForMs: DAY_MS,
    timeoutMs: 10_000,
    random: () => 0.5,
    send: async (_channel, { phase }) => {
      sent.push(phase);
      return { done: true };
    },
  });
  await expect.poll(() => sent).toEqual(['test']);
  await runner.stop();
  await desk.test('ann');
  await clock.advance(60_000);
  expect(sent).toEqual(['test']);
  expect(runner.fault()).toBeUndefined();
});
