/**
 * The TrackingEvent: a message of `package-events` and a line of a package's timeline (design, section 2). JSON.
 * Published schema: tracking-event.schema.json.
 */

import type { Lane } from './identity.ts';
import type { AlertSeverity, EventType, Place, ScanType } from './model.ts';

export interface TrackingEvent {
  /** Version of this schema. */
  version: 1;
  /** UUIDv5 of the record's identity. */
  eventId: string;
  packageId: string;
  otherIds: string[];
  eventType: EventType;
  scanType: ScanType;
  businessStep: string;
  /** When the reader saw it, ISO 8601 UTC with milliseconds. */
  occurredAt: string;
  /** When the hub took it, ISO 8601 UTC. */
  recordedAt: string;
  /** How far `occurredAt` can be trusted. */
  clock: { state: 'unsynced' | 'ntp' | 'gps' | 'hub'; uncertaintyMs: number; corrected: boolean };
  location: Place;
  vehicleId?: string;
  employeeId?: string;
  source: {
    gatewayId: string;
    deviceId: string;
    epoch: string;
    lane: Lane;
    sequence: number;
    /** Of the open door: the id that the client gave; `gatewayId` names the client. */
    clientEventId?: string;
  };
  data: {
    scanned: string;
    aim?: string;
    antenna?: number;
    rssiDbm?: number;
    reads?: number;
    presentMs?: number;
    /** Of EXCEPTION_OCCURRED: what the hub found, by the package's own limits. */
    exception?: PackageException;
  };
}

export const EXCEPTION_KINDS = ['TEMPERATURE_EXCEPTION', 'EXCESSIVE_SHOCK', 'EXCESSIVE_TILT'] as const;
export type ExceptionKind = (typeof EXCEPTION_KINDS)[number];

/** A limit of a package was broken where it was; one phase of it. All phases share `exceptionId`. */
export interface PackageException {
  /** UUIDv5 of the package, the kind and the identity of the record that broke the limit. */
  exceptionId: string;
  kind: ExceptionKind;
  /** `retracted`: late records show that it was not so, or not this package's. */
  phase: 'began' | 'ended' | 'retracted';
  /** Counts what was said of it: of one phase, the highest counts. */
  revision: number;
  severity: AlertSeverity;
  /** Name with unit, for example `temperatureCelsius`. */
  quantity: string;
  /** The value that broke the limit; of `ended` the worst. */
  value: number;
  limit: number;
  /** ISO 8601 UTC. */
  beganAt: string;
  endedAt?: string;
  message: string;
}

/** A message of `alerts`: one phase of an alert. JSON. `alertId` names the alert, `eventId` this phase of it. */
export interface AlertMessage {
  version: 1;
  alertId: string;
  eventId: string;
  phase: 'raised' | 'cleared' | 'retracted';
  ruleId: string;
  severity: AlertSeverity;
  gatewayId: string;
  /** Empty when the alert is about the gateway itself. */
  deviceId: string;
  location: Place;
  quantity: string;
  value: number;
  limit: number;
  message: string;
  occurredAt: string;
  /** The readings around it, oldest first; at most 20. */
  context?: { /** Since 1970. */ atMs: number; value: number }[];
}
