/** Decoded records → messages of `package-events` and `alerts`, and points of the time series. Pure. */
import { createHash } from 'node:crypto';
import { eventIdOf, type RecordIdentity } from '../../protocols/uplink/identity.ts';
import type {
  AlertPayload,
  DevicePayload,
  Payload,
  TelemetryPayload,
  TrackingPayload,
} from '../../protocols/uplink/model.ts';
import type { RecordTime } from '../../protocols/uplink/record.ts';
import type { AlertMessage, TrackingEvent } from '../../protocols/uplink/tracking-event.ts';
import type { Point } from '../timeseries/time-series.ts';
import type { Gap } from './sequence-book.ts';

export interface Source {
  identity: RecordIdentity;
  time: RecordTime;
  receivedMs: number;
}

export function isTelemetry(payload: Payload): payload is TelemetryPayload {
  return !['tracking', 'alert', 'range', 'clock', 'device'].includes(payload.kind);
}

export function toTrackingEvent(payload: TrackingPayload, { identity, time, receivedMs }: Source): TrackingEvent {
  const { place } = payload;
  return {
    version: 1,
    eventId: eventIdOf(identity),
    packageId: payload.packageId,
    otherIds: payload.otherIds,
    eventType: payload.eventType,
    scanType: payload.scanType,
    businessStep: payload.businessStep,
    occurredAt: isoOf(time.wallMs),
    recordedAt: isoOf(receivedMs),
    clock: {
      state: time.state,
      // JSON has no Infinity: an unknown uncertainty is stated as the largest a record can carry.
      uncertaintyMs: Number.isFinite(time.uncertaintyMs) ? time.uncertaintyMs : 2 ** 50,
      corrected: false,
    },
    location: place,
    ...(place.vehicleId === undefined ? {} : { vehicleId: place.vehicleId }),
    ...(payload.employeeId === undefined ? {} : { employeeId: payload.employeeId }),
    source: { ...identity, deviceId: payload.deviceId },
    data: {
      scanned: payload.scanned,
      ...(payload.aim === undefined ? {} : { aim: payload.aim }),
      ...(payload.antenna === undefined ? {} : { antenna: payload.antenna }),
      ...(payload.rssiDbm === undefined ? {} : { rssiDbm: payload.rssiDbm }),
      ...(payload.reads === undefined ? {} : { reads: payload.reads }),
    },
  };
}

export function toAlert(payload: AlertPayload, { identity, time }: Source): AlertMessage {
  const { kind: _kind, place, ...alert } = payload;
  return {
    version: 1,
    ...alert,
    eventId: eventIdOf(identity),
    gatewayId: identity.gatewayId,
    location: place,
    occurredAt: isoOf(time.wallMs),
  };
}

/** A device's state as an alert: raised while it is not online. One open alert per device. */
export function deviceToAlert(payload: DevicePayload, { identity, time }: Source): AlertMessage {
  const { gatewayId } = identity;
  return {
    version: 1,
    alertId: alertIdOf(`device/${gatewayId}/${payload.deviceId}`),
    eventId: eventIdOf(identity),
    phase: payload.state === 'online' ? 'cleared' : 'raised',
    ruleId: 'device-health',
    severity: 'warning',
    gatewayId,
    deviceId: payload.deviceId,
    location: {},
    quantity: payload.code || 'online',
    value: payload.state === 'online' ? 1 : 0,
    limit: 1,
    message: payload.message || `${payload.deviceId} is ${payload.state}`,
    occurredAt: isoOf(time.wallMs),
  };
}

/** Records of a gateway that should be there and are not. */
export function gapToAlert(gap: Gap, phase: 'raised' | 'cleared', nowMs: number): AlertMessage {
  const { gatewayId, epoch, lane, first, last } = gap;
  const count = last - first + 1;
  const alertId = alertIdOf(`gap/${gatewayId}/${epoch}/${lane}/${first}`);
  return {
    version: 1,
    alertId,
    eventId: alertIdOf(`${alertId}/${phase}/${last}`),
    phase,
    ruleId: 'sequence-gap',
    severity: 'critical',
    gatewayId,
    deviceId: '',
    location: {},
    quantity: 'missingRecords',
    value: phase === 'raised' ? count : 0,
    limit: 0,
    message:
      phase === 'raised'
        ? `${count} records of lane ${lane} are missing (${first} to ${last}, epoch ${epoch})`
        : `the gap from ${first} to ${last} in lane ${lane} is closed`,
    occurredAt: isoOf(nowMs),
  };
}

export function toPoint(payload: TelemetryPayload, { identity, time }: Source): Point {
  const { kind, deviceId, place, ...fields } = payload;
  const tags: Record<string, string> = { gateway: identity.gatewayId, device: deviceId };
  if (place.facilityId !== undefined) tags.facility = place.facilityId;
  if (place.vehicleId !== undefined) tags.vehicle = place.vehicleId;
  if (place.readPoint !== undefined) tags.read_point = place.readPoint;
  return {
    measurement: kind,
    tags,
    fields: fields as Point['fields'],
    atMs: time.wallMs,
    // Two readings of one device in one millisecond differ in sequence, so neither replaces the other.
    subMsNs: identity.sequence % 1_000_000,
  };
}

/** ISO 8601, UTC, milliseconds. Outside the range of dates the nearest representable one. */
export function isoOf(ms: number): string {
  return new Date(Math.min(8.64e15, Math.max(-8.64e15, Math.round(ms)))).toISOString();
}

function alertIdOf(name: string): string {
  const hex = createHash('sha256').update(name).digest('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}
