/** What the daemon knows of itself, gathered once for `edge status`, `up/status`, /healthz and /metrics. Pure. */
import type { Metric } from '../../protocols/metrics/exposition.ts';
import type { LaneLedger } from '../../protocols/uplink/gateway-status.ts';
import { LANES, type Lane } from '../../protocols/uplink/identity.ts';
import type { AlertSeverity } from '../../protocols/uplink/model.ts';
import type { ConfigSummary } from '../fleet/remote-config.ts';
import type { OutboxFault } from '../outbox/fault-book.ts';
import type { PipelineCounters } from '../pipeline/pipeline.ts';
import type { DeviceHealth } from '../transport/device-health.ts';
import type { UplinkCounters } from '../uplink/uplink.ts';
import { imbalance } from './conservation.ts';

export interface EdgeReport {
  gatewayId: string;
  software: string;
  upSeconds: number;
  atMs: number;
  clock: { state: string; uncertaintyMs: number };
  bootId: number;
  epoch: string;
  outbox: {
    mode: string;
    detail: string;
    lanes: Record<Lane, LaneLedger>;
    unused: Record<Lane, number>;
    bytes: Record<Lane, number>;
    held: number;
    /** Bytes that lie ready for alerts on a full disk. */
    reserveBytes: number;
    /** How often the disk has refused since the start; the last time, also when it is over. */
    faults: number;
    lastFault: OutboxFault | undefined;
  };
  rejected: Record<Lane, number>;
  /** Whether accepted = delivered + evicted + quarantined + pending holds in every lane. */
  balanced: boolean;
  hub: { url: string; connected: boolean; code: string; message: string; inFlightBatches: number } & UplinkCounters;
  pipeline: PipelineCounters & { tagsPresent: number };
  rules: {
    count: number;
    /** Raised and not over, oldest first. */
    open: OpenAlertReport[];
    /** Phases of alerts since the start; those that wait for the disk; those that were given up. */
    alerts: number;
    untold: number;
    lost: number;
    /** Readings that came too late to be judged. */
    tooLate: number;
    /** Pairs of rule and device that there was no room for. */
    refused: number;
  };
  config: ConfigSummary;
  devices: DeviceReport[];
}

export interface OpenAlertReport {
  alertId: string;
  ruleId: string;
  severity: AlertSeverity;
  /** Empty where it is about the gateway. */
  deviceId: string;
  message: string;
  openSeconds: number;
}

export interface DeviceReport extends Omit<DeviceHealth, 'sinceUs' | 'lastReadingUs'> {
  id: string;
  driver: string;
  lastReadingSecondsAgo: number | undefined;
}

/** The conservation law (design, section 3.8). */
export function isBalanced(lanes: Record<Lane, LaneLedger>): boolean {
  return LANES.every((lane) => imbalance(lane, lanes[lane]).length === 0);
}

