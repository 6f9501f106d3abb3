/** Decoded records → messages of `package-events` and `alerts`, and points of the time series. Pure. */
import { createHash } from 'node:crypto';
import { eventIdOf, type RecordIdentity } from '../../protocols/uplink/identity.ts';
import type {
  AlertPayload,
  DevicePayload,
  Payload,
  Place,
  TelemetryPayload,
  TrackingPayload,
} from '../../protocols/uplink/model.ts';
import type { RecordTime } from '../../protocols/uplink/record.ts';
import type { AlertMessage, TrackingEvent } from '../../protocols/uplink/tracking-event.ts';
import type { Point } from '../timeseries/time-series.ts';
import type { Contradiction } from './ledger-audit.ts';
import type { Gap } from './sequence-book.ts';
import type { Exploding } from './series-alerts.ts';

export interface Source {
  identity: RecordIdentity;
  time: RecordTime;
  /** The gateway did not know the time when it recorded this; `time` is what it learned later. */
  corrected: boolean;
  receivedMs: number;
  /** Of an event of the open door: what its client called it. */
  clientEventId?: string;
  /** Of a dead letter that is tried again: which, and which attempt. */
  replayOf?: string;
}

/** alert.schema.json */
const MOST_CONTEXT = 20;
const OTHER_KINDS: ReadonlySet<string> = new Set(['tracking', 'alert', 'range', 'clock', 'device']);

export function isTelemetry(payload: Payload): payload is TelemetryPayload {
  return !OTHER_KINDS.has(payload.kind);
}

export function toTrackingEvent(
  payload: TrackingPayload,
  { identity, time, corrected, receivedMs, clientEventId }: Source,
): TrackingEvent {
  const { place } = payload;
  const event: TrackingEvent = {
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
      uncertaintyMs: statedUncertaintyMs(time.uncertaintyMs),
      corrected,
    },
    location: place,
    source: {
      gatewayId: identity.gatewayId,
      epoch: identity.epoch,
      lane: identity.lane,
      sequence: identity.sequence,
      deviceId: payload.deviceId,
    },
    data: { scanned: payload.scanned },
  };
  const { source, data } = event;
  if (place.vehicleId !== undefined) event.vehicleId = place.vehicleId;
  if (payload.employeeId !== undefined) event.employeeId = payload.employeeId;
  if (clientEventId !== undefined) source.clientEventId = clientEventId;
  if (payload.aim !== undefined) data.aim = payload.aim;
  if (payload.antenna !== undefined) data.antenna = payload.antenna;
  if (payload.rssiDbm !== undefined) data.rssiDbm = payload.rssiDbm;
  if (payload.reads !== undefined) data.reads = payload.reads;
  if (payload.presentMs !== undefined) data.presentMs = payload.presentMs;
  return event;
}

/** JSON has no Infinity: an unknown uncertainty is stated as the largest a record can carry. */
export function statedUncertaintyMs(uncertaintyMs: number): number {
  return Number.isFinite(uncertaintyMs) ? uncertaintyMs : 2 ** 50;
}

