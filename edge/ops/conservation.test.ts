import { expect, it } from 'vitest';
import type { LaneLedger } from '../../protocols/uplink/gateway-status.ts';
import { ConservationWatch, imbalance } from './conservation.ts';

const good: LaneLedger = { accepted: 10, delivered: 4, evicted: 3, quarantined: 1, pending: 2 };
const all = (tracking: LaneLedger) => ({ alert: good, tracking, telemetry: good });

it.each([
  ['one is missing', { ...good, delivered: 3 }],
  ['one is counted twice', { ...good, pending: 3 }],
  ['a count is negative', { ...good, delivered: 7, pending: -1 }],
  ['a count is no number', { ...good, delivered: Number.NaN }],
])('a lane is out of balance when %s', (_, ledger) => {
  expect(imbalance('tracking', ledger)).toEqual([expect.stringMatching(/^lane tracking: 10 accepted, but /)]);
});

it('raises one alert for a violation and clears it once', () => {
  let ids = 0;
  const watch = new ConservationWatch({ newId: () => `id-${++ids}` });
  expect(watch.check(all(good), [])).toBeUndefined();
  const raised = watch.check(all({ ...good, accepted: 11 }), ['segment 5 holds 7 records, not 8']);
  expect(raised).toMatchObject({
    kind: 'alert',
    alertId: 'id-1',
    phase: 'raised',
    ruleId: 'conservation',
    severity: 'critical',
    value: 2,
  });
  expect(raised?.message).toContain('lane tracking: 11 accepted, but 4 delivered');
  expect(raised?.message).toContain('segment 5');
  expect(watch.check(all({ ...good, accepted: 12 }), [])).toBeUndefined();
  expect(watch.violation).toContain('lane tracking');
  expect(watch.check(all(good), [])).toMatchObject({ alertId: 'id-1', phase: 'cleared', value: 0 });
  expect(watch.violation).toBeUndefined();
  expect(watch.check(all(good), [])).toBeUndefined();
  expect(watch.check(all(good), ['a record too many'])).toMatchObject({ alertId: 'id-2', phase: 'raised' });
});
