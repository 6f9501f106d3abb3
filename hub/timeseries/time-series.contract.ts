/** What every TimeSeries must do. Each test uses a measurement of its own, so one server serves all of them. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type CurveQuery, MAX_CURVES, type Point, type ScanQuery, type TimeSeries } from './time-series.ts';

export interface ContractOptions {
  open(): Promise<TimeSeries>;
  /** What a server needs before it finds what was just written. */
  settle?: () => Promise<void>;
  /** VictoriaMetrics keeps milliseconds, and so one of two points within one. */
  keepsNanoseconds: boolean;
}

const START_MS = Date.UTC(2026, 0, 5, 8);
let measurements = 0;

export function timeSeriesContract(
  name: string,
  { open, settle = async () => {}, keepsNanoseconds }: ContractOptions,
): void {
  describe(name, () => {
    let series: TimeSeries;

    beforeAll(async () => {
      series = await open();
      await series.setup();
    }, 60_000);

    afterAll(() => series.close());

    /** A fresh measurement: writes, and reads back. */
    function fresh() {
      const measurement = `contract${++measurements}`;
      const point = (offsetMs: number, celsius: number, rest: Partial<Point> = {}): Point => ({
        measurement,
        tags: { gateway: 'gw-1', device: 'climate-1', facility: 'HUB-A', read_point: 'dock-1' },
        fields: { celsius },
        atMs: START_MS + offsetMs,
        subMsNs: 0,
        ...rest,
      });
      const query = (rest: Partial<CurveQuery> = {}): CurveQuery => ({
        measurement,
        fields: ['celsius'],
        tags: {},
        fromMs: START_MS,
        toMs: START_MS + 3_600_000,
        maxPoints: 1000,
        ...rest,
      });
      const curves = async (rest: Partial<CurveQuery> = {}) => {
        await settle();
        return series.curves(query(rest));
      };
      const values = async (rest: Partial<CurveQuery> = {}) =>
        (await curves(rest)).map(({ points }) => points.map(({ atMs, values }) => [atMs - START_MS, ...values]));
      return { point, curves, values };
    }

    it('is healthy, and setting up again changes nothing', async () => {
      await series.setup();
      expect(await series.healthy()).toMatchObject({ ok: true });
    });

    it('gives back what was written, one curve per series, in order', async () => {
      const { point, curves } = fresh();
      const other = { tags: { gateway: 'gw-2', device: 'climate-2', vehicle: 'VAN-7' } };
      expect(await series.write([point(2000, 21.5), point(0, -4), point(1000, 5, other)])).toEqual([]);
      expect(await curves()).toEqual(
        [
          {
            tags: { gateway: 'gw-1', device: 'climate-1', facility: 'HUB-A', read_point: 'dock-1' },
            points: [
              { atMs: START_MS, values: [-4] },
              { atMs: START_MS + 2000, values: [21.5] },
            ],
          },
          { tags: other.tags, points: [{ atMs: START_MS + 1000, values: [5] }] },
        ].sort((a, b) =>
          JSON.stringify(Object.entries(a.tags).sort()) < JSON.stringify(Object.entries(b.tags).sort()) ? -1 : 1,
        ),
      );
    });

    it('has nothing of what was never written', async () => {
      const { curves } = fresh();
      expect(await curves()).toEqual([]);
    });

    it('chooses by tags and by time, both ends included', async () => {
      const { point, values } = fresh();
      const van = { tags: { device: 'climate-2', vehicle: 'VAN-7' } };
      await series.write([0, 1000, 2000, 3000].map((offsetMs) => point(offsetMs, offsetMs / 1000, { subMsNs: 5 })));
      await series.write([point(1000, 9, van)]);
      expect(await values({ tags: { vehicle: 'VAN-7' } })).toEqual([[[1000, 9]]]);
      expect(await values({ tags: { facility: 'HUB-A' }, fromMs: START_MS + 1000, toMs: START_MS + 2000 })).toEqual([
        [
          [1000, 1],
          [2000, 2],
        ],
      ]);
      expect(await values({ tags: { facility: 'HUB-A', device: 'nobody' } })).toEqual([]);
    });

    it('takes a point twice without doubling it', async () => {
      const { point, values } = fresh();
      await series.write([point(0, 1), point(1000, 2)]);
      await series.write([point(0, 1), point(1000, 2), point(1000, 2)]);
      expect(await values()).toEqual([
        [
          [0, 1],
          [1000, 2],
        ],
      ]);
    });

    it.runIf(keepsNanoseconds)('keeps two points within one millisecond apart', async () => {
      const { point, values } = fresh();
      await series.write([point(0, 2, { subMsNs: 2 }), point(0, 1, { subMsNs: 1 })]);
      expect(await values()).toEqual([
        [
          [0, 1],
          [0, 2],
        ],
      ]);
    });

    it('brings the fields of one point together, and leaves out incomplete ones', async () => {
      const { point, values } = fresh();
      await series.write([
        point(0, 0, { fields: { latitude: 52.5, longitude: 13.4 } }),
        point(1000, 0, { fields: { latitude: 52.6 } }),
        point(2000, 0, { fields: { latitude: 52.7, longitude: 13.6 } }),
      ]);
      expect(await values({ fields: ['latitude', 'longitude'] })).toEqual([
        [
          [0, 52.5, 13.4],
          [2000, 52.7, 13.6],
        ],
      ]);
    });

    it('survives names that the wire formats use themselves', async () => {
      const { point, curves } = fresh();
      const tags = { device: 'a, b=c "d" é 日', read_point: `x'y\\z $1 $${'{r}'}` };
      await series.write([point(0, 1, { tags, fields: { celsius: 1, 'odd, "name"=': 2, note: 'say "hi" \\ , =' } })]);
      expect(await curves({ tags })).toEqual([{ tags, points: [{ atMs: START_MS, values: [1] }] }]);
    });

    it('refuses what cannot be stored, names it, and stores the rest', async () => {
      const { point, values } = fresh();
      const rejected = await series.write([
        point(0, 1),
        point(1000, Number.NaN),
        point(2000, 0, { fields: {} }),
        point(3000, 4),
        point(4000, 1, { tags: { device: 'a\nb' } }),
        point(5000, Number.POSITIVE_INFINITY),
        point(-START_MS - 1, 1),
      ]);
      expect(rejected.map(({ index }) => index)).toEqual([1, 2, 4, 5, 6]);
      for (const { reason } of rejected) expect(reason).not.toBe('');
      expect(await values()).toEqual([
        [
          [0, 1],
          [3000, 4],
        ],
      ]);
    });

    it('thins a curve evenly and keeps its extremes', async () => {
      const { point, values } = fresh();
      const wave = Array.from({ length: 3000 }, (_, index) => point(index * 1000, Math.sin(index / 100) * 5));
      wave[1234] = point(1_234_000, 60);
      wave[2222] = point(2_222_000, -60);
      await series.write(wave);
      const [curve = []] = await values({ maxPoints: 100, toMs: START_MS + 2_999_999 });
      expect(curve.length).toBeGreaterThan(60);
      expect(curve.length).toBeLessThanOrEqual(100);
      expect(curve).toContainEqual([1_234_000, 60]);
      expect(curve).toContainEqual([2_222_000, -60]);
      expect(curve.map(([at]) => at)).toEqual(curve.map(([at = 0]) => at).sort((a, b) => a - b));
      for (let slice = 0; slice < 10; slice++) {
        expect(curve.some(([at = 0]) => at >= slice * 300_000 && at < (slice + 1) * 300_000)).toBe(true);
      }
    });

    it('keeps the ends of a track', async () => {
      const { point, values } = fresh();
      const fields = (index: number) => ({ latitude: 50 + index / 1000, longitude: 10 });
      await series.write(Array.from({ length: 500 }, (_, index) => point(index * 1000, 0, { fields: fields(index) })));
      const [track = []] = await values({ fields: ['latitude', 'longitude'], maxPoints: 20 });
      expect(track.length).toBeLessThanOrEqual(20);
      expect(track[0]).toEqual([0, 50, 10]);
      expect(track.at(-1)).toEqual([499_000, 50.499, 10]);
    });

    describe('a scan', () => {
      const gateway = 'gw-1';
      const tags = { gateway, device: 'climate-1', facility: 'HUB-A' };

      /** Pages of [device, time, values]. */
      async function scanned(measurement: string, rest: Partial<ScanQuery> = {}) {
        await settle();
        const pages: [string, number, (number | undefined)[]][][] = [];
        const query = { measurement, fields: ['celsius'] as const, tags: { gateway }, fromMs: START_MS };
        const range = { toMs: START_MS + 3_600_000, pageSize: 1000 };
        for await (const page of series.scan({ ...query, ...range, ...rest }))
          pages.push(page.map(({ device, atMs, values }) => [device, atMs - START_MS, values]));
        return pages;
      }

      it('gives every point of one gateway once, in order of time over all its series, whatever the size of a page', async () => {
        const { point } = fresh();
        const { measurement } = point(0, 0);
        const other = { ...tags, device: 'climate-2' };
        const points = Array.from({ length: 250 }, (_, index) =>
          point((index - (index % 2)) * 1000, index, { tags: index % 2 === 0 ? tags : other }),
        );
        await series.write([...points].reverse());
        await series.write([point(5000, -1, { tags: { ...tags, gateway: 'gw-2' } })]);
        const whole = (await scanned(measurement)).flat();
        expect(whole.map(([, at]) => at)).toEqual(points.map(({ atMs }) => atMs - START_MS));
        expect(new Set(whole.map(([, , [value]]) => value)).size).toBe(250);
        expect(whole.filter(([device]) => device === 'climate-2')).toHaveLength(125);
        for (const pageSize of [1, 7, 125]) {
          const pages = await scanned(measurement, { pageSize });
          const key = ([device, at]: (typeof whole)[number]) => `${at} ${device}`;
          expect(pages.flat().map(key).sort()).toEqual(whole.map(key).sort());
          expect(pages.flat().map(([, at]) => at)).toEqual(whole.map(([, at]) => at));
          expect(Math.max(...pages.map((page) => page.length))).toBeLessThan(250);
        }
      });

      it('chooses by device and time, both ends included, and has nothing of what was never written', async () => {
        const { point } = fresh();
        const { measurement } = point(0, 0);
        await series.write([0, 1000, 2000, 3000].map((offsetMs) => point(offsetMs, offsetMs / 1000, { tags })));
        await series.write([point(1000, 9, { tags: { ...tags, device: 'climate-2' } })]);
        const range = { fromMs: START_MS + 1000, toMs: START_MS + 2000 };
        expect((await scanned(measurement, { ...range, tags: { gateway, device: 'climate-1' } })).flat()).toEqual([
          ['climate-1', 1000, [1]],
          ['climate-1', 2000, [2]],
        ]);
        expect(await scanned(measurement, { tags: { gateway: 'nobody' } })).toEqual([]);
        expect(await scanned('never-written')).toEqual([]);
      });

      it('gives the fields that a point has, and a flag as 1 or 0', async () => {
        const { point } = fresh();
        const { measurement } = point(0, 0);
        await series.write([
          point(0, 0, { tags, fields: { latitude: 52.5, longitude: 13.4 } }),
          point(1000, 0, { tags, fields: { longitude: 13.5 } }),
          point(2000, 0, { tags, fields: { celsius: 1 } }),
          point(3000, 0, { tags, fields: { open: true } }),
          point(4000, 0, { tags, fields: { open: false } }),
        ]);
        expect((await scanned(measurement, { fields: ['latitude', 'longitude'] })).flat()).toEqual([
          ['climate-1', 0, [52.5, 13.4]],
          ['climate-1', 1000, [undefined, 13.5]],
        ]);
        expect((await scanned(measurement, { fields: ['open'] })).flat()).toEqual([
          ['climate-1', 3000, [1]],
          ['climate-1', 4000, [0]],
        ]);
      });

      it('ends between two pages when nobody wants more', async () => {
        const { point } = fresh();
        const { measurement } = point(0, 0);
        await series.write(Array.from({ length: 50 }, (_, index) => point(index * 1000, index, { tags })));
        await settle();
        const nobody = new AbortController();
        let count = 0;
        const query = { measurement, fields: ['celsius'] as const, tags: { gateway }, fromMs: START_MS };
        for await (const page of series.scan({
          ...query,
          toMs: START_MS + 60_000,
          pageSize: 10,
          signal: nobody.signal,
        })) {
          count += page.length;
          nobody.abort();
        }
        expect(count).toBeLessThan(50);
      });
    });

    it('gives a bounded number of curves', async () => {
      const { point, curves } = fresh();
      await series.write(
        Array.from({ length: MAX_CURVES + 20 }, (_, index) => point(0, index, { tags: { device: `d${index}` } })),
      );
      expect(await curves()).toHaveLength(MAX_CURVES);
    });
  });
}