export function toAlert(payload: AlertPayload, { identity, time }: Source): AlertMessage {
  const { kind: _kind, place, context, ...alert } = payload;
  const occurredAt = isoOf(time.wallMs);
  const atMs = Date.parse(occurredAt);
  return {
    version: 1,
    ...alert,
    eventId: eventIdOf(identity),
    gatewayId: identity.gatewayId,
    location: place,
    occurredAt,
    ...(context && {
      context: context.slice(0, MOST_CONTEXT).map(({ offsetMs, value }) => ({ atMs: atMs + offsetMs, value })),
    }),
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
  return hubAlert({
    name: `gap/${gatewayId}/${epoch}/${lane}/${first}`,
    instance: String(last),
    phase,
    ruleId: 'sequence-gap',
    gatewayId,
    quantity: 'missingRecords',
    value: phase === 'raised' ? count : 0,
    message:
      phase === 'raised'
        ? `${count} records of lane ${lane} are missing (${first} to ${last}, epoch ${epoch})`
        : `the gap from ${first} to ${last} in lane ${lane} is closed`,
    nowMs,
  });
}

/** A gateway's ledger and the hub's cannot both be true. */
export function auditToAlert(found: Contradiction, phase: 'raised' | 'cleared', nowMs: number): AlertMessage {
  const { gatewayId, epoch, lane, message } = found;
  return hubAlert({
    name: `conservation/${gatewayId}/${epoch}/${lane}`,
    instance: String(nowMs),
    phase,
    ruleId: 'conservation',
    gatewayId,
    quantity: 'violations',
    value: phase === 'raised' ? 1 : 0,
    message: `lane ${lane}, epoch ${epoch}: ${message}`,
    nowMs,
  });
}

/** A gateway makes more series than one may have: a tag explodes. */
export function seriesToAlert(found: Exploding, phase: 'raised' | 'cleared', nowMs: number): AlertMessage {
  const { gatewayId, measurement, reason } = found;
  return hubAlert({
    name: `series/${gatewayId}/${measurement}`,
    instance: String(nowMs),
    phase,
    ruleId: 'series-limit',
    gatewayId,
    quantity: 'refusedSeries',
    value: phase === 'raised' ? 1 : 0,
    message: phase === 'raised' ? reason : `no more series of ${measurement} are refused`,
    nowMs,
  });
}

/** An alert that the hub itself raises about a gateway's records. Its limit is zero: none should be. */
function hubAlert(at: {
  /** Names the alert: the same in its raise and its clear. */
  name: string;
  /** Tells its occasions apart. */
  instance: string;
  phase: 'raised' | 'cleared';
  ruleId: string;
  gatewayId: string;
  quantity: string;
  value: number;
  message: string;
  nowMs: number;
}): AlertMessage {
  const { name, instance, nowMs, ...alert } = at;
  const alertId = alertIdOf(name);
  return {
    version: 1,
    alertId,
    eventId: alertIdOf(`${alertId}/${at.phase}/${instance}`),
    severity: 'critical',
    deviceId: '',
    location: {},
    limit: 0,
    occurredAt: isoOf(nowMs),
    ...alert,
  };
}

export function toPoint(payload: TelemetryPayload, { identity, time }: Source): Point {
  const { kind, deviceId, place } = payload;
  const fields: Record<string, number | boolean> = {};
  const values = payload as unknown as Readonly<Record<string, number | boolean>>;
  for (const key in values) {
    const value = values[key];
    if (value !== undefined && !NOT_FIELDS.has(key)) fields[key] = value;
  }
  // A boot that never learned the time is flagged, not guessed.
  if (time.state === 'unsynced') fields.unsynced = true;
  return {
    measurement: kind,
    tags: tagsOf(identity.gatewayId, deviceId, place),
    fields,
    atMs: time.wallMs,
    // Two readings of one device in one millisecond differ in sequence, so neither replaces the other.
    subMsNs: identity.sequence % 1_000_000,
  };
}

const NOT_FIELDS: ReadonlySet<string> = new Set(['kind', 'deviceId', 'place']);

/** One object for the points of one device: those of a batch come from few. At most `MAX_TAGGED` devices are remembered. */
function tagsOf(gateway: string, device: string, { facilityId, vehicleId, readPoint }: Place): Point['tags'] {
  const known = tagged.get(device);
  if (
    known?.gateway === gateway &&
    known.facility === facilityId &&
    known.vehicle === vehicleId &&
    known.read_point === readPoint
  )
    return known;
  const tags: Record<string, string> = { gateway, device };
  if (facilityId !== undefined) tags.facility = facilityId;
  if (vehicleId !== undefined) tags.vehicle = vehicleId;
  if (readPoint !== undefined) tags.read_point = readPoint;
  if (tagged.size >= MAX_TAGGED) tagged.clear();
  tagged.set(device, tags);
  return tags;
}

const MAX_TAGGED = 4_096;
const tagged = new Map<string, Point['tags']>();

/** ISO 8601, UTC, milliseconds. Outside the range of dates the nearest representable one. */
export function isoOf(ms: number): string {
  const whole = Math.round(ms);
  const day = Math.floor(whole / DAY_MS);
  if (day !== isoDay.day) {
    const midnightMs = Math.min(8.64e15, Math.max(-8.64e15, whole - (whole - day * DAY_MS)));
    isoDay = { day, text: new Date(midnightMs).toISOString().slice(0, -'00:00:00.000Z'.length) };
  }
  if (!(Math.abs(whole) <= 8.64e15)) return new Date(Math.sign(whole) * 8.64e15).toISOString();
  const inDay = whole - day * DAY_MS;
  const seconds = Math.floor(inDay / 1000);
  const minutes = Math.floor(seconds / 60);
  const clock = `${TWO[Math.floor(minutes / 60)]}:${TWO[minutes % 60]}:${TWO[seconds % 60]}`;
  return `${isoDay.text}${clock}.${String(1000 + (inDay % 1000)).slice(1)}Z`;
}

const DAY_MS = 86_400_000;
/** The day that was last written: events of one batch are of one day. */
let isoDay = { day: 0, text: '1970-01-01T' };
const TWO = Array.from({ length: 60 }, (_, value) => String(value).padStart(2, '0'));

function alertIdOf(name: string): string {
  const hex = createHash('sha256').update(name).digest('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}
