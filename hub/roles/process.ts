/** The role `process`: batches of the log become package events, alerts and points. */

import type { HubOptions } from '../hub-options.ts';
import type { EventLog } from '../log/event-log.ts';
import type { Meters } from '../ops/meters.ts';
import { PROCESS_GROUPS } from '../process/groups.ts';
import type { LedgerAudit } from '../process/ledger-audit.ts';
import { Processor } from '../process/processor.ts';
import { guarded, type SeriesGuard } from '../timeseries/series-guard.ts';
import type { TimeSeries } from '../timeseries/time-series.ts';

export function openProcessors(
  { config, clock, log }: HubOptions,
  parts: { eventLog: EventLog; timeSeries: TimeSeries; audit: LedgerAudit; meters: Meters; guard: SeriesGuard },
): Processor[] {
  const { eventLog, audit, meters, guard } = parts;
  const shared = {
    eventLog,
    audit,
    timeSeries: guarded(meters.series(parts.timeSeries), guard, () => clock.monotonicUs() / 1000),
    onReached: meters.reached.bind(meters),
    clock,
    log: log.child({ part: 'process' }),
    gapAfterMs: config.process.gapAfter,
    format: config.kafka?.format ?? 'json',
    maxDoorIds: config.door.maxIds,
  };
  return PROCESS_GROUPS.map((group) => new Processor({ ...shared, ...group }));
}
