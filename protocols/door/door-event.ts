/**
 * Events of the open door: what a device or a partner without Milepost sends as JSON (design, section 5), one object each. Published
 * schema: door-event.schema.json (door-event-schema.ts). Names and units are those of protocols/uplink/model.ts.
 *
 * The client names each event (`eventId`, any text of at most 128 characters). (client, eventId) is its identity: what comes again under
 * it counts once, whatever way it came.
 */
import { createHash } from 'node:crypto';
import { canonicalJson } from '../base/canonical-json.ts';
import type { Lane, RecordIdentity } from '../uplink/identity.ts';
import type { EventType, Place, ScanType, TelemetryPayload } from '../uplink/model.ts';

interface DoorBase {
  eventId: string;
  /** ISO 8601 with an offset. Absent: when the hub took the event. */
  occurredAt?: string;
  /** How far `occurredAt` can be trusted. Absent: not verified by anybody. */
  clock?: { state: 'ntp' | 'gps'; uncertaintyMs: number };
  /** Absent: the client itself. */
  deviceId?: string;
  location?: Place;
}

/** A package was seen. `packageId` or `scanned` is there, and `scanType` or `businessStep`. */
export interface DoorTracking extends DoorBase {
  kind?: 'tracking';
  /** A package id, or the number on the label. */
  packageId?: string;
  /** What the scanner read; the package id follows from it. */
  scanned?: string;
  aim?: string;
  eventType?: EventType;
  scanType?: ScanType;
  businessStep?: string;
  employeeId?: string;
}

type Measured<T> = T extends TelemetryPayload ? Omit<T, 'deviceId' | 'place'> & DoorBase : never;
export type DoorTelemetry = Measured<TelemetryPayload>;

/** A number, text or state that has no kind of its own. */
export interface DoorMetric extends DoorBase {
  kind: 'metric';
  name: string;
  value: number | boolean | string;
}

export type DoorEvent = DoorTracking | DoorTelemetry | DoorMetric;

export const DOOR_KINDS = [
  'tracking',
  'temperature',
  'humidity',
  'shock',
  'position',
  'contact',
  'vibration',
  'vehicle',
  'metric',
] as const;
export type DoorKind = (typeof DOOR_KINDS)[number];

export function doorKindOf(event: { kind?: unknown }): DoorKind | undefined {
  const { kind = 'tracking' } = event;
  return DOOR_KINDS.find((each) => each === kind);
}

export function doorLaneOf(event: DoorEvent): Lane {
  return event.kind === undefined || event.kind === 'tracking' ? 'tracking' : 'telemetry';
}

/**
 * The identity of a door event in the terms of every other record. Epoch and sequence are 111 bits of SHA-256 over client and event id: no
 * count stands behind them, so they belong to no sequence book, and the order of two events of one time is arbitrary but the same everywhere.
 */
export function doorIdentity(client: string, eventId: string, lane: Lane): RecordIdentity {
  const hash = doorDigest(client, eventId);
  return {
    gatewayId: client,
    epoch: hash.toString('hex', 0, 8),
    lane,
    sequence: 1 + (hash.readUIntBE(8, 6) % (2 ** 47 - 1)),
  };
}

/** SHA-256 over both: what the hub remembers an event by. */
export function doorDigest(client: string, eventId: string): Buffer {
  return createHash('sha256').update(client).update('\n').update(eventId).digest();
}

/** The same for two events that say the same, whatever the order of their properties. */
export function contentDigest(event: object): Buffer {
  return createHash('sha256').update(canonicalJson(event)).digest();
}
