/** The hub's metrics. Pure. */
import type { HistogramMetric, Metric } from '../../protocols/metrics/exposition.ts';
import { LANES, type Lane } from '../../protocols/uplink/identity.ts';
import type { DoorCounters } from '../door/door.ts';
import type { SparkplugCounters } from '../door/sparkplug.ts';
import type { IngestCounters } from '../ingest/ingest.ts';
import type { ProcessorCounters } from '../process/work.ts';
import type { KnownGateway } from './gateways.ts';

type Ledger = Record<Lane, { highest: number; seen: number; lost: number; missing: number }>;

export interface HubReport {
  /** Undefined without the role `ingest`. */
  ingest: IngestCounters | undefined;
  /** The open door: roles `ingest` (MQTT) and `api` (HTTP). */
  door?: DoorCounters;
  /** Undefined without the role `ingest`. */
  sparkplug?: SparkplugCounters;
  processors: {
    group: string;
    counters: ProcessorCounters;
    lanes: readonly Lane[];
    ledger: Ledger;
    lag: number | undefined;
  }[];
  projections: { name: string; lag: number | undefined }[];
  ports: { name: string; ok: boolean }[];
  /** Undefined where statuses are not read (roles `process` and `api` read them). */
  gateways: KnownGateway[] | undefined;
  roles: readonly string[];
  /** What gateways have sent and is in hands (role `ingest`). */
  queue: { bytes: number; waiting: number } | undefined;
  /** Series that are written (role `process`). */
  series: number | undefined;
  distributions: readonly HistogramMetric[];
}

/** highest = seen + lost + missing, in every lane (design, section 3.8, as the hub sees it). */
function isHubBalanced(report: HubReport): boolean {
  return report.processors.every(({ lanes, ledger }) =>
    lanes.every((lane) => ledger[lane].highest === ledger[lane].seen + ledger[lane].lost + ledger[lane].missing),
  );
}

export function hubMetrics(report: HubReport): (Metric | HistogramMetric)[] {
  const { ingest, processors } = report;
  const perLane = (name: 'seen' | 'lost' | 'missing' | 'highest') =>
    processors.flatMap(({ lanes, ledger }) => lanes.map((lane) => ({ labels: { lane }, value: ledger[lane][name] })));
  const perGroup = (name: keyof ProcessorCounters) =>
    processors.map(({ group, counters }) => ({ labels: { group }, value: counters[name] }));
  return [
    metric(
      'role',
      'gauge',
      '1 for each role of this process.',
      report.roles.map((role) => ({ labels: { role }, value: 1 })),
    ),
    ...(ingest ? ingestMetrics(ingest) : []),
    ...(report.door ? doorMetrics(report.door) : []),
    ...(report.sparkplug ? sparkplugMetrics(report.sparkplug) : []),
    metric('door_conflicts_total', 'counter', 'Event ids that a client used for two events.', perGroup('conflicts')),
    ...(report.queue ? queueMetrics(report.queue) : []),
    ...(report.gateways ? gatewayMetrics(report.gateways) : []),
    metric('delivered_records', 'gauge', 'Distinct records processed.', perLane('seen')),
    metric('lost_records', 'gauge', 'Records that gateways stated as evicted or quarantined.', perLane('lost')),
    metric('missing_records', 'gauge', 'Records that should be there and are not (open gaps).', perLane('missing')),
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
      'port_ok',
      'gauge',
      '1 while a port (broker, event log, time series, store, cache) works.',
      report.ports.map(({ name, ok }) => ({ labels: { port: name }, value: ok ? 1 : 0 })),
    ),
    metric(
      'series',
      'gauge',
      'Time series that this process writes.',
      report.series === undefined ? [] : one(report.series),
    ),
    ...report.distributions,
  ];
}

/** By what gateways last said: the same in every process that reads it, so take the highest, not the sum. */
function gatewayMetrics(gateways: readonly KnownGateway[]): Metric[] {
  const sums = (name: 'accepted' | 'evicted' | 'quarantined' | 'pending') =>
    LANES.map((lane) => ({
      labels: { lane },
      value: gateways.reduce((sum, gateway) => sum + (gateway.outbox?.lanes[lane][name] ?? 0), 0),
    }));
  return [
    metric('accepted_records', 'gauge', 'Records that gateways accepted, by their last status.', sums('accepted')),
    metric('evicted_records', 'gauge', 'Evicted, by the gateways’ last status.', sums('evicted')),
    metric('quarantined_records', 'gauge', 'Quarantined, by the gateways’ last status.', sums('quarantined')),
    metric('pending_records', 'gauge', 'Pending at the gateways, by their last status.', sums('pending')),
    metric(
      'gateways',
      'gauge',
      'Gateways heard of.',
      (['online', 'offline'] as const).map((state) => ({
        labels: { state },
        value: gateways.filter(({ online }) => online === (state === 'online')).length,
      })),
    ),
  ];
}

function queueMetrics({ bytes, waiting }: { bytes: number; waiting: number }): Metric[] {
  return [
    metric('pending_bytes', 'gauge', 'Bytes of messages in hands, not yet in the event log.', one(bytes)),
    metric('waiting_messages', 'gauge', 'Messages that wait because enough is in hands.', one(waiting)),
  ];
}

function doorMetrics({ events, invalid, failed }: DoorCounters): Metric[] {
  return [
    metric('door_events_total', 'counter', 'Events of the open door stored in the event log.', one(events)),
    metric(
      'door_invalid_total',
      'counter',
      'Messages of the open door that became dead letters on arrival.',
      one(invalid),
    ),
    metric('door_refused_total', 'counter', 'Appends of the open door that the event log refused.', one(failed)),
  ];
}

function sparkplugMetrics({ metrics, skipped, rebirths }: SparkplugCounters): Metric[] {
  return [
    metric('sparkplug_metrics_total', 'counter', 'Metrics of Sparkplug nodes taken.', one(metrics)),
    metric('sparkplug_skipped_total', 'counter', 'Metrics that are no points.', one(skipped)),
    metric('sparkplug_rebirths_total', 'counter', 'Births asked for.', one(rebirths)),
  ];
}

function ingestMetrics(ingest: IngestCounters): Metric[] {
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
  ];
}

function metric(name: string, type: Metric['type'], help: string, samples: Metric['samples']): Metric {
  return { name: `milepost_hub_${name}`, type, help, samples };
}

function one(value: number): Metric['samples'] {
  return [{ value }];
}
