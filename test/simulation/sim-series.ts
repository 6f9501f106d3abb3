/** The time series database: refuses points for what they are, is away, or stores what it then does not confirm. A point's key is its place. */
import { type Point, type Rejected, type TimeSeries, TimeSeriesError } from '../../hub/timeseries/time-series.ts';
import type { Mutation } from './mutations.ts';
import type { SimProcess, World } from './world.ts';

/** Temperatures above this are refused, as an oversized or mistyped field would be. */
export const REFUSED_ABOVE_CELSIUS = 1e9;

export class SimSeries {
  away = false;
  /** Share of writes that are stored and not confirmed, or not stored. */
  failure = 0;
  readonly #world: World;
  readonly #random: () => number;
  readonly #mutation: Mutation | undefined;
  readonly #witness: { pointStored(key: string, point: Point): void };

  constructor(options: {
    world: World;
    mutation: Mutation | undefined;
    witness: { pointStored(key: string, point: Point): void };
  }) {
    this.#world = options.world;
    this.#random = options.world.random('series');
    this.#mutation = options.mutation;
    this.#witness = options.witness;
  }

  mount(process: SimProcess): TimeSeries {
    return { write: (points: readonly Point[]) => this.#write(points, process) } as Partial<TimeSeries> as TimeSeries;
  }

  async #write(points: readonly Point[], process: SimProcess): Promise<Rejected[]> {
    await this.#world.sleep(0.5 + this.#random() * 10, process);
    const fails = this.away || this.#random() < this.failure;
    if (!fails || (!this.away && this.#random() < 0.5)) for (const point of points) this.#store(point);
    if (fails) throw new TimeSeriesError({ code: 'timeseries-unavailable', message: 'simulated outage' });
    return points.flatMap((point, index) => (isRefused(point) ? [{ index, reason: 'value out of range' }] : []));
  }

  #store(point: Point): void {
    if (isRefused(point)) return;
    const tags = Object.entries(point.tags).map(([name, value]) => `${name}=${value}`);
    const subMsNs = this.#mutation === 'points-collide' ? 0 : point.subMsNs;
    this.#witness.pointStored([point.measurement, ...tags, point.atMs, subMsNs].join(','), point);
  }
}

function isRefused({ fields }: Point): boolean {
  return Number(fields.temperatureCelsius) > REFUSED_ABOVE_CELSIUS;
}
