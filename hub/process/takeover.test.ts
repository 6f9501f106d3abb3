/** Alerts that the hub raises of its own outlive its process: over a log as it is in production, one process after another. */
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { silentLog } from '../../protocols/base/log.ts';
import { ManualClock } from '../../protocols/base/manual-clock.ts';
import type { AlertMessage } from '../../protocols/uplink/tracking-event.ts';
import { type EventLog, type Runner, TOPICS } from '../log/event-log.ts';
import { logMigrations } from '../log/sql/migrations.ts';
import { openSqlLog } from '../log/sql/sql-log.ts';
import { hubTopics } from '../log/topics.ts';
import { openPglite } from '../store/pglite.ts';
import type { Store } from '../store/store.ts';
import { LedgerAudit } from './ledger-audit.ts';
import { Processor } from './processor.ts';
import { batch, scan, statusOf, temperature } from './sample-batches.test-support.ts';

const STEP_MS = 5_000;
const HOUR_MS = 3_600_000;
/** Reviews in which a contradiction is reported that has not been. */
const REVIEWS = 6;

let store: Store;
let eventLog: EventLog;
const alerts: AlertMessage[] = [];
beforeAll(async () => {
  store = await openPglite({ migrations: logMigrations });
  await store.migrate();
  eventLog = openSqlLog({ store, topics: hubTopics({ partitions: 1 }), pollMs: 20 });
  await eventLog.setup();
  await eventLog.follow({
    topic: TOPICS.alerts,
    position: async () => 0,
    onRecords: async (records) => {
      for (const { value } of records) alerts.push(JSON.parse(String(value)) as AlertMessage);
    },
  });
});
afterAll(async () => {
  await eventLog.close();
  await store.close();
});

/** A hub process: a clock that begins anew, an audit that has heard nothing, a group of each kind. */
async function hub() {
  const clock = new ManualClock();
  const audit = new LedgerAudit({ graceMs: 2 * STEP_MS });
  const review = vi.spyOn(audit, 'review');
  const timeSeries = {
    write: async (points: readonly unknown[]) =>
      points.map((_, index) => ({ index, reason: 'too many', code: 'series-limit' as const })),
  };
  const shared = { eventLog, timeSeries, clock, log: silentLog };
  const tracking = new Processor({ ...shared, group: 'tracking', lanes: ['alert', 'tracking'], audit });
  const telemetry = new Processor({ ...shared, group: 'telemetry', lanes: ['telemetry'] });
  const runners: Runner[] = [await tracking.start(), await telemetry.start()];
  /** The gateway goes on saying so, until that many reviews have passed. */
  const pass = async (delivered: number, reviews = REVIEWS) => {
    const until = review.mock.calls.length + reviews;
    while (review.mock.calls.length < until) {
      const nowMs = clock.monotonicUs() / 1000;
      audit.heard(statusOf(delivered, nowMs), nowMs);
      const reached = review.mock.calls.length;
      await clock.advance(STEP_MS);
      await vi.waitFor(() => expect(review.mock.calls.length).toBeGreaterThan(reached), { timeout: 30_000 });
    }
  };
  const handled = (of: Processor, records: number) =>
    vi.waitFor(() => expect(of.counters.records).toBe(records), { timeout: 30_000 });
  const stop = () => Promise.all(runners.map((runner) => runner.stop()));
  return { clock, tracking, telemetry, pass, handled, stop };
}

async function append(...batches: ReturnType<typeof batch>[]): Promise<void> {
  await eventLog.append(batches.map(({ topic, key, value, headers = {} }) => ({ topic, key, value, headers })));
}

const told = () => alerts.map(({ ruleId, phase }) => `${ruleId} ${phase}`).sort();

it('raises and clears each once, over three processes', async () => {
  const first = await hub();
  await append(batch('tracking', 1, [scan('p1'), scan('p2')]), batch('telemetry', 1, [temperature]));
  await first.handled(first.tracking, 2);
  await first.handled(first.telemetry, 1);
  await first.pass(3);
  const raised = ['conservation raised', 'series-limit raised'];
  await vi.waitFor(() => expect(told()).toEqual(raised), { timeout: 30_000 });
  await first.stop();

  const second = await hub();
  await append(batch('telemetry', 2, [temperature]));
  await second.handled(second.telemetry, 1);
  await second.pass(3);
  expect(told()).toEqual(raised);
  await append(batch('tracking', 3, [scan('p3')]));
  await second.handled(second.tracking, 1);
  await second.pass(3);
  await second.clock.advance(HOUR_MS);
  const all = ['conservation cleared', 'conservation raised', 'series-limit cleared', 'series-limit raised'];
  await vi.waitFor(() => expect(told()).toEqual(all), { timeout: 30_000 });
  expect(new Set(alerts.map(({ alertId }) => alertId)).size).toBe(2);
  await second.stop();

  const third = await hub();
  await third.pass(3);
  await third.clock.advance(HOUR_MS);
  await append(batch('tracking', 4, [scan('p4')]));
  await third.handled(third.tracking, 1);
  await third.pass(4);
  expect(told()).toEqual(all);
  await third.stop();
});
