import { expect, it } from 'vitest';
import { SeriesAlerts } from './series-alerts.ts';

const HOUR_MS = 3_600_000;
const exploding = (gatewayId: string) => ({ gatewayId, measurement: 'temperature', reason: 'limit' });

it('says it once for each gateway, also when the first saying was not committed, and once that it is over', () => {
  const alerts = new SeriesAlerts();
  expect(alerts.refused([exploding('a'), exploding('a'), exploding('b')], 0).raise).toHaveLength(2);
  // The next group is prepared while this one is being committed.
  expect(alerts.refused([exploding('a')], 1).raise).toEqual([]);
  alerts.aborted();
  const again = alerts.refused([exploding('a')], 1);
  expect(again.raise).toEqual([exploding('a')]);
  again.committed();
  alerts.aborted();
  expect(alerts.refused([exploding('a')], 2).raise).toEqual([]);
  expect(alerts.calm(HOUR_MS).clear).toEqual([]);
  expect(alerts.refused([exploding('a')], HOUR_MS).raise).toEqual([]);
  expect(alerts.calm(HOUR_MS + 3).clear).toEqual([]);
  const over = alerts.calm(2 * HOUR_MS);
  expect(over.clear).toMatchObject([exploding('a')]);
  expect(alerts.calm(2 * HOUR_MS + 1).clear).toHaveLength(1);
  over.committed();
  expect(alerts.calm(2 * HOUR_MS + 2).clear).toEqual([]);
  expect(alerts.refused([exploding('a')], 3 * HOUR_MS).raise).toHaveLength(1);
});
