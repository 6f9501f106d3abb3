/**
 * What the hub measures of itself as distributions: how long a record takes to each stage, how long ports take, how much comes at once.
 *
 * Stages are measured from the moment a gateway recorded the oldest record of a batch, so a gateway that was away shows as latency: that is how
 * old the news is. Clocks of gateways that do not know the time count for nothing.
 */
import type { Clock } from '../../protocols/base/clock.ts';
import type { HistogramMetric } from '../../protocols/metrics/exposition.ts';
import { COUNTS, Histogram, SECONDS } from '../../protocols/metrics/histogram.ts';
import type { EventLog } from '../log/event-log.ts';
import type { TimeSeries } from '../timeseries/time-series.ts';
import type { Announcer } from '../tracking/changes.ts';
import { overriding } from './overriding.ts';

/** `log`: in the event log. `events`: its outputs committed. `series`: its points written. `state`: its package's state committed. */
export type Stage = 'log' | 'events' | 'series' | 'state';

export class Meters {
  readonly #clock: Clock;
  readonly #stages: Record<Stage, Histogram> = {
    log: new Histogram(SECONDS),
    events: new Histogram(SECONDS),
    series: new Histogram(SECONDS),
    state: new Histogram(SECONDS),
  };
  readonly #appends = new Histogram(SECONDS);
  readonly #appended = new Histogram(COUNTS);
  readonly #seriesWrites = new Histogram(SECONDS);
  readonly #groups = new Map<string, Histogram>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** What was recorded at `recordedMs` (1970) has reached a stage, now unless told. */
  reached(stage: Stage, recordedMs: number, atMs = this.#clock.wall().wallMs): void {
    this.#stages[stage].observe((atMs - recordedMs) / 1000);
  }

  log(eventLog: EventLog): EventLog {
    return overriding(eventLog, {
      append: async (records) => {
        const startUs = this.#clock.monotonicUs();
        this.#appended.observe(records.length);
        await eventLog.append(records);
        this.#appends.observe(this.#secondsSince(startUs));
      },
      transform: (options) => {
        const groups = new Histogram(COUNTS);
        this.#groups.set(options.group, groups);
        return eventLog.transform({
          ...options,
          onRecords: (records) => {
            groups.observe(records.length);
            return options.onRecords(records);
          },
        });
      },
    });
  }

  series(timeSeries: TimeSeries): TimeSeries {
    return overriding(timeSeries, {
      write: async (points) => {
        const startUs = this.#clock.monotonicUs();
        const rejected = await timeSeries.write(points);
        this.#seriesWrites.observe(this.#secondsSince(startUs));
        return rejected;
      },
    });
  }

  /** Measures the stage `state` where projections say what they change. */
  announcer(announcer: Announcer): Announcer {
    return {
      within: (sql, changes) => announcer.within(sql, changes),
      committed: (changes) => {
        for (const change of changes) {
          if (change.kind === 'package' && change.recordedMs !== undefined) this.reached('state', change.recordedMs);
        }
        announcer.committed(changes);
      },
    };
  }

  metrics(): HistogramMetric[] {
    const one = (value: Histogram) => [{ value }];
    return [
      histogram(
        'record_latency_seconds',
        'From the recording of a batch’s oldest record (state: of a package’s newest event) to a stage.',
        (Object.keys(this.#stages) as Stage[])
          .filter((stage) => this.#stages[stage].counts.some((count) => count > 0))
          .map((stage) => ({ labels: { stage }, value: this.#stages[stage] })),
      ),
      histogram('append_seconds', 'How long the event log takes to make records durable.', one(this.#appends)),
      histogram('append_records', 'Records in one append.', one(this.#appended)),
      histogram('series_write_seconds', 'How long the time series takes to store points.', one(this.#seriesWrites)),
      histogram(
        'group_records',
        'Log records processed in one transaction.',
        [...this.#groups].map(([group, value]) => ({ labels: { group }, value })),
      ),
    ];
  }

  #secondsSince(startUs: number): number {
    return (this.#clock.monotonicUs() - startUs) / 1e6;
  }
}

function histogram(name: string, help: string, samples: HistogramMetric['samples']): HistogramMetric {
  return { name: `milepost_hub_${name}`, type: 'histogram', help, samples };
}
