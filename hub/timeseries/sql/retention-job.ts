/** Keeps the embedded TimeSeries within its retention while the hub runs. */
import { type Clock, sleep } from '../../../protocols/base/clock.ts';
import type { Log } from '../../../protocols/base/log.ts';
import type { RetentionPlan } from '../time-series.ts';
import type { SqlTimeSeries } from './sql-time-series.ts';

/** Often enough that a run is short; the first one leaves the start of the hub alone. */
const EVERY_MS = 10 * 60_000;

/** Resolves after the signal, when nothing of it runs any more. Never rejects. */
export async function keepRetention(options: {
  timeSeries: SqlTimeSeries;
  plan: RetentionPlan;
  clock: Clock;
  log: Log;
  signal: AbortSignal;
}): Promise<void> {
  const { timeSeries, plan, clock, log, signal } = options;
  for (;;) {
    await sleep(clock, EVERY_MS, signal);
    if (signal.aborted) return;
    try {
      const gone = await timeSeries.keepWithin(plan, { nowMs: clock.wall().wallMs, signal });
      if (gone.points > 0 || gone.hours > 0) log.info(gone, 'old telemetry brought together by the hour');
    } catch (error) {
      log.warn({ err: error }, 'old telemetry could not be brought together; tried again later');
    }
  }
}
