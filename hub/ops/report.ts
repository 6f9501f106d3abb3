/** The hub's metrics. Pure. */
import type { Metric } from '../../protocols/metrics/exposition.ts';
import { LANES, type Lane } from '../../protocols/uplink/identity.ts';
import type { IngestCounters } from '../ingest/ingest.ts';
import type { ProcessorCounters } from '../process/processor.ts';
import type { KnownGateway } from './gateways.ts';

type Ledger = Record<Lane, { highest: number; seen: number; lost: number; missing: number }>;

export interface HubReport {
  ingest: IngestCounters;
  processors: {
    group: string;
    counters: ProcessorCounters;
    lanes: readonly Lane[];
    ledger: Ledger;
    lag: number | undefined;
  }[];
  projections: { name: string; lag: number | undefined }[];
  ports: { name: string; ok: boolean }[];
  gateways: KnownGateway[];
}

/** highest = seen + lost + missing, in every lane (design, section 3.8, as the hub sees it). */
export function isHubBalanced(report: HubReport): boolean {
  return report.processors.every(({ lanes, ledger }) =>
    lanes.every((lane) => ledger[lane].highest === ledger[lane].seen + ledger[lane].lost + ledger[lane].missing),
  );
}

export function hubMetrics(report: HubReport): Metric[] {
  const { ingest, processors } = report;
  const metric = (name: string, type: Metric['type'], help: string, samples: Metric['samples']): Metric => ({
    name: `milepost_hub_${name}`,
    type,
    help,
    samples,
  });
  const one = (value: number) => [{ value }];
  const perLane = (name: 'seen' | 'lost' | 'missing' | 'highest') =>
    processors.flatMap(({ lanes, ledger }) => lanes.map((lane) => ({ labels: { lane }, value: ledger[lane][name] })));
  const perGroup = (name: keyof ProcessorCounters) =>
    processors.map(({ group, counters }) => ({ labels: { group }, value: counters[name] }));
  const gateways = (name: 'accepted' | 'delivered' | 'evicted' | 'quarantined' | 'pending') =>
    LANES.map((lane) => ({
      labels: { lane },
      value: report.gateways.reduce((sum, gateway) => sum + (gateway.outbox?.lanes[lane][name] ?? 0), 0),
    }));
  return [
    metric('batches_total', 'counter', 'Batches stored in the event log.', one(ingest.batches)),
    metric('received_bytes_total', 'counter', 'Bytes of batches stored.', one(ingest.bytes)),
    metric(
      'ingested_records_total',
      'counter',
      'Records stored in the event log, repetitions included.',
      LANES.map((lane) => ({ labels: { lane }, value: ingest.records[lane] })),
    ),
    metric('unreadable_batches_total', 'counter', 'Batches that no hub can read.', one(ingest.unreadable)),
    metric(
      'refused_appends_total',
      'counter',
      'Appends that the event log refused; the gateways keep the batches.',
      one(ingest.failed),
    ),
    metric('accepted_records', 'gauge', 'Records that gateways accepted, by their last status.', gateways('accepted')),
    metric('delivered_records', 'gauge', 'Distinct records processed.', perLane('seen')),
    metric('lost_records', 'gauge', 'Records that gateways stated as evicted or quarantined.', perLane('lost')),
    metric('missing_records', 'gauge', 'Records that should be there and are not (open gaps).', perLane('missing')),
    metric('evicted_records', 'gauge', 'Evicted, by the gateways’ last status.', gateways('evicted')),
    metric('quarantined_records', 'gauge', 'Quarantined, by the gateways’ last status.', gateways('quarantined')),
    metric('pending_records', 'gauge', 'Pending at the gateways, by their last status.', gateways('pending')),
    metric(
      'conservation_balanced',
      'gauge',
      '1 while highest = delivered + lost + missing.',
      one(isHubBalanced(report) ? 1 : 0),
    ),
    metric('duplicate_records_total', 'counter', 'Records that came again and were dropped.', perGroup('duplicates')),
    metric('dead_letters_total', 'counter', 'Records that could not be decoded or stored.', perGroup('deadLetters')),
    metric('package_events_total', 'counter', 'Tracking events published.', perGroup('packageEvents')),
    metric('alerts_total', 'counter', 'Alerts published.', perGroup('alerts')),
    metric('points_total', 'counter', 'Points written to the time series.', perGroup('points')),
    metric('gaps_total', 'counter', 'Gaps reported.', perGroup('gaps')),
    metric(
      'lag_records',
      'gauge',
      'Log records that a group has not yet processed.',
      [
        ...processors.map(({ group, lag }) => ({ group, lag })),
        ...report.projections.map(({ name, lag }) => ({ group: name, lag })),
      ].flatMap(({ group, lag }) => (lag === undefined ? [] : [{ labels: { group }, value: lag }])),
    ),
    metric(
      'gateways',
      'gauge',
      'Gateways heard of.',
      (['online', 'offline'] as const).map((state) => ({
        labels: { state },
        value: report.gateways.filter(({ online }) => online === (state === 'online')).length,
      })),
    ),
    metric(
      'port_ok',
      'gauge',
      '1 while a port (broker, event log, time series, store, cache) works.',
      report.ports.map(({ name, ok }) => ({ labels: { port: name }, value: ok ? 1 : 0 })),
    ),
  ];
}
