/** Events for tests and for looking at the web pages. Identities are drawn from the sequence, so they are the same each time. */
import { eventIdOf } from '../../protocols/uplink/identity.ts';
import type { AlertMessage, TrackingEvent } from '../../protocols/uplink/tracking-event.ts';

export type SampleEvent = Partial<Omit<TrackingEvent, 'source'>> & {
  packageId: string;
  sequence: number;
  gatewayId?: string;
  epoch?: string;
};

export function sampleEvent({
  sequence,
  gatewayId = 'gw-1',
  epoch = '00000000000000aa',
  ...rest
}: SampleEvent): TrackingEvent {
  const identity = { gatewayId, epoch, lane: 'tracking', sequence } as const;
  const occurredAt = rest.occurredAt ?? new Date(Date.UTC(2026, 0, 5, 8, 0, sequence)).toISOString();
  return {
    version: 1,
    eventId: eventIdOf(identity),
    otherIds: [],
    eventType: 'PACKAGE_SCANNED',
    scanType: 'ARRIVAL',
    businessStep: 'receiving',
    occurredAt,
    recordedAt: occurredAt,
    clock: { state: 'ntp', uncertaintyMs: 20, corrected: false },
    location: { facilityId: 'HUB-A', readPoint: 'dock-1' },
    source: { ...identity, deviceId: 'scanner-1' },
    data: { scanned: rest.packageId },
    ...rest,
  };
}

export type SampleAlert = Partial<AlertMessage> & { sequence: number };

export function sampleAlert({ sequence, ...rest }: SampleAlert): AlertMessage {
  return {
    version: 1,
    alertId: 'alert-1',
    eventId: eventIdOf({ gatewayId: 'gw-1', epoch: '00000000000000aa', lane: 'alert', sequence }),
    phase: 'raised',
    ruleId: 'cold-chain',
    severity: 'critical',
    gatewayId: 'gw-1',
    deviceId: 'climate-1',
    location: { facilityId: 'HUB-A', readPoint: 'dock-1' },
    quantity: 'temperatureCelsius',
    value: 9.4,
    limit: 8,
    message: '9.4 °C is above 8 °C',
    occurredAt: new Date(Date.UTC(2026, 0, 5, 8, 0, sequence)).toISOString(),
    ...rest,
  };
}