export function edgeMetrics(report: EdgeReport): Metric[] {
  const gateway = { gateway: report.gatewayId };
  const perLane = (name: keyof LaneLedger) =>
    LANES.map((lane) => ({ labels: { ...gateway, lane }, value: report.outbox.lanes[lane][name] }));
  const perDevice = (value: (device: DeviceReport) => number | undefined) =>
    report.devices.flatMap((device) => {
      const found = value(device);
      return found === undefined
        ? []
        : [{ labels: { ...gateway, device: device.id, driver: device.driver }, value: found }];
    });
  const metric = (name: string, type: Metric['type'], help: string, samples: Metric['samples']): Metric => ({
    name: `milepost_edge_${name}`,
    type,
    help,
    samples,
  });
  const one = (value: number) => [{ labels: gateway, value }];
  return [
    metric(
      'accepted_records_total',
      'counter',
      'Records durable in the outbox since it was created.',
      perLane('accepted'),
    ),
    metric('delivered_records_total', 'counter', 'Records that the hub has acknowledged.', perLane('delivered')),
    metric('evicted_records_total', 'counter', 'Records given up for want of space.', perLane('evicted')),
    metric('quarantined_records_total', 'counter', 'Records damaged on disk.', perLane('quarantined')),
    metric('pending_records', 'gauge', 'Records not yet acknowledged.', perLane('pending')),
    metric(
      'conservation_balanced',
      'gauge',
      '1 while accepted = delivered + evicted + quarantined + pending.',
      one(report.balanced ? 1 : 0),
    ),
    metric(
      'rejected_records_total',
      'counter',
      'Readings that the outbox never accepted.',
      LANES.map((lane) => ({ labels: { ...gateway, lane }, value: report.rejected[lane] })),
    ),
    metric(
      'outbox_bytes',
      'gauge',
      'Bytes on disk.',
      LANES.map((lane) => ({ labels: { ...gateway, lane }, value: report.outbox.bytes[lane] })),
    ),
    metric('outbox_faults_total', 'counter', 'Times the disk has refused the outbox.', one(report.outbox.faults)),
    metric('outbox_reserve_bytes', 'gauge', 'Bytes ready for alerts on a full disk.', one(report.outbox.reserveBytes)),
    metric('outbox_ok', 'gauge', '1 while the outbox takes records.', one(report.outbox.mode === 'ok' ? 1 : 0)),
    metric('hub_connected', 'gauge', '1 while connected to the hub.', one(report.hub.connected ? 1 : 0)),
    metric('batches_in_flight', 'gauge', 'Batches sent and not yet acknowledged.', one(report.hub.inFlightBatches)),
    metric('batches_sent_total', 'counter', 'Batches sent, without repetitions.', one(report.hub.batchesSent)),
    metric(
      'batches_resent_total',
      'counter',
      'Batches sent again for want of an acknowledgement.',
      one(report.hub.batchesResent),
    ),
    metric('sent_bytes_total', 'counter', 'Bytes of batches published.', one(report.hub.bytesSent)),
    metric('readings_total', 'counter', 'Readings from all devices.', one(report.pipeline.readings)),
    metric(
      'repeated_readings_total',
      'counter',
      'Scans and tag reads that were repetitions.',
      one(report.pipeline.repeated),
    ),
    metric(
      'unchanged_readings_total',
      'counter',
      'Sensor values within their dead band.',
      one(report.pipeline.unchanged),
    ),
    metric('alerts_total', 'counter', 'Alerts raised and cleared.', one(report.rules.alerts)),
    metric('alerts_open', 'gauge', 'Alerts that are raised and not over.', one(report.rules.open.length)),
    metric('alerts_lost_total', 'counter', 'Phases of alerts that were given up.', one(report.rules.lost)),
    metric('late_readings_total', 'counter', 'Readings that came too late for a rule.', one(report.rules.tooLate)),
    metric('tags_present', 'gauge', 'RFID tags in the field.', one(report.pipeline.tagsPresent)),
    metric(
      'config_version',
      'gauge',
      "Version of the hub's configuration that is in force; 0 is the file alone.",
      one(report.config.version),
    ),
    metric(
      'config_refused',
      'gauge',
      '1 while the newest desired version is rejected or rolled back.',
      one(['rejected', 'rolled-back'].includes(report.config.state) ? 1 : 0),
    ),
    metric(
      'device_online',
      'gauge',
      '1 while the device is open and understood.',
      perDevice((d) => (d.state === 'online' ? 1 : 0)),
    ),
    metric(
      'device_bytes_total',
      'counter',
      'Bytes read from the device.',
      perDevice((d) => d.stats.bytes),
    ),
    metric(
      'device_frames_total',
      'counter',
      'Valid frames.',
      perDevice((d) => d.stats.frames),
    ),
    metric(
      'device_discarded_bytes_total',
      'counter',
      'Bytes that belonged to no valid frame.',
      perDevice((d) => d.stats.discardedBytes),
    ),
    metric(
      'device_checksum_errors_total',
      'counter',
      'Frames with a wrong checksum.',
      perDevice((d) => d.stats.checksumErrors),
    ),
    metric(
      'device_reconnects_total',
      'counter',
      'Times the device was opened again.',
      perDevice((d) => d.reconnects),
    ),
    metric(
      'device_last_reading_seconds',
      'gauge',
      'Seconds since the last reading.',
      perDevice((d) => d.lastReadingSecondsAgo),
    ),
  ];
}
