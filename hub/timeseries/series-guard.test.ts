import { expect, it } from 'vitest';
import { guarded, SeriesGuard } from './series-guard.ts';
import type { Point, Rejected, TimeSeries } from './time-series.ts';

const HOUR_MS = 3_600_000;
const point = (device: string, gateway = 'gw-1', measurement = 'temperature'): Point => ({
  measurement,
  tags: { gateway, device, facility: 'DC-1' },
  fields: { temperatureCelsius: 1 },
  atMs: 1_700_000_000_000,
  subMsNs: 0,
});

it('lets known series pass for ever and refuses new ones beyond the limit, naming the tag at fault', () => {
  const guard = new SeriesGuard({ maxPerGateway: 3, max: 100 });
  for (const device of ['a', 'b', 'c']) expect(guard.refuse(point(device), 0)).toBeUndefined();
  expect(guard.refuse(point('d'), 1)).toBe(
    '3 series of temperature are the limit of one gateway, and device=d would be another',
  );
  for (const device of ['a', 'b', 'c']) expect(guard.refuse(point(device), 2)).toBeUndefined();
  expect(guard.refuse(point('d', 'gw-2'), 3)).toBeUndefined();
  expect(guard.refuse(point('d', 'gw-1', 'humidity'), 4)).toBeUndefined();
  expect(guard.size).toBe(5);
});

it('is bounded over all gateways: a million made-up ids cost no more than the limit', () => {
  const guard = new SeriesGuard({ maxPerGateway: 10, max: 1_000 });
  let refused = 0;
  for (let n = 0; n < 20_000; n++) if (guard.refuse(point('d', `gw-${n}`), n) !== undefined) refused++;
  expect(refused).toBe(19_000);
  expect(guard.size).toBe(1_000);
});

it('forgets what is not written any more, and not what is', () => {
  const guard = new SeriesGuard({ maxPerGateway: 2, max: 2 });
  expect(guard.refuse(point('old'), 0)).toBeUndefined();
  expect(guard.refuse(point('steady'), 0)).toBeUndefined();
  expect(guard.refuse(point('steady'), 12 * HOUR_MS)).toBeUndefined();
  expect(guard.refuse(point('new'), 13 * HOUR_MS)).toContain('limit');
  expect(guard.refuse(point('steady'), 24 * HOUR_MS)).toBeUndefined();
  expect(guard.refuse(point('new'), 25 * HOUR_MS)).toBeUndefined();
  expect(guard.refuse(point('steady'), 26 * HOUR_MS)).toBeUndefined();
  expect(guard.refuse(point('another'), 27 * HOUR_MS)).toContain('limit');
});

it('tells tag sets apart', () => {
  const guard = new SeriesGuard({ maxPerGateway: 100_000, max: 100_000 });
  const tags = (device: string, facility: string) => ({ ...point(''), tags: { gateway: 'g', device, facility } });
  guard.refuse(tags('ab', 'c'), 0);
  guard.refuse(tags('a', 'bc'), 0);
  expect(guard.size).toBe(2);
  for (let n = 0; n < 1_000; n++) guard.refuse(tags(`device-${n}`, `site-${n % 7}`), 0);
  expect(guard.size).toBe(1_002);
});

it('writes what passes, and reports the server’s refusals beside its own at their places', async () => {
  const written: Point[][] = [];
  const server = {
    write: async (points: readonly Point[]): Promise<Rejected[]> => {
      written.push([...points]);
      return [{ index: 1, reason: 'field type conflict' }];
    },
  } as TimeSeries;
  const series = guarded(server, new SeriesGuard({ maxPerGateway: 2, max: 10 }), () => 0);
  const rejected = await series.write(['a', 'b', 'c', 'a', 'd'].map((device) => point(device)));
  expect(written.map((points) => points.map(({ tags }) => tags.device))).toEqual([['a', 'b', 'a']]);
  expect(rejected.map(({ index, code }) => [index, code])).toEqual([
    [1, undefined],
    [2, 'series-limit'],
    [4, 'series-limit'],
  ]);
  written.length = 0;
  expect(await series.write([point('e')])).toHaveLength(1);
  expect(written).toEqual([]);
});
