/**
 * A record of the open door, or a dead letter that is to be tried again, taken apart: for the processor, which knows what becomes of payloads
 * and points. Pure but for the book of ids, which the processor keeps durable.
 */
import { identify, packageIdOf, parsePackageId } from '../../protocols/barcode/identity.ts';
import { CodecError } from '../../protocols/base/codec-error.ts';
import {
  contentDigest,
  type DoorEvent,
  type DoorMetric,
  type DoorTracking,
  doorDigest,
  doorIdentity,
  doorLaneOf,
} from '../../protocols/door/door-event.ts';
import { BUSINESS_STEPS, isBusinessStep } from '../../protocols/uplink/business-steps.ts';
import type { Lane, RecordIdentity } from '../../protocols/uplink/identity.ts';
import type { TelemetryPayload, TrackingPayload } from '../../protocols/uplink/model.ts';
import type { RecordTime } from '../../protocols/uplink/record.ts';
import type { StoredRecord } from '../log/event-log.ts';
import type { Source } from '../process/to-messages.ts';
import type { Point } from '../timeseries/time-series.ts';
import type { IdBook } from './id-book.ts';
import { checkDoorEvent, type DoorFault, parseJson } from './validate.ts';

/** What one event turned into. */
export type DoorItem =
  | { kind: 'payload'; payload: TrackingPayload | TelemetryPayload; source: Source; bytes: Buffer }
  | { kind: 'point'; point: Point; source: Source; bytes: Buffer }
  | { kind: 'duplicate' }
  | {
      kind: 'letter';
      bytes: Buffer;
      fault: DoorFault | { code: 'door-conflict'; reason: string };
      identity?: RecordIdentity;
    };

const MAX_OTHER_IDS = 8;

export function isDoor(record: StoredRecord): boolean {
  return record.headers?.door !== undefined;
}

/**
 * The events of a record, each once: those seen before are duplicates, those seen before with other content are letters.
 * @param again Dead letters that are tried again were seen before: the same content passes.
 */
export function* doorItems(
  record: { key: string; value: Buffer; receivedMs: number; lane: Lane },
  book: Pick<IdBook, 'see'>,
  again = false,
): Generator<DoorItem, void, void> {
  const { key: client, value, receivedMs, lane } = record;
  const parsed = parseJson(value);
  if (parsed.fault) {
    yield { kind: 'letter', bytes: value, fault: parsed.fault };
    return;
  }
  for (const each of Array.isArray(parsed.value) ? parsed.value : [parsed.value]) {
    const { event, fault } = checkDoorEvent(each);
    // Of a dead letter that holds a whole message each processor takes its own lane.
    if (event && doorLaneOf(event) !== lane) continue;
    const bytes = Buffer.from(JSON.stringify(each));
    if (!event) {
      yield { kind: 'letter', bytes, fault };
      continue;
    }
    const seen = book.see(doorDigest(client, event.eventId), contentDigest(event), receivedMs);
    if (seen === 'other') {
      const reason = `event id ${JSON.stringify(event.eventId)} was used before, for another event; the first one counts`;
      yield {
        kind: 'letter',
        bytes,
        fault: { code: 'door-conflict', reason },
        identity: doorIdentity(client, event.eventId, lane),
      };
    } else if (seen === 'same' && !again) yield { kind: 'duplicate' };
    else yield itemOf(event, { client, receivedMs, lane, bytes });
  }
}

function itemOf(event: DoorEvent, at: { client: string; receivedMs: number; lane: Lane; bytes: Buffer }): DoorItem {
  const { client, receivedMs, lane, bytes } = at;
  const source: Source = {
    identity: doorIdentity(client, event.eventId, lane),
    time: timeOf(event, receivedMs),
    corrected: false,
    receivedMs,
    clientEventId: event.eventId,
  };
  if (event.kind === 'metric') return { kind: 'point', point: metricPoint(event, source), source, bytes };
  return { kind: 'payload', payload: payloadOf(event, client), source, bytes };
}

/** A time that nobody verified is flagged, not guessed. Without one it is the hub's own: when it took the event. */
function timeOf({ occurredAt, clock }: DoorEvent, receivedMs: number): RecordTime {
  const none = { bootId: 0, monotonicUs: 0 };
  if (occurredAt === undefined) return { ...none, wallMs: receivedMs, state: 'hub', uncertaintyMs: 0 };
  const trust = clock ?? ({ state: 'unsynced', uncertaintyMs: Number.POSITIVE_INFINITY } as const);
  return { ...none, wallMs: Date.parse(occurredAt), ...trust };
}

function payloadOf(event: Exclude<DoorEvent, DoorMetric>, client: string): TrackingPayload | TelemetryPayload {
  const { deviceId = client, location: place = {} } = event;
  if (isTracking(event)) return trackingOf(event, { deviceId, place });
  const { eventId: _id, occurredAt: _at, clock: _clock, location: _place, ...measured } = event;
  return { ...measured, deviceId, place };
}

function isTracking(event: DoorEvent): event is DoorTracking {
  return event.kind === undefined || event.kind === 'tracking';
}

function trackingOf(event: DoorTracking, at: Pick<TrackingPayload, 'deviceId' | 'place'>): TrackingPayload {
  const { businessStep = '', employeeId, aim } = event;
  const scanned = event.scanned ?? event.packageId ?? '';
  const [packageId = `code:${scanned}`, ...otherIds] = idsOf(event);
  return {
    kind: 'tracking',
    ...at,
    packageId,
    otherIds: otherIds.slice(0, MAX_OTHER_IDS),
    eventType: event.eventType ?? 'PACKAGE_SCANNED',
    scanType: event.scanType ?? (isBusinessStep(businessStep) ? BUSINESS_STEPS[businessStep] : 'INVENTORY'),
    businessStep,
    ...(employeeId === undefined ? {} : { employeeId }),
    scanned,
    ...(aim === undefined ? {} : { aim }),
  };
}

/** Best first. A package id that the client knows stands before what its label allows. */
function idsOf({ packageId, scanned, aim }: Pick<DoorTracking, 'packageId' | 'scanned' | 'aim'>): string[] {
  const label = scanned === undefined ? [] : read({ text: scanned, ...(aim === undefined ? {} : { aim }) });
  if (packageId === undefined) return label;
  const named = isPackageId(packageId) ? [packageId] : read({ text: packageId });
  return [...new Set([...named, ...label])];
}

function read(scan: { text: string; aim?: string }): string[] {
  return identify(scan).candidates.map(packageIdOf);
}

function isPackageId(text: string): boolean {
  try {
    parsePackageId(text);
    return true;
  } catch (error) {
    if (!(error instanceof CodecError)) throw error;
    return text.startsWith('epc:');
  }
}

/** Its number, text or state stands in a field of its own, so that no field ever changes its type. */
function metricPoint(event: DoorMetric, { identity, time }: Source): Point {
  const { name, value, deviceId, location = {} } = event;
  const tags: Record<string, string> = {
    gateway: identity.gatewayId,
    device: deviceId ?? identity.gatewayId,
    metric: name,
  };
  if (location.facilityId !== undefined) tags.facility = location.facilityId;
  if (location.vehicleId !== undefined) tags.vehicle = location.vehicleId;
  if (location.readPoint !== undefined) tags.read_point = location.readPoint;
  const field = typeof value === 'number' ? 'value' : typeof value === 'boolean' ? 'state' : 'text';
  return {
    measurement: 'metric',
    tags,
    fields: { [field]: value },
    atMs: Math.round(time.wallMs),
    subMsNs: identity.sequence % 1_000_000,
  };
}
